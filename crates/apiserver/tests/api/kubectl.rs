//! kubectl against this server: what it prints and how it exits, held to what the
//! same kubectl prints against a real kube-apiserver (`kubectl/*.golden`; [`crate::transcript`] has their form).
//!
//! `kubectl/*.script` are the commands: `$` begins one that is compared, `+` one that only prepares. A transcript belongs to a
//! script and a version of kubectl: the newest that is not newer than the kubectl at hand is taken.
//!
//! - `KUBE_APISERVER=/path/to/kube-apiserver` records anew what the real server says (1.20 of Debian's source package).
//! - `ACCEPT=1` writes down what this server says where that differs; whoever does so replaces the reason `?` by a true one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Etcd, Kubernetes, Server};
use crate::transcript::{self, told};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/kubectl");
/// The versions that transcripts are of, oldest first.
const RECORDED: [u32; 2] = [20, 32];
/// What every script finds: a namespace of its own, in which pods get no token.
const PREPARED: [&str; 3] = [
    "kubectl create namespace demo",
    "kubectl -n demo create serviceaccount default",
    r#"kubectl -n demo patch serviceaccount default -p '{"automountServiceAccountToken":false}'"#,
];

/// One kubectl and where it finds its server.
struct Kubectl {
    /// A directory in which it is called `kubectl`.
    directory: tempfile::TempDir,
    minor: u32,
}

impl Kubectl {
    fn new(program: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(program, directory.path().join("kubectl")).unwrap();
        let output = Command::new(program).args(["version", "--client", "-o", "json"]).output().unwrap();
        let version: serde_json::Value = serde_json::from_slice(&output.stdout).expect("kubectl says its version");
        let minor = version["clientVersion"]["minor"].as_str().unwrap().trim_end_matches(|c: char| !c.is_ascii_digit());
        Self { minor: minor.parse().unwrap(), directory }
    }

    /// What a line for the shell prints, and how it exits.
    fn run(&self, line: &str, config: &Path, server: &str) -> String {
        let path = format!("{}:{}", self.directory.path().display(), std::env::var("PATH").unwrap());
        let output = Command::new("bash")
            .args(["-c", &format!("exec 2>&1; {line}")])
            .current_dir(Path::new(DIRECTORY).join("files"))
            .env("PATH", path)
            .env("HOME", self.directory.path())
            .env("KUBECONFIG", config)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        told(&String::from_utf8_lossy(&output.stdout), output.status.code(), server)
    }

    /// Every command of a script and what it said.
    fn play(&self, script: &str, config: &Path, server: &str) -> Vec<(String, String)> {
        for line in PREPARED {
            self.run(line, config, server);
        }
        let mut said = Vec::new();
        for line in script.lines() {
            if let Some(line) = line.strip_prefix("+ ") {
                self.run(line, config, server);
            } else if let Some(line) = line.strip_prefix("$ ") {
                said.push((line.to_owned(), self.run(line, config, server)));
            }
        }
        said
    }
}

/// The kubectls at hand: those of `KUBECTL` (separated by colons), else the one on the path and, where that is another, Debian's
/// that `.ci/prerequisites test` unpacks.
fn kubectls() -> Vec<Kubectl> {
    let named = std::env::var("KUBECTL").unwrap_or_default();
    let mut programs: Vec<PathBuf> = named.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    if programs.is_empty() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|directory| directory.join("kubectl")).find(|path| path.is_file());
        let found = found.expect("these tests need kubectl: apt-get install kubernetes-client");
        // some distributions' kubectl starts another version of itself by the version of the server
        let fixed = std::fs::canonicalize(&found).unwrap().with_file_name("kubectl.1.32");
        programs.push(if fixed.is_file() { fixed } else { found });
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/kubectl-debian/usr/bin/kubectl");
        programs.extend(Some(beside).filter(|path| path.is_file()));
    }
    programs.iter().map(|program| Kubectl::new(program)).collect()
}

/// Plays a script with each kubectl and compares.
async fn play(name: &'static str) {
    let script = std::fs::read_to_string(format!("{DIRECTORY}/{name}.script")).unwrap();
    let mut wrong = Vec::new();
    for kubectl in kubectls() {
        let minor = RECORDED.into_iter().rfind(|&minor| minor <= kubectl.minor).unwrap_or(RECORDED[0]);
        let golden = format!("{DIRECTORY}/{name}.1.{minor}.golden");
        let etcd = Etcd::start();
        if let Some(program) = std::env::var_os("KUBE_APISERVER") {
            let server = Kubernetes::start(Path::new(&program), &etcd).await;
            let (script, config, url) = (script.clone(), server.kubeconfig(), server.url.clone());
            let said = tokio::task::spawn_blocking(move || kubectl.play(&script, &config, &url)).await.unwrap();
            transcript::record(Path::new(&golden), said);
            continue;
        }
        let server = Server::with_flags(&etcd, &["--authorization-mode=Node,RBAC"]).await;
        let (script, config, url) = (script.clone(), server.kubeconfig(), server.url.clone());
        let said = tokio::task::spawn_blocking(move || kubectl.play(&script, &config, &url)).await.unwrap();
        wrong.extend(transcript::compare(Path::new(&golden), said));
    }
    assert!(wrong.is_empty(), "{} answers are not as recorded:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! scripts {
    ($($name:ident),*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            play(stringify!($name)).await;
        }
    )*};
}

scripts!(describe, change, delete, cluster, get, create);
