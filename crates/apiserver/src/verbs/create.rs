//! Creating an object.

use std::sync::Arc;

use http::StatusCode;
use http_body::Body;
use jiff::Timestamp;
use kube_api::decode::{self, Decoded, Format};
use kube_api::{Kind, Status, defaults, meta, protobuf, schema, validate};
use serde_json::{Value, json};

use super::manager::{Author, Manager};
use super::modify::expires;
use super::read;
use crate::admission;
use crate::admission::resource_quota::{Charge, contended};
use crate::api::{Api, Call, refuse};
use crate::authorize::escalation;
use crate::convert;
use crate::http::accept;
use crate::http::body::{self, BoxError};
use crate::http::reply::{self, Answer};
use crate::service;
use crate::storage::{Claims, Entry, StorageError, encode_with};
use crate::strategy;

/// How many names are tried where the server makes the name, and how many claims where it chooses addresses.
const ATTEMPTS: usize = 8;

/// Answers a create.
pub(crate) async fn answer<B>(api: &Api, call: &Call, body: B) -> Answer
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let Decoded { object, mut warnings } = decode_body(call, body).await?;
    let manager = Manager::of(call)?;
    let author = Author { user: &call.user, manager: &manager };
    let created = create(api, call.kind(), &call.target.namespace, object, author, call.query.dry_run()?).await?;
    warnings.extend(created.advice);
    let mut response = read::object(call, StatusCode::CREATED, &created.entry)?;
    reply::warn(&mut response, &warnings);
    Ok(response)
}

/// A new object as it is stored, and what its client is advised against.
pub(crate) struct Created {
    pub(crate) entry: Arc<Entry>,
    pub(crate) advice: Vec<String>,
}

/// The object in a request's body.
pub(crate) async fn decode_body<B>(call: &Call, body: B) -> Result<Decoded, Status>
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let format = accept::body_format(&call.headers)?;
    let validation = call.query.field_validation()?;
    let bytes = body::read(body).await?;
    let mut decoded = decode::object(call.kind(), format, &bytes, validation)?;
    name_owners_once(&mut decoded);
    Ok(decoded)
}

/// Takes repeated owners out of an object, and warns of them.
pub(crate) fn name_owners_once(decoded: &mut Decoded) {
    let repeated = meta::dedupe_owners(&mut decoded.object);
    if !repeated.is_empty() {
        decoded.warnings.push(format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject \
             such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            repeated.join(", ")
        ));
    }
}

/// What a request's body holds that is no object of the resource's kind but of the type that `schema` names; null where there
/// is none.
pub(crate) async fn decode_other<B>(call: &Call, schema: &str, body: B) -> Result<Value, Status>
where
    B: Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let format = accept::body_format(&call.headers)?;
    let bytes = body::read(body).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    if format == Format::Protobuf {
        let ty = schema::find(schema).ok_or_else(Status::no_such_path)?;
        let bad = |why| Status::bad_request(format!("couldn't read the body, which must be a {schema}: {why}"));
        return protobuf::decode(ty, &bytes).map_err(|error| bad(error.to_string()));
    }
    decode::map(format, &bytes).map(Value::Object).map_err(Status::bad_request)
}

