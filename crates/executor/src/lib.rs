//! The node: the minion, pods to Docker, and the kubelet's own HTTP API.
