//! Follows Services and EndpointSlices at the API server and hands on how the tables have to change.

use std::collections::BTreeSet;
use std::pin::pin;

use futures::{FutureExt, Stream, StreamExt};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Resource;
use kube::core::{Expression, Selector};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, Result, watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::services::{Difference, Name, Services, name};

/// Hands on differences until `stop` is cancelled. The first comes when both lists are complete, so that a proxy that starts
/// never takes away what an earlier one served. What changes while a difference waits to be taken goes into the next one.
pub(crate) async fn follow(
    client: kube::Client,
    node: &str,
    differences: mpsc::Sender<Difference>,
    stop: CancellationToken,
) {
    let options = Config::default().any_semantic().labels_from(&ours());
    let services = watcher(kube::Api::<Service>::all(client.clone()), options.clone());
    let slices = watcher(kube::Api::<EndpointSlice>::all(client), options);
    let mut services = pin!(retried(services, "services"));
    let mut slices = pin!(retried(slices, "endpointslices"));
    let mut state = State::on(node);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(event) = services.next() => state.service(event),
            Some(event) = slices.next() => state.slice(event),
            permit = differences.reserve(), if state.is_due() => match permit {
                Ok(permit) => permit.send(state.take()),
                Err(_) => return,
            },
            else => return,
        }
        // what has already arrived is taken before anything is worked out
        while let Some(Some(event)) = services.next().now_or_never() {
            state.service(event);
        }
        while let Some(Some(event)) = slices.next().now_or_never() {
            state.slice(event);
        }
    }
}

/// What is followed: services that another proxy serves, or that are said to need none, say so by these labels, as in
/// Kubernetes, and so do the slices of services without an address.
fn ours() -> Selector {
    let not = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"];
    not.map(|label| Expression::DoesNotExist(label.to_owned())).into_iter().collect()
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
struct State {
    services: Services,
    listed_services: Listing,
    listed_slices: Listing,
    /// The first difference, which may be empty, was handed on: pods may be let in.
    begun: bool,
}

impl State {
    fn on(node: &str) -> Self {
        Self {
            services: Services::on(node),
            listed_services: Listing::default(),
            listed_slices: Listing::default(),
            begun: false,
        }
    }

    fn service(&mut self, event: Event<Service>) {
        match event {
            Event::Init => self.listed_services.begin(),
            Event::InitApply(service) => {
                self.listed_services.saw(&service);
                self.services.apply_service(&service);
            }
            Event::InitDone => self.services.retain_services(&self.listed_services.end()),
            Event::Apply(service) => self.services.apply_service(&service),
            Event::Delete(service) => self.services.delete_service(&service),
        }
    }

    fn slice(&mut self, event: Event<EndpointSlice>) {
        match event {
            Event::Init => self.listed_slices.begin(),
            Event::InitApply(slice) => {
                self.listed_slices.saw(&slice);
                self.services.apply_slice(&slice);
            }
            Event::InitDone => self.services.retain_slices(&self.listed_slices.end()),
            Event::Apply(slice) => self.services.apply_slice(&slice),
            Event::Delete(slice) => self.services.delete_slice(&slice),
        }
    }

    fn is_due(&self) -> bool {
        let listed = self.listed_services.complete && self.listed_slices.complete;
        listed && (self.services.has_changed() || !self.begun)
    }

    fn take(&mut self) -> Difference {
        self.begun = true;
        self.services.take_difference()
    }
}

/// The names that a list under way has shown.
#[derive(Default)]
struct Listing {
    names: BTreeSet<Name>,
    complete: bool,
}

impl Listing {
    fn begin(&mut self) {
        self.names.clear();
    }

    fn saw(&mut self, object: &impl Resource) {
        self.names.insert(name(object.meta()));
    }

    /// The names of a list that is complete.
    fn end(&mut self) -> BTreeSet<Name> {
        self.complete = true;
        std::mem::take(&mut self.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::SelectorExt;

    #[test]
    fn services_that_are_another_proxys_affair_are_not_followed() {
        let follows = |label: &str| ours().matches(&[(label.to_owned(), String::new())].into());
        assert!(follows("app"));
        assert!(!follows("service.kubernetes.io/service-proxy-name"));
        assert!(!follows("service.kubernetes.io/headless"));
    }
}
