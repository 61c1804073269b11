//! The flags of `km apiserver` (docs/architecture.md; reference/k8sm-behaviour.md, section 1.6).

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use ipnet::Ipv4Net;

use crate::authorize::Mode;

/// Flags of the documents that have no effect here.
pub(crate) const IGNORED: &[&str] = &[
    "admission-control",
    "allow-privileged",
    "cloud-config",
    "cloud-provider",
    "enable-admission-plugins",
    "disable-admission-plugins",
    "etcd-prefix",
    "health-check-minions",
    "kubelet-https",
    "mesos-master",
    "profiling",
    "runtime-config",
];

/// The Kubernetes API over etcd.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// etcd's URLs, separated by commas
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) etcd_servers: Vec<String>,
    /// Range of services' cluster addresses
    #[arg(long, alias = "portal-net", default_value = "10.10.10.0/24")]
    pub(crate) service_cluster_ip_range: Ipv4Net,
    /// Range of node ports, both ends included
    #[arg(long, default_value = "30000-32767", value_parser = port_range)]
    pub(crate) service_node_port_range: (u16, u16),
    /// Address of the plain port; the control network's, where basic auth is answered
    #[arg(long, alias = "address", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) insecure_bind_address: IpAddr,
    /// The plain port; 0 for none
    #[arg(long, alias = "port", default_value_t = 8080)]
    pub(crate) insecure_port: u16,
    /// Address of the TLS port
    #[arg(long, alias = "public-address-override", default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    pub(crate) bind_address: IpAddr,
    /// The TLS port; 0 for none
    #[arg(long, default_value_t = 6443)]
    pub(crate) secure_port: u16,
    /// Address published in the endpoints of the service `kubernetes`
    #[arg(long)]
    pub(crate) advertise_address: Option<IpAddr>,
    /// Name under which clients reach this server
    #[arg(long, default_value = "apiserver")]
    pub(crate) external_hostname: String,
    /// Directory of keys, certificates and tokens, by their usual names
    #[arg(long, default_value = "/var/run/kubernetes")]
    pub(crate) cert_dir: PathBuf,
    /// Authority of client certificates
    #[arg(long)]
    pub(crate) client_ca_file: Option<PathBuf>,
    /// Serving certificate
    #[arg(long)]
    pub(crate) tls_cert_file: Option<PathBuf>,
    /// Key of the serving certificate
    #[arg(long)]
    pub(crate) tls_private_key_file: Option<PathBuf>,
    /// Lines of token,user,uid[,"group,…"]
    #[arg(long)]
    pub(crate) token_auth_file: Option<PathBuf>,
    /// Lines of password,user,uid[,"group,…"]
    #[arg(long)]
    pub(crate) basic_auth_file: Option<PathBuf>,
    /// Key (or public keys) of service account tokens, RSA or ECDSA
    #[arg(long)]
    pub(crate) service_account_key_file: Option<PathBuf>,
    /// Key that signs service account tokens
    #[arg(long)]
    pub(crate) service_account_signing_key_file: Option<PathBuf>,
    /// Issuer of service account tokens
    #[arg(long, default_value = "https://kubernetes.default.svc.cluster.local")]
    pub(crate) service_account_issuer: String,
    /// URL of the keys by which others verify service account tokens; below the issuer's where not given
    #[arg(long)]
    pub(crate) service_account_jwks_uri: Option<String>,
    /// Authority of the kubelets' certificates
    #[arg(long)]
    pub(crate) kubelet_certificate_authority: Option<PathBuf>,
    /// Certificate shown to kubelets
    #[arg(long)]
    pub(crate) kubelet_client_certificate: Option<PathBuf>,
    /// Its key
    #[arg(long)]
    pub(crate) kubelet_client_key: Option<PathBuf>,
    /// How long a kubelet may take to answer
    #[arg(long, default_value = "5s", value_parser = serve::duration::of_flag)]
    pub(crate) kubelet_timeout: Duration,
    /// How long events are kept
    #[arg(long, default_value = "1h", value_parser = serve::duration::of_flag)]
    pub(crate) event_ttl: Duration,
    /// How often etcd forgets what was before the last time; 0s for never
    #[arg(long, default_value = "5m", value_parser = serve::duration::of_flag)]
    pub(crate) etcd_compaction_interval: Duration,
    /// Who decides what users may do, separated by commas; one that allows is enough
    #[arg(long, value_delimiter = ',', default_value = "Node,RBAC")]
    pub(crate) authorization_mode: Vec<Mode>,
    /// Requests answered at one time, watches not counted; more are told to come again
    #[arg(long, default_value_t = 400)]
    pub(crate) max_requests_inflight: usize,
    /// Verbosity of the log
    #[arg(long, default_value_t = 0)]
    pub(crate) v: u8,
}

impl Options {
    /// The file named by a flag, else that of the usual name in the certificate directory if it is there.
    pub(crate) fn file(&self, flag: Option<&PathBuf>, name: &str) -> Option<PathBuf> {
        flag.cloned().or_else(|| Some(self.cert_dir.join(name)).filter(|path| path.exists()))
    }
}

/// `30000-32767`.
fn port_range(text: &str) -> Result<(u16, u16), String> {
    let parse = |port: &str| port.trim().parse::<u16>().ok().filter(|&port| port > 0);
    match text.split_once('-').map(|(low, high)| (parse(low), parse(high))) {
        Some((Some(low), Some(high))) if low <= high => Ok((low, high)),
        _ => Err(format!("{text:?} is no range of ports (such as 30000-32767)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        serve::flags::parse("apiserver", line.split_whitespace().map(str::to_owned).collect(), IGNORED)
    }

    #[test]
    fn the_guides_lines_are_understood() {
        let options = parse(
            "-address=127.0.0.1 -mesos_master=h:5050 --etcd_servers=http://a:4001,http://b:4001 -portal_net=10.10.10.0/24 \
             -port=8888 -cloud_provider=mesos -health_check_minions=false --event-ttl=48h",
        )
        .unwrap();
        assert_eq!(options.etcd_servers.len(), 2);
        assert_eq!((options.insecure_port, options.event_ttl), (8888, Duration::from_secs(48 * 3600)));
    }

    #[test]
    fn ranges_are_checked() {
        for bad in ["30000", "5-1", "0-9", "a-b"] {
            assert!(port_range(bad).is_err(), "{bad}");
        }
        assert_eq!(port_range("30000-32767"), Ok((30000, 32767)));
    }
}
