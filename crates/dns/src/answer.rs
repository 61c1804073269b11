//! From a question to an answer: what the zone says, in DNS' own terms. No IO.
//!
//! Names of the cluster's domain are answered with authority: an address, another name, a negative answer with the zone's
//! SOA (RFC 2308). Reverse names are answered where the zone has them. All else is somebody else's.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record as Answer, RecordType};
use rand::seq::SliceRandom;

use crate::record::{Record, TTL, name, path};
use crate::zone::Zone;

/// What this server takes in a datagram and sends in one: no fragments on any usual network (DNS flag day 2020).
pub const MAX_PAYLOAD: u16 = 1232;
/// Names that one answer follows from alias to alias.
const MAX_ALIASES: usize = 8;
/// Labels between the domain and a service or pod: `svc`, the namespace, the name.
const DEPTH: usize = 3;

/// The label, and the version of Kubernetes' DNS specification that is told below it (section 2.2 there).
const VERSION: (&str, &str) = ("dns-version", "1.1.0");

/// The domain that is answered with authority.
#[derive(Debug, Clone)]
pub struct Domain {
    path: Vec<String>,
    name: Name,
}

/// What becomes of a question.
#[derive(Debug)]
pub enum Outcome {
    /// This is the answer.
    Answer(Message),
    /// The answer so far; the addresses of its last alias are to be asked for elsewhere and added.
    Alias(Message, Name),
    /// Not ours: to be asked elsewhere as it is.
    Elsewhere,
}

impl Domain {
    /// From a flag, with or without its last dot.
    ///
    /// # Errors
    /// When it is no domain name.
    pub fn parse(text: &str) -> Result<Self, hickory_proto::ProtoError> {
        let path = path(text);
        Ok(Self { name: Name::from_ascii(format!("{}.", name(&path)))?, path })
    }

    fn soa(&self) -> Answer {
        let host = |label: &str| self.name.prepend_label(label).unwrap_or_else(|_| self.name.clone());
        let soa = SOA::new(host("ns.dns"), host("hostmaster"), 1, 28_800, 7_200, 604_800, TTL);
        Answer::from_rdata(self.name.clone(), TTL, RData::SOA(soa))
    }
}

/// The answer's frame: the request's ID and question, and our EDNS where the request has one (RFC 6891).
#[must_use]
pub fn reply(request: &Message, code: ResponseCode) -> Message {
    let mut reply = Message::new(request.id, MessageType::Response, request.op_code);
    reply.metadata.recursion_desired = request.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.metadata.response_code = code;
    reply.add_queries(request.queries.iter().cloned());
    if let Some(asked) = &request.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(MAX_PAYLOAD);
        edns.set_rcode_high(if asked.version() > 0 { 1 } else { 0 });
        reply.set_edns(edns);
    }
    reply
}

/// Answers a request out of the zone. Before that is complete, no name of the domain is known to be missing.
#[must_use]
pub fn answer(zone: Option<&Zone>, domain: &Domain, request: &Message) -> Outcome {
    if request.op_code != OpCode::Query {
        return Outcome::Answer(reply(request, ResponseCode::NotImp));
    }
    if request.edns.as_ref().is_some_and(|edns| edns.version() > 0) {
        // BADVERS is 16: the high bits are in the EDNS, the low ones here
        return Outcome::Answer(reply(request, ResponseCode::NoError));
    }
    let [question] = request.queries.as_slice() else {
        return Outcome::Answer(reply(request, ResponseCode::FormErr));
    };
    let asked = path(&question.name.to_ascii());
    let ours = asked.starts_with(&domain.path);
    if question.query_class != DNSClass::IN {
        return if ours { Outcome::Answer(reply(request, ResponseCode::Refused)) } else { Outcome::Elsewhere };
    }
    let Some(zone) = zone else {
        return if ours { Outcome::Answer(reply(request, ResponseCode::ServFail)) } else { Outcome::Elsewhere };
    };
    if ours {
        return Search { zone, domain, kind: question.query_type }.run(request, &question.name, &asked);
    }
    if question.query_type == RecordType::PTR
        && let Some(found) = zone.find(&asked)
    {
        let mut reply = authoritative(request);
        reply.add_answers(found.iter().filter_map(|(_, record)| {
            let target = Name::from_ascii(format!("{}.", record.host)).ok()?;
            Some(Answer::from_rdata(question.name.clone(), record.ttl, RData::PTR(PTR(target))))
        }));
        return Outcome::Answer(reply);
    }
    Outcome::Elsewhere
}

fn authoritative(request: &Message) -> Message {
    let mut reply = reply(request, ResponseCode::NoError);
    reply.metadata.authoritative = true;
    reply
}

struct Search<'a> {
    zone: &'a Zone,
    domain: &'a Domain,
    kind: RecordType,
}

