//! What a deletion leaves an object to wait for: its own finalizers, and one for what becomes of its dependents.

use kube_api::{Kind, meta};
use serde_json::{Value, json};

use super::Options;
use crate::strategy;

/// Finalizers by which dependents are dealt with before their owner goes.
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The object with the finalizers that the deletion leaves or gives it.
pub(super) fn with_finalizers(kind: &Kind, old: &Value, options: &Options) -> Value {
    let mut new = old.clone();
    let finalizers = finalizers(kind, old, options);
    if !finalizers.is_empty() {
        new["metadata"]["finalizers"] = json!(finalizers);
    } else if let Some(metadata) = new["metadata"].as_object_mut() {
        metadata.remove("finalizers");
    }
    new
}

fn finalizers(kind: &Kind, old: &Value, options: &Options) -> Vec<String> {
    let mut finalizers: Vec<String> = meta::finalizers(old).map(str::to_owned).collect();
    let decided = finalizers.iter().any(|finalizer| finalizer == ORPHAN || finalizer == FOREGROUND);
    let wanted = match options.propagation.as_deref() {
        Some("Orphan") => Some(ORPHAN),
        Some("Foreground") => Some(FOREGROUND),
        Some(_) => None,
        None if strategy::orphaned(kind) && !decided => Some(ORPHAN),
        None => return finalizers,
    };
    finalizers.retain(|finalizer| finalizer != ORPHAN && finalizer != FOREGROUND);
    finalizers.extend(wanted.map(str::to_owned));
    finalizers
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;

    #[test]
    fn the_pods_of_a_controller_stay_unless_told_otherwise() {
        let kind = kinds::find("", "v1", "replicationcontrollers").unwrap();
        let rc = |finalizers: &[&str]| json!({"metadata": {"name": "a", "finalizers": finalizers}});
        let listed = |object: &Value| meta::finalizers(object).map(str::to_owned).collect::<Vec<_>>();
        let after = |policy: Option<&str>, before: &[&str]| {
            let options = Options { propagation: policy.map(str::to_owned), ..Options::default() };
            listed(&with_finalizers(kind, &rc(before), &options))
        };
        assert_eq!(after(None, &["x/y"]), ["x/y", ORPHAN]);
        assert_eq!(after(None, &[FOREGROUND]), [FOREGROUND]);
        assert_eq!(after(Some("Background"), &[ORPHAN]), Vec::<String>::new());
        let pods = kinds::find("", "v1", "pods").unwrap();
        assert_eq!(listed(&with_finalizers(pods, &rc(&[]), &Options::default())), Vec::<String>::new());
    }
}
