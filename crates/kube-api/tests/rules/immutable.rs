//! Rules for what may change.

use kube_api::validate;
use serde_json::{Value, json};

use crate::{good, kind, ready, with};

#[test]
fn what_must_stay_stays() {
    let cases: Vec<(&str, &str, Value, &str)> = vec![
        ("pods", "/metadata/name", json!("other"), "metadata.name: Invalid value: \"other\": field is immutable"),
        (
            "services",
            "/spec/clusterIP",
            json!("10.10.10.6"),
            "spec.clusterIPs[0]: Invalid value: []string{\"10.10.10.6\"}: may not change once set",
        ),
        (
            "services",
            "/spec",
            json!({"type": "ExternalName", "externalName": "a.b", "loadBalancerClass": "a/b"}),
            "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
        ),
        ("secrets", "/type", json!("x/y"), "type: Invalid value: \"x/y\": field is immutable"),
        (
            "persistentvolumes",
            "/spec/hostPath/path",
            json!("/y"),
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
        ),
        (
            "persistentvolumeclaims",
            "/spec/accessModes",
            json!(["ReadOnlyMany"]),
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ),
        ("persistentvolumeclaims", "/spec/storageClassName", json!("fast"), ""),
        ("persistentvolumeclaims", "/spec/resources/requests/storage", json!("1024Mi"), ""),
        (
            "persistentvolumeclaims",
            "/spec/resources/requests/storage",
            json!("2Gi"),
            "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ),
        (
            "resourcequotas",
            "/spec/scopes",
            json!(["Terminating"]),
            "spec.scopes: Invalid value: []core.ResourceQuotaScope{\"Terminating\"}: field is immutable",
        ),
        ("discovery.k8s.io/endpointslices", "/addressType", json!("FQDN"), "…"),
        ("node.k8s.io/runtimeclasses", "/handler", json!("other"), "…"),
        ("scheduling.k8s.io/priorityclasses", "/value", json!(6), "value: Forbidden: may not be changed in an update."),
        (
            "rbac.authorization.k8s.io/rolebindings",
            "/roleRef/name",
            json!("z"),
            "roleRef: Invalid value: rbac.RoleRef{APIGroup:\"rbac.authorization.k8s.io\", Kind:\"Role\", Name:\"z\"}: cannot change roleRef",
        ),
        ("configmaps", "/data", json!({"c": "d"}), ""),
        ("replicationcontrollers", "/spec/replicas", json!(7), ""),
        (
            "replicationcontrollers",
            "/spec/selector",
            json!({"z": "z"}),
            "spec.template.metadata.labels: Invalid value: map[string]string{\"a\":\"b\"}: `selector` does not match template `labels`",
        ),
    ];
    for (name, pointer, value, expected) in cases {
        let kind = kind(name);
        let old = ready(kind, good(name));
        let new = ready(kind, with(good(name), pointer, value));
        let errors: Vec<String> = validate::update(kind, &new, &old).iter().map(ToString::to_string).collect();
        match expected {
            "…" => assert!(!errors.is_empty(), "{name} {pointer}"),
            _ => assert_eq!(errors.join("; "), expected, "{name} {pointer}"),
        }
    }
}

#[test]
fn the_health_port_of_a_balancer_stays() {
    let services = kind("services");
    let with_port = |port: Value| {
        let spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}],
            "clusterIP": "10.10.10.5", "healthCheckNodePort": port});
        ready(services, with(good("services"), "/spec", spec))
    };
    let errors = validate::update(services, &with_port(json!(30001)), &with_port(json!(30000)));
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["spec.healthCheckNodePort: Forbidden: field is immutable"]);
    assert_eq!(validate::update(services, &with_port(json!(30001)), &with_port(Value::Null)), []);
}

#[test]
fn a_bound_claim_grows_and_shrinks_to_what_it_has() {
    let kind = kind("persistentvolumeclaims");
    let status = json!({"phase": "Bound", "capacity": {"storage": "1Gi"}});
    let claim = |asks: &str| {
        let claim = with(good("persistentvolumeclaims"), "/spec/resources/requests/storage", json!(asks));
        with(ready(kind, claim), "/status", status.clone())
    };
    let errors = |new: &str, old: &str| -> Vec<String> {
        validate::update(kind, &claim(new), &claim(old)).iter().map(ToString::to_string).collect()
    };
    assert!(errors("3Gi", "2Gi").is_empty());
    assert!(errors("2Gi", "3Gi").is_empty());
    let too_little = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";
    assert_eq!(errors("1Gi", "3Gi"), [too_little]);
}

