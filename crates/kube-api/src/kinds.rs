//! What is served, under which names, with which verbs. A new kind is one entry in [`table`].

mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use table::KINDS;

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

    /// What clients of the kind are warned of: that it is going out of use.
    #[must_use]
    pub fn deprecation(&self) -> Option<&'static str> {
        match (self.group, self.kind) {
            ("", "ComponentStatus") => Some("v1 ComponentStatus is deprecated in v1.19+"),
            ("", "Endpoints") => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
            _ => None,
        }
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
