//! Our maps and sets, and their elements as messages.

use std::net::SocketAddrV4;

use super::chain::Chain;
use super::expression::value;
use super::table::{Key, TABLE, Target};
use super::transaction::{CREATE, Transaction, Verb};
use crate::netlink::wire::Attributes;

/// A service's key to the chain for its number of endpoints.
pub(super) const SERVICES: &str = "services";
/// A service's key and a number to an endpoint.
pub(super) const ENDPOINTS: &str = "endpoints";
/// A client and a service's key to the endpoint it had last.
pub(super) const AFFINITY: &str = "affinity";
/// The endpoints of services whose clients are remembered: a service's key and an endpoint.
pub(super) const MEMBERS: &str = "members";
/// Services outside the service range that nobody serves.
pub(super) const UNSERVED: &str = "unserved";

/// Elements of one message: an attribute ends at 64 KiB, and the largest element takes 88 bytes.
const ELEMENTS: usize = 600;
/// Clients that one namespace remembers at most; a full map only loses stickiness.
const REMEMBERED: u32 = 65_536;
const VERDICT_TYPE: u32 = 0xffff_ff00;
const MAP_FLAG: u32 = 8;
const TIMEOUT_FLAG: u32 = 0x10;
const EVALUATE_FLAG: u32 = 0x20;
const GOTO: i32 = -4;

enum Stored {
    Nothing,
    Verdict,
    Bytes(u32),
}

struct Map {
    name: &'static str,
    key: u32,
    value: Stored,
    remembers: bool,
}

const MAPS: [Map; 5] = [
    Map { name: SERVICES, key: 12, value: Stored::Verdict, remembers: false },
    Map { name: ENDPOINTS, key: 16, value: Stored::Bytes(8), remembers: false },
    Map { name: AFFINITY, key: 16, value: Stored::Bytes(8), remembers: true },
    Map { name: MEMBERS, key: 20, value: Stored::Nothing, remembers: false },
    Map { name: UNSERVED, key: 12, value: Stored::Nothing, remembers: false },
];

/// Makes all maps.
pub(super) fn add_maps(transaction: &mut Transaction) {
    for (map, id) in MAPS.iter().zip(1..) {
        add_map(transaction, map, id);
    }
}

fn add_map(transaction: &mut Transaction, map: &Map, id: u32) {
    let kind = if matches!(map.value, Stored::Nothing) { 0 } else { MAP_FLAG };
    transaction.add(Verb::NewSet, CREATE, |a| {
        a.text(1, TABLE);
        a.text(2, map.name);
        a.number(3, kind | if map.remembers { TIMEOUT_FLAG | EVALUATE_FLAG } else { 0 });
        a.number(4, 0);
        a.number(5, map.key);
        match map.value {
            Stored::Nothing => {}
            Stored::Verdict => {
                a.number(6, VERDICT_TYPE);
                a.number(7, 0);
            }
            Stored::Bytes(length) => {
                a.number(6, 0);
                a.number(7, length);
            }
        }
        if map.remembers {
            a.nested(9, |a| a.number(1, REMEMBERED));
        }
        a.number(10, id);
    });
}

/// What an element's key leads to.
enum Held {
    Nothing,
    Goto(Chain),
    Bytes([u8; 8]),
}

/// An element of a map: its key, as long as that map's is, and what it leads to.
pub(super) struct Element {
    key: [u8; 20],
    length: usize,
    held: Held,
}

impl Element {
    fn new(key: Key, more: &[u8], held: Held) -> Self {
        let (mut bytes, length) = ([0; 20], 12 + more.len());
        bytes[..12].copy_from_slice(&key.bytes());
        bytes[12..length].copy_from_slice(more);
        Self { key: bytes, length, held }
    }

    /// Of [`SERVICES`]; `None` where nobody serves.
    pub(super) fn service(key: Key, target: &Target) -> Option<Self> {
        Some(Self::new(key, &[], Held::Goto(Chain::of(key, target)?)))
    }

    /// Of [`ENDPOINTS`].
    pub(super) fn endpoints(key: Key, target: &Target) -> impl Iterator<Item = Self> + '_ {
        let numbered = target.endpoints.iter().zip(0u32..);
        numbered
            .map(move |(endpoint, drawn)| Self::new(key, &drawn.to_ne_bytes(), Held::Bytes(address_and_port(endpoint))))
    }

    /// Of [`MEMBERS`].
    pub(super) fn members(key: Key, target: &Target) -> impl Iterator<Item = Self> + '_ {
        let endpoints = if target.affinity_seconds > 0 { target.endpoints.as_slice() } else { &[] };
        endpoints.iter().map(move |endpoint| Self::new(key, &address_and_port(endpoint), Held::Nothing))
    }

    /// Of [`UNSERVED`].
    pub(super) fn unserved(key: Key) -> Self {
        Self::new(key, &[], Held::Nothing)
    }
}

/// As the registers hold an endpoint.
fn address_and_port(endpoint: &SocketAddrV4) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&endpoint.ip().octets());
    bytes[4..6].copy_from_slice(&endpoint.port().to_be_bytes());
    bytes
}

/// Puts elements into a map, or takes them out of it, in as many messages as that takes.
pub(super) fn write(transaction: &mut Transaction, verb: Verb, map: &str, all: impl Iterator<Item = Element>) {
    let mut all = all.peekable();
    while all.peek().is_some() {
        transaction.add(verb, if verb == Verb::NewElement { CREATE } else { 0 }, |a| {
            a.text(1, TABLE);
            a.text(2, map);
            a.nested(3, |list| all.by_ref().take(ELEMENTS).for_each(|element| write_element(list, verb, &element)));
        });
    }
}

fn write_element(list: &mut Attributes<'_>, verb: Verb, element: &Element) {
    list.nested(1, |a| {
        value(a, 1, &element.key[..element.length]);
        if verb == Verb::DelElement {
            return;
        }
        match &element.held {
            Held::Nothing => {}
            Held::Bytes(bytes) => value(a, 2, bytes),
            Held::Goto(chain) => a.nested(2, |data| {
                data.nested(2, |verdict| {
                    verdict.bytes(1, &GOTO.to_be_bytes());
                    verdict.text(2, &chain.name());
                });
            }),
        }
    });
}
