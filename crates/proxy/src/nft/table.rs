//! Our table: what it holds for a set of services, and the transactions by which the kernel's follows it.
//!
//! However many services there are, the rules are few: a verdict map sends a service's address to the chain for its
//! number of endpoints, and that chain draws a number and looks the endpoint up under (service, number). A service that
//! comes, goes or changes is a change of map elements, not of rules, and costs what it has itself.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::chain::{Chain, decide, refusals};
use super::expression::{Expression, Register};
use super::map::{self, ENDPOINTS, Element, MEMBERS, SERVICES, UNSERVED};
use super::transaction::{APPEND, CREATE, Transaction, Verb};
use crate::netlink::wire::Attributes;

pub(super) const TABLE: &str = "k8sm";

/// Which hooks of the namespace the services are reached through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hooks {
    /// A pod's: what its own processes send.
    Pod,
    /// A node's: what its own processes send, and what others send to its node ports, which then see the node's address.
    Node,
}

/// Where a service listens. A node port is one on [`Ipv4Addr::UNSPECIFIED`], for every address of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The IP protocol's number: 6 TCP, 17 UDP, 132 SCTP.
    pub protocol: u8,
    /// The service's address.
    pub address: Ipv4Addr,
    /// The service's port.
    pub port: u16,
}

impl Key {
    pub(super) fn bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[0] = self.protocol;
        bytes[4..8].copy_from_slice(&self.address.octets());
        bytes[8..10].copy_from_slice(&self.port.to_be_bytes());
        bytes
    }

    pub(super) fn is_node_port(self) -> bool {
        self.address == Ipv4Addr::UNSPECIFIED
    }
}

/// Who serves a [`Key`]; a service without endpoints has none and is refused by the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The endpoints, each as likely as the other.
    pub endpoints: Vec<std::net::SocketAddrV4>,
    /// Seconds for which a client stays with its endpoint, 0 for not at all.
    pub affinity_seconds: u32,
}

/// Who shall serve these keys from now on; nobody knows of a key without target.
pub type Changes = BTreeMap<Key, Option<Arc<Target>>>;

/// What namespaces with the same hooks hold.
#[derive(Debug)]
pub struct Table {
    hooks: Hooks,
    range: (Ipv4Addr, u8),
    rules: BTreeMap<Key, Arc<Target>>,
    /// How many rules go through each chain.
    chains: BTreeMap<Chain, usize>,
}

impl Table {
    /// Of no service yet. `range` is that of service addresses: what nobody serves in it is refused at once.
    #[must_use]
    pub fn new(hooks: Hooks, range: (Ipv4Addr, u8)) -> Self {
        Self { hooks, range, rules: BTreeMap::new(), chains: BTreeMap::new() }
    }

