//! Selectors of labels and of fields: refused, or read and asked of an object; what was read of labels is the same when it is read again.
#![no_main]

use kube_api::kinds;
use kube_api::selector::{FieldSelector, LabelSelector};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let object = json!({
        "metadata": {"name": "a", "namespace": "n", "labels": {"a": "b", "c": "1", "d/e": ""}},
        "spec": {"nodeName": "a"}, "status": {"phase": "Running"}
    });
    if let Ok(selector) = LabelSelector::parse(text) {
        let _ = selector.matches(&object);
        assert_eq!(selector.is_everything(), selector.requirements().is_empty());
    }
    for kind in kinds::all() {
        if let Ok(selector) = FieldSelector::parse(kind, text) {
            let _ = selector.matches(&object);
        }
    }
});
