//! What the components said: streamed for `k8sm cluster logs`, saved where an `up` failed.

use std::path::{Path, PathBuf};

use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use futures::StreamExt;
use futures::future::join_all;

use super::act::{DISK_HINT, NO_SPACE};
use super::engine::Engine;
use super::name::ClusterName;
use super::observed::{Component, Observed, State};
use crate::failure::{Failure, Kind};
use crate::shell;

/// How many of its last lines a failing component shows.
const SHOWN: usize = 15;

/// How many of its last lines are saved at most.
const SAVED: usize = 100_000;

/// The last lines of a container, as bytes; empty where there is none.
pub(crate) async fn tail(engine: &Engine, container: &str, lines: usize) -> Vec<u8> {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&lines.to_string()).build();
    let mut output = engine.docker.logs(container, Some(options));
    let mut bytes = Vec::new();
    while let Some(Ok(chunk)) = output.next().await {
        bytes.extend_from_slice(&chunk.into_bytes());
    }
    bytes
}

/// Writes a container's log to stdout, each line behind `prefix`; `follow` goes on until the container ends.
///
/// # Errors
/// When the engine refuses it, or stdout cannot be written.
pub(crate) async fn stream(
    engine: &Engine,
    container: &str,
    prefix: &str,
    follow: bool,
    tail: &str,
) -> Result<(), Failure> {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(follow).tail(tail).build();
    let mut output = engine.docker.logs(container, Some(options));
    let mut held = Vec::new();
    while let Some(chunk) = output.next().await {
        let chunk = chunk.map_err(|error| Failure::failed(format!("read the log of {container}")).because(error))?;
        held.extend_from_slice(&LogOutput::into_bytes(chunk));
        while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = held.drain(..=end).collect();
            shell::data(&format!("{prefix}{}", String::from_utf8_lossy(&line)))?;
        }
    }
    if held.is_empty() { Ok(()) } else { shell::data(&format!("{prefix}{}\n", String::from_utf8_lossy(&held))) }
}

/// Saves the logs of all components, says where, and shows the last lines of the one that most likely failed.
pub(crate) async fn save_and_show(engine: &Engine, cluster: &ClusterName, failure: &Failure) {
    let Ok(observed) = Observed::read(engine, cluster).await else { return };
    if observed.components.is_empty() {
        return;
    }
    if let Some((name, _)) = suspect(&observed, &failure.line()) {
        let text = tail(engine, name, SHOWN).await;
        shell::say(&format!("the last lines of {name}:"));
        for line in String::from_utf8_lossy(&text).lines() {
            shell::say(&format!("  {line}"));
        }
    }
    match save(engine, &observed, cluster).await {
        Ok(directory) => shell::say(&format!("the logs of all components are in {}", directory.display())),
        Err(error) => shell::say(&format!("the logs could not be saved: {error}")),
    }
}

/// How many of its last lines tell why a component failed.
const TELLING: usize = 200;

/// The failure as it is, or the lack of disk that a component's log names as its cause.
pub(crate) async fn explain(engine: &Engine, cluster: &ClusterName, failure: Failure) -> Failure {
    if matches!(failure.kind(), Kind::Environment | Kind::Interrupted | Kind::Usage) {
        return failure;
    }
    let Ok(observed) = Observed::read(engine, cluster).await else { return failure };
    let tails = join_all(
        observed
            .components
            .iter()
            .map(|(name, component)| async move { (component.hostname.clone(), tail(engine, name, TELLING).await) }),
    );
    let full = tails.await.into_iter().find(|(_, text)| String::from_utf8_lossy(text).contains(NO_SPACE));
    match full {
        Some((hostname, _)) => {
            Failure::environment(format!("{}: {hostname} found {NO_SPACE}", failure.line())).hint(DISK_HINT)
        }
        None => failure,
    }
}

/// The component that a failure names, or else the first that does not run.
fn suspect<'a>(observed: &'a Observed, said: &str) -> Option<(&'a String, &'a Component)> {
    let named = observed
        .components
        .iter()
        .find(|(_, component)| said.split(|c: char| !c.is_alphanumeric()).any(|word| word == component.hostname));
    named.or_else(|| observed.components.iter().find(|(_, component)| component.state != State::Running))
}

async fn save(engine: &Engine, observed: &Observed, cluster: &ClusterName) -> std::io::Result<PathBuf> {
    let time = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    let directory = std::env::temp_dir().join(format!("k8sm-{cluster}-{time}-{}", std::process::id()));
    std::fs::DirBuilder::new().create(&directory)?;
    restrict(&directory)?;
    let written = observed.components.iter().map(|(name, component)| {
        let file = directory.join(format!("{}.log", component.hostname));
        async move { std::fs::write(file, tail(engine, name, SAVED).await) }
    });
    join_all(written).await.into_iter().collect::<std::io::Result<()>>()?;
    Ok(directory)
}

/// Logs are their owner's alone: the directory for temporary files is everybody's.
fn restrict(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn component(hostname: &str, state: State) -> (String, Component) {
        let component = Component {
            id: hostname.into(),
            component: hostname.into(),
            hostname: hostname.into(),
            image: String::new(),
            config: String::new(),
            state,
            addresses: BTreeMap::new(),
        };
        (format!("g-{hostname}"), component)
    }

    #[test]
    fn the_named_component_is_suspected_before_one_that_stands() {
        let components = [component("apiserver", State::Stopped), component("scheduler", State::Running)];
        let observed = Observed { components: components.into(), ..Observed::default() };
        assert_eq!(suspect(&observed, "component scheduler ends").unwrap().0, "g-scheduler");
        assert_eq!(suspect(&observed, "not up within 5s").unwrap().0, "g-apiserver");
    }
}