impl Search<'_> {
    fn run(&self, request: &Message, name: &Name, asked: &[String]) -> Outcome {
        let mut reply = authoritative(request);
        let mut at = (name.clone(), asked.to_vec());
        for _ in 0..MAX_ALIASES {
            let Some(found) = self.records(&at.1) else {
                // an alias to nothing is an answer; a name that is not there is none
                if reply.answers.is_empty() {
                    reply.metadata.response_code = ResponseCode::NXDomain;
                }
                break;
            };
            let answers = self.answers((&at.0, &at.1), &found);
            if !answers.is_empty() {
                reply.add_answers(answers);
                self.additional(&mut reply);
                break;
            }
            let Some(target) = self.alias(&found) else { break };
            reply.add_answer(Answer::from_rdata(at.0.clone(), TTL, RData::CNAME(CNAME(target.clone()))));
            let next = path(&target.to_ascii());
            if self.kind == RecordType::CNAME {
                break;
            }
            if !next.starts_with(&self.domain.path) {
                return Outcome::Alias(reply, target);
            }
            at = (target, next);
        }
        if reply.answers.is_empty() {
            reply.add_authority(self.domain.soa());
        }
        Outcome::Answer(reply)
    }

    /// The records of a name of the domain; `None` if there is no such name.
    fn records(&self, asked: &[String]) -> Option<Vec<Record>> {
        let below = &asked[self.domain.path.len()..];
        if let [pod, namespace, address] = below
            && pod == "pod"
        {
            return pod_address(namespace, address).map(|ip| vec![Record::new(ip.to_string(), 0)]);
        }
        let found = self.zone.find(asked);
        let wild = below.iter().any(|label| label == "*" || label == "any");
        match found {
            // the names above services exist, but do not stand for all services
            Some(_) if below.len() < DEPTH && !wild => Some(Vec::new()),
            None if below.is_empty() || is_version(below) => Some(Vec::new()),
            found => found.map(|all| all.into_iter().map(|(_, record)| record.clone()).collect()),
        }
    }

    fn answers(&self, (name, asked): (&Name, &[String]), found: &[Record]) -> Vec<Answer> {
        let data = |record: &Record| match (self.kind, record.host.parse::<IpAddr>()) {
            (RecordType::A | RecordType::ANY, Ok(IpAddr::V4(v4))) => Some(RData::A(A(v4))),
            (RecordType::AAAA | RecordType::ANY, Ok(IpAddr::V6(v6))) => Some(RData::AAAA(AAAA(v6))),
            (RecordType::SRV, Err(_)) if record.port > 0 => {
                let target = Name::from_ascii(format!("{}.", record.host)).ok()?;
                Some(RData::SRV(SRV::new(record.priority, record.weight, record.port, target)))
            }
            _ => None,
        };
        let apex = *name == self.domain.name;
        let mut answers: Vec<Answer> = match self.kind {
            RecordType::SOA if apex => vec![self.domain.soa()],
            RecordType::NS if apex => {
                let host = name.prepend_label("ns.dns").unwrap_or_else(|_| name.clone());
                vec![Answer::from_rdata(name.clone(), TTL, RData::NS(NS(host)))]
            }
            RecordType::TXT if is_version(&asked[self.domain.path.len()..]) => {
                let text = TXT::new(vec![VERSION.1.to_owned()]);
                vec![Answer::from_rdata(name.clone(), TTL, RData::TXT(text))]
            }
            _ => found
                .iter()
                .filter_map(|record| Some(Answer::from_rdata(name.clone(), record.ttl, data(record)?)))
                .collect(),
        };
        answers.shuffle(&mut rand::rng());
        answers
    }

    /// Addresses of the targets that an SRV answer names.
    fn additional(&self, reply: &mut Message) {
        let targets: Vec<Name> = reply
            .answers
            .iter()
            .filter_map(|answer| match &answer.data {
                RData::SRV(srv) => Some(srv.target.clone()),
                _ => None,
            })
            .collect();
        for target in targets {
            for record in self.records(&path(&target.to_ascii())).into_iter().flatten() {
                let data = match record.host.parse() {
                    Ok(IpAddr::V4(v4)) => RData::A(A(v4)),
                    Ok(IpAddr::V6(v6)) => RData::AAAA(AAAA(v6)),
                    Err(_) => continue,
                };
                reply.add_additional(Answer::from_rdata(target.clone(), record.ttl, data));
            }
        }
    }

    /// The other name that this one stands for (ExternalName), for kinds that follow aliases.
    fn alias(&self, found: &[Record]) -> Option<Name> {
        if !matches!(self.kind, RecordType::A | RecordType::AAAA | RecordType::CNAME | RecordType::ANY) {
            return None;
        }
        let [record] = found else { return None };
        if record.host.parse::<IpAddr>().is_ok() || record.port > 0 {
            return None;
        }
        Name::from_ascii(format!("{}.", record.host)).ok()
    }
}

/// Whether the labels below the domain are those of the version.
fn is_version(below: &[String]) -> bool {
    matches!(below, [label] if label == VERSION.0)
}

/// `10-1-0-2` in any namespace is 10.1.0.2: computed, as kubedns does, whether such a pod exists or not.
fn pod_address(namespace: &str, address: &str) -> Option<Ipv4Addr> {
    (!namespace.is_empty()).then(|| address.replace('-', ".").parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
