//! What an executor may do: serve its own node and the pods bound to it, and nothing else (Kubernetes' node authorizer and
//! NodeRestriction).

use serde_json::Value;

use super::Attributes;

/// What is known of the pods, for decisions.
pub(crate) trait Facts {
    /// The node to which a pod is bound, empty while it is bound to none; `None` where there is no such pod.
    fn node_of(&self, namespace: &str, pod: &str) -> Option<String>;
    /// Whether some pod on the node fulfils the condition.
    fn any_pod(&self, node: &str, namespace: &str, condition: &dyn Fn(&Value) -> bool) -> bool;
}

/// Whether the executor of `node` may do that.
pub(crate) fn allows(node: &str, asked: &Attributes, facts: &dyn Facts) -> bool {
    let reads = matches!(asked.verb.as_str(), "get" | "list" | "watch");
    match (asked.resource.as_str(), asked.subresource.as_str()) {
        (
            "services" | "endpoints" | "endpointslices" | "nodes" | "namespaces" | "priorityclasses" | "runtimeclasses",
            "",
        ) if reads => true,
        ("nodes", "") => matches!(asked.verb.as_str(), "create" | "update" | "patch") && own(node, asked),
        ("nodes", "status") => asked.name == node,
        ("leases", "") => asked.namespace == "kube-node-lease" && asked.verb != "deletecollection" && own(node, asked),
        ("events", "") => matches!(asked.verb.as_str(), "create" | "update" | "patch"),
        ("pods", "") if matches!(asked.verb.as_str(), "list" | "watch") => asked.node.as_deref() == Some(node),
        ("pods", "" | "status") if matches!(asked.verb.as_str(), "get" | "update" | "patch" | "delete") => {
            match facts.node_of(&asked.namespace, &asked.name) {
                // before it binds a pod the executor may look at it
                Some(bound) if bound.is_empty() => asked.verb == "get",
                Some(bound) => bound == node,
                // what is gone may be asked for, and is not there
                None => true,
            }
        }
        // to which node is seen in the body
        ("pods", "binding") | ("bindings", "") => asked.verb == "create",
        ("pods", "eviction") => {
            asked.verb == "create" && facts.node_of(&asked.namespace, &asked.name).is_none_or(|bound| bound == node)
        }
        // the one object that is named, by path or by the field selector metadata.name=…
        ("secrets" | "configmaps", "") => reads && related(node, asked, facts),
        ("persistentvolumeclaims" | "serviceaccounts", "") => asked.verb == "get" && related(node, asked, facts),
        ("serviceaccounts", "token") => asked.verb == "create" && related(node, asked, facts),
        ("persistentvolumes", "") => asked.verb == "get",
        ("selfsubjectreviews" | "selfsubjectaccessreviews" | "selfsubjectrulesreviews", "")
        | ("tokenreviews" | "subjectaccessreviews", "") => asked.verb == "create",
        _ => false,
    }
}

/// Whether it is about the node's own object; in a create the name is not in the path but in the body.
fn own(node: &str, asked: &Attributes) -> bool {
    asked.name == node || (asked.name.is_empty() && asked.verb == "create")
}

/// Whether a pod of the node names that very object.
fn related(node: &str, asked: &Attributes, facts: &dyn Facts) -> bool {
    let named = !asked.name.is_empty() && !asked.namespace.is_empty();
    named && facts.any_pod(node, &asked.namespace, &|pod| refers(pod, &asked.resource, &asked.name))
}

/// Whether a pod names that object: in a volume, an environment, as its account or for its images.
fn refers(pod: &Value, resource: &str, name: &str) -> bool {
    let spec = &pod["spec"];
    let named = |value: &Value| value == name;
    match resource {
        "serviceaccounts" => named(&spec["serviceAccountName"]),
        "persistentvolumeclaims" => items(&spec["volumes"]).any(|v| named(&v["persistentVolumeClaim"]["claimName"])),
        "configmaps" => in_volumes(spec, "configMap", "name", name) || in_environment(spec, "configMap", name),
        "secrets" => {
            in_volumes(spec, "secret", "secretName", name)
                || in_environment(spec, "secret", name)
                || items(&spec["imagePullSecrets"]).any(|secret| named(&secret["name"]))
        }
        _ => false,
    }
}

