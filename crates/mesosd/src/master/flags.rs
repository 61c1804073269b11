//! A master's flags: each is also `MESOS_<NAME>` in the environment, and the command line wins (reference sections 9.1, 9.2).

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::bail;
use clap::{ArgAction, Parser};

use super::server::parse_time;

/// Flags of a real master that choose between things of which there is only one here.
const WITHOUT_EFFECT: &[&str] = &[
    "allocator",
    "authenticators",
    "authorizers",
    "external-log-file",
    "filter-gpu-resources",
    "hostname-lookup",
    "log-auto-initialize",
    "logging-level",
    "max-operator-event-stream-subscribers",
    "min-allocatable-resources",
    "quiet",
    "registry-fetch-timeout",
    "registry-store-timeout",
    "registry-strict",
    "webui-dir",
    "work-dir",
    "zk-session-timeout",
];

/// What a master is started with.
#[derive(Debug, Clone, Parser)]
#[command(about = "The built-in Mesos master: offers what agents have to frameworks, and launches their tasks")]
pub(super) struct Flags {
    /// Address to listen on.
    #[arg(long, env = "MESOS_IP", default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED))]
    pub(super) ip: IpAddr,
    /// Port to listen on.
    #[arg(long, env = "MESOS_PORT", default_value_t = 5050)]
    pub(super) port: u16,
    /// Address that others reach this master at, where it is not the one it listens on.
    #[arg(long, env = "MESOS_ADVERTISE_IP")]
    pub(super) advertise_ip: Option<IpAddr>,
    /// Port that others reach this master at, where it is not the one it listens on.
    #[arg(long, env = "MESOS_ADVERTISE_PORT")]
    pub(super) advertise_port: Option<u16>,
    /// Name that others reach this master at.
    #[arg(long, env = "MESOS_HOSTNAME", default_value = "localhost")]
    pub(super) hostname: String,
    /// Name of the cluster, for show.
    #[arg(long, env = "MESOS_CLUSTER")]
    pub(super) cluster: Option<String>,
    /// Roles that frameworks may subscribe to besides `*`, with commas between; all, where it is not set.
    #[arg(long, env = "MESOS_ROLES")]
    roles: Option<String>,
    /// Whether frameworks may run as root.
    #[arg(long, env = "MESOS_ROOT_SUBMISSIONS", default_value_t = true, num_args = 0..=1, default_missing_value = "true",
          action = ArgAction::Set)]
    pub(super) root_submissions: bool,
    /// Where the registry is kept; agents bring everything that matters, so there is only this one.
    #[arg(long, env = "MESOS_REGISTRY", default_value = "in_memory")]
    registry: String,
    /// ZooKeeper, which is not supported.
    #[arg(long, env = "MESOS_ZK")]
    zk: Option<String>,
    /// Least time between rounds of offers.
    #[arg(long, env = "MESOS_ALLOCATION_INTERVAL", default_value = "1secs", value_parser = parse_time)]
    pub(super) allocation_interval: Duration,
    /// How long offers stand; for ever, where it is not set.
    #[arg(long, env = "MESOS_OFFER_TIMEOUT", value_parser = parse_time)]
    pub(super) offer_timeout: Option<Duration>,
    /// How often agents are pinged.
    #[arg(long, env = "MESOS_AGENT_PING_TIMEOUT", default_value = "15secs", value_parser = parse_time)]
    pub(super) agent_ping_timeout: Duration,
    /// So many unanswered pings make an agent unreachable.
    #[arg(long, env = "MESOS_MAX_AGENT_PING_TIMEOUTS", default_value_t = 5)]
    pub(super) max_agent_ping_timeouts: u32,
    /// How long a new master waits for the agents of the one before it.
    #[arg(long, env = "MESOS_AGENT_REREGISTER_TIMEOUT", default_value = "10mins", value_parser = parse_time)]
    pub(super) agent_reregister_timeout: Duration,
    /// How many frameworks that are over are remembered.
    #[arg(long, env = "MESOS_MAX_COMPLETED_FRAMEWORKS", default_value_t = 50)]
    pub(super) max_completed_frameworks: usize,
    /// How many tasks that are over are remembered for each framework.
    #[arg(long, env = "MESOS_MAX_COMPLETED_TASKS_PER_FRAMEWORK", default_value_t = 1000)]
    pub(super) max_completed_tasks_per_framework: usize,
    /// How many unreachable tasks are remembered for each framework.
    #[arg(long, env = "MESOS_MAX_UNREACHABLE_TASKS_PER_FRAMEWORK", default_value_t = 1000)]
    pub(super) max_unreachable_tasks_per_framework: usize,
    /// How much is logged.
    #[arg(long, default_value_t = 0)]
    pub(super) v: u8,
}

