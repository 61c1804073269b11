//! One container: made, attached to its networks, given its files, started.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkConnectRequest, NetworkingConfig,
    PortBinding, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions};

use super::{Act, keys, refused};
use crate::cluster::name;
use crate::cluster::observed::Observed;
use crate::cluster::pki::{self, Pki};
use crate::cluster::plan::{Action, ContainerStep};
use crate::cluster::spec::{ContainerSpec, NetworkUse};
use crate::failure::Failure;

impl Act<'_> {
    /// Makes the container where it is not there, or is to be replaced.
    ///
    /// # Errors
    /// What the engine refused.
    pub(super) async fn make(&self, step: &ContainerStep) -> Result<(), Failure> {
        match step.action {
            Action::Create => self.create(&step.spec).await,
            // One that was never started may lack a network, and holds nothing.
            Action::Recreate | Action::Finish => {
                self.remove(&step.spec.name).await?;
                self.create(&step.spec).await
            }
            Action::Keep | Action::Start | Action::Differs { .. } => Ok(()),
        }
    }

    /// Gives the container its files, and starts it. One that runs is left alone, unless the keys it has were `lost`.
    ///
    /// # Errors
    /// What the engine refused.
    pub(super) async fn start(&self, step: &ContainerStep, pki: &Pki, lost: bool) -> Result<(), Failure> {
        let spec = &step.spec;
        let entries = pki::component_files(pki, spec)
            .map_err(|error| Failure::failed(format!("make the files of {}", spec.name)).because(error))?;
        let made = matches!(step.action, Action::Create | Action::Recreate | Action::Finish);
        if !made && lost && (!entries.is_empty() || spec.component == "apiserver") {
            self.check()?;
            self.remove(&spec.name).await?;
            self.create(spec).await?;
        } else if step.action == Action::Keep || matches!(step.action, Action::Differs { .. }) {
            return Ok(());
        }
        if (made || lost) && !entries.is_empty() {
            self.check()?;
            keys::upload(self.engine, &spec.name, "/", &[("etc/k8sm", 0o700)], &entries).await?;
        }
        let _permit = self.starts.acquire().await.map_err(|error| Failure::failed("start").because(error))?;
        self.check()?;
        let started = self.engine.docker.start_container(&spec.name, None::<StartContainerOptions>).await;
        started.map_err(refused(format!("start container {}", spec.name)))
    }

    async fn create(&self, spec: &ContainerSpec) -> Result<(), Failure> {
        self.check()?;
        let docker = &self.engine.docker;
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let created = docker.create_container(Some(options), self.body(spec)).await;
        created.map_err(refused(format!("create container {}", spec.name)))?;
        // Older engines take one network at create.
        for network in spec.networks.iter().skip(1) {
            let request =
                NetworkConnectRequest { container: spec.name.clone(), endpoint_config: Some(endpoint(network)) };
            let connected = docker.connect_network(&network.network, request).await;
            connected.map_err(refused(format!("connect container {} to network {}", spec.name, network.network)))?;
        }
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), Failure> {
        self.check()?;
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let removed = self.engine.docker.remove_container(name, Some(options)).await;
        removed.map_err(refused(format!("remove container {name}")))
    }

    fn body(&self, spec: &ContainerSpec) -> ContainerCreateBody {
        let first = spec.networks.first();
        ContainerCreateBody {
            hostname: Some(spec.hostname.clone()),
            user: spec.user.clone(),
            image: Some(spec.image.clone()),
            entrypoint: spec.entrypoint.clone(),
            cmd: (!spec.command.is_empty()).then(|| spec.command.clone()),
            env: Some(spec.environment.iter().map(|(key, value)| format!("{key}={value}")).collect()),
            labels: Some(labels(spec, self.run, self.before)),
            exposed_ports: Some(spec.ports.iter().map(|port| format!("{}/tcp", port.port)).collect()),
            networking_config: first.map(|network| NetworkingConfig {
                endpoints_config: Some(HashMap::from([(network.network.clone(), endpoint(network))])),
            }),
            host_config: Some(host_config(spec)),
            ..ContainerCreateBody::default()
        }
    }
}

/// A container's labels: also the run's, by which undoing finds it, unless it takes the place of one that was there before.
fn labels(spec: &ContainerSpec, run: &str, before: &Observed) -> HashMap<String, String> {
    let mut labels: HashMap<String, String> = spec.labels.clone().into_iter().collect();
    labels.insert(name::CONFIG.to_owned(), spec.digest());
    if !before.components.contains_key(&spec.name) {
        labels.insert(name::RUN.to_owned(), run.to_owned());
    }
    labels
}

fn host_config(spec: &ContainerSpec) -> HostConfig {
    let ports = spec.ports.iter().map(|port| {
        let binding =
            PortBinding { host_ip: Some(port.host_address.to_string()), host_port: Some(port.host_port.to_string()) };
        (format!("{}/tcp", port.port), Some(vec![binding]))
    });
    let restart = match spec.restart.as_str() {
        "no" => RestartPolicyNameEnum::NO,
        "unless-stopped" => RestartPolicyNameEnum::UNLESS_STOPPED,
        "on-failure" => RestartPolicyNameEnum::ON_FAILURE,
        _ => RestartPolicyNameEnum::ALWAYS,
    };
    HostConfig {
        binds: Some(spec.mounts.clone()),
        network_mode: spec.networks.first().map(|network| network.network.clone()),
        port_bindings: Some(ports.collect()),
        restart_policy: Some(RestartPolicy { name: Some(restart), maximum_retry_count: None }),
        cap_add: Some(spec.cap_add.clone()),
        cap_drop: Some(spec.cap_drop.clone()),
        security_opt: Some(spec.security_opt.clone()),
        ipc_mode: spec.ipc.clone(),
        readonly_rootfs: Some(spec.read_only),
        userns_mode: spec.userns_mode.clone(),
        ..HostConfig::default()
    }
}

fn endpoint(network: &NetworkUse) -> EndpointSettings {
    EndpointSettings {
        aliases: Some(network.aliases.clone()),
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: Some(network.address.to_string()),
            ..EndpointIpamConfig::default()
        }),
        ..EndpointSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::compose::Compose;
    use crate::cluster::name::ClusterName;
    use crate::cluster::observed::State;
    use crate::cluster::observed::tests::component;
    use crate::cluster::spec;

    #[test]
    fn what_replaces_a_component_is_not_undone_with_the_run() {
        let cluster = ClusterName::new("g").unwrap();
        let specs = spec::containers(&Compose::load(None).unwrap(), &cluster, &spec::tests::choices()).unwrap();
        let components = [("g-etcd".to_owned(), component("etcd", State::Running))].into();
        let before = Observed { components, ..Observed::default() };
        let runs = |name: &str| {
            let spec = specs.iter().find(|spec| spec.name == name).expect("there is one");
            labels(spec, "r", &before).get(name::RUN).cloned()
        };
        assert_eq!(runs("g-etcd"), None);
        assert_eq!(runs("g-scheduler").as_deref(), Some("r"));
    }
}
