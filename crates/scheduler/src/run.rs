//! Wiring: flags, then clients and pages, then the loop in which the machine hears and acts, until the signal to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Config};
use mesos::MasterAddress;
use mesos::http::Http;
use mesos::scheduler::Event;
use mesos::scheduler::client::{self, Master, Notice, Notices};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::address;
use crate::cluster::Cluster;
use crate::core::Charges;
use crate::effect::Effect;
use crate::executor_info::Template;
use crate::flags::{Flags, IGNORED};
use crate::framework::{self, Store};
use crate::http::{self, Ask, Question};
use crate::machine::{Machine, Settings};
use crate::metrics::Metrics;
use crate::service;

/// Calls to Mesos that wait to be sent; the loop stops reading while there are more.
const CALLS: usize = 1024;

/// `km scheduler`: runs until SIGTERM or SIGINT.
///
/// # Errors
/// Bad flags, a port in use, an unreadable kubeconfig; later, when Mesos refuses the framework for good.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags: Flags = serve::flags::parse("scheduler", args, IGNORED)?;
    serve::log::init(flags.v);
    flags.check()?;
    let address = SocketAddr::new(flags.address, flags.port);
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let shutdown = serve::shutdown::on_signal().context("cannot install signal handlers")?;
    serve(flags, listener, shutdown).await
}

/// The scheduler on a listener of the caller's, until `shutdown` is cancelled.
///
/// # Errors
/// As [`run`].
pub async fn serve(flags: Flags, listener: TcpListener, shutdown: CancellationToken) -> anyhow::Result<()> {
    // a second installation fails and changes nothing
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authorization = framework::authorization(&flags)?;
    let artifacts = address::artifacts(&flags).await?;
    let client = api_client(&flags).await?;
    let metrics = Metrics::default();
    let (ask, questions) = mpsc::channel(16);
    let pages = http::router(&flags, &metrics, ask);
    let served = tokio::spawn(serve::http::plain(listener, serve::http::router(pages), shutdown.clone()));
    let mut tasks = JoinSet::new();
    let cluster = Cluster::start(client.clone(), flags.prelaunch_executors, &mut tasks);
    let (registered, until) = ((client.clone(), flags.clone()), shutdown.clone());
    tasks.spawn(async move {
        until.run_until_cancelled(service::keep(registered.0, &registered.1)).await;
    });
    let scheduler = Scheduler {
        machine: Machine::new(settings(&flags), Template::of(&flags, &artifacts), metrics),
        http: Http::authorized(authorization),
        masters: flags.masters()?,
        store: Store::new(client.clone(), &flags.framework_name),
        flags,
        cluster,
        questions,
        shutdown: shutdown.clone(),
    };
    let outcome = tokio::select! {
        outcome = scheduler.run(client) => outcome,
        () = shutdown.cancelled() => Ok(()),
        error = serve::tasks::broken(&mut tasks) => Err(error),
    };
    shutdown.cancel();
    // what was decided is carried out, what only waited for an answer is dropped
    let _ = tokio::time::timeout(Duration::from_secs(2), async { while tasks.join_next().await.is_some() {} }).await;
    let _ = served.await;
    outcome
}

async fn api_client(flags: &Flags) -> anyhow::Result<Client> {
    let mut config = match flags.kubeconfig.as_str() {
        "" => {
            let server = flags.api_servers.first().context("flag --api-servers is required")?;
            let url = if server.contains("://") { server.clone() } else { format!("http://{server}") };
            Config::new(url.parse().with_context(|| format!("--api-servers {server:?} is no URL"))?)
        }
        path => {
            let file =
                kube::config::Kubeconfig::read_from(path).with_context(|| format!("cannot read kubeconfig {path}"))?;
            Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default())
                .await
                .with_context(|| format!("cannot use kubeconfig {path}"))?
        }
    };
    config.headers.push(serve::version::user_agent("kube-scheduler"));
    Client::try_from(config).context("cannot make a client of the API server")
}

fn settings(flags: &Flags) -> Settings {
    let milli = |value: f64| (value * 1000.0).round() as i64;
    Settings {
        charges: Charges {
            cpus: milli(flags.default_container_cpu_limit),
            mem: milli(flags.default_container_mem_limit),
            framework_roles: flags.mesos_framework_roles.clone(),
            pod_roles: flags.mesos_default_pod_roles.clone(),
            wildcard_ports: flags.host_port_endpoints,
        },
        executor: (milli(flags.mesos_executor_cpus), milli(flags.mesos_executor_mem)),
        prelaunch: flags.prelaunch_executors,
        offer_ttl: flags.offer_ttl,
        discovery: flags.mesos_generate_task_discovery,
        reconcile_interval: (flags.reconcile_interval > 0).then(|| Duration::from_secs(flags.reconcile_interval)),
    }
}

