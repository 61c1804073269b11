//! Our table: what it holds for a set of services, and the transaction from one such set to another.
//!
//! However many services there are, the rules are few: a verdict map sends a service's address to the chain for its
//! number of endpoints, and that chain draws a number and looks the endpoint up under (service, number). A service that
//! comes, goes or changes is a change of map elements, not of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use super::expression::{Expression, Register, value};
use super::transaction::{APPEND, CREATE, Transaction, Verb};
use crate::netlink::wire::Attributes;

const TABLE: &str = "k8sm";
const SERVICES: &str = "services";
const ENDPOINTS: &str = "endpoints";
const AFFINITY: &str = "affinity";
/// Elements of one message: an attribute ends at 64 KiB, and the largest element takes 88 bytes.
const ELEMENTS: usize = 600;

/// Which hooks of the namespace the services are reached through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hooks {
    /// A pod's: what its own processes send.
    Pod,
    /// A node's: what its own processes send, and what others send to its node ports, which then see the node's address.
    Node,
}

/// Where a service listens. A node port is one on [`Ipv4Addr::UNSPECIFIED`], for every address of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The IP protocol's number: 6 TCP, 17 UDP, 132 SCTP.
    pub protocol: u8,
    /// The service's address.
    pub address: Ipv4Addr,
    /// The service's port.
    pub port: u16,
}

impl Key {
    fn bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[0] = self.protocol;
        bytes[4..8].copy_from_slice(&self.address.octets());
        bytes[8..10].copy_from_slice(&self.port.to_be_bytes());
        bytes
    }

    fn is_node_port(self) -> bool {
        self.address == Ipv4Addr::UNSPECIFIED
    }
}

/// Who serves a [`Key`]; a service without endpoints has none and is refused by the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The endpoints, each as likely as the other.
    pub endpoints: Vec<SocketAddrV4>,
    /// Seconds for which a client stays with its endpoint, 0 for not at all.
    pub affinity_seconds: u32,
}

/// What a namespace's table shall hold.
pub type Rules = BTreeMap<Key, Target>;

/// A chain that picks one of `endpoints`; there is one a number of endpoints in use, not one a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Chain {
    endpoints: u32,
    affinity_seconds: u32,
    node_port: bool,
}

impl Chain {
    fn of(key: Key, target: &Target) -> Option<Self> {
        let endpoints = u32::try_from(target.endpoints.len()).ok().filter(|n| *n > 0)?;
        Some(Self { endpoints, affinity_seconds: target.affinity_seconds, node_port: key.is_node_port() })
    }

    fn name(self) -> String {
        let kind = if self.node_port { "node" } else { "pick" };
        format!("{kind}-{}-{}", self.endpoints, self.affinity_seconds)
    }

    /// Registers 0 to 2 the service, 3 the number drawn, 4 and 5 the endpoint, 8 to 11 client and service.
    fn rules(self) -> Vec<Vec<Expression>> {
        let (key, drawn) = (Register(0), Register(3));
        let endpoint = (Register(4), Register(5));
        let nat = Expression::DestinationNat { address: endpoint.0, port: endpoint.1 };
        let mut pick = self.service(0);
        pick.push(Expression::Random { below: self.endpoints, into: drawn });
        pick.push(Expression::Lookup { map: ENDPOINTS, key, into: endpoint.0 });
        if self.affinity_seconds == 0 {
            pick.push(nat);
            return vec![pick];
        }
        let client = Register(8);
        let mut who = vec![Expression::Source(client)];
        who.extend(self.service(9));
        let remember = Expression::Remember {
            map: AFFINITY,
            key: client,
            value: endpoint.0,
            milliseconds: u64::from(self.affinity_seconds) * 1000,
        };
        let mut known = who.clone();
        known.push(Expression::Lookup { map: AFFINITY, key: client, into: endpoint.0 });
        known.extend([remember.clone(), nat.clone()]);
        pick.extend(who);
        pick.extend([remember, nat]);
        vec![known, pick]
    }

    /// Reads the service's key into three registers.
    fn service(self, first: u8) -> Vec<Expression> {
        let address = Register(first + 1);
        let address = if self.node_port {
            Expression::Value { bytes: [0; 4], into: address }
        } else {
            Expression::Destination(address)
        };
        vec![Expression::Protocol(Register(first)), address, Expression::Port(Register(first + 2))]
    }
}

