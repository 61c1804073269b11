//! Host ports of a pod out of a pool (reference/k8sm-behaviour.md, section 2.10).

use super::fit::NodeView;
use super::pool::{Pool, Share};
use super::request::PortAsk;

/// Takes every port asked for: demanded ones must be offered to `roles`, the others get the lowest port of the first range.
/// Returns the port of each ask in order and what was taken, or how many could not be had.
///
/// `there` are the ports of pods that run on the node. Mesos' ports know neither protocol nor address: what such a pod has of
/// a number, for another protocol or address, is no longer offered and yet free. So is a port of `node` that Mesos does not
/// give out: pods alone can be in its way.
pub(super) fn take<'a>(
    pool: &mut Pool,
    asks: &[PortAsk],
    roles: &[String],
    node: &NodeView,
    there: impl Iterator<Item = &'a PortAsk> + Clone,
) -> Result<(Vec<u16>, Vec<Share>), usize> {
    let (mut chosen, mut taken, mut missing) = (Vec::with_capacity(asks.len()), Vec::new(), 0);
    for (at, ask) in asks.iter().enumerate() {
        let of_number = |port: u16| there.clone().filter(move |other| other.host_port == Some(port));
        let shared = ask.host_port.is_some_and(|port| chosen[..at].contains(&port) || of_number(port).next().is_some());
        let Some(port) = ask.host_port.or_else(|| pool.first_port(roles)) else {
            missing += 1;
            chosen.push(0);
            continue;
        };
        chosen.push(port);
        if of_number(port).any(|other| other.conflicts(ask)) {
            missing += 1;
            continue;
        }
        // where it is offered it is taken all the same: its other owner may be ending
        match pool.take_port(roles, port) {
            Some(share) => taken.push(share),
            None if shared || !node.gives_out(port) => {}
            None => missing += 1,
        }
    }
    if missing == 0 { Ok((chosen, taken)) } else { Err(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(protocol: &str, host_port: Option<u16>) -> PortAsk {
        PortAsk {
            container: 0,
            index: 0,
            name: None,
            protocol: protocol.into(),
            container_port: 53,
            host_port,
            host_ip: String::new(),
        }
    }

    fn pool() -> Pool {
        Pool { shares: vec![Share { ports: vec![(8000, 8001), (31000, 31000)], ..Share::empty("*", 0) }] }
    }

    #[test]
    fn fixed_and_wildcard_ports_do_not_meet() {
        let roles = ["*".to_owned()];
        let asks = [ask("TCP", Some(8000)), ask("TCP", None), ask("UDP", None)];
        let (ports, taken) = take(&mut pool(), &asks, &roles, &NodeView::default(), [].iter()).unwrap();
        assert_eq!(ports, [8000, 8001, 31000]);
        assert_eq!(taken.len(), 3);
        assert_eq!(
            take(&mut pool(), &[ask("TCP", Some(80)), ask("TCP", Some(8000))], &roles, &NodeView::default(), [].iter()),
            Err(1)
        );
    }

    #[test]
    fn two_protocols_share_a_number() {
        let (ports, taken) = take(
            &mut pool(),
            &[ask("TCP", Some(8000)), ask("UDP", Some(8000))],
            &["*".to_owned()],
            &NodeView::default(),
            [].iter(),
        )
        .unwrap();
        assert_eq!((ports, taken.len()), (vec![8000, 8000], 1));
    }

    #[test]
    fn a_port_that_a_pod_has_is_free_for_another_protocol_or_address() {
        let at = |protocol: &str, ip: &str| PortAsk { host_ip: ip.into(), ..ask(protocol, Some(9000)) };
        let there = [at("TCP", "127.0.0.1")];
        let fits = |wanted: PortAsk| {
            take(&mut pool(), &[wanted], &["*".to_owned()], &NodeView::default(), there.iter()).is_ok()
        };
        assert!(fits(at("TCP", "10.0.0.1")) && fits(at("UDP", "127.0.0.1")));
        assert!(!fits(at("TCP", "127.0.0.1")) && !fits(at("TCP", "0.0.0.0")) && !fits(at("TCP", "")));
    }

    #[test]
    fn a_port_that_mesos_does_not_give_out_is_free_until_a_pod_has_it() {
        let node = NodeView { ports: Some(vec![(8000, 8002), (31000, 31000)]), ..NodeView::default() };
        let there = [ask("TCP", Some(54321))];
        let take = |port: u16| take(&mut pool(), &[ask("TCP", Some(port))], &["*".to_owned()], &node, there.iter());
        assert_eq!(take(80), Ok((vec![80], Vec::new())));
        assert_eq!(take(54321), Err(1), "a pod has it");
        assert_eq!(take(8002), Err(1), "another framework has it");
    }
}
