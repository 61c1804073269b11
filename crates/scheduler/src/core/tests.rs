//! The plan as a whole: packing, executors, spreading, reasons, size.

use super::*;
use serde_json::{Value, json};

const EXECUTOR: (Milli, Milli) = (250, 128_000);

fn charges() -> Charges {
    let roles = vec!["*".to_owned(), "public".to_owned()];
    Charges { cpus: 250, mem: 64_000, framework_roles: roles.clone(), pod_roles: roles, wildcard_ports: false }
}

fn pod(name: &str, meta: Value, spec: Value) -> Arc<Ask> {
    let (mut meta, mut spec) = (meta, spec);
    meta["name"] = json!(name);
    meta["uid"] = json!(name);
    if spec.get("containers").is_none() {
        spec["containers"] = json!([{"name": "c"}]);
    }
    Arc::new(Ask::of(&serde_json::from_value(json!({"metadata": meta, "spec": spec})).unwrap(), &charges()))
}

fn plain(name: &str) -> Arc<Ask> {
    pod(name, json!({}), json!({}))
}

fn owned(name: &str, owner: &str) -> Arc<Ask> {
    let reference =
        json!({"apiVersion": "v1", "kind": "ReplicationController", "name": owner, "uid": owner, "controller": true});
    pod(name, json!({"ownerReferences": [reference]}), json!({}))
}

fn node(name: &str, cpus: Milli, mem: Milli) -> NodeState {
    let share = Share { cpus, mem, ports: vec![(8000, 21099)], ..Share::empty("*", 0) };
    let labels = [("kubernetes.io/hostname".to_owned(), name.to_owned())].into();
    NodeState {
        view: NodeView { name: name.to_owned(), labels, ..NodeView::default() },
        offers: vec![Pool { shares: vec![share] }],
        ..NodeState::default()
    }
}

fn decide(pods: &[Arc<Ask>], nodes: &[NodeState]) -> Plan {
    decide_with(pods, nodes, &[], false)
}

fn decide_with(pods: &[Arc<Ask>], nodes: &[NodeState], services: &[ServiceSelector], prelaunch: bool) -> Plan {
    let charges = charges();
    let teams = ["red", "blue"].map(|team| (team.to_owned(), [("team".to_owned(), team.to_owned())].into()));
    plan(&Input {
        pods,
        nodes,
        services,
        namespaces: &teams.into(),
        executor: EXECUTOR,
        framework_roles: &charges.framework_roles,
        prelaunch,
    })
}

/// Node name of each pod launched, by the pod's index.
fn places(plan: &Plan, nodes: &[NodeState]) -> Vec<(usize, String)> {
    let mut places: Vec<_> =
        plan.launches.iter().filter_map(|l| Some((l.pod?, nodes[l.node].view.name.clone()))).collect();
    places.sort();
    places
}

#[test]
fn many_pods_share_an_offer_and_pay_the_executor_once() {
    let nodes = [node("n1", 1000, 400_000)];
    let pods: Vec<_> = (0..5).map(|i| plain(&format!("p{i}"))).collect();
    let plan = decide(&pods, &nodes);
    assert_eq!(plan.launches.len(), 3, "(1000 - 250) / 250 fit beside the executor");
    assert_eq!(plan.launches.iter().filter(|launch| !launch.executor.is_empty()).count(), 1);
    assert_eq!(plan.launches[0].executor[0].cpus, 250);
    assert_eq!(plan.why_nots.len(), 2);
    assert_eq!(plan.why_nots[0].message, "0/1 nodes are available: 1 Insufficient cpu.");
}

#[test]
fn a_running_executor_costs_nothing_more() {
    let nodes = [NodeState { executor: true, ..node("n1", 250, 64_000) }];
    let plan = decide(&[plain("p")], &nodes);
    assert_eq!(plan.launches.len(), 1);
    assert!(plan.launches[0].executor.is_empty());
}

