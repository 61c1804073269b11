//! What a Kubernetes object is: kinds, schemas, defaults, validation, selectors, quantities, printing columns. No IO.
