//! What a task says of itself to those who look for services.

use crate::label::Labels;
use crate::message::{enumeration, message};

enumeration! {
    /// Who may see it.
    pub enum Visibility {
        Framework = "FRAMEWORK", Cluster = "CLUSTER", External = "EXTERNAL",
    }
}

message! {
    /// A service's description, stored and shown.
    pub struct DiscoveryInfo {
        visibility! Visibility,
        name? String,
        environment? String,
        location? String,
        version? String,
        ports? Ports,
        labels? Labels,
    }

    /// A service's ports.
    pub struct Ports {
        ports* Port,
    }

    /// One port.
    pub struct Port {
        number! u32,
        name? String,
        protocol? String,
        visibility? Visibility,
        labels? Labels,
    }
}