/// The transaction that turns a table of `old` into one of `new`; `None` as `old` means that nothing is known of the
/// table, which is then made afresh. `refused` is the service range: what nobody serves in it is refused at once.
#[must_use]
pub fn difference(hooks: Hooks, refused: (Ipv4Addr, u8), old: Option<&Rules>, new: &Rules) -> Transaction {
    let mut transaction = Transaction::new();
    let empty = Rules::new();
    if old.is_none() {
        make(&mut transaction, hooks, refused);
    }
    let old = old.unwrap_or(&empty);
    let (before, after) = (chains(old), chains(new));
    for chain in after.difference(&before) {
        add_chain(&mut transaction, &chain.name(), None);
        for rule in chain.rules() {
            add_rule(&mut transaction, &chain.name(), &rule);
        }
    }
    let gone: Vec<(&Key, &Target)> = old.iter().filter(|(key, target)| new.get(key) != Some(target)).collect();
    let come: Vec<(&Key, &Target)> = new.iter().filter(|(key, target)| old.get(key) != Some(target)).collect();
    let services = |changed: &[(&Key, &Target)]| -> Vec<Element> {
        changed.iter().filter_map(|(key, target)| Some(Element::service(**key, Chain::of(**key, target)?))).collect()
    };
    let endpoints = |changed: &[(&Key, &Target)]| -> Vec<Element> {
        changed.iter().flat_map(|(key, target)| Element::endpoints(**key, target)).collect()
    };
    elements(&mut transaction, Verb::DelElement, SERVICES, &services(&gone));
    elements(&mut transaction, Verb::DelElement, ENDPOINTS, &endpoints(&gone));
    elements(&mut transaction, Verb::NewElement, ENDPOINTS, &endpoints(&come));
    elements(&mut transaction, Verb::NewElement, SERVICES, &services(&come));
    for chain in before.difference(&after) {
        transaction.add(Verb::DelChain, 0, |a| {
            a.text(1, TABLE);
            a.text(3, &chain.name());
        });
    }
    transaction
}

fn chains(rules: &Rules) -> BTreeSet<Chain> {
    rules.iter().filter_map(|(key, target)| Chain::of(*key, target)).collect()
}

/// The table, its maps and its hooks, in place of one that may be there.
fn make(transaction: &mut Transaction, hooks: Hooks, refused: (Ipv4Addr, u8)) {
    let table = |a: &mut Attributes<'_>| a.text(1, TABLE);
    transaction.add(Verb::NewTable, CREATE, table);
    transaction.add(Verb::DelTable, 0, table);
    transaction.add(Verb::NewTable, CREATE, table);
    add_map(transaction, &Map { name: SERVICES, id: 1, key: 12, value: Stored::Verdict, remembers: false });
    add_map(transaction, &Map { name: ENDPOINTS, id: 2, key: 16, value: Stored::Bytes(8), remembers: false });
    add_map(transaction, &Map { name: AFFINITY, id: 3, key: 16, value: Stored::Bytes(8), remembers: true });
    add_chain(transaction, "output", Some(("nat", LOCAL_OUT, DNAT_PRIORITY)));
    add_chain(transaction, "refuse", Some(("filter", LOCAL_OUT, 0)));
    add_rule(transaction, "output", &decide(Chain { endpoints: 0, affinity_seconds: 0, node_port: false }));
    for rule in refusals(refused) {
        add_rule(transaction, "refuse", &rule);
    }
    if hooks == Hooks::Pod {
        return;
    }
    add_chain(transaction, "prerouting", Some(("nat", PREROUTING, DNAT_PRIORITY)));
    add_chain(transaction, "postrouting", Some(("nat", POSTROUTING, SNAT_PRIORITY)));
    add_rule(transaction, "prerouting", &decide(Chain { endpoints: 0, affinity_seconds: 0, node_port: false }));
    let node_port = decide(Chain { endpoints: 0, affinity_seconds: 0, node_port: true });
    for chain in ["output", "prerouting"] {
        let mut rule = vec![
            Expression::DestinationKind(Register(0)),
            Expression::Compare { from: Register(0), equal: true, bytes: RTN_LOCAL.to_ne_bytes().to_vec() },
        ];
        rule.extend(node_port.clone());
        add_rule(transaction, chain, &rule);
    }
    add_rule(
        transaction,
        "postrouting",
        &[
            Expression::ConnectionStatus(Register(0)),
            Expression::Mask { register: Register(0), bits: IPS_DST_NAT.to_ne_bytes() },
            Expression::Compare { from: Register(0), equal: false, bytes: vec![0; 4] },
            Expression::Masquerade,
        ],
    );
}

/// Sends what is addressed to a service to its chain.
fn decide(chain: Chain) -> Vec<Expression> {
    let mut rule = chain.service(0);
    rule.push(Expression::Decide { map: SERVICES, key: Register(0) });
    rule
}

