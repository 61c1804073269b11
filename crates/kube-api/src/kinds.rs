//! The table of kinds: what is served, under which names, with which verbs. A new kind is one entry here.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One served resource: a kind of one group and version, and the names and verbs under which it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The API group, empty for core.
    pub group: &'static str,
    /// The version within the group.
    pub version: &'static str,
    /// The kind's name in objects (`Pod`).
    pub kind: &'static str,
    /// The resource's name in paths (`pods`).
    pub plural: &'static str,
    /// The resource's name for one object (`pod`).
    pub singular: &'static str,
    /// Abbreviations that clients accept (`po`).
    pub short_names: &'static [&'static str],
    /// Groups of resources that clients can name together (`all`).
    pub categories: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// The verbs that discovery names, sorted.
    pub verbs: &'static [&'static str],
    /// What is served below an object's path, sorted by name.
    pub subresources: &'static [Subresource],
    /// The name of the kind's type in [`crate::schema`], by package (`core/v1.Pod`).
    pub schema: &'static str,
}

/// What is served below an object's path, such as `pods/NAME/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subresource {
    /// The last element of the path.
    pub name: &'static str,
    /// The group of the kind that is read and written here.
    pub group: &'static str,
    /// The version of that kind.
    pub version: &'static str,
    /// The kind that is read and written here, which may be another than the resource's.
    pub kind: &'static str,
    /// The verbs that discovery names, sorted.
    pub verbs: &'static [&'static str],
}

impl Kind {
    /// The value of an object's `apiVersion` field: `v1`, or `group/version`.
    #[must_use]
    pub fn api_version(&self) -> String {
        api_version(self.group, self.version)
    }

    /// The kind of a list of these objects.
    #[must_use]
    pub fn list_kind(&self) -> String {
        format!("{}List", self.kind)
    }

    /// The resource as authorizers and messages name it: `pods`, or `leases.coordination.k8s.io`.
    #[must_use]
    pub fn qualified(&self) -> String {
        qualified(self.group, self.plural)
    }

    /// The kind as `Invalid` names it: `Pod`, or `Role.rbac.authorization.k8s.io`.
    #[must_use]
    pub fn qualified_kind(&self) -> String {
        qualified(self.group, self.kind)
    }

    /// Whether the resource answers the verb.
    #[must_use]
    pub fn allows(&self, verb: &str) -> bool {
        self.verbs.contains(&verb)
    }

    /// The subresource of that name.
    #[must_use]
    pub fn subresource(&self, name: &str) -> Option<&'static Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }
}

/// `version` for core, else `group/version`.
#[must_use]
pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn qualified(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// All served kinds, core first, each group's together.
#[must_use]
pub fn all() -> &'static [Kind] {
    KINDS
}

/// The kind served at `/api(s)/group/version/plural`.
#[must_use]
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    INDEX.plural.get(plural)?.iter().copied().find(|k| k.group == group && k.version == version)
}

/// The kind that an object names by `apiVersion` and `kind`.
#[must_use]
pub fn by_kind(group: &str, version: &str, kind: &str) -> Option<&'static Kind> {
    INDEX.kind.get(kind)?.iter().copied().find(|k| k.group == group && k.version == version)
}

/// The kind that an object names by its `apiVersion` (`v1`, `group/version`) and `kind` fields.
#[must_use]
pub fn of(api_version: &str, kind: &str) -> Option<&'static Kind> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    by_kind(group, version, kind)
}

/// The kind that a person means: plural, singular, short or kind name, in any case, with or without `.group`.
/// Where several groups share a name the first in the table wins.
#[must_use]
pub fn lookup(name: &str) -> Option<&'static Kind> {
    let name = name.to_ascii_lowercase();
    let (resource, group) = name.split_once('.').map_or((name.as_str(), None), |(r, g)| (r, Some(g)));
    INDEX.any.get(resource)?.iter().copied().find(|k| group.is_none_or(|g| k.group == g))
}

