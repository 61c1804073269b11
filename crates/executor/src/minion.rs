//! `km minion`: the Mesos executor. It holds the subscription at the agent and supervises `km executor` and
//! `km proxy`, which may die or be replaced without Mesos noticing.

mod companion;
mod supervisor;
mod tasks;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use mesos::executor::client::{self, Notice, Notices};
use mesos::executor::environment::Environment;
use mesos::executor::{Event, Subscribed};
use tokio_util::sync::CancellationToken;

use self::companion::Companion;
use self::supervisor::{Child, Program, Supervisor};
use self::tasks::Tasks;
use crate::channel::{Agent, Task, TaskState, ToExecutor, ToMinion};
use crate::flags::Flags;

/// How long updates may take to be stored by the agent before we exit.
const FLUSH: Duration = Duration::from_secs(1);
/// How long the executor may take to end all pods when the agent tells us to shut down.
const SHUTDOWN: Duration = Duration::from_secs(4);

/// Runs until the agent says so, or is away for too long, or SIGTERM. On SIGTERM the pods' containers go on.
///
/// # Errors
/// On a wrong line, or when no agent started us.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags = Flags::parse_line("minion", args.clone())?;
    serve::log::init(flags.v);
    serve::tls::install_provider();
    let shutdown = serve::shutdown::on_signal()?;
    let environment = Environment::from_process()?;
    let ended = CancellationToken::new();
    let proxy = flags.run_proxy.then(|| {
        let log = Path::new(environment.sandbox.as_deref().unwrap_or(".")).join("proxy.log");
        let proxy = Companion::new(Program::own("proxy", flags.proxy_line()), "the service proxy", log);
        tokio::spawn(proxy.run(ended.clone()))
    });
    let (agent, notices) = client::connect(environment);
    let outcome = Minion::new(agent, Program::own("executor", args)).run(notices, shutdown).await;
    ended.cancel();
    if let Some(proxy) = proxy {
        proxy.await.context("ending the service proxy")?;
    }
    outcome
}

/// What the minion holds.
struct Minion {
    mesos: client::Agent,
    tasks: Tasks,
    /// The agent as it described itself last; the executor starts once it is known.
    agent: Option<Agent>,
    executor: Supervisor,
}

impl Minion {
    fn new(mesos: client::Agent, program: Program) -> Self {
        Self { mesos, tasks: Tasks::default(), agent: None, executor: Supervisor::new(program) }
    }

