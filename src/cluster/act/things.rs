//! Networks and volumes.

use std::collections::BTreeMap;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, VolumeCreateRequest};

use super::{Act, all, refused};
use crate::cluster::name;
use crate::cluster::plan::{NetworkStep, PORTS, Plan, VolumeStep};
use crate::cluster::publish;
use crate::failure::Failure;

impl Act<'_> {
    /// Makes the networks and volumes that are missing.
    ///
    /// # Errors
    /// What the engine refused.
    pub(super) async fn things(&self, plan: &Plan) -> Result<(), Failure> {
        let networks = async {
            // One by one: of two `up`s that chose the same subnets one is refused at the first, and takes none of the
            // other's second.
            for step in plan.networks.iter().filter(|step| step.create) {
                self.network(plan, step).await?;
            }
            Ok(())
        };
        let volumes = plan.volumes.iter().filter(|step| step.create).map(|step| self.volume(plan, step));
        let (networks, volumes) = tokio::join!(networks, all(volumes));
        networks.and(volumes)
    }

    async fn network(&self, plan: &Plan, step: &NetworkStep) -> Result<(), Failure> {
        self.check()?;
        let mut labels: BTreeMap<String, String> = plan.cluster.labels(self.run);
        labels.insert(PORTS.to_owned(), plan.choices.ports.label());
        labels.insert(name::PUBLISHED.to_owned(), publish::label(&plan.choices.published));
        labels.insert(name::SERVICE_CIDR.to_owned(), plan.choices.service_cidr.to_string());
        labels.insert(name::SLAVES.to_owned(), plan.choices.slaves.to_string());
        let key = step.name.strip_prefix(&plan.cluster.of("")).unwrap_or_default();
        labels.insert("com.docker.compose.network".to_owned(), key.to_owned());
        let pool = IpamConfig {
            subnet: Some(step.layout.subnet.to_string()),
            gateway: Some(step.layout.gateway.to_string()),
            ip_range: Some(step.layout.ip_range.to_string()),
            ..IpamConfig::default()
        };
        let request = NetworkCreateRequest {
            name: step.name.clone(),
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam { config: Some(vec![pool]), ..Ipam::default() }),
            labels: Some(labels.into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        let created = self.engine.docker.create_network(request).await;
        created.map(drop).map_err(refused(format!("create network {} ({})", step.name, step.layout.subnet)))
    }

    async fn volume(&self, plan: &Plan, step: &VolumeStep) -> Result<(), Failure> {
        self.check()?;
        let mut labels = plan.cluster.labels(self.run);
        let key = step.name.strip_prefix(&plan.cluster.of("")).unwrap_or_default();
        labels.insert("com.docker.compose.volume".to_owned(), key.to_owned());
        let request = VolumeCreateRequest {
            name: Some(step.name.clone()),
            labels: Some(labels.into_iter().collect()),
            ..VolumeCreateRequest::default()
        };
        let created = self.engine.docker.create_volume(request).await;
        created.map(drop).map_err(refused(format!("create volume {}", step.name)))
    }
}