#[test]
fn pods_of_a_controller_are_spread() {
    let nodes = [node("n1", 4000, 1_280_000), node("n2", 3000, 1_280_000)];
    let pods: Vec<_> = (0..4).map(|i| owned(&format!("p{i}"), "rc")).collect();
    let places = places(&decide(&pods, &nodes), &nodes);
    assert_eq!(places.iter().filter(|(_, node)| node == "n1").count(), 2, "{places:?}");
}

#[test]
fn pods_already_there_count_for_spreading() {
    let mut nodes = [node("n1", 4000, 1_280_000), node("n2", 1000, 1_280_000)];
    nodes[0].placed.push(owned("old", "rc"));
    let places = places(&decide(&[owned("new", "rc")], &nodes), &nodes);
    assert_eq!(places, [(0, "n2".to_owned())]);
}

#[test]
fn pods_of_a_service_are_spread() {
    let labelled = |name: &str| pod(name, json!({"labels": {"app": "web"}}), json!({}));
    let mut nodes = [node("n1", 4000, 1_280_000), node("n2", 1000, 1_280_000)];
    nodes[0].placed.push(labelled("old"));
    let selector = [("app".to_owned(), "web".to_owned())].into_iter().collect();
    let services = [ServiceSelector { namespace: "default".into(), selector }];
    let plan = decide_with(&[labelled("new")], &nodes, &services, false);
    assert_eq!(places(&plan, &nodes), [(0, "n2".to_owned())]);
}

#[test]
fn bare_pods_go_where_most_is_free() {
    let nodes = [
        node("n1", 1000, 1_280_000),
        NodeState {
            view: NodeView { allocatable: Some((4000, 1_280_000)), ..node("n2", 0, 0).view },
            ..node("n2", 1200, 1_280_000)
        },
    ];
    assert_eq!(places(&decide(&[plain("p")], &nodes), &nodes), [(0, "n1".to_owned())], "n2 is 70 % used");
}

#[test]
fn a_pod_with_a_node_goes_there_first_and_nowhere_else() {
    let nodes = [node("n1", 500, 200_000), node("n2", 4000, 1_280_000)];
    let pinned = pod("pinned", json!({}), json!({"nodeName": "n1"}));
    let plan = decide(&[plain("other"), pinned.clone()], &nodes);
    assert_eq!(places(&plan, &nodes), [(0, "n2".to_owned()), (1, "n1".to_owned())]);
    let gone = decide(&[pinned], &nodes[1..]);
    assert_eq!(gone.why_nots[0].message, "0/1 nodes are available: 1 node(s) didn't match the requested node name.");
}

#[test]
fn higher_priority_goes_first() {
    let nodes = [node("n1", 500, 1_280_000)];
    let plan = decide(&[plain("low"), pod("high", json!({}), json!({"priority": 10}))], &nodes);
    assert_eq!(plan.launches[0].pod, Some(1));
    assert_eq!(plan.why_nots[0].pod, 0);
}

#[test]
fn cordoned_tainted_and_unselected_nodes_are_told_apart() {
    let mut nodes = [node("n1", 4000, 1_280_000), node("n2", 4000, 1_280_000), node("n3", 4000, 1_280_000)];
    nodes[0].view.unschedulable = true;
    nodes[1].view.taints =
        vec![serde_json::from_value(json!({"key": "dedicated", "value": "db", "effect": "NoSchedule"})).unwrap()];
    let plan = decide(&[pod("p", json!({}), json!({"nodeSelector": {"rack": "1"}}))], &nodes);
    assert_eq!(
        plan.why_nots[0].message,
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, \
         1 node(s) had untolerated taint {dedicated: db}, 1 node(s) were unschedulable."
    );
}

