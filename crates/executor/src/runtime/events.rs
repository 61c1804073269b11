//! Docker's event stream, as pokes at pods.

use std::collections::HashMap;

use bollard::errors::Error;
use bollard::query_parameters::EventsOptionsBuilder;
use futures::{Stream, StreamExt};
use jiff::{SignedDuration, Timestamp};

use super::{Runtime, label};

/// What happens to a container that changes a pod.
const ACTIONS: &[&str] = &["start", "die", "destroy"];

/// Events of the last seconds come first, so that none is missed between looking at a pod and listening.
const OVERLAP: SignedDuration = SignedDuration::from_secs(5);

impl Runtime {
    /// UIDs of pods one of whose containers started, ended or went. The stream ends, or fails, with the engine: whoever
    /// reads it connects again and looks at all pods, for what happened in between is told by nobody.
    pub fn events(&self) -> impl Stream<Item = Result<String, Error>> + Send + use<> {
        let mut filters = self.filters(None);
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        filters.insert("event".to_owned(), ACTIONS.iter().map(|&action| action.to_owned()).collect());
        let since = (Timestamp::now() - OVERLAP).as_second().to_string();
        let options = EventsOptionsBuilder::default().filters(&filters).since(&since).build();
        self.docker.events(Some(options)).filter_map(|event| {
            std::future::ready(match event {
                Ok(event) => uid(event.actor.and_then(|actor| actor.attributes)).map(Ok),
                Err(error) => Some(Err(error)),
            })
        })
    }
}

fn uid(attributes: Option<HashMap<String, String>>) -> Option<String> {
    attributes?.remove(label::POD_UID)
}
