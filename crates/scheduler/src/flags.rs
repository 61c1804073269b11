//! Flags of `km scheduler` (reference/k8sm-behaviour.md, section 1.2) and what they mean.

use std::net::IpAddr;
use std::time::Duration;

use clap::Parser;
use mesos::MasterAddress;

/// Flags of the documents that have no effect here; each is said once by name.
pub const IGNORED: &[&str] = &[
    "account-for-pod-resources",
    "conntrack-max",
    "conntrack-max-per-core",
    "conntrack-tcp-timeout-established",
    "contain-pod-resources",
    "driver-port",
    "etcd-config",
    "etcd-servers",
    "executor-path",
    "executor-run-proxy",
    "framework-store-uri",
    "graceful",
    "ha",
    "kube-api-burst",
    "kube-api-qps",
    "kubelet-cadvisor-port",
    "kubelet-docker-endpoint",
    "kubelet-host-network-sources",
    "kubelet-network-plugin",
    "kubelet-sync-frequency",
    "mesos-authentication-provider",
    "mesos-cgroup-prefix",
    "minion-max-log-age",
    "minion-max-log-backups",
    "minion-max-log-size",
    "minion-path-override",
    "node-monitor-period",
    "profiling",
    "proxy-bindall",
    "proxy-kubeconfig",
    "proxy-path",
    "scheduler-config",
];

/// The line as it was typed.
#[derive(Clone, Debug, Parser)]
#[command(about = "The Mesos framework: launches pods on the agents that Mesos offers")]
pub struct Flags {
    /// Port of health, metrics, artifacts and debug pages
    #[arg(long, default_value_t = 10251)]
    pub port: u16,
    /// Address of the same
    #[arg(long, default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// API servers, the first of which the scheduler uses without a kubeconfig; all are handed to executors
    #[arg(long, visible_alias = "kubernetes-api-servers", value_delimiter = ',')]
    pub api_servers: Vec<String>,
    /// Kubeconfig of the scheduler's own client
    #[arg(long, default_value = "")]
    pub kubeconfig: String,
    /// Mesos masters: host:port or http://host:port, divided by commas; the one that leads is found among them
    #[arg(long, default_value = "localhost:5050")]
    pub mesos_master: String,
    /// User under which Mesos runs executors
    #[arg(long, default_value = "root")]
    pub mesos_user: String,
    /// Roles of the framework
    #[arg(long, visible_alias = "mesos-role", value_delimiter = ',', default_value = "*")]
    pub mesos_framework_roles: Vec<String>,
    /// Roles of pods that name none, in the order in which their resources are used
    #[arg(long, value_delimiter = ',', default_value = "*")]
    pub mesos_default_pod_roles: Vec<String>,
    /// Principal of the framework
    #[arg(long, default_value = "")]
    pub mesos_authentication_principal: String,
    /// File that holds the principal's secret
    #[arg(long, default_value = "")]
    pub mesos_authentication_secret_file: String,
    /// CPUs of a new executor
    #[arg(long, default_value_t = 0.25)]
    pub mesos_executor_cpus: f64,
    /// Memory of a new executor, in MB
    #[arg(long, default_value_t = 128.0)]
    pub mesos_executor_mem: f64,
    /// Whether agents keep the framework's tasks over their own restart
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub checkpoint: bool,
    /// Seconds that Mesos keeps the framework's tasks without a scheduler
    #[arg(long, default_value_t = 4_611_686_018.427_388)]
    pub failover_timeout: f64,
    /// Fill the tasks' DiscoveryInfo
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub mesos_generate_task_discovery: bool,
    /// Hostname of the framework in Mesos' pages
    #[arg(long, default_value = "")]
    pub hostname_override: String,
    /// Seconds between implicit reconciliations; 0 is never
    #[arg(long, default_value_t = 300)]
    pub reconcile_interval: u64,
    /// Name of the framework
    #[arg(long, default_value = "Kubernetes")]
    pub framework_name: String,
    /// Page of the framework, linked by Mesos' pages
    #[arg(long, default_value = "")]
    pub framework_weburi: String,
    /// Cluster IP of the service k8sm-scheduler; empty leaves the choice to the API server
    #[arg(long, default_value = "")]
    pub service_address: String,
    /// host:port of the artifacts as agents reach them
    #[arg(long, default_value = "")]
    pub advertised_address: String,
    /// CPUs of a container with neither request nor limit
    #[arg(long, default_value_t = 0.25)]
    pub default_container_cpu_limit: f64,
    /// Memory of a container with neither request nor limit, in MB
    #[arg(long, default_value_t = 64.0)]
    pub default_container_mem_limit: f64,
    /// Give container ports a host port of the offer, for agents whose containers have host-private addresses
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub host_port_endpoints: bool,
    /// Where agents have km: a path (served over HTTP), a URI, or file:///path of the agents
    #[arg(long, default_value = "")]
    pub km_path: String,
    /// Start an executor on every agent as soon as it is offered
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub prelaunch_executors: bool,
    /// How long an unused offer is held
    #[arg(long, default_value = "5s", value_parser = serve::duration::of_flag)]
    pub offer_ttl: Duration,
    /// What is handed on to minions and executors
    #[command(flatten)]
    pub node: NodeFlags,
    /// Verbosity of the log
    #[arg(long, default_value_t = 0)]
    pub v: u8,
}

