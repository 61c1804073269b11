//! Our entries in a kubeconfig, and the memory in our context's extensions by which they are taken out again.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_yaml::Value;

use crate::cluster::name::ClusterName;
use crate::cluster::pki::Pki;
use crate::failure::Failure;

/// The name of our extension of a context.
pub(super) const EXTENSION: &str = "io.k8sm";

/// What kubectl needs to reach the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// The name of context, cluster and user.
    pub(crate) name: String,
    /// The cluster's own name.
    pub(crate) cluster: String,
    /// `https://127.0.0.1:PORT`, or with the name of the engine's host.
    pub(crate) server: String,
    /// The authority's certificate, PEM.
    pub(crate) ca: String,
    /// The administrator's certificate, PEM.
    pub(crate) certificate: String,
    /// And its key, PEM.
    pub(crate) key: String,
}

/// What has to be known to take our entries out again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Memory {
    /// The cluster's own name.
    pub(crate) cluster: String,
    /// The context that was current before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_context: Option<String>,
    /// Whether the file had no such context even then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) previous_absent: bool,
    /// The line that said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current_line: Option<String>,
    /// Sections that were not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) added: Vec<String>,
    /// First lines of sections that were there and empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) replaced: BTreeMap<String, String>,
    /// Whether the file had no newline at its end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unterminated: bool,
    /// The file's bytes, base64, where its style does not allow to edit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) original: Option<String>,
    /// What `up` made besides: `file`, or `directory` and file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<String>,
    /// The file's mode, octal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
}

impl Access {
    /// The way to `cluster`, whose engine is at `host`.
    ///
    /// # Errors
    /// When the cluster's keys are not complete.
    pub(crate) fn of(cluster: &ClusterName, host: &str, port: u16, pki: &Pki) -> Result<Self, Failure> {
        // An IPv6 address stands in brackets.
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Ok(Self {
            name: cluster.context(),
            cluster: cluster.to_string(),
            server: format!("https://{host}:{port}"),
            ca: pki.text("ca.crt")?,
            certificate: pki.text("admin.crt")?,
            key: pki.text("admin.key")?,
        })
    }

    /// Our entry of a section.
    pub(crate) fn entry(&self, section: &str, memory: &Memory) -> Value {
        let name = &self.name;
        let value = match section {
            "clusters" => json!({"name": name, "cluster": {
                "certificate-authority-data": STANDARD.encode(&self.ca),
                "server": self.server,
            }}),
            "users" => json!({"name": name, "user": {
                "client-certificate-data": STANDARD.encode(&self.certificate),
                "client-key-data": STANDARD.encode(&self.key),
            }}),
            _ => json!({"name": name, "context": {
                "cluster": name,
                "extensions": [{"extension": memory, "name": EXTENSION}],
                "user": name,
            }}),
        };
        serde_yaml::to_value(value).expect("JSON is YAML")
    }

    /// A kubeconfig that holds nothing else.
    ///
    /// # Errors
    /// When it cannot be written as YAML.
    pub(crate) fn document(&self) -> Result<String, Failure> {
        let pair = crate::cluster::pki::Pair { certificate: self.certificate.clone(), key: self.key.clone() };
        Ok(crate::cluster::pki::kubeconfig(&self.server, &self.ca, &self.name, &self.name, &pair)?)
    }
}

/// The memory in a context's entry; none where the context is not ours.
pub(crate) fn memory(entry: &Value) -> Option<Memory> {
    let extensions = entry.get("context")?.get("extensions")?.as_sequence()?;
    let ours = extensions.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(EXTENSION))?;
    serde_yaml::from_value(ours.get("extension")?.clone()).ok()
}

/// An entry with that memory instead of its own.
pub(crate) fn with_memory(entry: &Value, memory: &Memory) -> Value {
    let mut entry = entry.clone();
    let extensions = entry.get_mut("context").and_then(|context| context.get_mut("extensions"));
    for one in extensions.and_then(Value::as_sequence_mut).into_iter().flatten() {
        if one.get("name").and_then(Value::as_str) == Some(EXTENSION) {
            one["extension"] = serde_yaml::to_value(memory).expect("the memory is strings and lists");
        }
    }
    entry
}

/// The entry of that name in a section.
pub(crate) fn find<'a>(document: &'a Value, section: &str, name: &str) -> Option<&'a Value> {
    document.get(section)?.as_sequence()?.iter().find(|entry| named(entry, name))
}

/// Whether an entry has that name.
pub(crate) fn named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}
