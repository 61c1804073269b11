//! The node against a real Docker engine, with an API server and a minion that the tests play themselves.
//!
//! Needs an engine at /var/run/docker.sock, and `apt-get` to download busybox-static, of which the image of the pods is
//! made. Each test has a cluster, a network and containers of its own (`e-…`), which go when it ends.

mod api;
mod docker;
mod harness;
mod health;

mod adoption;
mod life;
mod limits;
mod minion;
mod others;
mod registry;
mod trouble;
