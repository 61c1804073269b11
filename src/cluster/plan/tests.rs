//! Plans of machines and clusters that are not there.

use std::collections::BTreeMap;

use super::*;
use crate::cluster::name;
use crate::cluster::observed::{ClusterNetwork, Component};
use crate::failure::Kind;

fn facts() -> Facts {
    Facts {
        endpoint: "unix:///var/run/docker.sock".into(),
        version: "20.10.24".into(),
        api: "1.41".into(),
        platform: "linux/amd64".into(),
        socket: "/var/run/docker.sock".into(),
        host: "127.0.0.1".into(),
    }
}

pub(crate) fn machine() -> Machine<'static> {
    Machine {
        routes: vec!["172.17.0.0/16".parse().unwrap()],
        free: &|_| true,
        km_image: "k8sm/km:0.1.0-0123456789ab".into(),
        etcd: Some(OwnEtcd { executable: "/usr/bin/etcd".into(), image: "k8sm/etcd:0123456789ab".into() }),
    }
}

pub(crate) fn plan(request: &Request, observed: &Observed, machine: &Machine<'_>) -> Result<Plan, Failure> {
    let compose = Compose::load(None).unwrap();
    Plan::make(&ClusterName::new("gtest").unwrap(), &facts(), request, &compose, observed, machine)
}

/// What Docker holds after `plan` was carried out.
fn after(plan: &Plan) -> Observed {
    let mut observed = Observed::default();
    for step in &plan.containers {
        let component = Component {
            id: step.spec.name.clone(),
            component: step.spec.component.clone(),
            hostname: step.spec.hostname.clone(),
            image: step.spec.image.clone(),
            config: step.spec.digest(),
            state: State::Running,
            addresses: BTreeMap::new(),
        };
        observed.components.insert(step.spec.name.clone(), component);
    }
    let labels = BTreeMap::from([
        (PORTS.to_owned(), plan.choices.ports.label()),
        (name::SERVICE_CIDR.to_owned(), plan.choices.service_cidr.to_string()),
        (name::SLAVES.to_owned(), plan.choices.slaves.to_string()),
    ]);
    for step in &plan.networks {
        let network = ClusterNetwork { subnet: Some(step.layout.subnet), labels: labels.clone() };
        observed.networks.insert(step.name.clone(), network);
    }
    observed.dns = plan.dns.is_some();
    observed.volumes.extend(plan.volumes.iter().map(|step| step.name.clone()));
    observed.images.extend(plan.images.iter().map(|step| step.image.clone()));
    observed
}

#[test]
fn a_new_cluster_s_plan_reads_so() {
    let plan = plan(&Request::default(), &Observed::default(), &machine()).unwrap();
    assert_eq!(page(&plan), include_str!("new.txt"));
}

#[test]
fn the_plan_after_the_plan_has_nothing_to_do() {
    let first = plan(&Request::default(), &Observed::default(), &machine()).unwrap();
    let taken = Machine {
        free: &|_| false,
        routes: first.networks.iter().map(|step| step.layout.subnet).collect(),
        ..machine()
    };
    let second = plan(&Request::default(), &after(&first), &taken).unwrap();
    assert!(second.is_settled(), "{}", page(&second));
    assert_eq!(second.choices, Choices { etcd_image: second.choices.etcd_image.clone(), ..first.choices });
}

#[test]
fn what_is_missing_is_made_and_what_stopped_is_started() {
    let first = plan(&Request::default(), &Observed::default(), &machine()).unwrap();
    let mut observed = after(&first);
    observed.components.remove("gtest-scheduler");
    observed.components.get_mut("gtest-etcd").unwrap().state = State::Stopped;
    observed.components.get_mut("gtest-controller").unwrap().state = State::Created;
    let second = plan(&Request::default(), &observed, &machine()).unwrap();
    let actions: BTreeMap<&str, &Action> =
        second.containers.iter().map(|step| (step.spec.hostname.as_str(), &step.action)).collect();
    assert_eq!(actions["scheduler"], &Action::Create);
    assert_eq!(actions["etcd"], &Action::Start);
    assert_eq!(actions["controller"], &Action::Finish);
    assert_eq!(actions["apiserver"], &Action::Keep);
}

