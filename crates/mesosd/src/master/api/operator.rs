//! `POST /api/v1`: what operators ask (reference sections 6.2 and 6.4).

use axum::body::Body;
use http::{Response, StatusCode};
use mesos::time::TimeInfo;
use mesos::{AgentID, FrameworkID, Resources, Task};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{self, Refused, bad_request, empty, parameter, read, require_json_accepted, require_post, text};
use super::{metrics, state};
use crate::master::core::{Agent, Connection, Core, Framework, Now, VERSION, seconds};
use crate::master::server::Server;
use crate::reply::Received;

/// A call, as far as it is read.
#[derive(Debug, Deserialize)]
struct Call {
    #[serde(rename = "type")]
    kind: Option<String>,
    get_metrics: Option<Value>,
    teardown: Option<Teardown>,
    mark_agent_gone: Option<MarkAgentGone>,
}

#[derive(Debug, Deserialize)]
struct MarkAgentGone {
    agent_id: AgentID,
}

#[derive(Debug, Deserialize)]
struct Teardown {
    framework_id: FrameworkID,
}

/// Calls of Mesos that this master knows by name and does not do.
const NOT_SUPPORTED: &[&str] = &[
    "ACTIVATE_AGENT",
    "CREATE_VOLUMES",
    "DEACTIVATE_AGENT",
    "DESTROY_VOLUMES",
    "DRAIN_AGENT",
    "GROW_VOLUME",
    "LIST_FILES",
    "REACTIVATE_AGENT",
    "READ_FILE",
    "REMOVE_QUOTA",
    "RESERVE_RESOURCES",
    "SET_LOGGING_LEVEL",
    "SET_QUOTA",
    "SHRINK_VOLUME",
    "START_MAINTENANCE",
    "STOP_MAINTENANCE",
    "SUBSCRIBE",
    "UNRESERVE_RESOURCES",
    "UPDATE_MAINTENANCE_SCHEDULE",
    "UPDATE_QUOTA",
    "UPDATE_WEIGHTS",
];

pub(super) fn answer(server: &Server, received: &Received) -> Response<Body> {
    handle(server, received).unwrap_or_else(|refused| *refused)
}

fn handle(server: &Server, received: &Received) -> Result<Response<Body>, Refused> {
    let call: Call = read(received)?;
    require_json_accepted(received)?;
    let missing =
        |field: &str| bad_request(&format!("Failed to validate master::Call: Expecting '{field}' to be present"));
    let Some(kind) = call.kind.as_deref() else { return Err(missing("type")) };
    let body = match kind {
        "GET_HEALTH" => json!({ "healthy": true }),
        "GET_FLAGS" => {
            let flags = server.flags().iter().map(|(name, value)| json!({ "name": name, "value": value }));
            json!({ "flags": flags.collect::<Vec<_>>() })
        }
        "GET_VERSION" => json!({ "version_info": { "version": VERSION } }),
        "GET_METRICS" => {
            if call.get_metrics.is_none() {
                return Err(missing("get_metrics"));
            }
            let metrics = server.read(metrics::snapshot);
            let shown = metrics.into_iter().map(|(name, value)| json!({ "name": name, "value": value }));
            json!({ "metrics": shown.collect::<Vec<_>>() })
        }
        "GET_LOGGING_LEVEL" => json!({ "level": 0 }),
        "GET_STATE" => server.read(whole),
        "GET_AGENTS" => server.read(|core, _| agents(core)),
        "GET_FRAMEWORKS" => server.read(frameworks),
        "GET_EXECUTORS" => server.read(|core, _| executors(core)),
        "GET_TASKS" => server.read(|core, _| tasks(core)),
        "GET_ROLES" => server.read(|core, _| roles(core)),
        "GET_MASTER" => server.read(|core, _| {
            let started = seconds(core.started);
            json!({ "master_info": core.settings.info, "start_time": started, "elected_time": started })
        }),
        "GET_OPERATIONS" | "GET_WEIGHTS" => json!({}),
        "GET_MAINTENANCE_STATUS" | "GET_QUOTA" => json!({ "status": {} }),
        "GET_MAINTENANCE_SCHEDULE" => json!({ "schedule": {} }),
        "TEARDOWN" => return end_framework(server, &call.teardown.ok_or_else(|| missing("teardown"))?.framework_id),
        "MARK_AGENT_GONE" => {
            let agent_id = call.mark_agent_gone.ok_or_else(|| missing("mark_agent_gone"))?.agent_id;
            let status = if server.mark_gone(&agent_id) { StatusCode::OK } else { StatusCode::NOT_FOUND };
            return Ok(empty(status));
        }
        known if NOT_SUPPORTED.contains(&known) => {
            return Err(Box::new(text(
                StatusCode::NOT_IMPLEMENTED,
                &format!("{known} is not supported by this master"),
            )));
        }
        _ => return Err(missing("type")),
    };
    let field = kind.to_lowercase();
    let shown = if kind == "GET_WEIGHTS" { json!({ "type": kind }) } else { json!({ "type": kind, field: body }) };
    Ok(reply::json(&shown, ""))
}

