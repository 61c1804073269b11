//! `km pause`: process 1 of every pod's sandbox. It holds the pod's namespaces, reaps what the pod leaves behind, ends on
//! SIGTERM, and hands out sockets of the pod's network namespace and directories of its volumes in memory.
//!
//! The sandbox has no capability at all. Whoever may reach its socket (the node's executor, through the directory that is
//! bound at [`DIRECTORY`]) asks for a socket by a line (`tcp`, `tcp6`, `udp`, `udp6`, `route`, `netfilter`), or for a volume
//! by `volume NAME`, and gets one byte `.` with the socket or directory as SCM_RIGHTS, or a line `!<errno>`. What is done with it is up to the receiver and its own
//! capabilities. A connection held open is the sandbox's death notice: it closes when this process ends.
//!
//! One thread, no runtime, no allocation that grows: it costs a pod less than 1 MB.

#![allow(unsafe_code)] // signalfd, poll, waitpid and sendmsg have no safe form in std

use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::Context;

/// Where the sandbox's own directory is bound.
pub const DIRECTORY: &str = "/k8sm-sandbox";
/// The socket's name in it.
pub const SOCKET: &str = "socket";
/// Where the sandbox has the pod's volumes in memory.
pub const VOLUMES: &str = "/k8sm-volumes";
/// Connections held at one time; more wait to be taken until one is closed. The executor and the proxy hold one each, as the
/// sandbox's death notice, and use others for a moment.
const MAX_CONNECTIONS: usize = 32;
/// Bytes of a request's line: the names of volumes are labels of DNS.
const MAX_REQUEST: usize = 96;

/// Runs until SIGTERM or SIGINT. `args` may name another directory for the socket; without one that exists only the
/// namespaces are held.
///
/// # Errors
/// When signals cannot be awaited, or the directory exists and no socket can be made in it.
pub fn run(args: Vec<String>) -> anyhow::Result<()> {
    let directory = args.iter().find_map(|arg| arg.strip_prefix("--socket-dir=")).unwrap_or(DIRECTORY);
    let signals = signals().context("awaiting signals")?;
    let listener = listen(Path::new(directory)).with_context(|| format!("listening in {directory}"))?;
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        let mut polled: Vec<libc::pollfd> = Vec::with_capacity(connections.len() + 2);
        polled.push(readable(signals.as_raw_fd()));
        let open = listener.as_ref().filter(|_| connections.len() < MAX_CONNECTIONS);
        polled.push(readable(open.map_or(-1, AsRawFd::as_raw_fd)));
        polled.extend(connections.iter().map(|connection| readable(connection.stream.as_raw_fd())));
        // SAFETY: the pointer and the length are those of a live vector of pollfd.
        if unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) } < 0 {
            match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => continue,
                error => return Err(error).context("polling"),
            }
        }
        if polled[0].revents != 0 && ended(&signals) {
            return Ok(());
        }
        let mut ready = polled[2..].iter().map(|fd| fd.revents != 0);
        connections.retain_mut(|connection| !ready.next().unwrap_or(false) || connection.serve());
        if polled[1].revents != 0 {
            accept(listener.as_ref(), &mut connections);
        }
    }
}

/// The socket in `directory`, or `None` where there is no such directory. A stale socket of an earlier life is replaced.
fn listen(directory: &Path) -> io::Result<Option<UnixListener>> {
    if !directory.is_dir() {
        return Ok(None);
    }
    let path = directory.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    Ok(Some(listener))
}

fn accept(listener: Option<&UnixListener>, connections: &mut Vec<Connection>) {
    let Some(Ok((stream, _))) = listener.map(UnixListener::accept) else { return };
    if stream.set_nonblocking(true).is_err() {
        return;
    }
    connections.push(Connection { stream, request: [0; MAX_REQUEST], length: 0 });
}

/// One client, with what it has said of its next request.
struct Connection {
    stream: UnixStream,
    request: [u8; MAX_REQUEST],
    length: usize,
}

