//! Following changes: event by event, for as long as the client wants.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use kube_api::decode::Format;
use kube_api::{Kind, Status, protobuf};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::event;
use crate::api::{Api, Call, refuse};
use crate::convert;
use crate::http::accept::Form;
use crate::http::body::{self, BoxError};
use crate::http::query;
use crate::http::reply::Answer;
use crate::present::{self, Include};
use crate::selection::Selection;
use crate::storage::{Behind, Change, Entry, Keyed, Range, StorageError, Watcher};

/// How often a client that wants bookmarks gets one.
const BOOKMARK: Duration = Duration::from_secs(60);
/// How long before a watch's end it gets its last one, as in Kubernetes: it resumes from there.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// How long a watch lasts where the client does not say: this long, and up to as long again.
const LASTS: Duration = Duration::from_secs(1800);
/// Events are told in frames of about this size.
const FRAME: usize = 64 << 10;

/// Answers with a stream of events.
pub(crate) async fn watch(api: &Api, call: &Call) -> Answer {
    let selection = Selection::parse(call.kind(), &call.query, &call.target.name)?;
    let start = Start::of(call)?;
    let timeout = call.query.timeout()?.unwrap_or_else(|| LASTS.mul_f64(1.0 + rand::random::<f64>()));
    let teller = Teller {
        kind: call.kind(),
        format: call.accept.format,
        form: call.accept.form,
        include: Include::parse(call.query.get("includeObject")),
        plain: call.accept.form == Form::Object && !convert::needed(call.kind()),
        prefix: call.prefix(),
        selection,
        columns_told: false,
    };
    let mut stream = match begin(api, call, start, teller).await {
        Ok(stream) => stream,
        Err(status) => {
            let mut frame = BytesMut::new();
            event::value(&mut frame, call.accept.format, "ERROR", &status.to_value());
            return Ok(respond(futures::stream::iter([Ok::<_, BoxError>(frame.freeze())]), call));
        }
    };
    stream.deadline = Instant::now() + timeout;
    stream.bookmarks = stream.bookmarks.map(|_| stream.next_bookmark());
    let frames = futures::stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((Ok::<_, BoxError>(frame), stream))
    });
    Ok(respond(frames, call))
}

