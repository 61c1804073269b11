//! `status`: each component, whether it serves, where, and what memory is its own.

use std::collections::BTreeMap;

use bollard::query_parameters::TopOptionsBuilder;
use futures::TryStreamExt;
use futures::future::join_all;
use serde::Serialize;

use super::engine::Engine;
use super::name::ClusterName;
use super::observed::{Component, Observed, State, rank};
use super::probe::{Answer, Asked};
use super::ready;
use crate::failure::Failure;

/// The state of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    pub(crate) cluster: ClusterName,
    /// Whether every component is there and healthy, and everything that was asked was answered well.
    pub(crate) healthy: bool,
    pub(crate) components: Vec<Line>,
    /// What is wrong with what is no component, as the DNS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
}

/// What a component's container does, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    Missing,
    #[serde(untagged)]
    There(State),
}

/// The state of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) hostname: String,
    pub(crate) container: String,
    pub(crate) image: String,
    pub(crate) state: Presence,
    pub(crate) healthy: bool,
    /// What is wrong, where something is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
    /// Its address on each network.
    pub(crate) addresses: BTreeMap<String, String>,
    /// The proportional set size of all its processes, in bytes; none where the engine's host cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pss_bytes: Option<u64>,
}

impl Status {
    /// Whether all of it was stopped, as `k8sm stop` does.
    pub(crate) fn is_stopped(&self) -> bool {
        self.components.iter().all(|line| line.state == Presence::There(State::Stopped))
    }
}

/// Reads the state of a cluster.
///
/// # Errors
/// When there is no such cluster, or the engine does not say.
pub(crate) async fn read(engine: &Engine, cluster: &ClusterName) -> Result<Status, Failure> {
    let observed = Observed::read(engine, cluster).await?;
    if observed.components.is_empty() {
        return Err(Failure::conflict(format!("cluster {cluster} is not there"))
            .hint(format!("`k8sm up{}` brings it up, `k8sm cluster list` lists clusters", cluster.flag())));
    }
    let memory = join_all(observed.components.iter().map(|(name, component)| async move {
        if component.state == State::Running { pss(engine, name).await } else { None }
    }));
    let (answers, memory) = tokio::join!(ask(engine, cluster, &observed), memory);
    Ok(of(cluster, observed, &answers, memory))
}

/// The state of a cluster by what Docker holds of it and what was answered.
fn of(cluster: &ClusterName, observed: Observed, answers: &Option<Vec<Answer>>, memory: Vec<Option<u64>>) -> Status {
    let missing = observed.missing(cluster);
    let mut components: Vec<Line> = observed
        .components
        .into_iter()
        .zip(memory)
        .map(|((container, component), pss_bytes)| line(cluster, container, component, answers, pss_bytes))
        .collect();
    components.extend(missing.into_iter().map(|hostname| absent(cluster, hostname, answers)));
    components.sort_by_key(|line| rank(&line.hostname));
    let others =
        answers.iter().flatten().filter(|one| !components.iter().any(|line| line.hostname == one.check.hostname()));
    let reasons: Vec<String> = others.filter_map(not_so).collect();
    let healthy = reasons.is_empty() && components.iter().all(|line| line.healthy);
    Status { cluster: cluster.clone(), healthy, components, reasons }
}

/// What an answer says is not so.
fn not_so(answer: &Answer) -> Option<String> {
    Some(format!("not so: {}: {}", answer.check.describe(), answer.why.as_ref()?))
}

/// The line of a component that has no container.
fn absent(cluster: &ClusterName, hostname: String, answers: &Option<Vec<Answer>>) -> Line {
    let gone = format!("its container is gone: `k8sm up{}` makes it again", cluster.flag());
    let own = answers.iter().flatten().filter(|answer| answer.check.hostname() == hostname);
    Line {
        reasons: std::iter::once(gone).chain(own.filter_map(not_so)).collect(),
        container: cluster.of(&hostname),
        hostname,
        image: String::new(),
        state: Presence::Missing,
        healthy: false,
        addresses: BTreeMap::new(),
        pss_bytes: None,
    }
}

