//! The manifests of the cluster's DNS, from `templates/dns`: what the documents' `sed` makes of them, and this cluster's images.

use std::net::Ipv4Addr;

use clap::ValueEnum;
use minijinja::{Environment, UndefinedBehavior, context};
use serde_json::Value;

use crate::client::manifest::{self, Document};
use crate::failure::Failure;

/// Where it lives.
pub(crate) const NAMESPACE: &str = "kube-system";
/// What all of it is called.
pub(crate) const NAME: &str = "kube-dns";
/// Where its pods answer.
pub(crate) const PORT: u16 = 53;
/// The label by which its pods are found.
pub(crate) const SELECTOR: &str = "k8s-app=kube-dns";
/// The domain of a cluster that `up` makes.
pub(crate) const DOMAIN: &str = "cluster.local";
/// The place of its address in the service range, which no other service gets.
pub(crate) const NUMBER: u32 = 10;

const FULL: &str = include_str!("../../../templates/dns/skydns-rc.yaml.in");
const LEAN: &str = include_str!("../../../templates/dns/skydns-lean-rc.yaml.in");
const SERVICE: &str = include_str!("../../../templates/dns/skydns-svc.yaml.in");

/// How many containers a pod of it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flavor {
    /// One container, which follows the API server
    Lean,
    /// etcd, kube2sky and skydns, as the documents have it
    #[default]
    Full,
}

/// What the templates are filled with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) flavor: Flavor,
    pub(crate) replicas: u32,
    pub(crate) domain: String,
    pub(crate) server: Ipv4Addr,
}

/// The images of a cluster, which the templates only have general names for.
#[derive(Debug, Clone)]
pub(crate) struct Images {
    pub(crate) km: String,
    pub(crate) etcd: String,
}

/// The manifests as YAML: account and role, replication controller, service.
///
/// # Errors
/// When a template is broken.
pub(crate) fn render(settings: &Settings, images: Option<&Images>) -> Result<String, Failure> {
    let controller = if settings.flavor == Flavor::Lean { LEAN } else { FULL };
    let mut text = format!("{}\n---\n{}\n", fill(controller, settings)?, fill(SERVICE, settings)?);
    if let Some(images) = images {
        for (general, own) in [("k8sm/km", &images.km), ("k8sm/etcd", &images.etcd)] {
            text = text.replace(&format!("image: {general}\n"), &format!("image: {own}\n"));
        }
    }
    Ok(text)
}

/// The same as objects.
///
/// # Errors
/// When a setting makes an object that the server would refuse.
pub(crate) fn documents(settings: &Settings, images: &Images) -> Result<Vec<Document>, Failure> {
    let documents = manifest::parse("the DNS addon", &render(settings, Some(images))?)?;
    manifest::check(&documents, kube_api::decode::FieldValidation::Strict)?;
    Ok(documents)
}

/// One template; a placeholder that is not known is an error.
fn fill(template: &str, settings: &Settings) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let pillar = context! {
        dns_replicas => settings.replicas,
        // the templates put the dot where one is needed
        dns_domain => settings.domain.trim_end_matches('.'),
        dns_server => settings.server.to_string(),
    };
    let rendered = environment.render_str(without_comment(template), context! { pillar });
    rendered.map_err(|error| Failure::failed("render the DNS addon").because(error))
}

/// A template without the remarks at its head, which say the placeholders' names.
fn without_comment(template: &str) -> &str {
    template.find("apiVersion:").map_or(template, |start| &template[start..])
}

/// Whether labels are those of a name server's container.
pub(crate) fn is_its_container<'a>(label: impl Fn(&str) -> Option<&'a str>) -> bool {
    label("io.kubernetes.pod.namespace") == Some(NAMESPACE) && label("io.kubernetes.container.name") == Some("skydns")
}

/// The label of a pod's readiness: whether all its containers are ready, and how many of how many.
pub(crate) fn readiness(pod: &Value) -> (usize, usize) {
    let statuses = pod["status"]["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    (ready, pod["spec"]["containers"].as_array().map_or(0, Vec::len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(flavor: Flavor) -> Settings {
        Settings { flavor, replicas: 1, domain: "cluster.local.".to_owned(), server: Ipv4Addr::new(10, 10, 10, 10) }
    }

    /// What the documents' sed commands make of a template.
    fn sed(template: &str) -> String {
        template
            .replace("{{ pillar['dns_replicas'] }}", "1")
            .replace("{{ pillar['dns_domain'] }}", "cluster.local")
            .replace("{{ pillar['dns_server'] }}", "10.10.10.10")
    }

    #[test]
    fn the_documents_sed_makes_the_same_manifests() {
        for (flavor, template) in [(Flavor::Full, FULL), (Flavor::Lean, LEAN)] {
            let by_hand = format!("{}---\n{}", sed(template), sed(SERVICE));
            let parse = |text: &str| -> Vec<Value> {
                manifest::parse("t", text).unwrap().iter().map(Document::value).collect()
            };
            assert_eq!(parse(&render(&settings(flavor), None).unwrap()), parse(&by_hand));
        }
    }

    #[test]
    fn the_documents_flag_for_kube2sky_has_its_place() {
        let line = "        # command = \"/kube2sky\"\n";
        assert_eq!(FULL.matches(line).count(), 1);
        let inserted = sed(FULL).replace(line, &format!("{line}        - --kube_master_url=http://m:8888\n"));
        let controller = manifest::parse("t", &inserted).unwrap().pop().unwrap().value();
        assert_eq!(
            controller["spec"]["template"]["spec"]["containers"][1]["args"],
            serde_json::json!(["--kube_master_url=http://m:8888", "--domain=cluster.local"])
        );
    }

    #[test]
    fn the_manifests_hold_before_the_server_s_rules() {
        let images = Images { km: "k8sm/km:1-abc".to_owned(), etcd: "e:2".to_owned() };
        let documents = documents(&settings(Flavor::Full), &images).unwrap();
        let kinds: Vec<_> = documents.iter().map(|document| document.kind.kind).collect();
        assert_eq!(kinds, ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "ReplicationController", "Service"]);
        assert!(documents.iter().all(|document| document.name == "kube-dns"));
        let controller = documents[3].value();
        let pod = &controller["spec"]["template"]["spec"];
        let used: Vec<_> =
            pod["containers"].as_array().unwrap().iter().map(|c| c["image"].as_str().unwrap().to_owned()).collect();
        assert_eq!(used, ["e:2", "k8sm/km:1-abc", "k8sm/km:1-abc"]);
        let service = documents[4].value();
        assert_eq!(service["spec"]["clusterIP"], "10.10.10.10");
    }
}
