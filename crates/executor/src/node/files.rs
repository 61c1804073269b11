//! The node's own files, which a hostPath names: a directory of the slave's volume, with what pods expect of any node.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Directories of every Linux system, with their modes.
const DIRECTORIES: [(&str, u32); 12] = [
    ("etc", 0o755),
    ("home", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/tmp", 0o1777),
];
/// Files of this system that are the node's as well.
const FILES: [&str; 3] = ["etc/hosts", "etc/hostname", "etc/resolv.conf"];

/// Makes what is missing below `root`; what is there belongs to the pods and stays as it is.
///
/// # Errors
/// When it cannot be written.
pub fn make(root: &Path) -> io::Result<()> {
    for (name, mode) in DIRECTORIES {
        let directory = root.join(name);
        if !directory.exists() {
            std::fs::create_dir_all(&directory)?;
            std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode))?;
        }
    }
    for name in FILES {
        let (own, file) = (Path::new("/").join(name), root.join(name));
        if !file.exists() {
            // a machine that lacks one has none for its pods
            let text = std::fs::read(own).unwrap_or_default();
            std::fs::write(file, text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_looks_like_any_other() {
        let root = tempfile::tempdir().unwrap();
        make(root.path()).unwrap();
        let mode = |name: &str| std::fs::metadata(root.path().join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("tmp"), mode("var/log")), (0o1777, 0o755));
        std::fs::write(root.path().join("etc/hosts"), "own").unwrap();
        make(root.path()).unwrap();
        assert_eq!(std::fs::read_to_string(root.path().join("etc/hosts")).unwrap(), "own");
    }
}
