//! The API server against a real etcd, over TLS as clients meet it.

mod access;
mod admission;
mod authorization;
mod crud;
mod harness;
mod keys;
mod kubectl;
mod linearizable;
mod lists;
mod protobuf;
mod quota;
mod refusals;
mod restart;
mod storage;
mod watches;
