//! Follows Services and EndpointSlices at the API server and publishes the tables' rules whenever they change.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Resource;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, Result, watcher};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::nft::Rules;
use crate::services::Services;

/// Publishes rules until `stop` is cancelled. The first are published when both lists are complete, so that a proxy
/// that starts never takes away what an earlier one served.
pub(crate) async fn follow(client: kube::Client, rules: watch::Sender<Option<Arc<Rules>>>, stop: CancellationToken) {
    let options = Config::default().any_semantic();
    let services = watcher(kube::Api::<Service>::all(client.clone()), options.clone());
    let slices = watcher(kube::Api::<EndpointSlice>::all(client), options);
    let mut services = pin!(retried(services, "services"));
    let mut slices = pin!(retried(slices, "endpointslices"));
    let mut state = State::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(event) = services.next() => state.service(event),
            Some(event) = slices.next() => state.slice(event),
            else => return,
        }
        // what has already arrived is taken before anything is worked out
        while let Some(Some(event)) = futures::FutureExt::now_or_never(services.next()) {
            state.service(event);
        }
        while let Some(Some(event)) = futures::FutureExt::now_or_never(slices.next()) {
            state.slice(event);
        }
        if state.take_change() {
            rules.send_replace(Some(Arc::new(state.services.rules())));
        }
    }
}

fn retried<K: Resource + Clone + Send + 'static>(
    events: impl Stream<Item = Result<Event<K>>> + Send,
    what: &'static str,
) -> impl Stream<Item = Event<K>> + Send {
    events.default_backoff().filter_map(move |event| async move {
        event.inspect_err(|error| tracing::warn!("watching {what}: {error}; trying again")).ok()
    })
}

/// The services, and how far the two lists are.
#[derive(Default)]
struct State {
    services: Services,
    listed_services: Listing,
    listed_slices: Listing,
    changed: bool,
}

impl State {
    fn service(&mut self, event: Event<Service>) {
        let Self { services, listed_services, changed, .. } = self;
        *changed |= match event {
            Event::Init => listed_services.begin(),
            Event::InitApply(service) => listed_services.saw(&service) | services.apply_service(&service),
            Event::InitDone => {
                let first = listed_services.end();
                services.retain(Some(&listed_services.names), None) | first
            }
            Event::Apply(service) => services.apply_service(&service),
            Event::Delete(service) => services.delete_service(&service),
        };
    }

    fn slice(&mut self, event: Event<EndpointSlice>) {
        let Self { services, listed_slices, changed, .. } = self;
        *changed |= match event {
            Event::Init => listed_slices.begin(),
            Event::InitApply(slice) => listed_slices.saw(&slice) | services.apply_slice(&slice),
            Event::InitDone => {
                let first = listed_slices.end();
                services.retain(None, Some(&listed_slices.names)) | first
            }
            Event::Apply(slice) => services.apply_slice(&slice),
            Event::Delete(slice) => services.delete_slice(&slice),
        };
    }

    fn take_change(&mut self) -> bool {
        self.listed_services.complete && self.listed_slices.complete && std::mem::take(&mut self.changed)
    }
}

/// The names that a list under way has shown.
#[derive(Default)]
struct Listing {
    names: BTreeSet<(String, String)>,
    complete: bool,
}

impl Listing {
    fn begin(&mut self) -> bool {
        self.names.clear();
        false
    }

    fn saw(&mut self, object: &impl Resource) -> bool {
        let metadata = object.meta();
        self.names.insert((metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default()));
        false
    }

    /// True for the first list, with which the tables can be made.
    fn end(&mut self) -> bool {
        !std::mem::replace(&mut self.complete, true)
    }
}
