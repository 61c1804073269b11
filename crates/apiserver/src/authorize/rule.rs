//! One right of a role: what it allows, and which other rights it holds within it.

use kube_api::status::quote;
use serde::{Deserialize, Serialize};

use super::Attributes;

/// A `PolicyRule`: verbs on resources of groups, perhaps on named objects alone, or on paths that are no resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rule {
    pub(crate) verbs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) api_groups: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resource_names: Vec<String>,
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub(crate) non_resource_urls: Vec<String>,
}

impl Rule {
    /// Whether it allows that with a resource.
    pub(crate) fn allows(&self, asked: &Attributes) -> bool {
        has(&self.verbs, &asked.verb)
            && has(&self.api_groups, &asked.group)
            && self.has_resource(&asked.resource, &asked.subresource)
            && (self.resource_names.is_empty() || self.resource_names.contains(&asked.name))
    }

    /// Whether it allows that with a path.
    pub(crate) fn allows_path(&self, verb: &str, path: &str) -> bool {
        has(&self.verbs, verb) && self.non_resource_urls.iter().any(|glob| matches(glob, path))
    }

    fn has_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.iter().any(|given| match given.split_once('/') {
            _ if given == "*" => true,
            Some((of, sub)) => !subresource.is_empty() && sub == subresource && (of == "*" || of == resource),
            None => subresource.is_empty() && given == resource,
        })
    }

    /// Whether everything that the `single` rule allows is allowed by this one too.
    fn holds(&self, single: &Self) -> bool {
        let all = |own: &[String], other: &[String]| other.iter().all(|value| has(own, value));
        if !all(&self.verbs, &single.verbs) {
            return false;
        }
        if !single.non_resource_urls.is_empty() {
            let held = |path: &String| self.non_resource_urls.iter().any(|glob| matches(glob, path));
            return single.non_resource_urls.iter().all(held);
        }
        let resource = |given: &String| {
            // "*" and "*/sub" are things of their own here, which only the same or a wider one holds
            let (resource, subresource) = given.split_once('/').unwrap_or((given, ""));
            self.has_resource(resource, subresource)
        };
        let names = &single.resource_names;
        let named = || !names.is_empty() && names.iter().all(|name| self.resource_names.contains(name));
        all(&self.api_groups, &single.api_groups)
            && single.resources.iter().all(resource)
            && (self.resource_names.is_empty() || named())
    }

    /// The same right in rules of one verb, group, resource and name each, or of one verb and path.
    fn singles(&self) -> Vec<Self> {
        let one = |value: &String| vec![value.clone()];
        let names: Vec<Vec<String>> = match self.resource_names.as_slice() {
            [] => vec![Vec::new()],
            names => names.iter().map(one).collect(),
        };
        let mut singles = Vec::new();
        for verb in &self.verbs {
            for path in &self.non_resource_urls {
                singles.push(Self { verbs: one(verb), non_resource_urls: one(path), ..Self::default() });
            }
            for (group, resource) in
                self.api_groups.iter().flat_map(|group| self.resources.iter().map(move |resource| (group, resource)))
            {
                singles.extend(names.iter().map(|name| Self {
                    verbs: one(verb),
                    api_groups: one(group),
                    resources: one(resource),
                    resource_names: name.clone(),
                    ..Self::default()
                }));
            }
        }
        singles
    }
}

/// The rights among `wanted` that `held` does not hold, few rules with many verbs rather than many with one. Empty where
/// everything is held.
pub(crate) fn missing(wanted: &[Rule], held: &[Rule]) -> Vec<Rule> {
    let mut missing: Vec<Rule> = Vec::new();
    for single in wanted.iter().flat_map(Rule::singles) {
        if held.iter().any(|rule| rule.holds(&single)) {
            continue;
        }
        let same = |rule: &&mut Rule| {
            Rule { verbs: Vec::new(), ..(*rule).clone() } == Rule { verbs: Vec::new(), ..single.clone() }
        };
        match missing.iter_mut().find(same) {
            Some(rule) if rule.verbs.contains(&single.verbs[0]) => {}
            Some(rule) => rule.verbs.extend(single.verbs),
            None => missing.push(single),
        }
    }
    missing
}

/// A rule as refusals show it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`.
pub(crate) fn shown(rule: &Rule) -> String {
    let parts = [
        ("APIGroups", &rule.api_groups),
        ("Resources", &rule.resources),
        ("ResourceNames", &rule.resource_names),
        ("NonResourceURLs", &rule.non_resource_urls),
        ("Verbs", &rule.verbs),
    ];
    let parts = parts.iter().filter(|(_, values)| !values.is_empty());
    let parts: Vec<String> = parts.map(|(name, values)| format!("{name}:{}", list(values))).collect();
    format!("{{{}}}", parts.join(", "))
}

