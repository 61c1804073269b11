//! The node: the minion, pods to Docker, and the kubelet's own HTTP API.
//!
//! [`minion`] is the Mesos executor: small, it holds the subscription and supervises [`kubelet`], the process that turns
//! pods into containers. What every pod's sandbox runs is in the crate `sandbox`. A pod's life: [`manager`] gives every pod a
//! [`pod_worker`], which looks at Docker ([`observed`]), asks [`plan`] what to do next, does it through [`runtime`], and
//! tells the API server ([`status`]) and the minion ([`channel`]) what became of it.

pub mod admission;
pub mod backoff;
pub mod binding;
pub mod channel;
pub mod context;
pub mod env;
pub mod events;
pub mod files;
pub mod flags;
pub mod gate;
pub mod handler;
pub mod health;
pub mod host_ports;
pub mod kubelet;
pub mod left_out;
pub mod logs;
pub mod manager;
mod meminfo;
pub mod minion;
pub mod node;
pub mod objects;
pub mod observed;
pub mod placement;
pub mod plan;
pub mod pod;
pub mod pod_worker;
pub mod pull_secrets;
pub mod runtime;
pub mod security;
pub mod server;
pub mod services;
pub mod status;
pub mod storage;
pub mod streaming;
pub mod termination;
pub mod version;
pub mod volumes;
