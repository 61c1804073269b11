//! The scheduler's own service, `default/k8sm-scheduler`, which leads to its pages (reference/k8sm-behaviour.md, 2.23). The
//! original looked at it every ten seconds; here the API server says when it has changed.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Service, ServicePort, ServiceSpec,
};
use kube::api::{Api, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Error, ResourceExt};

use crate::address;
use crate::flags::Flags;

const NAMESPACE: &str = "default";
const NAME: &str = "k8sm-scheduler";
const LABELS: [(&str, &str); 2] = [("component", "scheduler"), ("provider", "k8sm")];
/// The service's port; that of the pages may be another.
const PORT: i32 = 10251;
/// Between two attempts when the API server refuses.
const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Makes the service and its Endpoints and keeps them as they should be, for ever.
pub async fn keep(client: Client, flags: &Flags) {
    let services: Api<Service> = Api::namespaced(client.clone(), NAMESPACE);
    let endpoints: Api<Endpoints> = Api::namespaced(client, NAMESPACE);
    let changes = [changes(services.clone()).boxed(), changes(endpoints.clone()).boxed()];
    let mut changes = futures::stream::select_all(changes);
    while changes.next().await.is_some() {
        let mut wait = WAIT.0;
        while let Err(error) = ensure(&services, &endpoints, flags).await {
            tracing::warn!(error = format!("{error:#}"), ?wait, "cannot register service {NAME}; tried again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAIT.1);
        }
    }
}

/// An item whenever the object of this kind may be another than before.
fn changes<K>(api: Api<K>) -> impl Stream<Item = ()> + Send
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let own = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
    watcher(api, own).default_backoff().filter_map(|event| {
        use watcher::Event::{Apply, Delete, InitDone};
        std::future::ready(matches!(event, Ok(InitDone | Apply(_) | Delete(_))).then_some(()))
    })
}

async fn ensure(services: &Api<Service>, endpoints: &Api<Endpoints>, flags: &Flags) -> anyhow::Result<()> {
    let written = match services.get_opt(NAME).await.context("cannot read the service")? {
        None => services.create(&PostParams::default(), &service(&flags.service_address)).await.map(drop),
        Some(known) => match corrected(&known) {
            Some(service) => services.replace(NAME, &PostParams::default(), &service).await.map(drop),
            None => Ok(()),
        },
    };
    accept(written).context("cannot write the service")?;
    let Some(address) = published(flags).await? else { return Ok(()) };
    let wanted = endpoints_at(SocketAddr::new(address, flags.port));
    let written = match endpoints.get_opt(NAME).await.context("cannot read the Endpoints")? {
        None => endpoints.create(&PostParams::default(), &wanted).await.map(drop),
        Some(known) if known.subsets == wanted.subsets => Ok(()),
        Some(known) => {
            let corrected = Endpoints { subsets: wanted.subsets, ..known };
            endpoints.replace(NAME, &PostParams::default(), &corrected).await.map(drop)
        }
    };
    accept(written).context("cannot write the Endpoints")
}

/// What somebody else wrote meanwhile comes by the watch.
fn accept(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Api(status)) if status.code == 409 => Ok(()),
        other => other,
    }
}

/// The address at which others reach the pages. A loopback address is nobody else's to use.
async fn published(flags: &Flags) -> anyhow::Result<Option<IpAddr>> {
    Ok(Some(address::own(flags).await?).filter(|address| !address.is_loopback()))
}

fn service(cluster_ip: &str) -> Service {
    let mut service = Service::default();
    service.metadata.name = Some(NAME.to_owned());
    service.metadata.labels = Some(LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    service.spec = Some(ServiceSpec {
        cluster_ip: (!cluster_ip.is_empty()).then(|| cluster_ip.to_owned()),
        ports: Some(vec![ServicePort { port: PORT, protocol: Some("TCP".to_owned()), ..ServicePort::default() }]),
        session_affinity: Some("None".to_owned()),
        ..ServiceSpec::default()
    });
    service
}

/// The service as it should be, if it is not so; what the API server and others added stays.
fn corrected(known: &Service) -> Option<Service> {
    let mut service = known.clone();
    service
        .metadata
        .labels
        .get_or_insert_default()
        .extend(LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let spec = service.spec.get_or_insert_default();
    let port = |port: &ServicePort| (port.port, port.protocol.clone());
    let ports: Vec<_> = spec.ports.iter().flatten().map(port).collect();
    if ports != [(PORT, Some("TCP".to_owned()))] {
        spec.ports = self::service("").spec.and_then(|spec| spec.ports);
    }
    spec.selector = None;
    spec.session_affinity = Some("None".to_owned());
    spec.session_affinity_config = None;
    (service.labels() != known.labels() || service.spec != known.spec).then_some(service)
}

fn endpoints_at(pages: SocketAddr) -> Endpoints {
    let mut endpoints = Endpoints::default();
    endpoints.metadata.name = Some(NAME.to_owned());
    endpoints.metadata.labels = Some(LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    endpoints.subsets = Some(vec![EndpointSubset {
        addresses: Some(vec![EndpointAddress { ip: pages.ip().to_string(), ..EndpointAddress::default() }]),
        ports: Some(vec![EndpointPort {
            port: i32::from(pages.port()),
            protocol: Some("TCP".to_owned()),
            ..EndpointPort::default()
        }]),
        ..EndpointSubset::default()
    }]);
    endpoints
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_service_is_the_originals() {
        assert_eq!(
            serde_json::to_value(service("10.10.10.7").spec).unwrap(),
            json!({"clusterIP": "10.10.10.7", "ports": [{"port": 10251, "protocol": "TCP"}], "sessionAffinity": "None"})
        );
        let endpoints = endpoints_at("10.0.0.9:1251".parse().unwrap());
        assert_eq!(
            serde_json::to_value(endpoints.subsets).unwrap(),
            json!([{"addresses": [{"ip": "10.0.0.9"}], "ports": [{"port": 1251, "protocol": "TCP"}]}])
        );
    }

    #[test]
    fn only_what_differs_is_written() {
        let mut known = service("");
        known.metadata.labels.get_or_insert_default().insert("mine".into(), "too".into());
        let spec = known.spec.as_mut().unwrap();
        (spec.type_, spec.cluster_ip) = (Some("ClusterIP".into()), Some("10.10.10.3".into()));
        assert_eq!(corrected(&known), None);
        let mut spoilt = known.clone();
        spoilt.metadata.labels = Some([("mine".to_owned(), "too".to_owned())].into());
        let spec = spoilt.spec.as_mut().unwrap();
        (spec.ports.as_mut().unwrap()[0].port, spec.selector) = (1, Some([("a".into(), "b".into())].into()));
        assert_eq!(corrected(&spoilt), Some(known));
    }

    #[tokio::test]
    async fn a_loopback_address_is_not_published() {
        let flags = |line: &str| -> Flags {
            serve::flags::parse("scheduler", line.split_whitespace().map(str::to_owned).collect(), &[]).unwrap()
        };
        assert_eq!(published(&flags("--address=10.0.0.9")).await.unwrap(), Some("10.0.0.9".parse().unwrap()));
        for master in ["http://127.0.0.1:5050/", "127.0.0.1", "127.0.0.1:5050,127.0.0.2:5050"] {
            let flags = flags(&format!("--address=0.0.0.0 --mesos-master={master}"));
            assert_eq!(published(&flags).await.unwrap(), None, "{master}");
        }
    }
}
