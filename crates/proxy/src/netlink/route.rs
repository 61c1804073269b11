//! The node's own way to service addresses: they are local to it, so what nobody serves ends here and is refused, instead
//! of leaving by the default route.
//!
//! The layouts are those of linux/rtnetlink.h; numbers are in host order there, addresses in network order.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::socket::{Error, Socket};
use super::wire::{ACK, IPV4, REQUEST};

/// `RTM_NEWROUTE`.
const NEW_ROUTE: u16 = 24;
/// `NLM_F_CREATE | NLM_F_REPLACE`: run twice it is there once.
const CREATE_OR_REPLACE: u16 = 0x400 | 0x100;
/// `RT_TABLE_LOCAL`, which is looked at before all others.
const LOCAL_TABLE: u8 = 255;
/// `RTPROT_STATIC`.
const STATIC: u8 = 4;
/// `RT_SCOPE_HOST`.
const HOST_SCOPE: u8 = 254;
/// `RTN_LOCAL`.
const LOCAL: u8 = 2;
const DESTINATION: u16 = 1;
const OUTPUT_INTERFACE: u16 = 4;
const PREFERRED_SOURCE: u16 = 7;
/// The loopback interface is the first of every network namespace.
const LOOPBACK: u32 = 1;

/// Makes `range` local to this network namespace, as `ip route replace local RANGE dev lo src ADDRESS` does.
///
/// The node's own processes keep the address that they had towards the range: a client of a local address has that very
/// address otherwise, and a service's is nobody's to answer to.
///
/// # Errors
/// When the kernel refuses, for want of `CAP_NET_ADMIN` most likely, or no route leads to the range.
pub fn make_local(range: (Ipv4Addr, u8)) -> Result<(), Error> {
    let source = source(range.0).map_err(|source| Error::Io { action: "find a source address by", source })?;
    Socket::open_routes()?.send_encoded(&message(range, source), 1)
}

/// The address from which this namespace talks to `address`. Connecting a datagram socket sends nothing.
fn source(address: Ipv4Addr) -> io::Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::from(u32::from(address) + 1), 9))?;
    match socket.local_addr()?.ip() {
        IpAddr::V4(source) => Ok(source),
        IpAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

fn message((address, length): (Ipv4Addr, u8), source: Ipv4Addr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    bytes.extend_from_slice(&NEW_ROUTE.to_ne_bytes());
    bytes.extend_from_slice(&(REQUEST | ACK | CREATE_OR_REPLACE).to_ne_bytes());
    bytes.extend_from_slice(&1u32.to_ne_bytes());
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    bytes.extend_from_slice(&[IPV4, length, 0, 0, LOCAL_TABLE, STATIC, HOST_SCOPE, LOCAL]);
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    attribute(&mut bytes, DESTINATION, address.octets());
    attribute(&mut bytes, OUTPUT_INTERFACE, LOOPBACK.to_ne_bytes());
    attribute(&mut bytes, PREFERRED_SOURCE, source.octets());
    let length = u32::try_from(bytes.len()).expect("three attributes are short");
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    bytes
}

fn attribute(bytes: &mut Vec<u8>, kind: u16, value: [u8; 4]) {
    bytes.extend_from_slice(&8u16.to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&value);
}
