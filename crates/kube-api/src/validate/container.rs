//! One container: its name and image, ports, environment and mounts.

use std::collections::HashSet;

use serde_json::Value;

use super::containers::Volumes;
use super::error::Errors;
use super::tree::Node;
use super::{names, resources, security};
use crate::quantity::Quantity;
use crate::selector;

/// What all containers have, of whatever list. `seen` holds the names of the pod's other containers.
pub(super) fn common<'v>(
    container: &Node<'v, '_>,
    volumes: &Volumes,
    seen: &mut HashSet<&'v Value>,
    errors: &mut Errors,
) {
    let name = container.at("name");
    if errors.need(&name) {
        let wrong = names::dns1123_label(name.text());
        if !wrong.is_empty() {
            errors.named(&name, wrong);
        } else if seen.contains(name.value()) {
            errors.duplicate(&name);
        }
    }
    if let Some(name) = container.value().get("name") {
        seen.insert(name);
    }
    errors.need(&container.at("image"));
    let message = container.at("terminationMessagePolicy");
    if message.is_empty() {
        errors.required(&message, "");
    } else {
        errors.one_of(&message, &["FallbackToLogsOnError", "File"]);
    }
    ports(&container.at("ports"), errors);
    env(&container.at("env"), errors);
    env_from(&container.at("envFrom"), errors);
    mounts(container, volumes, errors);
    let pull = container.at("imagePullPolicy");
    if pull.is_empty() {
        errors.required(&pull, "");
    } else {
        errors.one_of(&pull, &["Always", "IfNotPresent", "Never"]);
    }
    resources::container(&container.at("resources"), errors);
    security::container(&container.at("securityContext"), errors);
}

fn ports(ports: &Node, errors: &mut Errors) {
    let mut seen: HashSet<&str> = HashSet::new();
    for port in ports.items() {
        let name = port.at("name");
        if !name.is_empty() {
            let wrong = names::port_name(name.text());
            if !wrong.is_empty() {
                errors.named(&name, wrong);
            } else if !seen.insert(name.text()) {
                errors.duplicate(&name);
            }
        }
        let number = port.at("containerPort");
        if number.int().unwrap_or(0) == 0 {
            errors.required(&number, "");
        } else {
            errors.port(&number);
        }
        let host = port.at("hostPort");
        if host.int() != Some(0) {
            errors.port(&host);
        }
        let protocol = port.at("protocol");
        if protocol.is_empty() {
            errors.required(&protocol, "");
        } else {
            errors.one_of(&protocol, &["SCTP", "TCP", "UDP"]);
        }
        if !port.at("hostIP").is_empty() {
            errors.ip(&port.at("hostIP"));
        }
    }
}

fn env(env: &Node, errors: &mut Errors) {
    for variable in env.items() {
        let name = variable.at("name");
        if errors.need(&name) {
            errors.named(&name, names::env_var_name(name.text()));
        }
        let from = variable.at("valueFrom");
        if from.is_present() {
            let filled = !variable.at("value").is_empty();
            value_from(&from, filled, errors);
        }
    }
}

fn value_from(from: &Node, filled: bool, errors: &mut Errors) {
    const SOURCES: [&str; 4] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"];
    let empty = Value::from("");
    match SOURCES.iter().filter(|s| from.at(s).is_present()).count() {
        0 => {
            let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
            errors.invalid_value(from, &empty, why);
        }
        _ if filled => errors.invalid_value(from, &empty, "may not be specified when `value` is not empty"),
        1 => {}
        _ => errors.invalid_value(from, &empty, "may not have more than one field specified at a time"),
    }
    let field = from.at("fieldRef");
    if field.is_present() {
        field_ref(&field, ENV_FIELDS, errors);
    }
    let resource = from.at("resourceFieldRef");
    if resource.is_present() {
        resource_ref(&resource, errors);
    }
    for source in ["configMapKeyRef", "secretKeyRef"] {
        let reference = from.at(source);
        if reference.is_present() {
            let key = reference.at("key");
            if errors.need(&key) {
                errors.named(&key, names::config_key(key.text()));
            }
        }
    }
}

/// What environment variables can show of a pod.
const ENV_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// A field of the pod, shown in its environment or a file.
pub(super) fn field_ref(reference: &Node, fields: &[&str], errors: &mut Errors) {
    let (version, path) = (reference.at("apiVersion"), reference.at("fieldPath"));
    if !errors.need(&version) || !errors.need(&path) {
        return;
    }
    let subscript = |of: &str| {
        let rest = path.text().strip_prefix(of)?;
        rest.strip_prefix("['")?.strip_suffix("']")
    };
    if let Some(key) = subscript("metadata.labels").or_else(|| subscript("metadata.annotations")) {
        errors.named_value(&path, key, names::qualified_name(&key.to_lowercase()));
        return;
    }
    let pods = crate::kinds::find("", "v1", "pods");
    let known = pods.is_some_and(|k| selector::supported(k).any(|f| f == path.text()));
    if fields.contains(&path.text()) {
        return;
    }
    if known || matches!(path.text(), "metadata.labels" | "metadata.annotations") {
        errors.one_of(&path, fields);
    } else {
        errors.invalid(&path, &format!("error converting fieldPath: field label not supported: {}", path.text()));
    }
}

