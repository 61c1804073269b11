//! The processes of a container, as the engine lists them. Shared by the benches.

use anyhow::Context;
use bollard::Docker;

/// PID on this machine and command line of each process in the container.
pub(crate) async fn processes(docker: &Docker, container: &str) -> anyhow::Result<Vec<(String, String)>> {
    let top = docker.top_processes(container, None).await.with_context(|| format!("processes of {container}"))?;
    let titles = top.titles.unwrap_or_default();
    let column = |title: &str| {
        let at = titles.iter().position(|known| known == title);
        at.with_context(|| format!("the engine's list of processes names no {title}"))
    };
    let (pid, command) = (column("PID")?, column("CMD")?);
    let rows = top.processes.unwrap_or_default();
    Ok(rows.into_iter().filter_map(|row| Some((row.get(pid)?.clone(), row.get(command)?.clone()))).collect())
}
