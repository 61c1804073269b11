//! Who is offered what (reference section 7): every agent's free resources to the role, and in it the framework, that has
//! the smallest dominant share. Roles weigh the same and have no quota.

use std::collections::BTreeMap;

use mesos::framework::FrameworkCapabilityType;
use mesos::scheduler::{Event, Offers};
use mesos::{AgentID, AllocationInfo, FrameworkID, Offer, Resources};

use super::framework::Framework;
use super::{Agent, Core, Now, OpenOffer};

/// An offer that holds neither so much of the one nor of the other is not worth making.
const MIN_CPUS: f64 = 0.01;
const MIN_MEM: f64 = 32.0;

/// A framework that may be offered something in a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    role: String,
    framework_id: FrameworkID,
}

/// What is allocated to roles and frameworks, of which all.
#[derive(Debug, Default)]
struct Shares {
    total: Resources,
    roles: BTreeMap<String, Resources>,
    frameworks: BTreeMap<Candidate, Resources>,
}

impl Shares {
    fn add(&mut self, candidate: Candidate, resources: &Resources) {
        self.roles.entry(candidate.role.clone()).or_default().add(resources);
        self.frameworks.entry(candidate).or_default().add(resources);
    }

    /// The largest part that `of` is of any scalar there is.
    fn dominant(&self, of: Option<&Resources>) -> f64 {
        let Some(of) = of else { return 0.0 };
        let totals = self.total.scalars();
        let shares = of.scalars().into_iter().filter_map(|(name, amount)| Some(amount / totals.get(name)?));
        shares.fold(0.0, f64::max)
    }
}

impl Core {
    /// Offers all that is free to those who may have it and whose turn it is.
    pub(super) fn allocate(&mut self, now: Now) {
        self.timers.allocated(now);
        let mut shares = self.shares();
        let mut offers: BTreeMap<FrameworkID, Vec<Offer>> = BTreeMap::new();
        let agents: Vec<AgentID> =
            self.agents.iter().filter(|(_, agent)| agent.link().is_some()).map(|(id, _)| id.clone()).collect();
        for agent_id in agents {
            let mut left = self.candidates();
            while let Some(candidate) = self.next_candidate(&mut left, &shares) {
                let Some(resources) = self.offerable(now, &agent_id, &candidate) else { continue };
                shares.add(candidate.clone(), &resources);
                let offer = self.make_offer(now, &agent_id, &candidate, resources);
                offers.entry(candidate.framework_id).or_default().push(offer);
            }
        }
        for (framework_id, offers) in offers {
            self.send(&framework_id, Event::Offers(Offers { offers }));
        }
    }

    fn shares(&self) -> Shares {
        let mut shares = Shares::default();
        for agent in self.agents.values() {
            shares.total.add(&agent.total);
            for ((framework_id, _), executor) in &agent.executors {
                add_by_role(&mut shares, framework_id, &Resources::from(&executor.resources));
            }
        }
        for (framework_id, framework) in &self.frameworks {
            add_by_role(&mut shares, framework_id, &framework.task_resources());
        }
        for open in self.offers.values() {
            add_by_role(&mut shares, &open.offer.framework_id, &open.resources);
        }
        shares
    }

    fn candidates(&self) -> Vec<Candidate> {
        let connected = self.frameworks.iter().filter(|(_, framework)| framework.stream().is_some());
        let candidates = connected.flat_map(|(id, framework)| {
            let roles = framework.info.subscribed_roles().into_iter();
            let wanted = roles.filter(|role| !framework.suppressed.contains(*role));
            wanted.map(|role| Candidate { role: role.to_owned(), framework_id: id.clone() })
        });
        candidates.collect()
    }

