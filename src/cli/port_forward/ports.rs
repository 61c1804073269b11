//! Which ports are meant: those that the user types, and the ports of a pod that they become.

use std::str::FromStr;

use serde_json::Value;

use crate::cli::kube::metadata;
use crate::cli::pod::Pod;
use crate::failure::Failure;

/// `[LOCAL:]REMOTE`, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ports {
    local: Local,
    remote: Remote,
}

/// The port of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Local {
    /// The number of the remote one, as it is typed.
    Same,
    /// This one, 0 for a free one.
    Port(u16),
}

/// A port of the pod, or of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remote {
    Number(u16),
    Name(String),
}

/// A port of this machine, 0 for a free one, and one of the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) local: u16,
    pub(super) remote: u16,
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (local, remote) = match text.split_once(':') {
            None => (Some(Local::Same), text),
            Some(("", remote)) => (Some(Local::Port(0)), remote),
            Some((local, remote)) => (local.parse().ok().map(Local::Port), remote),
        };
        match (local, Remote::read(remote)) {
            (Some(local), Some(remote)) => Ok(Self { local, remote }),
            _ => Err("expected [LOCAL:]REMOTE, such as 8080:80 or 8080:http".to_owned()),
        }
    }
}

impl Remote {
    fn read(text: &str) -> Option<Self> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().filter(|number| *number > 0).map(Self::Number);
        }
        let named = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        named.then(|| Self::Name(text.to_owned()))
    }
}

impl Ports {
    /// The pair that is meant where a pod is forwarded to.
    ///
    /// # Errors
    /// The pod names no such port.
    pub(super) fn of_pod(&self, pod: &Pod) -> Result<Pair, Failure> {
        let remote = match &self.remote {
            Remote::Number(number) => *number,
            Remote::Name(name) => named_port(pod, name)?,
        };
        Ok(self.pair(remote, remote))
    }

    /// The pair that is meant where a service is forwarded to: its port is that of `pod` which it leads to.
    ///
    /// # Errors
    /// The service has no such port, or the pod none that it leads to.
    pub(super) fn of_service(&self, service: &Value, pod: &Pod) -> Result<Pair, Failure> {
        let port = self.service_port(service)?;
        let number = number(&port["port"]).unwrap_or_default();
        let target = &port["targetPort"];
        let remote = match target.as_str() {
            // a headless service leads nowhere: whoever asks its name talks to the pods themselves
            _ if service["spec"]["clusterIP"] == "None" => number,
            Some(name) => named_port(pod, name)?,
            None => self::number(target).filter(|target| *target > 0).unwrap_or(number),
        };
        Ok(self.pair(number, remote))
    }

    /// The pair with the local port that is typed, or that of the number behind which the remote one stands.
    fn pair(&self, typed: u16, remote: u16) -> Pair {
        let local = match self.local {
            Local::Same => typed,
            Local::Port(port) => port,
        };
        Pair { local, remote }
    }

    /// The port of the service that is typed, by number or name.
    fn service_port<'s>(&self, service: &'s Value) -> Result<&'s Value, Failure> {
        let name = metadata(service, "name");
        let all = service["spec"]["ports"].as_array().map_or(&[][..], Vec::as_slice);
        let of_tcp = |port: &Value| port["protocol"].as_str().unwrap_or("TCP") == "TCP";
        let (missing, found): (String, Vec<&Value>) = match &self.remote {
            Remote::Number(wanted) => (
                format!("service {name} does not have a port {wanted}"),
                all.iter().filter(|port| number(&port["port"]) == Some(*wanted)).collect(),
            ),
            Remote::Name(wanted) => (
                format!("service {name} does not have a port named {wanted:?}"),
                all.iter().filter(|port| port["name"] == wanted.as_str()).collect(),
            ),
        };
        match (found.iter().find(|port| of_tcp(port)), found.first()) {
            (Some(port), _) => Ok(port),
            (None, Some(other)) => {
                let protocol = other["protocol"].as_str().unwrap_or_default();
                Err(Failure::failed(format!("port {} of service {name} is {protocol}", other["port"]))
                    .hint("connections are forwarded, which TCP has alone"))
            }
            (None, None) => Err(Failure::failed(missing).hint(format!("it has {}", list(all)))),
        }
    }
}

