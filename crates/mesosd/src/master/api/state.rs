//! What the GET endpoints show (reference section 6.6), which dashboards and mesos-dns read.

use std::collections::{BTreeMap, BTreeSet};

use mesos::framework::FrameworkCapabilityType;
use mesos::{AgentID, ExecutorInfo, FrameworkID, Resources, Task, TaskState, TaskStatus};
use serde_json::{Map, Value, json};

use super::reply::parameter;
use crate::master::core::{Agent, Connection, Core, Framework, Now, OpenOffer, VERSION, seconds};
use crate::master::server::Server;

/// The states that a summary counts.
const COUNTED: [TaskState; 10] = [
    TaskState::Staging,
    TaskState::Starting,
    TaskState::Running,
    TaskState::Killing,
    TaskState::Finished,
    TaskState::Killed,
    TaskState::Failed,
    TaskState::Lost,
    TaskState::Error,
    TaskState::Unreachable,
];

pub(super) fn version() -> Value {
    json!({ "version": VERSION, "build_date": "", "build_time": 0.0, "build_user": "" })
}

pub(super) fn flags(server: &Server) -> Value {
    let flags: Map<String, Value> =
        server.flags().iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({ "flags": flags })
}

pub(super) fn state(server: &Server) -> Value {
    let mut state = server.read(whole);
    let Value::Object(fields) = &mut state else { unreachable!("`whole` makes an object") };
    fields.extend([("flags".to_owned(), flags(server)["flags"].take())]);
    if let Some(cluster) = server.cluster() {
        fields.insert("cluster".to_owned(), json!(cluster));
    }
    state
}

