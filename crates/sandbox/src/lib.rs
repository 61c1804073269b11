//! A pod's sandbox: what runs in it, and the way to sockets of its network namespace; and what runs first in a container whose
//! mounts want a second look.
//!
//! The executor and the proxy both work in pods' namespaces, and neither enters them: they ask the sandbox for a socket.

pub mod client;
pub mod gate;
pub mod pause;
