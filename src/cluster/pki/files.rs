//! Which of the key material each component gets, and in which form.

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Pair, Pki};
use crate::cluster::archive::Entry;
use crate::cluster::spec::ContainerSpec;

/// Where a component finds its files.
const DIRECTORY: &str = "etc/k8sm";

/// How the components call the API server.
const SERVER: &str = "https://apiserver:6443";

/// The files of `/etc/k8sm` of a component; none for those that need no credentials.
///
/// # Errors
/// When a key cannot be made.
pub(crate) fn component_files(pki: &Pki, spec: &ContainerSpec) -> anyhow::Result<Vec<Entry>> {
    let file = |name: &str, content: String| Entry::secret(format!("{DIRECTORY}/{name}"), content);
    let config = |user: &str, organization: Option<&str>| -> anyhow::Result<Entry> {
        let pair = pki.client(user, organization).with_context(|| format!("make the certificate of {user}"))?;
        Ok(file("kubeconfig", kubeconfig(SERVER, &pki.text("ca.crt")?, "k8sm", user, &pair)?))
    };
    Ok(match spec.component.as_str() {
        "controller" => vec![
            config("system:kube-controller-manager", None)?,
            file("service-account.key", pki.text("service-account.key")?),
            file("ca.crt", pki.text("ca.crt")?),
        ],
        "scheduler" => vec![config("system:kube-scheduler", None)?],
        "mesosslave" => {
            let own = spec.networks.iter().map(|network| network.address.to_string());
            let names: Vec<String> =
                [spec.hostname.clone(), "localhost".into(), "127.0.0.1".into()].into_iter().chain(own).collect();
            let Pair { certificate, key } = pki.node_server(&spec.hostname, &names)?;
            vec![
                config(&format!("system:node:{}", spec.hostname), Some("system:nodes"))?,
                file("ca.crt", pki.text("ca.crt")?),
                file("kubelet.crt", certificate),
                file("kubelet.key", key),
            ]
        }
        _ => Vec::new(),
    })
}

/// A kubeconfig with its data inline and one context, `name`.
///
/// # Errors
/// When it cannot be written as YAML.
pub(crate) fn kubeconfig(server: &str, ca: &str, name: &str, user: &str, pair: &Pair) -> anyhow::Result<String> {
    let value = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": STANDARD.encode(ca)}}],
        "users": [{"name": user, "user": {
            "client-certificate-data": STANDARD.encode(&pair.certificate),
            "client-key-data": STANDARD.encode(&pair.key),
        }}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    });
    Ok(serde_yaml::to_string(&value)?)
}
