//! What outlives the agent's process: written as it happens, read when an agent starts (reference, sections 5.9, 5.10).
//!
//! Files lie where Mesos has them and hold JSON: an agent of Apache Mesos cannot take them over. A file is whole or not
//! there, but for `task.updates`, of which a torn last line is what a killed agent leaves: it was not acknowledged, and is
//! cut off when it is read, so that what is appended later is a line of its own.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mesos::{AgentID, AgentInfo, Bytes, ExecutorInfo, FrameworkInfo, TaskInfo, TaskStatus};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::effect::Record;
use super::paths::{Paths, Run, link_latest};
use super::process::{Identity, boot_id};

/// Why the agent cannot keep or find what it needs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to write {0}")]
    Write(PathBuf, #[source] io::Error),
    #[error("failed to read {0}")]
    Read(PathBuf, #[source] io::Error),
    #[error("{0} is damaged; an agent starts anew where it is removed")]
    Damaged(PathBuf, #[source] serde_json::Error),
}

/// What an earlier life of the agent left.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) agent: Option<AgentID>,
    pub(crate) frameworks: Vec<RecoveredFramework>,
    /// Things that could not be read, and were left out.
    pub(crate) errors: u64,
}

#[derive(Debug)]
pub(crate) struct RecoveredFramework {
    pub(crate) info: FrameworkInfo,
    pub(crate) executors: Vec<RecoveredExecutor>,
}

#[derive(Debug)]
pub(crate) struct RecoveredExecutor {
    pub(crate) info: ExecutorInfo,
    pub(crate) run: Run,
    pub(crate) is_command: bool,
    /// Its process, if one was started; it may have ended since.
    pub(crate) process: Option<Identity>,
    /// Was its end seen?
    pub(crate) is_terminated: bool,
    pub(crate) tasks: Vec<RecoveredTask>,
}

#[derive(Debug)]
pub(crate) struct RecoveredTask {
    pub(crate) info: TaskInfo,
    pub(crate) updates: Vec<TaskStatus>,
    pub(crate) acknowledged: Vec<Bytes>,
}

/// `executor.info`.
#[derive(Serialize, Deserialize)]
struct ExecutorFile {
    info: ExecutorInfo,
    is_command: bool,
}

/// A line of `task.updates`.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "UPPERCASE")]
enum UpdateLine {
    Update { status: Box<TaskStatus> },
    Ack { uuid: Bytes },
}

/// Where an executor's process says who it is, before it becomes the executor.
pub(crate) fn pid_file(paths: &Paths, run: &Run) -> PathBuf {
    paths.meta_run(run).join("pids/forked.pid")
}

/// Keeps the agent's ID, and makes it the one that the next life takes up.
pub(crate) fn store_agent(paths: &Paths, info: &AgentInfo) -> Result<(), Error> {
    let Some(id) = &info.id else { return Ok(()) };
    let directory = paths.meta_agent(id.as_str());
    write(&directory.join("slave.info"), info)?;
    link_latest(&paths.latest_agent(), &directory).map_err(|error| Error::Write(paths.latest_agent(), error))
}

/// Keeps one fact.
pub(crate) fn store(paths: &Paths, record: &Record) -> Result<(), Error> {
    match record {
        Record::Framework { agent, info } => {
            let id = info.id.as_ref().map(ToString::to_string).unwrap_or_default();
            write(&paths.meta_framework(agent, &id).join("framework.info"), info)
        }
        Record::Executor { run, info, is_command } => {
            let file = ExecutorFile { info: (**info).clone(), is_command: *is_command };
            write(&paths.meta_executor(run).join("executor.info"), &file)?;
            let pids = paths.meta_run(run).join("pids");
            fs::create_dir_all(&pids).map_err(|error| Error::Write(pids, error))?;
            let latest = paths.meta_executor(run).join("runs/latest");
            link_latest(&latest, &paths.meta_run(run)).map_err(|error| Error::Write(latest, error))
        }
        Record::Subscribed(run) => mark(&paths.meta_run(run).join("http.marker")),
        Record::Terminated(run) => mark(&paths.meta_run(run).join("executor.sentinel")),
        Record::Task { run, task } => write(&paths.meta_task(run, task.task_id.as_str()).join("task.info"), task),
        Record::Update { run, task, status } => {
            append(&paths.meta_task(run, task.as_str()), &UpdateLine::Update { status: status.clone() })
        }
        Record::Acknowledged { run, task, uuid } => {
            append(&paths.meta_task(run, task.as_str()), &UpdateLine::Ack { uuid: uuid.clone() })
        }
        Record::ForgetRun(run) => remove(&paths.meta_executor(run)),
        Record::ForgetFramework { agent, framework } => remove(&paths.meta_framework(agent, framework)),
    }
}

/// Reads all there is. What is not whole is left out with a warning: the master tells what it misses.
///
/// # Errors
/// Only where the agent's own ID cannot be read: going on would make its tasks another agent's.
pub(crate) fn read(paths: &Paths) -> Result<Recovered, Error> {
    let mut recovered = Recovered::default();
    let boot_then = fs::read_to_string(paths.boot_id()).map(|id| id.trim().to_owned()).unwrap_or_default();
    write_whole(&paths.boot_id(), boot_id().as_bytes())?;
    let Some(info) = read_json::<AgentInfo>(&paths.latest_agent().join("slave.info"))? else { return Ok(recovered) };
    let Some(agent) = info.id else { return Ok(recovered) };
    for framework in names(&paths.meta_agent(agent.as_str()).join("frameworks")) {
        let directory = paths.meta_framework(agent.as_str(), &framework);
        let Some(info) = tolerant(read_json(&directory.join("framework.info")), &mut recovered.errors) else {
            continue;
        };
        let executors = names(&directory.join("executors")).into_iter().filter_map(|executor| {
            let name =
                Run { agent: agent.to_string(), framework: framework.clone(), executor, container: String::new() };
            tolerant(read_executor(paths, name, &boot_then), &mut recovered.errors)
        });
        let executors = executors.collect();
        recovered.frameworks.push(RecoveredFramework { info, executors });
    }
    recovered.agent = Some(agent);
    Ok(recovered)
}

/// The latest run of an executor.
fn read_executor(paths: &Paths, mut run: Run, boot_then: &str) -> Result<Option<RecoveredExecutor>, Error> {
    let directory = paths.meta_executor(&run);
    let Some(file) = read_json::<ExecutorFile>(&directory.join("executor.info"))? else { return Ok(None) };
    let latest = fs::read_link(directory.join("runs/latest")).ok();
    let Some(container) = latest.as_ref().and_then(|path| path.file_name()?.to_str()) else { return Ok(None) };
    run.container = container.to_owned();
    let meta = paths.meta_run(&run);
    let process = fs::read_to_string(pid_file(paths, &run)).ok();
    let mut tasks = Vec::new();
    for task in names(&meta.join("tasks")) {
        let directory = meta.join("tasks").join(&task);
        let Some(info) = read_json(&directory.join("task.info"))? else { continue };
        let (updates, acknowledged) = read_updates(&directory.join("task.updates"))?;
        tasks.push(RecoveredTask { info, updates, acknowledged });
    }
    Ok(Some(RecoveredExecutor {
        info: file.info,
        is_command: file.is_command,
        process: process.and_then(|stat| Identity::from_stat(&stat, boot_then)),
        is_terminated: meta.join("executor.sentinel").exists(),
        run,
        tasks,
    }))
}

/// Updates and acknowledgements in their order, up to the first line that is not whole. From there on the file is cut.
fn read_updates(path: &Path) -> Result<(Vec<TaskStatus>, Vec<Bytes>), Error> {
    let (mut updates, mut acknowledged, mut whole) = (Vec::new(), Vec::new(), 0);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((updates, acknowledged)),
        Err(error) => return Err(Error::Read(path.to_owned(), error)),
    };
    for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        match serde_json::from_slice(line) {
            Ok(UpdateLine::Update { status }) => updates.push(*status),
            Ok(UpdateLine::Ack { uuid }) => acknowledged.push(uuid),
            Err(_) => break,
        }
        whole += line.len();
    }
    if whole < bytes.len() {
        tracing::warn!(path = %path.display(), "cutting off {} bytes that are no whole line", bytes.len() - whole);
        let cut = OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(whole as u64));
        cut.map_err(|error| Error::Write(path.to_owned(), error))?;
    }
    Ok((updates, acknowledged))
}

