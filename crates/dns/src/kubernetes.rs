//! The client of the API server, as kube2sky's flags name it (reference/k8sm-behaviour.md, section 6.3).

use std::path::PathBuf;

use anyhow::Context;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// How to reach the API server. With neither flag the pod's service account is used.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Access {
    /// URL of the API server; variables of the environment in it are expanded. It overrides the kubeconfig's server
    #[arg(long, default_value = "")]
    pub(crate) kube_master_url: String,
    /// Kubeconfig with the way to the API server
    #[arg(long)]
    pub(crate) kubecfg_file: Option<PathBuf>,
}

impl Access {
    /// A client.
    ///
    /// # Errors
    /// When a flag, the kubeconfig or the service account is not usable.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = match &self.kubecfg_file {
            Some(file) => {
                let kubeconfig = Kubeconfig::read_from(file).with_context(|| format!("reading {}", file.display()))?;
                let options = KubeConfigOptions::default();
                Config::from_custom_kubeconfig(kubeconfig, &options).await.context("understanding the kubeconfig")?
            }
            None => match Config::incluster() {
                Ok(config) => config,
                Err(_) if !self.kube_master_url.is_empty() => Config::new(self.url()?),
                Err(error) => return Err(error).context("no kubeconfig, no URL, and no service account of a pod"),
            },
        };
        if !self.kube_master_url.is_empty() {
            config.cluster_url = self.url()?;
        }
        Client::try_from(config).context("making a client of the API server")
    }

    fn url(&self) -> anyhow::Result<http::Uri> {
        let url = expand(&self.kube_master_url, |name| std::env::var(name).ok());
        let parsed: http::Uri = url.parse().with_context(|| format!("--kube-master-url={url}"))?;
        anyhow::ensure!(
            parsed.scheme().is_some() && parsed.host().is_some(),
            "--kube-master-url={url} needs a scheme and a host"
        );
        Ok(parsed)
    }
}

/// `$NAME` and `${NAME}` replaced by what `value` says of them, or by nothing.
fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, left) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(braced) => braced,
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        out.push_str(&value(name).unwrap_or_default());
        rest = left;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded() {
        let value = |name: &str| (name == "HOST").then(|| "10.0.0.1".to_owned());
        assert_eq!(expand("http://${HOST}:8888/$NONE", value), "http://10.0.0.1:8888/");
        assert_eq!(expand("http://$HOST:8888", value), "http://10.0.0.1:8888");
        assert_eq!(expand("plain", value), "plain");
    }
}
