//! Connections that the kernel tracks: those of UDP clients whose endpoint went away are deleted.
//!
//! A UDP client that keeps its port would stay with a dead endpoint for as long as it sends, since each datagram renews
//! the entry. The rules are changed first and the entries deleted then: the next datagram is a new connection.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use crate::netlink::wire::{self, ACK, Attributes, DUMP, IPV4, REQUEST};
use crate::nft::{Changes, Error, Key, Socket, Table, Target};

/// The protocol whose entries outlive their endpoints; TCP ends by itself.
pub const UDP: u8 = 17;

/// One tracked connection to a service, as [`stale`] judges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Who sent first.
    pub client: SocketAddrV4,
    /// Whom the client means to talk to.
    pub service: SocketAddrV4,
    /// Who answers.
    pub server: SocketAddrV4,
}

/// The UDP services that lose an endpoint, or get their first one, by `changes` of `table`, with the endpoints they then have.
///
/// The first endpoint counts: datagrams sent before it left an entry without NAT, which bypasses the new rule.
#[must_use]
pub fn affected(table: &Table, changes: &Changes) -> BTreeMap<Key, BTreeSet<SocketAddrV4>> {
    let endpoints = |target: Option<&Arc<Target>>| -> BTreeSet<SocketAddrV4> {
        target.into_iter().flat_map(|target| target.endpoints.iter().copied()).collect()
    };
    let udp = changes.iter().filter(|(key, _)| key.protocol == UDP);
    udp.filter_map(|(key, new)| {
        let (before, after) = (endpoints(table.target(key)), endpoints(new.as_ref()));
        let lost = before.difference(&after).next().is_some();
        (lost || before.is_empty() && !after.is_empty()).then_some((*key, after))
    })
    .collect()
}

/// Whether the connection goes to an affected service and is served by none of its endpoints.
#[must_use]
pub fn stale(flow: &Flow, affected: &BTreeMap<Key, BTreeSet<SocketAddrV4>>) -> bool {
    let key = |address| Key { protocol: UDP, address, port: flow.service.port() };
    [*flow.service.ip(), Ipv4Addr::UNSPECIFIED]
        .into_iter()
        .filter_map(|address| affected.get(&key(address)))
        .any(|endpoints| !endpoints.contains(&flow.server))
}

/// Deletes the stale connections of the socket's namespace; gives how many there were.
///
/// # Errors
/// When the kernel does not list them, or refuses a deletion for another reason than that it is gone already.
pub fn release(socket: &Socket, affected: &BTreeMap<Key, BTreeSet<SocketAddrV4>>) -> Result<usize, Error> {
    if affected.is_empty() {
        return Ok(0);
    }
    let mut gone = Vec::new();
    let mut request = Vec::new();
    wire::message(&mut request, (GET, REQUEST | DUMP, 1), (IPV4, 0), |_| {});
    socket.dump(&request, |body| gone.extend(flow(body).filter(|flow| stale(flow, affected))))?;
    for flow in &gone {
        let mut request = Vec::new();
        wire::message(&mut request, (DELETE, REQUEST | ACK, 1), (IPV4, 0), |a| write_original(a, flow));
        match socket.send_encoded(&request, 1) {
            Err(Error::Refused { source, .. }) if source.raw_os_error() == Some(libc::ENOENT) => {}
            outcome => outcome?,
        }
    }
    Ok(gone.len())
}

/// Messages of ctnetlink (`IPCTNL_MSG_CT_*` of subsystem 1).
const GET: u16 = 0x101;
const DELETE: u16 = 0x102;
/// `CTA_TUPLE_ORIG`, `CTA_TUPLE_REPLY`; in each the addresses (1) and the protocol with its ports (2).
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;

/// A tracked UDP connection, out of a dump's message.
fn flow(body: &[u8]) -> Option<Flow> {
    let attributes = wire::after_header(body);
    let (client, service) = tuple(wire::attribute(attributes, ORIGINAL)?)?;
    let (server, _) = tuple(wire::attribute(attributes, REPLY)?)?;
    Some(Flow { client, service, server })
}

/// Source and destination of a UDP tuple.
fn tuple(bytes: &[u8]) -> Option<(SocketAddrV4, SocketAddrV4)> {
    let (addresses, protocol) = (wire::attribute(bytes, 1)?, wire::attribute(bytes, 2)?);
    if wire::attribute(protocol, 1)? != [UDP] {
        return None;
    }
    let address = |kind| Some(Ipv4Addr::from(*wire::attribute(addresses, kind)?.first_chunk::<4>()?));
    let port = |kind| Some(u16::from_be_bytes(*wire::attribute(protocol, kind)?.first_chunk::<2>()?));
    Some((SocketAddrV4::new(address(1)?, port(2)?), SocketAddrV4::new(address(2)?, port(3)?)))
}

fn write_original(a: &mut Attributes<'_>, flow: &Flow) {
    a.nested(ORIGINAL, |a| {
        a.nested(1, |a| {
            a.bytes(1, &flow.client.ip().octets());
            a.bytes(2, &flow.service.ip().octets());
        });
        a.nested(2, |a| {
            a.bytes(1, &[UDP]);
            a.bytes(2, &flow.client.port().to_be_bytes());
            a.bytes(3, &flow.service.port().to_be_bytes());
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nft::Hooks;

    fn at(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    fn changes(protocol: u8, endpoints: &[&str]) -> Changes {
        let key = Key { protocol, address: Ipv4Addr::new(10, 10, 10, 10), port: 53 };
        let endpoints = endpoints.iter().map(|text| at(text)).collect();
        Changes::from([(key, Some(Arc::new(Target { endpoints, affinity_seconds: 0 })))])
    }

    fn table(changes: &Changes) -> Table {
        let mut table = Table::new(Hooks::Pod, (Ipv4Addr::new(10, 10, 10, 0), 24));
        let _ = table.change(changes);
        table
    }

    fn flow(server: &str) -> Flow {
        Flow { client: at("10.1.0.9:4000"), service: at("10.10.10.10:53"), server: at(server) }
    }

    #[test]
    fn a_lost_endpoint_and_a_first_one_affect_a_udp_service() {
        let (none, one, both) =
            (changes(UDP, &[]), changes(UDP, &["10.1.0.2:53"]), changes(UDP, &["10.1.0.2:53", "10.1.0.3:53"]));
        let gone: Changes = one.keys().map(|key| (*key, None)).collect();
        assert!(affected(&table(&one), &both).is_empty());
        assert_eq!(affected(&table(&both), &one).len(), 1);
        assert_eq!(affected(&table(&none), &one).len(), 1);
        assert_eq!(affected(&table(&one), &gone).len(), 1);
        let tcp = changes(6, &["10.1.0.2:53"]);
        assert!(affected(&table(&tcp), &tcp.keys().map(|key| (*key, None)).collect()).is_empty());
    }

    #[test]
    fn only_flows_to_endpoints_that_are_gone_are_stale() {
        let both = changes(UDP, &["10.1.0.2:53", "10.1.0.3:53"]);
        let affected = affected(&table(&both), &changes(UDP, &["10.1.0.3:53"]));
        assert!(stale(&flow("10.1.0.2:53"), &affected));
        assert!(!stale(&flow("10.1.0.3:53"), &affected));
        let elsewhere = Flow { service: at("10.10.10.11:53"), ..flow("10.1.0.2:53") };
        assert!(!stale(&elsewhere, &affected));
    }
}
