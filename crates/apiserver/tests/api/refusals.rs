//! What a real kube-apiserver said to bad input, and what we say.