/// The served groups with their versions, core first, in discovery's order.
#[must_use]
pub fn group_versions() -> Vec<(&'static str, &'static str)> {
    let mut out: Vec<(&str, &str)> = Vec::new();
    for kind in KINDS {
        if !out.contains(&(kind.group, kind.version)) {
            out.push((kind.group, kind.version));
        }
    }
    out
}

struct Index {
    plural: HashMap<&'static str, Vec<&'static Kind>>,
    kind: HashMap<&'static str, Vec<&'static Kind>>,
    any: HashMap<String, Vec<&'static Kind>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { plural: HashMap::new(), kind: HashMap::new(), any: HashMap::new() };
    for kind in KINDS {
        index.plural.entry(kind.plural).or_default().push(kind);
        index.kind.entry(kind.kind).or_default().push(kind);
        let mut names = vec![kind.plural.to_owned(), kind.singular.to_owned(), kind.kind.to_ascii_lowercase()];
        names.extend(kind.short_names.iter().map(|&s| s.to_owned()));
        names.sort_unstable();
        names.dedup();
        for name in names {
            index.any.entry(name).or_default().push(kind);
        }
    }
    index
});

const ALL: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const READ_WRITE: &[&str] = &["get", "patch", "update"];
const STREAM: &[&str] = &["create", "get"];
const PROXY: &[&str] = &["create", "delete", "get", "patch", "update"];
const CREATE: &[&str] = &["create"];

const fn sub(name: &'static str, kind: &'static str, verbs: &'static [&'static str]) -> Subresource {
    Subresource { name, group: "", version: "v1", kind, verbs }
}

const fn sub_of(
    name: &'static str,
    group: &'static str,
    kind: &'static str,
    verbs: &'static [&'static str],
) -> Subresource {
    Subresource { name, group, version: "v1", kind, verbs }
}

/// A namespaced kind of core/v1 with all verbs; entries say where they differ.
const CORE: Kind = Kind {
    group: "",
    version: "v1",
    kind: "",
    plural: "",
    singular: "",
    short_names: &[],
    categories: &[],
    namespaced: true,
    verbs: ALL,
    subresources: &[],
    schema: "",
};
const CLUSTER: Kind = Kind { namespaced: false, ..CORE };
const COORDINATION: Kind = Kind { group: "coordination.k8s.io", ..CORE };
const DISCOVERY: Kind = Kind { group: "discovery.k8s.io", ..CORE };
const EVENTS: Kind = Kind { group: "events.k8s.io", ..CORE };
const SCHEDULING: Kind = Kind { group: "scheduling.k8s.io", ..CLUSTER };
const RBAC: Kind = Kind { group: "rbac.authorization.k8s.io", ..CORE };
const RBAC_CLUSTER: Kind = Kind { namespaced: false, ..RBAC };
const AUTHENTICATION: Kind = Kind { group: "authentication.k8s.io", verbs: CREATE, ..CLUSTER };
const AUTHORIZATION: Kind = Kind { group: "authorization.k8s.io", verbs: CREATE, ..CLUSTER };

