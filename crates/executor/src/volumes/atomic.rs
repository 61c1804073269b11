//! Writes a volume's files so that a container sees all of the old or all of the new ones, never a mixture, as Kubernetes'
//! kubelet does: `FILE` is a link to `..data/FILE`, `..data` a link to a directory of its own for each state.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;

use super::{SHARED, give};

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Below the volume, without `..`.
    pub(super) path: String,
    pub(super) content: Vec<u8>,
    pub(super) mode: u32,
    /// Who owns it, where it is not the node.
    pub(super) user: Option<u32>,
}

/// The link to the state that counts.
const DATA: &str = "..data";
/// The mode of the directories in it, which are the node's to write.
const INNER: u32 = 0o755;

/// Brings the volume at `directory` to hold `files`, which `group` may read; true where that changed it.
///
/// # Errors
/// When it cannot be written; it is as it was then.
pub(super) fn write(directory: &Path, files: &[File], group: Option<u32>) -> io::Result<bool> {
    std::fs::create_dir_all(directory)?;
    give(directory, SHARED, group)?;
    let readable = |file: &File| File { mode: file.mode | if group.is_some() { 0o440 } else { 0 }, ..file.clone() };
    let files: Vec<File> = files.iter().map(readable).collect();
    let files = files.as_slice();
    let old = std::fs::read_link(directory.join(DATA)).ok().map(|state| directory.join(state));
    if let Some(old) = &old
        && holds(old, files)
    {
        // an executor that ended halfway has left the new state without its links
        link(directory, files)?;
        return Ok(false);
    }
    let name = Timestamp::now().strftime("..%Y_%m_%d_%H_%M_%S.%9f").to_string();
    let state = directory.join(&name);
    fill(&state, files, group).inspect_err(|_| drop(std::fs::remove_dir_all(&state)))?;
    let next = directory.join("..data_tmp");
    remove(&next)?;
    symlink(&name, &next)?;
    std::fs::rename(&next, directory.join(DATA))?;
    link(directory, files)?;
    if let Some(old) = old {
        remove(&old)?;
    }
    Ok(true)
}

/// Whether the volume at `directory` has been written.
pub(super) fn is_made(directory: &Path) -> bool {
    std::fs::symlink_metadata(directory.join(DATA)).is_ok()
}

/// Whether the state holds these files and no others.
fn holds(state: &Path, files: &[File]) -> bool {
    let same = |file: &File| {
        let path = state.join(&file.path);
        let mode = std::fs::metadata(&path).map(|found| found.permissions().mode() & 0o777);
        mode.is_ok_and(|mode| mode == file.mode) && std::fs::read(&path).is_ok_and(|content| content == file.content)
    };
    files.iter().all(same) && count(state).is_ok_and(|count| count == distinct(files))
}

fn distinct(files: &[File]) -> usize {
    files.iter().map(|file| &file.path).collect::<BTreeSet<_>>().len()
}

/// How many files are below `directory`.
fn count(directory: &Path) -> io::Result<usize> {
    let mut sum = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { count(&entry.path())? } else { 1 };
    }
    Ok(sum)
}

fn fill(state: &Path, files: &[File], group: Option<u32>) -> io::Result<()> {
    std::fs::create_dir(state)?;
    give(state, INNER, group)?;
    for file in files {
        let path = state.join(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
            for made in parent.ancestors().take_while(|made| *made != state) {
                give(made, INNER, group)?;
            }
        }
        std::fs::write(&path, &file.content)?;
        chown(&path, file.user, group)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(file.mode))?;
    }
    Ok(())
}