/// `POST /teardown` with the form `frameworkId=…`.
pub(super) fn teardown(server: &Server, received: &Received) -> Response<Body> {
    if let Err(refused) = require_post(received) {
        return *refused;
    }
    let form = String::from_utf8_lossy(&received.body);
    let Some(id) = parameter(&form, "frameworkId") else {
        return text(StatusCode::BAD_REQUEST, "Missing 'frameworkId' query parameter in the request body");
    };
    end_framework(server, &id.into()).unwrap_or_else(|refused| *refused)
}

fn end_framework(server: &Server, framework_id: &FrameworkID) -> Result<Response<Body>, Refused> {
    if server.teardown(framework_id) {
        return Ok(empty(StatusCode::OK));
    }
    Err(bad_request("No framework found with specified ID"))
}

fn whole(core: &Core, now: Now) -> Value {
    json!({
        "get_tasks": tasks(core), "get_executors": executors(core), "get_frameworks": frameworks(core, now),
        "get_agents": agents(core),
    })
}

fn time(at: Now) -> TimeInfo {
    TimeInfo { nanoseconds: i64::try_from(at.as_nanos()).unwrap_or(i64::MAX) }
}

fn agents(core: &Core) -> Value {
    let agents: Vec<_> = core.agents.values().map(agent).collect();
    json!({ "agents": agents, "recovered_agents": [] })
}

fn agent(agent: &Agent) -> Value {
    let mut shown = json!({
        "agent_info": agent.info, "active": agent.link().is_some(), "deactivated": false, "version": agent.version,
        "pid": agent.pid(), "registered_time": time(agent.registered),
        "total_resources": agent.total.to_endpoint(), "allocated_resources": agent.used.to_endpoint(),
        "offered_resources": agent.offered.to_endpoint(), "capabilities": agent.capabilities,
    });
    if let Some(at) = agent.reregistered {
        shown["reregistered_time"] = json!(time(at));
    }
    shown
}

fn frameworks(core: &Core, _: Now) -> Value {
    let shown: Vec<_> = core.frameworks.values().map(|of| framework(core, of)).collect();
    let completed: Vec<_> = core.completed.iter().map(|of| framework(core, of)).collect();
    json!({ "frameworks": shown, "completed_frameworks": completed })
}

fn framework(core: &Core, of: &Framework) -> Value {
    let connected = of.stream().is_some();
    let offers: Vec<_> = core.offers.values().filter(|open| open.offer.framework_id == *of.id()).collect();
    let mut offered = Resources::new();
    offers.iter().for_each(|open| offered.add(&open.resources));
    let mut allocated = of.task_resources();
    for agent in core.agents.values() {
        for (_, info) in agent.executors.iter().filter(|((id, _), _)| id == of.id()) {
            allocated.add(&Resources::from(&info.resources));
        }
    }
    let mut shown = json!({
        "framework_info": of.info, "active": connected, "connected": connected,
        "recovered": of.connection == Connection::Recovered, "registered_time": time(of.registered),
        "reregistered_time": time(of.reregistered.unwrap_or(of.registered)),
        "offers": offers.iter().map(|open| &open.offer).collect::<Vec<_>>(),
        "allocated_resources": allocated.to_endpoint(), "offered_resources": offered.to_endpoint(),
    });
    if let Connection::Completed { at } = of.connection {
        shown["unregistered_time"] = json!(time(at));
    }
    shown
}

fn executors(core: &Core) -> Value {
    let of_agents = core.agents.iter().flat_map(|(agent_id, agent)| {
        agent.executors.values().map(move |info| json!({ "executor_info": info, "agent_id": agent_id }))
    });
    json!({ "executors": of_agents.collect::<Vec<_>>() })
}

fn tasks(core: &Core) -> Value {
    let all = || core.frameworks.values().chain(&core.completed);
    let live: Vec<&Task> = all().flat_map(|of| of.tasks.values().map(|live| &live.task)).collect();
    let unreachable: Vec<&Task> = all().flat_map(|of| of.unreachable_tasks.values()).collect();
    let completed: Vec<&Task> = all().flat_map(|of| &of.completed_tasks).collect();
    json!({ "tasks": live, "unreachable_tasks": unreachable, "completed_tasks": completed })
}

fn roles(core: &Core) -> Value {
    let role = |name: String| {
        let frameworks = core.frameworks.iter().filter(|(_, of)| of.info.subscribed_roles().contains(&name.as_str()));
        let mut resources = Resources::new();
        for agent in core.agents.values() {
            resources.add(&agent.used.of_allocation(&name).unallocated());
            resources.add(&agent.offered.of_allocation(&name).unallocated());
        }
        json!({
            "name": name, "weight": 1.0, "frameworks": frameworks.map(|(id, _)| id).collect::<Vec<_>>(),
            "resources": resources.to_vec(),
        })
    };
    json!({ "roles": state::role_names(core).into_iter().map(role).collect::<Vec<_>>() })
}
