//! Control loops over the Kubernetes API alone.
//!
//! Every controller is a file: its `start` registers listeners with the shared stores (`store`, `context`) and returns the
//! future that works its queue (`queue`); what it decides is a pure function beside it.

pub mod accounts;
pub mod answer;
mod client;
pub mod context;
pub mod election;
pub mod endpoints;
pub mod events;
pub mod flags;
pub mod garbage;
pub mod namespaces;
pub mod nodes;
pub mod pod;
pub mod pods_gc;
pub mod queue;
pub mod quota;
pub mod replication;
mod run;
pub mod service;
pub mod slices;
pub mod store;
pub mod taints;
pub mod tokens;

pub use run::{run, serve};
