//! What the components hold and use while nothing happens: proportional set size and CPU time of all their processes.

use bollard::Docker;

use super::cluster::Cluster;
use super::process::{self, Use};
use super::quiet;
use super::report::Report;
use super::top;
use super::trial::usage;

const COMPONENTS: [&str; 7] =
    ["etcd", "mesosmaster1", "mesosslave1", "mesosslave2", "apiserver", "controller", "scheduler"];

pub(crate) async fn measure(
    docker: &Docker,
    cluster: &Cluster,
    seconds: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let uses = quiet::over(seconds, "idle", async || all(docker, cluster).await).await?;
    let mut total = Use::default();
    for (component, one) in COMPONENTS.iter().zip(uses) {
        report.row(&format!("{component} idle"), None, usage(one.pss, one.cpu), "");
        if *component != "etcd" {
            total.pss += one.pss;
            total.cpu += one.cpu;
        }
    }
    report.row("all components idle, without etcd", None, usage(total.pss, total.cpu), "100 MB, 1 % of a core");
    Ok(())
}

async fn all(docker: &Docker, cluster: &Cluster) -> anyhow::Result<Vec<Use>> {
    let mut uses = Vec::new();
    for component in COMPONENTS {
        let mut sum = Use::default();
        for (pid, _) in top::processes(docker, &format!("{}-{component}", cluster.name)).await? {
            // A process may end between the list and the look at it.
            if let Some(one) = process::usage(&pid) {
                sum.pss += one.pss;
                sum.cpu += one.cpu;
            }
        }
        uses.push(sum);
    }
    Ok(uses)
}
