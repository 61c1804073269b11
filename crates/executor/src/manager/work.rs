//! What a Mesos task is for, as its data says.

use k8s_openapi::api::core::v1::Pod;

use crate::pod;

/// What a task runs.
pub(super) enum Work {
    /// A pod.
    Pod(Box<Pod>),
    /// The node itself: the task under which Mesos starts an executor before there is a pod.
    Node,
    /// Nothing that can be read.
    Unreadable(serde_json::Error),
}

/// What a task is for.
pub(super) fn work(data: &str) -> Work {
    let value: serde_json::Value = match serde_json::from_str(data) {
        Ok(value) => value,
        Err(error) => return Work::Unreadable(error),
    };
    if value["kind"] == "NodeTask" {
        return Work::Node;
    }
    // a PodReference reads as a pod without a spec, which its worker fetches
    match serde_json::from_value::<Pod>(reference(value)) {
        Ok(pod) if !pod::uid(&pod).is_empty() => Work::Pod(Box::new(pod)),
        Ok(_) => Work::Unreadable(serde::de::Error::missing_field("metadata.uid")),
        Err(error) => Work::Unreadable(error),
    }
}

fn reference(mut value: serde_json::Value) -> serde_json::Value {
    if value["kind"] == "PodReference" {
        value["kind"] = "Pod".into();
        value["apiVersion"] = "v1".into();
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_data_is_a_pod_a_reference_or_the_node() {
        let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","uid":"u"},"spec":{"containers":[]}}"#;
        assert!(matches!(work(pod), Work::Pod(pod) if pod.spec.is_some()));
        let reference =
            r#"{"kind":"PodReference","metadata":{"name":"p","namespace":"n","uid":"u","annotations":{"a":"b"}}}"#;
        assert!(matches!(work(reference), Work::Pod(pod) if pod.spec.is_none() && pod::uid(&pod) == "u"));
        assert!(matches!(work(r#"{"kind":"NodeTask"}"#), Work::Node));
        for nonsense in ["", "[]", "{}", "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}}"] {
            assert!(matches!(work(nonsense), Work::Unreadable(_)), "{nonsense}");
        }
    }
}
