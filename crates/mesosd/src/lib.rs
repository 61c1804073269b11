//! The built-in Mesos master and agent. Speaks only Mesos; starts an executor only from its ExecutorInfo.

pub mod agent;
pub mod link;
mod listen;
pub mod master;
mod reply;
