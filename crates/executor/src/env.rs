//! A container's environment, command and arguments: values from fields, configmaps, secrets and services, with `$(VAR)`
//! expanded. Pure: what it needs of the API server is fetched before ([`Sources`]).

mod quote;
mod resources;

pub use resources::resource;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVarSource, Pod, Secret, Service};

use crate::objects::{Kind, Object};
use crate::pod;

/// What environments are made of beside the pod.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configmaps that [`references`] named, those that exist.
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// The secrets that [`references`] named, those that exist.
    pub secrets: BTreeMap<String, Secret>,
    /// Services whose variables the pod gets, `kubernetes` first.
    pub services: Vec<Service>,
    /// The pod's address.
    pub pod_ip: String,
    /// The node's address.
    pub host_ip: String,
    /// What stands for a resource's limit where the container has none: the node's, in units.
    pub node_limits: BTreeMap<String, f64>,
}

/// Names of the configmaps and of the secrets that the pod's containers take variables from.
#[must_use]
pub fn references(pod: &Pod) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut maps, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    let ephemeral = pod::ephemeral_containers(pod);
    for container in pod::all_containers(pod).chain(&ephemeral) {
        for source in container.env_from.iter().flatten() {
            maps.extend(source.config_map_ref.as_ref().map(|reference| reference.name.clone()));
            secrets.extend(source.secret_ref.as_ref().map(|reference| reference.name.clone()));
        }
        for source in container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref()) {
            maps.extend(source.config_map_key_ref.as_ref().map(|reference| reference.name.clone()));
            secrets.extend(source.secret_key_ref.as_ref().map(|reference| reference.name.clone()));
        }
    }
    (maps, secrets)
}

/// The same as objects that may be watched.
#[must_use]
pub fn objects(pod: &Pod) -> Vec<Object> {
    let (maps, secrets) = references(pod);
    let object = |kind, name| Object { kind, namespace: pod::namespace(pod).to_owned(), name };
    let maps = maps.into_iter().map(|name| object(Kind::ConfigMap, name));
    maps.chain(secrets.into_iter().map(|name| object(Kind::Secret, name))).collect()
}

/// Whether a variable of the container is the pod's own address, which is known only once its sandbox runs.
#[must_use]
pub fn wants_pod_ip(container: &Container) -> bool {
    container
        .env
        .iter()
        .flatten()
        .filter_map(|variable| variable.value_from.as_ref()?.field_ref.as_ref())
        .any(|field| matches!(field.field_path.as_str(), "status.podIP" | "status.podIPs"))
}

/// The container's variables, as `NAME=value`, services' first.
///
/// # Errors
/// What is missing, in Kubernetes' words of `CreateContainerConfigError`.
pub fn variables(pod: &Pod, container: &Container, sources: &Sources) -> Result<Vec<(String, String)>, String> {
    let services = sources.services.iter().flat_map(service_variables).collect::<Vec<_>>();
    let known: BTreeMap<&str, &str> = services.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut own: Vec<(String, String)> = Vec::new();
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        if let Some(reference) = &source.config_map_ref {
            let map = sources.config_maps.get(&reference.name);
            let Some(map) = found(map, "configmap", &reference.name, reference.optional)? else { continue };
            let data = map.data.iter().flatten();
            own.extend(data.map(|(key, value)| (format!("{prefix}{key}"), value.clone())));
        }
        if let Some(reference) = &source.secret_ref {
            let secret = sources.secrets.get(&reference.name);
            let Some(secret) = found(secret, "secret", &reference.name, reference.optional)? else { continue };
            let data = secret.data.iter().flatten();
            own.extend(
                data.map(|(key, value)| (format!("{prefix}{key}"), String::from_utf8_lossy(&value.0).into_owned())),
            );
        }
    }
    for variable in container.env.iter().flatten() {
        let value = match &variable.value_from {
            None => expand(variable.value.as_deref().unwrap_or_default(), |name| {
                let own = own.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
                own.or_else(|| known.get(name).copied()).map(str::to_owned)
            }),
            Some(source) => match from(source, pod, container, sources)? {
                Some(value) => value,
                None => continue,
            },
        };
        own.push((variable.name.clone(), value));
    }
    let mut all: Vec<(String, String)> = services;
    all.retain(|(name, _)| !own.iter().any(|(own, _)| own == name));
    for (index, (name, value)) in own.iter().enumerate() {
        if !own[index + 1..].iter().any(|(later, _)| later == name) {
            all.push((name.clone(), value.clone()));
        }
    }
    Ok(all)
}

