//! Events of both groups. They are stored in the form of the old one, so that either form may come here.

use super::error::Errors;
use super::tree::Node;

/// What the two groups call the same fields.
struct Names {
    object: &'static str,
    message: &'static str,
    reporter: &'static str,
}

const OLD: Names = Names { object: "involvedObject", message: "message", reporter: "reportingComponent" };
const NEW: Names = Names { object: "regarding", message: "note", reporter: "reportingController" };

fn names(root: &Node) -> &'static Names {
    if root.at(OLD.object).is_present() { &OLD } else { &NEW }
}

/// The rule that both groups share: an event lives with the object it is about.
pub(super) fn event(root: &Node, errors: &mut Errors) {
    let names = names(root);
    let metadata = root.at("metadata");
    let space = metadata.at("namespace");
    let involved = root.at(names.object);
    let theirs = involved.at("namespace");
    let at_home = match theirs.text() {
        // What has no namespace is told of in the default one, or that of the system.
        "" => matches!(space.text(), "" | "default" | "kube-system"),
        other => other == space.text(),
    };
    if !at_home {
        errors.invalid_value(&theirs, &theirs.text().into(), "does not match event.namespace");
    }
}

/// The rules of events.k8s.io: who did what, and in few words.
pub(super) fn new_event(root: &Node, errors: &mut Errors) {
    event(root, errors);
    if !root.at("eventTime").is_present() {
        // Written by a client of the old group.
        return;
    }
    let names = names(root);
    let reporter = root.at(names.reporter);
    if errors.need(&reporter) {
        errors.named(&reporter, super::names::qualified_name(reporter.text()));
    }
    for field in ["reportingInstance", "action", "reason", "type"] {
        let node = root.at(field);
        if errors.need(&node) && node.text().len() > 128 {
            errors.invalid(&node, "can have at most 128 characters");
        }
    }
    errors.none_or_one_of(&root.at("type"), &["Normal", "Warning"]);
    let message = root.at(names.message);
    if message.text().len() > 1024 {
        errors.invalid(&message, "can have at most 1024 characters");
    }
}

#[cfg(test)]
mod tests {
    use super::super::create;
    use crate::kinds;
    use serde_json::json;

    #[test]
    fn events_live_with_their_object_in_either_form() {
        let (old, new) = (kinds::find("", "v1", "events"), kinds::find("events.k8s.io", "v1", "events"));
        for (kind, object) in [(old, "involvedObject"), (new, "involvedObject"), (new, "regarding")] {
            let kind = kind.expect("served");
            let event = |namespace: &str| json!({"metadata": {"name": "e", "namespace": "demo"}, object: {"kind": "Pod", "name": "p", "namespace": namespace}});
            assert_eq!(create(kind, &event("demo")), []);
            assert_eq!(create(kind, &event("other"))[0].field, format!("{object}.namespace"));
        }
    }
}