static KINDS: &[Kind] = &[
    Kind { kind: "Binding", plural: "bindings", singular: "binding", verbs: CREATE, schema: "core/v1.Binding", ..CORE },
    Kind {
        kind: "ComponentStatus",
        plural: "componentstatuses",
        singular: "componentstatus",
        short_names: &["cs"],
        verbs: &["get", "list"],
        schema: "core/v1.ComponentStatus",
        ..CLUSTER
    },
    Kind {
        kind: "ConfigMap",
        plural: "configmaps",
        singular: "configmap",
        short_names: &["cm"],
        schema: "core/v1.ConfigMap",
        ..CORE
    },
    Kind {
        kind: "Endpoints",
        plural: "endpoints",
        singular: "endpoints",
        short_names: &["ep"],
        schema: "core/v1.Endpoints",
        ..CORE
    },
    Kind { kind: "Event", plural: "events", singular: "event", short_names: &["ev"], schema: "core/v1.Event", ..CORE },
    Kind {
        kind: "LimitRange",
        plural: "limitranges",
        singular: "limitrange",
        short_names: &["limits"],
        schema: "core/v1.LimitRange",
        ..CORE
    },
    Kind {
        kind: "Namespace",
        plural: "namespaces",
        singular: "namespace",
        short_names: &["ns"],
        verbs: &["create", "delete", "get", "list", "patch", "update", "watch"],
        subresources: &[sub("finalize", "Namespace", &["update"]), sub("status", "Namespace", READ_WRITE)],
        schema: "core/v1.Namespace",
        ..CLUSTER
    },
    Kind {
        kind: "Node",
        plural: "nodes",
        singular: "node",
        short_names: &["no"],
        subresources: &[sub("proxy", "NodeProxyOptions", PROXY), sub("status", "Node", READ_WRITE)],
        schema: "core/v1.Node",
        ..CLUSTER
    },
    Kind {
        kind: "PersistentVolumeClaim",
        plural: "persistentvolumeclaims",
        singular: "persistentvolumeclaim",
        short_names: &["pvc"],
        subresources: &[sub("status", "PersistentVolumeClaim", READ_WRITE)],
        schema: "core/v1.PersistentVolumeClaim",
        ..CORE
    },
    Kind {
        kind: "PersistentVolume",
        plural: "persistentvolumes",
        singular: "persistentvolume",
        short_names: &["pv"],
        subresources: &[sub("status", "PersistentVolume", READ_WRITE)],
        schema: "core/v1.PersistentVolume",
        ..CLUSTER
    },
    Kind {
        kind: "Pod",
        plural: "pods",
        singular: "pod",
        short_names: &["po"],
        categories: &["all"],
        subresources: &[
            sub("attach", "PodAttachOptions", STREAM),
            sub("binding", "Binding", CREATE),
            sub("ephemeralcontainers", "Pod", READ_WRITE),
            sub_of("eviction", "policy", "Eviction", CREATE),
            sub("exec", "PodExecOptions", STREAM),
            sub("log", "Pod", &["get"]),
            sub("portforward", "PodPortForwardOptions", STREAM),
            sub("proxy", "PodProxyOptions", PROXY),
            sub("status", "Pod", READ_WRITE),
        ],
        schema: "core/v1.Pod",
        ..CORE
    },
    Kind {
        kind: "PodTemplate",
        plural: "podtemplates",
        singular: "podtemplate",
        schema: "core/v1.PodTemplate",
        ..CORE
    },
    Kind {
        kind: "ReplicationController",
        plural: "replicationcontrollers",
        singular: "replicationcontroller",
        short_names: &["rc"],
        categories: &["all"],
        subresources: &[
            sub_of("scale", "autoscaling", "Scale", READ_WRITE),
            sub("status", "ReplicationController", READ_WRITE),
        ],
        schema: "core/v1.ReplicationController",
        ..CORE
    },
    Kind {
        kind: "ResourceQuota",
        plural: "resourcequotas",
        singular: "resourcequota",
        short_names: &["quota"],
        subresources: &[sub("status", "ResourceQuota", READ_WRITE)],
        schema: "core/v1.ResourceQuota",
        ..CORE
    },
    Kind { kind: "Secret", plural: "secrets", singular: "secret", schema: "core/v1.Secret", ..CORE },
    Kind {
        kind: "ServiceAccount",
        plural: "serviceaccounts",
        singular: "serviceaccount",
        short_names: &["sa"],
        subresources: &[sub_of("token", "authentication.k8s.io", "TokenRequest", CREATE)],
        schema: "core/v1.ServiceAccount",
        ..CORE
    },
    Kind {
        kind: "Service",
        plural: "services",
        singular: "service",
        short_names: &["svc"],
        categories: &["all"],
        subresources: &[sub("proxy", "ServiceProxyOptions", PROXY), sub("status", "Service", READ_WRITE)],
        schema: "core/v1.Service",
        ..CORE
    },
    Kind {
        kind: "SelfSubjectReview",
        plural: "selfsubjectreviews",
        singular: "selfsubjectreview",
        schema: "authentication/v1.SelfSubjectReview",
        ..AUTHENTICATION
    },
    Kind {
        kind: "TokenReview",
        plural: "tokenreviews",
        singular: "tokenreview",
        schema: "authentication/v1.TokenReview",
        ..AUTHENTICATION
    },
    Kind {
        kind: "LocalSubjectAccessReview",
        plural: "localsubjectaccessreviews",
        singular: "localsubjectaccessreview",
        namespaced: true,
        schema: "authorization/v1.LocalSubjectAccessReview",
        ..AUTHORIZATION
    },
    Kind {
        kind: "SelfSubjectAccessReview",
        plural: "selfsubjectaccessreviews",
        singular: "selfsubjectaccessreview",
        schema: "authorization/v1.SelfSubjectAccessReview",
        ..AUTHORIZATION
    },
    Kind {
        kind: "SelfSubjectRulesReview",
        plural: "selfsubjectrulesreviews",
        singular: "selfsubjectrulesreview",
        schema: "authorization/v1.SelfSubjectRulesReview",
        ..AUTHORIZATION
    },
    Kind {
        kind: "SubjectAccessReview",
        plural: "subjectaccessreviews",
        singular: "subjectaccessreview",
        schema: "authorization/v1.SubjectAccessReview",
        ..AUTHORIZATION
    },
    Kind { kind: "Lease", plural: "leases", singular: "lease", schema: "coordination/v1.Lease", ..COORDINATION },
    Kind {
        kind: "EndpointSlice",
        plural: "endpointslices",
        singular: "endpointslice",
        schema: "discovery/v1.EndpointSlice",
        ..DISCOVERY
    },
    Kind {
        kind: "Event",
        plural: "events",
        singular: "event",
        short_names: &["ev"],
        schema: "events/v1.Event",
        ..EVENTS
    },
    Kind {
        kind: "ClusterRoleBinding",
        plural: "clusterrolebindings",
        singular: "clusterrolebinding",
        schema: "rbac/v1.ClusterRoleBinding",
        ..RBAC_CLUSTER
    },
    Kind {
        kind: "ClusterRole",
        plural: "clusterroles",
        singular: "clusterrole",
        schema: "rbac/v1.ClusterRole",
        ..RBAC_CLUSTER
    },
    Kind {
        kind: "RoleBinding",
        plural: "rolebindings",
        singular: "rolebinding",
        schema: "rbac/v1.RoleBinding",
        ..RBAC
    },
    Kind { kind: "Role", plural: "roles", singular: "role", schema: "rbac/v1.Role", ..RBAC },
    Kind {
        kind: "PriorityClass",
        plural: "priorityclasses",
        singular: "priorityclass",
        short_names: &["pc"],
        schema: "scheduling/v1.PriorityClass",
        ..SCHEDULING
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_path_object_and_person() {
        assert_eq!(find("", "v1", "pods").map(|k| k.kind), Some("Pod"));
        assert_eq!(find("apps", "v1", "pods"), None);
        assert_eq!(of("rbac.authorization.k8s.io/v1", "Role").map(|k| k.plural), Some("roles"));
        assert_eq!(of("v1", "Pod").map(Kind::list_kind).as_deref(), Some("PodList"));
        for (name, group, kind) in [
            ("RC", "", "ReplicationController"),
            ("ev", "", "Event"),
            ("events.events.k8s.io", "events.k8s.io", "Event"),
            ("Pods", "", "Pod"),
            ("lease", "coordination.k8s.io", "Lease"),
        ] {
            let found = lookup(name).expect(name);
            assert_eq!((found.group, found.kind), (group, kind), "{name}");
        }
        assert_eq!(lookup("pods.apps"), None);
    }

    #[test]
    fn entries_are_sorted_where_discovery_is() {
        for kind in all() {
            assert!(kind.verbs.is_sorted(), "{}", kind.kind);
            assert!(kind.subresources.is_sorted_by_key(|s| s.name), "{}", kind.kind);
            assert!(!kind.schema.is_empty() && !kind.plural.is_empty() && !kind.singular.is_empty(), "{}", kind.kind);
        }
        assert_eq!(group_versions()[0], ("", "v1"));
    }
}
