//! `make bench-node`: what pods, a node and services cost, beside what Docker and the network take without us.
//!
//! Floor and figure alternate, so that both see the same machine; what is printed are medians. The result is a table in
//! Markdown, which takes the place of the one in docs/performance.md. `BENCH_ROUNDS`, `BENCH_BURSTS`, `BENCH_IDLE_SECONDS`,
//! `BENCH_SERVICES` and `BENCH_SECONDS` shorten a trial. Needs root: it looks into pods' networks.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its purpose")]

mod burst;
#[path = "../shared/cluster.rs"]
mod cluster;
#[path = "../shared/containers.rs"]
mod containers;
mod inside;
#[path = "../shared/pods.rs"]
mod pods;
#[path = "../shared/process.rs"]
mod process;
#[path = "../shared/quiet.rs"]
mod quiet;
#[path = "../shared/report.rs"]
mod report;
mod services;
mod throughput;
#[path = "../shared/top.rs"]
mod top;
#[path = "../shared/trial.rs"]
mod trial;
mod usage;

use anyhow::Context;

use cluster::Cluster;
use report::Report;
use trial::setting;

/// Pods of one slave at a time.
const PODS: usize = 40;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // `cargo bench` passes `--bench`; nothing else is taken.
    let docker = bollard::Docker::connect_with_defaults()?.negotiate_version().await.context("reach the engine")?;
    let mut report = Report::default();
    let cluster = Cluster::new("node")?;
    let compose = compose(&cluster)?;
    cluster.k8sm(&["up", "--slaves", "1", "--no-dns", "--service-cidr", "10.96.0.0/16", "--file", &compose])?;

    pods::measure(&docker, &cluster, setting("BENCH_ROUNDS", 10), &mut report).await?;
    burst::measure(&docker, &cluster, setting("BENCH_BURSTS", 3), &mut report).await?;
    usage::measure(&docker, &cluster, setting("BENCH_IDLE_SECONDS", 60), &mut report).await?;
    throughput::measure(&cluster, setting("BENCH_ROUNDS", 10).div_ceil(2), &mut report).await?;
    services::measure(&docker, &cluster, setting("BENCH_ROUNDS", 10), &mut report).await?;
    drop(cluster);
    report.publish("bench-node")
}

/// The cluster of `up`, with memory for so many pods on its slave.
fn compose(cluster: &Cluster) -> anyhow::Result<String> {
    let given = include_str!("../../compose/docker-compose.yml");
    let more = given.replace("mem:1280", "mem:8192");
    anyhow::ensure!(given != more, "compose/docker-compose.yml does not say mem:1280");
    let path = cluster.kubeconfig().with_file_name("compose.yml");
    std::fs::write(&path, more).with_context(|| format!("write {}", path.display()))?;
    Ok(path.display().to_string())
}
