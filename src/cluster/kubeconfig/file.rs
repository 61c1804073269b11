//! The file on disk: chosen as kubectl does, changed under its lock, replaced by rename.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_yaml::Value;

use super::entry::{self, Access, Memory};
use super::lock::{self, Lock};
use super::merge::merge;
use super::unmerge::{Unmerged, unmerge};
use crate::cluster::name::ClusterName;
use crate::failure::Failure;

/// A kubeconfig that is to hold our cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File(PathBuf);

/// What taking a cluster out of a file did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was not in it.
    Untouched,
    /// It is out of it.
    Restored,
}

/// The files that kubectl would read: `--kubeconfig`, those of `KUBECONFIG`, `~/.kube/config`.
///
/// # Errors
/// A failure of the environment where there is no home directory to look in.
pub(crate) fn candidates(named: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    if let Some(named) = named {
        return Ok(vec![named.to_owned()]);
    }
    let listed = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty());
    let files: Vec<PathBuf> = listed
        .map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if !files.is_empty() {
        return Ok(files);
    }
    let home = dirs::home_dir().ok_or_else(|| {
        Failure::environment("there is no home directory for the kubeconfig").hint("name a file with --kubeconfig")
    })?;
    Ok(vec![home.join(".kube/config")])
}

impl File {
    /// The file that holds the context already, or the first one that is there, or the last of the list, as kubectl does.
    ///
    /// # Errors
    /// As `candidates`.
    pub(crate) fn choose(named: Option<&Path>, context: &str) -> Result<Self, Failure> {
        let files = candidates(named)?;
        let holds = |path: &PathBuf| {
            let text = fs::read_to_string(path).ok();
            let value = text.and_then(|text| serde_yaml::from_str::<Value>(&text).ok()).unwrap_or_default();
            entry::find(&value, "contexts", context).is_some()
        };
        let chosen = files.iter().find(|path| holds(path)).or_else(|| files.iter().find(|path| path.exists()));
        let chosen = chosen.or(files.last()).cloned().unwrap_or_default();
        // A link stays a link: what it points to is replaced.
        Ok(Self(fs::canonicalize(&chosen).unwrap_or(chosen)))
    }

    /// Checks, before anything is made, that `merge` will do.
    ///
    /// # Errors
    /// A failure of the environment where the file is broken, cannot be written or is locked by somebody; a conflict where it
    /// has a context of ours that is somebody else's.
    pub(crate) fn check(&self, cluster: &ClusterName) -> Result<(), Failure> {
        self.check_within(cluster, lock::PATIENCE)
    }

    fn check_within(&self, cluster: &ClusterName, patience: Duration) -> Result<(), Failure> {
        let text = self.read()?.unwrap_or_default();
        self.owned(&text, &cluster.context())?;
        let unwritable = |reason: std::io::Error| {
            Failure::environment(format!("write kubeconfig {self}"))
                .because(reason)
                .hint("name another one with --kubeconfig, or set KUBECONFIG")
        };
        if fs::metadata(&self.0).is_ok_and(|meta| meta.permissions().readonly()) {
            return Err(unwritable(ErrorKind::PermissionDenied.into()));
        }
        // The nearest directory that is there must take a new file.
        let directory = self.0.ancestors().skip(1).find(|path| path.is_dir() || path.as_os_str().is_empty());
        let directory = directory.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let probe = directory.join(format!(".k8sm-{}", std::process::id()));
        fs::OpenOptions::new().write(true).create_new(true).open(&probe).map_err(unwritable)?;
        fs::remove_file(&probe).map_err(unwritable)?;
        // A lock that nobody gives back would cost the cluster that is made meanwhile. Without a directory there is none.
        if self.directory().is_dir() { Lock::take_within(&self.0, patience).map(drop) } else { Ok(()) }
    }

