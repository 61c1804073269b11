//! Master and agent together, as processes on free ports, driven by the scheduler's client and a tiny executor.

mod agent_restart;
mod endpoints;
mod harness;
mod life;
mod master_restart;
mod takeover;
