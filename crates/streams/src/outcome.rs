//! How a command ended, as its error channel says it: the `Status` that kubelets write and kubectl reads.

use serde_json::{Value, json};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With exit code 0, or detached from.
    Success,
    /// With another exit code.
    Exit {
        /// The code.
        code: i64,
        /// What is said of it.
        message: String,
    },
    /// It was not started, or lost.
    Failed(String),
}

impl Outcome {
    /// The end of `command` with `code`, in the kubelet's words.
    #[must_use]
    pub fn exit(command: &[String], code: i64) -> Self {
        if code == 0 {
            return Self::Success;
        }
        let command = command.join(" ");
        let message = format!(
            "command terminated with non-zero exit code: error executing command [{command}], exit code {code}"
        );
        Self::Exit { code, message }
    }

    /// What went wrong, for clients that know no `Status`; nothing where all went well.
    #[must_use]
    pub fn words(&self) -> Option<Vec<u8>> {
        match self {
            Self::Success => None,
            Self::Exit { message, .. } => Some(message.clone().into_bytes()),
            Self::Failed(why) => Some(why.clone().into_bytes()),
        }
    }

    /// The `Status`, as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let status = match self {
            Self::Success => json!({"metadata": {}, "status": "Success"}),
            Self::Exit { code, message } => json!({
                "metadata": {}, "status": "Failure", "message": message, "reason": "NonZeroExitCode",
                "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
            }),
            Self::Failed(why) => json!({
                "metadata": {}, "status": "Failure", "message": format!("Internal error occurred: {why}"),
                "reason": "InternalError", "details": {"causes": [{"message": why}]}, "code": 500,
            }),
        };
        status.to_string().into_bytes()
    }

    /// What a `Status` says. What is none is a failure in its own words.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let status: Value = serde_json::from_slice(bytes).unwrap_or_default();
        if status["status"] == "Success" {
            return Self::Success;
        }
        let message = match status["message"].as_str() {
            Some(message) => message.to_owned(),
            None => String::from_utf8_lossy(bytes).trim().to_owned(),
        };
        let causes = status["details"]["causes"].as_array().into_iter().flatten();
        let code = causes.filter(|cause| cause["reason"] == "ExitCode").find_map(|cause| cause["message"].as_str());
        match code.and_then(|code| code.parse().ok()).filter(|_| status["reason"] == "NonZeroExitCode") {
            Some(code) => Self::Exit { code, message },
            None => Self::Failed(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_said_as_the_kubelet_says_them() {
        assert_eq!(Outcome::exit(&[], 0).to_json(), br#"{"metadata":{},"status":"Success"}"#);
        let exit = Outcome::exit(&["sh".into(), "-c".into(), "exit 3".into()], 3);
        let expected = json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": "command terminated with non-zero exit code: error executing command [sh -c exit 3], exit code 3",
            "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}});
        assert_eq!(serde_json::from_slice::<Value>(&exit.to_json()).unwrap(), expected);
        assert_eq!(Outcome::parse(&exit.to_json()), exit);
    }

    #[test]
    fn what_is_no_status_is_a_failure() {
        let failed = Outcome::Failed("error executing command in container: gone".into());
        let told = Outcome::parse(&failed.to_json());
        assert_eq!(told, Outcome::Failed("Internal error occurred: error executing command in container: gone".into()));
        assert_eq!(Outcome::parse(b"oh no\n"), Outcome::Failed("oh no".into()));
        assert_eq!(Outcome::parse(b""), Outcome::Failed(String::new()));
    }
}
