//! Which address and port a service gets that names none.
//!
//! The lower part of a range is left to services that name theirs, as long as the upper has any free: so does Kubernetes, whose
//! sizes these are (`ServiceIPStaticSubrange` and `ServiceNodePortStaticSubrange`).

use std::net::Ipv4Addr;

use super::DNS_OFFSET;
use crate::api::Api;

/// How many numbers are looked at by chance before all are, in order.
const TRIES: usize = 64;

/// A free address; the network's first is the API server's, the tenth is kept for DNS.
pub(super) fn address(api: &Api) -> Option<String> {
    let range = api.options.service_cluster_ip_range;
    let (first, last) = (u32::from(range.network()), u32::from(range.broadcast()));
    let kept = [first, first + 1, first + DNS_OFFSET, last];
    let shelf = api.store.shelf("services")?;
    let taken = |ip: &str| shelf.any(|_, entry| entry.field("spec.clusterIP") == Some(ip));
    let lower = lower_part(last - first + 1, 16, 256);
    let candidates = pick(first, last, lower).filter(|ip| !kept.contains(ip));
    candidates.map(|ip| Ipv4Addr::from(ip).to_string()).find(|ip| !taken(ip))
}

/// A free port of the range.
pub(super) fn port((first, last): (u16, u16), taken: impl Fn(u16) -> bool) -> Option<u16> {
    let lower = lower_part(u32::from(last - first) + 1, 32, 128);
    let mut candidates = pick(first.into(), last.into(), lower).filter_map(|port| u16::try_from(port).ok());
    candidates.find(|&port| !taken(port))
}

/// How many numbers of a range are left to those who name theirs: that fraction, within bounds. None of a small range.
fn lower_part(size: u32, fraction: u32, most: u32) -> u32 {
    const LEAST: u32 = 16;
    if size <= LEAST { 0 } else { (size / fraction).clamp(LEAST, most) }
}

/// All numbers from `first` to `last`: some of the upper part by chance, then all of it, then the `lower` first ones.
fn pick(first: u32, last: u32, lower: u32) -> impl Iterator<Item = u32> {
    let upper = first + lower;
    let chance = (0..TRIES).map(move |_| rand::random_range(upper..=last));
    chance.chain(upper..=last).chain(first..upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_part_is_for_those_who_name_theirs() {
        assert_eq!(lower_part(256, 16, 256), 16);
        assert_eq!(lower_part(1 << 16, 16, 256), 256);
        assert_eq!(lower_part(2768, 32, 128), 86);
        assert_eq!(lower_part(8, 32, 128), 0);
        for _ in 0..100 {
            assert!(port((30000, 32767), |_| false).unwrap() >= 30086);
        }
    }

    #[test]
    fn every_number_is_found_at_last() {
        assert_eq!(port((30000, 30099), |port| port != 30003), Some(30003));
        assert_eq!(port((30000, 30003), |port| port != 30003), Some(30003));
        assert_eq!(port((30000, 30003), |_| true), None);
    }
}
