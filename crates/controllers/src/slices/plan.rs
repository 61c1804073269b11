//! How endpoints lie in slices: what is there stays where it is, what is new fills gaps, and only what differs is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use super::group::Group;

/// Endpoints of one slice (Kubernetes' `--max-endpoints-per-slice`).
const MOST: usize = 100;

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// New slices, to be named by the API server.
    pub(super) create: Vec<EndpointSlice>,
    /// Slices that are there, as they should be.
    pub(super) update: Vec<EndpointSlice>,
    /// Slices that nobody needs.
    pub(super) delete: Vec<Arc<EndpointSlice>>,
}

/// A slice that is there and what it is to hold.
struct Draft {
    known: Arc<EndpointSlice>,
    endpoints: Vec<Endpoint>,
}

/// A group in slices.
struct Packed {
    drafts: Vec<Draft>,
    /// What found no place in slices that are there, in portions of a slice.
    rest: Vec<Vec<Endpoint>>,
    /// Slices of which nothing is left.
    empty: Vec<Arc<EndpointSlice>>,
}

/// How the `known` slices, sorted by name, become ones that hold the `groups` and have what `template` says of labels, owner
/// and, where it says anything of them, annotations.
pub(super) fn plan(template: &ObjectMeta, known: &[Arc<EndpointSlice>], groups: Vec<Group>) -> Plan {
    let (mut plan, mut homeless) = (Plan::default(), Vec::new());
    let mut spare: Vec<Arc<EndpointSlice>> = known.to_vec();
    for group in groups {
        let own: Vec<_> = spare.extract_if(.., |slice| is_of(slice, &group)).collect();
        let (family, ports) = (group.family, group.ports);
        let packed = pack(own, group.endpoints);
        for draft in packed.drafts {
            plan.write(template, &draft.known, &ports, draft.endpoints);
        }
        homeless.extend(packed.rest.into_iter().map(|endpoints| (family, ports.clone(), endpoints)));
        spare.extend(packed.empty);
    }
    for (family, ports, endpoints) in homeless {
        // an object that is there already is taken over: readers see one change instead of two
        match spare.iter().position(|slice| slice.address_type == family) {
            Some(at) => plan.write(template, &spare.remove(at), &ports, endpoints),
            None => plan.create.push(EndpointSlice {
                address_type: family.to_owned(),
                endpoints,
                metadata: template.clone(),
                ports: Some(ports),
            }),
        }
    }
    plan.delete = spare;
    plan
}

/// What tells endpoints apart: hosts' pods have their address in common.
fn identity(endpoint: &Endpoint) -> (Vec<String>, Option<String>) {
    (endpoint.addresses.clone(), endpoint.target_ref.as_ref().and_then(|target| target.uid.clone()))
}

fn is_of(slice: &EndpointSlice, group: &Group) -> bool {
    slice.address_type == group.family && slice.ports.as_deref().unwrap_or_default() == group.ports
}

/// Endpoints stay in their slices; new ones go where something changes anyway, then where there is room.
fn pack(own: Vec<Arc<EndpointSlice>>, endpoints: Vec<Endpoint>) -> Packed {
    let wants_none = endpoints.is_empty();
    let mut left: BTreeMap<_, _> = endpoints.into_iter().map(|endpoint| (identity(&endpoint), endpoint)).collect();
    let mut drafts: Vec<Draft> = Vec::with_capacity(own.len());
    for known in own {
        let stay = known.endpoints.iter().filter_map(|endpoint| left.remove(&identity(endpoint)));
        drafts.push(Draft { endpoints: stay.take(MOST).collect(), known });
    }
    drafts.sort_by_key(|draft| draft.endpoints == draft.known.endpoints);
    let mut left = left.into_values();
    for draft in &mut drafts {
        let room = MOST.saturating_sub(draft.endpoints.len());
        draft.endpoints.extend(left.by_ref().take(room));
    }
    let left: Vec<Endpoint> = left.collect();
    let mut rest: Vec<Vec<Endpoint>> = left.chunks(MOST).map(<[Endpoint]>::to_vec).collect();
    let mut empty: Vec<Draft> = drafts.extract_if(.., |draft| draft.endpoints.is_empty()).collect();
    if wants_none {
        match empty.pop() {
            Some(one) => drafts.push(one),
            None => rest.push(Vec::new()),
        }
    }
    Packed { drafts, rest, empty: empty.into_iter().map(|draft| draft.known).collect() }
}

impl Plan {
    /// Nothing is to be left.
    pub(super) fn clear(known: &[Arc<EndpointSlice>]) -> Self {
        Self { delete: known.to_vec(), ..Self::default() }
    }

