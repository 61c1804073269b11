//! Writes a volume's files so that a container sees all of the old or all of the new ones, never a mixture, as Kubernetes'
//! kubelet does: `FILE` is a link to `..data/FILE`, `..data` a link to a directory of its own for each state.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Below the volume, without `..`.
    pub(super) path: String,
    pub(super) content: Vec<u8>,
    pub(super) mode: u32,
}

/// The link to the state that counts.
const DATA: &str = "..data";

/// Brings the volume at `directory` to hold `files`; true where that changed it.
///
/// # Errors
/// When it cannot be written; it is as it was then.
pub(super) fn write(directory: &Path, files: &[File]) -> io::Result<bool> {
    std::fs::create_dir_all(directory)?;
    let old = std::fs::read_link(directory.join(DATA)).ok().map(|state| directory.join(state));
    if let Some(old) = &old
        && holds(old, files)
    {
        return Ok(false);
    }
    let name = Timestamp::now().strftime("..%Y_%m_%d_%H_%M_%S.%9f").to_string();
    let state = directory.join(&name);
    fill(&state, files).inspect_err(|_| drop(std::fs::remove_dir_all(&state)))?;
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

fn fill(state: &Path, files: &[File]) -> io::Result<()> {
    std::fs::create_dir(state)?;
    for file in files {
        let path = state.join(&file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, &file.content)?;
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
    use super::*;

    fn file(path: &str, content: &str) -> File {
        File { path: path.into(), content: content.into(), mode: 0o640 }
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
        assert!(write(directory, &[file("a", "1"), file("deep/b", "2")]).unwrap());
        assert_eq!(std::fs::read_to_string(directory.join("deep/b")).unwrap(), "2");
        assert_eq!(std::fs::metadata(directory.join("a")).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(!write(directory, &[file("a", "1"), file("deep/b", "2")]).unwrap(), "nothing is new");
        assert!(write(directory, &[file("a", "3"), file("c", "4")]).unwrap());
        assert_eq!(std::fs::read_to_string(directory.join("a")).unwrap(), "3");
        assert_eq!(visible(directory), ["a", "c"]);
        let states = std::fs::read_dir(directory).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
        let states = states.filter(|entry| !entry.as_ref().unwrap().path().is_symlink()).count();
        assert_eq!(states, 1, "the old state is gone");
        assert!(write(directory, &[]).unwrap());
        assert!(visible(directory).is_empty());
    }

    #[test]
    fn a_file_that_only_goes_is_a_change() {
        let volume = tempfile::tempdir().unwrap();
        write(volume.path(), &[file("a", "1"), file("b", "2")]).unwrap();
        assert!(write(volume.path(), &[file("a", "1")]).unwrap());
        assert_eq!(visible(volume.path()), ["a"]);
    }
}
