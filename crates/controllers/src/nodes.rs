//! Node lifecycle: a node that is silent becomes Unknown and tainted, and its pods unready; `taints` evicts them in the end.
//!
//! While no node at all is ready nobody is evicted: the fault is then more likely ours, and there is nowhere else to go.

mod contact;
mod health;
mod heard;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Error, ResourceExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answer::accept;
use crate::context::{Context, NODE_LEASES};
use crate::pod;
use crate::queue::{Next, Queue};
use contact::Contact;
pub use health::{NOT_READY, UNREACHABLE};
use health::{Ready, Verdict};
use heard::{Heard, hear, renewal};

const NAME: &str = "node-controller";

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A node may be silent for this long (`--node-monitor-grace-period`).
    pub grace: Duration,
    /// A new node may take this long for its first word (`--node-startup-grace-period`).
    pub startup: Duration,
}

/// What judging a node takes.
struct Lifecycle {
    context: Context,
    patience: Patience,
    heard: Heard,
    contact: Contact,
    /// Whether no node was ready when one was looked at last.
    disrupted: AtomicBool,
    queue: Arc<Queue<String>>,
}

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context, patience: Patience) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<String>::new(NAME, &context.queues));
    let heard = Heard::default();
    heard::listen(&context, patience.grace, &queue, &heard);
    let contact = Contact::new(Instant::now());
    let shutdown = context.shutdown.clone();
    let disrupted = AtomicBool::new(false);
    let lifecycle = Arc::new(Lifecycle { context, patience, heard, contact, disrupted, queue: Arc::clone(&queue) });
    async move {
        let own = Arc::clone(&lifecycle);
        let work = queue.work(1, shutdown.clone(), move |name| {
            let lifecycle = Arc::clone(&own);
            async move { lifecycle.reconcile(&name).await }
        });
        tokio::join!(work, shutdown.run_until_cancelled(lifecycle.keep_contact()));
    }
}

impl Lifecycle {
    /// Looks whether the API server answers, as often as it takes to notice that it was away.
    async fn keep_contact(&self) {
        let api = self.leases();
        let one = ListParams::default().limit(1);
        loop {
            if let Ok(Ok(_)) = tokio::time::timeout(contact::PERIOD, api.list_metadata(&one)).await {
                self.contact.answered(Instant::now());
            }
            tokio::time::sleep(contact::PERIOD).await;
        }
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.context.client.clone(), NODE_LEASES)
    }

    async fn reconcile(&self, name: &str) -> anyhow::Result<Next> {
        let Some(node) = self.context.nodes.get(name) else {
            self.notice_disruption();
            return Ok(Next::Wait);
        };
        let mut verdict = self.judge(&node);
        let news = matches!(verdict, Verdict::Silent { .. }) && health::ready(&node) != Ready::Unknown;
        if news && self.ask_lease(name).await.with_context(|| format!("cannot read the lease of node {name}"))? {
            verdict = self.judge(&node);
        }
        if let Verdict::Silent { never } = verdict {
            mark_unknown(&self.context, &node, never)
                .await
                .with_context(|| format!("cannot mark node {name} Unknown"))?;
        }
        let disrupted = self.notice_disruption();
        let ready = taint(&self.context, node, verdict, disrupted)
            .await
            .with_context(|| format!("cannot taint node {name}"))?;
        if ready == Ready::Unknown {
            mark_pods_unready(&self.context, name)
                .await
                .with_context(|| format!("cannot mark the pods of node {name} unready"))?;
        }
        match verdict {
            Verdict::Heard { left } => Ok(Next::After(left)),
            Verdict::Silent { .. } | Verdict::NoExecutor => Ok(Next::Wait),
        }
    }

    fn judge(&self, node: &Node) -> Verdict {
        let now = Instant::now();
        let since = self.heard.lock().get(&node.name_any()).map_or(now, |heartbeat| heartbeat.at);
        let silence = now.duration_since(since.max(self.contact.since(now)));
        health::judge(node, silence, self.patience)
    }

    /// Asks for the node's lease itself, for the watch may lag; whether it says something new.
    async fn ask_lease(&self, name: &str) -> Result<bool, Error> {
        let lease = self.leases().get_opt(name).await?;
        Ok(lease.is_some_and(|lease| hear(&self.heard, name, renewal(&lease))))
    }

    /// Whether no node is ready; where that has changed, all nodes are looked at again.
    fn notice_disruption(&self) -> bool {
        let ready = |node: &Node| health::effective_ready(node, self.judge(node)) == Ready::True;
        let disrupted = self.context.nodes.select(ready).is_empty();
        if self.disrupted.swap(disrupted, Ordering::Relaxed) != disrupted {
            match disrupted {
                true => tracing::info!("no node is ready: nobody is evicted"),
                false => tracing::info!("a node is ready again: pods of the others are evicted in time"),
            }
            for node in self.context.nodes.select(|_| true) {
                self.queue.add(node.name_any());
            }
        }
        disrupted
    }
}

