//! The flags of `km proxy`, as the minion passes them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use ipnet::Ipv4Net;

/// Flags of the original's proxy that mean nothing here (reference/k8sm-behaviour.md, section 1.7).
const IGNORED: &[&str] = &[
    "bind-address",
    "proxy-mode",
    "conntrack-max",
    "conntrack-max-per-core",
    "conntrack-tcp-timeout-established",
    "resource-container",
    "oom-score-adj",
    "proxy-port-range",
    "iptables-masquerade-bit",
    "iptables-sync-period",
    "config-sync-period",
    "masquerade-all",
    "cluster-cidr",
    "cleanup-iptables",
    "udp-timeout",
    "kube-api-qps",
    "kube-api-burst",
];

/// What a node's proxy is told.
#[derive(Clone, Debug, Parser)]
#[command(about = "Service addresses on a node")]
pub(crate) struct Flags {
    /// Who we are at the API server.
    #[arg(long, default_value = "/etc/k8sm/kubeconfig")]
    pub(crate) kubeconfig: PathBuf,
    /// The API server's URL, where it is not the kubeconfig's.
    #[arg(long)]
    pub(crate) master: Option<String>,
    /// The range of service addresses; what nobody serves in it is refused at once.
    #[arg(long, default_value = "10.10.10.0/24")]
    pub(crate) service_cluster_ip_range: Ipv4Net,
    /// Where the node keeps pods' files, and the proxy its door.
    #[arg(long, default_value = "/var/lib/k8sm")]
    pub(crate) root_dir: PathBuf,
    /// The node's name, where it is not the machine's; services with a policy `Local` keep to its endpoints.
    #[arg(long)]
    pub(crate) hostname_override: Option<String>,
    /// Where /healthz and /metrics answer.
    #[arg(long, default_value = "127.0.0.1:10249")]
    pub(crate) healthz_bind_address: SocketAddr,
    /// Verbosity of the log.
    #[arg(long, default_value_t = 0)]
    pub(crate) v: u8,
}

impl Flags {
    /// Reads the words after `km proxy`.
    ///
    /// # Errors
    /// What clap says of them.
    pub(crate) fn read(args: Vec<String>) -> Result<Self, clap::Error> {
        serve::flags::parse("proxy", args, IGNORED)
    }

    /// The node's name.
    ///
    /// # Errors
    /// When the machine does not tell its own.
    pub(crate) fn node(&self) -> std::io::Result<String> {
        match &self.hostname_override {
            Some(name) => Ok(name.clone()),
            None => Ok(std::fs::read_to_string("/proc/sys/kernel/hostname")?.trim().to_owned()),
        }
    }
}