/// What was read, or nothing with a warning.
fn tolerant<T>(outcome: Result<Option<T>, Error>, errors: &mut u64) -> Option<T> {
    outcome.unwrap_or_else(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "leaving out what cannot be recovered");
        *errors += 1;
        None
    })
}

/// Names of the directories in `directory`; none if it is not there. Symlinks are other names of the same.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::Damaged(path.to_owned(), error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Read(path.to_owned(), error)),
    }
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    write_whole(path, &mesos::json::to_vec(value))
}

/// Writes a file that is whole or not there, even if the power fails. It may hold secrets of commands: 0600.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), Error> {
    let temporary = path.with_extension("new");
    let attempt = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        let mut file = private(OpenOptions::new().truncate(true)).open(&temporary)?;
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    };
    attempt().map_err(|error| Error::Write(path.to_owned(), error))
}

fn append(task: &Path, line: &UpdateLine) -> Result<(), Error> {
    let path = task.join("task.updates");
    let mut bytes = mesos::json::to_vec(line);
    bytes.push(b'\n');
    let attempt = || {
        fs::create_dir_all(task)?;
        let mut file = private(OpenOptions::new().append(true)).open(&path)?;
        file.write_all(&bytes)?;
        file.sync_data()
    };
    attempt().map_err(|error| Error::Write(path.clone(), error))
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.create(true).write(true).mode(0o600)
}

