//! What a real kube-apiserver said, kept as text: a command or request with what came of it, and where this server says something
//! else, that and why.
//!
//! ```text
//! $ kubectl get pod nope
//! Error from server (NotFound): pods "nope" not found
//! [1]
//! $ kubectl auth whoami
//! error: what Kubernetes 1.20 said
//! [1]
//! --- 1.28 has this review
//! what is to be said here
//! ```

use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// What a command answered: its output and exit code, as the transcript shows them.
pub(crate) type Said = String;

/// One command of a transcript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    command: String,
    /// The real server's answer.
    theirs: Said,
    /// What is to be answered here, with the reason, where that is not the same.
    ours: Option<(String, Said)>,
}

impl Entry {
    /// What is to be answered here.
    fn expected(&self) -> &str {
        self.ours.as_ref().map_or(&self.theirs, |(_, said)| said)
    }
}

/// Writes down what the real server said; what is said here, and why, is kept.
pub(crate) fn record(golden: &Path, said: Vec<(String, Said)>) {
    let mut old = read(golden).into_iter().peekable();
    let mut entries = Vec::new();
    for (command, theirs) in said {
        let ours = old.next_if(|entry| entry.command == command).and_then(|entry| entry.ours);
        entries.push(Entry { command, theirs, ours });
    }
    std::fs::write(golden, print(&entries)).unwrap();
}

/// What this server said and should not have. An exception that is none any more is wrong as well.
pub(crate) fn compare(golden: &Path, said: Vec<(String, Said)>) -> Vec<String> {
    let mut entries = read(golden);
    let name = golden.display();
    let commands: Vec<&str> = said.iter().map(|(command, _)| command.as_str()).collect();
    let known: Vec<&str> = entries.iter().map(|entry| entry.command.as_str()).collect();
    assert_eq!(commands, known, "{name} is not of its script: record it anew");
    let mut wrong = Vec::new();
    for (entry, (command, said)) in entries.iter_mut().zip(said) {
        let expected = entry.expected();
        let stale = entry.ours.as_ref().is_some_and(|(reason, _)| reason == "?" || said == entry.theirs);
        if said != expected || stale {
            wrong.push(format!("$ {command}\n{said}--- but {name} has\n{expected}"));
            let reason = entry.ours.take().map_or("?".to_owned(), |(reason, _)| reason);
            entry.ours = (said != entry.theirs).then_some((reason, said));
        }
    }
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(golden, print(&entries)).unwrap();
    }
    wrong
}

fn read(golden: &Path) -> Vec<Entry> {
    std::fs::read_to_string(golden).map(|text| parse(&text)).unwrap_or_default()
}

/// The entries of a transcript.
fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            entries.push(Entry { command: command.to_owned(), ..Entry::default() });
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        if let Some(reason) = line.strip_prefix("--- ") {
            entry.ours = Some((reason.to_owned(), String::new()));
            continue;
        }
        let said = entry.ours.as_mut().map_or(&mut entry.theirs, |(_, said)| said);
        said.push_str(line);
        said.push('\n');
    }
    entries
}

/// The transcript as text.
fn print(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        write!(text, "$ {}\n{}", entry.command, entry.theirs).expect("a string grows");
        if let Some((reason, said)) = &entry.ours {
            write!(text, "--- {reason}\n{said}").expect("a string grows");
        }
    }
    text
}

/// What differs from run to run, and what stands for it in a transcript.
const VARYING: &[(&str, &str)] = &[
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000", "TIME"),
    (r"[IWE]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "LOG "),
    (r"\b\d+(m\d+)?s( ago)?\b", "AGE"),
    (r"\b\d+y\d*d?\b", "AGE"),
    (r#"(?i)(resource ?version[\\"]*: *[\\"]*)\d+"#, "${1}VERSION"),
    (r"(current: )\d+", "${1}VERSION"),
    // a whole object, with fields of its version of Kubernetes
    (r#"(Invalid value: )[\\]*"\{.*\}[\\]*": "#, "${1}OBJECT: "),
    (r"eyJ[\w.-]{20,}", "TOKEN"),
    (r"(node-debugger-n1-)\w{5}", "${1}RANDOM"),
    (r#"("serverAddress":")[^"]*"#, "${1}ADDRESS"),
    (r"10\.10\.10\.\d+", "ADDRESS"),
    (r"\b3[0-2]\d{3}\b", "NODEPORT"),
    (r"/tmp/[\w./-]+", "FILE"),
    (r"\w+\.go:\d+", "GO"),
    // the width of a column depends on what stood in it
    (r"(\S) {2,}", "$1   "),
    (r"^ {5,}", "     "),
    (r"-{4,}", "----"),
    (r" +$", ""),
];

/// A command's output and exit code without what differs from run to run.
pub(crate) fn told(output: &str, code: Option<i32>, server: &str) -> Said {
    let mut text = leveled(&output.replace(server, "SERVER"));
    match code {
        Some(0) => {}
        Some(code) => writeln!(text, "[{code}]").expect("a string grows"),
        None => text.push_str("[killed]\n"),
    }
    text
}

/// A text without what differs from run to run.
pub(crate) fn leveled(output: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> =
        LazyLock::new(|| VARYING.iter().map(|(rule, stand_in)| (Regex::new(rule).unwrap(), *stand_in)).collect());
    let mut text = String::new();
    for line in output.lines() {
        let line = RULES
            .iter()
            .fold(line.to_owned(), |line, (rule, stand_in)| rule.replace_all(&line, *stand_in).into_owned());
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_is_what_it_says() {
        let text = "$ a\none\n\ntwo\n[1]\n--- newer\nthree\n$ b\n";
        let entries = parse(text);
        assert_eq!((entries.len(), entries[0].expected(), entries[1].expected()), (2, "three\n", ""));
        assert_eq!(entries[0].theirs, "one\n\ntwo\n[1]\n");
        assert_eq!(print(&entries), text);
    }

    #[test]
    fn what_varies_is_left_out() {
        let said = told("p      0/1   12s\nat https://h:1/x 2020-01-02T03:04:05Z  \n", Some(1), "https://h:1");
        assert_eq!(said, "p   0/1   AGE\nat SERVER/x TIME\n[1]\n");
    }
}
