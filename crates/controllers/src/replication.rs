//! Replication controllers: as many pods as asked for, owned by their controller.
//!
//! `plan` says what is to be done about a controller and its pods, without IO; this file does it.

mod plan;
mod rank;

use std::sync::Arc;

use anyhow::Context as _;
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, ReplicationController};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Error, ResourceExt};
use serde_json::{Value, json};

use crate::context::Context;
use crate::pod;
use crate::queue::{Next, Queue};
use crate::store::{Change, Key, key, split};
use plan::Plan;

const NAME: &str = "replication-controller";
const WORKERS: usize = 5;
/// Creations under way at one time for one controller.
const BATCH: usize = 16;

/// Starts the controller's listeners; the future does its work until shutdown.
pub fn start(context: Context) -> impl Future<Output = ()> {
    let queue = Arc::new(Queue::<Key>::new(NAME, &context.queues));
    let own = Arc::clone(&queue);
    context.controllers.listen(move |change| {
        if let Some(controller) = change.any() {
            own.add(key(&**controller));
        }
    });
    let (own, controllers) = (Arc::clone(&queue), Arc::clone(&context.controllers));
    context.pods.listen(move |change: &Change<Pod>| {
        for pod in change.old.into_iter().chain(change.new) {
            let namespace = pod.namespace().unwrap_or_default();
            match pod::controller(pod) {
                Some(owner) if owner.kind == "ReplicationController" => own.add(format!("{namespace}/{}", owner.name)),
                Some(_) => {}
                // an orphan may be adopted by whoever selects it
                None => {
                    for other in controllers.select(|rc| rc.namespace() == pod.namespace() && plan::selects(rc, pod)) {
                        own.add(key(&*other));
                    }
                }
            }
        }
    });
    let shutdown = context.shutdown.clone();
    queue.work(WORKERS, shutdown, move |key| {
        let context = context.clone();
        async move { reconcile(&context, &key).await }
    })
}

async fn reconcile(context: &Context, key: &str) -> anyhow::Result<Next> {
    let Some(controller) = context.controllers.get(key) else { return Ok(Next::Wait) };
    let namespace = split(key).0;
    let uid = controller.uid().unwrap_or_default();
    let ours = |pod: &Pod| {
        pod.namespace().as_deref() == Some(namespace)
            && (pod::controller(pod).is_some_and(|owner| owner.uid == uid) || plan::selects(&controller, pod))
    };
    let pods = context.pods.select(ours);
    let plan = plan::plan(&controller, &pods, Timestamp::now());
    let api: Api<Pod> = Api::namespaced(context.client.clone(), namespace);
    claim(context, &api, &controller, &plan).await?;
    let failure = manage(context, &api, &controller, &plan).await.err();
    write_status(context, &controller, &plan, failure.as_ref()).await?;
    match failure {
        Some(error) => Err(error),
        None => Ok(plan.again.map_or(Next::Wait, Next::After)),
    }
}

/// Adopts pods that the selector takes and nobody owns, releases owned ones that it no longer takes.
async fn claim(
    context: &Context,
    api: &Api<Pod>,
    controller: &ReplicationController,
    plan: &Plan,
) -> anyhow::Result<()> {
    for pod in &plan.adopt {
        let owner = plan::owner_reference(controller);
        let patch = json!({"metadata": {"uid": pod.uid(), "ownerReferences": [owner]}});
        patch_owner(context, api, pod, &patch).await.with_context(|| format!("cannot adopt pod {}", pod.name_any()))?;
    }
    for pod in &plan.release {
        let patch =
            json!({"metadata": {"uid": pod.uid(), "ownerReferences": [{"$patch": "delete", "uid": controller.uid()}]}});
        patch_owner(context, api, pod, &patch)
            .await
            .with_context(|| format!("cannot release pod {}", pod.name_any()))?;
    }
    Ok(())
}

