//! A thread inside a pod's network: what a process of the pod would find, without starting one.
#![allow(unsafe_code)] // `setns` has no interface in the standard library

use std::fs::File;
use std::io::ErrorKind;
use std::net::{SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Between two attempts.
const BETWEEN: Duration = Duration::from_millis(2);
/// Longer than any change takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tries to connect to `address` from the network of the process `pid` until it succeeds; gives the moment of that. What is
/// refused is tried again, what is not answered at all within a second is an error.
pub(crate) fn connected(pid: &str, address: SocketAddrV4) -> std::thread::JoinHandle<anyhow::Result<Instant>> {
    let network = format!("/proc/{pid}/ns/net");
    std::thread::spawn(move || {
        let file = File::open(&network).with_context(|| format!("open {network}"))?;
        // SAFETY: only this thread, which does nothing else, changes its namespace, by a descriptor that lives here.
        if unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) } != 0 {
            return Err(std::io::Error::last_os_error()).context("enter a pod's network (needs root)");
        }
        let began = Instant::now();
        loop {
            match TcpStream::connect_timeout(&address.into(), Duration::from_secs(1)) {
                Ok(_) => return Ok(Instant::now()),
                Err(error) if error.kind() == ErrorKind::ConnectionRefused && began.elapsed() < PATIENCE => {}
                Err(error) => bail!("{address} after {:?}: {error}", began.elapsed()),
            }
            std::thread::sleep(BETWEEN);
        }
    })
}
