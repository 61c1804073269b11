//! Manifests that cannot be: one clear error each, exit code 1, nothing created.

use crate::harness::Cluster;

/// What is wrong, the manifest, what the error must name, and behind what place.
const BAD: &[(&str, &str, &[&str])] = &[
    ("no YAML", "kind: [", &["stdin: document 1", "YAML"]),
    ("no kind", "apiVersion: v1\nmetadata: {name: a}", &["stdin", "kind is not set"]),
    ("an unknown kind", "apiVersion: v1\nkind: Pud\nmetadata: {name: a}", &["stdin", "Pud"]),
    (
        "an unknown field",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {colour: red, containers: [{name: c, image: i}]}",
        &["stdin", "unknown field", "spec.colour"],
    ),
    (
        "a bad name",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: No_Name}\nspec: {containers: [{name: c, image: i}]}",
        &["stdin", "metadata.name", "No_Name"],
    ),
    (
        "a port that is none",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i, ports: [{containerPort: 70000}]}]}",
        &["stdin", "spec.containers[0].ports[0].containerPort", "70000"],
    ),
    (
        "a selector beside its template",
        "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: a}\nspec: {replicas: 1, selector: {a: b}, \
         template: {metadata: {labels: {a: c}}, spec: {containers: [{name: c, image: i}]}}}",
        &["stdin", "spec.template.metadata.labels"],
    ),
];

/// Bad manifests are refused by name and create nothing, on a cluster without pods.
pub(crate) fn is_refused(cluster: &Cluster) {
    let good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n---\n";
    for (what, manifest, words) in BAD {
        let refused = cluster.k8sm_with(&["create", "-f", "-"], manifest).fails(1);
        assert_eq!(refused.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{what}: {refused}");
        for word in *words {
            assert!(refused.contains(word), "{what}: {word:?} is missing in {refused}");
        }
        // Behind a document that is good: that one is not created either, and the second is named.
        let second = cluster.k8sm_with(&["create", "-f", "-"], &format!("{good}{manifest}")).fails(1);
        assert!(second.contains("stdin: document 2"), "{what}: {second}");
    }
    assert_eq!(cluster.k8sm(&["get", "pods,rc", "-o", "name"]).ok(), "");
    cluster.k8sm(&["get", "configmap", "good"]).fails(5);

    unknown_fields_may_be_dropped(cluster);
    a_second_creation_is_a_conflict(cluster);
}

fn unknown_fields_may_be_dropped(cluster: &Cluster) {
    let config = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ncolour: red");
    let warned = cluster.k8sm_with(&["create", "-f", "-", "--validate=warn"], &config("warned"));
    assert!(warned.stderr.contains("Warning: unknown field \"colour\""), "{warned}");
    assert_eq!(warned.ok(), "configmap/warned created\n");
    let ignored = cluster.k8sm_with(&["create", "-f", "-", "--validate=ignore"], &config("ignored"));
    assert_eq!((ignored.stderr.as_str(), ignored.code), ("", 0), "{ignored}");
    // kubectl asks for the same with a parameter of its own.
    let refused = cluster.kubectl_with(&["create", "-f", "-"], &config("strict"));
    assert!(refused.stderr.contains("unknown field \"colour\""), "{refused}");
}

fn a_second_creation_is_a_conflict(cluster: &Cluster) {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}";
    cluster.k8sm_with(&["create", "-f", "-"], config).ok();
    let conflict = cluster.k8sm_with(&["create", "-f", "-"], config).fails(5);
    assert_eq!(conflict.trim(), "error: stdin: configmaps \"twice\" already exists");
}
