//! Probes and lifecycle hooks: exactly one way to ask, asked right.

use super::error::Errors;
use super::names;
use super::tree::Node;

/// The probes of a container.
pub(super) fn all(container: &Node, errors: &mut Errors) {
    for (field, once) in [("livenessProbe", true), ("readinessProbe", false), ("startupProbe", true)] {
        let probe = container.at(field);
        if !probe.is_present() {
            continue;
        }
        handler(&probe, &["exec", "httpGet", "tcpSocket", "grpc"], None, errors);
        for number in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            errors.not_negative(&probe.at(number));
        }
        let grace = probe.at("terminationGracePeriodSeconds");
        if grace.int().is_some_and(|n| n <= 0) {
            errors.invalid(&grace, "must be greater than 0");
        }
        if grace.is_present() && field == "readinessProbe" {
            errors.invalid(&grace, "must not be set for readinessProbes");
        }
        let threshold = probe.at("successThreshold");
        if once && threshold.int().is_some_and(|n| n != 1) {
            errors.invalid(&threshold, "must be 1");
        }
    }
}

/// What a container does when it starts and before it stops, in the time that its pod has for its end.
pub(super) fn lifecycle(lifecycle: &Node, grace: Option<i64>, errors: &mut Errors) {
    for hook in ["postStart", "preStop"] {
        let hook = lifecycle.at(hook);
        if hook.is_present() {
            handler(&hook, &["exec", "httpGet", "tcpSocket", "sleep"], grace, errors);
        }
    }
}

fn handler(parent: &Node, kinds: &[&str], grace: Option<i64>, errors: &mut Errors) {
    let mut found = false;
    for kind in kinds {
        let handler = parent.at(kind);
        if !handler.is_present() {
            continue;
        }
        if found {
            errors.forbidden(&handler, "may not specify more than 1 handler type");
            continue;
        }
        found = true;
        match *kind {
            "exec" => {
                errors.need(&handler.at("command"));
            }
            "httpGet" => http_get(&handler, errors),
            "tcpSocket" => errors.port_or_name(&handler.at("port")),
            "grpc" => errors.port_or_name(&handler.at("port")),
            _ => sleep(&handler, grace, errors),
        }
    }
    if !found {
        errors.required(parent, "must specify a handler type");
    }
}

/// A container sleeps no longer than its pod has time to end.
fn sleep(sleep: &Node, grace: Option<i64>, errors: &mut Errors) {
    let seconds = sleep.at("seconds").int().unwrap_or(0);
    if let Some(grace) = grace.filter(|&grace| seconds < 0 || seconds > grace) {
        let why = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.invalid_value(sleep, &seconds.into(), &why);
    }
}

fn http_get(get: &Node, errors: &mut Errors) {
    errors.need(&get.at("path"));
    errors.port_or_name(&get.at("port"));
    errors.one_of(&get.at("scheme"), &["HTTP", "HTTPS"]);
    for header in get.at("httpHeaders").items() {
        let name = header.at("name");
        let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if name.is_empty() || !name.text().bytes().all(token) {
            errors.invalid(
                &name,
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used \
                 for validation is '[-A-Za-z0-9]+')",
            );
        }
    }
    let host = get.at("host");
    if host.text().len() > 253 {
        errors.invalid(&host, &names::too_long(253));
    }
}
