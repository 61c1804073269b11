//! The expressions of our rules, each with the registers it reads and writes.
//!
//! A register here is one of the kernel's sixteen 32-bit ones (`NFT_REG32_00` …), so that the parts of a concatenated key
//! lie side by side as a lookup wants them.

use crate::netlink::wire::Attributes;

/// One of the sixteen 32-bit registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Register(pub(crate) u8);

impl Register {
    fn number(self) -> u32 {
        8 + u32::from(self.0)
    }
}

const VERDICT: u32 = 0;

/// One step of a rule. A step that does not match ends the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    /// Reads the transport protocol.
    Protocol(Register),
    /// Reads the IPv4 source address.
    Source(Register),
    /// Reads the IPv4 destination address.
    Destination(Register),
    /// Reads the destination port of TCP, UDP or SCTP.
    Port(Register),
    /// Reads a random number below the modulus.
    Random { below: u32, into: Register },
    /// Writes four bytes as they are.
    Value { bytes: [u8; 4], into: Register },
    /// Keeps the register's bits under the mask.
    Mask { register: Register, bits: [u8; 4] },
    /// Goes on only if the register begins with (or without) these bytes.
    Compare { from: Register, equal: bool, bytes: Vec<u8> },
    /// Looks the key that begins at `key` up in a map and writes its value, or ends the rule.
    Lookup { map: &'static str, key: Register, into: Register },
    /// Goes on only if the key is in the set.
    Among { set: &'static str, key: Register },
    /// Looks the key up in a verdict map and does as it says.
    Decide { map: &'static str, key: Register },
    /// Keeps `key` with its value in a map for a while, as if it were new. A value that is there already stays.
    Remember { map: &'static str, key: Register, value: Register, milliseconds: u64 },
    /// Takes `key` out of such a map; the kernel wants a value's register named, and does not look at it.
    Forget { map: &'static str, key: Register, value: Register },
    /// Sends the connection to the address and port in the registers.
    DestinationNat { address: Register, port: Register },
    /// Gives the connection this host's address.
    Masquerade,
    /// Reads what kind of address the destination is here (`RTN_*`, host order).
    DestinationKind(Register),
    /// Reads the connection's status bits (`IPS_*`, host order).
    ConnectionStatus(Register),
    /// Answers with a TCP reset.
    Reset,
    /// Answers that the port is unreachable.
    PortUnreachable,
}

impl Expression {
    /// Writes the expression as an element of a rule's list.
    pub(crate) fn write(&self, list: &mut Attributes<'_>) {
        list.nested(1, |element| {
            element.text(1, self.name());
            element.nested(2, |data| self.data(data));
        });
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Protocol(_) => "meta",
            Self::Source(_) | Self::Destination(_) | Self::Port(_) => "payload",
            Self::Random { .. } => "numgen",
            Self::Value { .. } => "immediate",
            Self::Mask { .. } => "bitwise",
            Self::Compare { .. } => "cmp",
            Self::Lookup { .. } | Self::Among { .. } | Self::Decide { .. } => "lookup",
            Self::Remember { .. } | Self::Forget { .. } => "dynset",
            Self::DestinationNat { .. } => "nat",
            Self::Masquerade => "masq",
            Self::DestinationKind(_) => "fib",
            Self::ConnectionStatus(_) => "ct",
            Self::Reset | Self::PortUnreachable => "reject",
        }
    }

    /// The attributes of the expression's own kind (`NFTA_META_*`, `NFTA_PAYLOAD_*`, …).
    fn data(&self, a: &mut Attributes<'_>) {
        match self {
            Self::Protocol(into) => pairs(a, &[(1, into.number()), (2, META_L4PROTO)]),
            Self::Source(into) => payload(a, *into, NETWORK_HEADER, 12, 4),
            Self::Destination(into) => payload(a, *into, NETWORK_HEADER, 16, 4),
            Self::Port(into) => payload(a, *into, TRANSPORT_HEADER, 2, 2),
            Self::Random { below, into } => pairs(a, &[(1, into.number()), (2, *below), (3, NUMGEN_RANDOM), (4, 0)]),
            Self::Value { bytes, into } => {
                a.number(1, into.number());
                value(a, 2, bytes);
            }
            Self::Mask { register, bits } => {
                pairs(a, &[(1, register.number()), (2, register.number()), (3, 4)]);
                value(a, 4, bits);
                value(a, 5, &[0; 4]);
            }
            Self::Compare { from, equal, bytes } => {
                pairs(a, &[(1, from.number()), (2, u32::from(!equal))]);
                value(a, 3, bytes);
            }
            Self::Lookup { map, key, into } => lookup(a, map, *key, into.number()),
            Self::Among { set, key } => {
                a.text(1, set);
                a.number(2, key.number());
            }
            Self::Decide { map, key } => lookup(a, map, *key, VERDICT),
            Self::Forget { map, key, value } => {
                a.text(1, map);
                pairs(a, &[(3, DYNSET_DELETE), (4, key.number()), (5, value.number())]);
            }
            Self::Remember { map, key, value, milliseconds } => {
                a.text(1, map);
                pairs(a, &[(3, DYNSET_UPDATE), (4, key.number()), (5, value.number())]);
                a.bytes(6, &milliseconds.to_be_bytes());
            }
            Self::DestinationNat { address, port } => {
                pairs(a, &[(1, NAT_DESTINATION), (2, FAMILY_IPV4), (3, address.number()), (5, port.number())]);
            }
            Self::Masquerade => {}
            Self::DestinationKind(into) => pairs(a, &[(1, into.number()), (2, FIB_ADDRESS_KIND), (3, FIB_DESTINATION)]),
            Self::ConnectionStatus(into) => pairs(a, &[(1, into.number()), (2, CT_STATUS)]),
            Self::Reset => a.number(1, REJECT_TCP_RESET),
            Self::PortUnreachable => {
                a.number(1, REJECT_ICMP);
                a.bytes(2, &[ICMP_PORT_UNREACHABLE]);
            }
        }
    }
}

const META_L4PROTO: u32 = 16;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
const NUMGEN_RANDOM: u32 = 1;
const DYNSET_UPDATE: u32 = 1;
const DYNSET_DELETE: u32 = 2;
const NAT_DESTINATION: u32 = 1;
const FAMILY_IPV4: u32 = 2;
const FIB_ADDRESS_KIND: u32 = 3;
const FIB_DESTINATION: u32 = 2;
const CT_STATUS: u32 = 2;
const REJECT_ICMP: u32 = 0;
const REJECT_TCP_RESET: u32 = 1;
const ICMP_PORT_UNREACHABLE: u8 = 3;

fn pairs(a: &mut Attributes<'_>, pairs: &[(u16, u32)]) {
    for (kind, number) in pairs {
        a.number(*kind, *number);
    }
}

fn payload(a: &mut Attributes<'_>, into: Register, base: u32, offset: u32, length: u32) {
    pairs(a, &[(1, into.number()), (2, base), (3, offset), (4, length)]);
}

fn lookup(a: &mut Attributes<'_>, map: &str, key: Register, into: u32) {
    a.text(1, map);
    pairs(a, &[(2, key.number()), (3, into)]);
}

/// A nested `NFTA_DATA_VALUE`.
pub(crate) fn value(a: &mut Attributes<'_>, kind: u16, bytes: &[u8]) {
    a.nested(kind, |data| data.bytes(1, bytes));
}
