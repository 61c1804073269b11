//! Names of roles, and what a framework may subscribe with (reference sections 3.3 and 3.4).

use mesos::FrameworkInfo;
use mesos::framework::FrameworkCapabilityType;

/// Why `role` is no role's name, in Mesos' words; `*` is one.
pub(super) fn invalid(role: &str) -> Option<String> {
    if role == "*" {
        return None;
    }
    if role.is_empty() {
        return Some("Empty role name is invalid".to_owned());
    }
    if role.starts_with('/') {
        return Some(format!("Role '{role}' cannot start with a slash"));
    }
    if role.ends_with('/') {
        return Some(format!("Role '{role}' cannot end with a slash"));
    }
    role.split('/').find_map(|component| match component {
        "" => Some(format!("Role '{role}' cannot contain two adjacent slashes")),
        "." | ".." | "*" => Some(format!("Role '{role}' cannot include '{component}' as a component")),
        _ if component.starts_with('-') => {
            Some(format!("Role component '{component}' is invalid because it begins with a dash"))
        }
        _ if component.chars().any(|c| c.is_ascii_control() || c == ' ') => {
            Some(format!("Role component '{component}' is invalid because it contains backspace or whitespace"))
        }
        _ => None,
    })
}

/// Why a framework may not subscribe with `info`, in Mesos' words. `allowed` are the roles of `--roles`; none means all.
pub(super) fn refuse(info: &FrameworkInfo, allowed: &[String], root_submissions: bool) -> Option<String> {
    let is_multi_role = info.is_capable(FrameworkCapabilityType::MultiRole);
    if is_multi_role && info.role.is_some() {
        return Some("'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable".to_owned());
    }
    if !is_multi_role && !info.roles.is_empty() {
        return Some("'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable".to_owned());
    }
    let twice = info.roles.iter().enumerate().find(|(index, role)| info.roles[..*index].contains(role));
    if let Some((_, role)) = twice {
        return Some(format!("'FrameworkInfo.roles' contains duplicate items: {role}"));
    }
    if let Some(reason) = info.roles.iter().find_map(|role| invalid(role)) {
        return Some(format!("'FrameworkInfo.roles' contains invalid role: {reason}"));
    }
    if let Some(reason) = info.role.as_deref().and_then(invalid) {
        return Some(format!("'FrameworkInfo.role' is not a valid role: {reason}"));
    }
    if let Some(Err(reason)) = info.id.as_ref().map(|id| mesos::id::validate(id.as_str())) {
        return Some(reason);
    }
    if !(0.0..=i64::MAX as f64 / 1e9).contains(&info.failover_timeout) {
        return Some(format!("The framework failover_timeout ({}) is invalid", info.failover_timeout));
    }
    let strangers: Vec<_> = info.subscribed_roles().into_iter().filter(|role| !is_allowed(role, allowed)).collect();
    if !strangers.is_empty() {
        return Some(format!("Roles {{ {} }} are not present in the master's --roles", strangers.join(", ")));
    }
    if !root_submissions && info.user == "root" {
        return Some("User 'root' is not allowed to run frameworks without --root_submissions set".to_owned());
    }
    None
}

fn is_allowed(role: &str, allowed: &[String]) -> bool {
    allowed.is_empty() || role == "*" || allowed.iter().any(|name| name == role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_roles_are_checked() {
        for good in ["*", "public", "a/b/c", "a-b", "a.b"] {
            assert_eq!(invalid(good), None, "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "a/../b", "a/*", "-a", "a b", "a\tb"] {
            assert!(invalid(bad).is_some(), "{bad}");
        }
        assert_eq!(invalid("a/../b").unwrap(), "Role 'a/../b' cannot include '..' as a component");
    }

    #[test]
    fn only_listed_roles_may_be_subscribed_to() {
        let info = FrameworkInfo { role: Some("b".to_owned()), ..FrameworkInfo::default() };
        assert_eq!(refuse(&info, &[], true), None);
        assert_eq!(
            refuse(&info, &["a".to_owned()], true).unwrap(),
            "Roles { b } are not present in the master's --roles"
        );
        let root = FrameworkInfo { user: "root".to_owned(), ..FrameworkInfo::default() };
        assert!(refuse(&root, &[], false).is_some());
    }

    #[test]
    fn a_failover_timeout_has_to_be_a_time() {
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e30] {
            let info = FrameworkInfo { failover_timeout: bad, ..FrameworkInfo::default() };
            assert!(refuse(&info, &[], true).is_some(), "{bad}");
        }
    }
}
