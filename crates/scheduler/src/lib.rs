//! The Mesos framework: pods to offers.
//!
//! `core` decides where pods go and `machine` what happens next; both are free of IO and hold all the rules. `run` wires them
//! to the API server (`cluster`) and to the Mesos master (`framework`).

pub mod address;
pub mod annotations;
pub mod backoff;
pub mod cluster;
pub mod core;
pub mod effect;
pub mod executor_info;
pub mod flags;
pub mod framework;
pub mod http;
pub mod launch;
pub mod machine;
pub mod metrics;
pub mod node;
pub mod offers;
pub mod reconcile;
mod run;
pub mod service;
pub mod verdict;

pub use run::{run, serve};
