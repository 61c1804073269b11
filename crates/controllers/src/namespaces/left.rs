//! What is still there of a namespace that is being deleted, and how its conditions say so in Kubernetes' words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::NamespaceCondition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::PartialObjectMeta;
use kube::discovery::ApiResource;

/// What is left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// How many objects of each resource.
    resources: BTreeMap<String, usize>,
    /// How many objects have each finalizer.
    finalizers: BTreeMap<String, usize>,
    /// What could not be deleted, and why.
    pub(super) failures: Vec<String>,
}

impl Left {
    /// These objects of the resource are still there.
    pub(super) fn add(&mut self, resource: &ApiResource, objects: &[PartialObjectMeta<DynamicObject>]) {
        if objects.is_empty() {
            return;
        }
        self.resources.insert(format!("{}.{}", resource.plural, resource.group), objects.len());
        for finalizer in objects.iter().flat_map(|object| object.finalizers()) {
            *self.finalizers.entry(finalizer.clone()).or_default() += 1;
        }
    }

    /// Whether the namespace is empty.
    pub(super) fn is_nothing(&self) -> bool {
        self.resources.is_empty() && self.failures.is_empty()
    }

    /// Why not all was deleted.
    pub(super) fn failure(&self) -> Option<String> {
        (!self.failures.is_empty()).then(|| self.failures.join("; "))
    }

    /// The conditions that say so, or `None` where they stand in `known`.
    pub(super) fn conditions(&self, known: &[NamespaceCondition], now: Timestamp) -> Option<Vec<NamespaceCondition>> {
        let counted = |of: &BTreeMap<String, usize>, verb: &str| {
            let each = of.iter().map(|(name, count)| format!("{name} {verb} {count} resource instances"));
            each.collect::<Vec<_>>().join(", ")
        };
        let failed = self
            .failure()
            .map(|why| format!("Failed to delete all resource types, {} remaining: {why}", self.failures.len()));
        let remain = (!self.resources.is_empty())
            .then(|| format!("Some resources are remaining: {}", counted(&self.resources, "has")));
        let held = (!self.finalizers.is_empty()).then(|| {
            format!("Some content in the namespace has finalizers remaining: {}", counted(&self.finalizers, "in"))
        });
        let wanted = [
            told(
                "NamespaceDeletionDiscoveryFailure",
                None,
                "",
                ("ResourcesDiscovered", "All resources successfully discovered"),
            ),
            told(
                "NamespaceDeletionGroupVersionParsingFailure",
                None,
                "",
                ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
            ),
            told(
                "NamespaceDeletionContentFailure",
                failed,
                "ContentDeletionFailed",
                ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
            ),
            told(
                "NamespaceContentRemaining",
                remain,
                "SomeResourcesRemain",
                ("ContentRemoved", "All content successfully removed"),
            ),
            told(
                "NamespaceFinalizersRemaining",
                held,
                "SomeFinalizersRemain",
                ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
            ),
        ];
        let plain =
            |condition: &NamespaceCondition| NamespaceCondition { last_transition_time: None, ..condition.clone() };
        let stand = |wanted: &NamespaceCondition| known.iter().any(|known| plain(known) == *wanted);
        if wanted.iter().all(stand) {
            return None;
        }
        let others = known.iter().filter(|known| !wanted.iter().any(|wanted| wanted.type_ == known.type_));
        let dated = wanted.iter().map(|wanted| {
            let before = known.iter().find(|known| known.type_ == wanted.type_ && known.status == wanted.status);
            let since = before.and_then(|known| known.last_transition_time.clone()).unwrap_or(Time(now));
            NamespaceCondition { last_transition_time: Some(since), ..wanted.clone() }
        });
        Some(others.cloned().chain(dated).collect())
    }
}

/// A condition that is True with that reason where there is something to tell, else False with the other.
fn told(type_: &str, what: Option<String>, reason: &str, otherwise: (&str, &str)) -> NamespaceCondition {
    let status = if what.is_some() { "True" } else { "False" };
    let reason = if what.is_some() { reason } else { otherwise.0 };
    NamespaceCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(what.unwrap_or_else(|| otherwise.1.to_owned())),
        last_transition_time: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(count: usize, finalizer: &str) -> Left {
        let object = serde_json::json!({"metadata": {"finalizers": [finalizer]}});
        let object = |_| serde_json::from_value(object.clone()).unwrap();
        let mut left = Left::default();
        let resource = ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&());
        left.add(&resource, &(0..count).map(object).collect::<Vec<_>>());
        left
    }

    #[test]
    fn what_remains_is_said_once_in_kubernetes_words() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let conditions = pods(2, "example.com/wait").conditions(&[], now).unwrap();
        let of = |type_: &str| conditions.iter().find(|condition| condition.type_ == type_).unwrap();
        let remaining = of("NamespaceContentRemaining");
        assert_eq!(remaining.message.as_deref(), Some("Some resources are remaining: pods. has 2 resource instances"));
        assert_eq!(
            of("NamespaceFinalizersRemaining").message.as_deref(),
            Some("Some content in the namespace has finalizers remaining: example.com/wait in 2 resource instances")
        );
        assert_eq!(of("NamespaceDeletionContentFailure").status, "False");
        assert!(pods(2, "example.com/wait").conditions(&conditions, now).is_none());
        assert!(pods(1, "example.com/wait").conditions(&conditions, now).is_some());
    }
}