/// Flags that the scheduler only hands on.
#[derive(Clone, Debug, clap::Args)]
pub struct NodeFlags {
    /// Address of the cluster's DNS
    #[arg(long, default_value = "")]
    pub cluster_dns: String,
    /// Domain of the cluster's DNS
    #[arg(long, default_value = "")]
    pub cluster_domain: String,
    /// The range of service addresses
    #[arg(long, default_value = "")]
    pub service_cluster_ip_range: String,
    /// Name of the cluster on Docker
    #[arg(long, default_value = "")]
    pub k8sm_cluster: String,
    /// Docker network of the pods
    #[arg(long, default_value = "")]
    pub pod_network: String,
    /// Image of the pods' sandboxes
    #[arg(long, visible_alias = "kubelet-pod-infra-container-image", default_value = "")]
    pub pause_image: String,
    /// Kubeconfig of the executors, on the agents
    #[arg(long, default_value = "")]
    pub kubelet_kubeconfig: String,
    /// API servers of the executors, where they are others
    #[arg(long, value_delimiter = ',')]
    pub kubelet_api_servers: Vec<String>,
    /// Directory of the executors' files, on the agents
    #[arg(long, default_value = "/var/lib/k8sm")]
    pub kubelet_root_dir: String,
    /// Whether pods may be privileged
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub allow_privileged: bool,
    /// Serve exec, attach and logs on nodes
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub kubelet_enable_debugging_handlers: bool,
    /// Run the service proxy beside the executor
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub run_proxy: bool,
    /// How the service proxy works
    #[arg(long, default_value = "")]
    pub proxy_mode: String,
    /// Verbosity of the service proxy
    #[arg(long, default_value_t = 0)]
    pub proxy_logv: u8,
    /// Verbosity of minion and executor
    #[arg(long, default_value_t = 0)]
    pub executor_logv: u8,
    /// Executors listen on all addresses
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub executor_bindall: bool,
    /// How long an executor without pods lives; 0 is for ever
    #[arg(long, default_value = "20m")]
    pub executor_suicide_timeout: String,
    /// How long a pod may take to run before its launch is cancelled
    #[arg(long, default_value = "5m")]
    pub mesos_launch_grace_period: String,
    /// A Docker configuration that executors fetch for image pulls
    #[arg(long, default_value = "")]
    pub dockercfg_path: String,
    /// An archive that is unpacked into executors' sandboxes
    #[arg(long, default_value = "")]
    pub mesos_sandbox_overlay: String,
    /// A directory of pods that every executor runs
    #[arg(long, default_value = "")]
    pub static_pods_config: String,
}

/// Why flags that parse cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlagError {
    /// Neither a kubeconfig nor an API server.
    #[error("flag --api-servers or --kubeconfig is required")]
    NoApiServer,
    /// The original's limit, and its words.
    #[error("only one custom role allowed in addition to \"*\"")]
    Roles,
    /// A default role that the framework does not have.
    #[error("role {0:?} of --mesos-default-pod-roles is none of --mesos-framework-roles")]
    PodRole(String),
    /// Empty after trimming.
    #[error("flag --framework-name must not be empty")]
    FrameworkName,
    /// What is no address of a master.
    #[error("flag --mesos-master: {0}")]
    Master(#[from] mesos::address::AddressError),
    /// A secret of nobody.
    #[error("flag --mesos-authentication-secret-file needs --mesos-authentication-principal: whose secret is it?")]
    NoPrincipal,
    /// What needs another way.
    #[error("flag --{0} is not supported: {1}")]
    Unsupported(&'static str, &'static str),
}

