//! The environment of an executor (reference, section 5.1): what is inherited, what the agent says, what the command asks.

use std::collections::BTreeMap;
use std::path::Path;

use mesos::{ExecutorInfo, FrameworkInfo};

use super::duration::Text;
use super::flags::Flags;

/// Mesos' own default where nothing says otherwise.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the agent knows of itself that executors are told.
pub(crate) struct Agent<'a> {
    pub(crate) flags: &'a Flags,
    /// Its ID.
    pub(crate) id: &'a str,
    /// `<ip>:<port>` of its API.
    pub(crate) endpoint: &'a str,
}

/// The variables for `executor`, which runs in `sandbox`. Later ones win: inherited, the agent's, the command's.
///
/// `own` is the agent's own environment: passed on without `MESOS_*` and `LIBPROCESS_*` (an executor would take them for
/// its own flags), unless `--executor_environment_variables` names what to pass instead.
pub(crate) fn build(
    agent: &Agent<'_>,
    framework: &FrameworkInfo,
    executor: &ExecutorInfo,
    sandbox: &Path,
    own: impl Iterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]);
    match &agent.flags.executor_environment_variables {
        Some(variables) => environment.extend(variables.0.clone()),
        None => {
            environment.extend(own.filter(|(name, _)| !name.starts_with("MESOS_") && !name.starts_with("LIBPROCESS_")))
        }
    }
    environment.extend(said_by_agent(agent, framework, executor, sandbox));
    let command = executor.command.as_ref().and_then(|command| command.environment.as_ref());
    for variable in command.map(|environment| environment.variables.as_slice()).unwrap_or_default() {
        if let Some(value) = &variable.value {
            environment.insert(variable.name.clone(), value.clone());
        }
    }
    environment
}

/// The documented variables.
fn said_by_agent(
    agent: &Agent<'_>,
    framework: &FrameworkInfo,
    executor: &ExecutorInfo,
    sandbox: &Path,
) -> Vec<(String, String)> {
    let flags = agent.flags;
    let sandbox = sandbox.to_string_lossy().into_owned();
    let framework_id = framework.id.as_ref().map(ToString::to_string).unwrap_or_default();
    let grace = grace_period(executor, flags);
    let mut said = vec![
        ("LIBPROCESS_PORT", "0".to_owned()),
        ("MESOS_AGENT_ENDPOINT", agent.endpoint.to_owned()),
        ("MESOS_CHECKPOINT", u8::from(framework.checkpoint).to_string()),
        ("MESOS_DIRECTORY", sandbox.clone()),
        ("MESOS_EXECUTOR_ID", executor.executor_id.to_string()),
        ("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", grace.to_string()),
        ("MESOS_FRAMEWORK_ID", framework_id),
        ("MESOS_HTTP_COMMAND_EXECUTOR", u8::from(flags.http_command_executor).to_string()),
        ("MESOS_SANDBOX", sandbox),
        ("MESOS_SLAVE_ID", agent.id.to_owned()),
        ("MESOS_SLAVE_PID", format!("slave(1)@{}", agent.endpoint)),
    ];
    if let Some(ip) = flags.ip {
        said.push(("LIBPROCESS_IP", ip.to_string()));
    }
    if framework.checkpoint {
        said.push(("MESOS_RECOVERY_TIMEOUT", flags.recovery_timeout.to_string()));
        said.push(("MESOS_SUBSCRIPTION_BACKOFF_MAX", flags.executor_reregistration_timeout.to_string()));
    }
    said.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// How long `executor` may take to end after SHUTDOWN: as it asked, or as the agent's flag says.
pub(crate) fn grace_period(executor: &ExecutorInfo, flags: &Flags) -> Text {
    let asked = executor.shutdown_grace_period.as_ref().map(|grace| Text(grace.duration()));
    asked.unwrap_or(flags.executor_shutdown_grace_period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::{CommandInfo, Environment, FrameworkID, Variable};
    use serde_json::Value;

    /// The executor of the recordings, of a framework that checkpoints, on an agent with the recordings' flags.
    fn recorded(sandbox: &str, id: &str, framework: &str, executor: &str) -> BTreeMap<String, String> {
        let flags = Flags::read(
            ["--master=127.0.0.1:5050", "--ip=127.0.0.1", "--work_dir=/w", "--recovery_timeout=2mins"]
                .into_iter()
                .chain([r#"--executor_environment_variables={"PATH":"/usr/local/bin:/usr/bin:/bin"}"#])
                .map(str::to_owned)
                .collect(),
        )
        .unwrap();
        let framework =
            FrameworkInfo { id: Some(FrameworkID::from(framework)), checkpoint: true, ..Default::default() };
        let executor = ExecutorInfo { executor_id: executor.into(), ..Default::default() };
        let agent = Agent { flags: &flags, id, endpoint: "127.0.0.1:5051" };
        build(&agent, &framework, &executor, Path::new(sandbox), std::iter::empty())
    }

    #[test]
    fn is_what_a_real_agent_gives() {
        let recording =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/mesos-recordings/executor-1-task-life.jsonl");
        let lines = std::fs::read_to_string(recording).unwrap();
        let line = lines.lines().find(|line| line.contains("\"environment\"")).unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        let real: BTreeMap<String, String> = serde_json::from_value(line["environment"].clone()).unwrap();
        let ours = recorded(
            &real["MESOS_DIRECTORY"],
            &real["MESOS_SLAVE_ID"],
            &real["MESOS_FRAMEWORK_ID"],
            &real["MESOS_EXECUTOR_ID"],
        );
        assert_eq!(ours, real);
    }

    #[test]
    fn the_agents_own_flags_stay_with_it_and_the_command_wins() {
        let flags = Flags::read(vec!["--master=m:1".into(), "--work_dir=/w".into()]).unwrap();
        let variables = vec![Variable::new("HOME", "/asked"), Variable::new("MESOS_CHECKPOINT", "asked")];
        let command = CommandInfo { environment: Some(Environment { variables }), ..Default::default() };
        let executor = ExecutorInfo { command: Some(command), ..Default::default() };
        let own = [("HOME", "/root"), ("DOCKER_HOST", "d"), ("MESOS_MASTER", "m"), ("LIBPROCESS_IP", "i")];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let agent = Agent { flags: &flags, id: "S", endpoint: "h:1" };
        let environment = build(&agent, &FrameworkInfo::default(), &executor, Path::new("/s"), own);
        assert_eq!(environment["HOME"], "/asked");
        assert_eq!(environment["DOCKER_HOST"], "d");
        assert_eq!(environment["MESOS_CHECKPOINT"], "asked");
        assert_eq!(environment["PATH"], PATH);
        for absent in ["MESOS_MASTER", "LIBPROCESS_IP", "MESOS_RECOVERY_TIMEOUT"] {
            assert!(!environment.contains_key(absent), "{absent}");
        }
    }
}
