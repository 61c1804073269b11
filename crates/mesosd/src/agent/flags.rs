//! The agent's flags, as Mesos names them: each also as `MESOS_<NAME>` in the environment, the command line wins
//! (reference, sections 9.1 and 9.3).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Parser, ValueEnum};

use super::duration::Text;

/// Flags of a real agent that choose between things of which there is only one here.
const WITHOUT_EFFECT: &[&str] = &[
    "containerizers",
    "isolation",
    "launcher",
    "runtime-dir",
    "launcher-dir",
    "fetcher-cache-dir",
    "fetcher-cache-size",
    "gc-delay",
    "gc-disk-headroom",
    "disk-watch-interval",
    "strict",
    "reconfiguration-policy",
    "docker",
    "docker-socket",
    "docker-remove-delay",
    "docker-stop-timeout",
    "docker-kill-orphans",
    "docker-registry",
    "image-providers",
    "sandbox-directory",
    "logging-level",
    "quiet",
    "authenticate-http-readonly",
    "authenticate-http-readwrite",
    "hostname-lookup",
    "cgroups-enable-cfs",
    "cgroups-hierarchy",
    "cgroups-root",
    "oversubscribed-resources-interval",
    "zk-session-timeout",
    "systemd-enable-support",
];

/// What the agent was started with.
#[derive(Clone, Debug, Parser)]
#[command(about = "The built-in Mesos agent: runs executors and reports their tasks")]
pub(crate) struct Flags {
    /// The master, as host:port.
    #[arg(long, env = "MESOS_MASTER", value_parser = text)]
    pub(crate) master: String,
    /// The address to listen on and to be reached at. [default: listen on all, be reached at the hostname's address]
    #[arg(long, env = "MESOS_IP", value_parser = parsed::<IpAddr>)]
    pub(crate) ip: Option<IpAddr>,
    /// The port to listen on.
    #[arg(long, env = "MESOS_PORT", default_value_t = 5051, value_parser = parsed::<u16>)]
    pub(crate) port: u16,
    /// The address to be reached at, where it differs from --ip.
    #[arg(long, env = "MESOS_ADVERTISE_IP", value_parser = parsed::<IpAddr>)]
    pub(crate) advertise_ip: Option<IpAddr>,
    /// The port to be reached at, where it differs from --port.
    #[arg(long, env = "MESOS_ADVERTISE_PORT", value_parser = parsed::<u16>)]
    pub(crate) advertise_port: Option<u16>,
    /// The name in offers. [default: this machine's]
    #[arg(long, env = "MESOS_HOSTNAME", value_parser = text)]
    pub(crate) hostname: Option<String>,
    /// Where sandboxes and what is needed to recover are kept.
    #[arg(long, env = "MESOS_WORK_DIR")]
    pub(crate) work_dir: PathBuf,
    /// What is offered: `cpus:4;mem:1024;ports:[31000-32000]` or JSON; what is not named is detected.
    #[arg(long, env = "MESOS_RESOURCES", value_parser = text, default_value = "")]
    pub(crate) resources: String,
    /// What the agent is called beside: `rack:a;level:10`.
    #[arg(long, env = "MESOS_ATTRIBUTES", value_parser = text, default_value = "")]
    pub(crate) attributes: String,
    /// The role of resources that name none.
    #[arg(long, env = "MESOS_DEFAULT_ROLE", value_parser = text, default_value = "*")]
    pub(crate) default_role: String,
    /// Run executors as the user that their command or framework names.
    #[arg(long, env = "MESOS_SWITCH_USER", default_value = "true", default_missing_value = "true", num_args = 0..=1,
          require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(crate) switch_user: bool,
    /// How long an executor may take from its launch to SUBSCRIBE.
    #[arg(long, env = "MESOS_EXECUTOR_REGISTRATION_TIMEOUT", value_parser = parsed::<Text>, default_value = "1mins")]
    pub(crate) executor_registration_timeout: Text,
    /// How long executors may take to subscribe again after the agent restarted.
    #[arg(long, env = "MESOS_EXECUTOR_REREGISTRATION_TIMEOUT", value_parser = at_most_15_seconds, default_value = "2secs")]
    pub(crate) executor_reregistration_timeout: Text,
    /// How long an executor may take to end after SHUTDOWN.
    #[arg(long, env = "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", value_parser = parsed::<Text>, default_value = "5secs")]
    pub(crate) executor_shutdown_grace_period: Text,
    /// A JSON object of variables for executors, instead of the agent's own environment.
    #[arg(long, env = "MESOS_EXECUTOR_ENVIRONMENT_VARIABLES", value_parser = parsed::<Variables>)]
    pub(crate) executor_environment_variables: Option<Variables>,
    /// What to do with executors that outlived the agent.
    #[arg(long, env = "MESOS_RECOVER", value_enum, default_value = "reconnect")]
    pub(crate) recover: Recover,
    /// How long executors wait for an agent that is gone.
    #[arg(long, env = "MESOS_RECOVERY_TIMEOUT", value_parser = parsed::<Text>, default_value = "15mins")]
    pub(crate) recovery_timeout: Text,
    /// The first wait between attempts to register; it doubles up to ten seconds. Mesos spreads thousands of agents over
    /// a second; here a master that starts beside its agents is there in less.
    #[arg(long, env = "MESOS_REGISTRATION_BACKOFF_FACTOR", value_parser = parsed::<Text>, default_value = "100ms")]
    pub(crate) registration_backoff_factor: Text,
    /// Told to executors as MESOS_HTTP_COMMAND_EXECUTOR.
    #[arg(long, env = "MESOS_HTTP_COMMAND_EXECUTOR", default_value = "false", default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub(crate) http_command_executor: bool,
    /// Where relative URIs of commands are found.
    #[arg(long, env = "MESOS_FRAMEWORKS_HOME")]
    pub(crate) frameworks_home: Option<PathBuf>,
    /// How long a download may stand still.
    #[arg(long, env = "MESOS_FETCHER_STALL_TIMEOUT", value_parser = parsed::<Text>, default_value = "1mins")]
    pub(crate) fetcher_stall_timeout: Text,
    /// How many ended executors of a framework are remembered.
    #[arg(long, env = "MESOS_MAX_COMPLETED_EXECUTORS_PER_FRAMEWORK", value_parser = parsed::<usize>, default_value_t = 150)]
    pub(crate) max_completed_executors_per_framework: usize,
    /// Log more: 2 for debug, 6 for trace.
    #[arg(long, default_value_t = 0)]
    pub(crate) v: u8,
}