#[test]
fn another_build_changes_nothing_unless_told() {
    let first = plan(&Request::default(), &Observed::default(), &machine()).unwrap();
    let other = Machine { km_image: "k8sm/km:0.1.0-ba9876543210".into(), ..machine() };
    let second = plan(&Request::default(), &after(&first), &other).unwrap();
    assert_eq!(second.differing().len(), 6);
    assert_eq!(second.differing()[0].1, "k8sm/km:0.1.0-0123456789ab");
    let recreate = Request { recreate: true, ..Request::default() };
    let third = plan(&recreate, &after(&first), &other).unwrap();
    assert!(third.differing().is_empty());
    assert_eq!(third.containers.iter().filter(|step| step.action == Action::Recreate).count(), 6);
}

#[test]
fn slaves_are_added_and_not_silently_removed() {
    let first = plan(&Request::default(), &Observed::default(), &machine()).unwrap();
    let more = plan(&Request { slaves: Some(3), ..Request::default() }, &after(&first), &machine()).unwrap();
    let created: Vec<&str> = more
        .containers
        .iter()
        .filter(|step| step.action == Action::Create)
        .map(|step| step.spec.hostname.as_str())
        .collect();
    assert_eq!(created, ["mesosslave3"]);
    let fewer = plan(&Request { slaves: Some(1), ..Request::default() }, &after(&first), &machine());
    assert_eq!(fewer.unwrap_err().kind(), Kind::Conflict);
    let none = plan(&Request { slaves: Some(0), ..Request::default() }, &Observed::default(), &machine());
    assert_eq!(none.unwrap_err().kind(), Kind::Usage);
}

#[test]
fn a_last_slave_that_was_removed_is_completed() {
    let created = |observed: &Observed| {
        let plan = plan(&Request::default(), observed, &machine()).unwrap();
        let steps = plan.containers.into_iter().filter(|step| step.action == Action::Create);
        steps.map(|step| step.spec.hostname).collect::<Vec<_>>()
    };
    let first = plan(&Request::default(), &Observed::default(), &machine()).unwrap();
    let mut observed = after(&first);
    observed.components.remove("gtest-mesosslave2");
    observed.volumes.remove("gtest-mesosslave2");
    assert_eq!(created(&observed), ["mesosslave2"]);
    // The third came later: the networks' labels do not know it, but its volume is there.
    let more = plan(&Request { slaves: Some(3), ..Request::default() }, &after(&first), &machine()).unwrap();
    let mut observed = Observed { networks: after(&first).networks, ..after(&more) };
    observed.components.remove("gtest-mesosslave3");
    assert_eq!(created(&observed), ["mesosslave3"]);
}

#[test]
fn a_routed_service_range_is_refused_with_the_way_out() {
    let routed = Machine { routes: vec!["10.0.0.0/8".parse().unwrap()], ..machine() };
    let failure = plan(&Request::default(), &Observed::default(), &routed).unwrap_err();
    assert_eq!(failure.kind(), Kind::Environment);
    let elsewhere = Request { service_cidr: Some("192.168.7.0/24".parse().unwrap()), ..Request::default() };
    let plan = plan(&elsewhere, &Observed::default(), &routed).unwrap();
    assert_eq!(plan.choices.service_address(10).to_string(), "192.168.7.10");
}

#[test]
fn names_of_others_are_not_taken_over() {
    for foreign in ["gtest-etcd", "gtest-pods"] {
        let observed = Observed { foreign_names: [foreign.to_owned()].into(), ..Observed::default() };
        let failure = plan(&Request::default(), &observed, &machine()).unwrap_err();
        assert!(failure.kind() == Kind::Conflict && failure.line().contains(foreign));
    }
    let observed = Observed { foreign_volumes: ["gtest-pki".to_owned()].into(), ..Observed::default() };
    assert_eq!(plan(&Request::default(), &observed, &machine()).unwrap_err().kind(), Kind::Conflict);
}

#[test]
fn etcd_comes_from_where_it_was_said_and_else_from_this_machine() {
    let step = |request: &Request, observed: &Observed, machine: &Machine<'_>| {
        plan(request, observed, machine).unwrap().images.remove(1)
    };
    let (request, nothing) = (Request::default(), Observed::default());
    let named = Request { etcd_image: Some("my/etcd:1".into()), ..Request::default() };
    assert_eq!(step(&named, &nothing, &machine()).source, Source::Pull);
    let here = Observed { images: ["my/etcd:1".to_owned()].into(), ..Observed::default() };
    assert_eq!(step(&named, &here, &machine()), ImageStep { image: "my/etcd:1".into(), source: Source::Present });
    let wrapped = ImageStep {
        image: "k8sm/etcd:0123456789ab".into(),
        source: Source::Wrap { executable: "/usr/bin/etcd".into() },
    };
    assert_eq!(step(&request, &nothing, &machine()), wrapped);
    let without = Machine { etcd: None, ..machine() };
    let pulled = step(&request, &nothing, &without);
    assert!(pulled.source == Source::Pull && pulled.image.starts_with("rancher/"), "{pulled:?}");
    // A cluster that is there keeps the etcd that wrote its data.
    let kept = after(&plan(&request, &nothing, &without).unwrap());
    assert_eq!(step(&request, &kept, &machine()), ImageStep { image: pulled.image, source: Source::Present });
}

