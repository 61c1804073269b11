//! Counting what a namespace's objects use, by lists of the kinds that a quota counts.

use anyhow::Context as _;
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube_api::quantity::Quantity;
use kube_api::quota::{self, Amounts, amounts};
use kube_api::{Kind, kinds};
use serde_json::Value;

use crate::context::Context;

/// Objects in one part of a list.
const PAGE: u32 = 500;

/// How much of each resource that the quota limits (in `status.hard`) is used in the namespace.
///
/// # Errors
/// When the objects cannot be listed.
pub(super) async fn used(context: &Context, namespace: &str, object: &Value) -> anyhow::Result<Amounts> {
    let hard = amounts(&object["status"]["hard"]);
    let mut used = Amounts::new();
    for kind in kinds::all().iter().filter(|kind| kind.namespaced && kind.allows("list") && kind.allows("create")) {
        let about: Vec<&String> = hard.keys().filter(|name| quota::counts(kind, name)).collect();
        if about.is_empty() {
            continue;
        }
        let all = of_kind(context, namespace, object, kind)
            .await
            .with_context(|| format!("cannot count the {}", kind.qualified()))?;
        for name in about {
            used.insert(name.clone(), all.get(name).copied().unwrap_or(quota::NOTHING));
        }
    }
    Ok(used)
}

async fn of_kind(context: &Context, namespace: &str, object: &Value, kind: &Kind) -> anyhow::Result<Amounts> {
    let api: Api<DynamicObject> = Api::namespaced_with(context.client.clone(), namespace, &resource(kind));
    if kind.kind != "Pod" && !quota::changes(kind) {
        return number(&api, object, kind).await;
    }
    let (now, mut used) = (Timestamp::now(), Amounts::new());
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await?;
        for item in &list.items {
            let item = serde_json::to_value(item)?;
            if quota::means(object, kind, &item) {
                quota::add(&mut used, &quota::usage(kind, &item, now));
            }
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(used),
        }
    }
}

/// Of objects that all use the same: one of them is read, and the others' number.
async fn number(api: &Api<DynamicObject>, object: &Value, kind: &Kind) -> anyhow::Result<Amounts> {
    let list = api.list_metadata(&ListParams::default().limit(1)).await?;
    let one = quota::usage(kind, &Value::Null, Timestamp::UNIX_EPOCH);
    if list.items.is_empty() || !quota::means(object, kind, &Value::Null) {
        return Ok(Amounts::new());
    }
    let others = list.metadata.remaining_item_count.unwrap_or(0);
    Ok(one.into_keys().map(|name| (name, Quantity::from_units(1 + others))).collect())
}

/// The kind, as the client names it.
pub(super) fn resource(kind: &Kind) -> ApiResource {
    let named = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    ApiResource::from_gvk_with_plural(&named, kind.plural)
}
