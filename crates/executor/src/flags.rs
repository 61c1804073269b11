//! The flags of `km minion` and `km executor`: one set, which the minion passes on as it got it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::node::pressure::Thresholds;

/// Flags of the original's minion and kubelet that mean nothing here (reference/k8sm-behaviour.md, 1.3 and 1.4).
const IGNORED: &[&str] = &[
    "mesos-cgroup-prefix",
    "private-mountns",
    "path-override",
    "contain-pod-resources",
    "max-log-size",
    "max-log-age",
    "max-log-backups",
    "proxy-kubeconfig",
    "proxy-bindall",
    "proxy-mode",
    "conntrack-max",
    "conntrack-max-per-core",
    "conntrack-tcp-timeout-established",
    "suicide-timeout",
    "mesos-launch-grace-period",
    "require-kubeconfig",
    "auth-path",
    "kube-api-content-type",
    "kube-api-qps",
    "kube-api-burst",
    "experimental-bootstrap-kubeconfig",
    "config",
    "pod-manifest-path",
    "sync-frequency",
    "file-check-frequency",
    "http-check-frequency",
    "manifest-url",
    "manifest-url-header",
    "runonce",
    "enable-server",
    "read-only-port",
    "cadvisor-port",
    "enable-debugging-handlers",
    "streaming-connection-idle-timeout",
    "node-labels",
    "register-node",
    "register-schedulable",
    "node-status-update-frequency",
    "pods-per-core",
    "system-reserved",
    "kube-reserved",
    "experimental-nvidia-gpus",
    "container-runtime",
    "runtime-request-timeout",
    "docker-exec-handler",
    "container-runtime-endpoint",
    "image-service-endpoint",
    "experimental-runtime-integration-type",
    "rkt-path",
    "rkt-api-endpoint",
    "serialize-image-pulls",
    "registry-qps",
    "registry-burst",
    "allow-privileged",
    "host-network-sources",
    "host-pid-sources",
    "host-ipc-sources",
    "seccomp-profile-root",
    "experimental-allowed-unsafe-sysctls",
    "containerized",
    "cgroup-root",
    "kubelet-cgroups",
    "resource-container",
    "system-cgroups",
    "system-container",
    "runtime-cgroups",
    "cpu-cfs-quota",
    "oom-score-adj",
    "max-open-files",
    "protect-kernel-defaults",
    "minimum-container-ttl-duration",
    "maximum-dead-containers-per-container",
    "maximum-dead-containers",
    "minimum-image-ttl-duration",
    "image-gc-high-threshold",
    "image-gc-low-threshold",
    "low-diskspace-threshold-mb",
    "outofdisk-transition-frequency",
    "volume-stats-agg-period",
    "eviction-soft",
    "eviction-soft-grace-period",
    "eviction-pressure-transition-period",
    "eviction-max-pod-grace-period",
    "eviction-minimum-reclaim",
    "resolv-conf",
    "network-plugin",
    "network-plugin-dir",
    "cni-conf-dir",
    "cni-bin-dir",
    "network-plugin-mtu",
    "hairpin-mode",
    "configure-cbr0",
    "pod-cidr",
    "non-masquerade-cidr",
    "reconcile-cidr",
    "make-iptables-util-chains",
    "iptables-masquerade-bit",
    "iptables-drop-bit",
    "experimental-flannel-overlay",
    "volume-plugin-dir",
    "enable-controller-attach-detach",
    "master-service-namespace",
    "cloud-provider",
    "cloud-config",
    "event-qps",
    "event-burst",
    "enable-custom-metrics",
    "lock-file",
    "exit-on-lock-contention",
    "babysit-daemons",
    "really-crash-for-testing",
    "chaos-chance",
    "feature-gates",
    "housekeeping-interval",
    "global-housekeeping-interval",
    "profiling",
    "proxy-exec",
    "proxy-logfile",
    "shutdown-fd",
    "shutdown-fifo",
];