/// Command and arguments with `$(VAR)` expanded; what is absent stays the image's.
#[must_use]
pub fn command_line(
    container: &Container,
    variables: &[(String, String)],
) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let value = |name: &str| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let expanded = |words: &Option<Vec<String>>| {
        let words = words.as_ref().filter(|words| !words.is_empty())?;
        Some(words.iter().map(|word| expand(word, value)).collect::<Vec<_>>())
    };
    (expanded(&container.command), expanded(&container.args))
}

/// `$(NAME)` as `value` says, `$$` as `$`; a name that is not known stays as it stands.
#[must_use]
pub fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let (mut expanded, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(dollar) = rest.find('$') {
        expanded.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|open| open.split_once(')')) {
            match value(name) {
                Some(value) => expanded.push_str(&value),
                None => expanded.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    expanded
}

/// A variable's value from its source; `None` where the source is optional and absent.
fn from(source: &EnvVarSource, pod: &Pod, container: &Container, sources: &Sources) -> Result<Option<String>, String> {
    if let Some(field) = &source.field_ref {
        return self::field(pod, &field.field_path, sources).map(Some);
    }
    if let Some(reference) = &source.config_map_key_ref {
        let map = sources.config_maps.get(&reference.name);
        let Some(map) = found(map, "configmap", &reference.name, reference.optional)? else { return Ok(None) };
        let value = map.data.as_ref().and_then(|data| data.get(&reference.key)).cloned();
        let place = format!("ConfigMap {}/{}", pod::namespace(pod), reference.name);
        return key(value, &reference.key, &place, reference.optional);
    }
    if let Some(reference) = &source.secret_key_ref {
        let secret = sources.secrets.get(&reference.name);
        let Some(secret) = found(secret, "secret", &reference.name, reference.optional)? else { return Ok(None) };
        let value = secret.data.as_ref().and_then(|data| data.get(&reference.key));
        let value = value.map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
        let place = format!("Secret {}/{}", pod::namespace(pod), reference.name);
        return key(value, &reference.key, &place, reference.optional);
    }
    if let Some(resource) = &source.resource_field_ref {
        let of = resource.container_name.as_deref().and_then(|name| pod::container(pod, name));
        let divisor = resource.divisor.as_ref().map(|divisor| divisor.0.as_str());
        return self::resource(of.as_deref().unwrap_or(container), &resource.resource, divisor, sources).map(Some);
    }
    Ok(Some(String::new()))
}

fn found<'a, T>(
    object: Option<&'a T>,
    kind: &str,
    name: &str,
    optional: Option<bool>,
) -> Result<Option<&'a T>, String> {
    match object {
        None if optional != Some(true) => Err(format!("{kind} \"{name}\" not found")),
        object => Ok(object),
    }
}

fn key(value: Option<String>, key: &str, place: &str, optional: Option<bool>) -> Result<Option<String>, String> {
    match value {
        None if optional != Some(true) => Err(format!("couldn't find key {key} in {place}")),
        value => Ok(value),
    }
}