    /// The directory that the file is in.
    fn directory(&self) -> &Path {
        let parent = self.0.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new("."))
    }

    /// Puts the cluster in, and makes it current where it is new in the file. Gives whether the file changed.
    ///
    /// # Errors
    /// As `check`.
    pub(crate) fn merge(&self, access: &Access) -> Result<bool, Failure> {
        self.put(access, |_| true)
    }

    /// The same, and makes it current wherever it is not.
    ///
    /// # Errors
    /// As `check`.
    pub(crate) fn merge_as_current(&self, access: &Access) -> Result<bool, Failure> {
        self.put(access, |current| current == Some(&access.name))
    }

    /// Puts the cluster in, unless the file says all of it already and which context is current is `settled`.
    fn put(&self, access: &Access, settled: impl Fn(Option<&str>) -> bool) -> Result<bool, Failure> {
        let created = self.make_directory()?;
        let _lock = Lock::take(&self.0)?;
        let found = self.read()?;
        let text = found.clone().unwrap_or_default();
        let ours = self.owned(&text, &access.name)?;
        if let Some(memory) = &ours
            && is_unchanged(&text, access, memory, settled)
        {
            return Ok(false);
        }
        // An entry of an earlier cluster of that name goes first: what it remembers holds for this one too.
        let before = match ours.as_ref().and_then(|_| unmerge(&text, &access.name)) {
            Some(Unmerged::Text(before)) => before,
            Some(Unmerged::Nothing { .. }) => String::new(),
            None => text,
        };
        let memory = Memory {
            created: match (&ours, &found, created) {
                (Some(memory), ..) => memory.created.clone(),
                (None, Some(_), _) => None,
                (None, None, true) => Some("directory".to_owned()),
                (None, None, false) => Some("file".to_owned()),
            },
            mode: match &ours {
                Some(memory) => memory.mode.clone(),
                None => fs::metadata(&self.0).ok().map(|meta| format!("{:o}", meta.permissions().mode() & 0o7777)),
            },
            ..Memory::default()
        };
        self.write(&merge(&before, access, memory), 0o600)?;
        Ok(true)
    }

    /// Takes the cluster out, and gives the file back as it was.
    ///
    /// # Errors
    /// A failure of the environment where the file cannot be read or written.
    pub(crate) fn unmerge(&self, context: &str) -> Result<Outcome, Failure> {
        // A file that holds nothing of ours is none of our business, whether it can be locked and parsed or not.
        if self.remembered(context)?.is_none() {
            return Ok(Outcome::Untouched);
        }
        let lock = Lock::take(&self.0)?;
        let Some((text, memory)) = self.remembered(context)? else { return Ok(Outcome::Untouched) };
        match unmerge(&text, context) {
            None => return Ok(Outcome::Untouched),
            Some(Unmerged::Text(text)) => {
                let mode = memory.mode.as_deref().and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(0o600);
                self.write(&text, mode)?;
            }
            Some(Unmerged::Nothing { directory }) => {
                let failed = |error| Failure::environment(format!("remove kubeconfig {self}")).because(error);
                fs::remove_file(&self.0).map_err(failed)?;
                drop(lock);
                if let Some(parent) = self.0.parent().filter(|_| directory) {
                    // It stays where somebody put something else into it.
                    let _ = fs::remove_dir(parent);
                }
            }
        }
        Ok(Outcome::Restored)
    }

    /// The file's text and the memory of our context in it; none where it holds nothing of ours.
    fn remembered(&self, context: &str) -> Result<Option<(String, Memory)>, Failure> {
        let Some(text) = self.read()?.filter(|text| text.contains(entry::EXTENSION)) else { return Ok(None) };
        let value: Value = serde_yaml::from_str(&text).map_err(|error| self.broken(&error.to_string()))?;
        let memory = entry::find(&value, "contexts", context).and_then(entry::memory);
        Ok(memory.map(|memory| (text, memory)))
    }

    /// The memory of our context; a conflict where the file has one of that name that is not ours.
    fn owned(&self, text: &str, context: &str) -> Result<Option<Memory>, Failure> {
        let value: Value = serde_yaml::from_str(text).map_err(|error| self.broken(&error.to_string()))?;
        if !value.is_null() && !value.is_mapping() {
            return Err(self.broken("it is no mapping"));
        }
        let sections = super::SECTIONS.into_iter().filter(|section| value.get(section).is_some());
        for section in sections {
            if !value[section].is_null() && !value[section].is_sequence() {
                return Err(self.broken(&format!("{section} is no list")));
            }
        }
        let memory = entry::find(&value, "contexts", context).map(entry::memory);
        let other = super::SECTIONS.into_iter().find(|section| entry::find(&value, section, context).is_some());
        match (memory, other) {
            (Some(Some(memory)), _) => Ok(Some(memory)),
            (_, None) => Ok(None),
            (_, Some(section)) => Err(Failure::conflict(format!(
                "kubeconfig {self} has {context} among its {section} already, and k8sm did not write it"
            ))
            .hint("choose another cluster name with --name, or another file with --kubeconfig")),
        }
    }

    fn broken(&self, why: &str) -> Failure {
        Failure::environment(format!("kubeconfig {self} is broken: {why}"))
            .hint("repair it, or name another one with --kubeconfig; it was not changed")
    }

    fn read(&self) -> Result<Option<String>, Failure> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(self.broken("it is not UTF-8")),
            Err(error) => Err(Failure::environment(format!("read kubeconfig {self}"))
                .because(error)
                .hint("name another one with --kubeconfig")),
        }
    }

    /// Makes the file's directory where it is not there; gives whether it did.
    fn make_directory(&self) -> Result<bool, Failure> {
        if self.directory().exists() {
            return Ok(false);
        }
        let made = fs::create_dir_all(self.directory());
        made.map(|()| true)
            .map_err(|error| Failure::environment(format!("make the directory of kubeconfig {self}")).because(error))
    }

    /// Gives `beside`, which takes the file's place, to the file's owner: under sudo it would be root's. Whoever may not give
    /// files away is the owner, but for a group that he is not in.
    fn keep_owner(&self, beside: &fs::File) -> std::io::Result<()> {
        let Ok(before) = fs::metadata(&self.0) else { return Ok(()) };
        match fchown(beside, Some(before.uid()), Some(before.gid())) {
            Err(error) if error.kind() != ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes beside the file and renames: whoever reads meanwhile sees the old one or the new one.
    fn write(&self, text: &str, mode: u32) -> Result<(), Failure> {
        let mut beside = self.0.as_os_str().to_owned();
        beside.push(format!(".k8sm-{}", std::process::id()));
        let beside = PathBuf::from(beside);
        let written = || {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            self.keep_owner(&file)?;
            // The umask does not have a say in what the user had before.
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.sync_all()?;
            fs::rename(&beside, &self.0)
        };
        written().map_err(|error| {
            let _ = fs::remove_file(&beside);
            Failure::environment(format!("write kubeconfig {self}")).because(error).hint("it was not changed")
        })
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

/// Whether the file says of the cluster what `access` says, and which context is current is `settled`.
fn is_unchanged(text: &str, access: &Access, memory: &Memory, settled: impl Fn(Option<&str>) -> bool) -> bool {
    let value: Value = serde_yaml::from_str(text).unwrap_or_default();
    let current = value.get("current-context").and_then(Value::as_str);
    settled(current)
        && super::SECTIONS.into_iter().all(|section| {
            entry::find(&value, section, &access.name).is_some_and(|found| *found == access.entry(section, memory))
        })
}

#[cfg(test)]
mod tests;
