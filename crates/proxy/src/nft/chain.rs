//! The rules of our chains: which endpoint a service's clients get, and who is refused.

use std::net::Ipv4Addr;

use super::expression::{Expression, Register};
use super::map::{AFFINITY, ENDPOINTS, MEMBERS, SERVICES, UNSERVED};
use super::table::{Key, Target};

/// A chain that picks one of `endpoints`; there is one a number of endpoints in use, not one a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Chain {
    endpoints: u32,
    affinity_seconds: u32,
    node_port: bool,
}

impl Chain {
    /// The chain for a service's clients; `None` where nobody serves.
    pub(super) fn of(key: Key, target: &Target) -> Option<Self> {
        let endpoints = u32::try_from(target.endpoints.len()).ok().filter(|n| *n > 0)?;
        Some(Self { endpoints, affinity_seconds: target.affinity_seconds, node_port: key.is_node_port() })
    }

    pub(super) fn name(self) -> String {
        let kind = if self.node_port { "node" } else { "pick" };
        format!("{kind}-{}-{}", self.endpoints, self.affinity_seconds)
    }

    /// Registers 0 to 2 the service, 3 the number drawn, 4 and 5 the endpoint, 8 to 11 client and service.
    pub(super) fn rules(self) -> Vec<Vec<Expression>> {
        let (key, drawn) = (Register(0), Register(3));
        let endpoint = (Register(4), Register(5));
        let mut pick = service(0, self.node_port);
        pick.push(Expression::Random { below: self.endpoints, into: drawn });
        pick.push(Expression::Lookup { map: ENDPOINTS, key, into: endpoint.0 });
        if self.affinity_seconds == 0 {
            pick.push(Expression::DestinationNat { address: endpoint.0, port: endpoint.1 });
            return vec![pick];
        }
        let client = Register(8);
        let mut who = vec![Expression::Source(client)];
        who.extend(service(9, self.node_port));
        pick.extend(who.clone());
        // whom the client had before serves no more, and would stay
        pick.push(Expression::Forget { map: AFFINITY, key: client, value: endpoint.0 });
        pick.push(self.remember(client, endpoint.0));
        pick.push(Expression::DestinationNat { address: endpoint.0, port: endpoint.1 });
        vec![self.known(client, who), pick]
    }

    /// A client that is remembered stays with its endpoint, in registers 3 and 4 behind the service, if that still serves.
    fn known(self, client: Register, who: Vec<Expression>) -> Vec<Expression> {
        let (address, port) = (Register(3), Register(4));
        let mut known = who;
        known.push(Expression::Lookup { map: AFFINITY, key: client, into: address });
        known.extend(service(0, self.node_port));
        known.push(Expression::Among { set: MEMBERS, key: Register(0) });
        known.push(self.remember(client, address));
        known.push(Expression::DestinationNat { address, port });
        known
    }

    fn remember(self, client: Register, value: Register) -> Expression {
        let milliseconds = u64::from(self.affinity_seconds) * 1000;
        Expression::Remember { map: AFFINITY, key: client, value, milliseconds }
    }
}

/// Reads the key of what a packet is addressed to into three registers.
fn service(first: u8, node_port: bool) -> Vec<Expression> {
    let address = Register(first + 1);
    let address =
        if node_port { Expression::Value { bytes: [0; 4], into: address } } else { Expression::Destination(address) };
    vec![Expression::Protocol(Register(first)), address, Expression::Port(Register(first + 2))]
}

/// Sends what is addressed to a service to its chain.
pub(super) fn decide(node_port: bool) -> Vec<Expression> {
    let mut rule = service(0, node_port);
    rule.push(Expression::Decide { map: SERVICES, key: Register(0) });
    rule
}

/// Whatever is still addressed to the service range, or to a service that nobody serves, behind the NAT hook is refused.
pub(super) fn refusals((address, length): (Ipv4Addr, u8)) -> Vec<Vec<Expression>> {
    let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
    let inside = vec![
        Expression::Destination(Register(0)),
        Expression::Mask { register: Register(0), bits: mask.to_be_bytes() },
        Expression::Compare {
            from: Register(0),
            equal: true,
            bytes: (u32::from(address) & mask).to_be_bytes().to_vec(),
        },
    ];
    let mut unserved = service(0, false);
    unserved.push(Expression::Among { set: UNSERVED, key: Register(0) });
    let answers = [(true, Expression::Reset), (false, Expression::PortUnreachable)];
    let tcp =
        |equal| [Expression::Protocol(Register(0)), Expression::Compare { from: Register(0), equal, bytes: vec![6] }];
    let refused = [inside, unserved];
    refused
        .iter()
        .flat_map(|what| {
            answers.clone().map(|(is_tcp, answer)| what.iter().cloned().chain(tcp(is_tcp)).chain([answer]).collect())
        })
        .collect()
}
