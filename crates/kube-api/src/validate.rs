//! The rules of each kind that a schema cannot say, and the errors they give.
//!
//! Validation expects objects that were decoded and defaulted. Rules that need what is stored (free addresses, existing
//! namespaces) are the API server's.

mod access;
mod balancer;
mod config;
mod container;
mod containers;
mod endpoints;
mod error;
mod event;
mod gated;
mod lease;
mod limit_range;
mod limits;
mod metadata;
mod namespace;
mod node;
mod placement;
mod pod;
mod pod_annotations;
mod pod_status;
mod pod_update;
mod pod_warnings;
mod probe;
mod replication;
mod resources;
mod security;
mod service;
mod sources;
mod subresources;
mod tree;
mod volume;
mod volumes;
mod warnings;

pub mod names;

use serde_json::Value;

pub use error::FieldError;
pub use pod_update::ephemeral_containers;
pub use subresources::{binding, delete_options, scale, token_request};
pub use warnings::warnings;

use error::Errors;
use tree::Node;

use crate::kinds::Kind;

/// What a new, defaulted object breaks; empty when it may be stored.
#[must_use]
pub fn create(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let (root, mut errors) = (Node::root(object), Errors::default());
    metadata::create(kind, &root, &mut errors);
    whole(kind, &root, &mut errors);
    match (kind.group, kind.kind) {
        ("", "Pod") => pod::create(&root, &mut errors),
        ("events.k8s.io", "Event") => event::new_created(&root, &mut errors),
        _ => {}
    }
    errors.into_vec()
}

/// What a defaulted object breaks that takes the place of another; empty when it may be stored.
#[must_use]
pub fn update(kind: &Kind, new: &Value, old: &Value) -> Vec<FieldError> {
    let (root, old, mut errors) = (Node::root(new), Node::root(old), Errors::default());
    metadata::update(kind, &root, &old, &mut errors);
    match (kind.group, kind.kind) {
        ("", "Pod") => pod_update::update(&root, &old, &mut errors),
        _ => whole(kind, &root, &mut errors),
    }
    changed(kind, &root, &old, &mut errors);
    errors.into_vec()
}

/// What a review breaks, which is asked and not kept.
#[must_use]
pub fn review(kind: &Kind, object: &Value) -> Vec<FieldError> {
    let (root, mut errors) = (Node::root(object), Errors::default());
    whole(kind, &root, &mut errors);
    errors.into_vec()
}

/// The same for a write to `/status`, where only the status (and metadata) may differ.
#[must_use]
pub fn update_status(kind: &Kind, new: &Value, old: &Value) -> Vec<FieldError> {
    let (root, old, mut errors) = (Node::root(new), Node::root(old), Errors::default());
    metadata::update(kind, &root, &old, &mut errors);
    match (kind.group, kind.kind) {
        ("", "Pod") => pod_status::status(&root, &old, &mut errors),
        ("", "Namespace") => namespace::status(&root, &mut errors),
        ("", "PersistentVolumeClaim") => volumes::claim_status(&root, &mut errors),
        ("", "Service") => balancer::status(&root, &mut errors),
        ("", "ReplicationController") => replication::status(&root, &mut errors),
        ("", "Node") => node::status(&root, &mut errors),
        ("", "ResourceQuota") => limits::quota_status(&root, &mut errors),
        _ => {}
    }
    errors.into_vec()
}

/// The same for a write to `/finalize`, where only a namespace's finalizers (and metadata) may differ.
#[must_use]
pub fn finalize(kind: &Kind, new: &Value, old: &Value) -> Vec<FieldError> {
    let (root, old, mut errors) = (Node::root(new), Node::root(old), Errors::default());
    metadata::update(kind, &root, &old, &mut errors);
    namespace::namespace(&root, &mut errors);
    errors.into_vec()
}

/// The rules for an object on its own, new or updated.
fn whole(kind: &Kind, root: &Node, errors: &mut Errors) {
    match (kind.group, kind.kind) {
        ("", "Pod") => pod::pod(root, errors),
        ("", "PodTemplate") => replication::template(&root.at("template"), pod::Use::Template, errors),
        ("", "ReplicationController") => replication::controller(root, errors),
        ("", "Service") => service::service(root, errors),
        ("", "Endpoints") => endpoints::endpoints(root, errors),
        ("discovery.k8s.io", "EndpointSlice") => endpoints::slice(root, errors),
        ("", "Node") => node::node(root, errors),
        ("", "Namespace") => namespace::namespace(root, errors),
        ("", "Event") => event::event(root, errors),
        ("events.k8s.io", "Event") => event::new_event(root, errors),
        ("", "ConfigMap") => config::config_map(root, errors),
        ("", "Secret") => config::secret(root, errors),
        ("", "LimitRange") => limit_range::limit_range(root, errors),
        ("", "ResourceQuota") => limits::quota(root, errors),
        ("", "PersistentVolume") => volumes::volume(root, errors),
        ("", "PersistentVolumeClaim") => volumes::claim_spec(&root.at("spec"), errors),
        ("coordination.k8s.io", "Lease") => lease::lease(root, errors),
        ("node.k8s.io", "RuntimeClass") => {
            let handler = root.at("handler");
            errors.named(&handler, names::dns1123_label(handler.text()));
        }
        ("scheduling.k8s.io", "PriorityClass") => access::priority_class(root, errors),
        ("rbac.authorization.k8s.io", "Role") => access::rules(&root.at("rules"), true, errors),
        ("rbac.authorization.k8s.io", "ClusterRole") => access::rules(&root.at("rules"), false, errors),
        ("rbac.authorization.k8s.io", "RoleBinding") => access::binding(root, true, errors),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => access::binding(root, false, errors),
        ("authorization.k8s.io", _) => access::review(kind, root, errors),
        _ => {}
    }
}

/// The rules for what may change.
fn changed(kind: &Kind, root: &Node, old: &Node, errors: &mut Errors) {
    match (kind.group, kind.kind) {
        ("", "Service") => service::changed(root, old, errors),
        ("", "Node") => node::changed(root, old, errors),
        ("", "ConfigMap") => config::changed(root, old, errors),
        ("", "Secret") => {
            errors.immutable(&root.at("type"), &old.at("type"));
            config::changed(root, old, errors);
        }
        ("", "PersistentVolume") => volumes::volume_changed(root, old, errors),
        ("", "PersistentVolumeClaim") => volumes::claim_changed(root, old, errors),
        ("events.k8s.io", "Event") => event::new_changed(root, old, errors),
        ("", "ResourceQuota") => limits::quota_changed(root, old, errors),
        ("discovery.k8s.io", "EndpointSlice") => errors.immutable(&root.at("addressType"), &old.at("addressType")),
        ("node.k8s.io", "RuntimeClass") => errors.immutable(&root.at("handler"), &old.at("handler")),
        ("scheduling.k8s.io", "PriorityClass") => access::priority_class_changed(root, old, errors),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            access::role_changed(&root.at("roleRef"), &old.at("roleRef"), errors);
        }
        _ => {}
    }
}