/// What the API server shows, of any kind.
#[allow(clippy::large_enum_variant, reason = "moved once; nearly all are pods")]
enum Seen {
    Pod(watcher::Event<Pod>),
    Node(watcher::Event<Node>),
    Service(watcher::Event<Service>),
    Namespace(watcher::Event<Namespace>),
}

/// Everything of these kinds, for ever: a watch that breaks is opened again with backoff.
fn watch(client: &Client) -> impl Stream<Item = Seen> + Send + Unpin + use<> {
    let pods = events(Api::<Pod>::all(client.clone()), Seen::Pod);
    let nodes = events(Api::<Node>::all(client.clone()), Seen::Node);
    let services = events(Api::<Service>::all(client.clone()), Seen::Service);
    let namespaces = events(Api::<Namespace>::all(client.clone()), Seen::Namespace);
    futures::stream::select_all([pods.boxed(), nodes.boxed(), services.boxed(), namespaces.boxed()])
}

fn events<K>(api: Api<K>, wrap: fn(watcher::Event<K>) -> Seen) -> impl Stream<Item = Seen> + Send
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    watcher(api, watcher::Config::default()).default_backoff().filter_map(move |event| {
        let seen = match event {
            Ok(event) => Some(wrap(event)),
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), error = error.to_string(), "the watch is broken; it is opened again");
                None
            }
        };
        std::future::ready(seen)
    })
}

struct Scheduler {
    machine: Machine,
    http: Http,
    masters: Vec<MasterAddress>,
    store: Store,
    flags: Flags,
    cluster: Cluster,
    questions: mpsc::Receiver<Question>,
    shutdown: CancellationToken,
}

/// One subscription at the master: what it says, and the way to it.
struct Line {
    notices: Notices,
    calls: mpsc::Sender<mesos::scheduler::Action>,
    failed: Arc<Notify>,
}

impl Line {
    fn open(scheduler: &Scheduler, info: mesos::FrameworkInfo) -> Self {
        let (master, notices) = client::connect_by(scheduler.http.clone(), scheduler.masters.clone(), info);
        let (calls, queue) = mpsc::channel(CALLS);
        let failed = Arc::new(Notify::new());
        tokio::spawn(send(master, queue, Arc::clone(&failed)));
        Self { notices, calls, failed }
    }
}

/// Sends calls one after the other, in the order in which they were decided.
async fn send(master: Master, mut queue: mpsc::Receiver<mesos::scheduler::Action>, failed: Arc<Notify>) {
    while let Some(action) = queue.recv().await {
        tracing::debug!(call = action.type_name(), "to Mesos");
        if let Err(error) = master.call(action).await {
            tracing::warn!(error = format!("{:#}", anyhow::Error::from(error)), "a call did not reach Mesos");
            failed.notify_one();
        }
    }
}