impl Connection {
    /// Reads what is there and answers complete requests; false when the client is gone or talks nonsense.
    fn serve(&mut self) -> bool {
        loop {
            match self.stream.read(&mut self.request[self.length..]) {
                Ok(0) => return false,
                Ok(read) => self.length += read,
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
            while let Some(end) = self.request[..self.length].iter().position(|&byte| byte == b'\n') {
                if !answer(&self.stream, &self.request[..end]) {
                    return false;
                }
                self.request.copy_within(end + 1..self.length, 0);
                self.length -= end + 1;
            }
        }
    }
}

/// Hands out what `request` names; false when the client does not take the answer.
fn answer(stream: &UnixStream, request: &[u8]) -> bool {
    let made = match request.strip_prefix(b"volume ") {
        Some(name) => volume(name),
        None => socket(request),
    };
    match made {
        Ok(Some(made)) => send_descriptor(stream, made.as_raw_fd()).is_ok(),
        Ok(None) => false,
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            io::Write::write_all(&mut &*stream, format!("!{errno}\n").as_bytes()).is_ok()
        }
    }
}

/// The directory of a volume in memory; `None` for a name that is none.
fn volume(name: &[u8]) -> io::Result<Option<OwnedFd>> {
    let label = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    match std::str::from_utf8(name) {
        Ok(text) if !name.is_empty() && name.iter().all(label) => {
            Ok(Some(std::fs::File::open(Path::new(VOLUMES).join(text))?.into()))
        }
        _ => Ok(None),
    }
}

/// A socket; `None` for a kind that is none.
fn socket(kind: &[u8]) -> io::Result<Option<OwnedFd>> {
    let stream_type = libc::SOCK_CLOEXEC | libc::SOCK_STREAM;
    let (family, kind, protocol) = match kind {
        b"tcp" => (libc::AF_INET, stream_type, 0),
        b"tcp6" => (libc::AF_INET6, stream_type, 0),
        b"udp" => (libc::AF_INET, libc::SOCK_CLOEXEC | libc::SOCK_DGRAM, 0),
        b"udp6" => (libc::AF_INET6, libc::SOCK_CLOEXEC | libc::SOCK_DGRAM, 0),
        b"route" => (libc::AF_NETLINK, libc::SOCK_CLOEXEC | libc::SOCK_RAW, libc::NETLINK_ROUTE),
        b"netfilter" => (libc::AF_NETLINK, libc::SOCK_CLOEXEC | libc::SOCK_RAW, libc::NETLINK_NETFILTER),
        _ => return Ok(None),
    };
    // SAFETY: plain integers in, a file descriptor or -1 out.
    let made = unsafe { libc::socket(family, kind, protocol) };
    if made < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `made` was returned by socket() just now and belongs to nobody else.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(made) }))
}

/// One byte `.` that carries `descriptor`.
fn send_descriptor(stream: &UnixStream, descriptor: RawFd) -> io::Result<()> {
    let mut byte = *b".";
    let mut part = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let mut control = [0_u64; 4]; // CMSG_SPACE(4) is 24 on 64-bit Linux; u64 for its alignment
    // SAFETY: all zeroes is a valid msghdr; the pointers set below live until after sendmsg. CMSG_FIRSTHDR is inside
    // `control`, which is larger than CMSG_SPACE of one descriptor and aligned for cmsghdr.
    let sent = unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(mem::size_of::<RawFd>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(mem::size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor);
        libc::sendmsg(stream.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
    };
    if sent == 1 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A descriptor that reads the signals we act on; they are blocked otherwise. Being process 1, none would end us anyhow.
fn signals() -> io::Result<OwnedFd> {
    // SAFETY: sigset_t is filled by sigemptyset before use; all pointers are to live locals.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGCHLD] {
            libc::sigaddset(&raw mut set, signal);
        }
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            descriptor => Ok(OwnedFd::from_raw_fd(descriptor)),
        }
    }
}

/// Takes the signals that came: reaps children, and says whether one of them asks us to end.
fn ended(signals: &OwnedFd) -> bool {
    let mut end = false;
    loop {
        // SAFETY: all zeroes is a valid signalfd_siginfo, and read() writes at most its size into it.
        let (read, signal) = unsafe {
            let mut info: libc::signalfd_siginfo = mem::zeroed();
            let size = mem::size_of::<libc::signalfd_siginfo>();
            (libc::read(signals.as_raw_fd(), (&raw mut info).cast(), size), info.ssi_signo)
        };
        if read <= 0 {
            return end;
        }
        match i32::try_from(signal) {
            // SAFETY: waitpid takes a null status.
            Ok(libc::SIGCHLD) => while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {},
            _ => end = true,
        }
    }
}

fn readable(descriptor: RawFd) -> libc::pollfd {
    libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 }
}