impl Flags {
    /// Reads the command line, and the environment.
    ///
    /// # Errors
    /// What is wrong with which flag.
    pub(super) fn parse(args: Vec<String>) -> anyhow::Result<Self> {
        let flags: Self = serve::flags::parse("mesos-master", args, WITHOUT_EFFECT)?;
        flags.check()?;
        Ok(flags)
    }

    fn check(&self) -> anyhow::Result<()> {
        let second = Duration::from_secs(1);
        if self.zk.is_some() {
            bail!("--zk: ZooKeeper is not supported; this master is the only one");
        }
        if !matches!(self.registry.as_str(), "in_memory" | "replicated_log") {
            bail!("--registry has to be in_memory, not '{}'", self.registry);
        }
        if self.allocation_interval.is_zero() {
            bail!("--allocation_interval has to be above zero");
        }
        if self.offer_timeout.is_some_and(|timeout| timeout.is_zero()) {
            bail!("--offer_timeout has to be above zero");
        }
        if self.agent_ping_timeout < second || self.agent_ping_timeout > 900 * second {
            bail!("--agent_ping_timeout has to be between 1secs and 15mins");
        }
        if self.max_agent_ping_timeouts == 0 {
            bail!("--max_agent_ping_timeouts has to be at least 1");
        }
        Ok(())
    }

    /// The roles besides `*` that may be subscribed to; none means all.
    pub(super) fn roles(&self) -> Vec<String> {
        let names = self.roles.iter().flat_map(|roles| roles.split(','));
        names.map(str::trim).filter(|role| !role.is_empty()).map(str::to_owned).collect()
    }

    /// What is set, by name, as `/flags` shows it.
    pub(super) fn shown(&self) -> Vec<(&'static str, String)> {
        let time = |time: Duration| format!("{}secs", time.as_secs_f64());
        let mut shown = vec![
            ("agent_ping_timeout", time(self.agent_ping_timeout)),
            ("agent_reregister_timeout", time(self.agent_reregister_timeout)),
            ("allocation_interval", time(self.allocation_interval)),
            ("hostname", self.hostname.clone()),
            ("ip", self.ip.to_string()),
            ("max_agent_ping_timeouts", self.max_agent_ping_timeouts.to_string()),
            ("max_completed_frameworks", self.max_completed_frameworks.to_string()),
            ("max_completed_tasks_per_framework", self.max_completed_tasks_per_framework.to_string()),
            ("max_unreachable_tasks_per_framework", self.max_unreachable_tasks_per_framework.to_string()),
            ("port", self.port.to_string()),
            ("registry", self.registry.clone()),
            ("root_submissions", self.root_submissions.to_string()),
        ];
        let optional = [
            ("advertise_ip", self.advertise_ip.map(|ip| ip.to_string())),
            ("advertise_port", self.advertise_port.map(|port| port.to_string())),
            ("cluster", self.cluster.clone()),
            ("offer_timeout", self.offer_timeout.map(time)),
            ("roles", self.roles.clone()),
        ];
        shown.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        shown.sort_unstable();
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<Flags> {
        Flags::parse(line.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn flags_are_those_of_mesos() {
        let flags =
            parse("--ip=127.0.0.1 --port=0 --roles=public,a --agent_ping_timeout=1secs --work_dir=/x --no-such")
                .unwrap_err();
        assert!(flags.to_string().contains("--no-such"), "{flags}");
        let flags = parse("--ip=127.0.0.1 --roles=public,a --agent_ping_timeout=2secs --work_dir=/x").unwrap();
        assert_eq!(flags.roles(), ["public", "a"]);
        assert_eq!(flags.agent_ping_timeout, Duration::from_secs(2));
        assert!(flags.shown().contains(&("roles", "public,a".to_owned())));
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        for (line, name) in [
            ("--zk=zk://a:2181/mesos", "--zk"),
            ("--agent_ping_timeout=1ms", "--agent_ping_timeout"),
            ("--max_agent_ping_timeouts=0", "--max_agent_ping_timeouts"),
            ("--registry=etcd", "--registry"),
            ("--offer_timeout=soon", "soon"),
        ] {
            let error = format!("{:#}", parse(line).unwrap_err());
            assert!(error.contains(name), "{line}: {error}");
        }
    }
}
