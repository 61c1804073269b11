//! How much goes through a service's address, beside the same two pods without it: iperf3 by TCP, in turns.

use anyhow::Context;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{Api, PostParams};
use kube::runtime::{conditions, wait::await_condition};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::report::{Report, median};
use super::trial::setting;

/// Where iperf3 listens.
const PORT: u16 = 5201;

/// The pods `server` and `client` stay.
pub(crate) async fn measure(cluster: &Cluster, rounds: u64, report: &mut Report) -> anyhow::Result<()> {
    let client = cluster.client().await?;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let services: Api<Service> = Api::default_namespaced(client);
    let server = start(&pods, "server", &["iperf3", "-s"]).await?;
    start(&pods, "client", &["sleep", "36000"]).await?;
    let service = serde_json::from_value(json!({"metadata": {"name": "server"}, "spec": {
        "selector": {"bench": "server"}, "ports": [{"port": PORT}]}}))?;
    let created = services.create(&PostParams::default(), &service).await?;
    let through = created.spec.and_then(|spec| spec.cluster_ip).context("the service has an address")?;
    await_reached(cluster, &through).await?;
    let (mut direct, mut figure) = (vec![], vec![]);
    for round in 0..rounds {
        eprintln!("throughput, round {} of {rounds}", round + 1);
        direct.push(gigabits(cluster, &server)?);
        figure.push(gigabits(cluster, &through)?);
    }
    let (direct, figure) = (median(direct), median(figure));
    report.row(
        "throughput between two pods through a service",
        Some(format!("{direct:.2} Gbit/s (direct)")),
        format!("{figure:.2} Gbit/s = {:.2} × direct", figure / direct),
        "",
    );
    Ok(())
}

/// A pod of that name with iperf3 in it, Running; gives its address.
async fn start(pods: &Api<Pod>, name: &str, command: &[&str]) -> anyhow::Result<String> {
    let pod = serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {"bench": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
            "name": "c", "image": "iperf3", "imagePullPolicy": "IfNotPresent", "command": command}]},
    }))?;
    pods.create(&PostParams::default(), &pod).await?;
    let running = await_condition(pods.clone(), name, conditions::is_pod_running());
    let running = tokio::time::timeout(std::time::Duration::from_secs(60), running);
    running.await.with_context(|| format!("pod {name} is not Running (tests/images/build iperf3)"))??;
    let status = pods.get(name).await?.status.and_then(|status| status.pod_ip);
    status.with_context(|| format!("pod {name} has an address"))
}

async fn await_reached(cluster: &Cluster, address: &str) -> anyhow::Result<()> {
    let script = format!("until nc -w 1 {address} {PORT} </dev/null; do sleep 0.1; done");
    let wait =
        tokio::task::block_in_place(|| cluster.k8sm(&["exec", "client", "--", "timeout", "30", "sh", "-c", &script]));
    wait.map(drop).context("the service does not serve")
}

/// One run of `BENCH_SECONDS` seconds, as the receiver counts.
fn gigabits(cluster: &Cluster, address: &str) -> anyhow::Result<f64> {
    let seconds = setting("BENCH_SECONDS", 5).to_string();
    let words = ["exec", "client", "--", "iperf3", "-J", "-t", &seconds, "-c", address];
    let (_, said) = tokio::task::block_in_place(|| cluster.k8sm(&words))?;
    let result: Value = serde_json::from_str(&said).context("read what iperf3 says")?;
    let bits = result["end"]["sum_received"]["bits_per_second"].as_f64();
    Ok(bits.with_context(|| format!("iperf3 says {}", result["error"]))? / 1e9)
}
