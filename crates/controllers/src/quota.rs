//! Resource quotas: how much of each is used, counted anew when something may have been given back.
//!
//! The API server charges what is made; what ends, or uses less than before, is this controller's to notice. It counts by lists
//! that are as new as the quota they are counted for, and writes only over that very state of the quota: what is charged
//! meanwhile makes it count again, so that no charge is ever lost.

mod count;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{Pod, ResourceQuota, Service};
use kube::api::{Api, PostParams};
use kube::{Error, ResourceExt};
use kube_api::quota::{self, amounts};
use kube_api::{Kind, kinds};
use serde_json::Value;

use crate::context::Context;
use crate::pod;
use crate::queue::{Next, Queue};
use crate::store::{Change, key, split};
use watches::Watches;

/// How long what happens together is gathered.
const GATHER: Duration = Duration::from_millis(100);
/// When to look again after somebody else was faster.
const AGAIN: Duration = Duration::from_millis(50);
/// What was made while a quota's limits changed may not have been charged: it is counted after this time.
const SETTLED: Duration = Duration::from_secs(3);
/// All are counted this often, whatever happens, as in Kubernetes.
const RESYNC: Duration = Duration::from_secs(300);

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<String>::new("resource-quota", &context.queues));
    let (watches, followed) = Watches::new(context.clone(), Arc::clone(&queue));
    context.quotas.listen(move |change| watches.cover(change));
    let own = Arc::clone(&queue);
    context.quotas.listen(move |change| {
        let limits = |quota: Option<&Arc<ResourceQuota>>| quota.and_then(|quota| quota.spec.clone());
        if let Some(quota) = change.new.filter(|_| limits(change.new) != limits(change.old)) {
            own.add(key(&**quota));
        }
    });
    let (own, pods, services) = (context.clone(), Arc::clone(&queue), Arc::clone(&queue));
    let seen = own.clone();
    context.pods.listen(move |change| {
        if gives_back_pod(change) {
            recount(&seen, &pods, "pods", change.any().and_then(|pod| pod.namespace()));
        }
    });
    context.services.listen(move |change| {
        if gives_back_service(change) {
            recount(&own, &services, "services", change.any().and_then(|service| service.namespace()));
        }
    });
    let (shutdown, all, again) = (context.shutdown.clone(), context.clone(), Arc::clone(&queue));
    let work = queue.work(2, shutdown, move |key| {
        let context = context.clone();
        async move { reconcile(&context, &key).await }
    });
    async move {
        let resync = async {
            loop {
                tokio::time::sleep(RESYNC).await;
                all.quotas.select(|_| true).iter().for_each(|quota| again.add(key(&**quota)));
            }
        };
        tokio::select! {
            () = work => {}
            () = followed => {}
            () = resync => {}
        }
    }
}

fn gives_back_pod(change: &Change<'_, Pod>) -> bool {
    match (change.old, change.new) {
        (Some(old), Some(new)) => !pod::is_finished(old) && pod::is_finished(new),
        (old, _) => old.is_some(),
    }
}

fn gives_back_service(change: &Change<'_, Service>) -> bool {
    match (change.old, change.new) {
        (Some(old), Some(new)) => old.spec != new.spec,
        (old, _) => old.is_some(),
    }
}

/// Has the quotas of the namespace counted that count such objects.
fn recount(context: &Context, queue: &Queue<String>, plural: &str, namespace: Option<String>) {
    let Some(kind) = kinds::find("", "v1", plural) else { return };
    recount_kind(context, queue, kind, namespace.as_deref());
}

/// The same for any kind; in all namespaces where none is named.
fn recount_kind(context: &Context, queue: &Queue<String>, kind: &Kind, namespace: Option<&str>) {
    let here = |quota: &ResourceQuota| namespace.is_none_or(|name| quota.metadata.namespace.as_deref() == Some(name));
    for quota in context.quotas.select(|quota| here(quota) && limits(quota).any(|name| quota::counts(kind, name))) {
        queue.add(key(&*quota));
    }
}

/// The names of the resources that a quota limits.
fn limits(quota: &ResourceQuota) -> impl Iterator<Item = &str> {
    let hard = quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    hard.into_iter().flat_map(|hard| hard.keys().map(String::as_str))
}

async fn reconcile(context: &Context, key: &str) -> anyhow::Result<Next> {
    tokio::time::sleep(GATHER).await;
    let (namespace, name) = split(key);
    let api: Api<ResourceQuota> = Api::namespaced(context.client.clone(), namespace);
    let Some(quota) = api.get_opt(name).await.context("cannot read the quota")? else { return Ok(Next::Wait) };
    let mut object: Value = serde_json::to_value(&quota)?;
    let before = object["status"].clone();
    object["status"]["hard"] = object["spec"]["hard"].clone();
    let used = count::used(context, namespace, &object).await?;
    object["status"]["used"] = quota::list(&used);
    let same = |part: &str| amounts(&before[part]) == amounts(&object["status"][part]);
    let limited_anew = !same("hard");
    if !limited_anew && same("used") {
        return Ok(Next::Wait);
    }
    let body = serde_json::from_value(object)?;
    match api.replace_status(name, &PostParams::default(), &body).await {
        Ok(written) => {
            context.quotas.wrote(written);
            Ok(if limited_anew { Next::After(SETTLED) } else { Next::Wait })
        }
        Err(Error::Api(status)) if status.code == 404 => Ok(Next::Wait),
        Err(Error::Api(status)) if status.code == 409 => Ok(Next::After(AGAIN)),
        Err(error) => Err(error).context("cannot write what is used"),
    }
}
