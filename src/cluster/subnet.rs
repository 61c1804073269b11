//! Subnets: picked free of what this machine routes, and laid out so that no address ever moves.
//!
//! Components have fixed addresses in the lower half, pods get theirs from the upper half (`ip-range`): Docker shuffles
//! the addresses it picks itself when the engine restarts, and never gives away one that lies outside the range.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Serialize, Serializer};

use crate::failure::Failure;

/// The layout of one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Layout {
    /// All its addresses.
    #[serde(serialize_with = "as_text")]
    pub(crate) subnet: Ipv4Net,
    /// The bridge's own; named, for Docker would take the first of the range.
    pub(crate) gateway: Ipv4Addr,
    /// Where Docker picks addresses.
    #[serde(serialize_with = "as_text")]
    pub(crate) ip_range: Ipv4Net,
}

/// Serializes a network as it is written.
pub(crate) fn as_text<S: Serializer>(net: &Ipv4Net, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(net)
}

/// The first slave's number among the fixed addresses; the other components have those before.
const FIRST_SLAVE: u32 = 16;

impl Layout {
    /// The layout of `subnet`.
    ///
    /// # Errors
    /// What is wrong with a subnet that is too small to be halved.
    pub(crate) fn of(subnet: Ipv4Net) -> Result<Self, String> {
        let subnet = subnet.trunc();
        if subnet.prefix_len() > 26 {
            return Err(format!("subnet {subnet} is too small, expected /26 or larger"));
        }
        let half = subnet.prefix_len() + 1;
        let base = u32::from(subnet.network());
        let upper = base | (1 << (32 - u32::from(half)));
        Ok(Self {
            subnet,
            gateway: Ipv4Addr::from(base + 1),
            ip_range: Ipv4Net::new(Ipv4Addr::from(upper), half).map_err(|error| error.to_string())?,
        })
    }

    /// The fixed address of a component; slaves are numbered from 1.
    pub(crate) fn address(&self, hostname: &str) -> Option<Ipv4Addr> {
        let number = match hostname {
            "etcd" => 2,
            "mesosmaster1" => 3,
            "apiserver" => 4,
            "controller" => 5,
            "scheduler" => 6,
            _ => FIRST_SLAVE + hostname.strip_prefix("mesosslave")?.parse::<u32>().ok()?.checked_sub(1)?,
        };
        let address = Ipv4Addr::from(u32::from(self.subnet.network()).checked_add(number)?);
        let fixed = self.subnet.contains(&address) && !self.ip_range.contains(&address);
        fixed.then_some(address)
    }

    /// How many slaves have a fixed address.
    pub(crate) fn slaves(&self) -> u32 {
        (1 << (32 - u32::from(self.ip_range.prefix_len()))) - FIRST_SLAVE
    }
}

/// The first free subnets of these prefix lengths, one for each, that overlap nothing in `taken` nor each other.
///
/// # Errors
/// A failure of the environment where private address space has none left.
pub(crate) fn pick(prefixes: &[u8], taken: &[Ipv4Net]) -> Result<Vec<Layout>, Failure> {
    let mut taken = taken.to_vec();
    prefixes
        .iter()
        .map(|prefix| {
            let free = candidates(*prefix).find(|subnet| !taken.iter().any(|other| overlap(subnet, other)));
            let subnet = free.ok_or_else(|| no_free_subnet(*prefix))?;
            taken.push(subnet);
            Layout::of(subnet).map_err(Failure::environment)
        })
        .collect()
}

/// Whether two networks share an address.
pub(crate) fn overlap(one: &Ipv4Net, other: &Ipv4Net) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

fn no_free_subnet(prefix: u8) -> Failure {
    Failure::environment(format!(
        "no free subnet of size /{prefix}: routes and Docker networks take all private ranges"
    ))
    .hint("`docker network prune` removes unused networks; or name subnets in a compose file of your own (--file)")
}

/// Private subnets of that size: first what Docker itself leaves for last, then the rest, then 10/8 from its end.
fn candidates(prefix: u8) -> impl Iterator<Item = Ipv4Net> {
    let within = ["172.30.0.0/15", "172.24.0.0/14", "172.18.0.0/15", "192.168.128.0/17", "10.192.0.0/10"];
    within.into_iter().flat_map(move |block| {
        let block: Ipv4Net = block.parse().expect("the blocks above are networks");
        block.subnets(prefix.max(block.prefix_len())).into_iter().flatten()
    })
}

/// The destinations of a routing table as `/proc/net/route` prints it, but for the default route.
pub(crate) fn routes(table: &str) -> Vec<Ipv4Net> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            let (destination, mask) = (columns.nth(1)?, columns.nth(5)?);
            // The kernel prints words of memory: on a little-endian machine the bytes come reversed.
            let word = |hex: &str| u32::from_str_radix(hex, 16).ok().map(|word| u32::from_be_bytes(word.to_ne_bytes()));
            let net = Ipv4Net::with_netmask(Ipv4Addr::from(word(destination)?), Ipv4Addr::from(word(mask)?)).ok()?;
            (net.prefix_len() > 0).then_some(net.trunc())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn components_lie_below_the_range_of_pods() {
        let layout = Layout::of(net("172.30.4.0/22")).unwrap();
        assert_eq!(layout.gateway.to_string(), "172.30.4.1");
        assert_eq!(layout.ip_range, net("172.30.6.0/23"));
        assert_eq!(layout.address("etcd").unwrap().to_string(), "172.30.4.2");
        assert_eq!(layout.address("mesosslave1").unwrap().to_string(), "172.30.4.16");
        assert_eq!(layout.address("mesosslave496").unwrap().to_string(), "172.30.5.255");
        assert_eq!(layout.slaves(), 496);
        assert_eq!(layout.address("mesosslave497"), None);
        assert_eq!(layout.address("mesosslave0"), None);
    }

    #[test]
    fn a_pick_overlaps_nothing() {
        let taken = [net("172.30.0.0/22"), net("172.30.8.0/24"), net("10.10.10.0/24")];
        let picked = pick(&[22, 19], &taken).unwrap();
        assert_eq!(picked[0].subnet, net("172.30.4.0/22"));
        assert_eq!(picked[1].subnet, net("172.30.32.0/19"));
    }

    #[test]
    fn a_wide_route_moves_the_pick_elsewhere() {
        let picked = pick(&[22], &[net("172.16.0.0/12"), net("192.168.0.0/16")]).unwrap();
        assert_eq!(picked[0].subnet, net("10.192.0.0/22"));
        assert!(pick(&[22], &[net("172.16.0.0/12"), net("192.168.0.0/16"), net("10.0.0.0/8")]).is_err());
    }

    #[test]
    fn the_kernel_s_table_is_read() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        assert_eq!(routes(table), [net("172.17.0.0/16")]);
        assert!(routes("").is_empty() && routes("x\ny").is_empty());
    }
}