/// What the probe inside the cluster says; none where it cannot run.
async fn ask(engine: &Engine, cluster: &ClusterName, observed: &Observed) -> Option<Vec<Answer>> {
    let container = cluster.of("apiserver");
    let running = observed.components.get(&container).is_some_and(|component| component.state == State::Running);
    if !running {
        return None;
    }
    let asked = Asked { slaves: observed.slaves(cluster), dns: observed.dns };
    let answers = ready::probe(engine, &container, asked, None).await.ok()?;
    answers.try_collect().await.ok()
}

fn line(
    cluster: &ClusterName,
    container: String,
    component: Component,
    answers: &Option<Vec<Answer>>,
    pss_bytes: Option<u64>,
) -> Line {
    let hostname = component.hostname;
    let own = answers.iter().flatten().filter(|answer| answer.check.hostname() == hostname);
    let mut reasons: Vec<String> = own.filter_map(not_so).collect();
    match (component.state, answers) {
        (State::Running, Some(answers)) if !answers.iter().any(|answer| answer.check.hostname() == hostname) => {
            reasons.push("nothing is known of it".to_owned());
        }
        (State::Running, None) => reasons.push("cannot be asked: the API server's container does not run".to_owned()),
        (State::Running, Some(_)) => {}
        (State::Created, _) => reasons.insert(0, "was never started".to_owned()),
        (State::Stopped, _) => reasons.insert(0, "does not run".to_owned()),
    }
    let prefix = cluster.of("");
    let short = |network: String| network.strip_prefix(&prefix).map(str::to_owned).unwrap_or(network);
    Line {
        healthy: component.state == State::Running && reasons.is_empty(),
        hostname,
        container,
        image: component.image,
        state: Presence::There(component.state),
        reasons,
        addresses: component.addresses.into_iter().map(|(network, address)| (short(network), address)).collect(),
        pss_bytes,
    }
}

/// The proportional set size of a container's processes, as `ps` on the engine's host reads it from `/proc`: no process
/// has to run in the container for it, which would count itself.
async fn pss(engine: &Engine, container: &str) -> Option<u64> {
    let options = TopOptionsBuilder::default().ps_args("-eo pid,pss").build();
    let top = engine.docker.top_processes(container, Some(options)).await.ok()?;
    let column = top.titles?.iter().position(|title| title == "PSS")?;
    let kilobytes: Option<Vec<u64>> = top.processes?.iter().map(|row| row.get(column)?.parse().ok()).collect();
    Some(kilobytes?.iter().sum::<u64>() * 1024)
}

/// The status as a table for people.
pub(crate) fn page(status: &Status) -> String {
    let mut rows = vec![["COMPONENT", "HEALTH", "CONTROL", "PODS", "MEMORY", "IMAGE"].map(str::to_owned)];
    for line in &status.components {
        let address = |network: &str| line.addresses.get(network).cloned().unwrap_or_else(|| "-".to_owned());
        let memory = line.pss_bytes.map_or("-".to_owned(), |bytes| format!("{:.1}M", bytes as f64 / 1048576.0));
        let health = match (line.healthy, line.state) {
            (true, _) => "healthy",
            (false, Presence::Missing) => "missing",
            (false, Presence::There(_)) => "unhealthy",
        };
        rows.push([
            line.hostname.clone(),
            health.to_owned(),
            address("control"),
            address("pods"),
            memory,
            if line.image.is_empty() { "-".to_owned() } else { line.image.clone() },
        ]);
    }
    let mut page = table(&rows);
    for line in status.components.iter().filter(|line| !line.healthy) {
        for reason in &line.reasons {
            page.push_str(&format!("{}: {reason}\n", line.hostname));
        }
    }
    status.reasons.iter().for_each(|reason| page.push_str(&format!("{reason}\n")));
    page
}

