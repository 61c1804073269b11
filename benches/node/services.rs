//! With thousands of services and forty pods that each hold them: how long until one more is reached from a pod.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::Context;
use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use serde_json::json;

use super::cluster::Cluster;
use super::report::{Report, median};
use super::trial::setting;
use super::{PODS, inside, usage};

/// Requests under way at one time.
const AT_ONCE: usize = 32;

pub(crate) async fn measure(
    docker: &Docker,
    cluster: &Cluster,
    rounds: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let many = setting("BENCH_SERVICES", 10_000);
    let services: Api<Service> = Api::default_namespaced(cluster.client().await?);
    let pid = pid_of(docker, cluster).await?;
    // each has an endpoint: the server of the throughput
    let few = median(changes(&services, &pid, rounds).await?);
    eprintln!("{many} services");
    let began = Instant::now();
    futures::stream::iter(0..many)
        .map(|number| {
            let (services, service) = (services.clone(), service(&format!("many-{number}"), None));
            async move { anyhow::Ok(services.create(&PostParams::default(), &service?).await.map(drop)?) }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    // the last of them is served once all before it are
    let last = services.get(&format!("many-{}", many - 1)).await?.spec.and_then(|spec| spec.cluster_ip);
    let last = last.context("a service has an address")?.parse::<Ipv4Addr>()?;
    reached(inside::connected(&pid, SocketAddrV4::new(last, PORT))).await?;
    let filled = began.elapsed().as_secs_f64();
    // what they caused settles: events, and the other pods' tables
    tokio::time::sleep(Duration::from_secs(5)).await;
    let figure = median(changes(&services, &pid, rounds).await?);
    report.row(
        &format!("a service created → reached from a pod, {many} services in {PODS} pods"),
        Some(format!("{few:.3} s (a few services)")),
        format!("{figure:.3} s"),
        "1 s",
    );
    let each = filled / many as f64 * 1e3;
    report.row(&format!("{many} services created → served"), None, format!("{filled:.1} s, {each:.1} ms each"), "");
    let pss = usage::proxy(docker, cluster).await?;
    report.row(&format!("proxy with {many} services in {PODS} pods"), None, format!("{:.1} MB", pss as f64 / 1e6), "");
    Ok(())
}

const PORT: u16 = 80;

fn service(name: &str, address: Option<Ipv4Addr>) -> serde_json::Result<Service> {
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": {
        "clusterIP": address, "selector": {"bench": "server"}, "ports": [{"port": PORT, "targetPort": 5201}]}}))
}

/// Seconds from a service's creation until it is reached from inside the pod, each time.
async fn changes(services: &Api<Service>, pid: &str, rounds: u64) -> anyhow::Result<Vec<f64>> {
    let mut took = Vec::new();
    // the address is asked for before its service is there, so it is chosen here
    let taken: HashSet<String> = services
        .list(&ListParams::default())
        .await?
        .into_iter()
        .filter_map(|service| service.spec?.cluster_ip)
        .collect();
    let free = (1..=254).map(|last| Ipv4Addr::new(10, 96, 255, last)).filter(|free| !taken.contains(&free.to_string()));
    for (round, address) in (0..rounds).zip(free.cycle()) {
        let connected = inside::connected(pid, SocketAddrV4::new(address, PORT));
        let name = format!("one-{round}");
        let began = Instant::now();
        services.create(&PostParams::default(), &service(&name, Some(address))?).await?;
        took.push(reached(connected).await?.duration_since(began).as_secs_f64());
        services.delete(&name, &DeleteParams::default()).await?;
    }
    Ok(took)
}

async fn reached(connected: std::thread::JoinHandle<anyhow::Result<Instant>>) -> anyhow::Result<Instant> {
    tokio::task::spawn_blocking(move || connected.join().map_err(|_| anyhow::anyhow!("the thread in the pod died"))?)
        .await?
}

/// A process in the network of the client's pod.
async fn pid_of(docker: &Docker, cluster: &Cluster) -> anyhow::Result<String> {
    let labels = vec![
        format!("io.k8sm.cluster={}", cluster.name),
        "io.kubernetes.pod.name=client".to_owned(),
        "io.kubernetes.container.name=c".to_owned(),
    ];
    let filters = std::collections::HashMap::from([("label".to_owned(), labels)]);
    let options = ListContainersOptionsBuilder::default().filters(&filters).build();
    let found = docker.list_containers(Some(options)).await?;
    let id = found.into_iter().find_map(|container| container.id).context("find the client's container")?;
    let state = docker.inspect_container(&id, None).await?.state.and_then(|state| state.pid);
    Ok(state.context("the client's container runs")?.to_string())
}