#[test]
fn host_ports_are_had_once() {
    let nodes = [node("n1", 4000, 1_280_000)];
    let wants = |name: &str| {
        pod(name, json!({}), json!({"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 8080}]}]}))
    };
    let plan = decide(&[wants("a"), wants("b")], &nodes);
    assert_eq!(plan.launches[0].ports, [8080]);
    assert!(plan.launches[0].task.iter().any(|share| share.ports == [(8080, 8080)]));
    assert_eq!(
        plan.why_nots[0].message,
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    );
}

#[test]
fn pods_of_namespaces_are_named_by_their_labels() {
    let mut nodes = [node("n1", 4000, 1_280_000), node("n2", 4000, 1_280_000)];
    nodes[1].placed.push(pod("there", json!({"namespace": "red", "labels": {"app": "db"}}), json!({})));
    let near = |name: &str, namespaces: Value, selector: Value| {
        let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}},
            "namespaces": namespaces, "namespaceSelector": selector});
        let affinity = json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}});
        pod(name, json!({"namespace": "blue"}), json!({"affinity": affinity}))
    };
    let of = |team: &str| json!({"matchLabels": {"team": team}});
    let fits = |pod: Arc<Ask>| places(&decide(&[pod], &nodes), &nodes) == [(0, "n2".to_owned())];
    assert!(fits(near("a", json!([]), of("red"))) && fits(near("b", json!([]), json!({}))));
    assert!(fits(near("c", json!(["red"]), of("blue"))), "named or selected");
    assert!(!fits(near("d", json!([]), of("blue"))) && !fits(near("e", json!([]), Value::Null)), "its own alone");
}

#[test]
fn a_port_of_which_mesos_knows_nothing_is_any_pods() {
    let mut node = node("n1", 4000, 1_280_000);
    node.view.ports = Some(vec![(8000, 21099)]);
    let nodes = [node];
    let wants = |name: &str, port: u16| {
        let ports = json!([{"containerPort": 80, "hostPort": port}]);
        pod(name, json!({}), json!({"containers": [{"name": "c", "ports": ports}]}))
    };
    let plan = decide(&[wants("a", 54321), wants("b", 54321), wants("c", 80)], &nodes);
    assert_eq!(plan.launches.iter().map(|launch| launch.ports[0]).collect::<Vec<_>>(), [54321, 80]);
    assert!(plan.launches.iter().all(|launch| launch.task.iter().all(|share| share.ports.is_empty())), "not of Mesos");
    assert!(plan.why_nots[0].message.contains("didn't have free ports"), "{}", plan.why_nots[0].message);
}

#[test]
fn roles_mix_within_a_pod_and_keep_their_reservations() {
    let mut nodes = [node("n1", 300, 1_280_000)];
    nodes[0].offers[0].shares.push(Share { cpus: 400, mem: 100_000, ..Share::empty("public", 1) });
    let wants = pod("p", json!({"annotations": {"k8s.mesosphere.io/roles": "public"}}), json!({}));
    let plan = decide(&[wants], &nodes);
    assert_eq!(plan.launches[0].task, [Share { cpus: 250, mem: 64_000, ..Share::empty("public", 1) }]);
    assert_eq!(plan.launches[0].executor, [Share { cpus: 250, mem: 128_000, ..Share::empty("*", 0) }]);
}

#[test]
fn anti_affinity_keeps_pods_apart_and_affinity_together() {
    let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}});
    let apart = |name: &str| {
        let affinity = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}});
        pod(name, json!({"labels": {"app": "db"}}), json!({"affinity": affinity}))
    };
    let near = |name: &str| {
        let affinity = json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}});
        pod(name, json!({}), json!({"affinity": affinity}))
    };
    let nodes = [node("n1", 4000, 1_280_000), node("n2", 2000, 1_280_000)];
    let plan = decide(&[apart("a"), apart("b"), apart("c"), near("d")], &nodes);
    let places = places(&plan, &nodes);
    assert_ne!(places[0].1, places[1].1);
    assert_eq!(
        (plan.why_nots.len(), plan.why_nots[0].pod, plan.why_nots[0].message.as_str()),
        (1, 2, "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.")
    );
    assert_eq!(places.len(), 3, "d is near a or b");
    let alone = decide(&[near("d")], &nodes);
    assert_eq!(alone.why_nots[0].message, "0/2 nodes are available: 2 node(s) didn't match pod affinity rules.");
}