    /// The hooks it is made for.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        self.hooks
    }

    /// Who serves a key.
    #[must_use]
    pub fn target(&self, key: &Key) -> Option<&Arc<Target>> {
        self.rules.get(key)
    }

    /// The transaction that makes the table as it is now, in place of one that may be there.
    #[must_use]
    pub fn make(&self) -> Transaction {
        let mut transaction = Transaction::new();
        make(&mut transaction, self.hooks, self.range);
        for chain in self.chains.keys() {
            add_picking_chain(&mut transaction, *chain);
        }
        let rules: Vec<(Key, &Target)> = self.rules.iter().map(|(key, target)| (*key, &**target)).collect();
        self.elements(&mut transaction, Verb::NewElement, &rules);
        transaction
    }

    /// Changes the table; gives the transaction that brings a namespace along that held it as it was.
    pub fn change(&mut self, changes: &Changes) -> Transaction {
        let (mut gone, mut come, mut new_chains) = (Vec::new(), Vec::new(), Vec::new());
        for (key, new) in changes {
            if self.rules.get(key) == new.as_ref() {
                continue;
            }
            if let Some(new) = new {
                if let Some(chain) = Chain::of(*key, new) {
                    let users = self.chains.entry(chain).or_default();
                    if *users == 0 {
                        new_chains.push(chain);
                    }
                    *users += 1;
                }
                come.push((*key, &**new));
            }
            let old = match new {
                Some(new) => self.rules.insert(*key, Arc::clone(new)),
                None => self.rules.remove(key),
            };
            gone.extend(old.map(|old| (*key, old)));
        }
        let mut transaction = Transaction::new();
        for chain in new_chains {
            add_picking_chain(&mut transaction, chain);
        }
        let old: Vec<(Key, &Target)> = gone.iter().map(|(key, target)| (*key, &**target)).collect();
        self.elements(&mut transaction, Verb::DelElement, &old);
        self.elements(&mut transaction, Verb::NewElement, &come);
        for chain in old.iter().filter_map(|(key, target)| Chain::of(*key, target)) {
            let users = self.chains.get_mut(&chain).expect("a rule was counted when it came");
            *users -= 1;
            if *users == 0 {
                self.chains.remove(&chain);
                delete_chain(&mut transaction, chain);
            }
        }
        transaction
    }

    /// The elements of these rules. A service leads nowhere before its endpoints are there nor after they are gone.
    fn elements(&self, transaction: &mut Transaction, verb: Verb, rules: &[(Key, &Target)]) {
        let services = || rules.iter().filter_map(|(key, target)| Element::service(*key, target));
        if verb == Verb::DelElement {
            map::write(transaction, verb, SERVICES, services());
        }
        let endpoints = rules.iter().flat_map(|(key, target)| Element::endpoints(*key, target));
        map::write(transaction, verb, ENDPOINTS, endpoints);
        let members = rules.iter().flat_map(|(key, target)| Element::members(*key, target));
        map::write(transaction, verb, MEMBERS, members);
        let unserved = rules.iter().filter(|(key, target)| target.endpoints.is_empty() && self.is_outside(*key));
        map::write(transaction, verb, UNSERVED, unserved.map(|(key, _)| Element::unserved(*key)));
        if verb == Verb::NewElement {
            map::write(transaction, verb, SERVICES, services());
        }
    }

    /// Whether the refusal of the service range does not reach the key. At a node port nobody listens anyway.
    fn is_outside(&self, key: Key) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.range.1)).unwrap_or(0);
        !key.is_node_port() && (u32::from(key.address) ^ u32::from(self.range.0)) & mask != 0
    }
}

/// The table, its maps and its hooks, in place of one that may be there.
fn make(transaction: &mut Transaction, hooks: Hooks, refused: (Ipv4Addr, u8)) {
    let table = |a: &mut Attributes<'_>| a.text(1, TABLE);
    transaction.add(Verb::NewTable, CREATE, table);
    transaction.add(Verb::DelTable, 0, table);
    transaction.add(Verb::NewTable, CREATE, table);
    map::add_maps(transaction);
    add_chain(transaction, "output", Some(("nat", LOCAL_OUT, DNAT_PRIORITY)));
    add_chain(transaction, "refuse", Some(("filter", LOCAL_OUT, 0)));
    add_rule(transaction, "output", &decide(false));
    for rule in refusals(refused) {
        add_rule(transaction, "refuse", &rule);
    }
    if hooks == Hooks::Pod {
        return;
    }
    add_chain(transaction, "prerouting", Some(("nat", PREROUTING, DNAT_PRIORITY)));
    add_chain(transaction, "postrouting", Some(("nat", POSTROUTING, SNAT_PRIORITY)));
    add_rule(transaction, "prerouting", &decide(false));
    for chain in ["output", "prerouting"] {
        let mut rule = vec![
            Expression::DestinationKind(Register(0)),
            Expression::Compare { from: Register(0), equal: true, bytes: RTN_LOCAL.to_ne_bytes().to_vec() },
        ];
        rule.extend(decide(true));
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

const PREROUTING: u32 = 0;
const LOCAL_OUT: u32 = 3;
const POSTROUTING: u32 = 4;
const DNAT_PRIORITY: i32 = -100;
const SNAT_PRIORITY: i32 = 100;
const RTN_LOCAL: u32 = 2;
const IPS_DST_NAT: u32 = 1 << 5;

fn add_picking_chain(transaction: &mut Transaction, chain: Chain) {
    add_chain(transaction, &chain.name(), None);
    for rule in chain.rules() {
        add_rule(transaction, &chain.name(), &rule);
    }
}

fn delete_chain(transaction: &mut Transaction, chain: Chain) {
    transaction.add(Verb::DelChain, 0, |a| {
        a.text(1, TABLE);
        a.text(3, &chain.name());
    });
}

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
