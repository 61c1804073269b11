//! A container's log as `kubectl logs` asks for it, from Docker's.

use bollard::query_parameters::LogsOptionsBuilder;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};

use crate::runtime::{Runtime, words};

/// What may be asked of a log: the query of `/containerLogs/…`, named as in Kubernetes' PodLogOptions.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogQuery {
    /// Go on with what is written later.
    #[serde(deserialize_with = "flag")]
    pub follow: bool,
    /// Of the container before the last restart.
    #[serde(deserialize_with = "flag")]
    pub previous: bool,
    /// Begin lines with their time.
    #[serde(deserialize_with = "flag")]
    pub timestamps: bool,
    /// This many lines at the end.
    pub tail_lines: Option<u64>,
    /// Lines of the last seconds.
    pub since_seconds: Option<i64>,
    /// Lines since then.
    pub since_time: Option<Timestamp>,
    /// No more bytes than this.
    pub limit_bytes: Option<u64>,
}

/// Kubernetes' booleans in a query: present without a value is true.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(serde::de::Error::custom(format!("\"{text}\" is neither true nor false"))),
    }
}

impl LogQuery {
    /// Whether the parts fit together.
    ///
    /// # Errors
    /// What does not, for the one who asked.
    pub fn check(&self) -> Result<(), &'static str> {
        match self {
            Self { since_seconds: Some(_), since_time: Some(_), .. } => {
                Err("at most one of `sinceTime` or `sinceSeconds` may be specified")
            }
            Self { since_seconds: Some(..=0), .. } => Err("sinceSeconds: must be greater than 0"),
            Self { limit_bytes: Some(0), .. } => Err("limitBytes: must be greater than 0"),
            _ => Ok(()),
        }
    }

    /// The time before which nothing is wanted, in whole seconds as Docker takes it.
    fn since(&self, now: Timestamp) -> i32 {
        let since = self.since_time.or(self.since_seconds.map(|seconds| now - SignedDuration::from_secs(seconds)));
        since.map_or(0, |since| i32::try_from(since.as_second()).unwrap_or(0))
    }
}

/// The log of the container with that Docker ID.
pub fn stream(
    runtime: &Runtime,
    id: &str,
    query: &LogQuery,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + use<> {
    let tail = query.tail_lines.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .follow(query.follow)
        .timestamps(query.timestamps)
        .since(query.since(Timestamp::now()))
        .tail(&tail)
        .build();
    let docker = runtime.docker().clone();
    let lines = docker.logs(id, Some(options)).map(|line| match line {
        Ok(line) => Ok(line.into_bytes()),
        Err(error) => Err(std::io::Error::other(words(&error))),
    });
    limited(lines, query.limit_bytes.unwrap_or(u64::MAX))
}

/// The first `limit` bytes.
fn limited(
    lines: impl Stream<Item = std::io::Result<Bytes>> + Send,
    limit: u64,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    lines.scan(limit, |left, line| {
        std::future::ready(match line {
            _ if *left == 0 => None,
            Ok(mut line) => {
                line.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= line.len() as u64;
                Some(Ok(line))
            }
            Err(error) => Some(Err(error)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Query;

    fn parse(query: &str) -> Result<LogQuery, String> {
        let uri: http::Uri = format!("/?{query}").parse().unwrap();
        Query::<LogQuery>::try_from_uri(&uri).map(|Query(query)| query).map_err(|error| error.to_string())
    }

    #[test]
    fn queries_are_read_as_kubernetes_does() {
        let query =
            parse("follow=true&tailLines=10&sinceTime=2026-01-01T00:00:00Z&timestamps=1&previous=false").unwrap();
        assert!(query.follow && query.timestamps && !query.previous);
        assert_eq!((query.tail_lines, query.since(Timestamp::UNIX_EPOCH)), (Some(10), 1_767_225_600));
        assert_eq!(parse("").unwrap(), LogQuery::default());
        assert!(parse("follow=maybe").is_err() && parse("tailLines=-1").is_err());
        assert!(parse("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z").unwrap().check().is_err());
        assert!(parse("sinceSeconds=0").unwrap().check().is_err());
    }

    #[tokio::test]
    async fn no_more_than_the_limit_is_sent() {
        let lines = futures::stream::iter(["one\n", "two\n", "three\n"].map(|line| Ok(Bytes::from(line))));
        let sent: Vec<_> = limited(lines, 6).map(Result::unwrap).collect().await;
        assert_eq!(sent.concat(), b"one\ntw");
    }
}