/// The port that one of the pod's containers gives that name.
fn named_port(pod: &Pod, name: &str) -> Result<u16, Failure> {
    let named = pod.ports().find(|port| port["name"] == name).and_then(|port| number(&port["containerPort"]));
    named.ok_or_else(|| {
        let all: Vec<Value> = pod.ports().cloned().collect();
        Failure::failed(format!("pod {} does not have a port named {name:?}", pod.name()))
            .hint(format!("it has {}", list(&all)))
    })
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok())
}

/// Ports for people: `80 (web), 443`.
fn list(ports: &[Value]) -> String {
    let one = |port: &Value| {
        let number = if port["port"].is_null() { &port["containerPort"] } else { &port["port"] };
        port["name"].as_str().map_or_else(|| number.to_string(), |name| format!("{number} ({name})"))
    };
    if ports.is_empty() { "none".to_owned() } else { ports.iter().map(one).collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Ports {
        text.parse().expect(text)
    }

    fn pod() -> Pod {
        Pod(json!({"metadata": {"name": "p"}, "spec": {"containers": [
            {"name": "a", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9}]}]}}))
    }

    #[test]
    fn ports_are_read_as_kubectl_reads_them() {
        for (text, pair) in [("8080:80", (8080, 80)), ("80", (80, 80)), (":80", (0, 80)), ("0:80", (0, 80))] {
            assert_eq!(read(text).of_pod(&pod()).unwrap(), Pair { local: pair.0, remote: pair.1 }, "{text}");
        }
        for text in ["", ":", "x:80", "80:", "80:0", "70000", "70000:80", "80:80:80", "a b"] {
            assert!(text.parse::<Ports>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pod_s_port_may_be_named() {
        assert_eq!(read("http").of_pod(&pod()).unwrap(), Pair { local: 8080, remote: 8080 });
        assert_eq!(read(":http").of_pod(&pod()).unwrap(), Pair { local: 0, remote: 8080 });
        let refusal = read("1:https").of_pod(&pod()).unwrap_err();
        assert_eq!(refusal.line(), "pod p does not have a port named \"https\"");
    }

    #[test]
    fn a_service_s_port_is_the_one_of_the_pod_that_it_leads_to() {
        let service = json!({"metadata": {"name": "s"}, "spec": {"ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "web", "port": 80, "targetPort": "http"},
            {"name": "num", "port": 81, "targetPort": 9}, {"name": "same", "port": 82},
            {"name": "lost", "port": 83, "targetPort": "nobody"}]}});
        let pair = |text: &str| read(text).of_service(&service, &pod()).map(|pair| (pair.local, pair.remote));
        assert_eq!(pair("80").unwrap(), (80, 8080));
        assert_eq!(pair("web").unwrap(), (80, 8080));
        assert_eq!(pair("7000:81").unwrap(), (7000, 9));
        assert_eq!(pair(":82").unwrap(), (0, 82));
        assert_eq!(pair("84").unwrap_err().line(), "service s does not have a port 84");
        assert_eq!(pair("http").unwrap_err().line(), "service s does not have a port named \"http\"");
        assert_eq!(pair("83").unwrap_err().line(), "pod p does not have a port named \"nobody\"");
        assert_eq!(pair("dns").unwrap_err().line(), "port 53 of service s is UDP");
        let headless = json!({"spec": {"clusterIP": "None", "ports": [{"port": 80, "targetPort": 8080}]}});
        assert_eq!(read("80").of_service(&headless, &pod()).unwrap().remote, 80);
    }
}