/// What a node's processes are told.
#[derive(Clone, Debug, Parser)]
#[command(about = "A Mesos agent as a Kubernetes node")]
pub struct Flags {
    /// The API servers' URLs. The kubeconfig's server is used where none is named; of several the first one is.
    #[arg(long, value_delimiter = ',')]
    pub api_servers: Vec<String>,
    /// Who we are at the API server. The kubelet's certificate, key and client authority lie beside it.
    #[arg(long, default_value = "/etc/k8sm/kubeconfig")]
    pub kubeconfig: PathBuf,
    /// The node's name: the agent's hostname. MESOS' own where it is not given.
    #[arg(long)]
    pub hostname_override: Option<String>,
    /// The node's address, where it is not that of the slave's container on the pods network.
    #[arg(long)]
    pub node_ip: Option<IpAddr>,
    /// Nameserver of pods with dnsPolicy ClusterFirst.
    #[arg(long)]
    pub cluster_dns: Option<IpAddr>,
    /// Domain of services and pods.
    #[arg(long, default_value = "cluster.local")]
    pub cluster_domain: String,
    /// The cluster that containers are labelled with.
    #[arg(long, default_value = "k8sm")]
    pub k8sm_cluster: String,
    /// The Docker network of pods; `<cluster>-pods` where it is not given.
    #[arg(long)]
    pub pod_network: Option<String>,
    /// The image of sandboxes; it runs `pause`.
    #[arg(long, default_value = "k8sm/km:latest")]
    pub pod_infra_container_image: String,
    /// Where the node keeps pods' files.
    #[arg(long, default_value = "/var/lib/k8sm")]
    pub root_dir: PathBuf,
    /// The Docker engine's socket.
    #[arg(long, default_value = "unix:///var/run/docker.sock")]
    pub docker_endpoint: String,
    /// Address of the kubelet's HTTPS API.
    #[arg(long, default_value = "0.0.0.0")]
    pub address: IpAddr,
    /// Port of the kubelet's HTTPS API.
    #[arg(long, default_value_t = 10250)]
    pub port: u16,
    /// Address of the executor's own health, plain.
    #[arg(long, default_value = "127.0.0.1")]
    pub healthz_bind_address: IpAddr,
    /// Port of the executor's own health; 0 turns it off.
    #[arg(long, default_value_t = 10248)]
    pub healthz_port: u16,
    /// The kubelet's certificate (PEM), where it is not `kubelet.crt` beside the kubeconfig.
    #[arg(long)]
    pub tls_cert_file: Option<PathBuf>,
    /// Its key (PEM), where it is not `kubelet.key` beside the kubeconfig.
    #[arg(long)]
    pub tls_private_key_file: Option<PathBuf>,
    /// The authority of client certificates (PEM), where it is not `ca.crt` beside the kubeconfig.
    #[arg(long)]
    pub client_ca_file: Option<PathBuf>,
    /// Pods that the node takes at most.
    #[arg(long, default_value_t = 110)]
    pub max_pods: u32,
    /// What is to be left of the node, as `memory.available<100Mi,nodefs.available<1Gi,pid.available<1000`; with less of it
    /// the node has the condition MemoryPressure, DiskPressure or PIDPressure.
    #[arg(long, default_value = "")]
    pub eviction_hard: Thresholds,
    /// Whether the minion runs the service proxy.
    #[arg(long, default_value_t = true, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub run_proxy: bool,
    /// The range of service addresses; the service proxy's own default where it is not given.
    #[arg(long)]
    pub service_cluster_ip_range: Option<String>,
    /// Verbosity of the service proxy's log.
    #[arg(long, default_value_t = 0)]
    pub proxy_logv: u8,
    /// Verbosity of the log.
    #[arg(long, default_value_t = 0)]
    pub v: u8,
}

impl Flags {
    /// Parses the line of `server` ("minion" or "executor").
    ///
    /// # Errors
    /// What clap says of the line.
    pub fn parse_line(server: &str, args: Vec<String>) -> Result<Self, clap::Error> {
        serve::flags::parse(server, args, IGNORED)
    }

    /// The line of the service proxy on this node.
    #[must_use]
    pub fn proxy_line(&self) -> Vec<String> {
        let mut line = vec![
            format!("--kubeconfig={}", self.kubeconfig.display()),
            format!("--root-dir={}", self.root_dir.display()),
            format!("--v={}", self.proxy_logv),
        ];
        line.extend(self.api_servers.first().map(|server| format!("--master={server}")));
        line.extend(self.service_cluster_ip_range.as_ref().map(|range| format!("--service-cluster-ip-range={range}")));
        line.extend(self.hostname_override.as_ref().map(|node| format!("--hostname-override={node}")));
        line
    }

    /// The Docker network of pods.
    #[must_use]
    pub fn network(&self) -> String {
        self.pod_network.clone().unwrap_or_else(|| format!("{}-pods", self.k8sm_cluster))
    }

    /// `given`, or the file `name` in the kubeconfig's directory.
    #[must_use]
    pub fn credential(&self, given: Option<&PathBuf>, name: &str) -> PathBuf {
        given.cloned().unwrap_or_else(|| self.kubeconfig.parent().unwrap_or(Path::new(".")).join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, clap::Error> {
        Flags::parse_line("executor", line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn the_minions_line_is_understood() {
        let flags = parse(
            "--api-servers=https://apiserver:6443 --kubeconfig=/etc/k8sm/kubeconfig --hostname-override=mesosslave1 \
             --cluster-dns=10.10.10.10 --cluster-domain=cluster.local --k8sm-cluster=one --run-proxy=false --v=2 \
             --proxy-mode=userspace --conntrack-max 0 --max_log_size=10Mi --pod-infra-container-image=k8sm/km:x",
        )
        .unwrap();
        assert_eq!(flags.network(), "one-pods");
        assert!(!flags.run_proxy);
        assert_eq!(flags.credential(None, "kubelet.crt"), Path::new("/etc/k8sm/kubelet.crt"));
    }

    #[test]
    fn the_proxy_is_told_where_and_as_whom() {
        let flags = parse(
            "--api-servers=https://a:6443,https://b:6443 --service-cluster-ip-range=10.3.0.0/16 --proxy-logv=2 --hostname-override=n1",
        );
        assert_eq!(
            flags.unwrap().proxy_line(),
            [
                "--kubeconfig=/etc/k8sm/kubeconfig",
                "--root-dir=/var/lib/k8sm",
                "--v=2",
                "--master=https://a:6443",
                "--service-cluster-ip-range=10.3.0.0/16",
                "--hostname-override=n1"
            ]
        );
    }

    #[test]
    fn thresholds_are_understood_or_refused() {
        assert_eq!(parse("").unwrap().eviction_hard, Thresholds::default());
        assert_ne!(parse("--eviction-hard=nodefs.available<2Gi").unwrap().eviction_hard, Thresholds::default());
        assert!(parse("--eviction-hard=nodefs.available<lots").is_err());
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(parse("--no-such-flag=1").is_err());
    }
}