/// What to do with executors that outlived the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Recover {
    /// Let them subscribe again.
    Reconnect,
    /// End them, and then the agent.
    Cleanup,
}

/// Variables for executors, from a JSON object of strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variables(pub(crate) BTreeMap<String, String>);

impl FromStr for Variables {
    type Err = String;

    fn from_str(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map(Self).map_err(|error| format!("not a JSON object of strings: {error}"))
    }
}

impl Flags {
    /// Reads the command line (without the names of program and server) and the environment.
    ///
    /// # Errors
    /// What clap says of the line.
    pub(crate) fn read(args: Vec<String>) -> Result<Self, clap::Error> {
        let args = args.into_iter().map(|arg| positive(&arg)).collect();
        serve::flags::parse("mesos-agent", args, WITHOUT_EFFECT)
    }

    /// All flags with their values as text, as `/flags` and `/state` show them.
    pub(crate) fn shown(&self) -> BTreeMap<&'static str, String> {
        let mut shown = BTreeMap::from([
            ("attributes", self.attributes.clone()),
            ("default_role", self.default_role.clone()),
            ("executor_registration_timeout", self.executor_registration_timeout.to_string()),
            ("executor_reregistration_timeout", self.executor_reregistration_timeout.to_string()),
            ("executor_shutdown_grace_period", self.executor_shutdown_grace_period.to_string()),
            ("fetcher_stall_timeout", self.fetcher_stall_timeout.to_string()),
            ("http_command_executor", self.http_command_executor.to_string()),
            ("master", self.master.clone()),
            ("max_completed_executors_per_framework", self.max_completed_executors_per_framework.to_string()),
            ("port", self.port.to_string()),
            ("recover", format!("{:?}", self.recover).to_lowercase()),
            ("recovery_timeout", self.recovery_timeout.to_string()),
            ("registration_backoff_factor", self.registration_backoff_factor.to_string()),
            ("resources", self.resources.clone()),
            ("switch_user", self.switch_user.to_string()),
            ("work_dir", self.work_dir.display().to_string()),
        ]);
        let optional = [
            ("advertise_ip", self.advertise_ip.map(|ip| ip.to_string())),
            ("advertise_port", self.advertise_port.map(|port| port.to_string())),
            (
                "executor_environment_variables",
                self.executor_environment_variables
                    .as_ref()
                    .map(|variables| serde_json::json!(variables.0).to_string()),
            ),
            ("frameworks_home", self.frameworks_home.as_ref().map(|home| home.display().to_string())),
            ("hostname", self.hostname.clone()),
            ("ip", self.ip.map(|ip| ip.to_string())),
        ];
        shown.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        shown
    }
}

