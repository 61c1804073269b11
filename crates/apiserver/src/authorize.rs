//! What a known user may do.

use kube_api::Status;
use serde_json::{Value, json};

use crate::api::{Api, Call};
use crate::auth::User;

/// What is to be done, as authorizers see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Attributes {
    /// Of a call.
    pub(crate) fn of(call: &Call) -> Self {
        Self {
            verb: call.verb.name().to_owned(),
            group: call.kind().group.to_owned(),
            resource: call.kind().plural.to_owned(),
            subresource: call.target.subresource.map_or("", |sub| sub.name).to_owned(),
            namespace: call.target.namespace.clone(),
            name: call.target.name.clone(),
        }
    }
}

/// Refuses what the user may not do with a resource.
pub(crate) fn resource(_api: &Api, _user: &User, _attributes: &Attributes) -> Result<(), Status> {
    Ok(())
}

/// Refuses paths that the user may not ask for.
pub(crate) fn path(_api: &Api, _user: &User, _verb: &str, _path: &str) -> Result<(), Status> {
    Ok(())
}

/// What the user may do in a namespace, as a `SelfSubjectRulesReview` tells it.
pub(crate) fn rules(_api: &Api, _user: &User, _namespace: &str) -> Value {
    json!({"resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": false})
}
