//! `k8sm completions SHELL`: what a shell needs to complete our words. The results are kept in `completions/`.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Line;
use crate::failure::Failure;
use crate::shell;

/// Print a shell's completions of this command
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  source <(k8sm completions bash)                    for this shell\n  \
                        k8sm completions zsh > \"${fpath[1]}/_k8sm\"       for every zsh from now on\n  \
                        k8sm completions fish | source")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    /// Write the file that the shell looks for into this directory instead
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let text = generate(self.shell);
        let Some(directory) = &self.directory else { return shell::data(&text) };
        let file = directory.join(file_name(self.shell));
        std::fs::write(&file, text)
            .map_err(|error| Failure::environment(format!("write {}", file.display())).because(error))
    }
}

/// The completions' text, the same for the same commands on every machine.
fn generate(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "k8sm", &mut bytes);
    String::from_utf8(bytes).expect("completions are UTF-8")
}

/// The name under which the shell looks for them.
fn file_name(shell: Shell) -> PathBuf {
    use clap_complete::Generator;
    Path::new(&shell.file_name("k8sm")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn the_kept_completions_are_those_of_today_s_commands() {
        for &shell in Shell::value_variants() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file_name(shell));
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(kept == generate(shell), "{} is not of today; run `make completions`", file.display());
        }
    }
}
