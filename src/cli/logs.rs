//! `k8sm logs`: what a pod's containers wrote.

use clap::{ArgAction, Args};
use kube_api::kinds;
use serde_json::Value;

use super::Global;
use super::kube::Place;
use crate::client::{Client, Form, Path, Query, target};
use crate::failure::Failure;
use crate::shell;

/// The container that `logs` and `exec` mean where none is named.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Show what a pod's container wrote
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm logs nginx\n  k8sm logs -f nginx -c nginx --tail=20")]
pub(crate) struct Logs {
    /// The pod: NAME or pod/NAME
    pod: String,
    /// The container
    #[arg(value_name = "CONTAINER", conflicts_with = "container")]
    second: Option<String>,
    #[command(flatten)]
    place: Place,
    /// The container [default: the first]
    #[arg(short, long)]
    container: Option<String>,
    /// All containers of the pod, one after another
    #[arg(long, conflicts_with_all = ["container", "second", "follow"])]
    all_containers: bool,
    /// Go on as it is written
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines; -1 is all
    #[arg(long, value_name = "LINES", default_value_t = -1, allow_negative_numbers = true)]
    tail: i64,
    /// Only what is newer than a time, as 10s, 5m, 3h
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<i64>,
    /// Only what was written after a moment (RFC 3339)
    #[arg(long, value_name = "MOMENT", conflicts_with = "since")]
    since_time: Option<jiff::Timestamp>,
    /// With the time of each line
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    timestamps: bool,
    /// Of the container before its last restart
    #[arg(short, long)]
    previous: bool,
    /// At most that many bytes
    #[arg(long, value_name = "BYTES")]
    limit_bytes: Option<u64>,
}

impl Logs {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let name = pod_name(&self.pod)?;
        let client = self.place.connect(global).await?;
        for container in self.containers(&client, &name).await? {
            self.stream(&client, &name, &container).await?;
        }
        Ok(())
    }

    /// Which containers are meant.
    async fn containers(&self, client: &Client, name: &str) -> Result<Vec<String>, Failure> {
        if let Some(container) = self.container.as_ref().or(self.second.as_ref()) {
            return Ok(vec![container.clone()]);
        }
        let pod = client.get(&pod_path(client, name), Form::Object).await?;
        if self.all_containers { Ok(container_names(&pod)) } else { Ok(vec![default_of(&pod)?]) }
    }

    async fn stream(&self, client: &Client, name: &str, container: &str) -> Result<(), Failure> {
        let mut query = Query::default()
            .and("container", container)
            .and_some("tailLines", (self.tail >= 0).then_some(self.tail))
            .and_some("sinceSeconds", self.since)
            .and_some("sinceTime", self.since_time)
            .and_some("limitBytes", self.limit_bytes);
        for (flag, wanted) in [("follow", self.follow), ("timestamps", self.timestamps), ("previous", self.previous)] {
            query = query.and_some(flag, wanted.then_some(true));
        }
        let mut stream = client.stream(&pod_path(client, name).under("log").with(query), Form::Object).await?;
        while let Some(bytes) = stream.next().await? {
            shell::bytes(&bytes)?;
        }
        Ok(())
    }
}

/// The pod that is meant by NAME or pod/NAME.
///
/// # Errors
/// Another kind, or no name.
pub(super) fn pod_name(text: &str) -> Result<String, Failure> {
    let Some((kind, name)) = text.split_once('/') else { return Ok(text.to_owned()) };
    let kind = target::one(kind)?;
    if kind.plural != "pods" || name.is_empty() {
        return Err(Failure::usage(format!("{text:?} names no pod")));
    }
    Ok(name.to_owned())
}

/// The container of a pod that is meant where none is named.
///
/// # Errors
/// No such pod.
pub(super) async fn default_container(client: &Client, name: &str) -> Result<String, Failure> {
    default_of(&client.get(&pod_path(client, name), Form::Object).await?)
}

/// The container that is meant where none is named; the user is told where there are others.
fn default_of(pod: &Value) -> Result<String, Failure> {
    let names = container_names(pod);
    let first = names.first().ok_or_else(|| Failure::failed("the pod has no containers"))?;
    let default = pod["metadata"]["annotations"][DEFAULT_CONTAINER].as_str();
    let chosen = default.filter(|default| names.iter().any(|name| name == default)).unwrap_or(first);
    if names.len() > 1 {
        shell::say(&format!("Defaulted container {chosen:?} out of: {}", names.join(", ")));
    }
    Ok(chosen.to_owned())
}

/// The path of a pod.
pub(super) fn pod_path(client: &Client, name: &str) -> Path {
    let pods = kinds::of("v1", "Pod").expect("pods are in the table of kinds");
    Path::object(pods, client.namespace(), name)
}

fn container_names(pod: &Value) -> Vec<String> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    containers.filter_map(|container| container["name"].as_str()).map(str::to_owned).collect()
}

/// A time in whole seconds, at least one.
fn seconds(text: &str) -> Result<i64, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| format!("{text:?} is no time such as 10s or 5m"))?;
    match span.as_secs() {
        seconds if span.is_positive() => Ok(seconds.max(1)),
        _ => Err("it must be longer than nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_in_whole_seconds() {
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("100ms"), Ok(1));
        assert!(seconds("0s").is_err());
        assert!(seconds("yesterday").is_err());
    }
}