/// Strings as Kubernetes' messages list them: `["a" "b"]`.
pub(crate) fn list(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| quote(value)).collect();
    format!("[{}]", quoted.join(" "))
}

fn has(given: &[String], wanted: &str) -> bool {
    given.iter().any(|value| value == "*" || value == wanted)
}

/// Whether a path is meant by another that may end in `*`.
fn matches(glob: &str, path: &str) -> bool {
    glob == path || glob.strip_suffix('*').is_some_and(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `verbs groups resources [names]`, or `verbs url paths`; `core` is the group without a name.
    fn rule(line: &str) -> Rule {
        super::super::policy::rule(line).unwrap()
    }

    fn asked(line: &str) -> Attributes {
        let words: Vec<&str> = line.split(' ').collect();
        let (resource, subresource) = words[2].split_once('/').unwrap_or((words[2], ""));
        Attributes {
            verb: words[0].to_owned(),
            group: words[1].replace("core", ""),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            name: words.get(3).copied().unwrap_or_default().to_owned(),
            ..Attributes::default()
        }
    }

    #[test]
    fn a_rule_allows_what_it_names() {
        for (given, wanted, allowed) in [
            ("get,list core pods", "list core pods", true),
            ("get,list core pods", "watch core pods", false),
            ("get core pods", "get apps pods", false),
            ("get core pods", "get core pods/log p", false),
            ("get core pods/log", "get core pods/log p", true),
            ("get core pods/log", "get core pods p", false),
            ("update core */scale", "update core replicationcontrollers/scale rc", true),
            ("update core */scale", "update core replicationcontrollers/status rc", false),
            ("* * *", "delete apps deployments/scale d", true),
            ("get core *", "get core pods/log p", true),
            ("get core configmaps one,two", "get core configmaps two", true),
            ("get core configmaps one,two", "get core configmaps three", false),
            ("list core configmaps one", "list core configmaps", false),
            ("create core pods one", "create core pods", false),
            ("get url /api", "get core pods", false),
        ] {
            assert_eq!(rule(given).allows(&asked(wanted)), allowed, "{given} | {wanted}");
        }
    }

    #[test]
    fn paths_end_in_a_star() {
        for (given, verb, path, allowed) in [
            ("get url /healthz", "get", "/healthz", true),
            ("get url /healthz", "get", "/healthz/ping", false),
            ("get url /healthz/*", "get", "/healthz/ping", true),
            ("get url /healthz/*", "get", "/healthz", false),
            ("get url /healthz", "post", "/healthz", false),
            ("* url *", "post", "/anything", true),
            ("* * *", "get", "/healthz", false),
        ] {
            assert_eq!(rule(given).allows_path(verb, path), allowed, "{given} | {verb} {path}");
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        for (held, wanted, expected) in [
            (&["get,list core pods"][..], "get core pods", ""),
            (&["get core pods", "list core pods"], "get,list core pods", ""),
            (
                &["get core pods"],
                "get,list,watch core pods",
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}"#,
            ),
            (&["* * *"], "get core pods/log", ""),
            (&["get core pods"], "* core pods", r#"{APIGroups:[""], Resources:["pods"], Verbs:["*"]}"#),
            (&["get core pods a"], "get core pods", r#"{APIGroups:[""], Resources:["pods"], Verbs:["get"]}"#),
            (&["get core pods"], "get core pods a", ""),
            (
                &["get core pods a"],
                "get core pods a,b",
                r#"{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}"#,
            ),
            (&["get core */scale"], "get core pods/scale", ""),
            (&["get core pods,services"], "get core *", r#"{APIGroups:[""], Resources:["*"], Verbs:["get"]}"#),
            (&["get url /a/*"], "get url /a/b/*", ""),
            (&["get url /a/b"], "get url /a/*", r#"{NonResourceURLs:["/a/*"], Verbs:["get"]}"#),
            (&[], "get url /a", r#"{NonResourceURLs:["/a"], Verbs:["get"]}"#),
        ] {
            let held: Vec<Rule> = held.iter().map(|line| rule(line)).collect();
            let told: Vec<String> = missing(&[rule(wanted)], &held).iter().map(shown).collect();
            assert_eq!(told.join("\n"), expected, "{wanted} of {held:?}");
        }
    }
}