/// `--no-switch_user` as `--switch_user=false`.
fn positive(arg: &str) -> String {
    let negated = arg.strip_prefix("--no-").or_else(|| arg.strip_prefix("--no_"));
    match negated.map(|name| name.replace('-', "_")) {
        Some(name) if name == "switch_user" || name == "http_command_executor" => format!("--{name}=false"),
        _ => arg.to_owned(),
    }
}

/// A value, or with `file://` the content of the file that it names.
fn text(value: &str) -> Result<String, String> {
    let Some(path) = value.strip_prefix("file://") else { return Ok(value.to_owned()) };
    std::fs::read_to_string(path)
        .map(|content| content.trim().to_owned())
        .map_err(|error| format!("failed to read {path}: {error}"))
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(value: &str) -> Result<T, String> {
    text(value)?.parse().map_err(|error: T::Err| error.to_string())
}

fn at_most_15_seconds(value: &str) -> Result<Text, String> {
    let timeout: Text = parsed(value)?;
    if timeout.0.as_secs() > 15 {
        return Err("must not be greater than 15secs".to_owned());
    }
    Ok(timeout)
}

fn boolean(value: &str) -> Result<bool, String> {
    match text(value)?.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(format!("expecting a boolean (e.g., true or false), not '{other}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &[&str]) -> Result<Flags, clap::Error> {
        Flags::read(["--master=m:5050", "--work_dir=/w"].iter().chain(more).map(|arg| (*arg).to_owned()).collect())
    }

    #[test]
    fn booleans_have_all_of_mesos_forms() {
        assert!(read(&[]).unwrap().switch_user);
        assert!(read(&["--switch_user"]).unwrap().switch_user);
        for no in ["--no-switch_user", "--switch_user=false", "--switch_user=0"] {
            assert!(!read(&[no]).unwrap().switch_user, "{no}");
        }
        assert!(read(&["--switch_user=maybe"]).is_err());
    }

    #[test]
    fn a_value_may_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "cpus:2\n").unwrap();
        let flags = read(&[&format!("--resources=file://{}", file.path().display())]).unwrap();
        assert_eq!(flags.resources, "cpus:2");
    }

    #[test]
    fn what_is_shown_is_what_was_given() {
        let shown = read(&["--recovery_timeout=120secs", "--hostname=h"]).unwrap().shown();
        assert_eq!(shown["recovery_timeout"], "2mins");
        assert_eq!(shown["hostname"], "h");
        assert!(!shown.contains_key("ip"));
    }

    #[test]
    fn flags_without_effect_are_taken_and_unknown_ones_are_not() {
        assert!(read(&["--isolation=posix/cpu", "--no-such=1"]).is_err());
        assert!(read(&["--isolation=posix/cpu", "--launcher_dir=/x"]).is_ok());
        assert!(read(&["--executor_reregistration_timeout=16secs"]).is_err());
    }
}
