//! The pod that `logs`, `exec`, `attach` and `port-forward` mean: by its name, or as the first of a controller's or a
//! service's.

use kube_api::{Kind, kinds};
use serde_json::Value;

use super::kube::metadata;
use crate::client::{Client, Form, Path, Query, target};
use crate::failure::Failure;
use crate::shell;

/// The container that is meant where none is named, says this annotation.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// A pod as the server has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pod(pub(super) Value);

/// The pod that `text` names: `NAME`, `pod/NAME`, or `TYPE/NAME` of something that selects pods.
///
/// # Errors
/// No such object, or none of its pods is there.
pub(super) async fn find(client: &Client, text: &str) -> Result<Pod, Failure> {
    Ok(find_with_owner(client, text).await?.0)
}

/// The same with what selects the pod, where that was named.
///
/// # Errors
/// As [`find`].
pub(super) async fn find_with_owner(
    client: &Client,
    text: &str,
) -> Result<(Pod, Option<(&'static Kind, Value)>), Failure> {
    let (kind, name) = named(text)?;
    let object = client.get(&Path::object(kind, client.namespace(), name), Form::Object).await?;
    if kind.plural == "pods" {
        return Ok((Pod(object), None));
    }
    let pod = first_of(client, kind, &object).await?;
    Ok((pod, Some((kind, object))))
}

/// The pods with these labels, the oldest first.
///
/// # Errors
/// The server's refusal.
pub(super) async fn selected(client: &Client, selector: &str) -> Result<Vec<Pod>, Failure> {
    let query = Query::default().and("labelSelector", selector);
    let mut list = client.get(&Path::list(pods(), Some(client.namespace())).with(query), Form::Object).await?;
    let mut found: Vec<Pod> =
        list["items"].as_array_mut().map(std::mem::take).unwrap_or_default().into_iter().map(Pod).collect();
    let created = |pod: &Pod| metadata(&pod.0, "creationTimestamp").to_owned();
    found.sort_by(|one, other| (created(one), one.name()).cmp(&(created(other), other.name())));
    Ok(found)
}

/// The kind and name of `NAME` (a pod's) or `TYPE/NAME`.
fn named(text: &str) -> Result<(&'static Kind, &str), Failure> {
    let Some((kind, name)) = text.split_once('/') else { return Ok((pods(), text)) };
    if name.is_empty() || name.contains('/') {
        return Err(Failure::usage(format!("{text:?} is no TYPE/NAME")));
    }
    Ok((target::one(kind)?, name))
}

/// The pod of `owner` to talk to: one that is ready, else one that runs, else the oldest.
async fn first_of(client: &Client, kind: &Kind, owner: &Value) -> Result<Pod, Failure> {
    let name = target::printed(kind, metadata(owner, "name"));
    let selector = selector(owner).ok_or_else(|| Failure::failed(format!("{name} selects no pods")))?;
    let found = selected(client, &selector).await?;
    let count = found.len();
    let pod = found.into_iter().min_by_key(Pod::rank).ok_or_else(|| {
        Failure::conflict(format!("{name} has no pods")).hint(format!("`k8sm get pods -l {selector}` lists them"))
    })?;
    if count > 1 {
        shell::say(&format!("Found {count} pods, using pod/{}", pod.name()));
    }
    Ok(pod)
}

/// The labels by which an object selects pods, as a selector's text.
fn selector(owner: &Value) -> Option<String> {
    let selector = &owner["spec"]["selector"];
    let labels = selector["matchLabels"].as_object().or_else(|| selector.as_object())?;
    let pairs: Vec<String> =
        labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

fn pods() -> &'static Kind {
    kinds::of("v1", "Pod").expect("pods are in the table of kinds")
}

impl Pod {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        metadata(&self.0, "name")
    }

    /// Its phase.
    pub(super) fn phase(&self) -> &str {
        self.0["status"]["phase"].as_str().unwrap_or("Unknown")
    }

    /// Its path.
    pub(super) fn path(&self, client: &Client) -> Path {
        Path::object(pods(), client.namespace(), self.name())
    }

    /// Its containers' names: those that run side by side, before them those that run first where `all` are meant.
    pub(super) fn containers(&self, all: bool) -> Vec<String> {
        let fields: &[&str] =
            if all { &["initContainers", "containers", "ephemeralContainers"] } else { &["containers"] };
        let containers = fields.iter().flat_map(|field| self.0["spec"][field].as_array().into_iter().flatten());
        containers.filter_map(|container| container["name"].as_str()).map(str::to_owned).collect()
    }

    /// What its `spec` says of one container.
    ///
    /// # Errors
    /// There is none of that name.
    pub(super) fn container(&self, name: &str) -> Result<&Value, Failure> {
        let fields = ["containers", "initContainers", "ephemeralContainers"];
        let mut all = fields.iter().flat_map(|field| self.0["spec"][field].as_array().into_iter().flatten());
        all.find(|container| container["name"] == name).ok_or_else(|| {
            Failure::failed(format!("pod {} has no container {name:?}", self.name()))
                .hint(format!("it has {}", self.containers(true).join(", ")))
        })
    }

    /// The ports that its containers, and those of its sidecars, say they have.
    pub(super) fn ports(&self) -> impl Iterator<Item = &Value> {
        let spec = &self.0["spec"];
        let containers =
            ["containers", "initContainers"].into_iter().flat_map(|field| spec[field].as_array()).flatten();
        containers.flat_map(|container| container["ports"].as_array()).flatten()
    }

    /// The container that is meant where none is named; unless `quiet` the user is told where there are others.
    ///
    /// # Errors
    /// It has none.
    pub(super) fn default_container(&self, quiet: bool) -> Result<String, Failure> {
        let names = self.containers(false);
        let first = names.first().ok_or_else(|| Failure::failed("the pod has no containers"))?;
        let default = self.0["metadata"]["annotations"][DEFAULT_CONTAINER].as_str();
        let chosen = default.filter(|default| names.iter().any(|name| name == default)).unwrap_or(first);
        if names.len() > 1 && default.is_none() && !quiet {
            shell::say(&format!("Defaulted container {chosen:?} out of: {}", names.join(", ")));
        }
        Ok(chosen.to_owned())
    }

    /// How well it serves to talk to, the best first.
    fn rank(&self) -> u8 {
        let conditions = self.0["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
        let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        match (self.phase(), ready) {
            _ if !self.0["metadata"]["deletionTimestamp"].is_null() => 3,
            ("Running", true) => 0,
            ("Running", false) => 1,
            _ => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_is_named_alone_or_by_who_selects_it() {
        assert_eq!(named("nginx").map(|(kind, name)| (kind.plural, name)).unwrap(), ("pods", "nginx"));
        assert_eq!(named("rc/a").map(|(kind, name)| (kind.plural, name)).unwrap(), ("replicationcontrollers", "a"));
        for wrong in ["pod/", "pod/a/b", "unicorn/a"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        let controller = json!({"spec": {"selector": {"app": "web", "tier": "front"}}});
        assert_eq!(selector(&controller).as_deref(), Some("app=web,tier=front"));
        assert_eq!(selector(&json!({"spec": {"selector": {"matchLabels": {"a": "b"}}}})).as_deref(), Some("a=b"));
        assert_eq!(selector(&json!({"spec": {}})), None);
    }

    #[test]
    fn the_annotation_says_which_container_is_meant() {
        let mut pod = Pod(json!({"metadata": {"name": "a"}, "spec": {
            "initContainers": [{"name": "first"}], "containers": [{"name": "web"}, {"name": "log"}]}}));
        assert_eq!(pod.default_container(true).unwrap(), "web");
        pod.0["metadata"]["annotations"] = json!({DEFAULT_CONTAINER: "log"});
        assert_eq!(pod.default_container(true).unwrap(), "log");
        assert_eq!(pod.containers(true), ["first", "web", "log"]);
        assert!(pod.container("other").unwrap_err().line().contains("other"));
    }
}
