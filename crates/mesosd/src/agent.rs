//! The built-in Mesos agent: takes tasks from the master, runs their executors as processes in sandboxes, and answers for
//! what became of them.
//!
//! [`core`] decides and does no IO; [`host`] owns it and does what it wants; [`http`] and [`master`] bring it what
//! executors, operators and the master say. What has to outlive the process goes through [`checkpoint`].

mod checkpoint;
mod command;
mod core;
mod duration;
mod effect;
mod environment;
mod executor;
mod fetch;
mod flags;
mod host;
mod http;
mod launcher;
mod master;
mod paths;
mod process;
mod reaper;
mod resources;
mod updates;
mod user;
mod view;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use mesos::{AgentInfo, MasterAddress};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::core::{Core, Settings};
use flags::Flags;
use host::{Handle, Host, Request};

pub use command::run as run_command_executor;

/// The name under which the executable runs the agent's own executor: `km mesos-command-executor`.
pub const COMMAND_EXECUTOR: &str = "mesos-command-executor";

/// The version of Mesos whose protocol the agent speaks: dotted numbers, since clients take them apart.
const VERSION: &str = "1.12.0";
/// How long the last reports may take when the agent ends by itself.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs an agent until SIGTERM or SIGINT; executors go on without it, as long as their own patience lasts. SIGUSR1 ends
/// the executors first and tells the master so.
///
/// # Errors
/// When the flags are wrong, the port is taken, or the work directory cannot be used.
pub fn run(args: Vec<String>) -> serve::Running {
    Box::pin(main(args))
}

async fn main(args: Vec<String>) -> anyhow::Result<()> {
    let flags = Flags::read(args)?;
    serve::log::init(flags.v);
    let stop = serve::shutdown::on_signal()?;
    let master: MasterAddress = flags.master.parse().context("failed to use --master")?;
    let (listener, settings) = bind(flags).await?;
    let info = describe(&settings)?;

    let reaper = reaper::Reaper::start(stop.clone()).context("failed to watch child processes")?;
    let recovered = checkpoint::read(&settings.paths)?;
    let first_wait = settings.flags.registration_backoff_factor.0;
    let work_dir = settings.paths.root().to_owned();
    let mut core = Core::new(settings, info);
    core.counters.recovery_errors = recovered.errors;
    core.recover(Instant::now(), recovered);

    let (handle, requests) = Handle::new();
    let (has_recovered, recovered) = watch::channel(false);
    let host = Host::new(core, handle.clone(), reaper, has_recovered);
    tokio::spawn(leave_when_asked(handle.clone(), stop.clone())?);
    // Other parts end after the host: what it said last has to get out.
    let closing = CancellationToken::new();
    let api = Arc::new(http::Api { agent: handle.clone(), work_dir, stop: stop.clone() });
    let answer = move |request| Arc::clone(&api).answer(request);
    let server = tokio::spawn(crate::listen::serve(listener, answer, closing.clone()));
    let link = tokio::spawn(master::keep_linked(master, first_wait, handle, recovered, stop.clone()));

    let outcome = host.run(requests, stop).await;
    let _ = tokio::time::timeout(LAST_WORDS, link).await;
    closing.cancel();
    server.await.context("the listener failed")?;
    outcome
}

/// Binds the agent's port, and finds out where it is reached.
async fn bind(flags: Flags) -> anyhow::Result<(TcpListener, Settings)> {
    let address = SocketAddr::new(flags.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), flags.port);
    let listener = TcpListener::bind(address).await.with_context(|| format!("failed to listen on {address}"))?;
    let port = flags.advertise_port.map_or_else(|| listener.local_addr().map(|address| address.port()), Ok)?;
    let ip = flags.advertise_ip.or(flags.ip).unwrap_or_else(own_address);
    // Sandboxes are named by absolute paths, wherever the agent was started.
    std::fs::create_dir_all(&flags.work_dir)
        .with_context(|| format!("failed to create the work directory {}", flags.work_dir.display()))?;
    let work_dir = std::path::absolute(&flags.work_dir)?;
    let paths = paths::Paths::new(work_dir);
    Ok((listener, Settings { flags, paths, ip, port }))
}

/// What the master is told of this agent.
fn describe(settings: &Settings) -> anyhow::Result<AgentInfo> {
    let flags = &settings.flags;
    let detected = resources::detect(settings.paths.root());
    Ok(AgentInfo {
        hostname: flags.hostname.clone().unwrap_or_else(own_hostname),
        port: i32::from(settings.port),
        resources: resources::offered(&flags.resources, &flags.default_role, detected)?,
        attributes: mesos::resources::parse_attributes(&flags.attributes).context("failed to parse --attributes")?,
        ..AgentInfo::default()
    })
}

/// This machine's name.
fn own_hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
}

/// The first address of this machine's name that others can reach, or the loopback.
fn own_address() -> IpAddr {
    let addresses = (own_hostname(), 0).to_socket_addrs().into_iter().flatten().map(|address| address.ip());
    addresses.into_iter().find(|ip| !ip.is_loopback()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Passes SIGUSR1 on, with which operators ask an agent to leave for good.
fn leave_when_asked(agent: Handle, stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut asked = signal(SignalKind::user_defined1()).context("failed to watch SIGUSR1")?;
    Ok(async move {
        tokio::select! {
            _ = asked.recv() => agent.send(Request::Leave).await,
            () = stop.cancelled() => {}
        }
    })
}
