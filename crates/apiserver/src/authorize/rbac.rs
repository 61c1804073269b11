//! Rights by roles and bindings, from an index over the objects in memory.
//!
//! The index is made anew when one of the four shelves has changed, and takes over what has not: a request decodes
//! nothing.

use std::collections::HashMap;
use std::sync::Arc;

use kube_api::status::quote;
use parking_lot::RwLock;
use serde_json::Value;

use super::Attributes;
use super::rule::Rule;
use crate::auth::User;
use crate::storage::{Entry, Store};

/// The group of roles and bindings.
pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";
const ROLES: [&str; 2] = ["clusterroles", "roles"];
const BINDINGS: [&str; 2] = ["clusterrolebindings", "rolebindings"];

/// Answers from the latest index.
#[derive(Default)]
pub(crate) struct Rbac(RwLock<Arc<Index>>);

impl Rbac {
    /// The index of what memory holds now.
    pub(crate) fn index(&self, store: &Store) -> Arc<Index> {
        let now = store.changed(&[ROLES, BINDINGS].concat());
        let built = Arc::clone(&self.0.read());
        if built.at == now {
            return built;
        }
        let mut latest = self.0.write();
        if latest.at != now {
            // what is read may be newer than `now`, which only means that the next request looks again
            let read = |resource: &&str| store.shelf(resource).map(|shelf| shelf.all()).unwrap_or_default();
            let (roles, bindings) = (ROLES.iter().flat_map(read), BINDINGS.iter().flat_map(read));
            *latest = Arc::new(Index::build(&latest, roles, bindings, now));
        }
        Arc::clone(&latest)
    }
}

/// Who has which rights where.
#[derive(Default)]
pub(crate) struct Index {
    /// The revisions of the shelves that it was made from.
    at: Vec<u64>,
    /// By `name` of cluster roles and `namespace/name` of roles.
    roles: HashMap<Arc<str>, (u64, Arc<[Rule]>)>,
    bindings: HashMap<Arc<str>, (u64, Arc<Binding>)>,
    everywhere: Grants,
    namespaces: HashMap<String, Grants>,
}

/// Rights by who has them.
#[derive(Default)]
struct Grants {
    users: HashMap<String, Vec<Grant>>,
    groups: HashMap<String, Vec<Grant>>,
}

/// What a binding gives to one of its subjects.
#[derive(Clone)]
struct Grant {
    binding: Arc<Binding>,
    subject: usize,
    /// `None` where there is no such role.
    rules: Option<Arc<[Rule]>>,
}

struct Binding {
    /// Empty for those of the whole cluster.
    namespace: String,
    name: String,
    role_kind: String,
    role: String,
    subjects: Vec<Subject>,
}

struct Subject {
    who: Who,
    /// As reasons tell it.
    told: String,
}

enum Who {
    User(String),
    Group(String),
}

impl Index {
    fn build(
        before: &Self,
        roles: impl Iterator<Item = (Arc<str>, Arc<Entry>)>,
        bindings: impl Iterator<Item = (Arc<str>, Arc<Entry>)>,
        at: Vec<u64>,
    ) -> Self {
        let mut index = Self { at, ..Self::default() };
        for (key, entry) in roles {
            let rules = match before.roles.get(&key) {
                Some((revision, rules)) if *revision == entry.revision => Arc::clone(rules),
                _ => rules(&entry.value()).into(),
            };
            index.roles.insert(key, (entry.revision, rules));
        }
        for (key, entry) in bindings {
            let binding = match before.bindings.get(&key) {
                Some((revision, binding)) if *revision == entry.revision => Arc::clone(binding),
                _ => Arc::new(Binding::of(&entry.value())),
            };
            index.grant(&binding);
            index.bindings.insert(key, (entry.revision, binding));
        }
        index
    }

    fn grant(&mut self, binding: &Arc<Binding>) {
        let rules = self.role(&binding.role_kind, &binding.namespace, &binding.role);
        let grants = match binding.namespace.as_str() {
            "" => &mut self.everywhere,
            namespace => self.namespaces.entry(namespace.to_owned()).or_default(),
        };
        for (at, subject) in binding.subjects.iter().enumerate() {
            let (map, name) = match &subject.who {
                Who::User(name) => (&mut grants.users, name),
                Who::Group(name) => (&mut grants.groups, name),
            };
            let grant = Grant { binding: Arc::clone(binding), subject: at, rules: rules.clone() };
            map.entry(name.clone()).or_default().push(grant);
        }
    }

