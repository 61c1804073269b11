//! `make bench`: what a cluster costs, beside what Docker itself takes for as many bare containers.
//!
//! Floor and figure alternate, so that both see the same machine; what is printed are medians. The result is a table in
//! Markdown, which takes the place of the one in docs/performance.md. `BENCH_ROUNDS` and `BENCH_IDLE_SECONDS` shorten
//! a trial.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its purpose")]

#[path = "../shared/cluster.rs"]
mod cluster;
#[path = "../shared/containers.rs"]
mod containers;
mod floor;
mod idle;
#[path = "../shared/pods.rs"]
mod pods;
#[path = "../shared/process.rs"]
mod process;
#[path = "../shared/quiet.rs"]
mod quiet;
#[path = "../shared/report.rs"]
mod report;
#[path = "../shared/top.rs"]
mod top;
#[path = "../shared/trial.rs"]
mod trial;

use anyhow::Context;

use cluster::Cluster;
use report::{Report, median};
use trial::{ratio, setting};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // `cargo bench` passes `--bench`; nothing else is taken.
    let rounds = setting("BENCH_ROUNDS", 10);
    let docker = bollard::Docker::connect_with_defaults()?.negotiate_version().await.context("reach the engine")?;
    let mut report = Report::default();

    // A small cluster that stays, so that the image is there in every round, as it is for a second cluster.
    let holder = Cluster::new("hold")?;
    holder.k8sm(&["up", "--slaves", "1"])?;
    up_and_down(&docker, rounds, &mut report).await?;
    drop(holder);

    let cluster = Cluster::new("figure")?;
    cluster.k8sm(&["up"])?;
    idle::measure(&docker, &cluster, setting("BENCH_IDLE_SECONDS", 60), &mut report).await?;
    pods::measure(&docker, &cluster, rounds, &mut report).await?;
    commands(&cluster, rounds * 5, &mut report)?;
    drop(cluster);

    let size = std::fs::metadata(env!("CARGO_BIN_EXE_k8sm"))?.len();
    report.row("executable", None, format!("{:.1} MB", size as f64 / 1e6), "30 MB");
    report.publish("bench")
}

/// `k8sm up` and `k8sm down`, beside as many bare containers, networks and volumes.
async fn up_and_down(docker: &bollard::Docker, rounds: u64, report: &mut Report) -> anyhow::Result<()> {
    let (mut up_floor, mut up, mut down_floor, mut down) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        eprintln!("up and down, round {} of {rounds}", round + 1);
        let floor = floor::Cluster::new();
        up_floor.push(floor.up(docker).await?);
        down_floor.push(floor.down(docker).await?);
        let cluster = Cluster::new("round")?;
        up.push(cluster.k8sm(&["up"])?.0);
        down.push(cluster.k8sm(&["down"])?.0);
    }
    ratio(report, "`k8sm up`, until DNS answers", median(up_floor), median(up), 1.5);
    ratio(report, "`k8sm down`", median(down_floor), median(down), 1.3);
    Ok(())
}

/// The whole process of `k8sm get pods`, beside kubectl and a process that does nothing.
fn commands(cluster: &Cluster, rounds: u64, report: &mut Report) -> anyhow::Result<()> {
    let (mut nothing, mut ours, mut kubectl) = (vec![], vec![], vec![]);
    for _ in 0..rounds {
        nothing.push(cluster.run(&mut std::process::Command::new("true"))?.0);
        ours.push(cluster.k8sm(&["get", "pods"])?.0);
        kubectl.push(cluster.run(std::process::Command::new("kubectl").args(["get", "pods"]))?.0);
    }
    report.row(
        "`k8sm get pods`, whole process",
        Some(format!("{:.1} ms (`true`), {:.0} ms (kubectl)", median(nothing) * 1e3, median(kubectl) * 1e3)),
        format!("{:.1} ms", median(ours) * 1e3),
        "15 ms",
    );
    Ok(())
}