#[test]
fn a_node_that_offers_nothing_says_why() {
    let full = NodeState { offers: Vec::new(), ..node("n1", 0, 0) };
    let mut known = full.clone();
    known.executor = true;
    known.view.allocatable = Some((300, 100_000));
    known.placed.push(plain("old"));
    let plan = decide(&[plain("p")], &[full, known.clone()]);
    assert!(plan.why_nots[0].awaits_offer, "the next offer may be of n1");
    assert!(!decide(&[plain("p")], &[known]).why_nots[0].awaits_offer, "no offer makes room");
    assert_eq!(
        plan.why_nots[0].message,
        "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 node(s) had no offer from Mesos."
    );
    let none = decide(&[plain("p")], &[]).why_nots.remove(0);
    assert_eq!((none.message.as_str(), none.awaits_offer), ("no nodes available to schedule pods", true));
}

#[test]
fn nodes_without_an_executor_get_a_node_task() {
    let nodes = [node("n1", 4000, 1_280_000), NodeState { executor: true, ..node("n2", 4000, 1_280_000) }];
    let plan = decide_with(&[], &nodes, &[], true);
    assert_eq!(plan.launches.len(), 1);
    assert_eq!((plan.launches[0].pod, plan.launches[0].node), (None, 0));
    assert_eq!(plan.launches[0].task, [Share { cpus: 10, mem: 1000, ..Share::empty("*", 0) }]);
    let with_pod = decide_with(&[plain("p")], &nodes[..1], &[], true);
    assert_eq!(with_pod.launches.len(), 1, "a pod starts the executor as well");
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is for who reads the test's output")]
fn a_thousand_offers_and_ten_thousand_pods_are_decided_completely() {
    let nodes: Vec<_> = (0..1000).map(|i| node(&format!("n{i:04}"), 4000, 1_280_000)).collect();
    let pods: Vec<_> = (0..10_000).map(|i| owned(&format!("p{i}"), &format!("rc{}", i % 100))).collect();
    let began = std::time::Instant::now();
    let plan = decide(&pods, &nodes);
    println!("1,000 offers, 10,000 pods of 100 controllers: {:?}", began.elapsed());
    assert_eq!(plan.launches.len(), 10_000);
    let most = |owner: usize| {
        let mut counts = HashMap::new();
        for launch in plan.launches.iter().filter(|launch| launch.pod.unwrap() % 100 == owner) {
            *counts.entry(launch.node).or_insert(0) += 1;
        }
        counts.into_values().max()
    };
    assert_eq!(most(0), Some(1), "a hundred pods of one controller on a thousand nodes");
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is for who reads the test's output")]
fn two_thousand_pods_of_which_no_two_are_alike_are_decided_too() {
    let nodes: Vec<_> = (0..1000).map(|i| node(&format!("n{i:04}"), 4000, 1_280_000)).collect();
    let pods: Vec<_> =
        (0..2_000).map(|i| pod(&format!("p{i}"), json!({"labels": {"id": i.to_string()}}), json!({}))).collect();
    let began = std::time::Instant::now();
    let plan = decide(&pods, &nodes);
    println!("1,000 offers, 2,000 pods no two alike: {:?}", began.elapsed());
    assert_eq!(plan.launches.len(), 2_000);
}

/// A node whose account is known, with pods on it and nothing offered.
fn full(name: &str, cpus: Milli, placed: Vec<Arc<Ask>>) -> NodeState {
    let mut full = NodeState { offers: Vec::new(), executor: true, placed, ..node(name, 0, 0) };
    full.view.allocatable = Some((cpus, 1_280_000));
    full
}

fn prior(name: &str, priority: i32) -> Arc<Ask> {
    pod(name, json!({}), json!({"priority": priority}))
}

fn victims(plan: &Plan) -> Vec<&str> {
    plan.preemptions.iter().flat_map(|preemption| &preemption.victims).map(|victim| victim.name.as_str()).collect()
}

#[test]
fn the_fewest_and_least_important_pods_go() {
    let nodes = [
        full("n1", 500, vec![prior("a", 5), prior("b", 5)]),
        full("n2", 500, vec![prior("c", 9), prior("d", 1)]),
        full("n3", 500, vec![prior("e", 20), prior("f", 20)]),
    ];
    let plan = decide(&[prior("p", 10)], &nodes);
    assert_eq!((victims(&plan), plan.preemptions[0].node), (vec!["d"], 1));
    let never = pod("p", json!({}), json!({"priority": 10, "preemptionPolicy": "Never"}));
    let plan = decide(&[never], &nodes);
    assert!(plan.preemptions.is_empty());
    assert_eq!(plan.why_nots[0].preemption, "not eligible due to preemptionPolicy=Never.");
    let plan = decide(&[plain("p")], &nodes);
    assert_eq!(plan.why_nots[0].preemption, "0/3 nodes are available: 3 No preemption victims found for incoming pod.");
}

#[test]
fn who_is_going_already_is_waited_for_and_two_pods_do_not_count_on_one_place() {
    let mut going = (*prior("a", 1)).clone();
    going.deleting = true;
    let nodes = [full("n1", 500, vec![Arc::new(going), prior("b", 1)])];
    let plan = decide(&[prior("p", 10)], &nodes);
    assert!(plan.preemptions.is_empty() && plan.why_nots[0].awaits_offer, "{:?}", plan.why_nots);
    let nodes = [full("n1", 500, vec![prior("a", 1), prior("b", 1)])];
    let plan = decide(&[prior("p", 10), prior("q", 10), prior("r", 10)], &nodes);
    let mut gone = victims(&plan);
    gone.sort_unstable();
    assert_eq!(plan.preemptions.len(), 2, "there is place for two");
    assert_eq!(gone, ["a", "b"]);
}

#[test]
fn resources_that_mesos_does_not_know_are_counted_by_the_node() {
    let device = |name: &str, count: &str, priority: i32| {
        let limits = json!({"limits": {"example.com/device": count}});
        pod(name, json!({}), json!({"priority": priority, "containers": [{"name": "c", "resources": limits}]}))
    };
    let mut known = node("n1", 4000, 1_280_000);
    known.view.extended = [("example.com/device".to_owned(), 5)].into();
    known.view.allocatable = Some((4000, 1_280_000));
    let plan = decide(
        &[device("a", "2", 0), device("b", "2", 0), device("c", "2", 0)],
        &[known.clone(), node("n2", 4000, 1_280_000)],
    );
    assert_eq!(plan.launches.len(), 2);
    assert_eq!(plan.why_nots[0].message, "0/2 nodes are available: 2 Insufficient example.com/device.");
    known.placed = vec![device("a", "2", 1), device("b", "2", 2)];
    let plan = decide(&[device("p", "2", 10)], &[known]);
    assert_eq!(victims(&plan), ["a"]);
}

#[test]
fn disk_is_counted_where_the_node_tells_of_it() {
    let writer = |name: &str, amount: &str| {
        let resources = json!({"requests": {"ephemeral-storage": amount}});
        pod(name, json!({}), json!({"containers": [{"name": "c", "resources": resources}]}))
    };
    let mut small = node("n1", 4000, 1_280_000);
    small.view.extended = [("ephemeral-storage".to_owned(), 1 << 30)].into();
    let pods = [writer("a", "600Mi"), writer("b", "600Mi")];
    let plan = decide(&pods, &[small]);
    assert_eq!(plan.launches.len(), 1);
    assert_eq!(plan.why_nots[0].message, "0/1 nodes are available: 1 Insufficient ephemeral-storage.");
    assert_eq!(decide(&pods, &[node("new", 4000, 1_280_000)]).launches.len(), 2);
}

#[test]
fn pods_are_spread_over_domains_as_they_ask() {
    let zoned = |name: &str, zone: &str| {
        let mut zoned = node(name, 4000, 1_280_000);
        zoned.view.labels.insert("zone".to_owned(), zone.to_owned());
        zoned
    };
    let spread = |name: &str, when: &str| {
        let constraint = json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": when,
            "labelSelector": {"matchLabels": {"app": "web"}}});
        pod(name, json!({"labels": {"app": "web"}}), json!({"topologySpreadConstraints": [constraint]}))
    };
    let nodes = [zoned("n1", "a"), zoned("n2", "a"), zoned("n3", "b"), node("n4", 4000, 1_280_000)];
    let pods: Vec<_> = (0..6).map(|i| spread(&format!("p{i}"), "DoNotSchedule")).collect();
    let places = places(&decide(&pods, &nodes), &nodes);
    assert_eq!(places.len(), 6);
    assert_eq!(places.iter().filter(|(_, node)| node == "n3").count(), 3, "{places:?}");
    let mut uneven = nodes;
    uneven[2].offers.clear();
    uneven[0].placed = vec![spread("old", "DoNotSchedule")];
    let plan = decide(&[spread("p", "DoNotSchedule")], &uneven);
    assert_eq!(
        plan.why_nots[0].message,
        "0/4 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label), \
         1 node(s) had no offer from Mesos, 2 node(s) didn't match pod topology spread constraints."
    );
    assert_eq!(decide(&[spread("p", "ScheduleAnyway")], &uneven).launches.len(), 1);
    let nobody = json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"});
    let nobody = pod("p", json!({}), json!({"topologySpreadConstraints": [nobody]}));
    assert_eq!(decide(&[nobody], &uneven).launches.len(), 1, "no selector means nobody");
}