/// A field of the pod as text: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
///
/// # Errors
/// When the pod has no such field.
pub fn field(pod: &Pod, path: &str, sources: &Sources) -> Result<String, String> {
    let text = |text: Option<&String>| Ok(text.cloned().unwrap_or_default());
    fn entry(key: &str) -> Option<&str> {
        key.strip_prefix("['").and_then(|key| key.strip_suffix("']"))
    }
    match path {
        "metadata.name" => Ok(pod::name(pod).to_owned()),
        "metadata.namespace" => Ok(pod::namespace(pod).to_owned()),
        "metadata.uid" => Ok(pod::uid(pod).to_owned()),
        "spec.nodeName" => text(pod::spec(pod).node_name.as_ref()),
        "spec.serviceAccountName" => text(pod::spec(pod).service_account_name.as_ref()),
        "status.podIP" | "status.podIPs" => Ok(sources.pod_ip.clone()),
        "status.hostIP" | "status.hostIPs" => Ok(sources.host_ip.clone()),
        "metadata.labels" => Ok(listing(pod.metadata.labels.as_ref())),
        "metadata.annotations" => Ok(listing(pod.metadata.annotations.as_ref())),
        _ => {
            let label = path.strip_prefix("metadata.labels").and_then(entry);
            let annotation = path.strip_prefix("metadata.annotations").and_then(entry);
            match (label, annotation) {
                (Some(key), _) => text(pod.metadata.labels.as_ref().and_then(|labels| labels.get(key))),
                (_, Some(key)) => text(pod.metadata.annotations.as_ref().and_then(|all| all.get(key))),
                _ => Err(format!("field label not supported: {path}")),
            }
        }
    }
}

/// `key="value"`, a line each, values quoted as by Kubernetes.
fn listing(map: Option<&BTreeMap<String, String>>) -> String {
    let lines: Vec<_> =
        map.into_iter().flatten().map(|(key, value)| format!("{key}={}", quote::quoted(value))).collect();
    lines.join("\n")
}

