//! Host ports of a pod out of a pool (reference/k8sm-behaviour.md, section 2.10).

use super::pool::{Pool, Share};
use super::request::PortAsk;

/// Takes every port asked for: demanded ones must be offered to `roles`, the others get the lowest port of the first range.
/// Returns the port of each ask in order and what was taken, or how many could not be had.
pub(super) fn take(pool: &mut Pool, asks: &[PortAsk], roles: &[String]) -> Result<(Vec<u16>, Vec<Share>), usize> {
    let (mut chosen, mut taken, mut missing) = (Vec::with_capacity(asks.len()), Vec::new(), 0);
    for (at, ask) in asks.iter().enumerate() {
        // Mesos' ports know no protocol: TCP and UDP of one number are one port of the offer
        let shared = ask.host_port.is_some_and(|port| chosen[..at].contains(&port));
        let Some(port) = ask.host_port.or_else(|| pool.first_port(roles)) else {
            missing += 1;
            chosen.push(0);
            continue;
        };
        chosen.push(port);
        if shared {
            continue;
        }
        match pool.take_port(roles, port) {
            Some(share) => taken.push(share),
            None => missing += 1,
        }
    }
    if missing == 0 { Ok((chosen, taken)) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(protocol: &str, host_port: Option<u16>) -> PortAsk {
        PortAsk { container: 0, index: 0, name: None, protocol: protocol.into(), container_port: 53, host_port }
    }

    fn pool() -> Pool {
        Pool { shares: vec![Share { ports: vec![(8000, 8001), (31000, 31000)], ..Share::empty("*", 0) }] }
    }

    #[test]
    fn fixed_and_wildcard_ports_do_not_meet() {
        let roles = ["*".to_owned()];
        let asks = [ask("TCP", Some(8000)), ask("TCP", None), ask("UDP", None)];
        let (ports, taken) = take(&mut pool(), &asks, &roles).unwrap();
        assert_eq!(ports, [8000, 8001, 31000]);
        assert_eq!(taken.len(), 3);
        assert_eq!(take(&mut pool(), &[ask("TCP", Some(80)), ask("TCP", Some(8000))], &roles), Err(1));
    }

    #[test]
    fn two_protocols_share_a_number() {
        let (ports, taken) =
            take(&mut pool(), &[ask("TCP", Some(8000)), ask("UDP", Some(8000))], &["*".to_owned()]).unwrap();
        assert_eq!((ports, taken.len()), (vec![8000, 8000], 1));
    }
}
