//! A cluster of processes that ends with its test, and a scheduler that remembers what it was told.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mesos::framework::FrameworkCapabilityType::{MultiRole, PartitionAware, ReservationRefinement, TaskKillingState};
use mesos::scheduler::client::{Master, Notice, Notices, connect};
use mesos::scheduler::{Event, Failure};
use mesos::{
    AllocationInfo, CommandInfo, ExecutorInfo, Filters, FrameworkInfo, Offer, Operation, Resource, TaskInfo, TaskState,
    TaskStatus,
};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take on a busy machine before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The executable with the servers and the executor; cargo builds it beside the tests.
pub(crate) fn executable() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let directory = tests.parent().and_then(Path::parent).unwrap().join("examples");
    let executable = directory.join("mesosd");
    assert!(executable.exists(), "{} is not built: cargo build -p mesosd --examples", executable.display());
    executable
}

/// A port that is free now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One of the servers.
struct Server {
    name: &'static str,
    args: Vec<String>,
    process: Option<Child>,
}

impl Server {
    fn start(&mut self, directory: &Path) {
        let log = File::options().create(true).append(true).open(directory.join(self.name)).unwrap();
        let mut command = Command::new(executable());
        command.arg(self.name).args(&self.args).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MESOS_")) {
            command.env_remove(name);
        }
        self.process = Some(command.spawn().unwrap());
    }

    /// As `kill -9`.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

/// A master and an agent.
pub(crate) struct Cluster {
    directory: TempDir,
    pub(crate) master_port: u16,
    pub(crate) agent_port: u16,
    master: Server,
    agent: Server,
}

impl Cluster {
    /// Starts both. The agent gives executors long to come back: this machine may be busy.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with more flags for the agent.
    pub(crate) fn start_with(agent_flags: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("mesosd-test-").tempdir().unwrap();
        let (master_port, agent_port) = (free_port(), free_port());
        let work = directory.path().display().to_string();
        let args = |args: &[String]| args.to_vec();
        let master = Server {
            name: "mesos-master",
            args: args(&[
                "--ip=127.0.0.1".into(),
                format!("--port={master_port}"),
                "--hostname=mesosmaster1".into(),
                "--allocation_interval=100ms".into(),
                format!("--work_dir={work}/master"),
            ]),
            process: None,
        };
        let mut agent = Server {
            name: "mesos-agent",
            args: args(&[
                format!("--master=127.0.0.1:{master_port}"),
                "--ip=127.0.0.1".into(),
                format!("--port={agent_port}"),
                "--hostname=mesosslave1".into(),
                format!("--work_dir={work}/agent"),
                "--resources=cpus:4;mem:1280;disk:25600;ports:[8000-21099]".into(),
                "--attributes=rack:1;gen:2011".into(),
                "--registration_backoff_factor=100ms".into(),
                "--executor_reregistration_timeout=15secs".into(),
                "--no-switch_user".into(),
            ]),
            process: None,
        };
        agent.args.extend(agent_flags.iter().map(|flag| (*flag).to_owned()));
        let mut cluster = Self { directory, master_port, agent_port, master, agent };
        cluster.start_master();
        cluster.start_agent();
        cluster
    }

    pub(crate) fn start_master(&mut self) {
        self.master.start(self.directory.path());
    }

    pub(crate) fn start_agent(&mut self) {
        self.agent.start(self.directory.path());
    }

    pub(crate) fn kill_master(&mut self) {
        self.master.kill();
    }

    pub(crate) fn kill_agent(&mut self) {
        self.agent.kill();
    }

    /// Asks the agent to leave for good, and waits until it has.
    pub(crate) fn ask_agent_to_leave(&mut self) {
        let mut process = self.agent.process.take().unwrap();
        assert!(Command::new("kill").args(["-USR1", &process.id().to_string()]).status().unwrap().success());
        process.wait().unwrap();
    }

    pub(crate) fn agent_work_dir(&self) -> PathBuf {
        self.directory.path().join("agent")
    }