/// Whatever is still addressed to the service range behind the NAT hook has nobody to serve it.
fn refusals((address, length): (Ipv4Addr, u8)) -> [Vec<Expression>; 2] {
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    let inside = [
        Expression::Destination(Register(0)),
        Expression::Mask { register: Register(0), bits: mask.to_be_bytes() },
        Expression::Compare {
            from: Register(0),
            equal: true,
            bytes: (u32::from(address) & mask).to_be_bytes().to_vec(),
        },
    ];
    let tcp =
        |equal| [Expression::Protocol(Register(0)), Expression::Compare { from: Register(0), equal, bytes: vec![6] }];
    [(true, Expression::Reset), (false, Expression::PortUnreachable)]
        .map(|(is_tcp, answer)| inside.iter().cloned().chain(tcp(is_tcp)).chain([answer]).collect())
}

const PREROUTING: u32 = 0;
const LOCAL_OUT: u32 = 3;
const POSTROUTING: u32 = 4;
const DNAT_PRIORITY: i32 = -100;
const SNAT_PRIORITY: i32 = 100;
const RTN_LOCAL: u32 = 2;
const IPS_DST_NAT: u32 = 1 << 5;

fn add_chain(transaction: &mut Transaction, name: &str, hook: Option<(&str, u32, i32)>) {
    transaction.add(Verb::NewChain, CREATE, |a| {
        a.text(1, TABLE);
        a.text(3, name);
        if let Some((kind, hook, priority)) = hook {
            a.nested(4, |a| {
                a.number(1, hook);
                a.bytes(2, &priority.to_be_bytes());
            });
            a.text(7, kind);
        }
    });
}

fn add_rule(transaction: &mut Transaction, chain: &str, expressions: &[Expression]) {
    transaction.add(Verb::NewRule, CREATE | APPEND, |a| {
        a.text(1, TABLE);
        a.text(2, chain);
        a.nested(4, |list| expressions.iter().for_each(|expression| expression.write(list)));
    });
}

enum Stored {
    Verdict,
    Bytes(u32),
}

struct Map {
    name: &'static str,
    id: u32,
    key: u32,
    value: Stored,
    remembers: bool,
}

const VERDICT_TYPE: u32 = 0xffff_ff00;
const MAP_FLAG: u32 = 8;
const TIMEOUT_FLAG: u32 = 0x10;
const EVALUATE_FLAG: u32 = 0x20;
/// Clients that one namespace remembers at most; a full map only loses stickiness.
const REMEMBERED: u32 = 65_536;

fn add_map(transaction: &mut Transaction, map: &Map) {
    transaction.add(Verb::NewSet, CREATE, |a| {
        a.text(1, TABLE);
        a.text(2, map.name);
        a.number(3, if map.remembers { MAP_FLAG | TIMEOUT_FLAG | EVALUATE_FLAG } else { MAP_FLAG });
        a.number(4, 0);
        a.number(5, map.key);
        match map.value {
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
        a.number(10, map.id);
    });
}

enum Held {
    Goto(String),
    Bytes([u8; 8]),
}

struct Element {
    key: Vec<u8>,
    held: Held,
}

impl Element {
    fn service(key: Key, chain: Chain) -> Self {
        Self { key: key.bytes().to_vec(), held: Held::Goto(chain.name()) }
    }

    fn endpoints(key: Key, target: &Target) -> impl Iterator<Item = Self> + '_ {
        target.endpoints.iter().zip(0u32..).map(move |(endpoint, drawn)| {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&endpoint.ip().octets());
            bytes[4..6].copy_from_slice(&endpoint.port().to_be_bytes());
            let key = key.bytes().into_iter().chain(drawn.to_ne_bytes()).collect();
            Self { key, held: Held::Bytes(bytes) }
        })
    }
}

const GOTO: i32 = -4;

fn elements(transaction: &mut Transaction, verb: Verb, map: &str, all: &[Element]) {
    for some in all.chunks(ELEMENTS) {
        transaction.add(verb, if verb == Verb::NewElement { CREATE } else { 0 }, |a| {
            a.text(1, TABLE);
            a.text(2, map);
            a.nested(3, |list| some.iter().for_each(|element| write_element(list, verb, element)));
        });
    }
}

fn write_element(list: &mut Attributes<'_>, verb: Verb, element: &Element) {
    list.nested(1, |a| {
        value(a, 1, &element.key);
        if verb == Verb::DelElement {
            return;
        }
        match &element.held {
            Held::Bytes(bytes) => value(a, 2, bytes),
            Held::Goto(chain) => a.nested(2, |data| {
                data.nested(2, |verdict| {
                    verdict.bytes(1, &GOTO.to_be_bytes());
                    verdict.text(2, chain);
                });
            }),
        }
    });
}
