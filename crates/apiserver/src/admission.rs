//! What is checked and filled in before an object is stored, beyond its own kind's rules: Kubernetes' admission, a file a plugin.
//!
//! A create goes through [`admit`], which may fill in, then through the kind's own rules, then through [`validate`], and last
//! through [`resource_quota`], whose charge is written in one transaction with the object. An update goes the same way.

mod default_toleration_seconds;
mod limit_ranger;
mod namespace_lifecycle;
pub(crate) mod node_restriction;
mod priority;
pub(crate) mod resource_quota;
mod runtime_class;
mod service_account;

use kube_api::{Kind, Status, meta};
use serde_json::Value;

use crate::api::Api;
use crate::auth::User;

pub(crate) use namespace_lifecycle::{check_namespace, on_delete};

/// A write, as plugins see it.
#[derive(Clone, Copy)]
pub(crate) struct Review<'r> {
    pub(crate) api: &'r Api,
    pub(crate) kind: &'static Kind,
    pub(crate) user: &'r User,
    pub(crate) namespace: &'r str,
    /// What the object was before; `None` is a create.
    pub(crate) old: Option<&'r Value>,
    /// The part of the object that is written, or empty.
    pub(crate) subresource: &'r str,
}

impl Review<'_> {
    /// Whether a whole pod is made or changed.
    fn is_pod(&self) -> bool {
        self.kind.kind == "Pod" && self.subresource.is_empty()
    }

    /// A refusal of the object.
    fn forbidden(&self, object: &Value, why: &str) -> Status {
        let generated = || meta::text(object, &["metadata", "generateName"]).unwrap_or("Unknown");
        let name = Some(meta::name(object)).filter(|name| !name.is_empty()).unwrap_or_else(generated);
        Status::forbidden(self.kind, name, why)
    }
}

/// The plugins.
#[derive(Clone, Copy, Debug)]
enum Plugin {
    NamespaceLifecycle,
    LimitRanger,
    ServiceAccount,
    NodeRestriction,
    Priority,
    DefaultTolerationSeconds,
    RuntimeClass,
}

/// In the order in which Kubernetes asks them.
const CHAIN: [Plugin; 7] = [
    Plugin::NamespaceLifecycle,
    Plugin::LimitRanger,
    Plugin::ServiceAccount,
    Plugin::NodeRestriction,
    Plugin::Priority,
    Plugin::DefaultTolerationSeconds,
    Plugin::RuntimeClass,
];

impl Plugin {
    /// Fills in a new object.
    async fn admit(self, review: &Review<'_>, object: &mut Value) -> Result<(), Status> {
        match self {
            Self::NamespaceLifecycle => namespace_lifecycle::admit(review, object).await,
            Self::LimitRanger => limit_ranger::admit(review, object),
            Self::ServiceAccount => service_account::admit(review, object).await,
            Self::NodeRestriction => Ok(()),
            Self::Priority => priority::admit(review, object).await,
            Self::DefaultTolerationSeconds => default_toleration_seconds::admit(review, object),
            Self::RuntimeClass => runtime_class::admit(review, object).await,
        }
    }

    /// Fills in what an update leaves out.
    fn amend(self, review: &Review<'_>, old: &Value, new: &mut Value) {
        match self {
            Self::Priority => priority::amend(review, old, new),
            Self::DefaultTolerationSeconds => default_toleration_seconds::amend(review, new),
            Self::NamespaceLifecycle
            | Self::LimitRanger
            | Self::ServiceAccount
            | Self::NodeRestriction
            | Self::RuntimeClass => {}
        }
    }

    /// Refuses, and changes nothing.
    fn validate(self, review: &Review<'_>, object: &Value) -> Result<(), Status> {
        match self {
            Self::LimitRanger => limit_ranger::validate(review, object),
            Self::NodeRestriction => node_restriction::validate(review, object),
            Self::Priority => priority::validate(review, object),
            Self::NamespaceLifecycle | Self::ServiceAccount | Self::DefaultTolerationSeconds | Self::RuntimeClass => {
                Ok(())
            }
        }
    }
}

/// Fills in what plugins fill in of a new object, and refuses what they refuse at first sight.
pub(crate) async fn admit(review: &Review<'_>, object: &mut Value) -> Result<(), Status> {
    for plugin in CHAIN {
        plugin.admit(review, object).await?;
    }
    Ok(())
}

/// Fills in what plugins fill in of a change.
pub(crate) fn amend(review: &Review<'_>, old: &Value, new: &mut Value) {
    for plugin in CHAIN {
        plugin.amend(review, old, new);
    }
}

/// Checks the object as it is to be stored, against who writes it and what else there is. Memory may be behind: what is
/// refused is looked at again where it is not.
pub(crate) async fn validate_new(review: &Review<'_>, object: &Value) -> Result<(), Status> {
    match validate(review, object) {
        Err(_) if review.api.store.consistent().await.is_ok() => validate(review, object),
        outcome => outcome,
    }
}

/// The same by what memory holds.
pub(crate) fn validate(review: &Review<'_>, object: &Value) -> Result<(), Status> {
    CHAIN.iter().try_for_each(|plugin| plugin.validate(review, object))
}