fn respond<S>(frames: S, call: &Call) -> Response<body::Body>
where
    S: futures::Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
{
    let mut response = Response::new(body::stream(frames));
    let asked = call.headers.get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let stream = asked.contains("stream=watch");
    let content_type = match call.accept.format {
        Format::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
        _ if stream => "application/json;stream=watch",
        _ => "application/json",
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Where a watch begins.
enum Start {
    /// With all objects there are, as fresh as etcd or at this revision at least.
    State { fresh: Option<u64>, bookmark: bool },
    /// With what changes behind this revision.
    Changes(u64),
}

impl Start {
    fn of(call: &Call) -> Result<Self, Status> {
        if call.accept.format == Format::Yaml {
            return Err(Status::not_acceptable(&[
                "application/json;stream=watch",
                "application/vnd.kubernetes.protobuf;stream=watch",
            ]));
        }
        let version = call.query.resource_version()?;
        let matching = call.query.get("resourceVersionMatch");
        if call.query.get("sendInitialEvents").is_some() {
            if matching != Some("NotOlderThan") {
                return Err(match_forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
            }
            if call.query.flag("sendInitialEvents") {
                let bookmark = call.query.flag("allowWatchBookmarks");
                return Ok(Self::State { fresh: version, bookmark });
            }
        } else if matching.is_some() {
            let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            return Err(match_forbidden(why));
        }
        Ok(match version {
            None | Some(0) => Self::State { fresh: version, bookmark: false },
            Some(version) => Self::Changes(version),
        })
    }
}

fn match_forbidden(why: &str) -> Status {
    query::invalid("ListOptions", "resourceVersionMatch", "FieldValueForbidden", format!("Forbidden: {why}"))
}

/// Opens the watch. Its refusals are told as an event, as Kubernetes does.
async fn begin(api: &Api, call: &Call, start: Start, mut teller: Teller) -> Result<Events, Status> {
    let resource = call.kind().plural;
    let refuse = |error| refuse(call.kind(), "", error);
    let mut ready = VecDeque::new();
    let after = match start {
        Start::Changes(version) => version,
        Start::State { fresh, bookmark } => {
            match fresh {
                None => drop(api.store.consistent().await.map_err(refuse)?),
                Some(version) => api.store.reached(version).await.map_err(refuse)?,
            }
            let range = Range { meant: &|entry| teller.selection.matches(entry), ..Range::all(&teller.prefix) };
            let listing = api.store.list(resource, &range).ok_or_else(Status::no_such_path)?;
            let mut frame = BytesMut::new();
            for (_, entry) in &listing.objects {
                teller.tell(&mut frame, "ADDED", entry);
                if frame.len() >= FRAME {
                    ready.push_back(frame.split().freeze());
                }
            }
            if bookmark {
                teller.bookmark(&mut frame, listing.revision, true);
            }
            ready.push_back(frame.freeze());
            listing.revision
        }
    };
    let watcher = api.store.watch(resource, after).await.map_err(|error| match error {
        StorageError::Compacted => Status::expired(format!("too old resource version: {after}")),
        error => refuse(error),
    })?;
    ready.retain(|frame: &Bytes| !frame.is_empty());
    let now = Instant::now();
    let bookmarks = call.query.flag("allowWatchBookmarks").then(|| now + BOOKMARK);
    Ok(Events { watcher, teller, ready, bookmarks, deadline: now, shutdown: api.shutdown.clone() })
}

/// A watch under way.
struct Events {
    watcher: Watcher,
    teller: Teller,
    /// What is to be told before anything else.
    ready: VecDeque<Bytes>,
    /// When the next bookmark is due.
    bookmarks: Option<Instant>,
    deadline: Instant,
    shutdown: CancellationToken,
}

/// Why a watch woke.
enum Woken {
    News(Vec<Keyed>),
    Due,
    End,
}

impl Events {
    /// When a bookmark is due after one was told now.
    fn next_bookmark(&self) -> Instant {
        let now = Instant::now();
        let last = self.deadline.checked_sub(LAST_BOOKMARK).filter(|&last| last > now);
        last.map_or(now + BOOKMARK, |last| last.min(now + BOOKMARK))
    }

    /// The next frame; `None` ends the watch, and the client resumes.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.ready.pop_front() {
            return Some(frame);
        }
        loop {
            let due = self.bookmarks.unwrap_or(self.deadline);
            let woken = tokio::select! {
                changes = self.watcher.next() => changes.map_or_else(|Behind| Woken::End, Woken::News),
                () = sleep_until(due), if due < self.deadline => Woken::Due,
                () = sleep_until(self.deadline) => Woken::End,
                () = self.shutdown.cancelled() => Woken::End,
            };
            let mut frame = BytesMut::new();
            match woken {
                Woken::End => return None,
                Woken::News(changes) => self.teller.all(&mut frame, &changes),
                Woken::Due => {
                    let (changes, revision) = self.watcher.mark().ok()?;
                    self.teller.all(&mut frame, &changes);
                    self.teller.bookmark(&mut frame, revision, false);
                    self.bookmarks = Some(self.next_bookmark());
                }
            }
            if !frame.is_empty() {
                return Some(frame.freeze());
            }
        }
    }
}

/// Turns changes into the events that one client sees.
struct Teller {
    kind: &'static Kind,
    format: Format,
    form: Form,
    include: Include,
    /// Whether objects are told as their stored bytes.
    plain: bool,
    prefix: String,
    selection: Selection,
    columns_told: bool,
}

impl Teller {
    fn all(&mut self, out: &mut BytesMut, changes: &[Keyed]) {
        for keyed in changes {
            if !keyed.key.starts_with(&self.prefix) {
                continue;
            }
            match &*keyed.change {
                Change::Added(new) if self.selection.matches(new) => self.tell(out, "ADDED", new),
                Change::Deleted(last) if self.selection.matches(last) => self.tell(out, "DELETED", last),
                Change::Added(_) | Change::Deleted(_) => {}
                Change::Modified { new, old } => self.modified(out, new, old.as_ref()),
            }
        }
    }

    /// What a change looks like to one who sees only what is selected: objects come and go. Where the state before is not
    /// known it is taken as seen: an event too many does no harm, one too few does.
    fn modified(&mut self, out: &mut BytesMut, new: &Arc<Entry>, old: Option<&Arc<Entry>>) {
        let seen = old.is_none_or(|old| self.selection.matches(old));
        match (seen, self.selection.matches(new)) {
            (true, true) => self.tell(out, "MODIFIED", new),
            (false, true) => self.tell(out, "ADDED", new),
            (true, false) => {
                let last = old.map_or_else(|| Arc::clone(new), |old| Arc::new(old.at(new.revision)));
                self.tell(out, "DELETED", &last);
            }
            (false, false) => {}
        }
    }

    fn tell(&mut self, out: &mut BytesMut, event: &str, entry: &Entry) {
        match self.format {
            Format::Protobuf if self.plain => {
                let sealed = protobuf::seal(&self.kind.api_version(), self.kind.kind, entry.message(self.kind));
                event::object(out, self.format, event, &sealed);
            }
            _ if self.plain => event::object(out, self.format, event, entry.object()),
            _ => {
                let object = self.shape(entry.value());
                event::value(out, self.format, event, &object);
            }
        }
    }

    fn shape(&mut self, object: Value) -> Value {
        let object = convert::to_client(self.kind, object);
        match self.form {
            Form::Table(version) => {
                let columns = !std::mem::replace(&mut self.columns_told, true);
                present::row(self.kind, version, self.include, columns, object)
            }
            form => present::object(self.kind, form, self.include, object),
        }
    }

    /// Says that everything up to `revision` is told; `initial` that the objects there were are, too.
    fn bookmark(&mut self, out: &mut BytesMut, revision: u64, initial: bool) {
        let mut object = json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(),
            "metadata": {"resourceVersion": revision.to_string(), "creationTimestamp": null}});
        if initial {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        if self.form != Form::Object {
            object = self.shape(object);
        }
        event::value(out, self.format, "BOOKMARK", &object);
    }
}