/// The variables by which a service is known: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
fn service_variables(service: &Service) -> Vec<(String, String)> {
    let name = service.metadata.name.as_deref().unwrap_or_default().to_uppercase().replace('-', "_");
    let Some(spec) = &service.spec else { return Vec::new() };
    let address = spec.cluster_ip.as_deref().filter(|address| !address.is_empty() && *address != "None");
    let ports = spec.ports.as_deref().unwrap_or_default();
    let (Some(address), Some(first)) = (address, ports.first()) else { return Vec::new() };
    let mut all = vec![
        (format!("{name}_SERVICE_HOST"), address.to_owned()),
        (format!("{name}_SERVICE_PORT"), first.port.to_string()),
    ];
    for port in ports {
        if let Some(port_name) = &port.name {
            let port_name = port_name.to_uppercase().replace('-', "_");
            all.push((format!("{name}_SERVICE_PORT_{port_name}"), port.port.to_string()));
        }
    }
    for (index, port) in ports.iter().enumerate() {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        let url = format!("{}://{address}:{}", protocol.to_lowercase(), port.port);
        if index == 0 {
            all.push((format!("{name}_PORT"), url.clone()));
        }
        let prefix = format!("{name}_PORT_{}_{protocol}", port.port);
        all.push((prefix.clone(), url));
        all.push((format!("{prefix}_PROTO"), protocol.to_lowercase()));
        all.push((format!("{prefix}_PORT"), port.port.to_string()));
        all.push((format!("{prefix}_ADDR"), address.to_owned()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(container: serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"app": "web"}},
            "spec": {"nodeName": "node1", "containers": [container]},
        }))
        .unwrap()
    }

    fn environment(container: serde_json::Value, sources: &Sources) -> Result<BTreeMap<String, String>, String> {
        let pod = pod(container);
        Ok(variables(&pod, &pod::containers(&pod)[0], sources)?.into_iter().collect())
    }

    #[test]
    fn expansion_follows_kubernetes() {
        let value = |name: &str| (name == "A").then(|| "1".to_owned());
        for (text, expanded) in [
            ("$(A)", "1"),
            ("x$(A)y$(A)", "x1y1"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$", "$"),
            ("$A", "$A"),
            ("$(A", "$(A"),
            ("é$(A)", "é1"),
        ] {
            assert_eq!(expand(text, value), expanded, "{text}");
        }
    }

    #[test]
    fn fields_of_the_pod_become_values() {
        let field = |path: &str| serde_json::json!({"name": path, "valueFrom": {"fieldRef": {"fieldPath": path}}});
        let paths = ["metadata.name", "metadata.labels['app']", "spec.nodeName", "status.podIP", "status.hostIP"];
        let env: Vec<_> = paths.iter().map(|path| field(path)).collect();
        let sources = Sources { pod_ip: "1.2.3.4".into(), host_ip: "1.1.1.1".into(), ..Sources::default() };
        let env = environment(serde_json::json!({"name": "c", "env": env}), &sources).unwrap();
        let values: Vec<_> = paths.iter().map(|path| env[*path].as_str()).collect();
        assert_eq!(values, ["p", "web", "node1", "1.2.3.4", "1.1.1.1"]);
        let unknown = serde_json::json!({"name": "c", "env": [field("spec.nonsense")]});
        assert!(environment(unknown, &sources).is_err());
    }

    #[test]
    fn annotations_are_listed_with_their_values_in_quotes() {
        let mut pod = pod(serde_json::json!({"name": "c"}));
        let of = |value: &str| (value.len().to_string(), value.to_owned());
        pod.metadata.annotations = Some([of("e\u{301}'s"), of("\u{1}")].into());
        assert_eq!(field(&pod, "metadata.annotations", &Sources::default()).unwrap(), "1=\"\\x01\"\n5=\"e\u{301}'s\"");
    }

    #[test]
    fn configmaps_and_secrets_are_taken_from_and_missed_by_name() {
        let map = serde_json::json!({"metadata": {"name": "m"}, "data": {"k": "v"}});
        let sources = Sources {
            config_maps: [("m".to_owned(), serde_json::from_value(map).unwrap())].into(),
            ..Sources::default()
        };
        let reference = |name: &str, key: &str, optional: bool| {
            serde_json::json!({"name": "c", "env": [{"name": "V", "valueFrom":
                {"configMapKeyRef": {"name": name, "key": key, "optional": optional}}}]})
        };
        assert_eq!(environment(reference("m", "k", false), &sources).unwrap()["V"], "v");
        assert_eq!(environment(reference("x", "k", false), &sources).unwrap_err(), "configmap \"x\" not found");
        assert_eq!(
            environment(reference("m", "x", false), &sources).unwrap_err(),
            "couldn't find key x in ConfigMap n/m"
        );
        assert!(environment(reference("x", "k", true), &sources).unwrap().is_empty());
        let from = serde_json::json!({"name": "c", "envFrom": [{"prefix": "P_", "configMapRef": {"name": "m"}}]});
        assert_eq!(environment(from, &sources).unwrap()["P_k"], "v");
    }

    #[test]
    fn later_variables_see_earlier_ones_and_services() {
        let service = serde_json::json!({"metadata": {"name": "my-db"}, "spec":
            {"clusterIP": "10.10.10.7", "ports": [{"name": "sql", "port": 5432}]}});
        let sources = Sources { services: vec![serde_json::from_value(service).unwrap()], ..Sources::default() };
        let container = serde_json::json!({"name": "c", "args": ["$(URL)", "$(NOPE)"], "env": [
            {"name": "A", "value": "x"}, {"name": "URL", "value": "$(A)@$(MY_DB_SERVICE_HOST):$(LATER)"},
            {"name": "LATER", "value": "1"}]});
        let pod = pod(container);
        let container = &pod::containers(&pod)[0];
        let all = variables(&pod, container, &sources).unwrap();
        let (command, args) = command_line(container, &all);
        assert_eq!(command, None);
        assert_eq!(args.unwrap(), ["x@10.10.10.7:$(LATER)", "$(NOPE)"]);
        let all: BTreeMap<_, _> = all.into_iter().collect();
        assert_eq!(all["MY_DB_PORT_5432_TCP"], "tcp://10.10.10.7:5432");
        assert_eq!(all["MY_DB_SERVICE_PORT_SQL"], "5432");
    }

    #[test]
    fn resources_are_divided_and_rounded_up() {
        let container = serde_json::json!({"name": "c", "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}},
            "env": [{"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                    {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}}]});
        let env = environment(container, &Sources::default()).unwrap();
        assert_eq!((env["CPU"].as_str(), env["MEM"].as_str()), ("1", "64"));
    }
}
