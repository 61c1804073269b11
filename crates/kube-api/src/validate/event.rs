//! Events of both groups.

use super::error::Errors;
use super::tree::Node;

/// The rules that both groups share: an event lives with the object it is about.
pub(super) fn event(root: &Node, object: &str, errors: &mut Errors) {
    let metadata = root.at("metadata");
    let space = metadata.at("namespace");
    let involved = root.at(object);
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

/// The rules of events.k8s.io alone.
pub(super) fn new_event(root: &Node, errors: &mut Errors) {
    event(root, "regarding", errors);
    if !root.at("eventTime").is_present() {
        // Written by the old group.
        return;
    }
    let controller = root.at("reportingController");
    if errors.need(&controller) {
        errors.named(&controller, super::names::qualified_name(controller.text()));
    }
    for field in ["reportingInstance", "action", "reason", "type"] {
        let node = root.at(field);
        if errors.need(&node) && node.text().len() > 128 {
            errors.invalid(&node, "can have at most 128 characters");
        }
    }
    errors.none_or_one_of(&root.at("type"), &["Normal", "Warning"]);
    let note = root.at("note");
    if note.text().len() > 1024 {
        errors.invalid(&note, "can have at most 1024 characters");
    }
}