    /// The rules of a role (in the namespace) or cluster role.
    pub(crate) fn role(&self, kind: &str, namespace: &str, name: &str) -> Option<Arc<[Rule]>> {
        let key = if kind == "Role" { format!("{namespace}/{name}") } else { name.to_owned() };
        self.roles.get(key.as_str()).map(|(_, rules)| Arc::clone(rules))
    }

    /// What the user is given in the whole cluster and in the namespace, if one is named.
    fn grants<'i>(&'i self, user: &'i User, namespace: &str) -> impl Iterator<Item = &'i Grant> {
        let here = (!namespace.is_empty()).then(|| self.namespaces.get(namespace)).flatten();
        std::iter::once(&self.everywhere).chain(here).flat_map(move |grants| {
            let groups = user.groups.iter().filter_map(|group| grants.groups.get(group));
            grants.users.get(&user.name).into_iter().chain(groups).flatten()
        })
    }

    /// All rights of the user in the namespace, and in the whole cluster.
    pub(crate) fn rules(&self, user: &User, namespace: &str) -> Vec<Rule> {
        let rules = self.grants(user, namespace).filter_map(|grant| grant.rules.as_deref());
        rules.flatten().cloned().collect()
    }

    /// Why the user may do that; or, as the error, which roles were looked for in vain.
    pub(crate) fn allows(&self, user: &User, asked: &Attributes) -> Result<String, String> {
        self.find(user, &asked.namespace, |rule| rule.allows(asked))
    }

    /// The same for a path that is no resource.
    pub(crate) fn allows_path(&self, user: &User, verb: &str, path: &str) -> Result<String, String> {
        self.find(user, "", |rule| rule.allows_path(verb, path))
    }

    fn find(&self, user: &User, namespace: &str, right: impl Fn(&Rule) -> bool) -> Result<String, String> {
        let mut missing: Vec<String> = Vec::new();
        for grant in self.grants(user, namespace) {
            match &grant.rules {
                Some(rules) if rules.iter().any(&right) => return Ok(format!("RBAC: allowed by {}", grant.told())),
                Some(_) => {}
                None => {
                    let (kind, role) = (grant.binding.role_kind.to_ascii_lowercase(), &grant.binding.role);
                    let told = format!("{kind}.{GROUP} {} not found", quote(role));
                    if !missing.contains(&told) {
                        missing.push(told);
                    }
                }
            }
        }
        Err(match missing.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            many => format!("RBAC: [{}]", many.join(", ")),
        })
    }
}

impl Grant {
    fn told(&self) -> String {
        let Binding { namespace, name, role_kind, role, subjects } = &*self.binding;
        let to = &subjects[self.subject].told;
        match namespace.as_str() {
            "" => format!("ClusterRoleBinding {} of {role_kind} {} to {to}", quote(name), quote(role)),
            _ => {
                let name = quote(&format!("{name}/{namespace}"));
                format!("RoleBinding {name} of {role_kind} {} to {to}", quote(role))
            }
        }
    }
}

impl Binding {
    fn of(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let namespace = text(&object["metadata"]["namespace"]);
        let subjects = object["subjects"].as_array().into_iter().flatten();
        Self {
            subjects: subjects.filter_map(|subject| Subject::of(subject, &namespace)).collect(),
            name: text(&object["metadata"]["name"]),
            role_kind: text(&object["roleRef"]["kind"]),
            role: text(&object["roleRef"]["name"]),
            namespace,
        }
    }
}

impl Subject {
    fn of(subject: &Value, namespace: &str) -> Option<Self> {
        let name = subject["name"].as_str()?;
        match subject["kind"].as_str()? {
            "User" => Some(Self { who: Who::User(name.to_owned()), told: format!("User {}", quote(name)) }),
            "Group" => Some(Self { who: Who::Group(name.to_owned()), told: format!("Group {}", quote(name)) }),
            "ServiceAccount" => {
                let namespace = subject["namespace"].as_str().filter(|given| !given.is_empty()).unwrap_or(namespace);
                let who = Who::User(format!("system:serviceaccount:{namespace}:{name}"));
                let told = format!("ServiceAccount {}", quote(&format!("{name}/{namespace}")));
                (!namespace.is_empty()).then_some(Self { who, told })
            }
            _ => None,
        }
    }
}

