//! What the kubectl-like commands print.
