//! What a pod's and a container's security context come to: the user, and what the kernel lets it do. A container's word
//! goes before its pod's. Pure.

use k8s_openapi::api::core::v1::{Container, Pod, SeccompProfile};

use crate::pod;

/// The user to run as, as Docker takes it (`user[:group]`); `None`: as the image says, which is `of_image`.
///
/// # Errors
/// When the container must not run as root and would, or might: Kubernetes' words of `CreateContainerConfigError`.
pub fn user(pod: &Pod, container: &Container, of_image: &str) -> Result<Option<String>, String> {
    let (own, whole) = (container.security_context.as_ref(), pod::spec(pod).security_context.as_ref());
    let user = own.and_then(|own| own.run_as_user).or_else(|| whole?.run_as_user);
    let group = own.and_then(|own| own.run_as_group).or_else(|| whole?.run_as_group);
    let non_root = own.and_then(|own| own.run_as_non_root).or_else(|| whole?.run_as_non_root);
    let of_image = of_image.split(':').next().unwrap_or_default();
    if non_root == Some(true)
        && let Some(why) = might_be_root(user, of_image)
    {
        let (pod, namespace, uid) = (pod::name(pod), pod::namespace(pod), pod::uid(pod));
        return Err(format!("{why} (pod: \"{pod}_{namespace}({uid})\", container: {})", container.name));
    }
    let of_image = if of_image.is_empty() { "0" } else { of_image };
    Ok(match (user, group) {
        (Some(user), Some(group)) => Some(format!("{user}:{group}")),
        (Some(user), None) => Some(user.to_string()),
        (None, Some(group)) => Some(format!("{of_image}:{group}")),
        (None, None) => None,
    })
}

fn might_be_root(user: Option<i64>, of_image: &str) -> Option<String> {
    match (user, of_image) {
        (Some(0), _) => Some("container's runAsUser breaks non-root policy".to_owned()),
        (Some(_), _) => None,
        (None, "" | "0") => Some("container has runAsNonRoot and image will run as root".to_owned()),
        (None, name) if name.parse::<u32>().is_err() => Some(format!(
            "container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root"
        )),
        (None, _) => None,
    }
}

/// Docker's security options.
///
/// # Errors
/// When a profile is asked for that this node does not have.
pub fn options(pod: &Pod, container: &Container) -> Result<Vec<String>, String> {
    let (own, whole) = (container.security_context.as_ref(), pod::spec(pod).security_context.as_ref());
    let mut options = Vec::new();
    if own.and_then(|own| own.allow_privilege_escalation) == Some(false) {
        options.push("no-new-privileges".to_owned());
    }
    let seccomp: Option<&SeccompProfile> =
        own.and_then(|own| own.seccomp_profile.as_ref()).or_else(|| whole?.seccomp_profile.as_ref());
    match seccomp.map(|profile| profile.type_.as_str()) {
        // Docker's own profile holds where nobody says otherwise
        None | Some("RuntimeDefault") => {}
        Some("Unconfined") => options.push("seccomp=unconfined".to_owned()),
        Some(other) => return Err(format!("this node has no seccomp profiles of type {other}")),
    }
    let app_armor = own.and_then(|own| own.app_armor_profile.as_ref()).or_else(|| whole?.app_armor_profile.as_ref());
    // one of type Localhost is told of as left out
    if app_armor.is_some_and(|profile| profile.type_ == "Unconfined") {
        options.push("apparmor=unconfined".to_owned());
    }
    Ok(options)
}

/// The groups of the container's processes beside their own.
#[must_use]
pub fn groups(pod: &Pod) -> Option<Vec<String>> {
    let context = pod::spec(pod).security_context.as_ref()?;
    let groups = context.supplemental_groups.iter().flatten().chain(&context.fs_group);
    Some(groups.map(ToString::to_string).collect())
}

/// The group that owns the pod's volumes.
#[must_use]
pub fn fs_group(pod: &Pod) -> Option<u32> {
    pod::spec(pod).security_context.as_ref()?.fs_group.and_then(|group| u32::try_from(group).ok())
}