/// Rows as a table, columns three blanks apart.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: Vec<usize> =
        (0..N).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut page = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        page.push_str(cells.join("   ").trim_end());
        page.push('\n');
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::observed::tests::component;
    use crate::cluster::probe::Check;

    fn one(hostname: &str, state: State, answers: Option<Vec<Answer>>) -> Line {
        let cluster = ClusterName::new("g").unwrap();
        line(&cluster, format!("g-{hostname}"), component(hostname, state), &answers, Some(3 << 20))
    }

    #[test]
    fn a_component_is_healthy_when_it_was_asked_and_answered() {
        let good = vec![Answer { check: Check::Scheduler, why: None }, Answer { check: Check::Framework, why: None }];
        assert!(one("scheduler", State::Running, Some(good.clone())).healthy);
        assert!(!one("scheduler", State::Stopped, Some(good.clone())).healthy);
        assert!(!one("scheduler", State::Running, None).healthy);
        assert!(!one("controller", State::Running, Some(good)).healthy);
        let bad = vec![
            Answer { check: Check::Scheduler, why: None },
            Answer { check: Check::Framework, why: Some("not registered".into()) },
        ];
        let line = one("scheduler", State::Running, Some(bad));
        assert!(!line.healthy && line.reasons[0].contains("not registered"));
    }

    /// All that is asked of a cluster of one slave with a DNS, answered well but for that.
    fn answers(bad: Option<Check>) -> Option<Vec<Answer>> {
        let checks = Check::all(Asked { slaves: 1, dns: true }).into_iter();
        Some(checks.map(|check| Answer { why: (Some(&check) == bad.as_ref()).then(|| "no".into()), check }).collect())
    }

    #[test]
    fn a_cluster_is_healthy_when_all_is_there_and_all_answers_are_good() {
        let cluster = ClusterName::new("g").unwrap();
        let mut observed = Observed::default();
        for hostname in ["etcd", "mesosmaster1", "mesosslave1", "apiserver", "controller", "scheduler"] {
            observed.components.insert(cluster.of(hostname), component(hostname, State::Running));
        }
        let status = |observed: &Observed, bad| of(&cluster, observed.clone(), &answers(bad), vec![None; 6]);
        assert!(status(&observed, None).healthy);
        let without_dns = status(&observed, Some(Check::Dns));
        assert!(!without_dns.healthy && page(&without_dns).ends_with("\nnot so: DNS answers: no\n"));
        observed.components.remove("g-controller");
        let status = status(&observed, None);
        let line = status.components.iter().find(|line| line.hostname == "controller").expect("it is listed");
        assert_eq!(serde_json::to_value(line).unwrap()["state"], "missing");
        assert!(!status.healthy && page(&status).contains("\ncontroller     missing"), "{}", page(&status));
    }

    #[test]
    fn the_table_reads_so() {
        let good = vec![Answer { check: Check::Etcd, why: None }];
        let components =
            vec![one("etcd", State::Running, Some(good.clone())), one("apiserver", State::Stopped, Some(good))];
        let status =
            Status { cluster: ClusterName::new("g").unwrap(), healthy: false, components, reasons: Vec::new() };
        assert_eq!(
            page(&status),
            "COMPONENT   HEALTH      CONTROL      PODS   MEMORY   IMAGE\n\
             etcd        healthy     172.30.0.4   -      3.0M     k8sm/km:1\n\
             apiserver   unhealthy   172.30.0.4   -      3.0M     k8sm/km:1\n\
             apiserver: does not run\n"
        );
    }

    #[test]
    fn a_cluster_is_stopped_when_nothing_of_it_runs() {
        let status = |states: &[State]| Status {
            cluster: ClusterName::new("g").unwrap(),
            healthy: false,
            components: states.iter().map(|state| one("etcd", *state, None)).collect(),
            reasons: Vec::new(),
        };
        assert!(status(&[State::Stopped, State::Stopped]).is_stopped());
        assert!(!status(&[State::Stopped, State::Running]).is_stopped());
        assert!(!status(&[State::Created]).is_stopped());
    }

    #[test]
    fn slaves_are_listed_by_number() {
        let mut names = ["scheduler", "mesosslave10", "mesosslave2", "etcd"];
        names.sort_by_key(|name| rank(name));
        assert_eq!(names, ["etcd", "mesosslave2", "mesosslave10", "scheduler"]);
    }
}