/// An empty file that says something by being there.
fn mark(path: &Path) -> Result<(), Error> {
    let attempt = || fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).and_then(|()| File::create(path));
    attempt().map(|_| ()).map_err(|error| Error::Write(path.to_owned(), error))
}

fn remove(directory: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::Write(directory.to_owned(), error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos::{TaskID, TaskState};

    fn run() -> Run {
        Run { agent: "a-S0".into(), framework: "f-1".into(), executor: "e".into(), container: "c".into() }
    }

    fn status(state: TaskState, uuid: u8) -> Box<TaskStatus> {
        Box::new(TaskStatus { task_id: "t".into(), state, uuid: Some(Bytes(vec![uuid; 16])), ..TaskStatus::default() })
    }

    /// A work directory with one executor that has one task with two updates, the first of them acknowledged.
    fn filled(paths: &Paths) {
        let agent = AgentInfo { id: Some("a-S0".into()), ..AgentInfo::default() };
        store_agent(paths, &agent).unwrap();
        let framework = FrameworkInfo { id: Some("f-1".into()), checkpoint: true, ..FrameworkInfo::default() };
        let executor = ExecutorInfo { executor_id: "e".into(), ..ExecutorInfo::default() };
        let task = TaskInfo { task_id: "t".into(), ..TaskInfo::default() };
        let id = TaskID::from("t");
        for record in [
            Record::Framework { agent: "a-S0".into(), info: Box::new(framework) },
            Record::Executor { run: run(), info: Box::new(executor), is_command: false },
            Record::Task { run: run(), task: Box::new(task) },
            Record::Update { run: run(), task: id.clone(), status: status(TaskState::Starting, 1) },
            Record::Acknowledged { run: run(), task: id.clone(), uuid: Bytes(vec![1; 16]) },
            Record::Update { run: run(), task: id, status: status(TaskState::Running, 2) },
        ] {
            store(paths, &record).unwrap();
        }
    }

    #[test]
    fn what_is_stored_is_read() {
        let work = tempfile::tempdir().unwrap();
        let paths = Paths::new(work.path());
        assert!(read(&paths).unwrap().agent.is_none());
        filled(&paths);
        let recovered = read(&paths).unwrap();
        assert_eq!((recovered.agent, recovered.errors), (Some("a-S0".into()), 0));
        let executor = &recovered.frameworks[0].executors[0];
        assert_eq!((&executor.run, executor.is_terminated), (&run(), false));
        assert_eq!(executor.tasks[0].updates.len(), 2);
        assert_eq!(executor.tasks[0].acknowledged, [Bytes(vec![1; 16])]);
        store(&paths, &Record::Terminated(run())).unwrap();
        assert!(read(&paths).unwrap().frameworks[0].executors[0].is_terminated);
        store(&paths, &Record::ForgetRun(run())).unwrap();
        assert!(read(&paths).unwrap().frameworks[0].executors.is_empty());
    }

    #[test]
    fn a_torn_line_and_a_damaged_framework_are_left_out() {
        let work = tempfile::tempdir().unwrap();
        let paths = Paths::new(work.path());
        filled(&paths);
        let updates = paths.meta_task(&run(), "t").join("task.updates");
        let mut file = OpenOptions::new().append(true).open(updates).unwrap();
        file.write_all(b"{\"type\":\"UPDATE\",\"sta").unwrap();
        let other = paths.meta_framework("a-S0", "f-2");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("framework.info"), "{").unwrap();
        let recovered = read(&paths).unwrap();
        assert_eq!((recovered.frameworks.len(), recovered.errors), (1, 1));
        assert_eq!(recovered.frameworks[0].executors[0].tasks[0].updates.len(), 2);
        let later = Record::Update { run: run(), task: "t".into(), status: status(TaskState::Finished, 3) };
        store(&paths, &later).unwrap();
        let updates = &read(&paths).unwrap().frameworks[0].executors[0].tasks[0].updates;
        assert_eq!(updates.last().map(|status| status.state), Some(TaskState::Finished), "behind the torn line");
    }

    #[test]
    fn files_are_for_the_agent_alone() {
        use std::os::unix::fs::PermissionsExt;
        let work = tempfile::tempdir().unwrap();
        let paths = Paths::new(work.path());
        filled(&paths);
        for file in
            [paths.meta_executor(&run()).join("executor.info"), paths.meta_task(&run(), "t").join("task.updates")]
        {
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        }
    }
}
