//! Offers held: by agent and allocation role, until they are used, expire or are rescinded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mesos::resource::AllocationInfo;
use mesos::value::ValueType;
use mesos::{AgentID, Offer, OfferID, ReservationInfo, Resource};

use crate::core::{Milli, Pool, Share};

/// All offers of one agent to one allocation role; Mesos allows no ACCEPT to mix either.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The agent.
    pub agent: AgentID,
    /// The role to which the resources are allocated.
    pub role: String,
    /// The offers' IDs.
    pub ids: Vec<OfferID>,
    /// What they hold together.
    pub pool: Pool,
    /// The reservations that the pool's shares point at; unreserved resources have none.
    pub reservations: Vec<Vec<ReservationInfo>>,
    /// When the first of them came.
    pub since: Instant,
}

impl Bundle {
    fn add(&mut self, offer: &Offer) {
        self.ids.push(offer.id.clone());
        for resource in &offer.resources {
            if resource.revocable.is_some() || resource.shared.is_some() || resource.disk.is_some() {
                continue;
            }
            let reservations = reservations(resource);
            let role = reservations.last().and_then(|last| last.role.clone()).unwrap_or_else(|| "*".to_owned());
            let known = self.reservations.iter().position(|seen| *seen == reservations);
            let index = known.unwrap_or_else(|| {
                self.reservations.push(reservations);
                self.reservations.len() - 1
            });
            let share = match self.pool.shares.iter().position(|share| share.reservation == index) {
                Some(at) => &mut self.pool.shares[at],
                None => {
                    self.pool.shares.push(Share::empty(&role, index));
                    self.pool.shares.last_mut().expect("a share was pushed just now")
                }
            };
            match resource.name.as_str() {
                "cpus" => share.cpus += milli(resource),
                "mem" => share.mem += milli(resource),
                "ports" => share.ports.extend(ports(resource)),
                _ => {}
            }
        }
    }

    /// The shares as resources of Mesos, with the reservations they came with.
    #[must_use]
    pub fn resources(&self, shares: &[Share]) -> Vec<Resource> {
        let mut resources = Vec::new();
        for share in shares {
            let mut push = |mut resource: Resource| {
                resource.reservations.clone_from(&self.reservations[share.reservation]);
                resource.allocation_info = Some(AllocationInfo { role: Some(self.role.clone()) });
                resources.push(resource);
            };
            if share.cpus > 0 {
                push(Resource::scalar("cpus", share.cpus as f64 / 1000.0));
            }
            if share.mem > 0 {
                push(Resource::scalar("mem", share.mem as f64 / 1000.0));
            }
            if !share.ports.is_empty() {
                let ranges = share.ports.iter().map(|&(begin, end)| (u64::from(begin), u64::from(end)));
                push(Resource::ranges("ports", ranges));
            }
        }
        resources
    }
}

