//! A plan as a plain compose file: every slave and address spelt out, no placeholder left.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cluster::name;
use crate::cluster::plan::{PORTS, Plan};
use crate::cluster::spec::ContainerSpec;
use crate::failure::Failure;

#[derive(Serialize)]
struct File<'a> {
    version: &'static str,
    services: BTreeMap<&'a str, Service<'a>>,
    networks: BTreeMap<&'a str, Network>,
    volumes: BTreeMap<&'a str, Volume<'a>>,
}

#[derive(Serialize)]
struct Service<'a> {
    image: String,
    container_name: &'a str,
    hostname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    command: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<&'a str, String>,
    labels: BTreeMap<&'a str, String>,
    networks: BTreeMap<&'a str, Attachment<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cap_add: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cap_drop: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    security_opt: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    ipc: Option<&'a String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    userns_mode: Option<&'a String>,
    restart: &'a str,
}

#[derive(Serialize)]
struct Attachment<'a> {
    // Compose gives each service its own name as an alias; further ones are the file's.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aliases: &'a [String],
    ipv4_address: String,
}

#[derive(Serialize)]
struct Network {
    name: String,
    driver: &'static str,
    ipam: Ipam,
    labels: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Ipam {
    config: [Pool; 1],
}

#[derive(Serialize)]
struct Pool {
    subnet: String,
    gateway: String,
    ip_range: String,
}

#[derive(Serialize)]
struct Volume<'a> {
    name: &'a str,
    labels: BTreeMap<&'static str, String>,
}

/// The compose file of a plan.
///
/// # Errors
/// When it cannot be written as YAML.
pub(crate) fn print(plan: &Plan) -> Result<String, Failure> {
    let prefix = plan.cluster.of("");
    let owner = || (name::CLUSTER, plan.cluster.to_string());
    let key = |name: &'_ str| name.len().min(prefix.len());
    let networks = plan.networks.iter().map(|step| {
        let layout = &step.layout;
        let pool = Pool {
            subnet: layout.subnet.to_string(),
            gateway: layout.gateway.to_string(),
            ip_range: layout.ip_range.to_string(),
        };
        let labels = BTreeMap::from([
            owner(),
            (PORTS, plan.choices.ports.label()),
            (name::SERVICE_CIDR, plan.choices.service_cidr.to_string()),
            (name::SLAVES, plan.choices.slaves.to_string()),
        ]);
        let network = Network { name: step.name.clone(), driver: "bridge", ipam: Ipam { config: [pool] }, labels };
        (&step.name[key(&step.name)..], network)
    });
    let volumes = plan
        .volumes
        .iter()
        .map(|step| (&step.name[key(&step.name)..], Volume { name: &step.name, labels: BTreeMap::from([owner()]) }));
    let file = File {
        version: "2.4",
        services: plan
            .containers
            .iter()
            .map(|step| (step.spec.hostname.as_str(), service(&step.spec, &prefix)))
            .collect(),
        networks: networks.collect(),
        volumes: volumes.collect(),
    };
    let text =
        serde_yaml::to_string(&file).map_err(|error| Failure::failed("print the compose file").because(error))?;
    Ok(format!(
        "# Made by `k8sm cluster compose`. Keys and kubeconfigs are no part of it: `k8sm up` writes them.\n\
         # What `k8sm up --file` takes is `k8sm cluster compose --template`.\n{text}"
    ))
}

fn service<'a>(spec: &'a ContainerSpec, prefix: &str) -> Service<'a> {
    let table = |table: &'a BTreeMap<String, String>| {
        table.iter().map(|(key, value)| (key.as_str(), escape(value))).collect::<BTreeMap<_, _>>()
    };
    let mut labels = table(&spec.labels);
    // Compose adds its own, and refuses to be told them.
    labels.retain(|key, _| !key.starts_with("com.docker.compose."));
    let networks = spec.networks.iter().map(|network| {
        let own = network.aliases.iter().position(|alias| *alias != spec.hostname).unwrap_or(network.aliases.len());
        let attachment = Attachment { aliases: &network.aliases[own..], ipv4_address: network.address.to_string() };
        (network.key.as_str(), attachment)
    });
    Service {
        image: escape(&spec.image),
        container_name: &spec.name,
        hostname: &spec.hostname,
        entrypoint: spec.entrypoint.as_ref().map(|words| words.iter().map(|word| escape(word)).collect()),
        command: spec.command.iter().map(|word| escape(word)).collect(),
        environment: table(&spec.environment),
        labels,
        networks: networks.collect(),
        volumes: spec.mounts.iter().map(|mount| escape(mount.strip_prefix(prefix).unwrap_or(mount))).collect(),
        ports: spec
            .ports
            .iter()
            .map(|port| format!("{}:{}:{}", port.host_address, port.host_port, port.port))
            .collect(),
        cap_add: &spec.cap_add,
        cap_drop: &spec.cap_drop,
        security_opt: &spec.security_opt,
        ipc: spec.ipc.as_ref(),
        read_only: spec.read_only,
        user: spec.user.as_ref(),
        userns_mode: spec.userns_mode.as_ref(),
        restart: &spec.restart,
    }
}

/// A dollar begins a placeholder in a compose file.
fn escape(text: &str) -> String {
    text.replace('$', "$$")
}
