//! The address at which others reach what the scheduler serves, where it listens on all of them.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use tokio::net::UdpSocket;

use crate::flags::Flags;

/// That of the listener, or where it listens on all, that of the way to the first Mesos master.
///
/// # Errors
/// When no master has an address from here.
pub async fn own(flags: &Flags) -> anyhow::Result<IpAddr> {
    if !flags.address.is_unspecified() {
        return Ok(flags.address);
    }
    let masters = flags.masters()?;
    let master = masters.first().context("no Mesos master is named")?.to_string();
    let socket = UdpSocket::bind(SocketAddr::new(flags.address, 0)).await.context("cannot open a socket")?;
    // nothing is sent: the kernel only chooses the way
    socket.connect(&master).await.with_context(|| format!("cannot find the way to {master}"))?;
    Ok(socket.local_addr().context("cannot read the socket's address")?.ip())
}

/// Where agents find what the scheduler serves, if they have to fetch anything.
///
/// # Errors
/// When `--advertised-address` is needed and not given.
pub async fn artifacts(flags: &Flags) -> anyhow::Result<String> {
    let advertised = flags.advertised_address.as_str();
    if !advertised.is_empty() {
        return Ok(format!("http://{advertised}"));
    }
    if !flags.serves_artifacts() {
        return Ok(format!("http://{}", SocketAddr::new(flags.address, flags.port)));
    }
    let address = own(flags)
        .await
        .context("cannot tell at which address agents fetch km; say so by --advertised-address=HOST:PORT")?;
    if address.is_loopback() {
        tracing::warn!(
            "agents on other machines cannot fetch km from {address}; give --address or --advertised-address"
        );
    }
    Ok(format!("http://{}", SocketAddr::new(address, flags.port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Flags {
        serve::flags::parse("scheduler", line.split_whitespace().map(str::to_owned).collect(), &[]).unwrap()
    }

    #[tokio::test]
    async fn agents_are_not_sent_to_an_address_that_is_everybodys() {
        let all = "--address=0.0.0.0 --port=7 --mesos-master=127.0.0.1";
        assert_eq!(artifacts(&flags(all)).await.unwrap(), "http://127.0.0.1:7");
        let advertised = format!("{all} --advertised-address=h:80");
        assert_eq!(artifacts(&flags(&advertised)).await.unwrap(), "http://h:80");
        assert_eq!(artifacts(&flags("--address=10.0.0.9 --port=7")).await.unwrap(), "http://10.0.0.9:7");
        let nothing = "--address=0.0.0.0 --port=7 --km-path=file:///km --mesos-master=no.such.host.invalid";
        assert!(artifacts(&flags(nothing)).await.is_ok(), "nothing is fetched");
    }
}
