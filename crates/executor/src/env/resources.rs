//! What a container may use, as text: `resourceFieldRef`. Pure.

use k8s_openapi::api::core::v1::Container;
use kube_api::quantity::Quantity;

use super::Sources;

/// `limits.cpu` and its like, divided and rounded up. A limit that is absent, or 0, which is none, is the node's.
///
/// # Errors
/// When there is no such resource.
pub fn resource(container: &Container, path: &str, divisor: Option<&str>, sources: &Sources) -> Result<String, String> {
    let (kind, name) = path.split_once('.').ok_or_else(|| format!("unsupported container resource: {path}"))?;
    let resources = container.resources.as_ref();
    let map = match kind {
        "limits" => resources.and_then(|resources| resources.limits.as_ref()),
        "requests" => resources.and_then(|resources| resources.requests.as_ref()),
        _ => return Err(format!("unsupported container resource: {path}")),
    };
    let own = map.and_then(|map| map.get(name)).and_then(|amount| amount.0.parse::<Quantity>().ok());
    let amount = match own {
        Some(own) if !own.is_zero() => own,
        _ => node_limit(name, sources).filter(|_| kind == "limits").or(own).unwrap_or(Quantity::ZERO),
    };
    let divisor = divisor.and_then(|divisor| divisor.parse::<Quantity>().ok()).filter(|divisor| !divisor.is_zero());
    let divisor = divisor.unwrap_or_else(|| Quantity::from_units(1));
    // whole numbers, as in Kubernetes: of thousandths for cpu, of units for all else
    Ok(match name {
        "cpu" => divided(amount.millis(), divisor.millis()),
        _ => divided(amount.units(), divisor.units()),
    })
}

/// What the node has of a resource to give.
fn node_limit(name: &str, sources: &Sources) -> Option<Quantity> {
    let amount = sources.node_limits.get(name)?;
    Some(Quantity::from_millis((amount * 1000.0).round() as i64))
}

/// The quotient, rounded up.
fn divided(amount: i64, by: i64) -> String {
    let (amount, by) = (i128::from(amount), i128::from(by));
    (amount.div_euclid(by) + i128::from(amount.rem_euclid(by) != 0)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(resources: serde_json::Value, path: &str, divisor: &str) -> String {
        let container = serde_json::json!({"name": "c", "resources": resources});
        let limits = [("cpu", 1.9), ("memory", 5e8), ("ephemeral-storage", 3e9)];
        let node_limits = limits.map(|(name, amount)| (name.to_owned(), amount)).into();
        let sources = Sources { node_limits, ..Sources::default() };
        resource(&serde_json::from_value(container).unwrap(), path, Some(divisor), &sources).unwrap()
    }

    #[test]
    fn resources_are_divided_exactly_and_rounded_up() {
        let limited = |amount: &str| serde_json::json!({"limits": {"cpu": amount, "memory": amount}});
        assert_eq!(value(limited("4001m"), "limits.cpu", "1m"), "4001");
        assert_eq!(value(limited("250m"), "limits.cpu", "0"), "1");
        assert_eq!(value(limited("64Mi"), "limits.memory", "1Mi"), "64");
        assert_eq!(value(limited("64Mi"), "limits.memory", "1M"), "68");
        assert_eq!(value(limited("8Ei"), "limits.memory", "1"), i64::MAX.to_string());
    }

    #[test]
    fn no_limit_is_the_nodes() {
        let zero = serde_json::json!({"limits": {"cpu": "0", "memory": "0", "ephemeral-storage": "0"}, "requests": {"cpu": "0"}});
        for resources in [zero, serde_json::json!({})] {
            assert_eq!(value(resources.clone(), "limits.cpu", "1m"), "1900");
            assert_eq!(value(resources.clone(), "limits.cpu", "1"), "2");
            assert_eq!(value(resources.clone(), "limits.memory", "1"), "500000000");
            assert_eq!(value(resources.clone(), "limits.ephemeral-storage", "1G"), "3");
            assert_eq!(value(resources, "requests.cpu", "1m"), "0", "a request is its container's alone");
        }
    }
}