    /// Takes the candidate whose turn it is: by the share of the role, then of the framework in it, then by the number of
    /// offers it got, then by name.
    fn next_candidate(&self, left: &mut Vec<Candidate>, shares: &Shares) -> Option<Candidate> {
        let rank = |candidate: &Candidate| {
            let role = shares.dominant(shares.roles.get(&candidate.role));
            let framework = shares.dominant(shares.frameworks.get(candidate));
            let allocations = self.frameworks.get(&candidate.framework_id).map_or(0, |framework| framework.allocations);
            (role, framework, allocations)
        };
        let compare = |a: &Candidate, b: &Candidate| {
            let (own, other) = (rank(a), rank(b));
            own.0
                .total_cmp(&other.0)
                .then(a.role.cmp(&b.role))
                .then(own.1.total_cmp(&other.1))
                .then(own.2.cmp(&other.2))
                .then(a.cmp(b))
        };
        let (index, _) = left.iter().enumerate().min_by(|(_, a), (_, b)| compare(a, b))?;
        Some(left.swap_remove(index))
    }

    /// What of the agent's free resources is offered to the candidate, allocated to its role; `None` if nothing is.
    fn offerable(&self, now: Now, agent_id: &AgentID, candidate: &Candidate) -> Option<Resources> {
        let (agent, framework) = (self.agents.get(agent_id)?, self.frameworks.get(&candidate.framework_id)?);
        if agent.total.scalar("gpus") > 0.0 && !framework.info.is_capable(FrameworkCapabilityType::GpuResources) {
            return None;
        }
        let refines = framework.info.is_capable(FrameworkCapabilityType::ReservationRefinement);
        let free = agent.available().allocatable_to(&candidate.role);
        let free = free.filter(|part| refines || part.reservations.len() < 2);
        if free.scalar("cpus") < MIN_CPUS && free.scalar("mem") < MIN_MEM {
            return None;
        }
        let is_refused = framework.filters.iter().any(|filter| {
            let applies = filter.agent_id == *agent_id && filter.role == candidate.role && filter.expires > now;
            applies && filter.resources.contains(&free)
        });
        (!is_refused).then(|| free.allocated_to(&candidate.role))
    }

    fn make_offer(&mut self, now: Now, agent_id: &AgentID, candidate: &Candidate, resources: Resources) -> Offer {
        let id = format!("{}-O{}", self.settings.info.id, self.next_offer);
        self.next_offer += 1;
        let agent = self.agents.get_mut(agent_id).expect("offers are made of agents that are known");
        agent.offered.add(&resources);
        let framework = self.frameworks.get_mut(&candidate.framework_id).expect("offers are made to known frameworks");
        framework.allocations += 1;
        let offer = describe(id, agent, framework, candidate, &resources);
        let expires = self.settings.offer_timeout.map(|timeout| now + timeout);
        let open = OpenOffer { offer: offer.clone(), role: candidate.role.clone(), resources, expires };
        self.offers.insert(offer.id.clone(), open);
        offer
    }
}

/// The offer as the framework understands it.
fn describe(id: String, agent: &Agent, framework: &Framework, candidate: &Candidate, resources: &Resources) -> Offer {
    let is_multi_role = framework.info.is_capable(FrameworkCapabilityType::MultiRole);
    let shown = if is_multi_role { resources.clone() } else { resources.unallocated() };
    let refines = framework.info.is_capable(FrameworkCapabilityType::ReservationRefinement);
    Offer {
        id: id.into(),
        framework_id: candidate.framework_id.clone(),
        agent_id: agent.id().clone(),
        hostname: agent.info.hostname.clone(),
        url: Some(agent.url()),
        domain: agent.info.domain.clone(),
        resources: if refines { shown.to_vec() } else { shown.to_pre_refinement() },
        attributes: agent.info.attributes.clone(),
        executor_ids: agent.executors_of(&candidate.framework_id).map(|info| info.executor_id.clone()).collect(),
        unavailability: None,
        allocation_info: is_multi_role.then(|| AllocationInfo { role: Some(candidate.role.clone()) }),
    }
}

fn add_by_role(shares: &mut Shares, framework_id: &FrameworkID, resources: &Resources) {
    let role_of = |part: &mesos::Resource| part.allocation_info.as_ref().and_then(|info| info.role.clone());
    let roles: std::collections::BTreeSet<String> = resources.iter().filter_map(role_of).collect();
    for role in roles {
        let part = resources.of_allocation(&role);
        shares.add(Candidate { role, framework_id: framework_id.clone() }, &part);
    }
}