fn in_volumes(spec: &Value, source: &str, field: &str, name: &str) -> bool {
    items(&spec["volumes"]).any(|volume| {
        volume[source][field] == name
            || items(&volume["projected"]["sources"]).any(|projected| projected[source]["name"] == name)
    })
}

fn in_environment(spec: &Value, source: &str, name: &str) -> bool {
    let (key_ref, whole_ref) = (format!("{source}KeyRef"), format!("{source}Ref"));
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    lists.iter().flat_map(|list| items(&spec[*list])).any(|container| {
        items(&container["env"]).any(|env| env["valueFrom"][&key_ref]["name"] == name)
            || items(&container["envFrom"]).any(|from| from[&whole_ref]["name"] == name)
    })
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Cluster(Vec<Value>);

    impl Facts for Cluster {
        fn node_of(&self, _: &str, name: &str) -> Option<String> {
            let pod = self.0.iter().find(|pod| pod["metadata"]["name"] == name)?;
            Some(pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned())
        }

        fn any_pod(&self, node: &str, _: &str, condition: &dyn Fn(&Value) -> bool) -> bool {
            self.0.iter().any(|pod| pod["spec"]["nodeName"] == node && condition(pod))
        }
    }

    fn may(line: &str) -> bool {
        let container = json!({"env": [{"valueFrom": {"configMapKeyRef": {"name": "env"}}}]});
        let cluster = Cluster(vec![
            json!({"metadata": {"name": "mine"}, "spec": {"nodeName": "n1", "serviceAccountName": "sa",
                "volumes": [{"secret": {"secretName": "mounted"}}], "containers": [container]}}),
            json!({"metadata": {"name": "theirs"}, "spec": {"nodeName": "n2", "volumes": [{"secret": {"secretName": "other"}}]}}),
            json!({"metadata": {"name": "waiting"}, "spec": {}}),
        ]);
        let words: Vec<&str> = line.split(' ').collect();
        let (resource, subresource) = words[1].split_once('/').unwrap_or((words[1], ""));
        let asked = Attributes {
            verb: words[0].to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            name: words.get(2).copied().unwrap_or_default().to_owned(),
            namespace: "kube-node-lease".to_owned(),
            node: words.get(3).map(|&node| node.to_owned()),
            ..Attributes::default()
        };
        allows("n1", &asked, &cluster)
    }

    #[test]
    fn an_executor_serves_its_node_alone() {
        for line in [
            "list services",
            "watch endpointslices",
            "get nodes n2",
            "create nodes",
            "patch nodes/status n1",
            "patch leases n1",
            "create events",
            "watch pods  n1",
            "get pods waiting",
            "patch pods/status mine",
            "delete pods mine",
            "create pods/binding waiting",
            "get secrets mounted",
            "get configmaps env",
            "watch configmaps env",
            "list secrets mounted",
            "create pods/eviction mine",
            "create serviceaccounts/token sa",
        ] {
            assert!(may(line), "{line}");
        }
        for line in [
            "list pods",
            "watch pods  n2",
            "patch nodes/status n2",
            "delete nodes n1",
            "patch leases n2",
            "get pods theirs",
            "delete pods waiting",
            "patch pods/status theirs",
            "create pods",
            "get secrets other",
            "list secrets",
            "watch configmaps",
            "watch secrets other",
            "update configmaps env",
            "create pods/eviction theirs",
            "list serviceaccounts sa",
            "get configmaps elsewhere",
            "create serviceaccounts/token admin",
            "create services",
            "get clusterroles x",
            "get nodes/proxy n1",
        ] {
            assert!(!may(line), "{line}");
        }
    }
}