/// A container's resource, shown in an environment or a file.
pub(super) fn resource_ref(reference: &Node, errors: &mut Errors) {
    let resource = reference.at("resource");
    if errors.need(&resource)
        && !resource.text().starts_with("limits.hugepages-")
        && !resource.text().starts_with("requests.hugepages-")
    {
        errors.one_of(
            &resource,
            &[
                "limits.cpu",
                "limits.ephemeral-storage",
                "limits.memory",
                "requests.cpu",
                "requests.ephemeral-storage",
                "requests.memory",
            ],
        );
    }
    divisor(&reference.at("divisor"), resource.text(), errors);
}

/// The unit that a resource is shown in: one that leaves whole numbers.
fn divisor(divisor: &Node, resource: &str, errors: &mut Errors) {
    const BYTES: &str = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
    if resources::amount(divisor).is_none_or(Quantity::is_zero) {
        return;
    }
    let what = match resource.split_once('.').map_or("", |(_, what)| what) {
        "cpu" => "cpu",
        "memory" => "memory",
        "ephemeral-storage" => "local ephemeral storage",
        what if what.starts_with("hugepages-") => "hugepages",
        _ => return,
    };
    let (units, values) = if what == "cpu" { ("1m, 1", "1m and 1") } else { (BYTES, BYTES) };
    if !units.split(", ").any(|unit| unit == divisor.text()) {
        let why = format!("only divisor's values {values} are supported with the {what} resource");
        errors.invalid_value(divisor, &resource.into(), &why);
    }
}

fn env_from(env: &Node, errors: &mut Errors) {
    for source in env.items() {
        let prefix = source.at("prefix");
        if !prefix.is_empty() {
            errors.named(&prefix, names::env_var_name(prefix.text()));
        }
        let count = ["configMapRef", "secretRef"].iter().filter(|s| source.at(s).is_present()).count();
        if count == 0 {
            errors.invalid_value(&source, &"".into(), "must specify one of: `configMapRef` or `secretRef`");
        } else if count > 1 {
            errors.invalid_value(&source, &"".into(), "may not have more than one field specified at a time");
        }
        for kind in ["configMapRef", "secretRef"] {
            let reference = source.at(kind);
            if reference.is_present() {
                errors.need(&reference.at("name"));
            }
        }
    }
}

fn mounts(container: &Node, volumes: &Volumes, errors: &mut Errors) {
    let mounts = container.at("volumeMounts");
    let mut paths: HashSet<&Value> = HashSet::new();
    for mount in mounts.items() {
        let (name, path) = (mount.at("name"), mount.at("mountPath"));
        errors.need(&name);
        match volumes.get(name.text()) {
            None => errors.not_found(&name),
            Some(true) => errors.invalid(&name, "must not already exist in volumeDevices"),
            Some(false) => {}
        }
        errors.need(&path);
        if !paths.insert(path.value()) {
            errors.invalid(&path, "must be unique");
        }
        let (sub, expression) = (mount.at("subPath"), mount.at("subPathExpr"));
        if !sub.is_empty() && !expression.is_empty() {
            errors.invalid(&expression, "subPathExpr and subPath are mutually exclusive");
        }
        for path in [sub, expression] {
            local_path(&path, errors);
        }
        errors.none_or_one_of(&mount.at("mountPropagation"), &["Bidirectional", "HostToContainer", "None"]);
        let bidirectional = mount.at("mountPropagation").text() == "Bidirectional";
        if bidirectional && !container.at("securityContext").at("privileged").is_true() {
            let why = "Bidirectional mount propagation is available only to privileged containers";
            errors.forbidden(&mount.at("mountPropagation"), why);
        }
    }
    for device in container.at("volumeDevices").items() {
        let (name, path) = (device.at("name"), device.at("devicePath"));
        if errors.need(&name) && !volumes.contains_key(name.text()) {
            errors.not_found(&name);
        }
        errors.need(&path);
    }
}

/// A path that stays within what it is relative to.
pub(super) fn local_path(path: &Node, errors: &mut Errors) {
    if path.text().starts_with('/') {
        errors.invalid(path, "must be a relative path");
    }
    if path.text().split('/').any(|part| part == "..") {
        errors.invalid(path, "must not contain '..'");
    }
}
