//! Creates beside what the same etcd takes as bare transactions of that size.

use std::time::Duration;

use anyhow::Context;

use crate::Effort;
use crate::etcd::Etcd;
use crate::load::{self, Load};
use crate::pods;
use crate::reads::per_second;
use crate::report::{Report, median};
use crate::server::Server;

const CONNECTIONS: u32 = 64;

pub(crate) async fn measure(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let etcd = Etcd::start().await?;
    let server = Server::start(&etcd).await?;
    pods::create(&server, 1).await?;
    let size = usize::try_from(etcd.bytes("/registry/pods/").await?).context("the size of a pod")?;
    let url = server.url(&format!("/api/v1/namespaces/{}/pods", pods::NAMESPACE));
    let (mut floor, mut figure, mut cpu) = (vec![], vec![], vec![]);
    for round in 0..effort.rounds {
        let length = Duration::from_secs(effort.seconds);
        floor.push(etcd.transactions(size, CONNECTIONS as usize, length).await?);
        let script = script(round);
        let load = Load { url: &url, connections: CONNECTIONS, seconds: effort.seconds, script: Some(&script) };
        let before = server.usage()?.cpu;
        let rate = load::run(&load)?;
        cpu.push((server.usage()?.cpu - before) / (rate * effort.seconds as f64));
        figure.push(rate);
    }
    let (floor, figure) = (median(floor), median(figure));
    report.row(
        &format!("creates of pods of {size} bytes, {CONNECTIONS} connections"),
        Some(format!("{} bare transactions of etcd", per_second(floor))),
        format!(
            "{} = {:.0} % of the floor, {:.0} µs of the server's CPU each",
            per_second(figure),
            figure / floor * 100.0,
            median(cpu) * 1e6
        ),
        "60 % of the floor",
    );
    Ok(())
}

/// Requests that each create a pod of another name.
fn script(round: u64) -> String {
    let template = pods::pod("NAME").to_string();
    let (head, tail) = template.split_once("NAME").expect("the pod has its name");
    format!(
        "local thread = 0\n\
         function setup(t) t:set('id', thread); thread = thread + 1 end\n\
         local n = 0\n\
         local headers = {{['Content-Type'] = 'application/json'}}\n\
         function request()\n\
           n = n + 1\n\
           local name = 'w-{round}-' .. id .. '-' .. n\n\
           return wrk.format('POST', nil, wrk.headers, [==[{head}]==] .. name .. [==[{tail}]==])\n\
         end\n\
         function init() for k, v in pairs(headers) do wrk.headers[k] = v end end\n"
    )
}
