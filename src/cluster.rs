//! A cluster on Docker: the plan, carrying it out, and taking it away again (docs/architecture.md).
