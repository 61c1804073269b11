//! A cluster's lock on this machine: `up`, `down`, `stop` and `start` of one cluster take turns.
//!
//! It is a socket in Linux's abstract namespace, which nobody has to clean up: it goes with the process that holds it.
//! Whoever waits connects to it, and hears the end of the connection when it goes. Clients in another network namespace
//! (a CI job in a container with the engine's socket mounted) are not held back by it: `act::outrun` is for those.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use ring::digest::{SHA256, digest};
use tokio::io::AsyncReadExt;

use super::engine::Engine;
use super::name::ClusterName;
use super::spec::hex12;
use crate::failure::Failure;
use crate::shell;

/// A held lock; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Lock {
    _socket: UnixListener,
}

impl Lock {
    /// Waits until no other command of this machine works on the cluster, and says so once where it has to wait.
    ///
    /// # Errors
    /// When the kernel has no such sockets.
    pub(crate) async fn take(engine: &Engine, cluster: &ClusterName) -> Result<Self, Failure> {
        let engine = hex12(digest(&SHA256, engine.facts.identity().as_bytes()).as_ref());
        Self::take_named(&format!("k8sm/{engine}/{cluster}"), || {
            shell::say(&format!("another k8sm command works on cluster {cluster}: waiting for its end"));
        })
        .await
    }

    async fn take_named(name: &str, waits: impl FnOnce()) -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::environment(format!("take the cluster's lock @{name}")).because(error);
        let address = SocketAddr::from_abstract_name(name).map_err(failed)?;
        let mut waits = Some(waits);
        loop {
            match UnixListener::bind_addr(&address) {
                Ok(socket) => return Ok(Self { _socket: socket }),
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                Err(error) => return Err(failed(error)),
            }
            if let Some(waits) = waits.take() {
                waits();
            }
            // Where the holder went meanwhile there is nobody to connect to.
            if let Ok(stream) = UnixStream::connect_addr(&address) {
                ended(stream).await.map_err(failed)?;
            }
        }
    }
}

/// Waits until the other end is gone. It never says anything.
async fn ended(stream: UnixStream) -> std::io::Result<()> {
    stream.set_nonblocking(true)?;
    let mut stream = tokio::net::UnixStream::from_std(stream)?;
    // A connection that was never accepted is reset.
    let _ = stream.read(&mut [0]).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_holds_it_and_the_next_hears_of_its_end() {
        let name = format!("k8sm/test/{}", std::process::id());
        let inside = AtomicUsize::new(0);
        let mut waited = 0;
        let first = Lock::take_named(&name, || panic!("nobody holds it")).await.unwrap();
        let others = (0..8).map(|_| async {
            let mut waits = false;
            let lock = Lock::take_named(&name, || waits = true).await.unwrap();
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
            tokio::task::yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
            drop(lock);
            waits
        });
        let release = async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            drop(first);
        };
        let (all, ()) = tokio::join!(futures::future::join_all(others), release);
        waited += all.into_iter().filter(|waits| *waits).count();
        assert_eq!(waited, 8);
    }
}
