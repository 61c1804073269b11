//! Kubeconfigs on disk: what comes back when our cluster goes, and what is refused before anything is made.

use super::*;
use crate::failure::Kind;

fn access() -> Access {
    Access {
        name: "k8sm".into(),
        cluster: "k8sm".into(),
        server: "https://127.0.0.1:6443".into(),
        ca: "CA".into(),
        certificate: "CERT".into(),
        key: "KEY".into(),
    }
}

fn file(path: PathBuf) -> File {
    File::choose(Some(&path), "k8sm").unwrap()
}

fn default() -> ClusterName {
    ClusterName::new("k8sm").unwrap()
}

#[test]
fn an_absent_file_and_directory_are_absent_again() {
    let home = tempfile::tempdir().unwrap();
    let file = file(home.path().join(".kube/config"));
    file.check(&default()).unwrap();
    assert!(!home.path().join(".kube").exists());
    assert!(file.merge(&access()).unwrap());
    assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!file.merge(&access()).unwrap());
    assert_eq!(file.unmerge("k8sm").unwrap(), Outcome::Restored);
    assert!(!home.path().join(".kube").exists());
    assert_eq!(file.unmerge("k8sm").unwrap(), Outcome::Untouched);
}

#[test]
fn bytes_mode_and_link_come_back() {
    let home = tempfile::tempdir().unwrap();
    let (real, link) = (home.path().join("real"), home.path().join("config"));
    let text = "apiVersion: v1\nkind: Config\n# mine\ncurrent-context: prod\n";
    fs::write(&real, text).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real", &link).unwrap();
    let file = file(link.clone());
    file.merge(&access()).unwrap();
    let moved = Access { server: "https://127.0.0.1:7000".into(), ..access() };
    assert!(file.merge(&moved).unwrap());
    file.unmerge("k8sm").unwrap();
    assert_eq!(fs::read_to_string(&link).unwrap(), text);
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
}

#[test]
fn a_broken_or_read_only_file_is_refused_before_anything_is_made() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    for broken in ["a: b: c", "- 1\n", "clusters: 3\n", "{"] {
        fs::write(&path, broken).unwrap();
        assert_eq!(file(path.clone()).check(&default()).unwrap_err().kind(), Kind::Environment, "{broken}");
        assert_eq!(fs::read_to_string(&path).unwrap(), broken);
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert_eq!(file(path.clone()).check(&default()).unwrap_err().kind(), Kind::Environment);
    fs::write(&path, "kind: Config\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(file(path).check(&default()).unwrap_err().kind(), Kind::Environment);
}

#[test]
fn a_file_keeps_its_owner() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    fs::write(&path, "kind: Config\n").unwrap();
    // Only root gives files away, as under sudo; for others the owner is the same before and after.
    let _ = std::os::unix::fs::chown(&path, Some(4711), Some(4712));
    let owner = || fs::metadata(&path).map(|meta| (meta.uid(), meta.gid())).unwrap();
    let before = owner();
    file(path.clone()).merge(&access()).unwrap();
    assert_eq!(owner(), before);
    file(path.clone()).unmerge("k8sm").unwrap();
    assert_eq!(owner(), before);
}

#[test]
fn a_held_lock_is_said_before_anything_is_made_and_is_no_matter_where_nothing_is_ours() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    let lock = home.path().join("config.lock");
    fs::write(&path, "kind: Config\n").unwrap();
    fs::write(&lock, "").unwrap();
    let held = file(path.clone()).check_within(&default(), Duration::ZERO).unwrap_err();
    assert!(held.kind() == Kind::Environment && held.line().contains("config.lock"), "{}", held.line());
    assert_eq!(file(path.clone()).unmerge("k8sm").unwrap(), Outcome::Untouched);
    fs::write(&path, "a: b: c").unwrap();
    assert_eq!(file(path).unmerge("k8sm").unwrap(), Outcome::Untouched);
    assert!(lock.exists());
}

#[test]
fn an_unchanged_cluster_is_made_current_where_that_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    let theirs = "apiVersion: v1\nkind: Config\ncontexts:\n- name: prod\n  context: {cluster: p, user: p}\n\
                  clusters: []\nusers: []\ncurrent-context: prod\n";
    fs::write(&path, theirs).unwrap();
    let file = file(path.clone());
    file.merge(&access()).unwrap();
    let away = fs::read_to_string(&path).unwrap().replace("current-context: k8sm", "current-context: prod");
    fs::write(&path, &away).unwrap();
    assert!(!file.merge(&access()).unwrap(), "it is the user's matter");
    assert!(file.merge_as_current(&access()).unwrap());
    assert!(fs::read_to_string(&path).unwrap().contains("current-context: k8sm\n"));
    assert!(!file.merge_as_current(&access()).unwrap());
    file.unmerge("k8sm").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
}

#[test]
fn somebody_else_s_context_of_our_name_is_a_conflict() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config");
    fs::write(&path, "clusters: [{name: k8sm, cluster: {}}]\n").unwrap();
    assert_eq!(file(path).check(&default()).unwrap_err().kind(), Kind::Conflict);
}
