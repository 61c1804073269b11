//! Whole clusters on Docker, as a user brings them up: each test its own cluster, by name, kubeconfig and network.
//!
//! One binary, so that one link is paid for. A test fails, and says what to install, where Docker, kubectl or an image
//! is missing. Waiting is on states and bounded ([`harness::wait_for`]); a cluster goes when its test ends, however it
//! ends.

#![allow(clippy::print_stderr, reason = "a failing test tells what the components said last")]

mod access;
mod bad_input;
mod client;
mod controllers;
mod dns;
mod environment;
mod everyday;
mod faults;
mod harness;
mod isolation;
mod lifetime;
mod pods;
mod services;
mod sessions;
mod up_and_down;
