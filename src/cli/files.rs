//! The manifests that a command is given with `-f`, in place of words that name objects.

use std::path::Path;

use clap::Args;

use crate::client::manifest::{self, Document};
use crate::client::target::{self, Target};
use crate::failure::Failure;

/// Which manifests, if any.
#[derive(Debug, Clone, Args)]
pub(super) struct Files {
    /// A file or directory of JSON or YAML, several documents allowed; - is stdin
    #[arg(id = "files", short = 'f', long = "filename", value_name = "FILE")]
    paths: Vec<String>,
    /// Directories with all directories below them
    #[arg(short = 'R', long, requires = "files")]
    recursive: bool,
}

impl Files {
    /// Whether there are any.
    pub(super) fn given(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Whether it is one file, which kubectl takes for one object where it holds but one; stdin and directories are lists to it.
    pub(super) fn is_one(&self) -> bool {
        matches!(self.paths.as_slice(), [path] if path != "-" && !Path::new(path).is_dir())
    }

    /// All documents of them.
    ///
    /// # Errors
    /// A file that cannot be read, or a document that is no object of a known kind.
    pub(super) fn documents(&self) -> Result<Vec<Document>, Failure> {
        manifest::read(&self.paths, self.recursive)
    }

    /// The objects that the manifests name, where there are any, else those that `words` name. `asked` is the `--namespace`.
    ///
    /// # Errors
    /// Words or documents that name none.
    pub(super) fn targets_or(&self, words: &[String], asked: Option<&str>) -> Result<Vec<Target>, Failure> {
        if self.given() { target::of(&self.documents()?, asked) } else { target::parse(words) }
    }
}