#[test]
fn an_etcd_image_that_the_file_would_not_use_is_refused() {
    let own = include_str!("../../../compose/docker-compose.yml");
    let own = own.replace("${K8SM_ETCD_IMAGE:-rancher/mirrored-coreos-etcd:v3.5.12}", "my/etcd:1");
    let compose = Compose::parse(&own, "my.yml").unwrap();
    let name = ClusterName::new("gtest").unwrap();
    let make = |request: &Request| Plan::make(&name, &facts(), request, &compose, &Observed::default(), &machine());
    let step = make(&Request::default()).unwrap().images.remove(1);
    assert_eq!(step, ImageStep { image: "my/etcd:1".into(), source: Source::Pull });
    let named = Request { etcd_image: Some("my/etcd:2".into()), ..Request::default() };
    let refusal = make(&named).unwrap_err();
    assert!(refusal.kind() == Kind::Usage && refusal.line().contains("my/etcd:1"), "{}", refusal.line());
}

#[test]
fn a_default_port_moves_for_a_published_one() {
    let request = |host: u16, ports: Wanted| Request {
        publish: vec![Publish { host, node: 30080 }],
        ports,
        ..Request::default()
    };
    let made = |request: &Request| plan(request, &Observed::default(), &machine());
    assert_eq!(made(&request(8888, Wanted::default())).unwrap().choices.ports.insecure, 8889);
    let named = Wanted { insecure: Some(8888), ..Wanted::default() };
    assert_eq!(made(&request(8888, named)).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn a_plan_is_overtaken_in_what_it_chose_and_not_in_what_it_kept() {
    use bollard::errors::Error;
    let (request, machine) = (Request::default(), machine());
    let fresh = plan(&request, &Observed::default(), &machine).unwrap();
    let kept = plan(&request, &after(&fresh), &machine).unwrap();
    let refusal = |status_code, message: &str| {
        let error = Error::DockerResponseServerError { status_code, message: message.to_owned() };
        Failure::environment("start container gtest-apiserver").because(error)
    };
    let outrun = crate::cluster::act::outrun;
    for taken in [
        "Pool overlaps with other one on this address space",
        "Bind for 127.0.0.1:6443 failed: port is already allocated",
    ] {
        assert!(outrun(&refusal(500, taken), &fresh) && !outrun(&refusal(500, taken), &kept), "{taken}");
    }
    let gone = refusal(404, "No such image: k8sm/km:0.1.0-0123456789ab");
    assert!(outrun(&gone, &fresh) && outrun(&gone, &kept));
    assert!(!outrun(&refusal(500, "no space left on device"), &fresh));
    assert!(!outrun(&Failure::environment("write the keys"), &fresh));
}

#[test]
fn an_image_of_the_user_s_own_file_is_pulled_where_it_is_not_here() {
    let text = include_str!("../../../compose/docker-compose.yml");
    let master = "  mesosmaster1:\n    image: ";
    let own = text.replace(&format!("{master}${{K8SM_KM_IMAGE}}"), &format!("{master}theirs/mesos-master:1.11"));
    let compose = Compose::parse(&own, "my.yml").unwrap();
    let planned = |observed: &Observed| {
        let name = ClusterName::new("gtest").unwrap();
        Plan::make(&name, &facts(), &Request::default(), &compose, observed, &machine()).unwrap()
    };
    let plan = planned(&Observed::default());
    assert_eq!(plan.pulls, ["theirs/mesos-master:1.11"]);
    assert!(page(&plan).contains("+ image theirs/mesos-master:1.11 pulled"));
    assert_eq!(
        planned(&Observed { images: ["theirs/mesos-master:1.11".to_owned()].into(), ..Observed::default() }).pulls,
        [""; 0]
    );
}
