//! The kubectl-like commands' way to the API server.
