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
    a_refusal_stops_no_other(&cluster);
    objects_are_created_by_name(&cluster);
    texts_stay_texts(&cluster);
    manifests_are_applied(&cluster);
    objects_are_labeled(&cluster);
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
        &["get", "-f", "-", "-o", "yaml"],
        &["get", "-f", "-", "-o", "json", "--show-managed-fields"],
        &["get", "cm", "settings", "-o", "yaml", "--show-managed-fields"],
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

/// Of several objects those that can be are created and deleted, and in the end the command fails.
fn a_refusal_stops_no_other(cluster: &Cluster) {
    let three = format!("{OBJECTS}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: last}}\n");
    cluster.k8sm_with(&["create", "-f", "-"], OBJECTS).ok();
    let ours = cluster.k8sm_with(&["create", "-f", "-"], &three);
    assert_eq!((ours.code, ours.stdout.as_str()), (5, "configmap/last created\n"), "{ours}");
    cluster.k8sm(&["delete", "configmap", "last"]).ok();
    let theirs = cluster.kubectl_with(&["create", "-f", "-"], &three);
    assert_eq!((theirs.code, theirs.stdout), (1, ours.stdout), "{}", theirs.stderr);
    let delete = ["delete", "namespace", "default", "made"];
    for client in [Cluster::k8sm, Cluster::kubectl] {
        cluster.k8sm(&["create", "namespace", "made"]).ok();
        let deleted = client(cluster, &delete);
        assert_eq!((deleted.code, deleted.stdout.as_str()), (1, "namespace \"made\" deleted\n"), "{deleted}");
    }
    cluster.k8sm_with(&["delete", "-f", "-"], &three).ok();
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
        both(cluster, &create(&["--dry-run=client", "-o", "yaml"]), "").ok();
        let dry = create(&["-n", "default", "--dry-run=client", "-o", "json"]);
        assert_eq!(json(cluster.k8sm(&dry)), json(cluster.kubectl(&dry)));
        both(cluster, &create(&["--dry-run=client"]), "").ok();
        both(cluster, &create(&["--dry-run=server"]), "").ok();
        assert!(cluster.k8sm(&create(&[])).ok().ends_with("/made created\n"));
        let again = cluster.k8sm(&create(&[])).fails(5);
        assert!(again.starts_with("error: failed to create ") && again.contains("\"made\" already exists"), "{again}");
    }
    both(cluster, &["get", "cm/made", "sa/made", "secret/made", "-o", "name"], "").ok();
    for kind in ["secret", "configmap"] {
        // kubectl takes their keys in any order
        let lines = |ran: Ran| ran.ok().lines().map(str::to_owned).collect::<std::collections::BTreeSet<String>>();
        let describe = ["describe", kind, "made"];
        assert_eq!(lines(cluster.k8sm(&describe)), lines(cluster.kubectl(&describe)));
    }
    let union = "jsonpath={.items[*]['metadata.name', 'kind']}";
    both(cluster, &["get", "cm/made", "sa/made", "secret/made", "-o", union], "").ok();
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

/// By either client, in turn: each knows what the other applied.
fn manifests_are_applied(cluster: &Cluster) {
    const PORTS: &str = "ports: [{name: one, port: 80, targetPort: 8080}, {name: two, port: 81}]";
    let replicas = "---\n\
        apiVersion: v1\nkind: ReplicationController\nmetadata: {name: idle}\nspec: {replicas: 0, template: {\
        metadata: {labels: {app: idle}}, spec: {containers: [{name: c, image: busybox, args: [a], env: [{name: A, value: b}]}]}}}\n";
    let first = format!("{}{replicas}", OBJECTS.replace("ports: [{port: 80}]", PORTS));
    let apply = ["apply", "-f", "-"];
    let dry = ["apply", "-f", "-", "--dry-run=server"];
    let lines =
        |word: &str| format!("configmap/settings {word}\nservice/web {word}\nreplicationcontroller/idle {word}\n");
    assert_eq!(both(cluster, &dry, &first).ok(), lines("created (server dry run)"));
    assert_eq!(cluster.k8sm_with(&apply, &first).ok(), lines("created"));
    assert_eq!(both(cluster, &apply, &first).ok(), lines("unchanged"));
    // What others set stays, what is applied no more goes, and so in lists.
    cluster.kubectl(&["label", "service", "web", "own=label"]).ok();
    let second = first
        .replace(
            "{name: one, port: 80, targetPort: 8080}, {name: two, port: 81}",
            "{name: three, port: 82}, {name: one, port: 80}",
        )
        .replace("labels: {app: web}", "labels: {app: other}")
        .replace("env: [{name: A, value: b}]", "env: [{name: B, value: c}]")
        .replace("colour: blue", "shape: round");
    for way in ["--dry-run=client", "--dry-run=server"] {
        both(cluster, &["apply", "-f", "-", way], &second).ok();
    }
    let theirs = cluster.kubectl_with(&["apply", "-f", "-", "--dry-run=server", "-o", "json"], &second).ok();
    let theirs: Value = serde_json::from_str(&theirs).expect("JSON");
    assert_eq!(cluster.k8sm_with(&apply, &second).ok(), lines("configured"));
    assert_eq!(both(cluster, &apply, &second).ok(), lines("unchanged"));
    for (index, kind) in ["configmap/settings", "service/web", "rc/idle"].iter().enumerate() {
        let ours = cluster.k8sm(&["get", kind, "-o", "json"]).ok();
        let ours: Value = serde_json::from_str(&ours).expect("JSON");
        for field in ["data", "spec"] {
            assert_eq!(ours[field], theirs["items"][index][field], "{kind}");
        }
        for field in ["labels", "annotations"] {
            assert_eq!(ours["metadata"][field], theirs["items"][index]["metadata"][field], "{kind}");
        }
    }
    assert_eq!(cluster.kubectl_with(&apply, &first).ok(), lines("configured"));
    assert_eq!(both(cluster, &apply, &first).ok(), lines("unchanged"));

    // What apply did not create is warned of, and is its own from then on.
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: foreign}\ndata: {a: b}\n";
    cluster.k8sm_with(&["create", "-f", "-"], config).ok();
    let warned = cluster.k8sm_with(&apply, config);
    assert!(
        warned.stderr.contains("Warning: resource configmaps/foreign is missing the kubectl.kubernetes.io/"),
        "{warned}"
    );
    assert_eq!(warned.ok(), "configmap/foreign configured\n");
    // One that is refused keeps no other from being applied.
    let some = cluster.k8sm_with(&apply, &format!("{}---\n{config}", first.replace("port: 81", "port: 81000")));
    assert!(some.code == 1 && some.stderr.contains("spec.ports[1].port"), "{some}");
    assert!(some.stdout.contains("configmap/foreign unchanged"), "{some}");
    let nameless = cluster.k8sm_with(&apply, &config.replace("name:", "generateName:")).fails(1);
    assert!(nameless.contains("metadata.name is not set") && nameless.contains("hint: "), "{nameless}");
    cluster.k8sm_with(&["delete", "-f", "-"], &format!("{first}---\n{config}")).ok();
}