#[test]
fn where_a_volume_is_stays() {
    let kind = kind("persistentvolumes");
    let place = |key: &str| {
        let expression = json!({"key": key, "operator": "In", "values": ["a"]});
        let affinity = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}});
        ready(kind, with(good("persistentvolumes"), "/spec/nodeAffinity", affinity))
    };
    let (beta, stable) = (place("failure-domain.beta.kubernetes.io/zone"), place("topology.kubernetes.io/zone"));
    assert_eq!(validate::update(kind, &stable, &beta), []);
    assert_eq!(validate::update(kind, &beta, &stable)[0].field, "nodeAffinity");
    assert_eq!(validate::update(kind, &beta, &ready(kind, good("persistentvolumes"))), []);
}

#[test]
fn an_object_that_is_going_gets_no_new_finalizers() {
    let kind = kind("configmaps");
    let old = with(good("configmaps"), "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
    let new = with(old.clone(), "/metadata/finalizers", json!(["a/b"]));
    let errors = validate::update(kind, &ready(kind, new), &ready(kind, old));
    assert_eq!(errors[0].reason, "FieldValueForbidden");
    assert!(errors[0].message.ends_with("found new finalizers []string{\"a/b\"}"));
}

#[test]
fn a_status_says_nothing_impossible() {
    let rc = kind("replicationcontrollers");
    let old = ready(rc, good("replicationcontrollers"));
    let new = with(old.clone(), "/status", json!({"replicas": 1, "readyReplicas": 2}));
    let errors = validate::update_status(rc, &new, &old);
    assert_eq!(errors[0].to_string(), "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas");
    let pods = kind("pods");
    let old = with(ready(pods, good("pods")), "/spec/restartPolicy", json!("Never"));
    let ended = with(
        old.clone(),
        "/status",
        json!({"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 1}}}]}),
    );
    let running = with(old, "/status", json!({"containerStatuses": [{"name": "c", "state": {"running": {}}}]}));
    assert_eq!(validate::update_status(pods, &running, &ended)[0].reason, "FieldValueForbidden");
    assert_eq!(validate::update_status(pods, &ended, &running), []);
    let said = |status| {
        let new = with(running.clone(), "/status", status);
        validate::update_status(pods, &new, &running).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(said(json!({"phase": "Lost", "podIPs": [{"ip": "10.1.1.1"}, {"ip": "fd00::1"}]})), "");
    let wrong = "status.podIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    assert_eq!(said(json!({"podIPs": [{"ip": "x"}]})), wrong);
    assert!(said(json!({"podIPs": [{"ip": "10.1.1.1"}, {"ip": "10.1.1.2"}]})).contains("no more than one IP for each"));
}

#[test]
fn a_balancer_has_addresses_and_names() {
    let services = kind("services");
    let said = |of: &str, ingress: Value| {
        let old = with(ready(services, good("services")), "/spec/type", json!(of));
        let new = with(old.clone(), "/status", json!({"loadBalancer": {"ingress": [ingress]}}));
        let errors = validate::update_status(services, &new, &old);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(said("LoadBalancer", json!({"ip": "1.2.3.4", "ipMode": "VIP"})), "");
    let place = "status.loadBalancer.ingress";
    let only = format!("{place}: Forbidden: may only be used when `spec.type` is 'LoadBalancer'");
    assert_eq!(said("ClusterIP", json!({"hostname": "a.b"})), only);
    let no_name = format!("{place}[0].hostname: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address");
    assert_eq!(said("LoadBalancer", json!({"hostname": "1.2.3.4"})), no_name);
    let idle = format!("{place}[0].ipMode: Forbidden: may not be specified when `ip` is not set");
    assert_eq!(said("LoadBalancer", json!({"hostname": "a.b", "ipMode": "VIP"})), idle);
}

#[test]
fn a_slice_is_no_longer_than_it_may_be() {
    let slices = kind("discovery.k8s.io/endpointslices");
    let endpoints = vec![json!({"addresses": ["10.1.1.1"]}); 1001];
    let slice = ready(slices, with(good("discovery.k8s.io/endpointslices"), "/endpoints", endpoints.into()));
    let errors = validate::create(slices, &slice);
    assert_eq!(errors[0].to_string(), "endpoints: Too many: 1001: must have at most 1000 items");
    assert_eq!((errors.len(), errors[0].reason), (1, "FieldValueTooMany"));
    let named = |address: &str| {
        let slice = json!({"addressType": "FQDN", "endpoints": [{"addresses": [address]}], "metadata": {"name": "a", "namespace": "b"}});
        validate::create(slices, &ready(slices, slice)).len()
    };
    assert_eq!((named("a.b."), named("a"), named("a.b")), (0, 1, 0));
}

#[test]
fn a_review_has_no_name() {
    let errors = |name: &str, metadata: Value| {
        let review = json!({"metadata": metadata, "spec": {"user": "u", "resourceAttributes": {"verb": "get"}}});
        let errors = validate::review(kind(name), &review);
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let reviews = "authorization.k8s.io/subjectaccessreviews";
    assert_eq!(errors(reviews, json!({"creationTimestamp": null, "managedFields": [{}]})), "");
    let found = errors(reviews, json!({"name": "a"}));
    assert!(found.starts_with("metadata: Invalid value: ") && found.ends_with(": must be empty"), "{found}");
    let found =
        errors("authorization.k8s.io/localsubjectaccessreviews", json!({"namespace": "n", "labels": {"a": "b"}}));
    assert!(found.contains(": must be empty except for namespace"), "{found}");
    let selector =
        json!({"metadata": {}, "spec": {"user": "u", "resourceAttributes": {"verb": "get", "fieldSelector": {}}}});
    assert_eq!(
        validate::review(kind(reviews), &selector)[0].field,
        "spec.resourceAttributes.fieldSelector.requirements"
    );
    let asked = |selector: &str, value: Value| {
        let resource = json!({"verb": "get", (selector): value});
        let review = json!({"metadata": {}, "spec": {"user": "u", "resourceAttributes": resource}});
        let at = format!("spec.resourceAttributes.{selector}.");
        let errors = validate::review(kind(reviews), &review);
        errors.iter().map(|error| error.field.trim_start_matches(&at).to_owned()).collect::<Vec<_>>()
    };
    let requirements = json!([{"key": "", "operator": "In"}, {"key": "a b", "operator": "New", "values": ["-"]}]);
    let requirements = json!({"requirements": requirements});
    assert_eq!(asked("fieldSelector", requirements.clone()), ["requirements[0].values", "requirements[0].key"]);
    let of_labels = ["[0].values", "[0].key", "[0].key", "[1].key", "[1].values[0]"];
    assert_eq!(asked("labelSelector", requirements), of_labels.map(|field| format!("requirements{field}")));
    assert_eq!(
        asked("labelSelector", json!({"rawSelector": "a", "requirements": [{"key": "a", "operator": "Exists"}]})),
        ["rawSelector"]
    );
}

#[test]
fn a_pods_update_is_checked_as_a_whole_and_then_for_what_changed() {
    let pods = kind("pods");
    let old = ready(pods, with(good("pods"), "/spec/activeDeadlineSeconds", json!(60)));
    let found = |pointer: &str, value: Value| {
        let errors = validate::update(pods, &ready(pods, with(old.clone(), pointer, value)), &old);
        errors.iter().map(|error| error.to_string().lines().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let changed = "spec: Forbidden: pod updates may not change fields other than ";
    let starts = |found: &[String], expected: &[&str]| {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)), "{found:?}");
    };
    let spaces = "spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing whitespace";
    starts(&found("/spec/containers/0/image", json!(" i")), &[spaces, spaces]);
    let none = "spec.containers[0].image: Required value";
    starts(&found("/spec/containers/0/image", json!("")), &[none, none]);
    let name = "spec.containers[0].env[0].name: Required value";
    starts(&found("/spec/containers/0/env", json!([{"value": "v"}])), &[name, changed]);
    let counted = "spec.containers: Forbidden: pod updates may not add or remove containers";
    starts(&found("/spec/containers", json!([])), &["spec.containers: Required value", counted]);
    let bounds =
        |least| format!("spec.activeDeadlineSeconds: Invalid value: -1: must be between {least} and 2147483647");
    starts(&found("/spec/activeDeadlineSeconds", json!(-1)), &[&bounds(1), &bounds(0)]);
    let later = "spec.activeDeadlineSeconds: Invalid value: 61: must be less than or equal to previous value";
    starts(&found("/spec/activeDeadlineSeconds", json!(61)), &[later]);
    let gone =
        "spec.activeDeadlineSeconds: Invalid value: \"null\": must not update from a positive integer to nil value";
    starts(&found("/spec/activeDeadlineSeconds", Value::Null), &[gone]);
    let operator = "spec.tolerations[0].operator: Unsupported value: \"X\"";
    starts(&found("/spec/tolerations", json!([{"key": "k", "operator": "X"}])), &[operator, operator]);
    starts(&found("/metadata/labels", json!({"a b": "c"})), &["metadata.labels: Invalid value: \"a b\""]);
}

#[test]
fn a_template_may_have_an_image_with_spaces_around_it() {
    let templates = kind("podtemplates");
    let spaced = ready(templates, with(good("podtemplates"), "/template/spec/containers/0/image", json!(" i")));
    assert_eq!(validate::create(templates, &spaced), []);
}

#[test]
fn a_guest_brings_nothing_of_its_own() {
    let pods = kind("pods");
    let guest = json!({"name": "g", "image": "i", "resources": {"limits": {"cpu": "1"}}, "restartPolicy": "Always",
        "volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "b"}]});
    let old = ready(pods, good("pods"));
    let new = ready(pods, with(old.clone(), "/spec/ephemeralContainers", json!([guest])));
    let found: Vec<String> =
        validate::ephemeral_containers(&new, &old).iter().map(|error| error.field.clone()).collect();
    let guest = "spec.ephemeralContainers[0]";
    let expected = ["resources", "restartPolicy", "volumeMounts[0].subPath"].map(|field| format!("{guest}.{field}"));
    assert_eq!(found, expected);
}

/// What `/status` refuses of a state, by itself.
fn status_errors(name: &str, state: Value) -> String {
    let old = ready(kind(name), good(name));
    let mut new = old.clone();
    new["status"] = state["status"].clone();
    if let Some(time) = state.get("deletionTimestamp") {
        new["metadata"]["deletionTimestamp"] = time.clone();
    }
    let errors = validate::update_status(kind(name), &new, &old);
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_namespace_is_in_the_phase_that_its_deletion_says() {
    let ends = "2026-01-01T00:00:00Z";
    let said = |phase: &str| status_errors("namespaces", json!({"status": {"phase": phase}}));
    assert_eq!(said("Active"), "");
    let active = "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty";
    assert_eq!(said("Terminating"), active);
    assert!(said("").starts_with("status.Phase: Invalid value: \"\""));
    let ending =
        |phase: &str| status_errors("namespaces", json!({"status": {"phase": phase}, "deletionTimestamp": ends}));
    assert_eq!(ending("Terminating"), "");
    assert!(ending("Active").contains("may only be 'Terminating' if `deletionTimestamp` is not empty"));
}

#[test]
fn a_status_counts_no_less_than_nothing() {
    let claim =
        |amount: &str| status_errors("persistentvolumeclaims", json!({"status": {"capacity": {"storage": amount}}}));
    assert_eq!(claim("1Gi"), "");
    assert_eq!(claim("-1"), "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity");
    let controller = status_errors("replicationcontrollers", json!({"status": {"replicas": -1}}));
    assert!(
        controller.contains("status.readyReplicas: Invalid value: 0: cannot be greater than status.replicas"),
        "{controller}"
    );
}

#[test]
fn finalizers_of_a_namespace_have_names() {
    let namespaces = kind("namespaces");
    let old = ready(namespaces, good("namespaces"));
    let said = |finalizer: &str| {
        let new = with(old.clone(), "/spec/finalizers", json!(["kubernetes", finalizer]));
        validate::finalize(namespaces, &new, &old).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(said("e2e.example.com/fake"), "");
    let why = "name is neither a standard finalizer name nor is it fully qualified";
    assert_eq!(said("x"), format!("spec.finalizers[1]: Invalid value: \"x\": {why}"));
}
