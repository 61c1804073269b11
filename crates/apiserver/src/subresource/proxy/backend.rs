//! What a proxy's path names: the address behind `[scheme:]name[:port]`.

use std::net::IpAddr;

use kube_api::status::quote;
use kube_api::{Kind, Status, meta};
use rand::seq::IndexedRandom;
use serde_json::Value;
use tokio_rustls::TlsConnector;

use super::connect;
use crate::api::{Api, Call, key, refuse};
use crate::kubelet;

/// A server that requests are passed on to.
pub(super) struct Backend {
    pub(super) host: String,
    pub(super) port: u16,
    /// How to speak TLS with it, where it is to be spoken.
    pub(super) tls: Option<TlsConnector>,
}

impl Backend {
    /// The server that the call's name means.
    pub(super) async fn of(api: &Api, call: &Call) -> Result<Self, Status> {
        let singular = call.kind().singular;
        let asked = Asked::parse(&call.target.name)
            .ok_or_else(|| Status::bad_request(format!("invalid {singular} request {}", quote(&call.target.name))))?;
        api.store.consistent().await.map_err(|error| refuse(call.kind(), asked.name, error))?;
        let object = find(api, call.kind(), &call.target.namespace, asked.name)?;
        let (host, port) = match call.kind().kind {
            "Pod" => pod(&object, &asked)?,
            "Service" => service(api, &object, &asked, &call.target.namespace)?,
            _ => return node(api, &object, &asked),
        };
        let tls = asked.tls.then(connect::unverified).transpose();
        Ok(Self { host, port, tls: tls.map_err(|error| Status::internal(&format!("{error:#}")))? })
    }

    /// `host:port`.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    #[cfg(test)]
    pub(super) fn plain(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, tls: None }
    }
}

/// `[scheme:]name[:port]`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    tls: bool,
    name: &'a str,
    port: &'a str,
}

impl<'a> Asked<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (scheme, name, port) = match parts.as_slice() {
            [name] => ("", *name, ""),
            [name, port] => ("", *name, *port),
            [scheme, name, port] => (*scheme, *name, *port),
            _ => return None,
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "" | "http" => false,
            "https" => true,
            _ => return None,
        };
        (!name.is_empty()).then_some(Self { tls, name, port })
    }

    fn default_port(&self) -> u16 {
        if self.tls { 443 } else { 80 }
    }
}

fn find(api: &Api, kind: &'static Kind, namespace: &str, name: &str) -> Result<Value, Status> {
    let entry = api.store.shelf(kind.plural).and_then(|shelf| shelf.get(&key(namespace, name)));
    entry.map(|entry| entry.value()).ok_or_else(|| Status::not_found(kind, name))
}

/// A pod's address, and the port that is asked for, else the first that a container names.
fn pod(pod: &Value, asked: &Asked<'_>) -> Result<(String, u16), Status> {
    let address = pod["status"]["podIP"].as_str().unwrap_or_default();
    if !allowed(address) {
        return Err(Status::bad_request("address not allowed"));
    }
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let first = containers.filter_map(|container| container["ports"][0]["containerPort"].as_u64()).next();
    let port = match asked.port {
        "" => first.and_then(|port| u16::try_from(port).ok()).unwrap_or_else(|| asked.default_port()),
        port => port
            .parse()
            .map_err(|_| Status::bad_request(format!("invalid port {} of pod {}", quote(port), quote(asked.name))))?,
    };
    Ok((address.to_owned(), port))
}

/// One of the ready addresses behind a service's port.
fn service(api: &Api, service: &Value, asked: &Asked<'_>, namespace: &str) -> Result<(String, u16), Status> {
    let name = port_name(service, asked)?;
    let entry = api.store.shelf("endpoints").and_then(|shelf| shelf.get(&key(namespace, asked.name)));
    let endpoints = entry.map(|entry| entry.value()).unwrap_or_default();
    let mut ready = Vec::new();
    for subset in endpoints["subsets"].as_array().into_iter().flatten() {
        let ports = subset["ports"].as_array().into_iter().flatten();
        let port =
            ports.filter(|port| port["name"].as_str().unwrap_or_default() == name).find_map(|p| p["port"].as_u64());
        let Some(port) = port.and_then(|port| u16::try_from(port).ok()) else { continue };
        let addresses = subset["addresses"].as_array().into_iter().flatten();
        ready.extend(addresses.filter_map(|address| Some((of_pod(api, address, namespace)?, port))));
    }
    let chosen = ready.choose(&mut rand::rng()).cloned();
    chosen.ok_or_else(|| Status::unavailable(format!("no endpoints available for service {}", quote(asked.name))))
}

