//! `k8sm addons`: what runs on a cluster as pods and belongs to it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use clap::{Args, Subcommand};
use ipnet::Ipv4Net;
use kube_api::kinds;
use serde_json::{Value, json};

use super::Global;
use super::kube::{Place, metadata};
use crate::client::manifest::Document;
use crate::client::watch::{Scope, Watch};
use crate::client::{Client, Form, Path, Query};
use crate::cluster::addons::deploy;
use crate::cluster::addons::dns::{self, Flavor, Images, Settings};
use crate::cluster::engine::Engine;
use crate::cluster::name::ClusterName;
use crate::cluster::observed::Observed;
use crate::cluster::plan;
use crate::failure::Failure;
use crate::shell;

/// Deploy what runs on the cluster itself
#[derive(Debug, Args)]
pub(crate) struct Addons {
    #[command(subcommand)]
    addon: Addon,
}

#[derive(Debug, Subcommand)]
enum Addon {
    Dns(Dns),
}

/// Deploy the cluster's DNS, and wait until its pods are ready
///
/// The cluster is that of --name, whichever context is kubectl's current one; --context and --server say another.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  k8sm addons dns\n  k8sm addons dns --flavor lean --replicas 2\n  \
                        k8sm addons dns --render > dns.yaml")]
struct Dns {
    /// Print the manifests, and deploy nothing
    #[arg(long)]
    render: bool,
    /// How many pods answer
    #[arg(long, value_name = "N", default_value_t = 1)]
    replicas: u32,
    /// The domain of services and pods
    #[arg(long, default_value = "cluster.local")]
    domain: String,
    /// The address of the DNS service [default: the tenth of the service range]
    #[arg(long, value_name = "IP")]
    server_ip: Option<Ipv4Addr>,
    /// How many containers a pod of it has
    #[arg(long, value_enum, default_value_t)]
    flavor: Flavor,
    /// How long to wait until it is ready
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = serve::duration::of_flag)]
    timeout: Duration,
    #[command(flatten)]
    place: Place,
}

/// Runs `k8sm addons`.
///
/// # Errors
/// When there is no such cluster, or it refuses the addon.
pub(crate) async fn run(global: &Global, args: Addons) -> Result<(), Failure> {
    let Addon::Dns(args) = args.addon;
    let cluster = global.cluster()?;
    if args.render {
        // without a cluster the images keep the templates' general names, and the range is the default one
        let observed = match Engine::connect().await {
            Ok(engine) => Observed::read(&engine, &cluster).await.unwrap_or_default(),
            Err(_) => Observed::default(),
        };
        let images = images(&observed, &cluster).ok();
        let server = args.server_ip.unwrap_or_else(|| rendered_server(&observed, &cluster));
        return shell::data(&dns::render(&args.settings(server), images.as_ref())?);
    }
    let images = images(&Observed::read(&Engine::connect().await?, &cluster).await?, &cluster)?;
    let client = args.place.connect_to_cluster(global).await?;
    let server = match args.server_ip {
        Some(server) => server,
        None => default_server(&client).await?,
    };
    let documents = dns::documents(&args.settings(server), &images)?;
    for document in &documents {
        let how = deploy::apply(&client, document).await?;
        shell::say(&format!("{} {} {how}", document.kind.kind, document.name));
    }
    let controller = documents.iter().find(|document| document.kind.kind == "ReplicationController");
    let controller = controller.map(Document::value).unwrap_or_default();
    replace_pods(&client, &controller).await?;
    let ready = await_ready(&client, &controller, args.replicas);
    tokio::time::timeout(args.timeout, ready).await.unwrap_or_else(|_| {
        Err(Failure::timed_out("the DNS pods were not ready in time")
            .hint(format!("`k8sm describe pods -n {}` says what they wait for", dns::NAMESPACE)))
    })?;
    shell::say(&format!("the DNS of cluster {cluster} answers at {server}"));
    Ok(())
}

impl Dns {
    fn settings(&self, server: Ipv4Addr) -> Settings {
        Settings { flavor: self.flavor, replicas: self.replicas, domain: self.domain.clone(), server }
    }
}

