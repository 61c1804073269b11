//! Which shared libraries an executable needs, read from its ELF headers as the dynamic linker does.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// What one ELF file says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Dynamic {
    /// The dynamic linker, where it is no static executable.
    interpreter: Option<String>,
    /// Names of the libraries.
    needed: Vec<String>,
}

/// Where the dynamic linker of Debian, Fedora and Alpine looks, in this order.
const DIRECTORIES: &[&str] = &[
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    "/usr/local/lib",
];

/// The files that `executable` needs to run, itself not among them: linker and libraries, at the paths under which
/// they are looked for.
///
/// # Errors
/// When a file is no ELF file of 64 bits, or a library is in none of the usual directories.
pub(crate) fn libraries(executable: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![executable.to_owned()];
    while let Some(file) = open.pop() {
        let dynamic = parse(&std::fs::read(&file)?)
            .ok_or_else(|| io::Error::other(format!("{} is no ELF file of 64 bits", file.display())))?;
        let interpreter = dynamic.interpreter.map(PathBuf::from);
        let libraries = dynamic.needed.iter().map(|name| locate(name)).collect::<io::Result<Vec<_>>>()?;
        for path in interpreter.into_iter().chain(libraries) {
            // The linker is named by a path and as a library: it must lie at both.
            if found.insert(path.clone()) {
                open.push(path);
            }
        }
    }
    Ok(found.into_iter().collect())
}

fn locate(name: &str) -> io::Result<PathBuf> {
    let paths = DIRECTORIES.iter().map(|directory| Path::new(directory).join(name));
    paths
        .into_iter()
        .find(|path| path.exists())
        .ok_or_else(|| io::Error::other(format!("shared library {name} is in none of the usual directories")))
}

/// Reads the program headers of a little-endian ELF64 file; none where it is no such file.
fn parse(file: &[u8]) -> Option<Dynamic> {
    const INTERPRETER: u32 = 3;
    const DYNAMIC: u32 = 2;
    const LOAD: u32 = 1;
    if file.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let (start, size, count) = (number(file, 32, 8)?, number(file, 54, 2)?, number(file, 56, 2)?);
    let mut headers = Vec::new();
    for index in 0..count {
        let at = start.checked_add(index.checked_mul(size)?)?;
        let kind = u32::try_from(number(file, at, 4)?).ok()?;
        headers.push((kind, number(file, at + 8, 8)?, number(file, at + 16, 8)?, number(file, at + 32, 8)?));
    }
    let mut dynamic = Dynamic::default();
    for (kind, offset, _, length) in &headers {
        match *kind {
            INTERPRETER => dynamic.interpreter = text(file, *offset),
            DYNAMIC => {
                // Addresses in the table are of memory: a segment says where in the file they lie.
                let in_file = |address: u64| {
                    headers
                        .iter()
                        .filter(|(kind, ..)| *kind == LOAD)
                        .find(|(_, _, start, length)| (*start..start.saturating_add(*length)).contains(&address))
                        .map(|(_, offset, start, _)| address - start + offset)
                };
                dynamic.needed = needed(file, *offset, *length, in_file)?;
            }
            _ => {}
        }
    }
    Some(dynamic)
}

/// The names that a dynamic section of `length` bytes at `offset` lists.
fn needed(file: &[u8], offset: u64, length: u64, in_file: impl Fn(u64) -> Option<u64>) -> Option<Vec<String>> {
    const NEEDED: u64 = 1;
    const STRINGS: u64 = 5;
    let entries = (0..length / 16).map_while(|index| {
        let at = offset + index * 16;
        let (tag, value) = (number(file, at, 8)?, number(file, at + 8, 8)?);
        (tag != 0).then_some((tag, value))
    });
    let entries: Vec<(u64, u64)> = entries.collect();
    let strings = entries.iter().find(|(tag, _)| *tag == STRINGS).and_then(|(_, address)| in_file(*address));
    let names = entries.iter().filter(|(tag, _)| *tag == NEEDED);
    names.map(|(_, name)| text(file, strings?.checked_add(*name)?)).collect()
}

/// A little-endian number of `size` bytes.
fn number(file: &[u8], at: u64, size: usize) -> Option<u64> {
    let at = usize::try_from(at).ok()?;
    let bytes = file.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The text that ends with a zero.
fn text(file: &[u8], at: u64) -> Option<String> {
    let rest = file.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_executable_s_libraries_are_found() {
        // The shell of every Linux machine that can build this is linked dynamically.
        let libraries = libraries(Path::new("/bin/sh")).unwrap();
        let named = |part: &str| libraries.iter().any(|path| path.to_string_lossy().contains(part));
        assert!(named("libc.") && named("ld-"), "{libraries:?}");
        assert!(libraries.iter().all(|path| path.exists()));
    }

    #[test]
    fn what_is_no_executable_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for content in [&b""[..], b"#!/bin/sh", b"\x7fELF\x02\x01", &[0xff; 64]] {
            std::fs::write(file.path(), content).unwrap();
            assert!(libraries(file.path()).is_err());
        }
    }

    #[test]
    fn a_header_that_points_nowhere_is_refused() {
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.resize(64, 0xff);
        assert_eq!(parse(&file), None);
    }
}
