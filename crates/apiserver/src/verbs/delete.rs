//! Deleting objects: at once, after a grace period, or when their finalizers are gone.

mod finalizers;
mod options;

use http::StatusCode;
use http_body::Body;
use jiff::{SignedDuration, Timestamp};
use kube_api::{Kind, Status, meta};
use serde_json::{Value, json};

use self::finalizers::with_finalizers;
pub(crate) use self::options::Options;
use super::modify::{Decision, Outcome, Place, modify};
use super::{create, read};
use crate::api::{Api, Call, refuse};
use crate::http::body::BoxError;
use crate::http::reply::{self, Answer};
use crate::present::{self, Include};
use crate::selection::Selection;
use crate::service;
use crate::storage::Range;
use crate::strategy;

/// The type of a deletion's body.
const OPTIONS: &str = "meta/v1.DeleteOptions";

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
    if let Some(running) = running(old) {
        return Ok(hasten(kind, old, options, running));
    }
    let new = with_finalizers(kind, old, options);
    let grace = if meta::deleting(old) { 0 } else { grace(kind, old, options) };
    let waits = meta::finalizers(&new).next().is_some()
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
        return Ok(if new == *old { Decision::Keep } else { Decision::Put(new, create::no_claims()) });
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

/// The seconds of grace that the object was given when its deletion began, if it was given any.
fn running(object: &Value) -> Option<u64> {
    let seconds = object["metadata"]["deletionGracePeriodSeconds"].as_u64();
    seconds.filter(|&seconds| seconds > 0 && meta::deleting(object))
}

/// What ends already ends no later for it, and sooner only where less grace is asked for than it was given: the seconds count
/// from the time when its deletion began.
fn hasten(kind: &Kind, old: &Value, options: &Options, running: u64) -> Decision {
    let Some(grace) = options.grace.filter(|&grace| grace < running) else { return Decision::Keep };
    let end =
        old["metadata"]["deletionTimestamp"].as_str().and_then(|end| end.parse().ok()).unwrap_or_else(Timestamp::now);
    let mut new = with_finalizers(kind, old, options);
    ends(&mut new, later(end, -whole(running - grace)), grace);
    if grace == 0 && meta::finalizers(&new).next().is_none() {
        return Decision::Remove { last: new, release: service::held(kind, old) };
    }
    Decision::Put(new, create::no_claims())
}

fn mark(mut object: Value, grace: u64) -> Value {
    let first = !meta::deleting(&object);
    ends(&mut object, later(Timestamp::now(), whole(grace)), grace);
    if let Some(generation) = object["metadata"]["generation"].as_u64().filter(|_| first) {
        object["metadata"]["generation"] = (generation + 1).into();
    }
    object
}

/// Sets when the object ends, and how much grace that is.
fn ends(object: &mut Value, end: Timestamp, grace: u64) {
    object["metadata"]["deletionTimestamp"] = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
    object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Seconds of grace, within what times can say.
fn whole(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).min(i64::from(u32::MAX))
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
    fn what_ends_already_ends_no_later_and_sooner_only_when_told() {
        let mut marked = mark(pod("n", "Failed"), 60);
        marked["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z".into();
        assert_eq!(told(&marked, &Options::default()), "kept", "its own grace is 20 and it has ended");
        let in_five = Options { grace: Some(5), ..Options::default() };
        let kind = kinds::find("", "v1", "pods").unwrap();
        let Ok(Decision::Put(sooner, _)) = decide(kind, &marked, &in_five) else { panic!("marked") };
        assert_eq!(sooner["metadata"]["deletionTimestamp"], "2026-01-01T00:00:05Z");
        assert_eq!(told(&sooner, &Options { grace: Some(6), ..Options::default() }), "kept");
        assert_eq!(told(&mark(pod("n", "Running"), 0), &Options::default()), "removed");
    }

    #[test]
    fn preconditions_and_finalizers_hold_a_deletion() {
        let other = Options { uid: Some("v".to_owned()), ..Options::default() };
        assert_eq!(told(&pod("", "Pending"), &other), "Conflict");
        let foreground = Options { propagation: Some("Foreground".to_owned()), ..Options::default() };
        assert_eq!(told(&pod("", "Pending"), &foreground), "marked 0");
    }
}