#[test]
fn neighbours_may_be_those_with_the_pods_own_labels() {
    let versioned = |name: &str, version: &str, kind: &str, keys: &str| {
        let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}},
            keys: ["version", "absent"]});
        let affinity = json!({kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}});
        pod(name, json!({"labels": {"app": "web", "version": version}}), json!({"affinity": affinity}))
    };
    let old = pod("old", json!({"labels": {"app": "web", "version": "1"}}), json!({}));
    let nodes = [NodeState { placed: vec![old], ..node("n1", 4000, 1_280_000) }];
    let fits =
        |version: &str, kind: &str, keys: &str| decide(&[versioned("p", version, kind, keys)], &nodes).launches.len();
    assert_eq!(fits("2", "podAntiAffinity", "matchLabelKeys"), 1);
    assert_eq!(fits("1", "podAntiAffinity", "matchLabelKeys"), 0);
    assert_eq!(fits("1", "podAntiAffinity", "mismatchLabelKeys"), 1);
    assert_eq!(fits("2", "podAntiAffinity", "mismatchLabelKeys"), 0);
}

#[test]
fn a_liking_for_other_pods_decides_between_nodes() {
    let term = json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}});
    let of = |kind: &str| {
        let wish = json!([{"weight": 10, "podAffinityTerm": term}]);
        pod("p", json!({}), json!({"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": wish}}}))
    };
    let mut nodes = [node("n1", 4000, 1_280_000), node("n2", 1000, 1_280_000)];
    nodes[1].placed.push(pod("db", json!({"labels": {"app": "db"}}), json!({})));
    assert_eq!(places(&decide(&[of("podAffinity")], &nodes), &nodes), [(0, "n2".to_owned())]);
    nodes.reverse();
    assert_eq!(places(&decide(&[of("podAntiAffinity")], &nodes), &nodes), [(0, "n1".to_owned())]);
}
