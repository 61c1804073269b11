//! What the server sets in volumes and in claims of them.

use kube_api::Kind;
use serde_json::Value;

use super::set_or_remove;

/// Says since when a volume is in its phase: since `now` where a write to `/status` changes it and does not say itself.
pub(crate) fn time_phase(kind: &Kind, new: &mut Value, old: &Value, now: &str) {
    const TIME: &str = "lastPhaseTransitionTime";
    if kind.kind != "PersistentVolume" || !new["status"].is_object() {
        return;
    }
    let same_phase = new["status"]["phase"] == old["status"]["phase"];
    let said = new["status"].get(TIME).filter(|time| !time.is_null()).cloned();
    match said {
        None if same_phase => set_or_remove(&mut new["status"], TIME, old["status"].get(TIME)),
        Some(said) if same_phase || said != old["status"][TIME] => {}
        _ => new["status"][TIME] = now.into(),
    }
}

/// A claim's source of data stands in an old and in a new field: each is made from the other, unless they are `in_use`. The
/// old one alone takes claims and snapshots alone, and none is in another namespace.
pub(super) fn mirror_data_source(spec: &mut Value, in_use: bool) {
    let text = |source: &Value, field: &str| source[field].as_str().unwrap_or_default().to_owned();
    if !in_use {
        if !text(&spec["dataSourceRef"], "namespace").is_empty() {
            set_or_remove(spec, "dataSourceRef", None);
        }
        let of = (text(&spec["dataSource"], "apiGroup"), text(&spec["dataSource"], "kind"));
        let known = matches!(
            (of.0.as_str(), of.1.as_str()),
            ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
        );
        if !known && !spec["dataSourceRef"].is_object() {
            set_or_remove(spec, "dataSource", None);
        }
    }
    match (spec["dataSource"].is_object(), spec["dataSourceRef"].is_object()) {
        (true, false) => spec["dataSourceRef"] = spec["dataSource"].clone(),
        (false, true) if text(&spec["dataSourceRef"], "namespace").is_empty() => {
            spec["dataSource"] = spec["dataSourceRef"].clone();
            set_or_remove(&mut spec["dataSource"], "namespace", None);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::before_create;
    use super::*;
    use kube_api::kinds;
    use serde_json::json;

    fn kind(plural: &str) -> &'static Kind {
        kinds::find("", "v1", plural).unwrap()
    }

    #[test]
    fn a_volumes_phase_has_its_time() {
        let volumes = kind("persistentvolumes");
        let mut old = json!({"metadata": {"creationTimestamp": "then"}});
        before_create(volumes, &mut old);
        assert_eq!(old["status"]["lastPhaseTransitionTime"], "then");
        let timed = |status: Value| {
            let mut new = json!({"status": status});
            time_phase(volumes, &mut new, &old, "now");
            new["status"]["lastPhaseTransitionTime"].clone()
        };
        assert_eq!(timed(json!({"phase": "Pending"})), "then");
        assert_eq!(timed(json!({"phase": "Bound"})), "now");
        assert_eq!(timed(json!({"phase": "Bound", "lastPhaseTransitionTime": "then"})), "now");
        assert_eq!(timed(json!({"phase": "Bound", "lastPhaseTransitionTime": "its own"})), "its own");
    }

    #[test]
    fn a_claims_source_of_data_is_named_twice() {
        let claims = kind("persistentvolumeclaims");
        let made = |spec: Value| {
            let mut claim = json!({"metadata": {}, "spec": spec});
            before_create(claims, &mut claim);
            claim["spec"].clone()
        };
        let claim = json!({"kind": "PersistentVolumeClaim", "name": "c"});
        let both = json!({"dataSource": claim, "dataSourceRef": claim});
        assert_eq!(made(json!({"dataSource": claim})), both);
        assert_eq!(made(json!({"dataSourceRef": claim})), both);
        assert_eq!(made(json!({"dataSource": {"apiGroup": "a.b", "kind": "X", "name": "c"}})), json!({}));
        let other = json!({"apiGroup": "a.b", "kind": "X", "name": "c"});
        assert_eq!(made(json!({"dataSourceRef": other})), json!({"dataSource": other, "dataSourceRef": other}));
        let elsewhere = json!({"kind": "PersistentVolumeClaim", "name": "c", "namespace": "n"});
        assert_eq!(made(json!({"dataSourceRef": elsewhere})), json!({}));
    }
}