/// Stores a new object of the kind in the namespace, after all that is done to it before.
pub(crate) async fn create(
    api: &Api,
    kind: &'static Kind,
    namespace: &str,
    object: Value,
    Author { user, manager }: Author<'_>,
    dry: bool,
) -> Result<Created, Status> {
    let object = convert::to_storage(kind, object);
    let (mut object, fields) = prepare(kind, namespace, object, manager)?;
    let review = admission::Review { api, kind, user, namespace, old: None, subresource: "" };
    admission::admit(&review, &mut object).await?;
    strategy::after_defaults(kind, &mut object);
    let mut account = api.quotas.open(&review).await;
    let generated = object["metadata"]["generateName"].is_string() && meta::name(&object).is_empty();
    let mut refused = Status::internal("no attempt was made");
    // what nothing can make try again is not kept for it
    let again = generated || account.is_some() || service::claims(kind);
    for _ in 0..ATTEMPTS {
        let mut object = if again { object.clone() } else { object.take() };
        if generated {
            give_name(kind, &mut object);
        }
        let mut claims = check(&review, &mut object).await?;
        let charge = match &account {
            Some(account) => account.charge(&review, &object).await?,
            None => Charge::default(),
        };
        claims.beside = charge.writes();
        let name = meta::name(&object).to_owned();
        let key = crate::api::key(namespace, &name);
        let (stored, advice) = (encode_with(&object, fields.as_deref()), validate::warnings(kind, &object, None));
        if dry {
            return imagine(api, kind, (&key, &name), &stored).await.map(|entry| Created { entry, advice });
        }
        match api.store.create(kind.plural, &key, stored, expires(kind), claims).await {
            Ok(entry) => {
                if let Some(account) = &mut account {
                    account.book(charge, entry.revision);
                }
                return Ok(Created { entry, advice });
            }
            Err(StorageError::Beside) => {
                refused = contended(&charge);
                api.store.consistent().await.map_err(|error| refuse(kind, &name, error))?;
            }
            Err(StorageError::Exists) if generated => refused = Status::generate_name_conflict(kind, &name),
            Err(StorageError::Claimed(claim)) => refused = service::claimed(kind, &object, &claim),
            Err(error) => return Err(refuse(kind, &name, error)),
        }
    }
    Err(refused)
}

/// Gives the object a name that begins as its client wants it.
fn give_name(kind: &Kind, object: &mut Value) {
    let prefix = object["metadata"]["generateName"].as_str().unwrap_or_default();
    object["metadata"]["name"] = meta::generate_name(prefix, rand::random()).into();
    strategy::after_naming(kind, object);
}

/// Refuses an object that breaks a rule, and chooses what it claims beside itself.
async fn check(review: &admission::Review<'_>, object: &mut Value) -> Result<Claims, Status> {
    escalation::check_new(review.api, review.kind, review.user, object).await?;
    let errors = validate::create(review.kind, object);
    if !errors.is_empty() {
        return Err(Status::invalid(review.kind, meta::name(object), &errors));
    }
    admission::validate_new(review, object).await?;
    service::claim_new(review.api, review.kind, object)
}

/// Fills in what the server fills in, and refuses what does not belong here. Gives the object and its `managedFields`.
fn prepare(
    kind: &'static Kind,
    namespace: &str,
    mut object: Value,
    manager: &Manager,
) -> Result<(Value, Option<String>), Status> {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let given = meta::namespace(&object);
    if kind.namespaced && !given.is_empty() && given != namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(message));
    }
    if !meta::resource_version(&object).is_empty() && meta::resource_version(&object) != "0" {
        return Err(Status::bad_request("resourceVersion should not be set on objects to be created"));
    }
    let metadata = object["metadata"].as_object_mut().ok_or_else(|| Status::internal("no metadata"))?;
    for gone in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
        metadata.remove(gone);
    }
    if kind.namespaced {
        metadata.insert("namespace".to_owned(), namespace.into());
    } else {
        metadata.remove("namespace");
    }
    metadata.insert("uid".to_owned(), uuid::Uuid::new_v4().to_string().into());
    metadata.insert("creationTimestamp".to_owned(), now().into());
    if metadata.get("generateName").is_some_and(|name| name == "") {
        metadata.remove("generateName");
    }
    defaults::apply(convert::stored_kind(kind), &mut object);
    let fields = manager.created(kind, &mut object).into_text();
    defaults::stored(kind, &mut object);
    strategy::before_create(kind, &mut object);
    strategy::after_defaults(kind, &mut object);
    Ok((object, fields))
}

/// The time as Kubernetes writes it: to the second.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What a dry run answers: the object as it would be stored, unless there is one of its key and name.
async fn imagine(api: &Api, kind: &Kind, (key, name): (&str, &str), stored: &[u8]) -> Result<Arc<Entry>, Status> {
    api.store.consistent().await.map_err(|error| refuse(kind, name, error))?;
    if api.store.shelf(kind.plural).is_some_and(|shelf| shelf.get(key).is_some()) {
        return Err(Status::already_exists(kind, name));
    }
    let entry = Entry::new(name, stored, 0).map_err(|error| Status::internal(&error.to_string()))?;
    Ok(Arc::new(entry))
}

/// Claims of an object that claims nothing.
pub(crate) fn no_claims() -> Claims {
    Claims::default()
}
