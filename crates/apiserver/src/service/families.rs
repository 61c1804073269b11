//! The families of addresses that a service asks for. The cluster has one: IPv4.

use std::net::Ipv6Addr;

use kube_api::validate::FieldError;
use serde_json::Value;

/// What this cluster cannot give a service that has addresses.
pub(super) fn check(service: &Value) -> Vec<FieldError> {
    let spec = &service["spec"];
    let policy = spec["ipFamilyPolicy"].as_str().unwrap_or("SingleStack");
    let (families, addresses) = (texts(&spec["ipFamilies"]), texts(&spec["clusterIPs"]));
    let mut errors = Vec::new();
    if policy == "SingleStack" {
        for (count, what) in [(addresses.len(), "cluster IPs"), (families.len(), "IP families")] {
            if count > 1 {
                let why = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
                errors.push(FieldError::invalid("spec.ipFamilyPolicy", &policy.into(), &why));
            }
        }
    }
    for (index, address) in addresses.iter().enumerate() {
        if address.parse::<Ipv6Addr>().is_ok() && !families.contains(&"IPv6") {
            let field = format!("spec.clusterIPs[{index}]");
            errors.push(FieldError::invalid(&field, &spec["clusterIPs"], "IPv6 is not configured on this cluster"));
        }
    }
    // who writes the endpoints of a headless service itself may name any
    let selects = spec["selector"].as_object().is_some_and(|selector| !selector.is_empty());
    if !errors.is_empty() || (spec["clusterIPs"][0] == "None" && !selects) {
        return errors;
    }
    if policy == "RequireDualStack" {
        let why = "this cluster is not configured for dual-stack services";
        errors.push(FieldError::invalid("spec.ipFamilyPolicy", &policy.into(), why));
    }
    for (index, family) in families.iter().enumerate().filter(|(_, family)| **family != "IPv4") {
        let field = format!("spec.ipFamilies[{index}]");
        errors.push(FieldError::invalid(&field, &(*family).into(), "not configured on this cluster"));
    }
    errors
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(spec: Value) -> String {
        let errors: Vec<String> = check(&json!({"spec": spec})).iter().map(ToString::to_string).collect();
        errors.join("; ")
    }

    #[test]
    fn a_cluster_of_one_family_gives_no_other() {
        let one = "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified";
        for (spec, refusal) in [
            (json!({"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "clusterIPs": ["10.0.0.1"]}), String::new()),
            (json!({"ipFamilyPolicy": "PreferDualStack"}), String::new()),
            (
                json!({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4"]}),
                "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services"
                    .to_owned(),
            ),
            (
                json!({"ipFamilies": ["IPv6"]}),
                "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster".to_owned(),
            ),
            (
                json!({"ipFamilies": ["IPv4", "IPv6"]}),
                format!("spec.ipFamilyPolicy: Invalid value: \"SingleStack\": {one}"),
            ),
            (
                json!({"clusterIPs": ["fd00::1"], "ipFamilies": ["IPv4"]}),
                "spec.clusterIPs[0]: Invalid value: []string{\"fd00::1\"}: IPv6 is not configured on this cluster".to_owned(),
            ),
        ] {
            assert_eq!(told(spec.clone()), refusal, "{spec}");
        }
    }

    #[test]
    fn a_headless_service_without_a_selector_may_name_any() {
        let headless = |selector: Value| {
            json!({"clusterIPs": ["None"], "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack",
                "selector": selector})
        };
        assert_eq!(told(headless(Value::Null)), "");
        assert!(told(headless(json!({"a": "b"}))).contains("not configured for dual-stack"));
    }
}
