//! Deleting objects: at once, after a grace period, or when their finalizers are gone.

use http::StatusCode;
use http_body::Body;
use jiff::{SignedDuration, Timestamp};
use kube_api::{Kind, Status, meta, validate};
use serde_json::{Value, json};

use super::modify::{Decision, Outcome, Place, modify};
use super::{create, read};
use crate::api::{Api, Call, refuse};
use crate::http::body::BoxError;
use crate::http::query::{self, Query};
use crate::http::reply::{self, Answer};
use crate::present::{self, Include};
use crate::selection::Selection;
use crate::service;
use crate::storage::Range;
use crate::strategy;

/// Finalizers by which dependents are dealt with before their owner goes.
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// The type of a deletion's body.
const OPTIONS: &str = "meta/v1.DeleteOptions";

/// How a deletion is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) grace: Option<u64>,
    pub(crate) uid: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) propagation: Option<String>,
    pub(crate) dry: bool,
}

impl Options {
    /// From a request's parameters and, which wins, its body.
    pub(crate) fn parse(query: &Query, body: &Value) -> Result<Self, Status> {
        let mut options = Self {
            grace: query.number("gracePeriodSeconds")?.map(seconds),
            propagation: query.get("propagationPolicy").map(str::to_owned),
            dry: query.dry_run()?,
            ..Self::default()
        };
        if !body.is_null() {
            options.merge(body)?;
            return Ok(options);
        }
        let orphan = query.get("orphanDependents").map(|_| query.flag("orphanDependents"));
        check(&json!({"propagationPolicy": options.propagation, "orphanDependents": orphan}))?;
        if let Some(orphan) = orphan {
            options.propagation = Some(if orphan { "Orphan" } else { "Background" }.to_owned());
        }
        Ok(options)
    }

    /// Takes over what a DeleteOptions says.
    pub(crate) fn merge(&mut self, value: &Value) -> Result<(), Status> {
        if !value.is_object() || !matches!(value["kind"].as_str(), None | Some("DeleteOptions")) {
            return Err(Status::bad_request("the body of a deletion must be a DeleteOptions"));
        }
        check(value)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match &value["gracePeriodSeconds"] {
            Value::Null => {}
            given => {
                let bad = || Status::bad_request("gracePeriodSeconds must be a whole number of seconds");
                self.grace = Some(seconds(given.as_i64().ok_or_else(bad)?));
            }
        }
        self.uid = text(&value["preconditions"]["uid"]);
        self.version = text(&value["preconditions"]["resourceVersion"]);
        self.propagation = text(&value["propagationPolicy"]).or(self.propagation.take());
        if let Some(orphan) = value["orphanDependents"].as_bool() {
            self.propagation = Some(if orphan { "Orphan" } else { "Background" }.to_owned());
        }
        self.dry |= value["dryRun"].as_array().is_some_and(|all| all.contains(&json!("All")));
        Ok(())
    }
}

/// Refuses options that contradict each other, or that are not known.
fn check(options: &Value) -> Result<(), Status> {
    match validate::delete_options(options).into_iter().next() {
        None => Ok(()),
        Some(error) => Err(query::invalid("DeleteOptions", &error.field, error.reason, error.message)),
    }
}

/// A grace period; one below 0 is a second.
fn seconds(given: i64) -> u64 {
    u64::try_from(given).unwrap_or(1)
}

/// Answers the deletion of one object.
pub(crate) async fn answer<B>(api: &Api, call: &Call, body: B) -> Answer
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let options = Options::parse(&call.query, &create::decode_other(call, OPTIONS, body).await?)?;
    let (kind, key) = (call.kind(), call.key());
    let outcome = delete(api, kind, &key, &call.target.name, &options).await?;
    if let (Outcome::Stored(entry), "Namespace") = (&outcome, kind.kind) {
        // who was told that the namespace ends makes nothing in it any more; what fails here is only later
        let _ = api.store.reached(entry.revision).await;
    }
    match outcome {
        Outcome::Stored(entry) => read::object(call, StatusCode::OK, &entry),
        Outcome::Removed(last) if strategy::deleted_shown(kind) => read::value(call, StatusCode::OK, last),
        Outcome::Removed(last) => {
            let status = Status::deleted(kind, &call.target.name, meta::uid(&last));
            Ok(reply::value(StatusCode::OK, &status, call.accept))
        }
    }
}

