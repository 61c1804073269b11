//! What a real kube-apiserver (1.20.2) said, against what this room makes of the same requests. Each exception stands
//! in the test with its reason, most often that Kubernetes 1.33 differs.

mod defaults;
mod record;
mod refusals;
mod tables;
mod upstream;
