//! Security contexts.

use super::error::Errors;
use super::names;
use super::tree::Node;

const MOST_ID: i64 = 2_147_483_647;
/// The longest path that Linux takes.
const MOST_PATH: usize = 4095;

/// A container's.
pub(super) fn container(context: &Node, errors: &mut Errors) {
    for id in ["runAsUser", "runAsGroup"] {
        errors.within(&context.at(id), 0, MOST_ID);
    }
    errors.none_or_one_of(&context.at("procMount"), &["Default", "Unmasked"]);
    seccomp(&context.at("seccompProfile"), errors);
    app_armor(&context.at("appArmorProfile"), errors);
    let escalation = context.at("allowPrivilegeEscalation");
    if escalation.is_present() && !escalation.is_true() {
        let conflict = |what: &str| format!("cannot set `allowPrivilegeEscalation` to false and `{what}`");
        if context.at("privileged").is_true() {
            errors.invalid_value(context, context.value(), &conflict("privileged` to `true"));
        }
        let capabilities = context.at("capabilities");
        if capabilities.at("add").items().any(|c| c.text() == "CAP_SYS_ADMIN") {
            errors.invalid_value(context, context.value(), &conflict("capabilities.Add` to `CAP_SYS_ADMIN"));
        }
    }
}

/// A pod's.
pub(super) fn pod(context: &Node, spec: &Node, errors: &mut Errors) {
    for id in ["runAsUser", "runAsGroup", "fsGroup"] {
        errors.within(&context.at(id), 0, MOST_ID);
    }
    for group in context.at("supplementalGroups").items() {
        errors.within(&group, 0, MOST_ID);
    }
    if spec.at("shareProcessNamespace").is_true() && spec.at("hostPID").is_true() {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.invalid(&spec.at("shareProcessNamespace"), why);
    }
    errors.none_or_one_of(&context.at("fsGroupChangePolicy"), &["Always", "OnRootMismatch"]);
    errors.none_or_one_of(&context.at("supplementalGroupsPolicy"), &["Merge", "Strict"]);
    let policy = context.at("seLinuxChangePolicy");
    if policy.is_present() {
        // the other one, MountOption, is for servers that have the gate SELinuxMount on
        errors.one_of(&policy, &["Recursive"]);
    }
    seccomp(&context.at("seccompProfile"), errors);
    app_armor(&context.at("appArmorProfile"), errors);
    let mut seen = std::collections::HashSet::new();
    for sysctl in context.at("sysctls").items() {
        let name = sysctl.at("name");
        if errors.need(&name) && !is_sysctl(name.text()) {
            let why = format!("must have at most 253 characters and match regex {SYSCTL}");
            errors.invalid(&name, &why);
        } else if !seen.insert(name.text()) {
            errors.duplicate(&name);
        }
    }
}

const SYSCTL: &str = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9][-_a-z0-9]*[a-z0-9]$";

fn is_sysctl(name: &str) -> bool {
    let part = |p: &str| names::dns1123_label(&p.replace('_', "-")).is_empty();
    name.len() <= 253 && name.split(['.', '/']).all(part)
}

fn seccomp(profile: &Node, errors: &mut Errors) {
    if !profile.is_present() {
        return;
    }
    let (kind, local) = (profile.at("type"), profile.at("localhostProfile"));
    match kind.text() {
        "Localhost" if local.is_empty() => {
            errors.required(&local, "must be set when seccomp type is Localhost");
        }
        "Localhost" => super::container::local_path(&local, errors),
        "" => errors.required(&kind, "type is required when seccompProfile is set"),
        _ => {
            errors.one_of(&kind, &["Localhost", "RuntimeDefault", "Unconfined"]);
            if local.is_present() {
                errors.invalid(&local, "can only be set when seccomp type is Localhost");
            }
        }
    }
}

fn app_armor(profile: &Node, errors: &mut Errors) {
    if !profile.is_present() {
        return;
    }
    let (kind, local) = (profile.at("type"), profile.at("localhostProfile"));
    match kind.text() {
        "Localhost" if local.text().is_empty() => {
            errors.required(&local, "must be set when AppArmor type is Localhost");
        }
        "Localhost" if local.text() != local.text().trim() => {
            errors.invalid(&local, "must not be padded with whitespace");
        }
        "Localhost" if local.text().len() > MOST_PATH => errors.too_long(&local, MOST_PATH),
        "Localhost" => {}
        "" => errors.required(&kind, "type is required when appArmorProfile is set"),
        "RuntimeDefault" | "Unconfined" if local.is_present() => {
            errors.invalid(&local, "can only be set when AppArmor type is Localhost");
        }
        _ => errors.one_of(&kind, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}
