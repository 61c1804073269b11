//! Flags of every age of the documents: `-x` and `--x`, `_` and `-` are equal, and flags that have no effect
//! here are accepted and said so, once, by name (reference/k8sm-behaviour.md, section 0).

use std::sync::Mutex;

use clap::Parser;

/// Flags of glog that every server of the original took; they have no effect on ours.
const GLOG: &[&str] = &[
    "vmodule",
    "logtostderr",
    "alsologtostderr",
    "stderrthreshold",
    "log-backtrace-at",
    "log-dir",
    "log-flush-frequency",
];

/// Flags without effect that were met and not said yet: what is parsed says how much is logged, so there is no log before.
static UNSAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Parses `args` (without the program's name) into `T`.
///
/// `ignored` names flags (with `-`, without leading dashes) that documents use and that mean nothing here: each one met
/// is dropped, with its value if that stands in a word of its own, and logged once, when `log::init` has set up the log.
///
/// # Errors
/// What clap says of the line, ready to be shown; help and version come as errors too, as clap does.
pub fn parse<T: Parser>(server: &str, args: Vec<String>, ignored: &[&str]) -> Result<T, clap::Error> {
    let command = T::command().bin_name(format!("km {server}")).no_binary_name(true);
    let (kept, dropped) = sift(args, ignored);
    let matches = command.try_get_matches_from(kept)?;
    unsaid().extend(dropped);
    T::from_arg_matches(&matches)
}

fn unsaid() -> std::sync::MutexGuard<'static, Vec<String>> {
    // A list of names is whole whoever panicked while holding it.
    UNSAID.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Logs which flags have no effect, each once.
pub(crate) fn say_what_has_no_effect() {
    for flag in std::mem::take(&mut *unsaid()) {
        tracing::warn!("flag --{flag} is accepted but has no effect here");
    }
}

/// Separates what is meant for clap, in its modern spelling, from the names of ignored flags.
fn sift(args: Vec<String>, ignored: &[&str]) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut dropped) = (Vec::with_capacity(args.len()), Vec::new());
    let mut args = args.into_iter().map(|arg| modern(&arg)).peekable();
    while let Some(arg) = args.next() {
        if arg == "--" {
            kept.push(arg);
            kept.extend(args);
            break;
        }
        let name = arg.strip_prefix("--").map(|flag| flag.split('=').next().unwrap_or(flag));
        match name {
            Some(name) if ignored.contains(&name) || GLOG.contains(&name) => {
                if !dropped.iter().any(|seen| seen == name) {
                    dropped.push(name.to_owned());
                }
                if !arg.contains('=') && args.peek().is_some_and(|next| !next.starts_with('-')) {
                    args.next();
                }
            }
            _ => kept.push(arg),
        }
    }
    (kept, dropped)
}

/// `-mesos_master=h:5050` as `--mesos-master=h:5050`; words that are no flags stay as they are.
fn modern(arg: &str) -> String {
    let Some(flag) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) else { return arg.to_owned() };
    if flag.is_empty() || flag.starts_with(|c: char| c.is_ascii_digit()) {
        return arg.to_owned();
    }
    if flag.len() == 1 && flag != "v" {
        return arg.to_owned();
    }
    match flag.split_once('=') {
        Some((name, value)) => format!("--{}={value}", name.replace('_', "-")),
        None => format!("--{}", flag.replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[arg(long)]
        mesos_master: String,
        #[arg(long, default_value_t = 0)]
        v: u8,
    }

    fn parse_line(line: &str) -> Result<Flags, clap::Error> {
        parse("test", line.split_whitespace().map(str::to_owned).collect(), &["cloud-config"])
    }

    #[test]
    fn all_ages_are_one_flag() {
        for line in ["-mesos_master=h:5050 -v=2", "--mesos_master=h:5050 --v 2", "--mesos-master h:5050 --v=2"] {
            let flags = parse_line(line).unwrap();
            assert_eq!((flags.mesos_master.as_str(), flags.v), ("h:5050", 2), "{line}");
        }
    }

    #[test]
    fn flags_without_effect_are_dropped_with_their_value() {
        let flags = parse_line("--cloud-config mesos.conf --logtostderr --mesos-master=h:1").unwrap();
        assert_eq!(flags.mesos_master, "h:1");
    }

    #[test]
    fn flags_without_effect_are_said_once_when_there_is_a_log() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let writer = log.reopen().unwrap();
        parse_line("--cloud-config=mesos.conf --cloud_config=other --mesos-master=h:1").unwrap();
        let subscriber = tracing_subscriber::fmt().with_writer(Mutex::new(writer)).with_ansi(false).finish();
        tracing::subscriber::with_default(subscriber, || {
            say_what_has_no_effect();
            say_what_has_no_effect();
        });
        let said = std::fs::read_to_string(log.path()).unwrap();
        assert_eq!(said.matches("flag --cloud-config is accepted but has no effect here").count(), 1, "{said}");
    }

    #[test]
    fn an_unknown_flag_is_refused_by_name() {
        let refusal = parse_line("--mesos-master=h:1 --no-such=1").err().unwrap().to_string();
        assert!(refusal.contains("--no-such"), "{refusal}");
    }
}
