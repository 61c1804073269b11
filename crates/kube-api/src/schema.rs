//! The fields of each kind: types, required fields, merge keys.
