//! hostPath volumes: a path among the node's own files, never the developer's machine.

use std::fs::FileType;
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};

use k8s_openapi::api::core::v1::HostPathVolumeSource;

use super::inside;

/// Where the volume is, below `root`, made where its type says so.
///
/// # Errors
/// When it leads out of the node's files, or is not what its type says.
pub(super) fn find(source: &HostPathVolumeSource, root: &Path) -> Result<PathBuf, String> {
    let shown = &source.path;
    if Path::new(shown).components().any(|part| part == Component::ParentDir) {
        return Err(format!("hostPath {shown} must not contain \"..\""));
    }
    let below: PathBuf = Path::new(shown).components().filter(|part| matches!(part, Component::Normal(_))).collect();
    std::fs::create_dir_all(root).map_err(|error| error.to_string())?;
    let type_ = source.type_.as_deref().unwrap_or_default();
    let found = inside::find(root, &below)?;
    let is = |test: fn(&FileType) -> bool| {
        let there = found.as_ref().and_then(|found| std::fs::symlink_metadata(root.join(found)).ok());
        there.is_some_and(|there| test(&there.file_type()))
    };
    let (right, what) = match type_ {
        "" => (true, ""),
        "Directory" => (is(FileType::is_dir), "directory"),
        "DirectoryOrCreate" => (found.is_none() || is(FileType::is_dir), "directory"),
        "File" => (is(FileType::is_file), "file"),
        "FileOrCreate" => (found.is_none() || is(FileType::is_file), "file"),
        "Socket" => (is(FileType::is_socket), "socket file"),
        "CharDevice" => (is(FileType::is_char_device), "character device"),
        "BlockDevice" => (is(FileType::is_block_device), "block device"),
        other => return Err(format!("unknown hostPath type {other}")),
    };
    match found {
        _ if !right => Err(format!("hostPath type check failed: {shown} is not a {what}")),
        Some(found) => Ok(found),
        None if type_ == "FileOrCreate" => {
            let (directory, name) = (below.parent().unwrap_or(Path::new("")), below.file_name().unwrap_or_default());
            let parent =
                inside::find(root, directory)?.ok_or_else(|| format!("{shown}: its directory does not exist"))?;
            let file = parent.join(name);
            std::fs::File::create_new(root.join(&file)).map_err(|error| format!("{shown}: {error}"))?;
            Ok(file)
        }
        None => inside::resolve(root, &below.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_path_stays_inside_the_nodes_files_and_is_what_it_says() {
        let directory = tempfile::tempdir().unwrap();
        let find = |path: &str, type_: &str| {
            let source = HostPathVolumeSource { path: path.into(), type_: Some(type_.into()) };
            super::find(&source, directory.path())
        };
        assert_eq!(find("/data/x", ""), Ok("data/x".into()));
        assert!(directory.path().join("data/x").is_dir());
        assert!(find("/../etc", "").is_err());
        let refused = find("/missing", "Directory").unwrap_err();
        assert_eq!(refused, "hostPath type check failed: /missing is not a directory");
        assert_eq!(find("/", ""), Ok("".into()));
        assert_eq!(find("/data/file", "FileOrCreate"), Ok("data/file".into()));
        assert_eq!(find("/data/file", ""), Ok("data/file".into()), "a file is mounted as such");
        assert!(find("/data/file", "DirectoryOrCreate").is_err() && find("/none/file", "FileOrCreate").is_err());
        let socket = std::os::unix::net::UnixListener::bind(directory.path().join("socket")).unwrap();
        assert_eq!(find("/socket", "Socket"), Ok("socket".into()));
        drop(socket);
        std::os::unix::fs::symlink("/etc", directory.path().join("out")).unwrap();
        assert!(find("/out", "").is_err() && find("/out/passwd", "File").is_err() && find("/out/new", "").is_err());
    }
}
