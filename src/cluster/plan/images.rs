//! Where the images of a plan come from: what is here comes before what needs a network.

use std::collections::BTreeSet;

use super::{ContainerStep, ImageStep, Machine, Source};
use crate::cluster::compose::Compose;
use crate::cluster::name::ClusterName;
use crate::cluster::observed::Observed;
use crate::cluster::spec::{self, Choices};
use crate::failure::Failure;

/// The image of etcd: the one named, the cluster's own, that of this machine's etcd, the compose file's; present, made or
/// pulled.
pub(super) fn etcd(
    choices: &mut Choices,
    cluster: &ClusterName,
    compose: &Compose,
    observed: &Observed,
    machine: &Machine<'_>,
) -> Result<ImageStep, Failure> {
    if let Some(named) = choices.etcd_image.as_ref().filter(|_| !compose.services.etcd.image.contains(ETCD_PLACEHOLDER))
    {
        let own = &compose.services.etcd.image;
        return Err(Failure::usage(format!("--etcd-image {named} has no effect: the compose file's etcd is {own}"))
            .hint("name the image in one of the two places; the file may say ${K8SM_ETCD_IMAGE}"));
    }
    let own = || observed.components.get(&cluster.of("etcd")).map(|etcd| etcd.image.clone());
    let machines = || machine.etcd.as_ref().map(|etcd| etcd.image.clone());
    choices.etcd_image = choices.etcd_image.take().or_else(own).or_else(machines);
    let specs = spec::containers(compose, cluster, choices)?;
    let etcd = specs.iter().find(|spec| spec.component == "etcd").expect("every compose file has the service etcd");
    let image = etcd.image.clone();
    let source = match &machine.etcd {
        _ if is_here(&image, observed) => Source::Present,
        Some(etcd) if etcd.image == image => Source::Wrap { executable: etcd.executable.clone() },
        _ => Source::Pull,
    };
    Ok(ImageStep { image, source })
}

/// How a compose file says that etcd's image is ours to choose.
const ETCD_PLACEHOLDER: &str = "${K8SM_ETCD_IMAGE";

fn is_here(image: &String, observed: &Observed) -> bool {
    observed.images.contains(image) || observed.images.contains(&format!("{image}:latest"))
}

/// The images of containers but for these two, as far as they are not here.
pub(super) fn pulls(containers: &[ContainerStep], known: [&String; 2], observed: &Observed) -> Vec<String> {
    let named = containers.iter().map(|step| &step.spec.image);
    let named = named.filter(|image| !known.contains(image) && !is_here(image, observed));
    named.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}
