//! The API server against a real etcd, over TLS as clients meet it.

mod access;
mod authorization;
mod crud;
mod harness;
mod kubectl;
mod lists;
mod protobuf;
mod refusals;
mod restart;
mod watches;
