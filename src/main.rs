//! One executable, three faces: `k8sm`, the operator's command; `km`, any of the servers; `kubecfg`, the old client.
//!
//! The face is chosen by the name the executable was called by, or by its first word.

mod cli;
mod client;
mod cluster;
mod failure;
mod km;
mod output;
mod shell;

use std::path::Path;
use std::process::ExitCode;

use failure::Failure;

/// Which of the three commands the executable is this time, with the words that are left for it.
#[derive(Debug, PartialEq, Eq)]
enum Face {
    /// The operator's command.
    K8sm(Vec<String>),
    /// A server, named by the first of the words that are left.
    Km(Vec<String>),
    /// The client of the v0.5 documents.
    Kubecfg,
}

impl Face {
    /// Reads the face from the whole command line, the program's own name first.
    fn of(line: Vec<String>) -> Self {
        let mut words = line.into_iter();
        let program = words.next().unwrap_or_default();
        let name = Path::new(&program).file_name().and_then(|name| name.to_str()).unwrap_or("k8sm").to_owned();
        let words: Vec<String> = words.collect();
        if name == "km" {
            return Self::Km(words);
        }
        if name == "kubecfg" {
            return Self::Kubecfg;
        }
        if km::is_server(&name) {
            return Self::Km(std::iter::once(name).chain(words).collect());
        }
        match words.first().map(String::as_str) {
            Some("km") => Self::Km(words[1..].to_vec()),
            Some("kubecfg") => Self::Kubecfg,
            _ => Self::K8sm(words),
        }
    }
}

fn main() -> ExitCode {
    let line: Result<Vec<String>, _> = std::env::args_os().map(std::ffi::OsString::into_string).collect();
    let line = match line {
        Ok(line) => line,
        Err(word) => return Failure::usage(format!("the word {word:?} is not UTF-8")).report(false),
    };
    match Face::of(line) {
        Face::K8sm(words) => cli::main(words),
        Face::Km(words) => km::main(words),
        Face::Kubecfg => Failure::usage("kubecfg is not served by this version")
            .hint("`k8sm get`, `k8sm create` and `k8sm delete` do the same on today's API")
            .report(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(line: &str) -> Face {
        Face::of(line.split_whitespace().map(str::to_owned).collect())
    }

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_program_s_name_chooses_the_face() {
        assert_eq!(face("/usr/local/bin/k8sm up"), Face::K8sm(words("up")));
        assert_eq!(face("/km pause"), Face::Km(words("pause")));
        assert_eq!(face("./kubecfg list pods"), Face::Kubecfg);
        assert_eq!(face("anything get pods"), Face::K8sm(words("get pods")));
    }

    #[test]
    fn a_link_named_as_a_server_runs_it() {
        assert_eq!(face("/opt/scheduler --v=2"), Face::Km(words("scheduler --v=2")));
    }

    #[test]
    fn the_first_word_chooses_the_face() {
        assert_eq!(face("k8sm km apiserver --v=2"), Face::Km(words("apiserver --v=2")));
        assert_eq!(face("k8sm kubecfg"), Face::Kubecfg);
        assert_eq!(face("k8sm"), Face::K8sm(vec![]));
    }
}
