//! The lock that kubectl takes as well: `<file>.lock`, made exclusively.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long another program may hold it: writing a kubeconfig takes milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A held lock; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Lock(PathBuf);

impl Lock {
    /// Takes the lock of `file`, whose directory must be there.
    ///
    /// # Errors
    /// A failure of the environment: the directory cannot be written, or somebody holds the lock for too long.
    pub(crate) fn take(file: &Path) -> Result<Self, Failure> {
        Self::take_within(file, PATIENCE)
    }

    /// The same, where it may be held for that long.
    ///
    /// # Errors
    /// As `take`.
    pub(super) fn take_within(file: &Path, patience: Duration) -> Result<Self, Failure> {
        let mut path = file.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let what = || format!("lock kubeconfig {} by {}", file.display(), path.display());
        let deadline = Instant::now() + patience;
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut made) => {
                    // Only for whoever finds it; kubectl leaves it empty.
                    let _ = write!(made, "{}", std::process::id());
                    return Ok(Self(path));
                }
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(Failure::environment(what()).because(error).hint("may this user write there?"));
                }
                Err(_) if holder_is_gone(&path) => {
                    let _ = std::fs::remove_file(&path);
                }
                Err(_) if Instant::now() >= deadline => {
                    return Err(Failure::environment(format!("{}: another program holds it", what()))
                        .hint(format!("where none runs, remove {}", path.display())));
                }
                // A file that goes away tells nobody without inotify, which network file systems lack.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether the lock was left by a k8sm that ended without giving it back.
fn holder_is_gone(path: &Path) -> bool {
    let holder = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<u32>().ok());
    holder.is_some_and(|pid| Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        let lock = Lock::take(&file).unwrap();
        assert!(Lock::take_within(&file, Duration::ZERO).is_err());
        drop(lock);
        assert!(Lock::take_within(&file, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_lock_of_nobody_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        // No process has this number: Linux stops at 2^22.
        std::fs::write(directory.path().join("config.lock"), "4194305").unwrap();
        assert!(Lock::take_within(&file, Duration::from_secs(1)).is_ok());
        std::fs::write(directory.path().join("config.lock"), "").unwrap();
        assert!(Lock::take_within(&file, Duration::ZERO).is_err());
    }
}
