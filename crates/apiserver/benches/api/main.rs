//! `make bench-api`: how fast the API server is and what it holds, beside what its etcd takes.
//!
//! The server is a process of its own (`$K8SM km apiserver`), over TLS, with a real etcd on this disk; requests come from
//! wrk. Figures and floors alternate, and what is printed are medians. The result is a table in Markdown, which takes the
//! place of the one in docs/performance.md. `BENCH_ROUNDS` and `BENCH_SECONDS` shorten a trial.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its purpose")]

mod etcd;
#[path = "../../tests/api/keys.rs"]
mod keys;
mod load;
mod pods;
#[path = "../../../../benches/shared/process.rs"]
mod process;
mod reads;
#[path = "../../../../benches/shared/report.rs"]
mod report;
mod server;
mod watchers;
mod writes;

use std::time::{Duration, Instant};

use anyhow::Context;

use etcd::Etcd;
use report::{Report, median};
use server::Server;

/// The number of pods that lists, memory and the start are measured with.
const PODS: usize = 5000;
/// What memory with the pods may be beyond that at start.
const LIMIT: &str = "3 × stored";
/// What a start must be over for before memory is looked at.
const SETTLE: Duration = Duration::from_secs(3);

/// How long and how often everything is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: u64,
    seconds: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    serve::tls::install_provider();
    // `cargo bench` passes `--bench`; nothing else is taken.
    let setting = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let effort = Effort { rounds: setting("BENCH_ROUNDS", 5), seconds: setting("BENCH_SECONDS", 5) };
    let mut report = Report::default();
    eprintln!("creates");
    writes::measure(effort, &mut report).await?;

    let etcd = Etcd::start().await?;
    let server = Server::start(&etcd).await?;
    tokio::time::sleep(SETTLE).await;
    let at_start = server.usage()?.pss;
    report.row("memory at start, PSS", None, megabytes(at_start), "40 MB");
    pods::create(&server, PODS).await?;
    let stored = etcd.bytes("/registry/").await?;
    tokio::time::sleep(SETTLE).await;
    memory("after they were created through it", at_start, server.usage()?.pss, stored, LIMIT, &mut report);
    eprintln!("reads");
    reads::measure(&server, effort, &mut report).await?;
    eprintln!("watches");
    watchers::measure(&server, effort, &mut report).await?;
    memory("after all these reads and watchers", at_start, server.usage()?.pss, stored, "", &mut report);
    eprintln!("starts");
    let server = starts(&etcd, server, effort, &mut report).await?;
    tokio::time::sleep(SETTLE).await;
    memory("after a start with them", at_start, server.usage()?.pss, stored, LIMIT, &mut report);
    report.publish("bench-api")
}

/// Time until the server is ready with all pods, beside reading the same bytes from etcd.
async fn starts(etcd: &Etcd, mut server: Server, effort: Effort, report: &mut Report) -> anyhow::Result<Server> {
    let (mut floor, mut figure) = (vec![], vec![]);
    for _ in 0..effort.rounds * 2 {
        let began = Instant::now();
        etcd.bytes("/registry/").await?;
        floor.push(began.elapsed().as_secs_f64());
        server.kill();
        figure.push(server.spawn().await.context("start the server again")?);
    }
    let (floor, figure) = (median(floor), median(figure));
    report.row(
        &format!("ready with {PODS} pods, from the start of the process"),
        Some(format!("{:.0} ms (the same bytes read from etcd)", floor * 1e3)),
        format!("{:.0} ms = {:.2} × floor", figure * 1e3, figure / floor),
        "1.5 × floor",
    );
    Ok(server)
}

fn memory(when: &str, at_start: u64, now: u64, stored: u64, limit: &str, report: &mut Report) {
    let beyond = now.saturating_sub(at_start);
    report.row(
        &format!("memory with {PODS} pods beyond that at start, {when}"),
        Some(format!("{} stored", megabytes(stored))),
        format!("{} = {:.2} × stored", megabytes(beyond), beyond as f64 / stored as f64),
        limit,
    );
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
