//! Forty pods created at once until the last is Running, beside forty bare sandboxes with a container each, as many at a time as
//! the executor starts.

use std::time::{Duration, Instant};

use anyhow::Context;
use bollard::Docker;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::json;

use super::PODS;
use super::cluster::Cluster;
use super::containers::{self, AT_ONCE};
use super::report::{Report, median};
use super::trial::ratio;

/// Longer than any machine takes for forty pods.
const PATIENCE: Duration = Duration::from_secs(600);
/// The label of these pods.
const LABEL: &str = "bench=burst";

/// The pods of the last round stay.
pub(crate) async fn measure(
    docker: &Docker,
    cluster: &Cluster,
    rounds: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pods: Api<Pod> = Api::default_namespaced(cluster.client().await?);
    let (mut bare, mut figure) = (vec![], vec![]);
    for round in 0..rounds {
        eprintln!("{PODS} pods at once, round {} of {rounds}", round + 1);
        if round > 0 {
            clear(&pods).await?;
        }
        bare.push(bare_pods(docker, &cluster.pod_network()).await?);
        figure.push(all(&pods).await?);
    }
    ratio(report, &format!("{PODS} pods at once → all Running"), median(bare), median(figure), 1.3);
    Ok(())
}

async fn bare_pods(docker: &Docker, network: &str) -> anyhow::Result<f64> {
    let name = |number: usize| format!("bench-floor-{}-{number}", std::process::id());
    let began = Instant::now();
    let made: Vec<[String; 2]> = futures::stream::iter(0..PODS)
        .map(|number| async move { containers::pod(docker, &name(number), network).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let took = began.elapsed().as_secs_f64();
    futures::stream::iter(made)
        .map(|pod| async {
            for container in pod {
                containers::remove(docker, container).await?;
            }
            anyhow::Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(took)
}

async fn all(pods: &Api<Pod>) -> anyhow::Result<f64> {
    let began = Instant::now();
    let creations = (0..PODS).map(|number| {
        let pod = serde_json::from_value(json!({
            "metadata": {"name": format!("burst-{number}"), "labels": {"bench": "burst"}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                "name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "36000"],
                "resources": {"limits": {"cpu": "20m", "memory": "32Mi"}}}]},
        }));
        async move { anyhow::Ok(pods.create(&PostParams::default(), &pod?).await?) }
    });
    futures::future::try_join_all(creations).await?;
    until(pods, "all pods are Running", |listed| {
        listed.len() == PODS && listed.iter().all(|pod| phase(pod) == Some("Running"))
    })
    .await?;
    Ok(began.elapsed().as_secs_f64())
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

async fn clear(pods: &Api<Pod>) -> anyhow::Result<()> {
    pods.delete_collection(&DeleteParams::default(), &ListParams::default().labels(LABEL)).await?;
    until(pods, "no pods are left", |listed| listed.is_empty()).await
}

/// Looks again at every change.
async fn until(pods: &Api<Pod>, what: &str, reached: impl Fn(&[Pod]) -> bool) -> anyhow::Result<()> {
    let look = async {
        let params = kube::api::WatchParams::default().labels(LABEL);
        loop {
            let listed = pods.list(&ListParams::default().labels(LABEL)).await?;
            if reached(&listed.items) {
                return anyhow::Ok(());
            }
            let version = listed.metadata.resource_version.unwrap_or_default();
            let mut changes = pods.watch(&params, &version).await?.boxed();
            let _ = changes.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, look)
        .await
        .with_context(|| format!("{what}: not within {} s", PATIENCE.as_secs()))?
}