/// What the container sees: a link for each first part of a path, and none for what is no more.
fn link(directory: &Path, files: &[File]) -> io::Result<()> {
    let wanted: BTreeSet<PathBuf> = files.iter().filter_map(|file| first(&file.path)).collect();
    for entry in std::fs::read_dir(directory)? {
        let name = PathBuf::from(entry?.file_name());
        if !name.to_string_lossy().starts_with("..") && !wanted.contains(&name) {
            remove(&directory.join(name))?;
        }
    }
    for name in wanted {
        match symlink(Path::new(DATA).join(&name), directory.join(&name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn first(path: &str) -> Option<PathBuf> {
    Path::new(path).components().find_map(|part| match part {
        Component::Normal(name) => Some(name.into()),
        _ => None,
    })
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn file(path: &str, content: &str) -> File {
        File { path: path.into(), content: content.into(), mode: 0o640, user: None }
    }

    fn visible(directory: &Path) -> Vec<String> {
        let entries =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.filter(|name| !name.starts_with("..")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_volume_goes_from_one_state_to_the_next() {
        let volume = tempfile::tempdir().unwrap();
        let directory = volume.path();
        assert!(!is_made(directory));
        assert!(write(directory, &[file("a", "1"), file("deep/b", "2")], None).unwrap());
        assert_eq!(std::fs::read_to_string(directory.join("deep/b")).unwrap(), "2");
        assert_eq!(std::fs::metadata(directory.join("a")).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(!write(directory, &[file("a", "1"), file("deep/b", "2")], None).unwrap(), "nothing is new");
        assert!(write(directory, &[file("a", "3"), file("c", "4")], None).unwrap());
        assert_eq!(std::fs::read_to_string(directory.join("a")).unwrap(), "3");
        assert_eq!(visible(directory), ["a", "c"]);
        let states = std::fs::read_dir(directory).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
        let states = states.filter(|entry| !entry.as_ref().unwrap().path().is_symlink()).count();
        assert_eq!(states, 1, "the old state is gone");
        assert!(write(directory, &[], None).unwrap());
        assert!(visible(directory).is_empty() && is_made(directory));
    }

    #[test]
    fn a_file_that_only_goes_is_a_change() {
        let volume = tempfile::tempdir().unwrap();
        write(volume.path(), &[file("a", "1"), file("b", "2")], None).unwrap();
        assert!(write(volume.path(), &[file("a", "1")], None).unwrap());
        assert_eq!(visible(volume.path()), ["a"]);
    }

    #[test]
    fn a_state_without_its_links_gets_them() {
        let volume = tempfile::tempdir().unwrap();
        write(volume.path(), &[file("a", "1")], None).unwrap();
        std::fs::rename(volume.path().join("a"), volume.path().join("gone")).unwrap();
        assert!(!write(volume.path(), &[file("a", "1")], None).unwrap(), "its files are those");
        assert_eq!(visible(volume.path()), ["a"]);
    }

    #[test]
    fn directories_are_as_in_kubernetes() {
        let modes = |group: Option<u32>| {
            let volume = tempfile::tempdir().unwrap();
            std::fs::set_permissions(volume.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
            write(volume.path(), &[file("very/deep/a", "1")], group).unwrap();
            ["", "..data", "..data/very", "..data/very/deep"].map(|path| {
                let found = std::fs::metadata(volume.path().join(path)).unwrap();
                assert!(group.is_none_or(|group| group == found.gid()), "{path}");
                found.mode() & 0o7777
            })
        };
        assert_eq!(modes(None), [0o777, 0o755, 0o755, 0o755]);
        let group = std::fs::metadata(tempfile::tempdir().unwrap().path()).unwrap().gid();
        assert_eq!(modes(Some(group)), [0o2777, 0o2755, 0o2755, 0o2755]);
    }

    #[test]
    fn a_group_may_read_what_is_its() {
        let volume = tempfile::tempdir().unwrap();
        let group = std::fs::metadata(volume.path()).unwrap().gid();
        let secret = File { mode: 0o400, ..file("a", "1") };
        assert!(write(volume.path(), std::slice::from_ref(&secret), Some(group)).unwrap());
        let found = std::fs::metadata(volume.path().join("a")).unwrap();
        assert_eq!((found.mode() & 0o777, found.gid()), (0o440, group));
        assert!(!write(volume.path(), &[secret], Some(group)).unwrap(), "it is as it is to be");
    }
}
