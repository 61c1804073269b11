//! Labels: pairs of texts that Mesos carries and does not read.

use crate::message::message;

message! {
    /// Labels of a task, executor or framework.
    pub struct Labels {
        labels* Label,
    }

    /// One label.
    pub struct Label {
        key! String,
        value? String,
    }

    /// One parameter of a URL or of a container.
    pub struct Parameter {
        key! String,
        value! String,
    }

    /// Parameters of a volume's driver.
    pub struct Parameters {
        parameter* Parameter,
    }
}