impl Flags {
    /// What cannot work is refused by name before anything starts.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), FlagError> {
        if self.api_servers.is_empty() && self.kubeconfig.is_empty() {
            return Err(FlagError::NoApiServer);
        }
        if self.mesos_framework_roles.iter().filter(|role| *role != "*").count() > 1 {
            return Err(FlagError::Roles);
        }
        if let Some(stranger) =
            self.mesos_default_pod_roles.iter().find(|role| !self.mesos_framework_roles.contains(role))
        {
            return Err(FlagError::PodRole(stranger.clone()));
        }
        if self.framework_name.trim().is_empty() {
            return Err(FlagError::FrameworkName);
        }
        if self.mesos_master.starts_with("zk://") {
            return Err(FlagError::Unsupported("mesos-master=zk://", "name all masters as host:port,host:port"));
        }
        self.masters()?;
        if !self.mesos_authentication_secret_file.is_empty() && self.mesos_authentication_principal.is_empty() {
            return Err(FlagError::NoPrincipal);
        }
        if !self.node.static_pods_config.is_empty() {
            return Err(FlagError::Unsupported("static-pods-config", "create the pods through the API"));
        }
        Ok(())
    }

    /// The masters, in the order in which they are tried.
    ///
    /// # Errors
    /// The first that is no address.
    pub fn masters(&self) -> Result<Vec<MasterAddress>, FlagError> {
        Ok(self.mesos_master.split(',').map(|master| master.trim().parse()).collect::<Result<_, _>>()?)
    }

    /// Whether agents have to fetch something from here.
    #[must_use]
    pub fn serves_artifacts(&self) -> bool {
        let given = [&self.node.mesos_sandbox_overlay, &self.node.dockercfg_path];
        !self.km_path.contains("://") || given.iter().any(|path| !path.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Flags {
        serve::flags::parse("scheduler", line.split_whitespace().map(str::to_owned).collect(), IGNORED).unwrap()
    }

    #[test]
    fn the_compose_files_line_is_understood() {
        let flags = flags(
            "--kubeconfig=/etc/k8sm/kubeconfig --api-servers=https://apiserver:6443 --mesos-master=mesosmaster1:5050 \
             --address=0.0.0.0 --port=10251 --mesos-framework-roles=*,public --mesos-default-pod-roles=*,public \
             --km-path=file:///km --prelaunch-executors=true --cluster-dns=10.10.10.10 --cluster-domain=cluster.local \
             --k8sm-cluster=k8sm --pod-network=k8sm-pods --pause-image=k8sm/km:1 --kubelet-kubeconfig=/etc/k8sm/kubeconfig",
        );
        assert_eq!(flags.check(), Ok(()));
        assert_eq!(flags.mesos_framework_roles, ["*", "public"]);
        assert!(flags.prelaunch_executors);
        assert_eq!(flags.node.pause_image, "k8sm/km:1");
    }

    #[test]
    fn flags_of_older_ages_are_taken() {
        let flags =
            flags("--mesos_master=m:5050 --api_servers=a:8888 --mesos_user=root --etcd_servers=http://e:4001 --v=1");
        assert_eq!((flags.mesos_master.as_str(), flags.api_servers[0].as_str()), ("m:5050", "a:8888"));
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        assert_eq!(flags("").check(), Err(FlagError::NoApiServer));
        assert_eq!(flags("--api-servers=a --mesos-framework-roles=a,b").check(), Err(FlagError::Roles));
        let stranger = flags("--api-servers=a --mesos-default-pod-roles=x").check();
        assert_eq!(stranger, Err(FlagError::PodRole("x".into())));
        assert!(flags("--api-servers=a --mesos-master=zk://h/p").check().is_err());
        assert!(matches!(flags("--api-servers=a --mesos-master=a:5050,b:x").check(), Err(FlagError::Master(_))));
        let secret = "--api-servers=a --mesos-authentication-secret-file=/s";
        assert_eq!(flags(secret).check(), Err(FlagError::NoPrincipal));
        assert_eq!(flags(&format!("{secret} --mesos-authentication-principal=k8sm")).check(), Ok(()));
    }

    #[test]
    fn masters_are_divided_by_commas() {
        let masters = flags("--mesos-master=a:5050,http://b:5051/,c").masters().unwrap();
        assert_eq!(masters.iter().map(ToString::to_string).collect::<Vec<_>>(), ["a:5050", "b:5051", "c:5050"]);
    }
}
