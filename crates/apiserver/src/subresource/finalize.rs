//! A namespace's finalizers: when the last is gone, a namespace that is being deleted is.

use kube_api::{Status, defaults, meta, validate};

use crate::api::{Api, Call};
use crate::http::Incoming;
use crate::http::reply::Answer;
use crate::strategy::namespaces;
use crate::verbs::create::{decode_body, no_claims};
use crate::verbs::manager::{self, Manager};
use crate::verbs::modify::{Place, modify};
use crate::verbs::update::{finish, named, same_object, show};

/// Takes over `spec.finalizers`, and metadata as any update does.
pub(crate) async fn finalize(api: &Api, call: &Call, body: Incoming) -> Answer {
    let object = named(call, decode_body(call, body).await?.object)?;
    let (kind, key) = (call.kind(), call.key());
    let manager = Manager::of(call)?;
    let place = Place { kind, key: &key, name: &call.target.name };
    let outcome = modify(api, place, call.query.dry_run()?, |old| {
        same_object(kind, &object, old)?;
        let mut new = object.clone();
        let given = manager::take(&mut new);
        let mut new = namespaces::finalize_update(new, old);
        defaults::stored(kind, &mut new);
        let errors = validate::finalize(kind, &new, old);
        if !errors.is_empty() {
            return Err(Status::invalid(kind, meta::name(old), &errors));
        }
        manager.updated(kind, &given, old, &mut new);
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        Ok(finish(kind, new, no_claims()))
    })
    .await?;
    show(call, outcome)
}