    /// Has the slice written, unless it is so already.
    fn write(
        &mut self,
        template: &ObjectMeta,
        known: &Arc<EndpointSlice>,
        ports: &[EndpointPort],
        endpoints: Vec<Endpoint>,
    ) {
        let mut slice = (**known).clone();
        slice.metadata.labels.clone_from(&template.labels);
        slice.metadata.owner_references.clone_from(&template.owner_references);
        if template.annotations.is_some() {
            slice.metadata.annotations.clone_from(&template.annotations);
        }
        (slice.ports, slice.endpoints) = (Some(ports.to_vec()), endpoints);
        let same = slice.labels() == known.labels()
            && slice.annotations() == known.annotations()
            && slice.owner_references() == known.owner_references()
            && slice.ports.as_deref() == Some(known.ports.as_deref().unwrap_or_default())
            && slice.endpoints == known.endpoints;
        if !same {
            self.update.push(slice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn endpoint(number: usize) -> Endpoint {
        let address = format!("10.{}.{}.{}", number / 65536, number / 256 % 256, number % 256);
        Endpoint { addresses: vec![address], ..Endpoint::default() }
    }

    fn group(port: i32, numbers: impl IntoIterator<Item = usize>) -> Group {
        let ports = if port == 0 { Vec::new() } else { vec![EndpointPort { port: Some(port), ..Default::default() }] };
        Group { family: "IPv4", ports, endpoints: numbers.into_iter().map(endpoint).collect() }
    }

    fn template() -> ObjectMeta {
        ObjectMeta { labels: Some([("a".to_owned(), "b".to_owned())].into()), ..ObjectMeta::default() }
    }

    /// The slices after the plan was carried out, sorted by name, as a store has them.
    fn carry_out(known: &[Arc<EndpointSlice>], plan: Plan) -> Vec<Arc<EndpointSlice>> {
        let gone: BTreeSet<String> = plan.delete.iter().map(|slice| slice.name_any()).collect();
        let mut slices: BTreeMap<String, EndpointSlice> = known
            .iter()
            .filter(|slice| !gone.contains(&slice.name_any()))
            .map(|slice| (slice.name_any(), (**slice).clone()))
            .collect();
        slices.extend(plan.update.into_iter().map(|slice| (slice.name_any(), slice)));
        for mut slice in plan.create {
            let name = format!("s{}", slices.len());
            slice.metadata.name = Some(name.clone());
            assert!(slices.insert(name, slice).is_none(), "names in this test are by count");
        }
        slices.into_values().map(Arc::new).collect()
    }

    fn sizes(slices: &[Arc<EndpointSlice>]) -> Vec<usize> {
        slices.iter().map(|slice| slice.endpoints.len()).collect()
    }

    fn writes(plan: &Plan) -> (usize, usize, usize) {
        (plan.create.len(), plan.update.len(), plan.delete.len())
    }

    #[test]
    fn many_endpoints_are_in_slices_of_a_hundred_and_then_nothing_is_written() {
        let slices = carry_out(&[], plan(&template(), &[], vec![group(80, 0..250)]));
        assert_eq!(sizes(&slices), [100, 100, 50]);
        assert_eq!(writes(&plan(&template(), &slices, vec![group(80, (0..250).rev())])), (0, 0, 0));
    }

    #[test]
    fn one_change_is_one_write() {
        let slices = carry_out(&[], plan(&template(), &[], vec![group(80, 0..250)]));
        assert_eq!(writes(&plan(&template(), &slices, vec![group(80, 0..251)])), (0, 1, 0), "one more");
        assert_eq!(writes(&plan(&template(), &slices, vec![group(80, 1..250)])), (0, 1, 0), "one less");
        let replaced = plan(&template(), &slices, vec![group(80, 1..251)]);
        assert_eq!(writes(&replaced), (0, 1, 0), "one for another");
        assert_eq!(sizes(&carry_out(&slices, replaced)), [100, 100, 50]);
        let mut unready = group(80, 0..250);
        unready.endpoints[120].hostname = Some("a".into());
        assert_eq!(writes(&plan(&template(), &slices, vec![unready])), (0, 1, 0), "one other");
    }

    #[test]
    fn labels_and_owners_are_kept_as_the_template_says() {
        let slices = carry_out(&[], plan(&template(), &[], vec![group(80, 0..250)]));
        let renamed = ObjectMeta { labels: Some([("a".to_owned(), "c".to_owned())].into()), ..ObjectMeta::default() };
        assert_eq!(writes(&plan(&renamed, &slices, vec![group(80, 0..250)])), (0, 3, 0));
    }

    #[test]
    fn other_ports_take_over_the_slices_that_are_there() {
        let slices = carry_out(&[], plan(&template(), &[], vec![group(80, 0..150)]));
        let plan = plan(&template(), &slices, vec![group(81, 0..50)]);
        assert_eq!(writes(&plan), (0, 1, 1));
        let after = carry_out(&slices, plan);
        assert_eq!((sizes(&after), after[0].ports.as_ref().unwrap()[0].port), (vec![50], Some(81)));
    }

    #[test]
    fn a_service_without_endpoints_keeps_one_slice() {
        let none = || vec![group(0, [])];
        let slices = carry_out(&[], plan(&template(), &[], none()));
        assert_eq!(sizes(&slices), [0]);
        assert_eq!(writes(&plan(&template(), &slices, none())), (0, 0, 0));
        let slices = carry_out(&slices, plan(&template(), &slices, vec![group(80, 0..101)]));
        assert_eq!(sizes(&slices), [100, 1], "the empty one was taken over");
        assert_eq!(sizes(&carry_out(&slices, plan(&template(), &slices, none()))), [0]);
    }

    #[test]
    fn two_pods_at_one_address_are_two_endpoints() {
        let of_pod = |uid: &str| {
            let target_ref =
                Some(k8s_openapi::api::core::v1::ObjectReference { uid: Some(uid.into()), ..Default::default() });
            Endpoint { target_ref, ..endpoint(1) }
        };
        let mut group = group(80, []);
        group.endpoints = vec![of_pod("a"), of_pod("b")];
        assert_eq!(sizes(&carry_out(&[], plan(&template(), &[], vec![group]))), [2]);
    }
}