/// The same words to both clients, each on an object of its own.
fn objects_are_labeled(cluster: &Cluster) {
    for name in ["ours", "theirs"] {
        cluster.k8sm(&["create", "configmap", name]).ok();
    }
    let lines = [
        "label cm NAME a=1 b=2",
        "label cm NAME a=1",
        "label cm NAME a=2",
        "label cm NAME a=2 --overwrite",
        "label cm/NAME b- gone-",
        "label cm NAME gone-",
        "label cm NAME c=3 --dry-run=server",
        "label cm NAME c=3 --dry-run=client",
        "label cm NAME d=4 -o name",
        "label cm NAME e=bad$value",
        "label cm NAME f=1 f-",
        "label cm NAME",
        "label cm g=1",
        "label cm nobody NAME h=5",
        "label cm --field-selector=metadata.name=NAME i=6",
        "label cm -l a=none i=6",
        "annotate cm NAME a=1 b=2",
        "annotate cm NAME a=2",
        "annotate cm NAME a=2 --overwrite",
        "annotate cm NAME b- gone-",
        "annotate cm NAME b",
    ];
    for line in lines {
        let ours = line.replace("NAME", "ours");
        let ours = cluster.k8sm(&ours.split(' ').collect::<Vec<_>>());
        let theirs = line.replace("NAME", "theirs");
        let theirs = cluster.kubectl(&theirs.split(' ').collect::<Vec<_>>());
        // That a label is not there is talk to us, and stands among kubectl's data.
        let data: String =
            theirs.stdout.split_inclusive('\n').filter(|line| !line.ends_with(" not found.\n")).collect();
        assert_eq!(ours.stdout, data.replace("theirs", "ours"), "{ours}\n{theirs}");
        assert_eq!(ours.code == 0, theirs.code == 0, "{ours}\n{theirs}");
    }
    let marks = |name| {
        let metadata = cluster.object("cm", name).expect("it is there")["metadata"].clone();
        (metadata["labels"].clone(), metadata["annotations"].clone())
    };
    assert_eq!(marks("ours"), marks("theirs"));
    let refused = cluster.k8sm(&["label", "cm", "ours", "a=3"]).fails(5);
    assert_eq!(refused.trim(), "error: configmap/ours: 'a' already has a value (2), and --overwrite is false");
    cluster.k8sm(&["delete", "cm", "ours", "theirs"]).ok();
}

/// What stands for something else to whoever reads YAML 1.1, as kubectl does, is written as the text that it is.
fn texts_stay_texts(cluster: &Cluster) {
    let long = "a sentence: ".repeat(20);
    let texts =
        ["yes", "1_000", "0644", "1:30", " a", "a: b", "two\nlines\n", "tab\t", "it's", "https://a/?b=c#d", &long];
    let literals = texts.iter().enumerate().map(|(index, text)| format!("--from-literal=k{index}={text}"));
    let literals: Vec<String> = literals.collect();
    let mut words = vec!["create", "configmap", "texts", "--dry-run=client", "-o", "yaml"];
    words.extend(literals.iter().map(String::as_str));
    let text = both(cluster, &words, "").ok();
    cluster.kubectl_with(&["create", "-f", "-", "--dry-run=server"], &text).ok();
}
