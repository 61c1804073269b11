//! SPDY/3.1, as far as Kubernetes uses it: streams that the client opens, with headers, half-closed by either side.
//!
//! Flow control is not kept. The library on the other end of every kubectl (moby/spdystream) neither counts windows nor
//! ever sends a WINDOW_UPDATE, so whoever waits for one stalls after 64 KiB. What bounds memory instead: a stream holds
//! [`connection::QUEUE`] chunks, and then the connection is not read until its consumer has caught up.

pub mod connection;
pub mod frame;
pub mod header;