/// The images that the cluster's components run.
fn images(observed: &Observed, cluster: &ClusterName) -> Result<Images, Failure> {
    let of = |hostname: &str| {
        let component = observed.components.values().find(|component| component.hostname == hostname);
        component.map(|component| component.image.clone()).ok_or_else(|| {
            Failure::conflict(format!("cluster {cluster} has no component {hostname}"))
                .hint(format!("`k8sm up{}` brings it up", cluster.flag()))
        })
    };
    Ok(Images { km: of("apiserver")?, etcd: of("etcd")? })
}

/// The tenth address of the service range that the cluster was made with, or of the default one.
fn rendered_server(observed: &Observed, cluster: &ClusterName) -> Ipv4Addr {
    let default = || plan::SERVICE_CIDR.parse().expect("the constant is a network");
    let range: Ipv4Net = observed.service_cidr(cluster).unwrap_or_else(default);
    Ipv4Addr::from(u32::from(range.network()) + dns::NUMBER)
}

/// The tenth address of the service range: nine after that of the service `kubernetes`, which has the first.
async fn default_server(client: &Client) -> Result<Ipv4Addr, Failure> {
    let services = kind("services");
    let kubernetes = client.get(&Path::object(services, "default", "kubernetes"), Form::Object).await?;
    let address = kubernetes["spec"]["clusterIP"].as_str().and_then(|address| address.parse::<Ipv4Addr>().ok());
    let first = address.ok_or_else(|| Failure::failed("the service kubernetes has no address"))?;
    Ok(Ipv4Addr::from(u32::from(first) + 9))
}

fn kind(plural: &str) -> &'static kube_api::Kind {
    kinds::find("", "v1", plural).expect("the table of kinds has the core ones")
}

/// The list of its pods, and the selector for it.
fn pods() -> (Path, Query) {
    (Path::list(kind("pods"), Some(dns::NAMESPACE)), Query::default().and("labelSelector", dns::SELECTOR))
}

/// Deletes the pods of another flavor or another build: their controller makes new ones, but would leave these.
async fn replace_pods(client: &Client, controller: &Value) -> Result<(), Failure> {
    let (path, query) = pods();
    let found = client.get(&path.with(query), Form::Object).await?;
    for pod in found["items"].as_array().into_iter().flatten().filter(|pod| !deploy::is_of_template(pod, controller)) {
        let name = metadata(pod, "name");
        let options = json!({"preconditions": {"uid": pod["metadata"]["uid"]}});
        match client.delete(&Path::object(kind("pods"), dns::NAMESPACE, name), &options).await {
            Err(error) if !error.is_not_found() => return Err(Failure::from(error).about(&format!("Pod {name}"))),
            _ => shell::say(&format!("Pod {name} of an earlier template deleted")),
        }
    }
    Ok(())
}

/// Waits until as many pods of its template are ready as are wanted.
async fn await_ready(client: &Client, controller: &Value, replicas: u32) -> Result<(), Failure> {
    let (path, query) = pods();
    let pods = client.get(&path.clone().with(query.clone()), Form::Object).await?;
    let mut ready: BTreeSet<String> = BTreeSet::new();
    for pod in pods["items"].as_array().into_iter().flatten() {
        note(&mut ready, pod, controller);
    }
    let scope = Scope { path, query, form: Form::Object };
    let mut watch = Watch::new(client, scope, metadata(&pods, "resourceVersion"));
    while ready.len() < replicas as usize {
        let event = watch.next().await?;
        match event.kind.as_str() {
            "DELETED" => drop(ready.remove(metadata(&event.object, "name"))),
            _ => note(&mut ready, &event.object, controller),
        }
    }
    Ok(())
}

fn note(ready: &mut BTreeSet<String>, pod: &Value, controller: &Value) {
    let name = metadata(pod, "name").to_owned();
    let (up, all) = dns::readiness(pod);
    let stays = pod["metadata"]["deletionTimestamp"].is_null() && deploy::is_of_template(pod, controller);
    if up == all && all > 0 && stays {
        ready.insert(name);
    } else {
        ready.remove(&name);
    }
}
