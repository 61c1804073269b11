//! Where the data of a config map or secret comes from: the command line, files, directories and env files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::Args;
use kube_api::validate::names;

use crate::failure::Failure;

/// The most that is read of one file: more than an object may hold.
const FILE_BYTES: u64 = 4 << 20;

/// Data by its keys.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

/// Where data comes from.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// A key and its value; several times
    #[arg(long, value_name = "KEY=VALUE")]
    from_literal: Vec<String>,
    /// A file, whose name is the key where none is said, or a directory for all files in it; several times
    #[arg(long, value_name = "[KEY=]FILE")]
    from_file: Vec<String>,
    /// A file of lines KEY=VALUE; KEY alone has the value of this environment
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from_literal", "from_file"])]
    from_env_file: Vec<String>,
}

impl Sources {
    /// All that the sources hold. `kind` is that of the object, for refusals.
    ///
    /// # Errors
    /// A source that is none, a file that cannot be read, a key that is none or is there twice.
    pub(super) fn data(&self, kind: &str) -> Result<Data, Failure> {
        let mut pairs = Vec::new();
        for file in &self.from_file {
            pairs.extend(of_file(file)?);
        }
        for text in &self.from_literal {
            pairs.push(of_literal(text)?);
        }
        for file in &self.from_env_file {
            let text = String::from_utf8(read(Path::new(file))?)
                .map_err(|_| Failure::failed(format!("read {file}: it is not UTF-8")))?;
            pairs.extend(of_env(file, &text, |name| std::env::var(name).unwrap_or_default())?);
        }
        collect(kind, pairs)
    }
}

fn collect(kind: &str, pairs: Vec<(String, Vec<u8>)>) -> Result<Data, Failure> {
    let mut data = Data::new();
    for (key, value) in pairs {
        let wrong = names::config_key(&key);
        if !wrong.is_empty() {
            let why = wrong.join("; ");
            return Err(Failure::failed(format!("{key:?} is not a valid key name for a {kind}: {why}")));
        }
        if data.contains_key(&key) {
            return Err(Failure::failed(format!("cannot add key {key:?}, another key by that name already exists")));
        }
        data.insert(key, value);
    }
    Ok(data)
}

fn of_literal(text: &str) -> Result<(String, Vec<u8>), Failure> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.as_bytes().to_vec())),
        _ => Err(Failure::failed(format!("invalid literal source {text}, expected key=value"))),
    }
}

/// `FILE`, `KEY=FILE` or `DIRECTORY`.
fn of_file(text: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let (key, path) = match text.split_once('=') {
        None => (None, text),
        Some(("", path)) => return Err(Failure::failed(format!("key name for file path {path} missing"))),
        Some((key, "")) => return Err(Failure::failed(format!("file path for key name {key} missing"))),
        Some((_, path)) if path.contains('=') => {
            return Err(Failure::failed(format!("{text}: key names or file paths cannot contain '='")));
        }
        Some((key, path)) => (Some(key), path),
    };
    let path = Path::new(path);
    if path.is_dir() {
        return match key {
            None => of_directory(path),
            Some(_) => Err(Failure::failed(format!("{text}: cannot give a key name for a directory path"))),
        };
    }
    let key = key.map_or_else(|| name_of(path), str::to_owned);
    Ok(vec![(key, read(path)?)])
}

/// The plain files of a directory; what lies in directories below it, and where links lead, is left out.
fn of_directory(directory: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|error| unreadable(directory, error))? {
        let path = entry.map_err(|error| unreadable(directory, error))?.path();
        if path.is_file() && !path.is_symlink() {
            pairs.push((name_of(&path), read(&path)?));
        }
    }
    Ok(pairs)
}

fn of_env(file: &str, text: &str, environment: impl Fn(&str) -> String) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut pairs = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(value)));
        let wrong = names::env_var_name(key);
        if !wrong.is_empty() {
            let (number, why) = (index + 1, wrong.join("; "));
            return Err(Failure::failed(format!("{file}: line {number}: {key:?} is not a valid key name: {why}")));
        }
        let value = value.map_or_else(|| environment(key), str::to_owned);
        pairs.push((key.to_owned(), value.into_bytes()));
    }
    Ok(pairs)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > FILE_BYTES {
        let (path, most) = (path.display(), FILE_BYTES >> 20);
        return Err(Failure::failed(format!("read {path}: larger than {most} MiB, and an object holds 1 MiB")));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::failed(format!("read {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(literals: &[&str], files: &[&str]) -> Sources {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Sources { from_literal: owned(literals), from_file: owned(files), from_env_file: Vec::new() }
    }

    #[test]
    fn literals_are_keys_and_values() {
        let data = sources(&["a=1", "b=x=y", "c="], &[]).data("ConfigMap").expect("valid");
        assert_eq!(data["b"], b"x=y");
        assert_eq!(data["c"], b"");
        let refusal = |literals: &[&str]| sources(literals, &[]).data("ConfigMap").expect_err("refused").line();
        assert_eq!(refusal(&["a"]), "invalid literal source a, expected key=value");
        assert_eq!(refusal(&["=1"]), "invalid literal source =1, expected key=value");
        assert_eq!(refusal(&["a=1", "a=2"]), "cannot add key \"a\", another key by that name already exists");
        assert!(refusal(&["a b=1"]).starts_with("\"a b\" is not a valid key name for a ConfigMap: "));
    }

    #[test]
    fn files_have_their_names_or_others_and_directories_their_plain_files() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).display().to_string();
        std::fs::create_dir(path("below")).expect("made");
        std::fs::write(path("below/deep"), "no").expect("written");
        std::fs::write(path("a.txt"), "one").expect("written");
        std::fs::write(path("b"), [0xff, 0]).expect("written");
        let data = |file: String| sources(&[], &[&file]).data("Secret");
        assert_eq!(data(path("a.txt")).expect("a file").keys().collect::<Vec<_>>(), ["a.txt"]);
        assert_eq!(data(format!("k={}", path("b"))).expect("a key")["k"], [0xff, 0]);
        assert_eq!(data(path("")).expect("a directory").keys().collect::<Vec<_>>(), ["a.txt", "b"]);
        for wrong in [path("none"), format!("k={}", path("")), "=f".to_owned(), "k=".to_owned(), "a=b=c".to_owned()] {
            assert!(data(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_env_file_has_a_key_a_line() {
        let text = "\u{feff}A=1\n# no\n\n  B=two words\nHOME\n";
        let pairs = of_env("f", text, |name| format!("of {name}")).expect("valid");
        let shown: Vec<String> =
            pairs.into_iter().map(|(key, value)| format!("{key}={}", String::from_utf8_lossy(&value))).collect();
        assert_eq!(shown, ["A=1", "B=two words", "HOME=of HOME"]);
        let refusal = of_env("f", "A=1\n=2", |_| String::new()).expect_err("no key").line();
        assert!(refusal.starts_with("f: line 2: \"\" is not a valid key name: "), "{refusal}");
    }
}
