//! The Mesos v1 HTTP API: types, RecordIO, scheduler, executor and operator clients. Knows nothing of Kubernetes.