/// A resource's reservations in the refined form, whichever form it came in.
fn reservations(resource: &Resource) -> Vec<ReservationInfo> {
    if !resource.reservations.is_empty() {
        return resource.reservations.clone();
    }
    let Some(role) = resource.role.as_ref().filter(|role| *role != "*") else { return Vec::new() };
    use mesos::resource::ReservationType::{Dynamic, Static};
    match &resource.reservation {
        Some(dynamic) => vec![ReservationInfo { r#type: Some(Dynamic), role: Some(role.clone()), ..dynamic.clone() }],
        None => vec![ReservationInfo { r#type: Some(Static), role: Some(role.clone()), ..ReservationInfo::default() }],
    }
}

fn milli(resource: &Resource) -> Milli {
    resource.scalar.map_or(0, |scalar| (scalar.value * 1000.0).round() as Milli)
}

fn ports(resource: &Resource) -> Vec<(u16, u16)> {
    if resource.r#type != ValueType::Ranges {
        return Vec::new();
    }
    let ranges = resource.ranges.iter().flat_map(|ranges| &ranges.range);
    ranges.filter_map(|range| Some((u16::try_from(range.begin).ok()?, u16::try_from(range.end).ok()?))).collect()
}

/// The offers held, in a stable order.
#[derive(Debug, Default)]
pub struct Offers {
    bundles: BTreeMap<(AgentID, String), Bundle>,
}

impl Offers {
    /// Holds an offer.
    pub fn add(&mut self, offer: &Offer, now: Instant) {
        let role = offer.allocation_info.as_ref().and_then(|info| info.role.clone()).unwrap_or_else(|| "*".to_owned());
        let bundle = self.bundles.entry((offer.agent_id.clone(), role.clone())).or_insert_with(|| Bundle {
            agent: offer.agent_id.clone(),
            role,
            ids: Vec::new(),
            pool: Pool::default(),
            reservations: Vec::new(),
            since: now,
        });
        bundle.add(offer);
    }

    /// Forgets an offer that Mesos took back. What else was bundled with it cannot be told apart any more: its IDs are
    /// returned, to be declined, so that Mesos offers it anew.
    pub fn rescind(&mut self, id: &OfferID) -> Vec<OfferID> {
        let Some(key) = self.bundles.iter().find(|(_, bundle)| bundle.ids.contains(id)).map(|(key, _)| key.clone())
        else {
            return Vec::new();
        };
        let bundle = self.bundles.remove(&key).expect("the key was found just now");
        bundle.ids.into_iter().filter(|other| other != id).collect()
    }

    /// Takes a bundle out, to be used.
    pub fn take(&mut self, agent: &AgentID, role: &str) -> Option<Bundle> {
        self.bundles.remove(&(agent.clone(), role.to_owned()))
    }

    /// The bundles of one agent.
    #[must_use]
    pub fn of<'a>(&'a self, agent: &AgentID) -> Vec<&'a Bundle> {
        self.bundles.values().filter(|bundle| bundle.agent == *agent).collect()
    }

    /// Takes out what was held longer than `ttl`.
    pub fn expire(&mut self, ttl: Duration, now: Instant) -> Vec<Bundle> {
        self.bundles
            .extract_if(.., |_, bundle| now.saturating_duration_since(bundle.since) >= ttl)
            .map(|(_, b)| b)
            .collect()
    }

    /// Forgets all offers of an agent; returns how many bundles there were.
    pub fn forget_agent(&mut self, agent: &AgentID) {
        self.bundles.retain(|_, bundle| bundle.agent != *agent);
    }

    /// Forgets everything: after a disconnect Mesos has taken all offers back without a word.
    pub fn clear(&mut self) {
        self.bundles.clear();
    }

    /// When the oldest bundle came.
    #[must_use]
    pub fn oldest(&self) -> Option<Instant> {
        self.bundles.values().map(|bundle| bundle.since).min()
    }

    /// How many bundles are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bundles.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bundles.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn offer(id: &str, resources: serde_json::Value) -> Offer {
        serde_json::from_value(json!({
            "id": {"value": id}, "framework_id": {"value": "f"}, "agent_id": {"value": "S0"}, "hostname": "slave1",
            "allocation_info": {"role": "public"}, "resources": resources
        }))
        .unwrap()
    }

    fn scalar(name: &str, value: f64) -> serde_json::Value {
        json!({"name": name, "type": "SCALAR", "scalar": {"value": value}, "allocation_info": {"role": "public"}})
    }

    fn reserved(name: &str, value: f64) -> serde_json::Value {
        let mut resource = scalar(name, value);
        resource["reservations"] = json!([{"type": "STATIC", "role": "public"}]);
        resource
    }

    #[test]
    fn offers_of_one_agent_and_role_are_one_bundle() {
        let (mut offers, now) = (Offers::default(), Instant::now());
        offers.add(&offer("O1", json!([scalar("cpus", 1.1), reserved("cpus", 2.0)])), now);
        offers.add(&offer("O2", json!([scalar("cpus", 0.2), scalar("mem", 64.0), scalar("disk", 5.0)])), now);
        let bundle = offers.of(&"S0".into())[0];
        assert_eq!(bundle.ids.len(), 2);
        assert_eq!(bundle.pool.available(&["*".to_owned()]), (1300, 64_000));
        assert_eq!(bundle.pool.available(&["public".to_owned()]), (2000, 0));
    }

    #[test]
    fn resources_go_back_to_mesos_as_they_came() {
        let mut offers = Offers::default();
        let ports = json!({"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 8000, "end": 8010}]}});
        offers.add(&offer("O1", json!([reserved("cpus", 2.0), ports])), Instant::now());
        let mut bundle = offers.take(&"S0".into(), "public").unwrap();
        let mut taken = bundle.pool.take(&["public".to_owned()], 500, 0).unwrap();
        taken.push(bundle.pool.take_port(&["*".to_owned()], 8003).unwrap());
        let resources = serde_json::to_value(bundle.resources(&taken)).unwrap();
        assert_eq!(
            resources,
            json!([
                {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}, "allocation_info": {"role": "public"},
                 "reservations": [{"type": "STATIC", "role": "public"}]},
                {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 8003, "end": 8003}]},
                 "allocation_info": {"role": "public"}}
            ])
        );
    }

    #[test]
    fn the_old_format_is_read_like_the_new() {
        let mut resource = scalar("cpus", 1.0);
        resource["role"] = json!("public");
        let mut offers = Offers::default();
        offers.add(&offer("O1", json!([resource])), Instant::now());
        let bundle = offers.of(&"S0".into())[0];
        assert_eq!(bundle.pool.available(&["public".to_owned()]), (1000, 0));
    }

    #[test]
    fn a_rescinded_offer_takes_its_bundle_along() {
        let (mut offers, now) = (Offers::default(), Instant::now());
        offers.add(&offer("O1", json!([scalar("cpus", 1.0)])), now);
        offers.add(&offer("O2", json!([scalar("cpus", 1.0)])), now);
        assert_eq!(offers.rescind(&"O1".into()), ["O2".into()]);
        assert!(offers.is_empty());
        assert!(offers.rescind(&"O9".into()).is_empty());
    }

    #[test]
    fn offers_expire_by_age() {
        let (mut offers, now) = (Offers::default(), Instant::now());
        offers.add(&offer("O1", json!([])), now);
        assert!(offers.expire(Duration::from_secs(5), now).is_empty());
        assert_eq!(offers.expire(Duration::from_secs(5), now + Duration::from_secs(5)).len(), 1);
        assert!(offers.is_empty());
    }
}
