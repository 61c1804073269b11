//! The API server against a real etcd, over TLS as clients meet it.

mod access;
mod admission;
mod authorization;
mod clients;
mod commands;
mod conformance;
mod crud;
mod harness;
mod headers;
mod hostile;
mod keys;
mod kubectl;
mod linearizable;
mod lists;
mod managed;
mod namespaces;
mod people;
mod protobuf;
mod proxy;
mod quota;
mod replay;
mod restart;
mod rules;
mod storage;
mod transcript;
mod watches;
