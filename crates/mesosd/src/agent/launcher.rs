//! From the wish for an executor to its process: sandbox, files, environment, user (reference, section 9.6).

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mesos::container::ContainerType;
use mesos::{CommandInfo, ContainerInfo};
use tokio::sync::oneshot;

use super::checkpoint::pid_file;
use super::core::Settings;
use super::effect::Launch;
use super::fetch::{self, Fetcher};
use super::process::Identity;
use super::reaper::Reaper;
use super::user::{LookupError, User};
use super::{COMMAND_EXECUTOR, environment};

/// Why an executor was not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to create the sandbox '{0}'")]
    Sandbox(PathBuf, #[source] io::Error),
    #[error("failed to fetch all URIs for container '{0}'")]
    Fetch(String, #[source] fetch::Error),
    #[error("failed to switch the user")]
    User(#[from] LookupError),
    #[error("the command has no value")]
    NoCommand,
    #[error("containers are not supported by this agent: {0} was asked for")]
    Container(&'static str),
    #[error("failed to execute '{0}'")]
    Execute(String, #[source] io::Error),
}

/// An executor that is ready to be started.
#[derive(Debug)]
pub(crate) struct Prepared {
    command: Command,
    program: String,
    sandbox: PathBuf,
}

/// Makes the sandbox and fills it. May be dropped half-way.
pub(crate) async fn prepare(settings: &Settings, launch: &Launch) -> Result<Prepared, Error> {
    let (run, executor) = (&launch.run, &launch.executor);
    if let Some(asked) = executor.container.as_ref().and_then(not_given) {
        return Err(Error::Container(asked));
    }
    let sandbox =
        settings.paths.create_sandbox(run).map_err(|error| Error::Sandbox(settings.paths.sandbox(run), error))?;
    let wanted = executor.command.clone().unwrap_or_default();
    let user = user(settings, launch, &wanted)?;
    let fetcher = Fetcher {
        sandbox: &sandbox,
        frameworks_home: settings.flags.frameworks_home.as_deref(),
        stall_timeout: settings.flags.fetcher_stall_timeout.0,
    };
    for uri in &wanted.uris {
        fetcher.fetch(uri).await.map_err(|error| Error::Fetch(run.container.clone(), error))?;
    }
    let output = |name: &str| open_output(&sandbox, name).map_err(|error| Error::Sandbox(sandbox.join(name), error));
    let (stdout, stderr) = (output("stdout")?, output("stderr")?);
    if let Some(user) = &user {
        give_to(&sandbox, user).map_err(|error| Error::Sandbox(sandbox.clone(), error))?;
    }
    let agent = environment::Agent { flags: &settings.flags, id: &run.agent, endpoint: &settings.endpoint() };
    let environment = environment::build(&agent, &launch.framework, executor, &sandbox, std::env::vars());
    let (mut command, program) = if launch.is_command { own_executor() } else { asked_for(&wanted)? };
    command.env_clear().envs(environment).current_dir(&sandbox).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    let pid_file = launch.framework.checkpoint.then(|| pid_file(&settings.paths, run));
    become_executor(&mut command, user, pid_file.as_deref());
    Ok(Prepared { command, program, sandbox })
}

/// Starts the process, and tells who it is and later its raw wait status.
pub(crate) fn start(prepared: Prepared, reaper: &Reaper) -> Result<(Identity, oneshot::Receiver<i32>), Error> {
    let Prepared { mut command, program, sandbox } = prepared;
    let started = reaper.spawn(&mut command).map_err(|error| Error::Execute(program, error));
    if let Ok((process, _)) = &started {
        tracing::info!(pid = process.pid, sandbox = %sandbox.display(), "started an executor");
    }
    started
}

/// What `container` asks for that a process of the agent's own does not have. One that asks for nothing is none.
fn not_given(container: &ContainerInfo) -> Option<&'static str> {
    let image = container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some());
    let asked = [
        ("a Docker container", container.r#type == ContainerType::Docker || container.docker.is_some()),
        ("an image", image),
        ("a volume", !container.volumes.is_empty()),
        ("a network", container.network_infos.iter().any(|network| network.name.is_some())),
    ];
    asked.into_iter().find_map(|(what, is_asked)| is_asked.then_some(what))
}

/// The agent's own executor for commands is the program that the agent is.
fn own_executor() -> (Command, String) {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("km").arg(COMMAND_EXECUTOR);
    (command, COMMAND_EXECUTOR.to_owned())
}

/// The command of an executor: `/bin/sh -c value`, or `value` with `arguments`, the first of which is argv[0].
fn asked_for(wanted: &CommandInfo) -> Result<(Command, String), Error> {
    let value = wanted.value.as_ref().ok_or(Error::NoCommand)?;
    if wanted.shell {
        let mut command = Command::new("/bin/sh");
        command.arg0("sh").arg("-c").arg(value);
        return Ok((command, format!("/bin/sh -c {value}")));
    }
    let mut command = Command::new(value);
    if let Some((name, arguments)) = wanted.arguments.split_first() {
        command.arg0(name).args(arguments);
    }
    Ok((command, value.clone()))
}

/// Whom to run it as; `None` for whom the agent runs as.
fn user(settings: &Settings, launch: &Launch, wanted: &CommandInfo) -> Result<Option<User>, Error> {
    if !settings.flags.switch_user {
        return Ok(None);
    }
    let name = wanted.user.as_deref().unwrap_or(&launch.framework.user);
    if name.is_empty() {
        return Ok(None);
    }
    let user = User::named(name)?;
    Ok(if user.is_current() { None } else { Some(user) })
}

fn open_output(sandbox: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(sandbox.join(name))
}

/// Gives the sandbox and all that was fetched into it to `user`.
fn give_to(path: &Path, user: &User) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid))?;
    if std::fs::symlink_metadata(path)?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give_to(&entry?.path(), user)?;
        }
    } else if !path.is_symlink() {
        chown(path, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

/// What the child does between fork and exec: a session of its own, its name into `pid_file`, and the user.
///
/// The process itself says who it is, so that no executor runs that a killed agent would not find again.
fn become_executor(command: &mut Command, user: Option<User>, pid_file: Option<&Path>) {
    let pid_file = pid_file.and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
    // SAFETY: after fork only async-signal-safe calls are made: setsid, open, read, write, close and the setting of IDs.
    // Everything they need was allocated before.
    #[allow(unsafe_code)] // std has neither setsid nor supplementary groups
    unsafe {
        command.pre_exec(move || {
            checked(libc::setsid())?;
            if let Some(path) = &pid_file {
                write_own_stat(path)?;
            }
            if let Some(user) = &user {
                checked(libc::setgroups(user.groups.len(), user.groups.as_ptr()))?;
                checked(libc::setgid(user.gid))?;
                checked(libc::setuid(user.uid))?;
            }
            Ok(())
        });
    }
}

/// Copies `/proc/self/stat` to `path` without allocating.
fn write_own_stat(path: &CString) -> io::Result<()> {
    let mut buffer = [0_u8; 1024];
    // SAFETY: both paths end with NUL, `buffer` is as long as it is said to be, and the descriptors are closed by exec
    // at the latest.
    #[allow(unsafe_code)] // std's files allocate, which is not allowed between fork and exec
    unsafe {
        let stat = checked(libc::open(c"/proc/self/stat".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC))?;
        let length = libc::read(stat, buffer.as_mut_ptr().cast(), buffer.len());
        libc::close(stat);
        let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC;
        let file = checked(libc::open(path.as_ptr(), flags, 0o600))?;
        let written = libc::write(file, buffer.as_ptr().cast(), length);
        libc::fsync(file);
        libc::close(file);
        if usize::try_from(written) == Ok(length) { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

fn checked(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_refused_by_what_it_asks_for() {
        let asked = |text: &str| not_given(&mesos::json::from_slice(text.as_bytes()).unwrap());
        assert_eq!(asked(r#"{"type":"DOCKER","docker":{"image":"nginx"}}"#), Some("a Docker container"));
        assert_eq!(asked(r#"{"type":"DOCKER"}"#), Some("a Docker container"));
        let image = r#"{"type":"MESOS","mesos":{"image":{"type":"DOCKER","docker":{"name":"nginx"}}}}"#;
        assert_eq!(asked(image), Some("an image"));
        let volume = r#"{"type":"MESOS","volumes":[{"mode":"RW","container_path":"a","host_path":"/b"}]}"#;
        assert_eq!(asked(volume), Some("a volume"));
        assert_eq!(asked(r#"{"type":"MESOS","network_infos":[{"name":"cni"}]}"#), Some("a network"));
        assert_eq!(asked(r#"{"type":"MESOS","mesos":{},"network_infos":[{}]}"#), None, "what every process has");
    }
}
