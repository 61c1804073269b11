//! The Mesos framework: pods to offers.
