//! Many watchers of one kind: how long after an update was sent the last of them know of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Barrier;

use crate::Effort;
use crate::pods::NAMESPACE;
use crate::report::Report;
use crate::server::Server;

const WATCHERS: usize = 1000;
const UPDATES_A_SECOND: u32 = 20;
/// The annotation whose value tells which update it is.
const MARK: &str = "bench/update";
/// How long the last events may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// When each update was sent, and after how long each watcher knew.
#[derive(Default)]
struct Times {
    sent: Mutex<Vec<Instant>>,
    took: Mutex<Vec<f64>>,
}

pub(crate) async fn measure(server: &Server, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let (client, times) = (server.client()?, Arc::new(Times::default()));
    let updates = UPDATES_A_SECOND * u32::try_from(effort.seconds * effort.rounds).unwrap_or(u32::MAX);
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let list: serde_json::Value =
        serde_json::from_slice(&client.get(server.url(&format!("{path}?limit=1"))).send().await?.bytes().await?)?;
    let version = list["metadata"]["resourceVersion"].as_str().context("a list has its version")?.to_owned();
    let open = Arc::new(Barrier::new(WATCHERS + 1));
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|_| {
            let request = client.get(server.url(&format!("{path}?watch=true&resourceVersion={version}")));
            tokio::spawn(follow(request, Arc::clone(&open), Arc::clone(&times), updates))
        })
        .collect();
    open.wait().await;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / UPDATES_A_SECOND);
    for update in 0..updates {
        tick.tick().await;
        let request = client.patch(server.url(&format!("{path}/pod-{:05}", update % 100)));
        let patch = json!({"metadata": {"annotations": {MARK: format!("#{update}#")}}});
        times.sent.lock().push(Instant::now());
        let request = request.header("content-type", "application/merge-patch+json").body(patch.to_string());
        let answer = request.send().await.context("update a pod")?;
        anyhow::ensure!(answer.status().is_success(), "an update was refused: {}", answer.status());
    }
    for watcher in watchers {
        tokio::time::timeout(PATIENCE, watcher).await.context("a watcher was not told everything")???;
    }
    let mut took = std::mem::take(&mut *times.took.lock());
    took.sort_by(f64::total_cmp);
    let part = |share: f64| took[((took.len() - 1) as f64 * share) as usize] * 1e3;
    report.row(
        &format!("{WATCHERS} watchers, {UPDATES_A_SECOND} updates/s: from the update's sending to each event, p99"),
        Some(format!("median {:.0} ms", part(0.5))),
        format!("{:.0} ms", part(0.99)),
        "100 ms",
    );
    Ok(())
}

/// Reads one watch until all updates are told.
async fn follow(
    request: reqwest::RequestBuilder,
    open: Arc<Barrier>,
    times: Arc<Times>,
    updates: u32,
) -> anyhow::Result<()> {
    let mut answer = request.send().await.context("open a watch")?;
    open.wait().await;
    let (mut buffer, mut took) = (Vec::new(), Vec::with_capacity(updates as usize));
    let mark = format!("\"{MARK}\":\"#");
    while took.len() < updates as usize {
        buffer.extend_from_slice(&answer.chunk().await?.context("a watch ended")?);
        let now = Instant::now();
        while let Some(end) = buffer.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let line = std::str::from_utf8(&line)?;
            let number = line.split_once(&mark).and_then(|(_, rest)| rest.split_once('#'));
            let update: usize = number.context("an event is of another object")?.0.parse()?;
            took.push(now.duration_since(times.sent.lock()[update]).as_secs_f64());
        }
    }
    times.took.lock().append(&mut took);
    Ok(())
}
