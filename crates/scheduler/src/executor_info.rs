//! The executor that every task names: `km minion` with its flags, under an ID that changes with them
//! (reference/k8sm-behaviour.md, section 2.12).

use mesos::executor::ExecutorType;
use mesos::{CommandInfo, ExecutorID, ExecutorInfo, Resource, Uri};

use crate::flags::Flags;

/// Name of the executor in Mesos' pages; the node status updater of the original looks for it.
pub const NAME: &str = "Kubelet-Executor";
const SOURCE: &str = "kubernetes";

/// What is the same on all agents.
#[derive(Clone, Debug)]
pub struct Template {
    /// `<crc64>_k8sm-executor`.
    pub id: ExecutorID,
    command: CommandInfo,
}

impl Template {
    /// From the flags; `artifacts` is `http://host:port` of what the scheduler serves.
    #[must_use]
    pub fn of(flags: &Flags, artifacts: &str) -> Self {
        let (value, mut uris) = binary(&flags.km_path, artifacts);
        if !flags.node.mesos_sandbox_overlay.is_empty() {
            uris.push(uri(artifact(artifacts, &flags.node.mesos_sandbox_overlay), false, true));
        }
        if !flags.node.dockercfg_path.is_empty() {
            uris.push(uri(format!("{artifacts}/.dockercfg"), false, false));
        }
        let arguments = arguments(&value, flags);
        let user = (!flags.mesos_user.is_empty()).then(|| flags.mesos_user.clone());
        let command = CommandInfo { uris, environment: None, shell: false, value: Some(value), arguments, user };
        Self { id: id(&command), command }
    }

    /// The executor on `hostname` with these resources; must stay the same to the byte while it runs.
    #[must_use]
    pub fn on(&self, hostname: &str, resources: Vec<Resource>) -> ExecutorInfo {
        let mut command = self.command.clone();
        command.arguments.push(format!("--hostname-override={hostname}"));
        ExecutorInfo {
            r#type: Some(ExecutorType::Custom),
            executor_id: self.id.clone(),
            command: Some(command),
            resources,
            name: Some(NAME.to_owned()),
            source: Some(SOURCE.to_owned()),
            ..ExecutorInfo::default()
        }
    }
}

/// The command's value and what the agent must fetch for it.
fn binary(km_path: &str, artifacts: &str) -> (String, Vec<Uri>) {
    if let Some(path) = km_path.strip_prefix("file://") {
        return (path.to_owned(), Vec::new());
    }
    if km_path.contains("://") {
        return ("./km".to_owned(), vec![uri(km_path.to_owned(), true, false)]);
    }
    ("./km".to_owned(), vec![uri(format!("{artifacts}/km"), true, false)])
}

/// The URL under which the scheduler serves a file of its own.
fn artifact(artifacts: &str, path: &str) -> String {
    format!("{artifacts}/{}", path.rsplit('/').next().unwrap_or(path))
}

fn uri(value: String, executable: bool, extract: bool) -> Uri {
    Uri { value, executable: Some(executable), extract, cache: None, output_file: None }
}

