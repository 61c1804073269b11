//! Cluster DNS: kube2sky writes records of services, skydns answers.
//!
//! From a service to an answer: [`follow`] watches, [`services`] makes records, [`store`] carries them through the pod's own
//! etcd (or nothing does, in one process), [`zone`] keeps them, [`answer`] answers, [`forward`] asks others for the rest.

pub mod answer;
pub mod cache;
pub mod follow;
pub mod forward;
pub mod kube2sky;
mod kubernetes;
mod ready;
pub mod record;
pub mod server;
pub mod services;
pub mod skydns;
pub mod store;
pub mod zone;
