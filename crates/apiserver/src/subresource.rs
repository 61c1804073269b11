//! What is served below an object's path.

pub(crate) mod binding;
mod eviction;
mod finalize;
pub(crate) mod proxy;
mod scale;
mod session;
mod stream;
mod token;

use std::sync::Arc;

use kube_api::Status;
use kube_api::kinds::Subresource;
use kube_api::{decode::Decoded, defaults, meta, validate};
use serde_json::Value;

use crate::admission::{self, Review};
use crate::api::{Api, Call, Verb};
use crate::http::Incoming;
use crate::http::body::BoxError;
use crate::http::reply::{self, Answer};
use crate::strategy;
use crate::verbs::manager::Manager;
use crate::verbs::modify::{Decision, Place, modify};
use crate::verbs::patch::Patch;
use crate::verbs::{create, read, update};

/// Answers a request below an object's path.
pub(crate) async fn answer(api: Arc<Api>, call: Call, subresource: &'static Subresource, body: Incoming) -> Answer {
    match (subresource.name, call.verb) {
        ("log", _) if call.headers.contains_key(http::header::UPGRADE) => session::open(&api, call, "log").await,
        ("log", _) => stream::log(&api, &call).await,
        ("exec" | "attach" | "portforward", _) => session::open(&api, call, subresource.name).await,
        ("proxy", _) => proxy::answer(&api, call, body).await,
        ("status" | "ephemeralcontainers", Verb::Get) => read::get(&api, &call).await,
        ("status", Verb::Update | Verb::Patch) => part(&api, &call, body, Part::Status).await,
        ("ephemeralcontainers", Verb::Update | Verb::Patch) => part(&api, &call, body, Part::Ephemeral).await,
        ("binding", Verb::Create) => {
            let binding = create::decode_body(&call.of_kind("Binding")?, body).await?.object;
            binding::bind(&api, &call, &binding).await
        }
        ("eviction", Verb::Create) => eviction::evict(&api, &call, body).await,
        ("finalize", Verb::Update) => finalize::finalize(&api, &call, body).await,
        ("scale", _) => scale::answer(&api, &call, body).await,
        ("token", Verb::Create) => token::request(&api, &call, body).await,
        (name, _) => {
            Err(Status::new(501, "NotImplemented", format!("{}/{name} is not served by k8sm yet", call.kind().plural)))
        }
    }
}

/// A part of an object that is written by itself.
#[derive(Clone, Copy)]
enum Part {
    Status,
    Ephemeral,
}

/// A write of a part of an object, whole or by patch.
async fn part<B>(api: &Api, call: &Call, body: B, part: Part) -> Answer
where
    B: http_body::Body<Data = bytes::Bytes>,
    B::Error: Into<BoxError>,
{
    let (kind, key, dry) = (call.kind(), call.key(), call.query.dry_run()?);
    let place = Place { kind, key: &key, name: &call.target.name };
    let manager = Manager::of(call)?;
    let mut warnings = Vec::new();
    let outcome = if call.verb == Verb::Patch {
        let patch = Patch::read(call, body).await?;
        modify(api, place, dry, |old| part.put(api, call, &manager, patch.apply(kind, old, &mut warnings)?, old))
            .await?
    } else {
        let Decoded { object, warnings: told } = create::decode_body(call, body).await?;
        let object = update::named(call, object)?;
        warnings = told;
        modify(api, place, dry, |old| part.put(api, call, &manager, object.clone(), old)).await?
    };
    let mut response = update::show(call, outcome)?;
    reply::warn(&mut response, &warnings);
    Ok(response)
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Ephemeral => "ephemeralcontainers",
        }
    }

    fn put(self, api: &Api, call: &Call, manager: &Manager, new: Value, old: &Value) -> Result<Decision, Status> {
        let kind = call.kind();
        update::same_object(kind, &new, old)?;
        let (new, errors) = match self {
            Self::Status => {
                let mut new = strategy::status_update(kind, new, old);
                defaults::apply(kind, &mut new);
                strategy::volumes::time_phase(kind, &mut new, old, &create::now());
                let errors = validate::update_status(kind, &new, old);
                (new, errors)
            }
            Self::Ephemeral => {
                let mut merged = old.clone();
                let spec = merged["spec"].as_object_mut().ok_or_else(|| Status::internal("a pod has no spec"))?;
                match &new["spec"]["ephemeralContainers"] {
                    Value::Null => drop(spec.remove("ephemeralContainers")),
                    containers => drop(spec.insert("ephemeralContainers".to_owned(), containers.clone())),
                }
                strategy::off::leave_out(kind, &mut merged, Some(old));
                defaults::apply(kind, &mut merged);
                strategy::count_change(kind, &mut merged, old);
                let errors = validate::ephemeral_containers(&merged, old);
                (merged, errors)
            }
        };
        if !errors.is_empty() {
            return Err(Status::invalid(kind, meta::name(old), &errors));
        }
        let (user, namespace) = (&call.user, call.target.namespace.as_str());
        admission::validate(&Review { api, kind, user, namespace, old: Some(old), subresource: self.name() }, &new)?;
        let mut new = new;
        manager.updated(kind, &Value::Null, old, &mut new);
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        Ok(update::finish(kind, new, create::no_claims()))
    }
}
