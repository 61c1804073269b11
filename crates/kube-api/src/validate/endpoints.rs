//! Endpoints and endpoint slices.

use std::collections::HashSet;
use std::net::IpAddr;

use super::error::Errors;
use super::names;
use super::tree::Node;

/// Addresses and ports behind a service.
pub(super) fn endpoints(root: &Node, errors: &mut Errors) {
    for subset in root.at("subsets").items() {
        let (ready, waiting) = (subset.at("addresses"), subset.at("notReadyAddresses"));
        if ready.is_empty() && waiting.is_empty() {
            errors.required(&subset, "must specify `addresses` or `notReadyAddresses`");
        }
        for list in [ready, waiting] {
            for entry in list.items() {
                non_special_ip(&entry.at("ip"), errors);
                let host = entry.at("hostname");
                if !host.is_empty() {
                    errors.named(&host, names::dns1123_label(host.text()));
                }
            }
        }
        let ports = subset.at("ports");
        let several = ports.len() > 1;
        for port in ports.items() {
            let name = port.at("name");
            if name.is_empty() && several {
                errors.required(&name, "");
            } else if !name.is_empty() {
                errors.named(&name, names::dns1123_label(name.text()));
            }
            port_and_protocol(&port, errors);
        }
    }
}

fn port_and_protocol(port: &Node, errors: &mut Errors) {
    let number = port.at("port");
    if number.is_present() {
        errors.port(&number);
    } else {
        errors.invalid_value(&number, &0.into(), "must be between 1 and 65535, inclusive");
    }
    let protocol = port.at("protocol");
    if errors.need(&protocol) {
        errors.one_of(&protocol, &["SCTP", "TCP", "UDP"]);
    }
}

/// An address, and one that a client elsewhere can reach.
pub(super) fn non_special_ip(ip: &Node, errors: &mut Errors) {
    errors.ip(ip);
    let Ok(address) = ip.text().parse::<IpAddr>() else { return };
    let address = address.to_canonical();
    let (link_local, link_multicast) = match address {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets().starts_with(&[224, 0, 0])),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
    };
    if address.is_unspecified() {
        errors.invalid(ip, &format!("may not be unspecified ({})", ip.text()));
    }
    for (is, why) in [
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (link_multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ] {
        if is {
            errors.invalid(ip, why);
        }
    }
}

const MOST_ADDRESSES: usize = 100;
const MOST_ENDPOINTS: usize = 1000;
const MOST_PORTS: usize = 100;
const MOST_ZONES: usize = 8;

/// A slice of a service's endpoints.
pub(super) fn slice(root: &Node, errors: &mut Errors) {
    let kind = root.at("addressType");
    if errors.need(&kind) {
        errors.one_of(&kind, &["FQDN", "IPv4", "IPv6"]);
    }
    let endpoints = root.at("endpoints");
    if endpoints.len() > MOST_ENDPOINTS {
        errors.too_many(&endpoints, MOST_ENDPOINTS);
    }
    for endpoint in endpoints.items().filter(|_| endpoints.len() <= MOST_ENDPOINTS) {
        let addresses = endpoint.at("addresses");
        if addresses.is_empty() {
            errors.required(&addresses, "must contain at least 1 address");
        } else if addresses.len() > MOST_ADDRESSES {
            errors.too_many(&addresses, MOST_ADDRESSES);
        }
        for ip in addresses.items() {
            match kind.text() {
                "FQDN" => domain(&ip, errors),
                "IPv4" if !ip.text().parse().is_ok_and(|a: IpAddr| a.is_ipv4()) => {
                    errors.invalid(&ip, "must be a valid IPv4 address");
                }
                "IPv6" if !ip.text().parse().is_ok_and(|a: IpAddr| a.is_ipv6()) => {
                    errors.invalid(&ip, "must be a valid IPv6 address");
                }
                _ => non_special_ip(&ip, errors),
            }
        }
        let (node, host) = (endpoint.at("nodeName"), endpoint.at("hostname"));
        if node.is_present() {
            errors.named(&node, names::dns1123_subdomain(node.text()));
        }
        if host.is_present() {
            errors.named(&host, names::dns1123_label(host.text()));
        }
        hints(&endpoint.at("hints").at("forZones"), errors);
    }
    slice_ports(&root.at("ports"), errors);
}

/// A name of the DNS that says where it is.
fn domain(address: &Node, errors: &mut Errors) {
    if !errors.need(address) {
        return;
    }
    let name = address.text().strip_suffix('.').unwrap_or(address.text());
    let wrong = names::dns1123_subdomain(name);
    if !wrong.is_empty() {
        errors.named_value(address, name, wrong);
    } else if !name.contains('.') {
        errors.invalid_value(address, &name.into(), "should be a domain with at least two segments separated by dots");
    } else {
        for label in name.split('.') {
            errors.named_value(address, label, names::dns1123_label(label));
        }
    }
}

/// The zones whose clients an endpoint is for.
fn hints(zones: &Node, errors: &mut Errors) {
    if zones.len() > MOST_ZONES {
        errors.too_many(zones, MOST_ZONES);
        return;
    }
    let mut seen = HashSet::new();
    for zone in zones.items() {
        let name = zone.at("name");
        if !seen.insert(name.text()) {
            errors.duplicate(&name);
        }
        errors.named(&name, names::label_value(name.text()));
    }
}

fn slice_ports(ports: &Node, errors: &mut Errors) {
    if ports.len() > MOST_PORTS {
        errors.too_many(ports, MOST_PORTS);
        return;
    }
    let mut seen = HashSet::new();
    for port in ports.items() {
        let name = port.at("name");
        if !name.is_empty() {
            errors.named(&name, names::dns1123_label(name.text()));
        }
        if !seen.insert(name.text().to_owned()) {
            errors.duplicate(&name);
        }
        errors.port(&port.at("port"));
        let application = port.at("appProtocol");
        if application.is_present() {
            errors.named(&application, names::qualified_name(application.text()));
        }
        let protocol = port.at("protocol");
        if errors.need(&protocol) {
            errors.one_of(&protocol, &["SCTP", "TCP", "UDP"]);
        }
    }
}
