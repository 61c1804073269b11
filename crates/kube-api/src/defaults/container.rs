//! Defaults of one container.

use serde_json::Value;

use super::{Object, each, fill, have, map, text};

/// Fills in a container of any of a pod's lists.
pub(super) fn container(container: &mut Object) {
    let image = text(container, "image").to_owned();
    fill(container, "imagePullPolicy", pull_policy(&image));
    fill(container, "terminationMessagePath", "/dev/termination-log");
    fill(container, "terminationMessagePolicy", "File");
    map(container, "resources");
    each(container, "ports", |port| fill(port, "protocol", "TCP"));
    each(container, "env", |env| {
        if let Some(field) = have(env, "valueFrom").and_then(|from| have(from, "fieldRef")) {
            fill(field, "apiVersion", "v1");
        }
        if let Some(resource) = have(env, "valueFrom").and_then(|from| have(from, "resourceFieldRef")) {
            fill(resource, "divisor", "0");
        }
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = have(container, probe) {
            self::probe(probe);
        }
    }
    if let Some(lifecycle) = have(container, "lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = have(lifecycle, hook) {
                http_get(hook);
            }
        }
    }
}

/// What a container does not request, it requests as much of as its limit: of pods only, not of templates.
pub(super) fn requests_from_limits(container: &mut Object) {
    let Some(resources) = have(container, "resources") else { return };
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else { return };
    if limits.is_empty() {
        return;
    }
    let requests = map(resources, "requests");
    for (name, amount) in limits {
        requests.entry(name).or_insert(amount);
    }
}

/// On the host's network, a container's ports are the host's.
pub(super) fn host_ports(container: &mut Object) {
    each(container, "ports", |port| {
        if port.get("hostPort").and_then(Value::as_i64).unwrap_or(0) == 0
            && let Some(number) = port.get("containerPort").cloned()
        {
            port.insert("hostPort".to_owned(), number);
        }
    });
}

/// An image that may change under its name (`:latest`, or no tag) is pulled each time.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    match name.split_once('@').map_or(name, |(name, _)| name).split_once(':') {
        Some((_, "latest")) => "Always",
        Some(_) => "IfNotPresent",
        None if name.contains('@') => "IfNotPresent",
        None => "Always",
    }
}

fn probe(probe: &mut Object) {
    for (key, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if probe.get(key).and_then(Value::as_i64).unwrap_or(0) == 0 {
            probe.insert(key.to_owned(), value.into());
        }
    }
    http_get(probe);
    if let Some(grpc) = have(probe, "grpc") {
        fill(grpc, "service", "");
    }
}

fn http_get(handler: &mut Object) {
    if let Some(get) = have(handler, "httpGet") {
        fill(get, "path", "/");
        fill(get, "scheme", "HTTP");
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn images_that_may_change_are_pulled() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1", "IfNotPresent"),
            ("host:5000/nginx", "Always"),
            ("host:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:00", "IfNotPresent"),
            ("nginx:latest@sha256:00", "Always"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
