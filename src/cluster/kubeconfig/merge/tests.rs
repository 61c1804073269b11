//! Files of all styles, merged and taken apart again.

use super::*;
use crate::cluster::kubeconfig::entry;

fn access(name: &str) -> Access {
    Access {
        name: name.into(),
        cluster: name.into(),
        server: "https://127.0.0.1:6443".into(),
        ca: "CA".into(),
        certificate: "CERT".into(),
        key: "KEY".into(),
    }
}

/// Files as kubectl, people and other tools write them.
const FILES: &[&str] = &[
    "apiVersion: v1\nclusters:\n- cluster:\n    server: https://prod:6443\n  name: prod\ncontexts:\n- context:\n    cluster: prod\n    \
     user: me\n  name: prod\ncurrent-context: prod\nkind: Config\npreferences: {}\nusers:\n- name: me\n  user:\n    token: t\n",
    // comments, blank lines, indented lists, unknown fields, no newline at the end
    "# mine\nkind: Config\napiVersion: v1\n\n# where\nclusters:\n  # the one\n  - name: prod\n    cluster: {server: https://prod}\n\n  \
     # its twin\n  - name: twin\n    cluster: {server: https://twin}\n\n# who\nusers:\n  - name: me\n    user: {token: t}\n\
     contexts:\n  - name: prod\n    context: {cluster: prod, user: me}\n    colour: red\ncurrent-context: \"prod\" # careful\nx-tool: {a: 1}",
    // what `kubectl config unset` leaves
    "apiVersion: v1\nclusters: []\ncontexts: []\ncurrent-context: \"\"\nkind: Config\npreferences: {}\nusers: []\n",
    "apiVersion: v1\nclusters: null\ncontexts: null\ncurrent-context: \"\"\nkind: Config\npreferences: {}\nusers: null\n",
    "apiVersion: v1\nkind: Config\n",
    "apiVersion: v1\nkind: Config",
    "",
    "# nothing yet\n",
    "---\napiVersion: v1\nkind: Config\nclusters:\nusers:\ncontexts:\n",
    // flow style and JSON
    "{apiVersion: v1, kind: Config, clusters: [{name: prod, cluster: {server: 'https://prod'}}], current-context: prod}\n",
    "{\"apiVersion\":\"v1\",\"kind\":\"Config\",\"clusters\":[],\"users\":[],\"contexts\":[]}",
    "apiVersion: v1\nkind: Config\nclusters: [{name: prod, cluster: {server: 'https://prod'}}]\n",
    // lines that end as on Windows
    "apiVersion: v1\r\nkind: Config\r\nclusters:\r\n- name: prod\r\n  cluster:\r\n    server: https://prod\r\ncurrent-context: prod\r\n",
    // anchors, block scalars, keys that begin like ours
    "kind: Config\nclusters-old:\n- a\nclusters:\n- name: prod\n  cluster: &c\n    server: |\n      https://prod\n- name: two\n  cluster: *c\n",
    "current-context: >-\n  prod\nkind: Config\n",
];

fn text(unmerged: Option<Unmerged>) -> String {
    match unmerged {
        Some(Unmerged::Text(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_file_comes_back_to_the_byte() {
    for file in FILES {
        let merged = merge(file, &access("k8sm"), Memory::default());
        let value: Value = serde_yaml::from_str(&merged).unwrap();
        assert_eq!(value["current-context"], "k8sm");
        for section in SECTIONS {
            assert!(entry::find(&value, section, "k8sm").is_some(), "{merged}");
        }
        assert_eq!(&text(unmerge(&merged, "k8sm")), file, "{merged}");
    }
}

#[test]
fn nothing_else_of_a_file_changes() {
    let file = FILES[1];
    let merged = merge(file, &access("k8sm"), Memory::default());
    for line in file.lines().filter(|line| !line.starts_with("current-context")) {
        assert!(merged.contains(line), "{line}");
    }
    let before: Value = serde_yaml::from_str(file).unwrap();
    let after: Value = serde_yaml::from_str(&merged).unwrap();
    assert_eq!(after["clusters"][1], before["clusters"][1]);
    assert_eq!(after["x-tool"], before["x-tool"]);
}

#[test]
fn two_clusters_leave_in_any_order() {
    for file in FILES {
        for order in [["a", "b"], ["b", "a"]] {
            let one = merge(file, &access("a"), Memory::default());
            let both = merge(&one, &access("b"), Memory::default());
            let left = text(unmerge(&both, order[0]));
            let value: Value = serde_yaml::from_str(&left).unwrap();
            assert_eq!(value["current-context"], order[1]);
            let back = text(unmerge(&left, order[1]));
            let (was, is): (Value, Value) = (serde_yaml::from_str(file).unwrap(), serde_yaml::from_str(&back).unwrap());
            assert!(was == is || was.is_null(), "{file}\n{back}");
            if order == ["b", "a"] {
                assert_eq!(&back, file);
            }
        }
    }
}

#[test]
fn the_previous_context_returns_only_if_ours_is_current() {
    let merged = merge(FILES[0], &access("k8sm"), Memory::default());
    let moved = merged.replace("current-context: k8sm", "current-context: other");
    let value: Value = serde_yaml::from_str(&text(unmerge(&moved, "k8sm"))).unwrap();
    assert_eq!(value["current-context"], "other");
}

#[test]
fn what_kubectl_rewrote_is_taken_apart_as_well() {
    for file in FILES {
        let merged = merge(file, &access("k8sm"), Memory::default());
        let mut value: Value = serde_yaml::from_str(&merged).unwrap();
        value["clusters"].as_sequence_mut().unwrap().push(serde_yaml::from_str("{name: new, cluster: {}}").unwrap());
        let left: Value =
            serde_yaml::from_str(&text(unmerge(&serde_yaml::to_string(&value).unwrap(), "k8sm"))).unwrap();
        assert!(entry::find(&left, "clusters", "new").is_some());
        for section in SECTIONS {
            assert!(entry::find(&left, section, "k8sm").is_none());
        }
    }
}

#[test]
fn a_file_that_up_made_goes_away() {
    let memory = Memory { created: Some("file".into()), ..Memory::default() };
    let merged = merge("", &access("k8sm"), memory);
    assert!(matches!(unmerge(&merged, "k8sm"), Some(Unmerged::Nothing { .. })));
}

#[test]
fn a_context_that_is_not_ours_is_not_touched() {
    assert!(unmerge(FILES[0], "prod").is_none());
    assert!(unmerge(FILES[0], "absent").is_none());
}

#[test]
fn a_context_that_is_gone_meanwhile_does_not_become_current_again() {
    let theirs = "- context:\n    cluster: prod\n    user: me\n  name: prod\n";
    let original = format!(
        "apiVersion: v1\nkind: Config\ncontexts:\n{theirs}- name: other\n  context: {{cluster: o, user: o}}\n\
         clusters: []\nusers: []\ncurrent-context: prod\n"
    );
    let merged = merge(&original, &access("k8sm"), Memory::default());
    let without = original.replace(theirs, "").replace("current-context: prod", "current-context: \"\"");
    assert_eq!(text(unmerge(&merged.replace(theirs, ""), "k8sm")), without);
    // One that never was there comes back as it was.
    let dangling = original.replace("current-context: prod", "current-context: nowhere");
    assert_eq!(text(unmerge(&merge(&dangling, &access("k8sm"), Memory::default()), "k8sm")), dangling);
}