    /// Processes that run in sandboxes of this cluster.
    pub(crate) fn executors(&self) -> Vec<i32> {
        let sandboxes = format!("MESOS_DIRECTORY={}/", self.agent_work_dir().display());
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let ours = numbers.filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(sandboxes.as_bytes()))
        });
        ours.collect()
    }

    pub(crate) fn kill_executors(&self) {
        for pid in self.executors() {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
    }

    /// A GET of the agent or, by its port, the master, once it answers 200.
    pub(crate) async fn get(&self, port: u16, path: &str) -> Value {
        let address = format!("http://127.0.0.1:{port}{path}");
        eventually(&format!("GET {address}"), async || {
            let response = http_client().get(&address).send().await.ok()?;
            (response.status() == 200).then_some(())?;
            serde_json::from_slice(&response.bytes().await.ok()?).ok()
        })
        .await
    }

    /// Waits until the agent has a link to the master.
    pub(crate) async fn registered(&self) {
        eventually("the agent is registered", async || {
            let metrics = self.get(self.agent_port, "/metrics/snapshot").await;
            (metrics["slave/registered"] == 1.0).then_some(())
        })
        .await;
    }

    fn logs(&self) -> String {
        let read = |name| std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        format!("--- master\n{}--- agent\n{}", read("mesos-master"), read("mesos-agent"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.agent.kill();
        self.master.kill();
        self.kill_executors();
        if std::thread::panicking() {
            use std::io::Write;
            let _ = std::io::stderr().write_all(self.logs().as_bytes());
        }
    }
}

pub(crate) fn http_client() -> reqwest::Client {
    serve::tls::install_provider();
    reqwest::Client::new()
}

/// Looks until there is something to see, with a bound.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(tokio::time::Instant::now() < deadline, "it did not happen in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A framework as the recordings have it.
pub(crate) fn framework() -> FrameworkInfo {
    FrameworkInfo {
        user: "root".into(),
        name: "test".into(),
        failover_timeout: 600.0,
        checkpoint: true,
        roles: vec!["*".into()],
        capabilities: [MultiRole, PartitionAware, ReservationRefinement, TaskKillingState].map(Into::into).to_vec(),
        ..FrameworkInfo::default()
    }
}

/// A scheduler: takes notice, keeps offers, and acknowledges updates as they are asked for.
pub(crate) struct Scheduler {
    pub(crate) master: Master,
    notices: Notices,
    pub(crate) offers: Vec<Offer>,
    updates: VecDeque<TaskStatus>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) errors: Vec<String>,
    /// How often it was subscribed.
    pub(crate) subscriptions: usize,
}

impl Scheduler {
    pub(crate) async fn connect(cluster: &Cluster, framework: FrameworkInfo) -> Self {
        let address = format!("127.0.0.1:{}", cluster.master_port).parse().unwrap();
        let (master, notices) = connect(address, framework);
        let mut scheduler = Self {
            master,
            notices,
            offers: Vec::new(),
            updates: VecDeque::new(),
            failures: Vec::new(),
            messages: Vec::new(),
            errors: Vec::new(),
            subscriptions: 0,
        };
        scheduler.until("subscribed", |scheduler| (scheduler.subscriptions > 0).then_some(())).await;
        scheduler
    }

    /// Takes notice until `look` sees what it looks for.
    pub(crate) async fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(seen) = look(self) {
                    return seen;
                }
                match self.notices.next().await {
                    Some(Notice::Event(event)) => self.note(event),
                    Some(Notice::Disconnected { .. }) => self.offers.clear(),
                    None => panic!("the subscription is over while waiting: {what}: {:?}", self.errors),
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("it did not happen in time: {what}"))
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Subscribed(_) => self.subscriptions += 1,
            Event::Offers(offers) => self.offers.extend(offers.offers),
            Event::Rescind(rescind) => self.offers.retain(|offer| offer.id != rescind.offer_id),
            Event::Update(update) => self.updates.push_back(update.status),
            Event::Failure(failure) => self.failures.push(failure),
            Event::Message(message) => self.messages.push(message.data.0),
            Event::Error(error) => self.errors.push(error.message),
            _ => {}
        }
    }

    /// The next update of a task, acknowledged.
    pub(crate) async fn update(&mut self, task: &str) -> TaskStatus {
        let status = self.unacknowledged(task).await;
        self.master.acknowledge(&status).await.unwrap();
        status
    }

    /// The next update of a task.
    pub(crate) async fn unacknowledged(&mut self, task: &str) -> TaskStatus {
        self.until(&format!("an update of {task}"), |scheduler| {
            let index = scheduler.updates.iter().position(|status| status.task_id.as_str() == task)?;
            scheduler.updates.remove(index)
        })
        .await
    }

    /// Takes updates of a task until it is in `state`, and gives that one.
    pub(crate) async fn reaches(&mut self, task: &str, state: TaskState) -> TaskStatus {
        loop {
            let status = self.update(task).await;
            if status.state == state {
                return status;
            }
            assert!(!status.state.is_terminal(), "{task} has ended before {state}: {status:?}");
        }
    }

    /// Launches tasks in the next offer.
    pub(crate) async fn launch(&mut self, tasks: Vec<TaskInfo>) {
        let offer = self.until("an offer", |scheduler| scheduler.offers.pop()).await;
        let tasks = tasks.into_iter().map(|task| TaskInfo { agent_id: offer.agent_id.clone(), ..task }).collect();
        let launch = Operation::launch(tasks);
        let filters = Some(Filters { refuse_seconds: 0.0 });
        self.master.accept(vec![offer.id], vec![launch], filters).await.unwrap();
    }
}

fn some(name: &str, amount: f64) -> Resource {
    let allocation_info = Some(AllocationInfo { role: Some("*".into()) });
    Resource { allocation_info, ..Resource::scalar(name, amount) }
}

/// A task that is called what it does, under the tiny executor `executor`.
pub(crate) fn task(id: &str, name: &str, executor: &str) -> TaskInfo {
    let executable = executable().display().to_string();
    let command = CommandInfo {
        shell: false,
        value: Some(executable.clone()),
        arguments: vec![executable, "executor".into()],
        ..CommandInfo::default()
    };
    let executor = ExecutorInfo {
        executor_id: executor.into(),
        name: Some("tiny".into()),
        command: Some(command),
        resources: vec![some("cpus", 0.25), some("mem", 64.0)],
        ..ExecutorInfo::default()
    };
    TaskInfo {
        name: name.into(),
        task_id: id.into(),
        resources: vec![some("cpus", 0.5), some("mem", 64.0)],
        executor: Some(executor),
        ..TaskInfo::default()
    }
}

/// A task that is a shell's line.
pub(crate) fn command_task(id: &str, line: &str) -> TaskInfo {
    TaskInfo {
        name: id.into(),
        task_id: id.into(),
        resources: vec![some("cpus", 0.1), some("mem", 32.0)],
        command: Some(CommandInfo { value: Some(line.into()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    }
}
