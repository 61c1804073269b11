//! `km gate`: the first program of a container that mounts a part of a volume which others write to. It looks at what was
//! mounted, and only then becomes the container's own program.
//!
//! The executor resolves a subPath inside its volume, but Docker mounts by path, a moment later. Whoever swaps a directory of
//! the volume for a link in between has something else mounted: here, where nothing of the container has run yet and no mount
//! can change any more, the kernel says what it is (`/proc/self/mountinfo`), and the container ends where it is not the part.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Exit codes, as shells have them.
const REFUSED: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Where the kernel says what is mounted.
pub const MOUNTINFO: &str = "/proc/self/mountinfo";

/// Becomes the program after `--`, if all that stands before, `MOUNT-POINT=PATH`, is mounted from that path of its file system.
#[must_use]
pub fn run(args: Vec<String>) -> ExitCode {
    let (checks, program) = match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args.as_slice(), &[][..]),
    };
    let mountinfo = std::fs::read(MOUNTINFO).unwrap_or_default();
    for check in checks {
        let (at, wanted) = check.split_once('=').unwrap_or((check, ""));
        let there = std::fs::canonicalize(at).unwrap_or_else(|_| PathBuf::from(at));
        let found = mounts(&mountinfo).filter(|mount| mount.at == there).last();
        if found.as_ref().is_none_or(|mount| mount.root != Path::new(wanted)) {
            return end(REFUSED, &format!("the part of a volume at {at} was moved while it was mounted"));
        }
    }
    let Some((name, rest)) = program.split_first() else { return end(REFUSED, "nothing to run") };
    let error = Command::new(name).args(rest).exec();
    match error.kind() {
        std::io::ErrorKind::NotFound if name.contains('/') => {
            end(NOT_FOUND, &format!("exec: \"{name}\": no such file or directory"))
        }
        std::io::ErrorKind::NotFound => {
            end(NOT_FOUND, &format!("exec: \"{name}\": executable file not found in $PATH"))
        }
        _ => end(REFUSED, &format!("exec: \"{name}\": {error}")),
    }
}

/// A container's words are its log.
fn end(code: u8, why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "k8sm: {why}");
    ExitCode::from(code)
}

/// Which path of its file system lies at `path`, as the kernel's list has it.
#[must_use]
pub fn origin(mountinfo: &[u8], path: &Path) -> Option<PathBuf> {
    // of mounts at one place the last counts, and the longest place holds the path
    let holding = mounts(mountinfo).filter(|mount| path.starts_with(&mount.at));
    let mount = holding.max_by_key(|mount| mount.at.components().count())?;
    let rest = path.strip_prefix(&mount.at).ok()?;
    Some(if rest.as_os_str().is_empty() { mount.root } else { mount.root.join(rest) })
}

/// A mount: where it is, and what of its file system it shows.
struct Mount {
    at: PathBuf,
    root: PathBuf,
}

fn mounts(mountinfo: &[u8]) -> impl Iterator<Item = Mount> {
    mountinfo.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ').skip(3);
        let (root, at) = (unescape(fields.next()?), unescape(fields.next()?));
        Some(Mount { at, root })
    })
}

/// A path of the list, in which blanks and backslashes are `\` and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let (mut bytes, mut rest) = (Vec::with_capacity(field.len()), field);
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// The word by which [`run`] is told of a mount.
#[must_use]
pub fn word(at: &str, root: &Path) -> Option<String> {
    let root = std::str::from_utf8(OsStr::as_bytes(root.as_os_str())).ok()?;
    Some(format!("{at}={root}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &[u8] = b"22 1 254:0 / / rw - ext4 /dev/vda rw\n\
        30 22 254:0 /volumes/a/_data /var/lib/k8sm rw - ext4 /dev/vda rw\n\
        31 22 254:0 /volumes/a/_data/pods/with\\040blank /m rw - ext4 /dev/vda rw\n\
        32 22 254:0 /etc /m rw - ext4 /dev/vda rw\n";

    #[test]
    fn a_path_is_told_by_its_file_system() {
        let at = |path: &str| origin(LIST, Path::new(path));
        assert_eq!(at("/var/lib/k8sm/pods/u"), Some("/volumes/a/_data/pods/u".into()));
        assert_eq!(at("/var/lib/k8sm"), Some("/volumes/a/_data".into()));
        assert_eq!(at("/home"), Some("/home".into()));
        assert_eq!(at("/m"), Some("/etc".into()), "the last one covers those before");
        let first = mounts(LIST).find(|mount| mount.at == Path::new("/m")).unwrap();
        assert_eq!(first.root, Path::new("/volumes/a/_data/pods/with blank"));
        assert_eq!(origin(b"nonsense", Path::new("/")), None);
    }

    #[test]
    fn what_is_mounted_otherwise_is_not_run() {
        let refused = run(vec!["/no/such/mount=/x".into(), "--".into(), "true".into()]);
        assert_eq!(format!("{refused:?}"), format!("{:?}", ExitCode::from(REFUSED)));
        let missing = run(vec!["--".into(), "/no/such/program".into()]);
        assert_eq!(format!("{missing:?}"), format!("{:?}", ExitCode::from(NOT_FOUND)));
    }
}