async fn mark_unknown(context: &Context, node: &Node, never: bool) -> anyhow::Result<()> {
    let Some(conditions) = health::unknown_conditions(node, never, Timestamp::now()) else { return Ok(()) };
    context.events.record(
        node,
        NAME,
        false,
        "NodeNotReady",
        format!("Node {} status is now: NodeNotReady", node.name_any()),
    );
    let patch = json!({"metadata": {"uid": node.uid()}, "status": {"conditions": conditions}});
    let api: Api<Node> = Api::all(context.client.clone());
    let written = api.patch_status(&node.name_any(), &PatchParams::default(), &Patch::Strategic(&patch)).await;
    accept(written.map(|node| context.nodes.wrote(node)))?;
    Ok(())
}

/// Brings the node's taints up to date; gives its condition Ready as it is now.
async fn taint(context: &Context, node: Arc<Node>, verdict: Verdict, disrupted: bool) -> anyhow::Result<Ready> {
    // taints are replaced as a whole, and only over what they were computed from: what was written last
    let fresh = context.nodes.get(&node.name_any()).filter(|fresh| fresh.uid() == node.uid());
    let node = fresh.unwrap_or(node);
    let ready = health::effective_ready(&node, verdict);
    let Some(taints) = health::taints(&node, ready, disrupted, Timestamp::now()) else { return Ok(ready) };
    let taints = if taints.is_empty() { Value::Null } else { json!(taints) };
    let version = node.resource_version();
    let patch = json!({"metadata": {"uid": node.uid(), "resourceVersion": version}, "spec": {"taints": taints}});
    let api: Api<Node> = Api::all(context.client.clone());
    match api.patch(&node.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(node) => context.nodes.wrote(node),
        Err(Error::Api(status)) if status.code == 404 => {}
        Err(error) => return Err(error.into()),
    }
    Ok(ready)
}

fn pods_of(context: &Context, node: &str) -> Vec<Arc<Pod>> {
    context.pods.select(|pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(node))
}

/// Pods of a silent node serve nobody as far as anybody knows.
async fn mark_pods_unready(context: &Context, node: &str) -> anyhow::Result<()> {
    for pod in pods_of(context, node).into_iter().filter(|pod| pod::is_ready(pod)) {
        let condition = json!({"type": "Ready", "status": "False", "reason": "NodeNotReady",
            "lastTransitionTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
        let patch = json!({"metadata": {"uid": pod.uid()}, "status": {"conditions": [condition]}});
        let api: Api<Pod> = Api::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
        let written = api.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(&patch)).await;
        accept(written.map(|pod| context.pods.wrote(pod)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::task::Poll;

    use kube::Client;
    use kube::client::Body;
    use tokio_util::sync::CancellationToken;

    const RENEWED: &str = "2026-01-01T00:00:40.000000Z";

    /// An API server that has nothing but the node's lease.
    struct Server;

    impl tower::Service<http::Request<Body>> for Server {
        type Response = http::Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: http::Request<Body>) -> Self::Future {
            let lease = json!({"metadata": {"name": "n1"}, "spec": {"renewTime": RENEWED}});
            let there = request.uri().path().ends_with("/kube-node-lease/leases/n1");
            let (code, body) = if there { (200, lease) } else { (403, json!({"code": 403, "reason": "Forbidden"})) };
            let answer = http::Response::builder().status(code).body(Body::from(body.to_string().into_bytes()));
            std::future::ready(Ok(answer.unwrap()))
        }
    }

    fn lifecycle() -> Lifecycle {
        let client = Client::new(Server, "default");
        let context = Context::new(client, crate::queue::Metrics::default(), CancellationToken::new());
        let patience = Patience { grace: Duration::from_secs(40), startup: Duration::from_secs(60) };
        let queue = Arc::new(Queue::<String>::new(NAME, &context.queues));
        let (heard, contact) = (Heard::default(), Contact::new(Instant::now()));
        Lifecycle { context, patience, heard, contact, disrupted: AtomicBool::new(false), queue }
    }

    /// A ready node, whose lease was renewed when time began.
    fn node(lifecycle: &Lifecycle) {
        let node = json!({"metadata": {"name": "n1", "uid": "1", "resourceVersion": "1"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        lifecycle.context.nodes.wrote(serde_json::from_value(node).unwrap());
        hear(&lifecycle.heard, "n1", "lease 2026-01-01T00:00:00Z".to_owned());
    }

    async fn pass(lifecycle: &Lifecycle, seconds: u64) {
        for _ in 0..seconds {
            tokio::time::advance(Duration::from_secs(1)).await;
            lifecycle.contact.answered(Instant::now());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_is_asked_for_its_lease_before_it_counts_as_silent() {
        let lifecycle = lifecycle();
        node(&lifecycle);
        pass(&lifecycle, 41).await;
        let next = lifecycle.reconcile("n1").await.unwrap();
        assert_eq!(next, Next::After(Duration::from_secs(40)), "the watch had not brought it");
        pass(&lifecycle, 41).await;
        let refused = lifecycle.reconcile("n1").await.unwrap_err();
        assert_eq!(refused.to_string(), "cannot mark node n1 Unknown");
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_cannot_be_heard_while_the_api_server_is_away() {
        let lifecycle = lifecycle();
        node(&lifecycle);
        tokio::time::advance(Duration::from_secs(300)).await;
        assert_eq!(lifecycle.reconcile("n1").await.unwrap(), Next::After(Duration::from_secs(40)));
        pass(&lifecycle, 10).await;
        assert_eq!(lifecycle.reconcile("n1").await.unwrap(), Next::After(Duration::from_secs(31)));
    }
}