/// The minion's line, argv[0] first (`shell` is false); the agent's hostname comes last, per agent.
fn arguments(value: &str, flags: &Flags) -> Vec<String> {
    let node = &flags.node;
    let servers = if node.kubelet_api_servers.is_empty() { &flags.api_servers } else { &node.kubelet_api_servers };
    let mut line = vec![value.to_owned(), "minion".to_owned()];
    let mut always = |flag: &str, value: String| line.push(format!("--{flag}={value}"));
    always("run-proxy", node.run_proxy.to_string());
    always("proxy-logv", node.proxy_logv.to_string());
    always("api-servers", servers.join(","));
    always("v", node.executor_logv.to_string());
    always("allow-privileged", node.allow_privileged.to_string());
    always("suicide-timeout", node.executor_suicide_timeout.clone());
    always("mesos-launch-grace-period", node.mesos_launch_grace_period.clone());
    always("enable-debugging-handlers", node.kubelet_enable_debugging_handlers.to_string());
    if node.executor_bindall {
        always("address", "0.0.0.0".to_owned());
    }
    let mut given = |flag: &str, value: &str| {
        if !value.is_empty() {
            line.push(format!("--{flag}={value}"));
        }
    };
    given("proxy-mode", &node.proxy_mode);
    given("kubeconfig", &node.kubelet_kubeconfig);
    given("cluster-dns", &node.cluster_dns);
    given("cluster-domain", &node.cluster_domain);
    given("service-cluster-ip-range", &node.service_cluster_ip_range);
    given("root-dir", &node.kubelet_root_dir);
    given("pod-infra-container-image", &node.pause_image);
    given("k8sm-cluster", &node.k8sm_cluster);
    given("pod-network", &node.pod_network);
    line
}

/// The ID: a hash over all that makes one executor differ from another, except what differs by agent.
fn id(command: &CommandInfo) -> ExecutorID {
    let mut arguments = command.arguments.clone();
    arguments.sort();
    let mut uris: Vec<String> = command
        .uris
        .iter()
        .map(|uri| format!("{}{}{}", uri.value, uri.executable.unwrap_or(false), uri.extract))
        .collect();
    uris.sort();
    let text = [
        NAME,
        SOURCE,
        command.value.as_deref().unwrap_or_default(),
        command.user.as_deref().unwrap_or_default(),
        "false",
        &arguments.concat(),
        &uris.concat(),
    ]
    .concat();
    format!("{:x}_k8sm-executor", crc64(text.as_bytes())).into()
}

/// CRC-64 with the polynomial of ECMA-182, reflected, as Go's hash/crc64 computes it.
fn crc64(bytes: &[u8]) -> u64 {
    const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(line: &str) -> Template {
        let args = format!("--api-servers=https://a:6443 {line}").split_whitespace().map(str::to_owned).collect();
        Template::of(&serve::flags::parse("scheduler", args, &[]).unwrap(), "http://10.0.0.1:10251")
    }

    #[test]
    fn crc64_is_the_one_of_xz_and_go() {
        assert_eq!(crc64(b"123456789"), 0x995D_C9BB_DF19_39FA);
    }

    #[test]
    fn a_km_on_the_agent_is_run_where_it_lies() {
        let executor = template("--km-path=file:///km --cluster-dns=10.10.10.10").on("slave1", Vec::new());
        let command = executor.command.unwrap();
        assert_eq!((command.value.as_deref(), command.shell, command.uris.len()), (Some("/km"), false, 0));
        assert_eq!(command.arguments[..2], ["/km", "minion"]);
        assert_eq!(command.arguments.last().unwrap(), "--hostname-override=slave1");
        assert!(command.arguments.contains(&"--cluster-dns=10.10.10.10".to_owned()));
    }

    #[test]
    fn another_km_is_fetched() {
        let fetched = template("--km-path=hdfs:///km").command;
        assert_eq!((fetched.value.as_deref(), fetched.uris[0].value.as_str()), (Some("./km"), "hdfs:///km"));
        let served = template("--km-path=/usr/bin/km").command;
        assert_eq!(served.uris[0].value, "http://10.0.0.1:10251/km");
        assert_eq!(served.uris[0].executable, Some(true));
    }

    #[test]
    fn the_id_follows_the_flags_and_not_the_agent() {
        let one = template("--km-path=file:///km");
        assert_eq!(one.on("a", Vec::new()).executor_id, one.on("b", Vec::new()).executor_id);
        assert_eq!(one.id, template("--km-path=file:///km").id);
        assert_ne!(one.id, template("--km-path=file:///km --cluster-domain=x").id);
        assert!(one.id.value.ends_with("_k8sm-executor"));
    }
}
