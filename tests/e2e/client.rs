//! Our own client beside kubectl, on one cluster: what is typed to either is answered alike.

use serde_json::Value;

use crate::bad_input;
use crate::harness::{Cluster, Ran};

/// Objects of two kinds, as a user's file holds them.
const OBJECTS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: web}}
data: {colour: blue}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

#[test]
fn our_client_answers_as_kubectl_does() {
    let cluster = Cluster::up("client");
    bad_input::is_refused(&cluster);
    manifests_name_objects(&cluster);
    objects_are_created_by_name(&cluster);
}

/// What both clients say to the same words and the same input, which must be the same data and the same sort of end.
#[track_caller]
fn both(cluster: &Cluster, words: &[&str], stdin: &str) -> Ran {
    let ours = cluster.k8sm_with(words, stdin);
    let theirs = cluster.kubectl_with(words, stdin);
    assert_eq!(ours.stdout, theirs.stdout, "{ours}\n{theirs}");
    assert_eq!(ours.code == 0, theirs.code == 0, "{ours}\n{theirs}");
    ours
}

/// The cells of a table without the ages, which change between two looks.
fn cells(table: &str) -> Vec<Vec<&str>> {
    let row = |line| {
        let mut cells: Vec<&str> = str::split_whitespace(line).collect();
        cells.pop();
        cells
    };
    table.lines().map(row).collect()
}

fn manifests_name_objects(cluster: &Cluster) {
    cluster.k8sm_with(&["create", "-f", "-"], OBJECTS).ok();
    for words in [
        &["get", "-f", "-", "-o", "name"][..],
        &["get", "-f", "-", "-o", "json"],
        &["get", "-f", "-", "-o", "json", "--show-managed-fields"],
        &["get", "cm", "settings", "-o", "jsonpath={.metadata.managedFields[*].manager}"],
        &["get", "cm", "settings", "-o", "json", "--show-managed-fields=false"],
    ] {
        both(cluster, words, OBJECTS).ok();
    }
    let table = cluster.k8sm_with(&["get", "-f", "-"], OBJECTS).ok();
    assert_eq!(cells(&table), cells(&cluster.kubectl_with(&["get", "-f", "-"], OBJECTS).ok()));

    let file = cluster.directory().join("objects.yaml");
    let more = format!("{OBJECTS}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: nobody}}\n");
    std::fs::write(&file, more).expect("written");
    let file = file.to_str().expect("UTF-8");
    // What is there is shown, and what is not is named.
    let seen = cluster.k8sm(&["get", "-f", file]);
    assert_eq!((seen.code, seen.stderr.trim()), (5, "error: configmaps \"nobody\" not found"), "{seen}");
    assert!(seen.stdout.contains("configmap/settings") && seen.stdout.contains("service/web"), "{seen}");
    cluster.k8sm(&["get", "-f", file, "--ignore-not-found"]).ok();
    let described = cluster.k8sm(&["describe", "-f", file]);
    assert_eq!(described.code, 5, "{described}");
    let pages = described.stdout.lines().filter(|line| line.starts_with("Name: ")).count();
    assert_eq!(pages, 2, "{described}");
    for command in ["get", "describe"] {
        cluster.k8sm(&[command, "-f", file, "configmaps"]).fails(2);
        let missing = cluster.k8sm(&[command, "-f", "nowhere.yaml"]).fails(1);
        assert!(missing.contains("nowhere.yaml"), "{missing}");
    }
    let gone = cluster.k8sm(&["delete", "-f", file]);
    assert_eq!(
        (gone.code, gone.stdout.as_str()),
        (5, "service \"web\" deleted\nconfigmap \"settings\" deleted\n"),
        "{gone}"
    );
}

/// Namespaces, config maps, secrets and service accounts need no manifest.
fn objects_are_created_by_name(cluster: &Cluster) {
    let files = cluster.directory().join("files");
    std::fs::create_dir(&files).expect("made");
    std::fs::write(files.join("page.html"), "<p>\n").expect("written");
    std::fs::write(files.join("bytes"), [0xff, 0]).expect("written");
    let from_files = format!("--from-file={}", files.display());
    let kinds: [&[&str]; 4] = [
        &["namespace", "made"],
        &["configmap", "made", "--from-literal=a=x=y", &from_files],
        &["secret", "generic", "made", "--from-literal=a=1", &from_files, "--type=example.com/own"],
        &["serviceaccount", "made"],
    ];
    let json =
        |ran: Ran| serde_json::from_str::<Value>(&ran.clone().ok()).unwrap_or_else(|error| panic!("{error}: {ran}"));
    for kind in kinds {
        let create = |more: &[&'static str]| [&["create"], kind, more].concat();
        let dry = create(&["-n", "default", "--dry-run=client", "-o", "json"]);
        assert_eq!(json(cluster.k8sm(&dry)), json(cluster.kubectl(&dry)));
        both(cluster, &create(&["--dry-run=client"]), "").ok();
        both(cluster, &create(&["--dry-run=server"]), "").ok();
        assert!(cluster.k8sm(&create(&[])).ok().ends_with("/made created\n"));
        let again = cluster.k8sm(&create(&[])).fails(5);
        assert!(again.starts_with("error: failed to create ") && again.contains("\"made\" already exists"), "{again}");
    }
    both(cluster, &["get", "cm/made", "sa/made", "secret/made", "-o", "name"], "").ok();
    let data = cluster.kubectl(&["get", "secret", "made", "-o", "jsonpath={.data} {.type}"]).ok();
    assert_eq!(data, r#"{"a":"MQ==","bytes":"/wA=","page.html":"PHA+Cg=="} example.com/own"#);
    for refused in [
        &["create", "namespace", "Bad_Name"][..],
        &["create", "configmap", "bad", "--from-literal=a"],
        &["create", "configmap", "bad", "--from-literal=a b=1"],
        &["create", "configmap", "bad", "--from-literal=a=1", "--from-literal=a=2"],
        &["create", "secret", "generic", "bad", "--from-file=nowhere"],
        &["create", "serviceaccount", "bad", "-n", "nowhere"],
    ] {
        both(cluster, refused, "");
        assert_ne!(cluster.k8sm(refused).code, 0, "{refused:?}");
    }
    cluster.k8sm(&["create", "namespace"]).fails(2);
    cluster.k8sm(&["create", "unicorn", "x"]).fails(2);
    cluster.k8sm(&["delete", "cm/made", "sa/made", "secret/made", "ns/made"]).ok();
}
