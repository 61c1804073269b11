//! Control loops, each over the Kubernetes API alone.
