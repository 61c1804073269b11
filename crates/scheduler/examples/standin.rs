//! A Mesos master, a Mesos agent and an executor that runs no containers, for this crate's tests:
//! `standin mesos-master|mesos-agent|minion [FLAGS]`.
//!
//! The executor keeps the contract of docs/architecture.md towards scheduler and API server: it binds, says that pods run, and
//! deletes what was killed. It writes its process ID into its node's annotation `standin/pid`.

use anyhow::{Context, bail};
use k8s_openapi::api::core::v1::{Binding, Node, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use mesos::executor::Event;
use mesos::executor::client::{Agent, Notice, connect};
use mesos::executor::environment::Environment;
use mesos::{TaskID, TaskInfo, TaskState, TaskStatus};
use serde_json::json;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("mesos-master") => mesosd::master::run(args.collect()).await,
        Some("mesos-agent") => mesosd::agent::run(args.collect()).await,
        Some("minion") => minion(args.collect()).await,
        other => bail!("no server is called {other:?}"),
    }
}

struct Minion {
    client: Client,
    agent: Agent,
    node: String,
    pods: Vec<(TaskID, Pod)>,
}

async fn minion(args: Vec<String>) -> anyhow::Result<()> {
    let flag = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(&format!("--{name}=")).map(str::to_owned));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kubeconfig = Kubeconfig::read_from(flag("kubeconfig").context("--kubeconfig")?)?;
    let client = Client::try_from(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)?;
    let (agent, mut notices) = connect(Environment::from_process()?);
    let mut minion =
        Minion { client, agent, node: flag("hostname-override").context("--hostname-override")?, pods: Vec::new() };
    while let Some(notice) = notices.next().await {
        match notice {
            Notice::Event(Event::Launch(launch)) => minion.launch(launch.task).await?,
            Notice::Event(Event::Kill(kill)) => minion.kill(&kill.task_id).await?,
            Notice::Event(Event::Shutdown) | Notice::GaveUp { .. } => break,
            _ => {}
        }
    }
    Ok(())
}

impl Minion {
    fn report(&self, task: &TaskID, state: TaskState, message: &str) {
        let message = Some(message.to_owned());
        self.agent.update(TaskStatus { task_id: task.clone(), state, message, ..TaskStatus::default() });
    }

    async fn launch(&mut self, task: TaskInfo) -> anyhow::Result<()> {
        self.write_node().await?;
        let data = task.data.context("no data")?.0;
        let value: serde_json::Value = serde_json::from_slice(&data)?;
        if value["kind"] == "NodeTask" {
            self.report(&task.task_id, TaskState::Running, "");
            return Ok(());
        }
        let pod: Pod = serde_json::from_value(value)?;
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
        if pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()) {
            let patch = json!({"metadata": {"annotations": pod.metadata.annotations}});
            api.patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await?;
        } else {
            let mut binding = Binding::default();
            binding.metadata.name = pod.metadata.name.clone();
            binding.metadata.annotations = pod.metadata.annotations.clone();
            binding.target = ObjectReference {
                kind: Some("Node".into()),
                name: Some(self.node.clone()),
                ..ObjectReference::default()
            };
            let _: Status =
                api.create_subresource("binding", &pod.name_any(), &PostParams::default(), &binding).await?;
        }
        self.report(&task.task_id, TaskState::Starting, "create-binding-success");
        let status = json!({"status": {"phase": "Running", "podIP": "10.9.8.7", "conditions": [{"type": "Ready", "status": "True"}]}});
        api.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(&status)).await?;
        self.report(&task.task_id, TaskState::Running, "pod-running");
        self.pods.push((task.task_id, pod));
        Ok(())
    }

    async fn kill(&mut self, task: &TaskID) -> anyhow::Result<()> {
        if let Some(at) = self.pods.iter().position(|(known, _)| known == task) {
            let (_, pod) = self.pods.remove(at);
            let api: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace().unwrap_or_default());
            api.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await?;
        }
        self.report(task, TaskState::Killed, "pod-deleted");
        Ok(())
    }

    async fn write_node(&self) -> anyhow::Result<()> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let pid = json!({"metadata": {"annotations": {"standin/pid": std::process::id().to_string()}}});
        nodes.patch(&self.node, &PatchParams::default(), &Patch::Merge(&pid)).await?;
        let status = json!({"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}});
        nodes.patch_status(&self.node, &PatchParams::default(), &Patch::Strategic(&status)).await?;
        Ok(())
    }
}
