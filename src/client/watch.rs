//! A watch that survives the API server: the events after a resourceVersion, each once, over as many connections as
//! it takes.

use std::time::Duration;

use serde_json::Value;

use super::{Client, Error, Form, Path, Query, Stream};
use crate::client::error::Refusal;

/// The largest event: more than etcd takes.
const EVENT_BYTES: usize = 64 << 20;
/// The first and the longest pause before a lost server is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// How long a server may be away before the watch gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is watched: a path, and its query but for the watch's own parameters.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The path of the list.
    pub(crate) path: Path,
    /// Selectors.
    pub(crate) query: Query,
    /// How objects come.
    pub(crate) form: Form,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(crate) kind: String,
    /// The object, or a Table of one row.
    pub(crate) object: Value,
}

/// An open watch.
pub(crate) struct Watch<'a> {
    client: &'a Client,
    scope: Scope,
    resource_version: String,
    connection: Option<(Stream, Lines)>,
}

impl<'a> Watch<'a> {
    /// A watch of what happens in `scope` after `resource_version`. Nothing is sent before the first event is asked for.
    pub(crate) fn new(client: &'a Client, scope: Scope, resource_version: &str) -> Self {
        Self { client, scope, resource_version: resource_version.to_owned(), connection: None }
    }

    /// The next event.
    ///
    /// # Errors
    /// The server refused the watch (`Expired` where the resourceVersion is compacted), or was away too long.
    pub(crate) async fn next(&mut self) -> Result<Event, Error> {
        let mut pause = PAUSES.0;
        let mut away_since = None;
        loop {
            match self.step().await {
                Ok(Some(event)) => return Ok(event),
                // The server ended the watch in good order, as it does after a while.
                Ok(None) => {
                    self.connection = None;
                    pause = PAUSES.0;
                    away_since = None;
                }
                Err(error) if error.is_passing() => {
                    self.connection = None;
                    let since = *away_since.get_or_insert_with(tokio::time::Instant::now);
                    if since.elapsed() > PATIENCE {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The next event of the connection that is open, or of a new one; none where the connection ended.
    async fn step(&mut self) -> Result<Option<Event>, Error> {
        if self.connection.is_none() {
            let query = self.scope.query.clone().and("watch", true).and("allowWatchBookmarks", true);
            let path = self.scope.path.clone().with(query.and("resourceVersion", &self.resource_version));
            self.connection = Some((self.client.stream(&path, self.scope.form).await?, Lines::default()));
        }
        let (stream, lines) = self.connection.as_mut().expect("opened above");
        loop {
            while let Some(line) = lines.next() {
                if let Some(event) = read(&line, &mut self.resource_version)? {
                    return Ok(Some(event));
                }
            }
            match stream.next().await? {
                None => return Ok(None),
                Some(bytes) => lines.push(&bytes)?,
            }
        }
    }
}

/// An event out of a line; bookmarks only move the resourceVersion, errors are the server's refusals.
fn read(line: &[u8], resource_version: &mut String) -> Result<Option<Event>, Error> {
    let mut event: Value = serde_json::from_slice(line).map_err(|e| Error::garbled("a watch", e))?;
    let kind = event["type"].as_str().unwrap_or_default().to_owned();
    let object = event["object"].take();
    if kind == "ERROR" {
        let refusal: Refusal = serde_json::from_value(object).unwrap_or_default();
        return Err(Error::Refused(refusal));
    }
    if let Some(version) = version_of(&object) {
        version.clone_into(resource_version);
    }
    Ok((kind != "BOOKMARK").then_some(Event { kind, object }))
}

/// The resourceVersion of an object, or of a Table's only row.
fn version_of(object: &Value) -> Option<&str> {
    let row = object["rows"][0]["object"]["metadata"]["resourceVersion"].as_str();
    row.or_else(|| object["metadata"]["resourceVersion"].as_str()).filter(|version| !version.is_empty())
}

/// Bytes into lines.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    looked_at: usize,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > EVENT_BYTES {
            return Err(Error::garbled("a watch", serde::de::Error::custom("an event is larger than 64 MiB")));
        }
        Ok(())
    }

    /// The next whole line without its end; empty lines are skipped.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.bytes[self.looked_at..].iter().position(|&byte| byte == b'\n');
            let Some(end) = end.map(|end| end + self.looked_at) else {
                self.looked_at = self.bytes.len();
                return None;
            };
            let rest = self.bytes.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.bytes, rest);
            self.looked_at = 0;
            line.truncate(end);
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_may_come_in_any_pieces() {
        let text = b"one\n\ntwo\nthree";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut got = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece).expect("small");
                while let Some(line) = lines.next() {
                    got.push(String::from_utf8(line).expect("text"));
                }
            }
            assert_eq!(got, ["one", "two"], "in pieces of {size}");
        }
    }

    #[test]
    fn events_and_bookmarks_move_the_version_and_errors_are_refusals() {
        let mut version = "1".to_owned();
        let event =
            read(br#"{"type":"ADDED","object":{"metadata":{"resourceVersion":"5"}}}"#, &mut version).expect("an event");
        assert_eq!((event.expect("shown").kind.as_str(), version.as_str()), ("ADDED", "5"));
        let row = br#"{"type":"MODIFIED","object":{"kind":"Table","metadata":{"resourceVersion":""},"rows":[{"object":{"metadata":{"resourceVersion":"6"}}}]}}"#;
        assert!(read(row, &mut version).expect("an event").is_some());
        assert_eq!(version, "6");
        let bookmark = br#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"#;
        assert_eq!(read(bookmark, &mut version).expect("a bookmark"), None);
        assert_eq!(version, "9");
        let expired =
            br#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
        assert!(read(expired, &mut version).expect_err("refused").is_expired());
    }
}
