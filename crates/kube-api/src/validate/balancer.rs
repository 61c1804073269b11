//! What the status of a service says of its load balancer.

use super::error::Errors;
use super::names;
use super::tree::Node;

/// The addresses and names by which the world reaches a service.
pub(super) fn status(root: &Node, errors: &mut Errors) {
    let (spec, status) = (root.at("spec"), root.at("status"));
    let balancer = status.at("loadBalancer");
    let list = balancer.at("ingress");
    if spec.at("type").text() != "LoadBalancer" && !list.is_empty() {
        errors.forbidden(&list, "may only be used when `spec.type` is 'LoadBalancer'");
        return;
    }
    for ingress in list.items() {
        let (ip, mode, host) = (ingress.at("ip"), ingress.at("ipMode"), ingress.at("hostname"));
        if !ip.is_empty() {
            errors.ip(&ip);
            if mode.is_present() {
                errors.one_of(&mode, &["Proxy", "VIP"]);
            } else {
                errors.required(&mode, "must be specified when `ip` is set");
            }
        } else if mode.is_present() {
            errors.forbidden(&mode, "may not be specified when `ip` is not set");
        }
        if !host.is_empty() {
            errors.named(&host, names::dns1123_subdomain(host.text()));
            if host.text().parse::<std::net::IpAddr>().is_ok() {
                errors.invalid(&host, "must be a DNS name, not an IP address");
            }
        }
    }
}