/// The rules that a role holds.
pub(crate) fn rules(role: &Value) -> Vec<Rule> {
    let rules = role["rules"].as_array().into_iter().flatten();
    // a null where a list may stand is an empty list: a rule that cannot be read gives no right
    rules.filter_map(|rule| serde_json::from_value(rule.clone()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(object: &Value) -> (Arc<str>, Arc<Entry>) {
        let (name, namespace) =
            (object["metadata"]["name"].as_str().unwrap(), object["metadata"]["namespace"].as_str());
        let key = crate::api::key(namespace.unwrap_or_default(), name);
        let mut object = object.clone();
        object["kind"] = "Role".into();
        object["apiVersion"] = format!("{GROUP}/v1").into();
        (key.as_str().into(), Arc::new(Entry::new(&key, &crate::storage::encode(&object), 1).unwrap()))
    }

    fn index() -> Index {
        let role = |name: &str, namespace: Option<&str>, line: &str| {
            entry(
                &json!({"metadata": {"name": name, "namespace": namespace}, "rules": [super::super::policy::rule(line).unwrap()]}),
            )
        };
        let binding = |name: &str, namespace: Option<&str>, kind: &str, role: &str, subject: Value| {
            entry(&json!({"metadata": {"name": name, "namespace": namespace}, "roleRef": {"kind": kind, "name": role},
                "subjects": [subject]}))
        };
        let roles = [
            role("reader", None, "get core pods"),
            role("writer", Some("a"), "create core pods"),
            role("paths", None, "get url /metrics"),
        ];
        let bindings = [
            binding("all", None, "ClusterRole", "reader", json!({"kind": "User", "name": "ann"})),
            binding("b", Some("b"), "ClusterRole", "reader", json!({"kind": "Group", "name": "devs"})),
            binding("w", Some("a"), "Role", "writer", json!({"kind": "ServiceAccount", "name": "sa"})),
            binding("p", None, "ClusterRole", "paths", json!({"kind": "Group", "name": "devs"})),
            binding("gone", None, "ClusterRole", "gone", json!({"kind": "User", "name": "eve"})),
        ];
        Index::build(&Index::default(), roles.into_iter(), bindings.into_iter(), vec![1])
    }

    fn may(name: &str, group: &str, verb: &str, namespace: &str) -> Result<String, String> {
        let user = User::known(name, "", vec![group.to_owned()]);
        let asked = Attributes {
            verb: verb.to_owned(),
            resource: "pods".to_owned(),
            namespace: namespace.to_owned(),
            ..Attributes::default()
        };
        index().allows(&user, &asked)
    }

    #[test]
    fn bindings_give_rights_where_they_lie() {
        assert!(may("ann", "", "get", "anywhere").is_ok() && may("ann", "", "get", "").is_ok());
        assert!(may("ann", "", "create", "a").is_err());
        assert!(may("bob", "devs", "get", "b").is_ok());
        assert!(may("bob", "devs", "get", "a").is_err() && may("bob", "devs", "get", "").is_err());
        assert!(may("bob", "", "get", "b").is_err());
        let account = "system:serviceaccount:a:sa";
        let reason = r#"RBAC: allowed by RoleBinding "w/a" of Role "writer" to ServiceAccount "sa/a""#;
        assert_eq!(may(account, "", "create", "a").as_deref(), Ok(reason));
        assert!(may(account, "", "create", "b").is_err());
        let devs = User::known("bob", "", vec!["devs".to_owned()]);
        assert!(index().allows_path(&devs, "get", "/metrics").is_ok());
        assert!(index().allows_path(&devs, "get", "/api").is_err());
    }

    #[test]
    fn a_role_that_is_not_there_is_told() {
        assert_eq!(
            may("eve", "", "get", "a"),
            Err(r#"RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#.to_owned())
        );
        assert_eq!(may("nobody", "", "get", "a"), Err(String::new()));
    }
}