/// The user that all the pod's containers are to run as, if they all say and say the same.
#[must_use]
pub fn common_user(pod: &Pod) -> Option<u32> {
    let whole = pod::spec(pod).security_context.as_ref().and_then(|context| context.run_as_user);
    let own = |container: &Container| container.security_context.as_ref().and_then(|own| own.run_as_user).or(whole);
    let mut users = pod::all_containers(pod).map(own);
    let first = users.next()??;
    users.all(|user| user == Some(first)).then(|| u32::try_from(first).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(whole: serde_json::Value, own: serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({"metadata": {"name": "p", "namespace": "n", "uid": "u"},
            "spec": {"securityContext": whole, "containers": [{"name": "c", "securityContext": own}]}}))
        .unwrap()
    }

    fn user_of(whole: serde_json::Value, own: serde_json::Value, image: &str) -> Result<Option<String>, String> {
        let pod = pod(whole, own);
        user(&pod, &pod::containers(&pod)[0], image)
    }

    #[test]
    fn a_containers_word_goes_before_its_pods() {
        let json = |json: &str| serde_json::from_str(json).unwrap();
        for (whole, own, image, expected) in [
            ("{}", "{}", "www", None),
            (r#"{"runAsUser": 1}"#, "{}", "", Some("1")),
            (r#"{"runAsUser": 1, "runAsGroup": 3}"#, r#"{"runAsUser": 2}"#, "", Some("2:3")),
            ("{}", r#"{"runAsGroup": 3}"#, "www:www", Some("www:3")),
            ("{}", r#"{"runAsGroup": 3}"#, "", Some("0:3")),
            (r#"{"runAsNonRoot": true}"#, r#"{"runAsNonRoot": false}"#, "", None),
        ] {
            assert_eq!(user_of(json(whole), json(own), image), Ok(expected.map(str::to_owned)), "{whole} {own}");
        }
    }

    #[test]
    fn who_must_not_be_root_is_proved_not_to_be() {
        let non_root = || serde_json::json!({"runAsNonRoot": true});
        let refused = |own: serde_json::Value, image: &str| user_of(non_root(), own, image).unwrap_err();
        let who = "(pod: \"p_n(u)\", container: c)";
        let none = || serde_json::json!({});
        assert_eq!(refused(none(), ""), format!("container has runAsNonRoot and image will run as root {who}"));
        assert_eq!(
            refused(none(), "www"),
            format!(
                "container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root {who}"
            )
        );
        let root = serde_json::json!({"runAsUser": 0});
        assert_eq!(refused(root, "1"), format!("container's runAsUser breaks non-root policy {who}"));
        assert_eq!(user_of(non_root(), none(), "1000:0"), Ok(None));
        assert_eq!(user_of(non_root(), serde_json::json!({"runAsUser": 7}), "root"), Ok(Some("7".into())));
    }

    #[test]
    fn a_common_user_is_everybodys() {
        let pod = |whole: serde_json::Value, one: serde_json::Value, other: serde_json::Value| -> Pod {
            serde_json::from_value(serde_json::json!({"metadata": {"name": "p"}, "spec": {"securityContext": whole,
                "containers": [{"name": "a", "securityContext": one}, {"name": "b", "securityContext": other}]}}))
            .unwrap()
        };
        let (none, user) = (|| serde_json::json!({}), |user: i64| serde_json::json!({"runAsUser": user}));
        assert_eq!(common_user(&pod(none(), none(), none())), None);
        assert_eq!(common_user(&pod(user(7), none(), none())), Some(7));
        assert_eq!(common_user(&pod(user(7), none(), user(8))), None);
        assert_eq!(common_user(&pod(none(), user(8), none())), None);
        assert_eq!(common_user(&pod(none(), user(8), user(8))), Some(8));
    }

    #[test]
    fn profiles_that_are_not_here_are_refused() {
        let with = |profile: &str| {
            let own = serde_json::json!({"allowPrivilegeEscalation": false, "seccompProfile": {"type": profile}});
            let pod = pod(serde_json::json!({}), own);
            options(&pod, &pod::containers(&pod)[0])
        };
        assert_eq!(with("RuntimeDefault").unwrap(), ["no-new-privileges"]);
        assert_eq!(with("Unconfined").unwrap(), ["no-new-privileges", "seccomp=unconfined"]);
        assert!(with("Localhost").is_err());
    }

    #[test]
    fn app_armor_is_off_where_it_is_asked_to_be() {
        let profile = |type_: &str| serde_json::json!({"appArmorProfile": {"type": type_}});
        let none = || serde_json::json!({});
        for (whole, own, expected) in [
            (none(), none(), &[][..]),
            (none(), profile("Unconfined"), &["apparmor=unconfined"]),
            (profile("Unconfined"), none(), &["apparmor=unconfined"]),
            (profile("Unconfined"), profile("RuntimeDefault"), &[]),
        ] {
            let pod = pod(whole, own);
            assert_eq!(options(&pod, &pod::containers(&pod)[0]).unwrap(), expected);
        }
    }
}
