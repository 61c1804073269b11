//! From a pod's creation to Running, beside a bare sandbox on the same network with a container in it. Shared by the
//! benches.

use std::time::Instant;

use anyhow::Context;
use bollard::Docker;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, PostParams};
use kube::runtime::{conditions, wait::await_condition};
use serde_json::json;

use super::cluster::Cluster;
use super::containers;
use super::report::{Report, median};
use super::trial::ratio;

pub(crate) async fn measure(
    docker: &Docker,
    cluster: &Cluster,
    rounds: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let pods: Api<Pod> = Api::default_namespaced(cluster.client().await?);
    let network = cluster.pod_network();
    let (mut bare, mut figure) = (vec![], vec![]);
    for round in 0..rounds {
        eprintln!("pods, round {} of {rounds}", round + 1);
        bare.push(bare_pod(docker, &network, round).await?);
        figure.push(pod(&pods, &format!("bench-{round}")).await?);
    }
    ratio(report, "pod created → Running", median(bare), median(figure), 1.3);
    Ok(())
}

async fn bare_pod(docker: &Docker, network: &str, round: u64) -> anyhow::Result<f64> {
    let name = format!("bench-floor-{}-{round}", std::process::id());
    let began = Instant::now();
    let made = containers::pod(docker, &name, network).await?;
    let took = began.elapsed().as_secs_f64();
    for container in made {
        containers::remove(docker, container).await?;
    }
    Ok(took)
}

async fn pod(pods: &Api<Pod>, name: &str) -> anyhow::Result<f64> {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
            "name": "c", "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}]},
    }))?;
    let began = Instant::now();
    let created = pods.create(&PostParams::default(), &pod).await?;
    let running = await_condition(pods.clone(), name, conditions::is_pod_running());
    tokio::time::timeout(std::time::Duration::from_secs(60), running).await.context("the pod is not Running")??;
    let took = began.elapsed().as_secs_f64();
    pods.delete(name, &DeleteParams::default()).await?;
    let uid = created.metadata.uid.context("a created pod has a UID")?;
    let gone = await_condition(pods.clone(), name, conditions::is_deleted(&uid));
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.context("the pod is not gone")??;
    Ok(took)
}
