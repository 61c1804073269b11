//! The other end of [`pause`](crate::pause)'s socket: sockets of a pod's network namespace, directories of its volumes in
//! memory, and the sandbox's death notice.

#![allow(unsafe_code)] // receiving a descriptor (SCM_RIGHTS) has no stable form in std

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt;

/// How long a sandbox may take to answer; it takes a millisecond.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Between attempts to reach one that may live.
const AGAIN: Duration = Duration::from_millis(100);

/// What kind of socket is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// TCP over IPv4.
    Tcp,
    /// UDP over IPv4.
    Udp,
    /// NETLINK_ROUTE.
    Route,
    /// NETLINK_NETFILTER.
    Netfilter,
}

/// A fresh socket in the network namespace of the sandbox whose socket is at `path`. Blocks for a millisecond.
///
/// # Errors
/// When the sandbox does not answer, or the kernel refuses it the socket (its errno).
pub fn socket(path: &Path, kind: Kind) -> io::Result<OwnedFd> {
    let kind = match kind {
        Kind::Tcp => "tcp",
        Kind::Udp => "udp",
        Kind::Route => "route",
        Kind::Netfilter => "netfilter",
    };
    ask(path, kind)
}

/// The directory of the pod's volume in memory of that name, from the same.
///
/// # Errors
/// When the sandbox does not answer, or has no such volume.
pub fn volume(path: &Path, name: &str) -> io::Result<OwnedFd> {
    ask(path, &format!("volume {name}"))
}

fn ask(path: &Path, what: &str) -> io::Result<OwnedFd> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("{what}\n").as_bytes())?;
    match receive(&stream)? {
        (b'.', Some(descriptor)) => Ok(descriptor),
        (b'!', _) => {
            let mut errno = String::new();
            stream.take(16).read_to_string(&mut errno).ok();
            Err(io::Error::from_raw_os_error(errno.trim().parse().unwrap_or(libc::EIO)))
        }
        _ => Err(io::Error::other("the sandbox's answer is none of ours")),
    }
}

/// Waits until the sandbox whose socket is at `path` ends.
///
/// # Errors
/// When there is no such sandbox to begin with.
pub async fn until_dead(path: &Path) -> io::Result<()> {
    let mut stream = tokio::net::UnixStream::connect(path).await?;
    loop {
        while !matches!(stream.read(&mut [0; 16]).await, Ok(0) | Err(_)) {}
        // a sandbox that lives may have let go of this connection alone: only a dead one takes no other
        stream = loop {
            match tokio::net::UnixStream::connect(path).await {
                Ok(again) => break again,
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
                    return Ok(());
                }
                // its queue is full, or this process has too much open: neither says anything of the sandbox
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
    }
}

/// One byte, and the descriptor that came with it.
fn receive(stream: &UnixStream) -> io::Result<(u8, Option<OwnedFd>)> {
    let (mut byte, mut control) = ([0_u8], [0_u64; 4]);
    let mut part = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: all zeroes is a valid msghdr; its pointers are to live locals of the stated lengths. The kernel fills
    // `control` with well-formed headers, and a descriptor it hands over belongs to nobody else.
    unsafe {
        let mut message: libc::msghdr = mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = mem::size_of_val(&control) as _;
        match libc::recvmsg(stream.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            1 => {}
            _ => return Err(io::Error::last_os_error()),
        }
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() || (*header).cmsg_level != libc::SOL_SOCKET || (*header).cmsg_type != libc::SCM_RIGHTS {
            return Ok((byte[0], None));
        }
        let descriptor = libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned();
        Ok((byte[0], Some(OwnedFd::from_raw_fd(descriptor))))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Waits for its death beside the test; the other end says whether it has come.
    fn watched(path: &Path) -> std::thread::JoinHandle<io::Result<()>> {
        let path = path.to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::spawn(move || runtime.block_on(until_dead(&path)))
    }

    #[test]
    fn a_connection_that_is_closed_is_no_death() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let sandbox = UnixListener::bind(&path).unwrap();
        let watcher = watched(&path);
        drop(sandbox.accept().unwrap());
        let held = sandbox.accept().unwrap();
        assert!(!watcher.is_finished());
        drop((sandbox, held));
        watcher.join().unwrap().unwrap();
    }

    #[test]
    fn a_crowd_of_clients_costs_nobody_the_connection() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(crate::pause::SOCKET);
        let line = vec![format!("--socket-dir={}", directory.path().display())];
        std::thread::spawn(move || crate::pause::run(line));
        let connect = || loop {
            match UnixStream::connect(&path) {
                Ok(stream) => return stream,
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let mut first = connect();
        let crowd: Vec<_> = (0..100).map(|_| connect()).collect();
        first.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let closed = first.read(&mut [0; 1]);
        assert_eq!(closed.map_err(|error| error.kind()), Err(ErrorKind::WouldBlock), "it is held open");
        drop(crowd);
        socket(&path, Kind::Udp).unwrap();
    }
}
