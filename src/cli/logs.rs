//! `k8sm logs`: what containers wrote: one pod's, or those of all pods with some labels.

use std::time::Duration;

use clap::{ArgAction, Args};
use futures::future::try_join_all;

use super::Global;
use super::kube::Place;
use super::pod::{self, Pod};
use crate::client::{Client, Form, Query};
use crate::failure::Failure;
use crate::shell;

/// How many lines are shown of each pod that a selector finds, where none is said.
const LINES_EACH: i64 = 10;

/// Show what containers wrote
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm logs nginx\n  k8sm logs -f nginx -c nginx --tail=20\n  \
                        k8sm logs rc/nginxcontroller               of the first pod of a controller\n  \
                        k8sm logs -l name=nginx --prefix -f        of all pods with a label")]
pub(crate) struct Logs {
    /// The pod: NAME or pod/NAME; rc/NAME or svc/NAME is the first of its pods
    #[arg(value_name = "POD", required_unless_present = "selector", conflicts_with = "selector")]
    pod: Option<String>,
    /// The container
    #[arg(value_name = "CONTAINER", conflicts_with = "container")]
    second: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Of all pods with these labels, the last 10 lines of each unless --tail says other
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// The container [default: the first]
    #[arg(short, long)]
    container: Option<String>,
    /// All containers of the pod, one after another; with -f side by side
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true", conflicts_with_all = ["container", "second"])]
    all_containers: bool,
    /// Go on as it is written
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines; -1 is all
    #[arg(long, value_name = "LINES", allow_negative_numbers = true)]
    tail: Option<i64>,
    /// Only what is newer than a time, as 10s, 5m, 3h
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    since: Option<i64>,
    /// Only what was written after a moment (RFC 3339)
    #[arg(long, value_name = "MOMENT", conflicts_with = "since")]
    since_time: Option<jiff::Timestamp>,
    /// With the time of each line
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    timestamps: bool,
    /// Begin each line with [pod/NAME/CONTAINER]
    #[arg(long)]
    prefix: bool,
    /// Of the container before its last restart
    #[arg(short, long)]
    previous: bool,
    /// At most that many bytes
    #[arg(long, value_name = "BYTES")]
    limit_bytes: Option<u64>,
    /// How many containers may be followed at a time
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    max_log_requests: usize,
    /// Go on where one container's cannot be read
    #[arg(long)]
    ignore_errors: bool,
}

/// One container of a pod.
struct Source<'p> {
    pod: &'p Pod,
    container: String,
}

impl Logs {
    pub(super) async fn run(self, global: &Global) -> Result<(), Failure> {
        let client = self.place.connect(global).await?;
        let pods = match (&self.selector, &self.pod) {
            (Some(selector), _) => pod::selected(&client, selector).await?,
            (None, pod) => vec![pod::find(&client, pod.as_deref().unwrap_or_default()).await?],
        };
        if pods.is_empty() {
            shell::say(&format!("No resources found in {} namespace.", client.namespace()));
            return Ok(());
        }
        let mut sources = Vec::new();
        for pod in &pods {
            sources.extend(self.containers(pod)?.into_iter().map(|container| Source { pod, container }));
        }
        if !self.follow {
            for source in &sources {
                self.one(&client, source, sources.len() > 1).await?;
            }
            return Ok(());
        }
        if sources.len() > self.max_log_requests {
            return Err(Failure::usage(format!(
                "{} containers are to be followed, at most {}",
                sources.len(),
                self.max_log_requests
            ))
            .hint("--max-log-requests allows more, a narrower selector finds fewer"));
        }
        // The others may be followed for ever: the first failure ends the command, as does a reader that is gone.
        let all = sources.iter().map(|source| self.one(&client, source, sources.len() > 1));
        try_join_all(all).await.map(drop)
    }

    /// Which containers of a pod are meant.
    fn containers(&self, pod: &Pod) -> Result<Vec<String>, Failure> {
        match self.container.as_ref().or(self.second.as_ref()) {
            Some(container) => Ok(vec![container.clone()]),
            None if self.all_containers => Ok(pod.containers(true)),
            None => Ok(vec![pod.default_container(false)?]),
        }
    }

    /// Shows one container's, `beside` others or alone.
    async fn one(&self, client: &Client, source: &Source<'_>, beside: bool) -> Result<(), Failure> {
        let label = format!("[pod/{}/{}] ", source.pod.name(), source.container);
        let prefix = if self.prefix { label.as_str() } else { "" };
        match self.stream(client, source, prefix, beside || self.prefix).await {
            Err(failure) if self.ignore_errors => {
                shell::say(&format!("error: {label}{}", failure.line()));
                Ok(())
            }
            done => done,
        }
    }

    async fn stream(&self, client: &Client, source: &Source<'_>, prefix: &str, by_lines: bool) -> Result<(), Failure> {
        let path = source.pod.path(client).under("log").with(self.query(&source.container));
        let mut stream = client.stream(&path, Form::Object).await?;
        let mut held = Vec::new();
        while let Some(bytes) = stream.next().await? {
            if by_lines {
                held.extend_from_slice(&bytes);
                shell::bytes(&whole_lines(&mut held, prefix))?;
            } else {
                shell::bytes(&bytes)?;
            }
        }
        if !held.is_empty() {
            held.push(b'\n');
            shell::bytes(&whole_lines(&mut held, prefix))?;
        }
        Ok(())
    }

    fn query(&self, container: &str) -> Query {
        let tail = self.tail.or_else(|| self.selector.as_ref().map(|_| LINES_EACH));
        let mut query = Query::default()
            .and("container", container)
            .and_some("tailLines", tail.filter(|lines| *lines >= 0))
            .and_some("sinceSeconds", self.since)
            .and_some("sinceTime", self.since_time)
            .and_some("limitBytes", self.limit_bytes);
        for (flag, wanted) in [("follow", self.follow), ("timestamps", self.timestamps), ("previous", self.previous)] {
            query = query.and_some(flag, wanted.then_some(true));
        }
        query
    }
}

/// Takes the whole lines out of `held`, each with the prefix: several containers' must not run into one another.
fn whole_lines(held: &mut Vec<u8>, prefix: &str) -> Vec<u8> {
    let Some(end) = held.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let rest = held.split_off(end + 1);
    let lines = std::mem::replace(held, rest);
    let mut out = Vec::with_capacity(lines.len());
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(line);
    }
    out
}

/// A time in whole seconds, at least one.
fn seconds(text: &str) -> Result<i64, String> {
    match serve::duration::of_flag(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        time => Ok(time.as_secs().clamp(1, i64::MAX as u64).cast_signed()),
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

    #[test]
    fn lines_are_shown_whole_however_they_come() {
        let mut held = b"on".to_vec();
        assert!(whole_lines(&mut held, "> ").is_empty());
        held.extend_from_slice(b"e\n\ntw");
        assert_eq!(whole_lines(&mut held, "> "), b"> one\n> \n");
        assert_eq!(held, b"tw");
    }
}