/// The name of the service's port that is asked for, by name or number.
fn port_name(service: &Value, asked: &Asked<'_>) -> Result<String, Status> {
    let Ok(number) = asked.port.parse::<u64>() else { return Ok(asked.port.to_owned()) };
    let mut ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let found = ports.find(|port| port["port"].as_u64() == Some(number));
    let found = found.ok_or_else(|| {
        Status::unavailable(format!("no service port {number} found for service {:?}", meta::name(service)))
    })?;
    Ok(found["name"].as_str().unwrap_or_default().to_owned())
}

/// The address, where it is that of a pod of the namespace: endpoints can be written by hand, and the API server reaches what
/// their author does not.
fn of_pod(api: &Api, address: &Value, namespace: &str) -> Option<String> {
    let (ip, target) = (address["ip"].as_str()?, &address["targetRef"]);
    if target["kind"] != "Pod" || target["namespace"] != namespace || !allowed(ip) {
        return None;
    }
    let pod = api.store.shelf("pods")?.get(&key(namespace, target["name"].as_str()?))?.value();
    let mut ips = pod["status"]["podIPs"].as_array().into_iter().flatten().filter_map(|all| all["ip"].as_str());
    (pod["status"]["podIP"] == ip || ips.any(|of_pod| of_pod == ip)).then(|| ip.to_owned())
}

/// The node's kubelet. Its other ports are not served: Mesos listens there, and whoever reaches it owns the node.
fn node(api: &Api, node: &Value, asked: &Asked<'_>) -> Result<Backend, Status> {
    let address = kubelet::address(node);
    let (host, port) = address.rsplit_once(':').unwrap_or((&address, "10250"));
    if !matches!(asked.port, "") && asked.port != port {
        let message =
            format!("port {} of node {:?} is not served by the API server, only {port}", asked.port, asked.name);
        return Err(Status::bad_request(message));
    }
    let tls = api.kubelet.connector().cloned().ok_or_else(|| {
        Status::unavailable("error trying to reach service: this server has no kubelet client certificate")
    })?;
    let port = port.parse().map_err(|_| Status::internal("the node names no port of its kubelet"))?;
    Ok(Backend { host: host.to_owned(), port, tls: Some(tls) })
}

/// Whether requests may be passed on to an address: not to this machine's own, nor to its link's.
fn allowed(address: &str) -> bool {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => !(ip.is_unspecified() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast()),
        Ok(IpAddr::V6(ip)) => {
            !(ip.is_unspecified() || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast())
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_taken_apart() {
        let parsed = |text| Asked::parse(text).map(|asked| (asked.tls, asked.name, asked.port));
        assert_eq!(parsed("p"), Some((false, "p", "")));
        assert_eq!(parsed("p:80"), Some((false, "p", "80")));
        assert_eq!(parsed("https:p:web"), Some((true, "p", "web")));
        assert_eq!(parsed("http:p:"), Some((false, "p", "")));
        for bad in ["", ":80", "ftp:p:1", "a:b:c:d"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_pod_is_reached_where_it_may_be() {
        let mut object = json!({"spec": {"containers": [{}, {"ports": [{"containerPort": 8080}]}]},
            "status": {"podIP": "10.0.0.7"}});
        let asked = |port| Asked { tls: false, name: "p", port };
        assert_eq!(pod(&object, &asked("")), Ok(("10.0.0.7".to_owned(), 8080)));
        assert_eq!(pod(&object, &asked("81")), Ok(("10.0.0.7".to_owned(), 81)));
        assert_eq!(pod(&object, &asked("web")).unwrap_err().code, 400);
        for address in ["127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", ""] {
            object["status"]["podIP"] = address.into();
            assert_eq!(pod(&object, &asked("80")).unwrap_err().message, "address not allowed", "{address}");
        }
    }

    #[test]
    fn a_service_port_has_a_name() {
        let object = json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}, {"port": 81, "name": "b"}]}});
        let named = |port| port_name(&object, &Asked { tls: false, name: "s", port });
        assert_eq!((named("80"), named("81"), named("b")), (Ok(String::new()), Ok("b".to_owned()), Ok("b".to_owned())));
        assert_eq!(named("82").unwrap_err().message, "no service port 82 found for service \"s\"");
    }
}