impl Scheduler {
    async fn run(mut self, client: Client) -> anyhow::Result<()> {
        let kept = self.store.load().await.filter(|_| self.flags.failover_timeout > 0.0);
        let mut line = Line::open(&self, framework::info(&self.flags, kept.clone()));
        let (mut seen, mut lists, mut id) = (watch(&client), Lists::default(), kept);
        loop {
            let deadline = self.machine.deadline().map(tokio::time::Instant::from_std);
            let sleep = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                notice = line.notices.next() => match notice {
                    Some(Notice::Event(Event::Error(error))) => {
                        self.machine.disconnected();
                        if !error.message.contains("removed") {
                            bail!("the Mesos master refuses the framework: {}", error.message);
                        }
                        tracing::warn!(message = error.message, "the framework is no more; a new one is registered");
                        self.store.save(None).await;
                        id = None;
                        line = Line::open(&self, framework::info(&self.flags, None));
                    }
                    Some(notice) => self.notice(notice, &mut id).await,
                    None => bail!("the subscription at the Mesos master has ended"),
                },
                Some(event) = seen.next() => lists.hand_on(event, &mut self.machine, Instant::now()),
                Some((ask, reply)) = self.questions.recv() => drop(reply.send(self.answer(ask))),
                () = line.failed.notified() => self.machine.reconcile_all(Instant::now()),
                () = sleep => {}
                () = self.shutdown.cancelled() => return Ok(()),
            }
            self.machine.tick(Instant::now());
            for effect in self.machine.take_effects() {
                match effect {
                    Effect::Mesos(action) => {
                        line.calls.send(action).await.context("the sender of calls to Mesos has ended")?;
                    }
                    other => self.cluster.apply(other).await,
                }
            }
        }
    }

    async fn notice(&mut self, notice: Notice, id: &mut Option<mesos::FrameworkID>) {
        let now = Instant::now();
        let event = match notice {
            Notice::Disconnected { reason } => {
                tracing::warn!(reason, "disconnected from the Mesos master");
                return self.machine.disconnected();
            }
            Notice::Event(event) => event,
        };
        match event {
            Event::Subscribed(subscribed) => {
                tracing::info!(framework = %subscribed.framework_id, "subscribed at the Mesos master");
                if id.as_ref() != Some(&subscribed.framework_id) && self.flags.failover_timeout > 0.0 {
                    self.store.save(Some(&subscribed.framework_id)).await;
                }
                *id = Some(subscribed.framework_id);
                self.machine.subscribed(now);
            }
            Event::Offers(offers) => self.machine.offered(&offers.offers, now),
            Event::Rescind(rescind) => self.machine.rescinded(&rescind.offer_id),
            Event::Update(update) => self.machine.update(&update.status, now),
            Event::Failure(failure) => self.machine.failure(&failure),
            other => tracing::debug!(event = other.type_name(), "nothing to do"),
        }
    }

    fn answer(&mut self, ask: Ask) -> Option<String> {
        let now = Instant::now();
        match ask {
            Ask::Queue => Some(self.machine.show_queue(now)),
            Ask::Store => Some(self.machine.show_pods()),
            Ask::Tasks => Some(self.machine.show_tasks()),
            Ask::Explicit | Ask::Implicit if !self.machine.is_connected() => None,
            Ask::Explicit => {
                self.machine.reconcile_all(now);
                Some(String::new())
            }
            Ask::Implicit => {
                self.machine.reconcile_implicitly(now);
                Some(String::new())
            }
        }
    }
}

/// Lists in the making: the machine is shown a relisted kind as a whole.
#[derive(Default)]
struct Lists {
    pods: Vec<Pod>,
    nodes: Vec<Node>,
    services: Vec<Service>,
    namespaces: Vec<Namespace>,
}

impl Lists {
    fn hand_on(&mut self, seen: Seen, machine: &mut Machine, now: Instant) {
        use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};
        match seen {
            Seen::Pod(Init) => self.pods.clear(),
            Seen::Pod(InitApply(pod)) => self.pods.push(pod),
            Seen::Pod(InitDone) => machine.pods_listed(std::mem::take(&mut self.pods), now),
            Seen::Pod(Apply(pod)) => machine.pod(pod, now),
            Seen::Pod(Delete(pod)) => machine.pod_deleted(&pod, now),
            Seen::Node(Init) => self.nodes.clear(),
            Seen::Node(InitApply(node)) => self.nodes.push(node),
            Seen::Node(InitDone) => machine.nodes_listed(std::mem::take(&mut self.nodes), now),
            Seen::Node(Apply(node)) => machine.node(node, now),
            Seen::Node(Delete(node)) => machine.node_deleted(&node),
            Seen::Service(Init) => self.services.clear(),
            Seen::Service(InitApply(service)) => self.services.push(service),
            Seen::Service(InitDone) => machine.services_listed(&std::mem::take(&mut self.services)),
            Seen::Service(Apply(service)) => machine.service(&service),
            Seen::Service(Delete(service)) => machine.service_deleted(&service),
            Seen::Namespace(Init) => self.namespaces.clear(),
            Seen::Namespace(InitApply(namespace)) => self.namespaces.push(namespace),
            Seen::Namespace(InitDone) => machine.namespaces_listed(&std::mem::take(&mut self.namespaces)),
            Seen::Namespace(Apply(namespace)) => machine.namespace(&namespace),
            Seen::Namespace(Delete(namespace)) => machine.namespace_deleted(&namespace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn the_api_server_is_told_who_asks() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("--api-servers={}", listener.local_addr().unwrap());
        let flags: Flags = serve::flags::parse("scheduler", vec![server], IGNORED).unwrap();
        let client = api_client(&flags).await.unwrap();
        let asking = tokio::spawn(async move { client.apiserver_version().await });
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
        assert!(request.contains("\r\nuser-agent: kube-scheduler/v1."), "{request}");
        asking.abort();
    }
}