    async fn run(mut self, mut notices: Notices, shutdown: CancellationToken) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                notice = notices.next() => match notice {
                    Some(Notice::Event(event)) => {
                        if self.event(event).await {
                            self.end_all().await;
                            break;
                        }
                    }
                    Some(Notice::Disconnected { reason }) => tracing::warn!(reason, "the agent is away"),
                    Some(Notice::GaveUp { reason }) => {
                        // Mesos counts our tasks as lost; their pods are adopted when they are launched again
                        tracing::error!(reason, "the agent did not come back");
                        break;
                    }
                    None => break,
                },
                happened = self.executor.next(self.agent.is_some()) => self.executor_news(happened).await,
            }
        }
        self.mesos.flushed(FLUSH).await;
        self.executor.stop().await;
        Ok(())
    }

    /// Acts on what the agent says; true when everything is to end.
    async fn event(&mut self, event: Event) -> bool {
        match event {
            Event::Subscribed(subscribed) => {
                let agent = describe(&subscribed);
                tracing::info!(agent = agent.hostname, "subscribed");
                self.agent = Some(agent.clone());
                self.executor.send(&ToExecutor::Hello(agent)).await;
            }
            Event::Launch(launch) => {
                let data =
                    launch.task.data.map(|data| String::from_utf8_lossy(&data.0).into_owned()).unwrap_or_default();
                let task = Task { id: launch.task.task_id.as_str().to_owned(), data, reported: None };
                if self.tasks.launch(task.clone()) {
                    self.executor.send(&ToExecutor::Launch(task)).await;
                }
            }
            Event::Kill(kill) => {
                let grace = kill.kill_policy.and_then(|policy| policy.grace_period);
                let grace_seconds = grace.map(|grace| grace.nanoseconds / 1_000_000_000);
                let task_id = kill.task_id.as_str().to_owned();
                self.tasks.kill(&task_id, grace_seconds);
                self.executor.send(&ToExecutor::Kill { task_id, grace_seconds }).await;
            }
            Event::Shutdown => return true,
            Event::Error(error) => {
                tracing::error!(message = error.message, "the agent refuses us");
                return true;
            }
            Event::LaunchGroup(group) => {
                for task in group.task_group.tasks {
                    self.update(task.task_id.as_str(), TaskState::Failed, "launch-task-failed");
                }
            }
            _ => {}
        }
        false
    }

    /// What the executor did: it started, said something, or died.
    async fn executor_news(&mut self, news: Child) {
        match news {
            Child::Started => {
                let Some(agent) = self.agent.clone() else { return };
                for message in self.tasks.introduction(agent) {
                    self.executor.send(&message).await;
                }
            }
            Child::Said(ToMinion::Update { task_id, state, message }) => self.update(&task_id, state, &message),
            Child::Said(ToMinion::Done) | Child::Ended => {}
        }
    }

    /// Passes a task's state on to Mesos, if it is news.
    fn update(&mut self, task_id: &str, state: TaskState, message: &str) {
        if self.tasks.update(task_id, state) {
            self.mesos.update(mesos::TaskStatus {
                task_id: mesos::TaskID::from(task_id),
                state: mesos_state(state),
                message: Some(message.to_owned()).filter(|message| !message.is_empty()),
                ..mesos::TaskStatus::default()
            });
        }
    }

    /// The agent wants everything ended: the executor ends its pods and reports them; what it does not, we do.
    async fn end_all(&mut self) {
        self.executor.send(&ToExecutor::Shutdown).await;
        let ended = async {
            loop {
                match self.executor.next(false).await {
                    Child::Said(ToMinion::Done) | Child::Ended => return,
                    news => self.executor_news(news).await,
                }
            }
        };
        if tokio::time::timeout(SHUTDOWN, ended).await.is_err() {
            tracing::warn!("the executor did not end its pods in time");
        }
        for task in self.tasks.ids() {
            self.update(&task, TaskState::Killed, "executor-shutdown");
        }
    }
}

fn mesos_state(state: TaskState) -> mesos::TaskState {
    match state {
        TaskState::Starting => mesos::TaskState::Starting,
        TaskState::Running => mesos::TaskState::Running,
        TaskState::Finished => mesos::TaskState::Finished,
        TaskState::Failed => mesos::TaskState::Failed,
        TaskState::Killed => mesos::TaskState::Killed,
        TaskState::Lost => mesos::TaskState::Lost,
    }
}

/// The agent, for the executor.
fn describe(subscribed: &Subscribed) -> Agent {
    let scalar = |resources: &[mesos::Resource], name: &str| -> f64 {
        let named = resources.iter().filter(|resource| resource.name == name);
        named.filter_map(|resource| resource.scalar.as_ref()).map(|scalar| scalar.value).sum()
    };
    let (agent, executor) = (&subscribed.agent_info, &subscribed.executor_info);
    let attributes = agent.attributes.iter().map(|attribute| {
        let text = attribute.text.as_ref().map(|text| text.value.clone());
        let value = text.or_else(|| attribute.scalar.as_ref().map(|scalar| scalar.value.to_string()));
        (attribute.name.clone(), value.unwrap_or_default())
    });
    Agent {
        hostname: agent.hostname.clone(),
        executor_id: executor.executor_id.as_str().to_owned(),
        cpus: scalar(&agent.resources, "cpus"),
        mem: scalar(&agent.resources, "mem"),
        disk: scalar(&agent.resources, "disk"),
        executor_cpus: scalar(&executor.resources, "cpus"),
        executor_mem: scalar(&executor.resources, "mem"),
        ports: mesos::Resources::from(&agent.resources).ranges("ports"),
        attributes: attributes.collect(),
    }
}
