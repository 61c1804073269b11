//! The other end of [`pause`](crate::pause)'s socket: sockets of a pod's network namespace, directories of its volumes in
//! memory, and the sandbox's death notice.

#![allow(unsafe_code)] // receiving a descriptor (SCM_RIGHTS) has no stable form in std

use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt;

/// How long a sandbox may take to answer; it takes a millisecond.
const TIMEOUT: Duration = Duration::from_secs(2);

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
    while !matches!(stream.read(&mut [0; 16]).await, Ok(0) | Err(_)) {}
    Ok(())
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
