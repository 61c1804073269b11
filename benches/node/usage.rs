//! What a node's own processes hold and use with forty pods that do nothing.

use anyhow::Context;
use bollard::Docker;

use super::cluster::Cluster;
use super::process::{self, Use};
use super::quiet;
use super::report::Report;
use super::trial::usage;
use super::{PODS, top};

/// The servers of `km` that run because of us; the agent is Mesos' own.
const SERVERS: [&str; 3] = ["minion", "executor", "proxy"];

pub(crate) async fn measure(
    docker: &Docker,
    cluster: &Cluster,
    seconds: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let what = format!("idle with {PODS} pods");
    let uses = quiet::over(seconds, &what, async || all(docker, cluster).await).await?;
    let mut total = Use::default();
    for (server, one) in SERVERS.iter().zip(uses) {
        report.row(&format!("{server} of a slave with {PODS} pods, idle"), None, usage(one.pss, one.cpu), "");
        total.pss += one.pss;
        total.cpu += one.cpu;
    }
    let what = format!("{} together", SERVERS.join(", "));
    report.row(&what, None, usage(total.pss, total.cpu), "30 MB, 0.5 % of a core");
    Ok(())
}

/// What each of the servers has used until now.
async fn all(docker: &Docker, cluster: &Cluster) -> anyhow::Result<Vec<Use>> {
    let processes = top::processes(docker, &format!("{}-mesosslave1", cluster.name)).await?;
    let of = |server: &str| {
        let runs = |command: &str| command.split_whitespace().nth(1) == Some(server);
        let (pid, _) = processes.iter().find(|(_, command)| runs(command))?;
        process::usage(pid)
    };
    SERVERS.iter().map(|server| of(server).with_context(|| format!("no `km {server}` runs on the slave"))).collect()
}

/// What the proxy holds now.
pub(crate) async fn proxy(docker: &Docker, cluster: &Cluster) -> anyhow::Result<u64> {
    Ok(all(docker, cluster).await?[2].pss)
}
