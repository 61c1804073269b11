//! Where things lie below the work directory (reference, section 5.10): sandboxes that frameworks and people look for by
//! name, and beside them what the agent itself must find again after it died.

use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// One run of an executor on this agent, by the IDs that name its directories.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) agent: String,
    pub(crate) framework: String,
    pub(crate) executor: String,
    pub(crate) container: String,
}

/// The work directory.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    root: PathBuf,
}

impl Paths {
    pub(crate) fn new(work_dir: impl Into<PathBuf>) -> Self {
        Self { root: work_dir.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The directory that holds what is needed to recover.
    pub(crate) fn meta(&self) -> PathBuf {
        self.root.join("meta")
    }

    pub(crate) fn boot_id(&self) -> PathBuf {
        self.meta().join("boot_id")
    }

    /// A symlink to the directory of the agent's current ID.
    pub(crate) fn latest_agent(&self) -> PathBuf {
        self.meta().join("slaves/latest")
    }

    pub(crate) fn meta_agent(&self, agent: &str) -> PathBuf {
        self.meta().join("slaves").join(agent)
    }

    pub(crate) fn meta_framework(&self, agent: &str, framework: &str) -> PathBuf {
        self.meta_agent(agent).join("frameworks").join(framework)
    }

    pub(crate) fn meta_executor(&self, run: &Run) -> PathBuf {
        self.meta_framework(&run.agent, &run.framework).join("executors").join(&run.executor)
    }

    pub(crate) fn meta_run(&self, run: &Run) -> PathBuf {
        self.meta_executor(run).join("runs").join(&run.container)
    }

    pub(crate) fn meta_task(&self, run: &Run, task: &str) -> PathBuf {
        self.meta_run(run).join("tasks").join(task)
    }

    /// The directory in which the executor runs.
    pub(crate) fn sandbox(&self, run: &Run) -> PathBuf {
        let executor = self.root.join("slaves").join(&run.agent).join("frameworks").join(&run.framework);
        executor.join("executors").join(&run.executor).join("runs").join(&run.container)
    }

    /// Makes the sandbox, for its owner and group alone, and points `latest` at it.
    pub(crate) fn create_sandbox(&self, run: &Run) -> io::Result<PathBuf> {
        let sandbox = self.sandbox(run);
        let runs = sandbox.parent().unwrap_or(&self.root);
        std::fs::DirBuilder::new().recursive(true).create(runs)?;
        match std::fs::DirBuilder::new().mode(0o750).create(&sandbox) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        link_latest(&runs.join("latest"), &sandbox)?;
        Ok(sandbox)
    }
}

/// Points the symlink `link` at `target`, in one step: whoever reads it meanwhile finds the old one or the new.
pub(crate) fn link_latest(link: &Path, target: &Path) -> io::Result<()> {
    let temporary = link.with_extension("new");
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(target, &temporary)?;
    std::fs::rename(&temporary, link)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_sandbox_is_private_and_the_latest_is_linked() {
        let work = tempfile::tempdir().unwrap();
        let paths = Paths::new(work.path());
        let run = |container: &str| Run {
            agent: "S1".into(),
            framework: "F".into(),
            executor: "e 1".into(),
            container: container.into(),
        };
        paths.create_sandbox(&run("c1")).unwrap();
        let sandbox = paths.create_sandbox(&run("c2")).unwrap();
        assert!(sandbox.ends_with("slaves/S1/frameworks/F/executors/e 1/runs/c2"));
        assert_eq!(std::fs::metadata(&sandbox).unwrap().permissions().mode() & 0o777, 0o750);
        assert_eq!(std::fs::read_link(sandbox.with_file_name("latest")).unwrap(), sandbox);
    }
}
