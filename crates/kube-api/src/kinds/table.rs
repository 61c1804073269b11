//! The table of kinds: one entry each.

use super::{Kind, Subresource};

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
const NODE: Kind = Kind { group: "node.k8s.io", ..CLUSTER };
const SCHEDULING: Kind = Kind { group: "scheduling.k8s.io", ..CLUSTER };
const RBAC: Kind = Kind { group: "rbac.authorization.k8s.io", ..CORE };
const RBAC_CLUSTER: Kind = Kind { namespaced: false, ..RBAC };
const AUTHENTICATION: Kind = Kind { group: "authentication.k8s.io", verbs: CREATE, ..CLUSTER };
const AUTHORIZATION: Kind = Kind { group: "authorization.k8s.io", verbs: CREATE, ..CLUSTER };

/// All served kinds, core first, each group's together.
pub(super) static KINDS: &[Kind] = &[
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
        kind: "RuntimeClass",
        plural: "runtimeclasses",
        singular: "runtimeclass",
        schema: "node/v1.RuntimeClass",
        ..NODE
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
