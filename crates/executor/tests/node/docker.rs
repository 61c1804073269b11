//! Docker by its command line, for what tests prepare, look at and clean up.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// The image of the pods: busybox alone.
pub(crate) const IMAGE: &str = "e-executor-busybox:1";

/// Runs `docker` with `args`; its output. Panics with what it said where it fails.
pub(crate) fn docker(args: &[&str]) -> String {
    try_docker(args).unwrap_or_else(|error| panic!("docker {args:?}: {error}"))
}

/// Runs `docker`; its output, or what it said.
pub(crate) fn try_docker(args: &[&str]) -> Result<String, String> {
    let output = Command::new("docker").args(args).output().expect("docker: install docker.io");
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// The image of sandboxes, made of this build's `pause`; its name.
pub(crate) fn pause_image() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let program = example("pause");
        let bytes = std::fs::read(&program).unwrap();
        let digest: String = Sha256::digest(&bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("e-executor-pause:{digest}");
        let old = docker(&["images", "-q", "e-executor-pause"]);
        if try_docker(&["image", "inspect", &name]).is_err() {
            let mut tar = tar::Builder::new(Vec::new());
            tar.sparse(false); // Docker does not read the sparse form
            tar.append_path_with_name(&program, "km").unwrap();
            import(&tar.into_inner().unwrap(), &name, &["ENTRYPOINT [\"/km\"]"]);
            for image in old.lines() {
                let _ = try_docker(&["rmi", "-f", image]);
            }
        }
        name
    })
}

/// The image of the pods, made once of Debian's static busybox.
pub(crate) fn image() -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        if try_docker(&["image", "inspect", IMAGE]).is_ok() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let script = "apt-get download busybox-static >&2 && dpkg -x busybox-static*.deb .";
        let done = Command::new("sh").args(["-c", script]).current_dir(directory.path()).status().unwrap();
        assert!(done.success(), "apt-get cannot download busybox-static");
        let busybox = directory.path().join("bin/busybox");
        let mut tar = tar::Builder::new(Vec::new());
        tar.sparse(false); // Docker does not read the sparse form
        for name in ["bin/busybox", "bin/sh"] {
            tar.append_path_with_name(&busybox, name).unwrap();
        }
        import(&tar.into_inner().unwrap(), IMAGE, &["ENV PATH=/bin"]);
    });
    IMAGE
}

fn import(tar: &[u8], name: &str, changes: &[&str]) {
    let mut command = Command::new("docker");
    command.arg("import");
    for change in changes {
        command.args(["--change", change]);
    }
    let mut child = command.args(["-", name]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(tar).unwrap();
    assert!(child.wait().unwrap().success(), "docker import {name}");
}

/// An example of this crate, which `cargo test -p executor` builds along.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(path.is_file(), "{} is missing: cargo build -p executor --examples", path.display());
    path
}
