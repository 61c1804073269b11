//! Kubernetes events about pods and their node: posted in the background, equal ones counted in one object, bounded in every way.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Api, Patch, PatchParams, PostParams};
use tokio::sync::mpsc;

use crate::binding::is_status;
use crate::pod;

/// Events that wait to be posted; more are dropped, as Kubernetes does.
const QUEUE: usize = 256;
/// Events whose count can still go up.
const REMEMBERED: usize = 256;
/// How long the API server may take; an event is not worth more.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Kubernetes' limit for a message.
const MAX_MESSAGE: usize = 1024;

/// Whether an event is good or bad news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// As it should be.
    Normal,
    /// Not as it should be.
    Warning,
}

/// Takes events and posts them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<News>,
}

#[derive(Clone, Debug, PartialEq)]
struct News {
    object: ObjectReference,
    type_: &'static str,
    reason: &'static str,
    message: String,
}

/// What was posted, and how often.
struct Posted {
    news: News,
    name: String,
    count: i32,
}

impl Recorder {
    /// A recorder that posts through `client` as the kubelet of `node`, until the last clone is dropped.
    #[must_use]
    pub fn start(client: kube::Client, node: String) -> Self {
        let (queue, news) = mpsc::channel(QUEUE);
        tokio::spawn(post_all(client, node, news));
        Self { queue }
    }

    /// Something happened to the pod, or to its container `container` where that is not empty.
    pub fn record(&self, pod: &Pod, container: &str, type_: Type, reason: &'static str, message: impl Into<String>) {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE {
            let cut = (0..=MAX_MESSAGE).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
            message.truncate(cut);
        }
        let init = pod::init_containers(pod).iter().any(|spec| spec.name == container);
        let ephemeral = || pod::ephemeral_containers(pod).iter().any(|spec| spec.name == container);
        let list = match init {
            true => "initContainers",
            false if ephemeral() => "ephemeralContainers",
            false => "containers",
        };
        let object = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(pod::name(pod).to_owned()),
            namespace: Some(pod::namespace(pod).to_owned()),
            uid: Some(pod::uid(pod).to_owned()),
            resource_version: pod.metadata.resource_version.clone(),
            field_path: (!container.is_empty()).then(|| format!("spec.{list}{{{container}}}")),
        };
        self.post(object, type_, reason, message);
    }

    /// Something happened to the node.
    pub fn record_node(&self, node: &str, type_: Type, reason: &'static str, message: impl Into<String>) {
        let object = ObjectReference {
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            // Kubernetes' kubelets call nodes by their name here too
            uid: Some(node.to_owned()),
            ..ObjectReference::default()
        };
        self.post(object, type_, reason, message.into());
    }

    fn post(&self, object: ObjectReference, type_: Type, reason: &'static str, message: String) {
        let type_ = if type_ == Type::Normal { "Normal" } else { "Warning" };
        if self.queue.try_send(News { object, type_, reason, message }).is_err() {
            tracing::debug!(reason, "too many events: one is dropped");
        }
    }
}

async fn post_all(client: kube::Client, node: String, mut queue: mpsc::Receiver<News>) {
    let mut posted: VecDeque<Posted> = VecDeque::new();
    while let Some(news) = queue.recv().await {
        let namespace = namespace(&news).to_owned();
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        let known = posted.iter_mut().find(|known| same(&known.news, &news));
        let outcome = match known {
            Some(known) => tokio::time::timeout(TIMEOUT, again(&api, known, &node)).await,
            None => {
                let event = event(&news, &node);
                let name = event.metadata.name.clone().unwrap_or_default();
                posted.push_back(Posted { news, name, count: 1 });
                if posted.len() > REMEMBERED {
                    posted.pop_front();
                }
                tokio::time::timeout(TIMEOUT, async { api.create(&PostParams::default(), &event).await.map(|_| ()) })
                    .await
            }
        };
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "cannot post an event"),
            Err(_) => tracing::debug!("cannot post an event: the API server takes too long"),
        }
    }
}

/// Where an event is kept: with its object, and in the default namespace for what has none.
fn namespace(news: &News) -> &str {
    news.object.namespace.as_deref().unwrap_or("default")
}

/// Whether two events are one that happened twice.
fn same(one: &News, other: &News) -> bool {
    let (a, b) = (&one.object, &other.object);
    (&a.uid, &a.field_path, one.type_, one.reason, &one.message)
        == (&b.uid, &b.field_path, other.type_, other.reason, &other.message)
}

/// Counts an event once more. One that the API server has forgotten by now, as it does after an hour, is a new one.
async fn again(api: &Api<Event>, known: &mut Posted, node: &str) -> kube::Result<()> {
    known.count += 1;
    let patch = serde_json::json!({"count": known.count, "lastTimestamp": Time(now())});
    match api.patch(&known.name, &PatchParams::default(), &Patch::Merge(patch)).await {
        Err(error) if is_status(&error, 404) => {
            let event = event(&known.news, node);
            known.name = event.metadata.name.clone().unwrap_or_default();
            known.count = 1;
            api.create(&PostParams::default(), &event).await.map(|_| ())
        }
        outcome => outcome.map(|_| ()),
    }
}

fn event(news: &News, node: &str) -> Event {
    let (of, at) = (news.object.name.clone().unwrap_or_default(), Timestamp::now());
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{of}.{:x}", at.as_nanosecond())),
            namespace: Some(namespace(news).to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: news.object.clone(),
        type_: Some(news.type_.to_owned()),
        reason: Some(news.reason.to_owned()),
        message: Some(news.message.clone()),
        count: Some(1),
        first_timestamp: Some(Time(now())),
        last_timestamp: Some(Time(now())),
        source: Some(EventSource { component: Some("kubelet".to_owned()), host: Some(node.to_owned()) }),
        reporting_component: Some("kubelet".to_owned()),
        reporting_instance: Some(node.to_owned()),
        ..Event::default()
    }
}

/// Now, in whole seconds.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