fn whole(core: &Core, now: Now) -> Value {
    let info = &core.settings.info;
    let up = core.agents.values().filter(|agent| agent.link().is_some()).count();
    let capabilities: Vec<_> = info.capabilities.iter().filter_map(|has| has.r#type).map(|kind| kind.name()).collect();
    json!({
        "version": VERSION, "build_date": "", "build_time": 0.0, "build_user": "",
        "start_time": seconds(core.started), "elected_time": seconds(core.started),
        "id": info.id, "pid": info.pid, "hostname": info.hostname, "capabilities": capabilities,
        "activated_slaves": up as f64, "deactivated_slaves": (core.agents.len() - up) as f64,
        "unreachable_slaves": core.unreachable.len() as f64,
        "leader": info.pid,
        "leader_info": { "id": info.id, "pid": info.pid, "port": info.port, "hostname": info.hostname },
        "slaves": core.agents.values().map(slave).collect::<Vec<_>>(),
        "recovered_slaves": [],
        "frameworks": core.frameworks.values().map(|of| framework(core, of, now)).collect::<Vec<_>>(),
        "completed_frameworks": core.completed.iter().map(|of| framework(core, of, now)).collect::<Vec<_>>(),
        "orphan_tasks": [], "unregistered_frameworks": [],
    })
}

pub(super) fn slaves(server: &Server, query: &str) -> Value {
    let wanted = parameter(query, "slave_id");
    server.read(|core, _| {
        let agents = core.agents.iter().filter(|(id, _)| wanted.as_deref().is_none_or(|wanted| id.as_str() == wanted));
        let slaves: Vec<_> = agents.map(|(_, agent)| slave_in_full(agent)).collect();
        json!({ "slaves": slaves, "recovered_slaves": [] })
    })
}

pub(super) fn frameworks(server: &Server, query: &str) -> Value {
    let wanted = parameter(query, "framework_id");
    let matches = |of: &&Framework| wanted.as_deref().is_none_or(|wanted| of.id().as_str() == wanted);
    server.read(|core, now| {
        let shown: Vec<_> = core.frameworks.values().filter(matches).map(|of| framework(core, of, now)).collect();
        let completed: Vec<_> = core.completed.iter().filter(matches).map(|of| framework(core, of, now)).collect();
        json!({ "frameworks": shown, "completed_frameworks": completed, "unregistered_frameworks": [] })
    })
}

pub(super) fn tasks(server: &Server, query: &str) -> Value {
    let number = |name, default| parameter(query, name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (limit, offset) = (number("limit", 100), number("offset", 0));
    let (of_framework, of_task) = (parameter(query, "framework_id"), parameter(query, "task_id"));
    let ascending = parameter(query, "order").as_deref() == Some("asc");
    server.read(|core, _| {
        let all = core.frameworks.values().chain(&core.completed);
        let all = all.filter(|of| of_framework.as_deref().is_none_or(|wanted| of.id().as_str() == wanted));
        let mut tasks: Vec<&Task> = all.flat_map(all_tasks).collect();
        tasks.retain(|task| of_task.as_deref().is_none_or(|wanted| task.task_id.as_str() == wanted));
        tasks.sort_by(|a, b| began(a).total_cmp(&began(b)));
        if !ascending {
            tasks.reverse();
        }
        json!({ "tasks": tasks.into_iter().skip(offset).take(limit).map(task).collect::<Vec<_>>() })
    })
}

/// When a task was first heard of.
fn began(task: &Task) -> f64 {
    task.statuses.first().and_then(|status| status.timestamp).unwrap_or(0.0)
}

pub(super) fn summary(server: &Server) -> Value {
    let mut summary = server.read(|core, _| {
        let slaves: Vec<_> = core.agents.iter().map(|(id, agent)| slave_summary(core, id, agent)).collect();
        let frameworks: Vec<_> = core.frameworks.values().map(|of| framework_summary(core, of)).collect();
        json!({ "hostname": core.settings.info.hostname, "slaves": slaves, "frameworks": frameworks })
    });
    if let Some(cluster) = server.cluster() {
        summary["cluster"] = json!(cluster);
    }
    summary
}

fn slave_summary(core: &Core, id: &AgentID, agent: &Agent) -> Value {
    let tasks = core.frameworks.values().flat_map(all_tasks).filter(|task| task.agent_id == *id);
    let of_frameworks: BTreeSet<&FrameworkID> = core
        .frameworks
        .iter()
        .filter(|(_, of)| of.tasks.values().any(|live| live.task.agent_id == *id))
        .map(|(framework_id, _)| framework_id)
        .collect();
    let mut shown = slave(agent);
    count_states(&mut shown, tasks);
    shown["framework_ids"] = json!(of_frameworks.iter().map(|id| id.as_str()).collect::<Vec<_>>());
    shown
}

fn framework_summary(core: &Core, of: &Framework) -> Value {
    let agents: BTreeSet<&str> = of.tasks.values().map(|live| live.task.agent_id.as_str()).collect();
    let mut shown = framework_head(core, of);
    count_states(&mut shown, all_tasks(of));
    shown["slave_ids"] = json!(agents);
    shown
}

fn count_states<'a>(shown: &mut Value, tasks: impl Iterator<Item = &'a Task>) {
    let mut counts: BTreeMap<TaskState, u64> = BTreeMap::new();
    tasks.for_each(|task| *counts.entry(task.state).or_default() += 1);
    for state in COUNTED {
        shown[state.name()] = json!(counts.get(&state).copied().unwrap_or(0));
    }
}

fn all_tasks(of: &Framework) -> impl Iterator<Item = &Task> {
    of.tasks.values().map(|live| &live.task).chain(of.unreachable_tasks.values()).chain(&of.completed_tasks)
}

pub(super) fn roles(server: &Server) -> Value {
    server.read(|core, _| {
        let roles: Vec<_> = role_names(core).into_iter().map(|name| role(core, &name)).collect();
        json!({ "roles": roles })
    })
}

/// The roles that have a framework or a reservation.
pub(super) fn role_names(core: &Core) -> BTreeSet<String> {
    let subscribed = core.frameworks.values().flat_map(|of| of.info.subscribed_roles()).map(str::to_owned);
    let parts = core.agents.values().flat_map(|agent| agent.total.iter());
    let reserved = parts.filter_map(|part| mesos::resources::reservation_role(part).map(str::to_owned));
    subscribed.chain(reserved).collect()
}

fn role(core: &Core, name: &str) -> Value {
    let mut sums = [Resources::new(), Resources::new(), Resources::new()];
    let [allocated, offered, reserved] = &mut sums;
    for agent in core.agents.values() {
        allocated.add(&agent.used.of_allocation(name));
        offered.add(&agent.offered.of_allocation(name));
        reserved.add(&agent.total.reserved_for(name));
    }
    let mut all = allocated.clone();
    all.add(offered);
    let quota = json!({ "role": name, "guarantee": {}, "limit": {}, "consumed": quantities(allocated) });
    let frameworks = core.frameworks.iter().filter(|(_, of)| of.info.subscribed_roles().contains(&name));
    json!({
        "name": name, "weight": 1.0, "quota": quota, "resources": quantities(&all),
        "allocated": quantities(allocated), "offered": quantities(offered), "reserved": quantities(reserved),
        "frameworks": frameworks.map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
    })
}

/// Amounts by name; of ranges, how many numbers there are.
fn quantities(resources: &Resources) -> Value {
    let mut sums: Map<String, Value> =
        resources.scalars().into_iter().map(|(name, amount)| (name.to_owned(), json!(amount))).collect();
    let ranges: BTreeSet<&str> =
        resources.iter().filter(|part| part.ranges.is_some()).map(|part| part.name.as_str()).collect();
    for name in ranges {
        let count: u64 = resources.ranges(name).iter().map(|(begin, end)| end - begin + 1).sum();
        sums.insert(name.to_owned(), json!(count as f64));
    }
    Value::Object(sums)
}

/// Resources as endpoints sum them up: the usual scalars always, ranges as text.
fn summed(resources: &Resources) -> Value {
    let mut shown = json!({ "disk": 0.0, "mem": 0.0, "gpus": 0.0, "cpus": 0.0 });
    for (name, amount) in resources.scalars() {
        shown[name] = json!(amount);
    }
    for part in resources.iter() {
        if part.ranges.is_some() {
            let ranges = resources.ranges(&part.name);
            let ranges: Vec<_> = ranges.iter().map(|(begin, end)| format!("{begin}-{end}")).collect();
            shown[&part.name] = json!(format!("[{}]", ranges.join(", ")));
        }
        if let Some(set) = &part.set {
            shown[&part.name] = json!(format!("{{{}}}", set.item.join(", ")));
        }
    }
    shown
}

/// Resources by the role that they are reserved for.
fn by_reservation<T>(resources: &Resources, show: impl Fn(&Resources) -> T) -> BTreeMap<String, T> {
    let roles: BTreeSet<_> = resources.iter().filter_map(mesos::resources::reservation_role).collect();
    roles.into_iter().map(|role| (role.to_owned(), show(&resources.reserved_for(role)))).collect()
}

fn slave(agent: &Agent) -> Value {
    let attributes: Map<String, Value> = agent.info.attributes.iter().map(attribute).collect();
    let capabilities: Vec<_> = agent.capabilities.iter().filter_map(|has| has.r#type).map(|kind| kind.name()).collect();
    let mut shown = json!({
        "id": agent.id().as_str(), "hostname": agent.info.hostname, "port": agent.info.port, "attributes": attributes,
        "pid": agent.pid(), "registered_time": seconds(agent.registered),
        "resources": summed(&agent.total), "used_resources": summed(&agent.used), "offered_resources": summed(&agent.offered),
        "reserved_resources": by_reservation(&agent.total, summed),
        "unreserved_resources": summed(&agent.total.unreserved()),
        "active": agent.link().is_some(), "deactivated": false, "version": agent.version, "capabilities": capabilities,
    });
    if let Some(at) = agent.reregistered {
        shown["reregistered_time"] = json!(seconds(at));
    }
    shown
}

fn slave_in_full(agent: &Agent) -> Value {
    let mut shown = slave(agent);
    shown["reserved_resources_full"] = json!(by_reservation(&agent.total, Resources::to_endpoint));
    shown["unreserved_resources_full"] = json!(agent.total.unreserved().to_endpoint());
    shown["used_resources_full"] = json!(agent.used.to_endpoint());
    shown["offered_resources_full"] = json!(agent.offered.to_endpoint());
    shown
}

fn attribute(attribute: &mesos::Attribute) -> (String, Value) {
    let value = match (&attribute.scalar, &attribute.ranges, &attribute.text) {
        (Some(scalar), ..) => json!(scalar.value),
        (_, Some(ranges), _) => {
            let ranges: Vec<_> = ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
            json!(format!("[{}]", ranges.join(", ")))
        }
        (.., Some(text)) => json!(text.value),
        _ => Value::Null,
    };
    (attribute.name.clone(), value)
}

/// What the framework uses: its tasks and executors.
fn used(core: &Core, of: &Framework) -> Resources {
    let mut used = of.task_resources();
    for (_, executor) in executors(core, of.id()) {
        used.add(&Resources::from(&executor.resources));
    }
    used
}

fn executors<'a>(
    core: &'a Core,
    framework_id: &'a FrameworkID,
) -> impl Iterator<Item = (&'a AgentID, &'a ExecutorInfo)> {
    core.agents.iter().flat_map(move |(agent_id, agent)| {
        let own = agent.executors.iter().filter(move |((of, _), _)| of == framework_id);
        own.map(move |(_, info)| (agent_id, info))
    })
}

fn offers<'a>(core: &'a Core, framework_id: &'a FrameworkID) -> impl Iterator<Item = &'a OpenOffer> {
    core.offers.values().filter(move |open| open.offer.framework_id == *framework_id)
}

fn framework_head(core: &Core, of: &Framework) -> Value {
    let info = &of.info;
    let mut offered = Resources::new();
    offers(core, of.id()).for_each(|open| offered.add(&open.resources));
    let capabilities: Vec<_> = info.capabilities.iter().filter_map(|has| has.r#type).map(|kind| kind.name()).collect();
    let connected = of.stream().is_some();
    json!({
        "id": of.id().as_str(), "name": info.name, "used_resources": summed(&used(core, of)),
        "offered_resources": summed(&offered), "capabilities": capabilities,
        "hostname": info.hostname.as_deref().unwrap_or_default(), "webui_url": info.webui_url.as_deref().unwrap_or_default(),
        "active": connected, "connected": connected, "recovered": of.connection == Connection::Recovered,
    })
}

fn framework(core: &Core, of: &Framework, _: Now) -> Value {
    let info = &of.info;
    let mut shown = framework_head(core, of);
    let mut all = used(core, of);
    offers(core, of.id()).for_each(|open| all.add(&open.resources));
    let unregistered = match of.connection {
        Connection::Completed { at } => seconds(at),
        _ => 0.0,
    };
    let more = json!({
        "user": info.user, "failover_timeout": info.failover_timeout, "checkpoint": info.checkpoint,
        "registered_time": seconds(of.registered), "unregistered_time": unregistered, "resources": summed(&all),
        "tasks": of.tasks.values().map(|live| task(&live.task)).collect::<Vec<_>>(),
        "unreachable_tasks": of.unreachable_tasks.values().map(task).collect::<Vec<_>>(),
        "completed_tasks": of.completed_tasks.iter().map(task).collect::<Vec<_>>(),
        "offers": offers(core, of.id()).map(offer).collect::<Vec<_>>(),
        "executors": executors(core, of.id()).map(|(agent_id, info)| executor(agent_id, info)).collect::<Vec<_>>(),
    });
    extend(&mut shown, more);
    if info.is_capable(FrameworkCapabilityType::MultiRole) {
        shown["roles"] = json!(info.roles);
    } else {
        shown["role"] = json!(info.role.as_deref().unwrap_or("*"));
    }
    if let Some(at) = of.reregistered {
        shown["reregistered_time"] = json!(seconds(at));
    }
    if let Some(principal) = &info.principal {
        shown["principal"] = json!(principal);
    }
    if let Some(labels) = &info.labels {
        shown["labels"] = json!(labels.labels);
    }
    shown
}

fn extend(shown: &mut Value, more: Value) {
    if let (Value::Object(shown), Value::Object(more)) = (shown, more) {
        shown.extend(more);
    }
}

fn offer(open: &OpenOffer) -> Value {
    json!({
        "id": open.offer.id.as_str(), "framework_id": open.offer.framework_id.as_str(),
        "allocation_info": { "role": open.role }, "slave_id": open.offer.agent_id.as_str(),
        "resources": summed(&open.resources),
    })
}

/// The role that resources are allocated to.
fn role_of(resources: &[mesos::Resource]) -> &str {
    let role = resources.first().and_then(|part| part.allocation_info.as_ref()).and_then(|info| info.role.as_deref());
    role.unwrap_or("*")
}

pub(super) fn task(task: &Task) -> Value {
    let mut shown = json!({
        "id": task.task_id.as_str(), "name": task.name, "framework_id": task.framework_id.as_str(),
        "executor_id": task.executor_id.as_ref().map_or("", |id| id.as_str()), "slave_id": task.agent_id.as_str(),
        "state": task.state, "resources": summed(&Resources::from(&task.resources)), "role": role_of(&task.resources),
        "statuses": task.statuses.iter().map(status).collect::<Vec<_>>(),
    });
    let optional = [
        ("user", json!(task.user)),
        ("labels", json!(task.labels.as_ref().map(|labels| &labels.labels))),
        ("discovery", json!(task.discovery)),
        ("container", json!(task.container)),
        ("health_check", json!(task.health_check)),
    ];
    for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
        shown[name] = value;
    }
    shown
}

fn status(status: &TaskStatus) -> Value {
    let mut shown = json!({ "state": status.state, "timestamp": status.timestamp.unwrap_or(0.0) });
    let optional = [
        ("labels", json!(status.labels.as_ref().map(|labels| &labels.labels))),
        ("container_status", json!(status.container_status)),
        ("healthy", json!(status.healthy)),
    ];
    for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
        shown[name] = value;
    }
    shown
}

fn executor(agent_id: &AgentID, info: &ExecutorInfo) -> Value {
    let mut shown = json!({
        "executor_id": info.executor_id.as_str(), "name": info.name.as_deref().unwrap_or_default(),
        "framework_id": info.framework_id.as_ref().map_or("", |id| id.as_str()),
        "resources": summed(&Resources::from(&info.resources)), "role": role_of(&info.resources),
        "slave_id": agent_id.as_str(),
    });
    if let Some(command) = &info.command {
        shown["command"] = json!({
            "shell": command.shell, "value": command.value.as_deref().unwrap_or_default(), "argv": command.arguments,
            "environment": command.environment, "uris": command.uris,
        });
    }
    if let Some(kind) = info.r#type {
        shown["type"] = json!(kind);
    }
    if let Some(labels) = &info.labels {
        shown["labels"] = json!(labels.labels);
    }
    shown
}
