//! The resources of a version, with their fields in the order of Kubernetes: scripts look for them with grep.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube_api::kinds::{self, Kind, Subresource};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// An `APIResourceList`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resources {
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version: &'static str,
    group_version: String,
    resources: Vec<Resource>,
}

/// An `APIResource`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    singular_name: &'static str,
    namespaced: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'static str,
    kind: &'static str,
    verbs: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    short_names: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    categories: &'static [&'static str],
    #[serde(skip_serializing_if = "String::is_empty")]
    storage_version_hash: String,
}

impl Resources {
    /// Those of a version; `None` where it is not served.
    pub(super) fn of(group: &str, version: &str) -> Option<Self> {
        let kinds = kinds::all().iter().filter(|kind| kind.group == group && kind.version == version);
        let with_parts = |kind: &'static Kind| {
            let parts = kind.subresources.iter().map(move |sub| Resource::part(kind, sub));
            std::iter::once(Resource::whole(kind)).chain(parts)
        };
        let mut resources: Vec<Resource> = kinds.flat_map(with_parts).collect();
        resources.sort_by(|a, b| a.name.cmp(&b.name));
        let api_version = if group.is_empty() { "" } else { "v1" };
        let group_version = kinds::api_version(group, version);
        (!resources.is_empty()).then_some(Self { kind: "APIResourceList", api_version, group_version, resources })
    }
}

impl Resource {
    fn whole(kind: &'static Kind) -> Self {
        let stored = kind.allows("list") && kind.allows("create");
        Self {
            name: kind.plural.to_owned(),
            singular_name: kind.singular,
            namespaced: kind.namespaced,
            group: "",
            version: "",
            kind: kind.kind,
            verbs: kind.verbs,
            short_names: kind.short_names,
            categories: kind.categories,
            storage_version_hash: if stored { storage_hash(kind) } else { String::new() },
        }
    }

    fn part(kind: &Kind, sub: &'static Subresource) -> Self {
        let own = (sub.group, sub.version) != (kind.group, kind.version);
        Self {
            name: format!("{}/{}", kind.plural, sub.name),
            singular_name: "",
            namespaced: kind.namespaced,
            group: if own { sub.group } else { "" },
            version: if own { sub.version } else { "" },
            kind: sub.kind,
            verbs: sub.verbs,
            short_names: &[],
            categories: &[],
            storage_version_hash: String::new(),
        }
    }
}

/// Tells clients when a resource's stored form changes; any value will do.
fn storage_hash(kind: &Kind) -> String {
    let hash = Sha256::digest(format!("{}/{}/{}", kind.group, kind.version, kind.kind));
    STANDARD.encode(&hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_the_order_of_kubernetes() {
        let core = serde_json::to_string(&Resources::of("", "v1").unwrap()).unwrap();
        assert!(core.starts_with(r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"bindings","#));
        let maps = concat!(
            r#"{"name":"configmaps","singularName":"configmap","namespaced":true,"kind":"ConfigMap","#,
            r#""verbs":["create","delete","deletecollection","get","list","patch","update","watch"],"#,
            r#""shortNames":["cm"],"storageVersionHash":""#,
        );
        assert!(core.contains(maps), "{core}");
        assert!(core.contains(r#""shortNames":["po"],"categories":["all"],"storageVersionHash":""#), "{core}");
        let scale =
            r#""name":"replicationcontrollers/scale","singularName":"","namespaced":true,"group":"autoscaling","#;
        assert!(core.contains(scale), "{core}");
        let leases = serde_json::to_string(&Resources::of("coordination.k8s.io", "v1").unwrap()).unwrap();
        assert!(leases.starts_with(r#"{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"#), "{leases}");
        assert!(Resources::of("apps", "v1").is_none());
    }
}
