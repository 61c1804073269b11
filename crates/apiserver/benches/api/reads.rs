//! Reads: one pod, all of them, few of them.

use anyhow::Context;

use crate::load::{self, Load};
use crate::pods::{FEW, NAMESPACE};
use crate::report::{Report, median};
use crate::server::Server;
use crate::{Effort, PODS};

/// Connections of clients that read one object.
const CONNECTIONS: u32 = 64;

pub(crate) async fn measure(server: &Server, effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let one = server.url(&format!("{pods}/pod-00042"));
    let selected = format!("{pods}?labelSelector={FEW}");
    let size = server.client()?.get(server.url(&pods)).send().await?.bytes().await.context("read the list")?.len();
    let (mut cached, mut consistent) = (Gets::default(), Gets::default());
    let (mut all, mut few, mut first) = (vec![], vec![], vec![]);
    for _ in 0..effort.rounds {
        cached.add(server, &format!("{one}?resourceVersion=0"), effort)?;
        consistent.add(server, &one, effort)?;
        all.push(1e3 / rate(&server.url(&pods), 1, effort)?);
        few.push(1e3 / rate(&server.url(&selected), 1, effort)?);
        first.push(1e3 / rate(&server.url(&format!("{pods}?limit=10&resourceVersion=0")), 1, effort)?);
    }
    report.row("GET of a pod at resourceVersion=0, 64 connections", None, cached.shown(), "20,000/s");
    report.row("GET of a pod, consistent, 64 connections", None, consistent.shown(), "10,000/s");
    let what = format!("list of {PODS} pods, {:.1} MiB", size as f64 / f64::from(1 << 20));
    report.row(&what, None, format!("{:.1} ms", median(all)), "50 ms");
    report.row(
        &format!("consistent list with a label selector, 10 of {PODS} pods"),
        Some(format!("{:.2} ms (the first 10 from memory)", median(first))),
        format!("{:.2} ms", median(few)),
        "",
    );
    Ok(())
}

/// Rounds of GETs.
#[derive(Default)]
struct Gets {
    rates: Vec<f64>,
    /// The server's CPU time for one, in seconds.
    cpu: Vec<f64>,
}

impl Gets {
    fn add(&mut self, server: &Server, url: &str, effort: Effort) -> anyhow::Result<()> {
        let before = server.usage()?.cpu;
        let rate = rate(url, CONNECTIONS, effort)?;
        self.cpu.push((server.usage()?.cpu - before) / (rate * effort.seconds as f64));
        self.rates.push(rate);
        Ok(())
    }

    fn shown(self) -> String {
        format!("{}, {:.0} µs of the server's CPU each", per_second(median(self.rates)), median(self.cpu) * 1e6)
    }
}

fn rate(url: &str, connections: u32, effort: Effort) -> anyhow::Result<f64> {
    load::run(&Load { url, connections, seconds: effort.seconds, script: None })
}

pub(crate) fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}
