//! Flags of `km controller-manager` (reference/k8sm-behaviour.md, section 1.5).

use std::net::IpAddr;

use clap::Parser;

/// Flags of the documents that have no effect here; each is said once by name.
pub const IGNORED: &[&str] = &[
    "allocate-node-cidrs",
    "cloud-config",
    "cloud-provider",
    "cluster-cidr",
    "cluster-name",
    "cluster-signing-cert-file",
    "cluster-signing-key-file",
    "concurrent-endpoint-syncs",
    "concurrent-gc-syncs",
    "concurrent-namespace-syncs",
    "concurrent-rc-syncs",
    "concurrent-resource-quota-syncs",
    "concurrent-service-syncs",
    "concurrent-serviceaccount-token-syncs",
    "configure-cloud-routes",
    "controller-start-interval",
    "deleting-pods-burst",
    "deleting-pods-qps",
    "enable-garbage-collector",
    "feature-gates",
    "host-port-endpoints",
    "kube-api-burst",
    "kube-api-content-type",
    "kube-api-qps",
    "min-resync-period",
    "namespace-sync-period",
    "node-cidr-mask-size",
    "node-monitor-period",
    "node-sync-period",
    "profiling",
    "pvclaimbinder-sync-period",
    "register-retry-count",
    "resource-quota-sync-period",
    "route-reconciliation-period",
    "service-account-private-key-file",
    "service-cluster-ip-range",
    "service-sync-period",
];

/// The line as it was typed.
#[derive(Clone, Debug, Parser)]
#[command(about = "Control loops: replication, endpoints, nodes, namespaces, service accounts, garbage")]
pub struct Flags {
    /// Port of health and metrics
    #[arg(long, default_value_t = 10252)]
    pub port: u16,
    /// Address of the same
    #[arg(long, default_value = "0.0.0.0")]
    pub address: IpAddr,
    /// URL of the API server; a kubeconfig's wins
    #[arg(long, default_value = "")]
    pub master: String,
    /// Kubeconfig
    #[arg(long, default_value = "")]
    pub kubeconfig: String,
    /// The cluster's certificate authority in PEM, published in every namespace
    #[arg(long, default_value = "")]
    pub root_ca_file: String,
    /// How long a node may be silent
    #[arg(long, default_value = "40s")]
    pub node_monitor_grace_period: jiff::SignedDuration,
    /// How long a new node may take for its first word
    #[arg(long, default_value = "60s")]
    pub node_startup_grace_period: jiff::SignedDuration,
    /// How long pods stay on a node that is not ready
    #[arg(long, default_value = "5m")]
    pub pod_eviction_timeout: jiff::SignedDuration,
    /// How many finished pods are kept; 0 is all
    #[arg(long, default_value_t = 12_500)]
    pub terminated_pod_gc_threshold: usize,
    /// Work only while holding the lease kube-system/k8sm-controller-manager
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub leader_elect: bool,
    /// Verbosity of the log
    #[arg(long, default_value_t = 0)]
    pub v: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_ages_are_understood() {
        let parse = |line: &str| -> Flags {
            serve::flags::parse("controller-manager", line.split_whitespace().map(str::to_owned).collect(), IGNORED)
                .unwrap()
        };
        let compose = parse(
            "--kubeconfig=/etc/k8sm/kubeconfig --address=0.0.0.0 --port=10252 --root-ca-file=/etc/k8sm/ca.crt \
             --service-account-private-key-file=/etc/k8sm/service-account.key",
        );
        assert_eq!((compose.port, compose.root_ca_file.as_str()), (10252, "/etc/k8sm/ca.crt"));
        let old = parse(
            "--master=127.0.0.1:8888 --cloud_provider=mesos --cloud-config ./mesos.conf --pod_eviction_timeout=1m --v=1",
        );
        assert_eq!(old.pod_eviction_timeout.as_secs(), 60);
    }
}
