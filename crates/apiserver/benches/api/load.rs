//! wrk, and what it says.

use std::process::Command;

use anyhow::Context;

use crate::keys::MASTERS_TOKEN;

/// What one run of wrk sends.
pub(crate) struct Load<'l> {
    pub(crate) url: &'l str,
    pub(crate) connections: u32,
    pub(crate) seconds: u64,
    /// A script in Lua that makes the requests; without one they are GETs of the URL.
    pub(crate) script: Option<&'l str>,
}

/// Runs it, and gives the answers a second.
///
/// # Errors
/// Where wrk cannot be run, and where any answer was a refusal or an error: such a figure would mean nothing.
pub(crate) fn run(load: &Load<'_>) -> anyhow::Result<f64> {
    let mut wrk = Command::new("wrk");
    let threads = load.connections.min(2);
    wrk.args([format!("-t{threads}"), format!("-c{}", load.connections), format!("-d{}s", load.seconds)]).args([
        "--timeout",
        "20s",
        "-H",
        &format!("Authorization: Bearer {MASTERS_TOKEN}"),
    ]);
    let file = tempfile::NamedTempFile::with_suffix(".lua")?;
    if let Some(script) = load.script {
        std::fs::write(file.path(), script)?;
        wrk.arg("-s").arg(file.path());
    }
    let output = wrk.arg(load.url).output().context("run wrk (apt-get install wrk)")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = said.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors"));
    anyhow::ensure!(output.status.success() && wrong.is_none(), "{}: {said}", load.url);
    let line = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    line.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("wrk says no rate: {said}"))
}
