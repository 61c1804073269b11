//! The Kubernetes API over etcd. The only room that talks to etcd.