/// Answers the deletion of all that are selected: what was deleted, as a list.
pub(crate) async fn collection<B>(api: &Api, call: &Call, body: B) -> Answer
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let kind = call.kind();
    let options = Options::parse(&call.query, &create::decode_other(call, OPTIONS, body).await?)?;
    let selection = Selection::parse(kind, &call.query, "")?;
    api.store.consistent().await.map_err(|error| refuse(kind, "", error))?;
    let prefix = call.prefix();
    let range = Range { meant: &|entry| selection.matches(entry), ..Range::all(&prefix) };
    let listing = api.store.list(kind.plural, &range).ok_or_else(Status::no_such_path)?;
    let mut gone = Vec::new();
    for (key, entry) in &listing.objects {
        let name = key.rsplit('/').next().unwrap_or(key);
        match delete(api, kind, key, name, &options).await {
            Ok(_) => gone.push(crate::convert::to_client(kind, entry.value())),
            Err(status) if status.code == 404 => {}
            Err(status) => return Err(status),
        }
    }
    let revision = api.store.revision();
    let (form, include) = (call.accept.form, Include::default());
    let meta = json!({"resourceVersion": revision.to_string()});
    Ok(reply::value(StatusCode::OK, &present::list(kind, form, include, meta, gone.into_iter()), call.accept))
}

/// Deletes an object, or begins to.
pub(crate) async fn delete(
    api: &Api,
    kind: &'static Kind,
    key: &str,
    name: &str,
    options: &Options,
) -> Result<Outcome, Status> {
    crate::admission::on_delete(kind, name)?;
    let place = Place { kind, key, name };
    let outcome = modify(api, place, options.dry, |old| decide(kind, old, options)).await?;
    match outcome {
        // the version that was asked for has been there, and is no more
        Outcome::Stored(entry) if !options.dry && goes(kind, &entry.value()) => {
            let uid = Some(meta::uid(&entry.value()).to_owned());
            let rest = Options { version: None, uid, grace: Some(0), ..options.clone() };
            let gone = modify(api, place, false, |old| decide(kind, old, &rest)).await;
            // who saw it leave, the scheduler for one, may have been faster
            gone.or_else(|status| if status.code == 404 { Ok(Outcome::Removed(entry.value())) } else { Err(status) })
        }
        outcome => Ok(outcome),
    }
}

/// Whether the object was marked only for its watchers to see, and goes now.
fn goes(kind: &Kind, object: &Value) -> bool {
    kind.kind == "Pod" && is_marked(object) && meta::finalizers(object).next().is_none()
}

/// Whether the object is being deleted without any grace.
fn is_marked(object: &Value) -> bool {
    meta::deleting(object) && object["metadata"]["deletionGracePeriodSeconds"].as_u64() == Some(0)
}

/// What a deletion makes of an object.
fn decide(kind: &'static Kind, old: &Value, options: &Options) -> Result<Decision, Status> {
    preconditions(kind, old, options)?;
    let mut new = old.clone();
    let finalizers = finalizers(old, options);
    if finalizers.is_empty() {
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.remove("finalizers");
        }
    } else {
        new["metadata"]["finalizers"] = json!(finalizers);
    }
    let grace = grace(kind, old, options);
    let waits = !finalizers.is_empty()
        || grace > 0
        || (kind.kind == "Namespace" && old["spec"]["finalizers"].as_array().is_some_and(|all| !all.is_empty()));
    if !waits && kind.kind == "Pod" && !meta::deleting(old) && !options.dry {
        // whoever watches pods sees one leave before it is gone
        return Ok(Decision::Put(mark(new, 0), create::no_claims()));
    }
    if !waits {
        let release = service::held(kind, old);
        // what has no grace by its kind is gone without having been marked
        let last = if kind.kind == "Pod" && !is_marked(old) { mark(new, 0) } else { new };
        return Ok(Decision::Remove { last, release });
    }
    if meta::deleting(old) {
        let running = old["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
        if grace >= running && new == *old {
            return Ok(Decision::Keep);
        }
        if grace >= running {
            return Ok(Decision::Put(new, create::no_claims()));
        }
    }
    let mut new = mark(new, grace);
    if kind.kind == "Namespace" {
        new["status"]["phase"] = "Terminating".into();
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.remove("deletionGracePeriodSeconds");
        }
    }
    Ok(Decision::Put(new, create::no_claims()))
}

fn mark(mut object: Value, grace: u64) -> Value {
    let seconds = i64::try_from(grace).unwrap_or(i64::MAX).min(i64::from(u32::MAX));
    let end = Timestamp::now().checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let first = !meta::deleting(&object);
    object["metadata"]["deletionTimestamp"] = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
    object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    if let Some(generation) = object["metadata"]["generation"].as_u64().filter(|_| first) {
        object["metadata"]["generation"] = (generation + 1).into();
    }
    object
}

