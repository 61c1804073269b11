//! Ready means asked and answered: the probe inside the cluster says what serves, and the published port is tried from here.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::query_parameters::EventsOptionsBuilder;
use futures::{Stream, StreamExt, TryStreamExt};
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::name::{self, ClusterName};
use super::pki::Pki;
use super::probe::{Answer, Asked, Check};
use super::progress::Progress;
use crate::failure::Failure;

/// How often a component may end while others come up, before that is taken for its failure.
const DEATHS: usize = 5;

/// How long the published port may take to answer, once the server behind it is ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until everything of the cluster serves, and hands on each check that is passed.
///
/// # Errors
/// An interrupt, or a component that ends again and again. The caller gives up at the `deadline`; what runs inside the
/// cluster ends by itself then.
pub(crate) async fn wait(
    engine: &Engine,
    progress: &Progress,
    cluster: &ClusterName,
    asked: Asked,
    deadline: Instant,
    interrupt: &CancellationToken,
    mut passed: impl FnMut(&Check),
) -> Result<(), Failure> {
    let phase = progress.phase("waiting");
    let mut waiting: BTreeSet<Check> = Check::all(asked).into_iter().collect();
    let mut pass = |check: &Check, waiting: &BTreeSet<Check>| {
        let left: BTreeSet<&str> = waiting.iter().map(Check::hostname).collect();
        phase.part(&check.describe(), &left.into_iter().collect::<Vec<_>>().join(" "));
        passed(check);
    };
    let served = async {
        // The API server's container may restart, which ends the probe in it.
        while !waiting.is_empty() {
            if let Err(error) = ask(engine, cluster, asked, deadline, &mut waiting, &mut pass).await {
                tracing::debug!("probe: {error:#}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    };
    tokio::select! {
        () = served => {}
        failure = dying(engine, cluster) => return Err(failure),
        () = interrupt.cancelled() => return Err(super::act::interrupted()),
    }
    phase.end();
    Ok(())
}

/// Runs the probe, and takes from `waiting` what is passed.
async fn ask(
    engine: &Engine,
    cluster: &ClusterName,
    asked: Asked,
    deadline: Instant,
    waiting: &mut BTreeSet<Check>,
    pass: &mut impl FnMut(&Check, &BTreeSet<Check>),
) -> anyhow::Result<()> {
    let mut answers = std::pin::pin!(probe(engine, &cluster.of("apiserver"), asked, Some(deadline)).await?);
    while let Some(answer) = answers.try_next().await? {
        if answer.why.is_none() && waiting.remove(&answer.check) {
            pass(&answer.check, waiting);
        }
    }
    Ok(())
}

/// The answers of the probe in that container: asked until they are good or the time is over, or once where none is given.
///
/// # Errors
/// When the container does not run.
pub(crate) async fn probe(
    engine: &Engine,
    container: &str,
    asked: Asked,
    until: Option<Instant>,
) -> anyhow::Result<impl Stream<Item = anyhow::Result<Answer>> + use<>> {
    let options = CreateExecOptions {
        cmd: Some(command(asked, until.map(|until| until.saturating_duration_since(Instant::now())))),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..CreateExecOptions::default()
    };
    let exec = engine.docker.create_exec(container, options).await?;
    let StartExecResults::Attached { output, .. } = engine.docker.start_exec(&exec.id, None).await? else {
        anyhow::bail!("the engine did not attach");
    };
    Ok(lines(output).filter_map(|line| async move {
        match line {
            Ok(line) => serde_json::from_str(&line).ok().map(Ok),
            Err(error) => Some(Err(error.into())),
        }
    }))
}

/// How long a cluster that did not come up may take to say what is missing.
const LAST_WORD: Duration = Duration::from_secs(8);

/// What is missing of a cluster, and why, a line each; nothing where it cannot be asked.
pub(crate) async fn missing(engine: &Engine, cluster: &ClusterName, asked: Asked) -> Vec<String> {
    let answers = async {
        let answers = probe(engine, &cluster.of("apiserver"), asked, None).await?;
        answers.try_collect::<Vec<Answer>>().await
    };
    let answers = tokio::time::timeout(LAST_WORD, answers).await.ok().and_then(Result::ok).unwrap_or_default();
    let lines = answers.into_iter().filter_map(|answer| Some(format!("{}: {}", answer.check.describe(), answer.why?)));
    lines.collect()
}

/// The lines of stdout.
fn lines(
    output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>>,
) -> impl Stream<Item = Result<String, bollard::errors::Error>> {
    /// A line of the probe is a hundred bytes; what never ends is none.
    const LIMIT: usize = 64 * 1024;
    let mut held: Vec<u8> = Vec::new();
    output.flat_map(move |chunk| {
        let mut found = Vec::new();
        match chunk {
            Ok(LogOutput::StdOut { message }) => {
                held.extend_from_slice(&message);
                while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = held.drain(..=end).collect();
                    found.push(Ok(String::from_utf8_lossy(&line).into_owned()));
                }
                if held.len() > LIMIT {
                    held.clear();
                }
            }
            Ok(_) => {}
            Err(error) => found.push(Err(error)),
        }
        futures::stream::iter(found)
    })
}

/// The probe's command line: it waits no longer than for `left`, as nobody ends it when its client is gone.
fn command(asked: Asked, left: Option<Duration>) -> Vec<String> {
    let mut command = vec!["/km".to_owned(), "await-cluster".to_owned(), format!("--slaves={}", asked.slaves)];
    command.extend(asked.dns.then(|| "--dns".to_owned()));
    command.push(left.map_or("--once".to_owned(), |left| format!("--timeout={}", left.as_secs() + 1)));
    command
}

/// Asks the API server at `server`, its published port, by the certificate that the kubeconfig trusts: what kubectl will do.
///
/// # Errors
/// When it does not answer there, though it does inside the cluster.
pub(crate) async fn published(server: &str, pki: &Pki) -> Result<(), Failure> {
    let url = format!("{server}/readyz");
    let asked = async {
        // Somebody else may have installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = reqwest::Certificate::from_pem(pki.text("ca.crt")?.as_bytes())?;
        let client = reqwest::Client::builder().tls_certs_only([authority]).timeout(PATIENCE).no_proxy().build()?;
        client.get(&url).send().await?.error_for_status()?;
        anyhow::Ok(())
    };
    asked.await.map_err(|error| {
        Failure::environment(format!("{url} does not answer, though the API server is ready inside the cluster"))
            .because(error)
            .hint("does a firewall, or another program on that port, stand between? --api-port names another one")
    })
}

/// Ends when a component ended for the last time that is taken for a matter of order.
async fn dying(engine: &Engine, cluster: &ClusterName) -> Failure {
    let filters = HashMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        ("event".to_owned(), vec!["die".to_owned()]),
        ("label".to_owned(), vec![format!("{}={}", name::CLUSTER, cluster), name::COMPONENT.to_owned()]),
    ]);
    let options = EventsOptionsBuilder::default().filters(&filters).build();
    let mut events = std::pin::pin!(engine.docker.events(Some(options)));
    let mut deaths: HashMap<String, usize> = HashMap::new();
    while let Some(Ok(event)) = events.next().await {
        let attributes = event.actor.and_then(|actor| actor.attributes).unwrap_or_default();
        let hostname = attributes.get(name::HOSTNAME).cloned().unwrap_or_default();
        let count = deaths.entry(hostname.clone()).or_default();
        *count += 1;
        if *count >= DEATHS {
            let code = attributes.get("exitCode").map_or("?", String::as_str);
            return Failure::failed(format!("component {hostname} ends again and again, with exit code {code}"));
        }
    }
    // Without events only the time limit is left.
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_waits_as_long_as_its_client() {
        let asked = Asked { slaves: 2, dns: true };
        let waiting = command(asked, Some(Duration::from_millis(1500)));
        assert_eq!(waiting, ["/km", "await-cluster", "--slaves=2", "--dns", "--timeout=2"]);
        let once = command(Asked { dns: false, ..asked }, None);
        assert_eq!(once, ["/km", "await-cluster", "--slaves=2", "--once"]);
    }
}
