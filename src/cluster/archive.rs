//! Tar archives in memory, as Docker's archive API and image import take them.

use std::io::{self, Write};
use std::path::Path;

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path, without a leading slash.
    pub(crate) path: String,
    /// Its content.
    pub(crate) content: Vec<u8>,
    /// Its mode.
    pub(crate) mode: u32,
}

impl Entry {
    /// A file that only its owner reads.
    pub(crate) fn secret(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o600 }
    }
}

/// An archive of `directories` (path and mode, outermost first) and `entries`, all owned by root.
///
/// # Errors
/// When a path does not fit a tar header.
pub(crate) fn pack(directories: &[(&str, u32)], entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, mode) in directories {
        append_directory(&mut builder, path, *mode)?;
    }
    for entry in entries {
        let mut header = header(tar::EntryType::Regular, entry.mode, entry.content.len() as u64);
        builder.append_data(&mut header, &entry.path, entry.content.as_slice())?;
    }
    builder.into_inner()
}

/// Appends the file at `source` as `path`, executable.
///
/// # Errors
/// When the file cannot be read, or changed its size meanwhile.
pub(crate) fn append_executable<W: Write>(builder: &mut tar::Builder<W>, path: &str, source: &Path) -> io::Result<()> {
    let file = std::fs::File::open(source)?;
    let mut header = header(tar::EntryType::Regular, 0o755, file.metadata()?.len());
    builder.append_data(&mut header, path, file)
}

/// Appends an empty directory.
///
/// # Errors
/// When the archive cannot be written.
pub(crate) fn append_directory<W: Write>(builder: &mut tar::Builder<W>, path: &str, mode: u32) -> io::Result<()> {
    let mut header = header(tar::EntryType::Directory, mode, 0);
    builder.append_data(&mut header, path, io::empty())
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// The files of an archive, by their path.
///
/// # Errors
/// When it is no archive.
pub(crate) fn unpack(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let path = entry.path()?.to_string_lossy().into_owned();
            let mut content = Vec::new();
            io::Read::read_to_end(&mut entry, &mut content)?;
            files.push((path, content));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let entries = [Entry::secret("etc/k8sm/ca.crt", "CA"), Entry::secret("etc/k8sm/kubeconfig", "")];
        let bytes = pack(&[("etc", 0o755), ("etc/k8sm", 0o700)], &entries).unwrap();
        let files = unpack(&bytes).unwrap();
        assert_eq!(files, [("etc/k8sm/ca.crt".into(), b"CA".to_vec()), ("etc/k8sm/kubeconfig".into(), vec![])]);
    }
}