async fn patch_owner(context: &Context, api: &Api<Pod>, pod: &Pod, patch: &Value) -> Result<(), Error> {
    match api.patch(&pod.name_any(), &PatchParams::default(), &Patch::Strategic(patch)).await {
        Ok(pod) => context.pods.wrote(pod),
        // it went away, or became another pod of that name: there is nothing to claim
        Err(Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Creates or deletes the difference.
async fn manage(
    context: &Context,
    api: &Api<Pod>,
    controller: &ReplicationController,
    plan: &Plan,
) -> anyhow::Result<()> {
    let mut left = plan.create;
    let mut batch = 1;
    // a quota or a bad template fails the first one already: begin small, as Kubernetes does
    while left > 0 {
        let now = batch.min(left);
        let outcomes = join_all((0..now).map(|_| create(context, api, controller))).await;
        outcomes.into_iter().collect::<anyhow::Result<Vec<()>>>()?;
        left -= now;
        batch = (batch * 2).min(BATCH);
    }
    let outcomes = join_all(plan.delete.iter().map(|pod| delete(context, api, controller, pod))).await;
    outcomes.into_iter().collect()
}

async fn create(context: &Context, api: &Api<Pod>, controller: &ReplicationController) -> anyhow::Result<()> {
    match api.create(&PostParams::default(), &plan::pod_of(controller)).await {
        Ok(pod) => {
            context.events.record(
                controller,
                NAME,
                false,
                "SuccessfulCreate",
                format!("Created pod: {}", pod.name_any()),
            );
            context.pods.wrote(pod);
            Ok(())
        }
        Err(Error::Api(status))
            if status.reason == "NamespaceTerminating" || status.message.contains("being terminated") =>
        {
            Ok(())
        }
        Err(error) => {
            context.events.record(controller, NAME, true, "FailedCreate", format!("Error creating: {}", told(&error)));
            Err(error).context("cannot create a pod")
        }
    }
}

async fn delete(
    context: &Context,
    api: &Api<Pod>,
    controller: &ReplicationController,
    pod: &Pod,
) -> anyhow::Result<()> {
    let preconditions = Some(Preconditions { uid: pod.uid(), resource_version: None });
    let params = DeleteParams { preconditions, ..DeleteParams::default() };
    let name = pod.name_any();
    match api.delete(&name, &params).await {
        Ok(answer) => {
            answer.map_left(|pod| context.pods.wrote(pod)).map_right(|_| context.pods.removed(pod));
        }
        Err(Error::Api(status)) if matches!(status.code, 404 | 409) => return Ok(()),
        Err(error) => {
            context.events.record(controller, NAME, true, "FailedDelete", format!("Error deleting: {}", told(&error)));
            return Err(error).with_context(|| format!("cannot delete pod {name}"));
        }
    }
    context.events.record(controller, NAME, false, "SuccessfulDelete", format!("Deleted pod: {name}"));
    Ok(())
}

/// The failure in the API server's own words, where they are its.
fn told(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// The condition of a controller whose pods cannot be made or deleted, since it first could not.
fn replica_failure(controller: &ReplicationController, plan: &Plan, error: &anyhow::Error, now: Timestamp) -> Value {
    let reason = if plan.create > 0 { "FailedCreate" } else { "FailedDelete" };
    let message = error.downcast_ref::<Error>().map_or_else(|| format!("{error:#}"), told);
    let known = controller.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let before = known.iter().find(|known| known.type_ == "ReplicaFailure" && known.status == "True");
    let since = before.and_then(|before| before.last_transition_time.as_ref()).map_or(now, |since| since.0);
    json!({"type": "ReplicaFailure", "status": "True", "reason": reason, "message": message,
           "lastTransitionTime": since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()})
}

async fn write_status(
    context: &Context,
    controller: &ReplicationController,
    plan: &Plan,
    failure: Option<&anyhow::Error>,
) -> anyhow::Result<()> {
    let condition = failure.map(|error| replica_failure(controller, plan, error, Timestamp::now()));
    let had =
        controller.status.as_ref().is_some_and(|status| status.conditions.as_ref().is_some_and(|c| !c.is_empty()));
    if controller.status.as_ref().is_some_and(|known| plan.status.equals(known)) && condition.is_some() == had {
        return Ok(());
    }
    let mut status = serde_json::to_value(&plan.status).expect("a status is plain data");
    status["conditions"] = condition.map_or(Value::Null, |condition| json!([condition]));
    let namespace = controller.namespace().unwrap_or_default();
    let api: Api<ReplicationController> = Api::namespaced(context.client.clone(), &namespace);
    let patch = Patch::Merge(json!({"metadata": {"uid": controller.uid()}, "status": status}));
    match api.patch_status(&controller.name_any(), &PatchParams::default(), &patch).await {
        Ok(written) => context.controllers.wrote(written),
        Err(Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => {}
        Err(error) => return Err(error).context("cannot write the status"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_the_api_servers_words_and_keeps_its_time() {
        let controller = |conditions: Value| -> ReplicationController {
            serde_json::from_value(json!({"metadata": {"name": "web", "namespace": "a", "uid": "1"},
                "spec": {"replicas": 1, "selector": {"app": "web"}}, "status": {"replicas": 0, "conditions": conditions}}))
            .unwrap()
        };
        let refusal = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 403,
            "reason": "Forbidden", "message": "pods \"web-1\" is forbidden: exceeded quota: q"});
        let refusal = Error::Api(Box::new(serde_json::from_value(refusal).unwrap()));
        let error = anyhow::Error::new(refusal).context("cannot create a pod");
        let now = "2026-01-02T00:00:00Z".parse().unwrap();
        let first = controller(json!([]));
        let plan = plan::plan(&first, &[], now);
        let told = replica_failure(&first, &plan, &error, now);
        assert_eq!(
            told,
            json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                "message": "pods \"web-1\" is forbidden: exceeded quota: q", "lastTransitionTime": "2026-01-02T00:00:00Z"})
        );
        let later = "2026-01-03T00:00:00Z".parse().unwrap();
        let again = controller(json!([told]));
        let still = replica_failure(&again, &plan, &error, later);
        assert_eq!(still["lastTransitionTime"], "2026-01-02T00:00:00Z");
    }
}
