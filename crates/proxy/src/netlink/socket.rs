//! A netlink socket to the netfilter of the network namespace in which it was made.
//!
//! Such a socket may come from elsewhere: a pod's sandbox makes one without any privilege and hands it over. The kernel
//! checks the capabilities of who sends, if the destination is named in the call (reference/feasibility-docker.md,
//! section 1), hence `sendto` and never `send`.
#![allow(unsafe_code)] // netlink has no interface in the standard library; each call says why it is sound

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::wire;
use crate::nft::Transaction;

/// `NLMSG_ERROR`, which is also the acknowledgement, with code 0.
const ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump.
const DONE: u16 = 3;
const RECEIVE_BUFFER: usize = 64 * 1024;

/// Why a transaction was not carried out. None of it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket could not be made, written or read.
    #[error("cannot {action} the netlink socket")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The kernel refused a message of the transaction.
    #[error("the kernel refused message {message} of {messages} of a netlink transaction")]
    Refused {
        /// The message's place in the transaction, from one.
        message: u32,
        /// How many there were.
        messages: u32,
        /// The kernel's reason.
        source: io::Error,
    },
}

/// A socket of netlink.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// Opens a socket of this process's network namespace.
    ///
    /// # Errors
    /// When the kernel has no netfilter, or no more descriptors.
    pub fn open() -> Result<Self, Error> {
        Self::of(libc::NETLINK_NETFILTER)
    }

    /// Opens a socket to the routes of this process's network namespace.
    pub(super) fn open_routes() -> Result<Self, Error> {
        Self::of(libc::NETLINK_ROUTE)
    }

    fn of(protocol: libc::c_int) -> Result<Self, Error> {
        // SAFETY: `socket` takes three numbers; the descriptor that it returns is ours alone.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) };
        if fd < 0 {
            return Err(last("open"));
        }
        // SAFETY: just made, checked, and owned by nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Uses a socket that was made elsewhere, such as in a pod's network namespace.
    #[must_use]
    pub fn from_fd(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Carries the transaction out, all or nothing, and waits for the kernel's answer, which it gives within the call.
    ///
    /// # Errors
    /// The first message that the kernel refused, or the socket's failure.
    pub fn commit(&self, transaction: Transaction) -> Result<(), Error> {
        if transaction.is_empty() {
            return Ok(());
        }
        let (bytes, messages) = transaction.finish();
        self.send_encoded(&bytes, messages)
    }

    /// As [`Socket::commit`], with a transaction that [`Transaction::finish`] encoded once for many namespaces.
    ///
    /// # Errors
    /// As [`Socket::commit`].
    pub fn send_encoded(&self, bytes: &[u8], messages: u32) -> Result<(), Error> {
        self.reserve(bytes.len())?;
        self.send(bytes)?;
        self.answers(messages)
    }

    /// Makes room for a transaction, which must be sent in one piece, and for its acknowledgements.
    fn reserve(&self, length: usize) -> Result<(), Error> {
        let length = libc::c_int::try_from(length.max(RECEIVE_BUFFER) * 2).unwrap_or(libc::c_int::MAX);
        for option in [libc::SO_SNDBUFFORCE, libc::SO_RCVBUFFORCE] {
            // SAFETY: the option's value is a c_int that outlives the call, and its size is told.
            let done = unsafe {
                libc::setsockopt(
                    self.0.as_raw_fd(),
                    libc::SOL_SOCKET,
                    option,
                    (&raw const length).cast(),
                    size_of::<libc::c_int>() as libc::socklen_t,
                )
            };
            if done < 0 {
                return Err(last("enlarge"));
            }
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        // SAFETY: all-zero is a valid sockaddr_nl; the kernel's address is family and port 0.
        let mut kernel: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        kernel.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        // SAFETY: buffer and address live through the call, and their sizes are told.
        let sent = unsafe {
            libc::sendto(
                self.0.as_raw_fd(),
                bytes.as_ptr().cast(),
                bytes.len(),
                0,
                (&raw const kernel).cast(),
                size_of::<libc::sockaddr_nl>() as libc::socklen_t,
            )
        };
        if usize::try_from(sent).is_ok_and(|sent| sent == bytes.len()) { Ok(()) } else { Err(last("write to")) }
    }

    /// Sends a request for a dump and hands each message of the answer to `each`.
    ///
    /// # Errors
    /// When the kernel refuses the dump or breaks it off.
    pub(crate) fn dump(&self, request: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), Error> {
        self.send(request)?;
        let mut buffer = vec![0u8; RECEIVE_BUFFER];
        loop {
            let read = self.receive(&mut buffer)?;
            for message in wire::messages(&buffer[..read]) {
                match (message.kind, code(&message)) {
                    (DONE, _) => return Ok(()),
                    (ERROR, Some(code)) if code != 0 => {
                        return Err(Error::Refused {
                            message: 1,
                            messages: 1,
                            source: io::Error::from_raw_os_error(-code),
                        });
                    }
                    _ => each(message.body),
                }
            }
        }
    }

    /// Reads one acknowledgement a message. The kernel has answered all of them when `sendto` returns, so this never waits.
    fn answers(&self, messages: u32) -> Result<(), Error> {
        let mut buffer = vec![0u8; RECEIVE_BUFFER];
        let mut refused = None;
        let mut seen = 0;
        while seen < messages {
            let read = match (self.receive(&mut buffer), refused.take()) {
                (Ok(read), earlier) => {
                    refused = earlier;
                    read
                }
                // the kernel stops answering behind some refusals
                (Err(_), Some(earlier)) => return Err(earlier),
                (Err(error), None) => return Err(error),
            };
            for message in wire::messages(&buffer[..read]).filter(|message| message.kind == ERROR) {
                seen += 1;
                if let Some(code) = code(&message).filter(|code| *code != 0 && refused.is_none()) {
                    let source = io::Error::from_raw_os_error(-code);
                    refused = Some(Error::Refused { message: message.sequence, messages, source });
                }
            }
        }
        refused.map_or(Ok(()), Err)
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        // SAFETY: the buffer lives through the call, and its size is told.
        let read =
            unsafe { libc::recv(self.0.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) };
        usize::try_from(read).map_err(|_| last("read from"))
    }
}

/// The code of an `NLMSG_ERROR`.
fn code(message: &wire::Message<'_>) -> Option<i32> {
    message.body.first_chunk::<4>().map(|bytes| i32::from_ne_bytes(*bytes))
}

fn last(action: &'static str) -> Error {
    Error::Io { action, source: io::Error::last_os_error() }
}
