//! `k8sm create KIND NAME`: objects that need no manifest.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, Subcommand};
use kube_api::kinds;
use serde_json::{Map, Value, json};

use super::source::{Data, Sources};
use crate::client::manifest::Document;
use crate::failure::Failure;

/// The kinds that are created by name.
#[derive(Debug, Subcommand)]
pub(super) enum Generator {
    /// Create a namespace
    #[command(visible_alias = "ns", after_help = "Example:\n  k8sm create namespace mine")]
    Namespace(Named),
    /// Create a config map out of values and files
    #[command(
        visible_alias = "cm",
        after_help = "Examples:\n  k8sm create configmap settings --from-literal=colour=blue\n  \
                                                  k8sm create configmap pages --from-file=www --dry-run=client -o yaml"
    )]
    Configmap(ConfigMap),
    /// Create a secret
    #[command(subcommand)]
    Secret(Secret),
    /// Create a service account
    #[command(visible_alias = "sa", after_help = "Example:\n  k8sm create serviceaccount builder")]
    Serviceaccount(Named),
}

/// An object that is its name.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its name
    #[arg(value_name = "NAME")]
    called: String,
}

/// A config map.
#[derive(Debug, Args)]
pub(super) struct ConfigMap {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    sources: Sources,
}

/// The sorts of secret.
#[derive(Debug, Subcommand)]
pub(super) enum Secret {
    /// Create a secret out of values and files
    #[command(after_help = "Examples:\n  k8sm create secret generic db --from-literal=password=s3cret\n  \
                            k8sm create secret generic keys --from-file=key=./id_ed25519")]
    Generic(Generic),
}

/// A secret of any type.
#[derive(Debug, Args)]
pub(super) struct Generic {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    sources: Sources,
    /// The type of secret [default: Opaque]
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
}

impl Generator {
    /// The object that is meant; in a namespace where one was `asked` for, else in the command's.
    ///
    /// # Errors
    /// Sources of data that cannot be read.
    pub(super) fn document(&self, asked: Option<&str>) -> Result<Document, Failure> {
        let (kind, name, fields) = match self {
            // as Go prints them, also where they say nothing
            Self::Namespace(named) => ("Namespace", &named.called, json!({"spec": {}, "status": {}})),
            Self::Configmap(map) => ("ConfigMap", &map.named.called, config_map(map.sources.data("ConfigMap")?)),
            Self::Secret(Secret::Generic(secret)) => {
                let data = secret.sources.data("Secret")?;
                ("Secret", &secret.named.called, self::secret(data, secret.secret_type.as_deref()))
            }
            Self::Serviceaccount(named) => ("ServiceAccount", &named.called, json!({})),
        };
        Ok(document(kind, name, fields, asked))
    }
}

fn document(kind: &str, name: &str, fields: Value, asked: Option<&str>) -> Document {
    let kind = kinds::of("v1", kind).expect("it is in the table of kinds");
    let namespace = asked.filter(|_| kind.namespaced).map(str::to_owned);
    let mut object = fields;
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.into();
    object["metadata"] = json!({"creationTimestamp": null, "name": name});
    if let Some(namespace) = &namespace {
        object["metadata"]["namespace"] = namespace.as_str().into();
    }
    let place = format!("failed to create {}", kind.singular);
    Document { place, kind, name: name.to_owned(), namespace, json: object.to_string().into_bytes() }
}

/// Text as it is, other bytes in base64.
fn config_map(data: Data) -> Value {
    let (mut text, mut binary) = (Map::new(), Map::new());
    for (key, bytes) in data {
        match String::from_utf8(bytes) {
            Ok(value) => text.insert(key, value.into()),
            Err(bytes) => binary.insert(key, BASE64_STANDARD.encode(bytes.as_bytes()).into()),
        };
    }
    let mut fields = Map::new();
    for (name, map) in [("data", text), ("binaryData", binary)] {
        if !map.is_empty() {
            fields.insert(name.to_owned(), map.into());
        }
    }
    fields.into()
}

fn secret(data: Data, secret_type: Option<&str>) -> Value {
    let mut fields = json!({});
    if !data.is_empty() {
        let encoded = data.into_iter().map(|(key, bytes)| (key, Value::from(BASE64_STANDARD.encode(bytes))));
        fields["data"] = Value::Object(encoded.collect());
    }
    if let Some(secret_type) = secret_type {
        fields["type"] = secret_type.into();
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        generator: Generator,
    }

    fn made(line: &str, asked: Option<&str>) -> Value {
        let line = Line::try_parse_from(line.split_whitespace()).expect("it is meant");
        line.generator.document(asked).expect("made").value()
    }

    #[test]
    fn generated_objects_are_those_of_kubectl() {
        assert_eq!(
            made("create ns n", Some("elsewhere")),
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"creationTimestamp": null, "name": "n"},
                "spec": {}, "status": {}})
        );
        assert_eq!(
            made("create cm m --from-literal=a=1", Some("mine")),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"},
                "metadata": {"creationTimestamp": null, "name": "m", "namespace": "mine"}})
        );
        let secret = made("create secret generic s --from-literal=a=1 --type=x/y", None);
        assert_eq!((&secret["data"], &secret["type"]), (&json!({"a": "MQ=="}), &json!("x/y")));
        assert!(made("create sa a", None)["spec"].is_null());
    }

    #[test]
    fn bytes_that_are_no_text_are_binary() {
        let data = [("t".to_owned(), b"x".to_vec()), ("b".to_owned(), vec![0xff, 0])].into();
        assert_eq!(config_map(data), json!({"data": {"t": "x"}, "binaryData": {"b": "/wA="}}));
        assert_eq!(config_map(Data::new()), json!({}));
    }
}
