//! Acting as somebody else: the headers `Impersonate-*`, for those who may.

use std::sync::Arc;

use http::HeaderMap;
use kube_api::Status;
use serde_json::{Value, json};

use super::Api;
use crate::auth::{AUTHENTICATED, UNAUTHENTICATED, User};
use crate::authorize::{self, Attributes};
use crate::http::path;

const USER: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
const EXTRA: &str = "impersonate-extra-";
/// The group of UIDs and extras.
const AUTHENTICATION: &str = "authentication.k8s.io";
/// The user without credentials.
const ANONYMOUS: &str = "system:anonymous";

impl Api {
    /// The user as whom the request is to be answered: the sender, unless its headers name somebody else.
    pub(super) async fn impersonate(&self, sender: Arc<User>, headers: &HeaderMap) -> Result<Arc<User>, Status> {
        let Some(wanted) = wanted(headers)? else { return Ok(sender) };
        for asked in needed(&wanted) {
            authorize::resource(self, &sender, &asked).await?;
        }
        tracing::debug!(sender = sender.name, user = wanted.name, "acts as somebody else");
        Ok(Arc::new(with_groups(wanted)))
    }
}

/// The user that the headers name.
fn wanted(headers: &HeaderMap) -> Result<Option<User>, Status> {
    let bad = |header: &str| Status::bad_request(format!("the header {header} is no text"));
    let text = |header: &str| headers.get(header).map(|value| value.to_str().map_err(|_| bad(header))).transpose();
    let mut user = User {
        name: text(USER)?.unwrap_or_default().to_owned(),
        uid: text(UID)?.unwrap_or_default().to_owned(),
        ..User::default()
    };
    for group in headers.get_all(GROUP) {
        user.groups.push(group.to_str().map_err(|_| bad(GROUP))?.to_owned());
    }
    for (name, value) in headers {
        let Some(key) = name.as_str().strip_prefix(EXTRA) else { continue };
        let key = path::decode(key).ok_or_else(|| bad(name.as_str()))?.to_ascii_lowercase();
        let value = value.to_str().map_err(|_| bad(name.as_str()))?;
        if let Value::Array(values) = user.extra.entry(key).or_insert_with(|| json!([])) {
            values.push(value.into());
        }
    }
    if !user.name.is_empty() {
        return Ok(Some(user));
    }
    if user == User::default() {
        return Ok(None);
    }
    Err(Status::bad_request("requested groups, a UID or extras without impersonating a user"))
}

/// What the sender must be allowed to do for that.
fn needed(user: &User) -> Vec<Attributes> {
    let asked = |group: &str, resource: &str, name: &str| Attributes {
        verb: "impersonate".to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        name: name.to_owned(),
        ..Attributes::default()
    };
    let mut needed = vec![match account(&user.name) {
        Some((namespace, name)) => Attributes { namespace: namespace.to_owned(), ..asked("", "serviceaccounts", name) },
        None => asked("", "users", &user.name),
    }];
    needed.extend(user.groups.iter().map(|group| asked("", "groups", group)));
    if !user.uid.is_empty() {
        needed.push(asked(AUTHENTICATION, "uids", &user.uid));
    }
    for (key, values) in &user.extra {
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
        needed.extend(
            values.map(|value| Attributes { subresource: key.clone(), ..asked(AUTHENTICATION, "userextras", value) }),
        );
    }
    needed
}

/// The namespace and name of a service account's user.
fn account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':').filter(|(_, name)| !name.contains(':'))
}

/// The user with the groups that it is in by being known, or not.
fn with_groups(mut user: User) -> User {
    if let Some((namespace, _)) = account(&user.name).filter(|_| user.groups.is_empty()) {
        user.groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    let of_all = if user.name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
    if !user.groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED) {
        user.groups.push(of_all.to_owned());
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn told(lines: &[(&'static str, &'static str)]) -> Vec<String> {
        let user = wanted(&headers(lines)).unwrap().unwrap();
        let line = |asked: &Attributes| {
            let Attributes { group, resource, subresource, namespace, name, .. } = asked;
            format!("{group}|{resource}|{subresource}|{namespace}|{name}")
        };
        needed(&user).iter().map(line).collect()
    }

    #[test]
    fn each_part_of_somebody_needs_a_right() {
        let all = [
            ("impersonate-user", "ann"),
            ("impersonate-group", "a"),
            ("impersonate-group", "b"),
            ("impersonate-uid", "7"),
            ("impersonate-extra-acme.com%2Fscope", "x"),
        ];
        assert_eq!(
            told(&all),
            [
                "|users|||ann",
                "|groups|||a",
                "|groups|||b",
                "authentication.k8s.io|uids|||7",
                "authentication.k8s.io|userextras|acme.com/scope||x"
            ]
        );
        assert_eq!(told(&[("impersonate-user", "system:serviceaccount:n:sa")]), ["|serviceaccounts||n|sa"]);
    }

    #[test]
    fn groups_come_with_the_name() {
        let groups = |name| with_groups(wanted(&headers(&[(USER, name)])).unwrap().unwrap()).groups.join(" ");
        assert_eq!(groups("ann"), "system:authenticated");
        assert_eq!(groups("system:anonymous"), "system:unauthenticated");
        let account = "system:serviceaccounts system:serviceaccounts:n system:authenticated";
        assert_eq!(groups("system:serviceaccount:n:sa"), account);
    }

    #[test]
    fn nobody_acts_as_a_group_alone() {
        assert!(wanted(&HeaderMap::new()).unwrap().is_none());
        assert_eq!(wanted(&headers(&[(GROUP, "system:masters")])).unwrap_err().code, 400);
    }
}