fn preconditions(kind: &Kind, old: &Value, options: &Options) -> Result<(), Status> {
    if let Some(uid) = options.uid.as_deref().filter(|&uid| uid != meta::uid(old)) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and \
             then recreated",
            meta::uid(old)
        );
        return Err(unmet(kind, old, &why));
    }
    let now = meta::resource_version(old);
    if let Some(version) = options.version.as_deref().filter(|&version| version != now) {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({now}). The \
             object might have been modified"
        );
        return Err(unmet(kind, old, &why));
    }
    Ok(())
}

/// A precondition does not hold. Kubernetes names the kind here where it names the resource elsewhere.
fn unmet(kind: &Kind, old: &Value, why: &str) -> Status {
    Status::conflict(&Kind { plural: kind.kind, ..*kind }, meta::name(old), why)
}

/// How many seconds an object has after its deletion: a pod on a node that still runs has some, nothing else has.
fn grace(kind: &Kind, old: &Value, options: &Options) -> u64 {
    let ended = matches!(old["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let scheduled = old["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    if kind.kind != "Pod" || !scheduled || ended {
        return 0;
    }
    options.grace.or_else(|| old["spec"]["terminationGracePeriodSeconds"].as_u64()).unwrap_or(30)
}

fn finalizers(old: &Value, options: &Options) -> Vec<String> {
    let mut finalizers: Vec<String> = meta::finalizers(old).map(str::to_owned).collect();
    let wanted = match options.propagation.as_deref() {
        Some("Orphan") => Some(ORPHAN),
        Some("Foreground") => Some(FOREGROUND),
        Some(_) => None,
        None => return finalizers,
    };
    finalizers.retain(|finalizer| finalizer != ORPHAN && finalizer != FOREGROUND);
    finalizers.extend(wanted.map(str::to_owned));
    finalizers
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;

    fn pod(node: &str, phase: &str) -> Value {
        json!({"metadata": {"name": "a", "uid": "u", "resourceVersion": "5"},
            "spec": {"nodeName": node, "terminationGracePeriodSeconds": 20}, "status": {"phase": phase}})
    }

    fn told(old: &Value, options: &Options) -> String {
        let kind = kinds::find("", "v1", "pods").unwrap();
        match decide(kind, old, options) {
            Ok(Decision::Remove { .. }) => "removed".to_owned(),
            Ok(Decision::Keep) => "kept".to_owned(),
            Ok(Decision::Put(new, _)) if goes(kind, &new) => "marked to go".to_owned(),
            Ok(Decision::Put(new, _)) => format!("marked {}", new["metadata"]["deletionGracePeriodSeconds"]),
            Err(status) => status.reason.to_owned(),
        }
    }

    #[test]
    fn a_pod_has_its_grace_where_it_runs() {
        let plain = Options::default();
        let now = Options { grace: Some(0), ..Options::default() };
        assert_eq!(told(&pod("", "Pending"), &plain), "marked to go");
        assert_eq!(told(&pod("n", "Running"), &plain), "marked 20");
        assert_eq!(told(&pod("n", "Succeeded"), &plain), "marked to go");
        assert_eq!(told(&pod("n", "Running"), &now), "marked to go");
        assert_eq!(told(&mark(pod("n", "Running"), 0), &now), "removed");
        assert_eq!(told(&pod("n", "Running"), &Options { dry: true, ..now.clone() }), "removed");
        let marked = mark(pod("n", "Running"), 20);
        assert_eq!(told(&marked, &plain), "kept");
        assert_eq!(told(&marked, &Options { grace: Some(5), ..Options::default() }), "marked 5");
        assert_eq!(told(&marked, &now), "removed");
    }

    #[test]
    fn preconditions_and_finalizers_hold_a_deletion() {
        let other = Options { uid: Some("v".to_owned()), ..Options::default() };
        assert_eq!(told(&pod("", "Pending"), &other), "Conflict");
        let foreground = Options { propagation: Some("Foreground".to_owned()), ..Options::default() };
        assert_eq!(told(&pod("", "Pending"), &foreground), "marked 0");
    }

    #[test]
    fn bodies_are_read_or_refused() {
        let query = Query::parse(Some("gracePeriodSeconds=7"));
        let body = json!({"kind": "DeleteOptions", "preconditions": {"uid": "x"}});
        let options = Options::parse(&query, &body).unwrap();
        assert_eq!((options.grace, options.uid.as_deref()), (Some(7), Some("x")));
        assert_eq!(Options::parse(&query, &json!({"gracePeriodSeconds": -5})).unwrap().grace, Some(1));
        for bad in [
            json!({"gracePeriodSeconds": "x"}),
            json!({"propagationPolicy": "Sideways"}),
            json!({"propagationPolicy": "Orphan", "orphanDependents": true}),
            json!({"dryRun": ["Some"]}),
            json!({"kind": "Pod"}),
        ] {
            assert!(Options::parse(&query, &bad).is_err(), "{bad}");
        }
    }
}
