//! Events that controllers record about objects.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, PostParams};
use kube::{Client, Resource, ResourceExt};
use tokio::sync::mpsc;

/// Events that wait to be written; those beyond are dropped: events are best effort.
const QUEUE: usize = 256;

/// Writes events behind the controllers' backs; cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Event>,
}

impl Recorder {
    /// Starts writing; ends with its last clone.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let (queue, mut events) = mpsc::channel::<Event>(QUEUE);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let namespace = event.metadata.namespace.clone().unwrap_or_else(|| "default".to_owned());
                let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
                if let Err(error) = api.create(&PostParams::default(), &event).await {
                    tracing::debug!(error = error.to_string(), "an event was not recorded");
                }
            }
        });
        Self { queue }
    }

    /// Records that `component` did or failed to do something with `object`; `warning` or normal.
    pub fn record<K>(&self, object: &K, component: &str, warning: bool, reason: &str, message: String)
    where
        K: Resource<DynamicType = ()>,
    {
        let now = Time(Timestamp::now());
        // what has no namespace has its events in `default`
        let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
        let mut event = Event {
            involved_object: ObjectReference {
                api_version: Some(K::api_version(&()).into_owned()),
                kind: Some(K::kind(&()).into_owned()),
                name: object.meta().name.clone(),
                namespace: object.namespace(),
                resource_version: object.resource_version(),
                uid: object.uid(),
                ..ObjectReference::default()
            },
            count: Some(1),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now.clone()),
            message: Some(message),
            reason: Some(reason.to_owned()),
            reporting_component: Some(component.to_owned()),
            source: Some(EventSource { component: Some(component.to_owned()), host: None }),
            type_: Some(if warning { "Warning" } else { "Normal" }.to_owned()),
            ..Event::default()
        };
        event.metadata.name = Some(format!("{}.{:x}", object.name_any(), now.0.as_nanosecond()));
        event.metadata.namespace = Some(namespace);
        let _ = self.queue.try_send(event);
    }
}
