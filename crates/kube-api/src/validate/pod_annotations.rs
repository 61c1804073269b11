//! Annotations of pods that mean something to Kubernetes: that a pod mirrors one of a node's own, and what it costs to delete it.

use super::error::Errors;
use super::tree::Node;

/// The kubelet's mark of a pod that it has from a file, and shows here.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// Controllers delete cheap pods first.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Of a new pod, or a template.
pub(super) fn new(annotations: &Node, spec: &Node, errors: &mut Errors) {
    mirror(annotations, spec, errors);
    cost(annotations, errors);
}

/// Of a pod that was there before. A cost that was wrong already may stay so, for servers did not always look.
pub(super) fn changed(root: &Node, old: &Node, errors: &mut Errors) {
    let (metadata, before) = (root.at("metadata"), old.at("metadata"));
    let (annotations, before) = (metadata.at("annotations"), before.at("annotations"));
    let (mark, was) = (annotations.key(MIRROR), before.key(MIRROR));
    if was.is_present() && mark.value() != was.value() {
        errors.forbidden(&mark, "may not remove or update mirror pod annotation");
    } else if mark.is_present() && !was.is_present() {
        errors.forbidden(&mark, "may not add mirror pod annotation");
    }
    mirror(&annotations, &root.at("spec"), errors);
    if is_cost(&before.key(DELETION_COST)) {
        cost(&annotations, errors);
    }
}

/// A node's own pod is on that node.
fn mirror(annotations: &Node, spec: &Node, errors: &mut Errors) {
    let mark = annotations.key(MIRROR);
    if mark.is_present() && spec.at("nodeName").is_empty() {
        errors.invalid(&mark, "must set spec.nodeName if mirror pod annotation is set");
    }
}

fn cost(annotations: &Node, errors: &mut Errors) {
    let cost = annotations.key(DELETION_COST);
    if !is_cost(&cost) {
        errors.invalid(&cost, "must be a 32bit integer");
    }
}

/// Whether there is none, or a number of 32 bits that is written without a plus or zeros in front.
fn is_cost(cost: &Node) -> bool {
    let text = cost.text();
    let begins = text == "0" || text.starts_with(|first: char| matches!(first, '-' | '1'..='9'));
    !cost.is_present() || (begins && text.parse::<i32>().is_ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{create, update, update_status};
    use super::{DELETION_COST, MIRROR};
    use crate::{defaults, kinds};

    fn pod(annotations: Value, node: &str) -> Value {
        let spec = json!({"nodeName": node, "containers": [{"name": "c", "image": "i"}]});
        let metadata =
            json!({"name": "p", "namespace": "d", "uid": "u", "resourceVersion": "1", "annotations": annotations});
        let mut pod = json!({"metadata": metadata, "spec": spec});
        defaults::apply(kinds::find("", "v1", "pods").expect("served"), &mut pod);
        pod
    }

    fn created(annotations: Value, node: &str) -> Vec<String> {
        let kind = kinds::find("", "v1", "pods").expect("served");
        create(kind, &pod(annotations, node)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_cost_is_a_number_of_32_bits() {
        for right in ["0", "-1", "-01", "10", "2147483647", "-2147483648"] {
            assert_eq!(created(json!({DELETION_COST: right}), ""), [""; 0], "{right}");
        }
        for wrong in ["", "+1", "01", "00", "1.5", "-", "-+1", "2147483648", "one", " 1"] {
            let told =
                format!("metadata.annotations[{DELETION_COST}]: Invalid value: {wrong:?}: must be a 32bit integer");
            assert_eq!(created(json!({DELETION_COST: wrong}), ""), [told]);
        }
    }

    #[test]
    fn a_mirror_pod_is_on_a_node_from_the_beginning() {
        let mark = json!({MIRROR: "m"});
        assert_eq!(created(mark.clone(), "n"), [""; 0]);
        let why = "must set spec.nodeName if mirror pod annotation is set";
        let at = format!("metadata.annotations[{MIRROR}]");
        assert_eq!(created(mark.clone(), ""), [format!("{at}: Invalid value: \"m\": {why}")]);
        let kind = kinds::find("", "v1", "pods").expect("served");
        let (with, without, other) = (pod(mark, "n"), pod(json!({}), "n"), pod(json!({MIRROR: "o"}), "n"));
        for (new, old, why) in [
            (&with, &without, "may not add mirror pod annotation"),
            (&without, &with, "may not remove or update mirror pod annotation"),
            (&other, &with, "may not remove or update mirror pod annotation"),
        ] {
            for errors in [update(kind, new, old), update_status(kind, new, old)] {
                let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
                assert_eq!(told, [format!("{at}: Forbidden: {why}")]);
            }
        }
        assert!(update(kind, &with, &with).is_empty());
    }

    #[test]
    fn a_cost_that_was_wrong_may_stay() {
        let kind = kinds::find("", "v1", "pods").expect("served");
        let cost = |cost: &str| pod(json!({DELETION_COST: cost}), "");
        assert!(update(kind, &cost("+2"), &cost("+1")).is_empty());
        assert_eq!(update(kind, &cost("+2"), &cost("1")).len(), 1);
        assert_eq!(update_status(kind, &cost("+2"), &pod(json!({}), "")).len(), 1);
    }
}
