//! Paths inside a volume, which no link leads out of.
//!
//! Containers write to volumes, and could leave a link to anywhere there for Docker to follow. So a path is resolved here,
//! inside the volume's own directory (`openat2` with RESOLVE_BENEATH, where the kernel has it), and Docker is given the
//! outcome, in which no part is a link. A container that swaps a part for a link after this, and before Docker has bound
//! it a moment later, is noticed by the gate ([`crate::gate`]) before anything of the container that has it runs.

use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, fchown};
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, Metadata, MetadataExt};

/// The path `below` of the directory `root` with all its links followed, relative to `root`. What is not there is made: as
/// directories with the mode and the group of `root`.
///
/// # Errors
/// When it leads out of `root`, or cannot be made.
pub(super) fn resolve(root: &Path, below: &str) -> Result<PathBuf, String> {
    let opened = Dir::open_ambient_dir(root, ambient_authority()).map_err(|error| format!("{below}: {error}"))?;
    resolve_in(&opened, below)
}

/// A directory that somebody else opened.
pub(super) fn opened(directory: OwnedFd) -> Dir {
    Dir::from_std_file(directory.into())
}

/// The same below a directory that is open.
///
/// # Errors
/// As of [`resolve`].
pub(super) fn resolve_in(root: &Dir, below: &str) -> Result<PathBuf, String> {
    let shown = Path::new(below);
    if shown.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err(format!("{below} must not contain \"..\""));
    }
    let below: PathBuf = shown.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    if below.as_os_str().is_empty() {
        return Ok(below);
    }
    let refused = |error: std::io::Error| format!("{}: {error}", shown.display());
    let like = root.dir_metadata().map_err(refused)?;
    let mut made = PathBuf::new();
    for part in below.components() {
        made.push(part);
        match root.create_dir(&made) {
            Ok(()) => root.open(&made).and_then(|made| resemble(made, &like)).map_err(refused)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(refused(error)),
        }
    }
    root.canonicalize(&below).map_err(refused)
}

/// Gives a fresh directory the mode and the group of another. Who is not in a group may not set its bit in a mode, but may
/// give away what has it.
fn resemble(made: File, like: &Metadata) -> std::io::Result<()> {
    let (made, process) = (made.into_std(), std::fs::metadata("/proc/self")?);
    let ours = std::os::unix::fs::MetadataExt::gid(&process);
    fchown(&made, None, Some(ours))?;
    made.set_permissions(std::fs::Permissions::from_mode(like.mode() & 0o7777))?;
    fchown(&made, None, Some(like.gid()))
}

/// The same for a path of which nothing is made; `None` where there is nothing.
///
/// # Errors
/// When it leads out of `root`.
pub(super) fn find(root: &Path, below: &Path) -> Result<Option<PathBuf>, String> {
    let refused = |error: std::io::Error| format!("{}: {error}", below.display());
    if below.as_os_str().is_empty() {
        return Ok(Some(PathBuf::new()));
    }
    let root = Dir::open_ambient_dir(root, ambient_authority()).map_err(refused)?;
    match root.canonicalize(below) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_missing_is_made_and_links_inside_are_followed() {
        let volume = tempfile::tempdir().unwrap();
        assert_eq!(resolve(volume.path(), "a/b/"), Ok("a/b".into()));
        assert!(volume.path().join("a/b").is_dir());
        symlink("a", volume.path().join("link")).unwrap();
        assert_eq!(resolve(volume.path(), "link/b"), Ok("a/b".into()));
        std::fs::write(volume.path().join("a/file"), "x").unwrap();
        assert_eq!(resolve(volume.path(), "link/file"), Ok("a/file".into()));
        assert_eq!(resolve(volume.path(), ""), Ok("".into()));
        std::fs::set_permissions(volume.path(), std::fs::Permissions::from_mode(0o2777)).unwrap();
        resolve(volume.path(), "shared").unwrap();
        let mode = std::fs::metadata(volume.path().join("shared")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o2777);
        assert_eq!(find(volume.path(), Path::new("link/b")), Ok(Some("a/b".into())));
        assert_eq!(find(volume.path(), Path::new("none")), Ok(None));
    }

    #[test]
    fn no_link_leads_out() {
        let (volume, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(outside.path().join("x")).unwrap();
        symlink(outside.path(), volume.path().join("absolute")).unwrap();
        symlink("../", volume.path().join("up")).unwrap();
        symlink("absolute", volume.path().join("twice")).unwrap();
        symlink("loop", volume.path().join("loop")).unwrap();
        for below in ["absolute", "absolute/x", "up", "up/x", "twice/x", "..", "a/../../b", "loop", "loop/x"] {
            assert!(resolve(volume.path(), below).is_err(), "{below}");
        }
        assert!(find(volume.path(), Path::new("absolute/x")).is_err());
        assert!(!outside.path().join("new").exists());
        assert!(resolve(volume.path(), "absolute/new").is_err());
        assert!(!outside.path().join("new").exists());
    }
}
