//! Manifests: files, directories or stdin, in JSON or YAML, of one document or several, each an object of a known kind.
//!
//! Everything is read and checked before anything is sent, so that a mistake in the last document creates nothing.

mod documents;

use std::io::Read;
use std::path::{Path, PathBuf};

use kube_api::Kind;
use kube_api::decode::{self, FieldValidation, Format};
use serde_json::Value;

pub(crate) use self::documents::parse;
use crate::failure::Failure;

/// The most that is read of one file or of stdin.
const MANIFEST_BYTES: u64 = 32 << 20;

/// One object of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Where it stands, for messages: `pods.yaml: document 2`.
    pub(crate) place: String,
    /// Its kind.
    pub(crate) kind: &'static Kind,
    /// Its name, empty where it has `generateName` alone.
    pub(crate) name: String,
    /// Its own namespace.
    pub(crate) namespace: Option<String>,
    /// The object in JSON, as it was written where that was JSON.
    pub(crate) json: Vec<u8>,
}

/// Reads all documents of the given files (`-` is stdin, a directory stands for its `.json`, `.yaml` and `.yml` files,
/// with those of all directories below it where it is `recursive`).
///
/// # Errors
/// The first file that cannot be read, or document that is no object of a known kind.
pub(crate) fn read(files: &[String], recursive: bool) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    for file in files {
        if file == "-" {
            documents.extend(parse("stdin", &take(std::io::stdin().lock(), "stdin")?)?);
        } else if file.contains("://") {
            return Err(Failure::usage(format!("{file}: a manifest is not fetched from a URL"))
                .hint(format!("`curl -fsSL {file} | k8sm create -f -`")));
        } else {
            for path in members(Path::new(file), recursive)? {
                let place = path.display().to_string();
                let opened = std::fs::File::open(&path).map_err(|error| unreadable(&place, error))?;
                documents.extend(parse(&place, &take(opened, &place)?)?);
            }
        }
    }
    if documents.is_empty() {
        return Err(Failure::failed(format!("{}: no objects in it", files.join(", "))));
    }
    Ok(documents)
}

/// The documents with the namespaces in which their objects live: their own, else the command's. All are looked at before
/// the first object is sent.
///
/// # Errors
/// The first document with another namespace than the one that `--namespace` asked for.
pub(crate) fn placed(
    documents: Vec<Document>,
    default: &str,
    asked: Option<&str>,
) -> Result<Vec<(Document, String)>, Failure> {
    let place = |document: Document| {
        let namespace = document.namespace_in(default, asked)?;
        Ok((document, namespace))
    };
    documents.into_iter().map(place).collect()
}

/// Checks documents against their kinds' schemas and rules as the server will, without asking it.
///
/// # Errors
/// The first document that the server would refuse.
pub(crate) fn check(documents: &[Document], validation: FieldValidation) -> Result<(), Failure> {
    for document in documents {
        let mut object = decoded(document, validation)?;
        complete(document, &mut object);
        kube_api::defaults::apply(document.kind, &mut object);
        kube_api::defaults::stored(document.kind, &mut object);
        let errors = kube_api::validate::create(document.kind, &object);
        if !errors.is_empty() {
            return Err(refused(document, &kube_api::Status::invalid(document.kind, &document.name, &errors)));
        }
    }
    Ok(())
}

/// Checks that documents have the fields of their kinds alone: they may lack what is there already.
///
/// # Errors
/// The first document with others.
pub(crate) fn check_fields(documents: &[Document], validation: FieldValidation) -> Result<(), Failure> {
    documents.iter().try_for_each(|document| decoded(document, validation).map(drop))
}

fn decoded(document: &Document, validation: FieldValidation) -> Result<Value, Failure> {
    let decoded = decode::object(document.kind, Format::Json, &document.json, validation);
    Ok(decoded.map_err(|status| refused(document, &status))?.object)
}

fn refused(document: &Document, status: &kube_api::Status) -> Failure {
    Failure::failed(one_line(&status.message)).about(&document.place)
}

/// Fills in what the command and the server do before they check: the namespace, and a name where one is generated.
fn complete(document: &Document, object: &mut Value) {
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    if document.kind.namespaced {
        metadata.entry("namespace").or_insert_with(|| "default".into());
    }
    if let (true, Some(prefix)) = (document.name.is_empty(), metadata.get("generateName").and_then(Value::as_str)) {
        let name = format!("{prefix}xxxxx");
        metadata.insert("name".to_owned(), name.into());
    }
}

fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn unreadable(place: &str, error: std::io::Error) -> Failure {
    Failure::failed(format!("read {place}")).because(error)
}

/// A file itself, or a directory's manifests in the order of their names.
fn members(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, Failure> {
    let place = path.display().to_string();
    if !std::fs::metadata(path).map_err(|error| unreadable(&place, error))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(&place, error))? {
        let file = entry.map_err(|error| unreadable(&place, error))?.path();
        if recursive && file.is_dir() && !file.is_symlink() {
            files.extend(members(&file, recursive)?);
            continue;
        }
        let known = file.extension().and_then(|e| e.to_str()).is_some_and(|e| matches!(e, "json" | "yaml" | "yml"));
        if known && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn take(from: impl Read, place: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(MANIFEST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(place, error))?;
    if bytes.len() as u64 > MANIFEST_BYTES {
        return Err(Failure::failed(format!("{place}: larger than {} MiB", MANIFEST_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| Failure::failed(format!("{place}: not UTF-8, so neither JSON nor YAML")))
}

impl Document {
    /// The namespace that the object says itself.
    ///
    /// # Errors
    /// It is another than the one that `--namespace` asked for.
    pub(crate) fn own_namespace(&self, asked: Option<&str>) -> Result<Option<&str>, Failure> {
        match (self.namespace.as_deref(), asked) {
            (Some(own), Some(asked)) if own != asked && self.kind.namespaced => Err(Failure::failed(format!(
                "{}: namespace {own:?} is another than the --namespace {asked:?}",
                self.place
            ))),
            (own, _) => Ok(own),
        }
    }

    /// The namespace in which the object lives: its own, else the command's.
    ///
    /// # Errors
    /// As [`Self::own_namespace`].
    pub(crate) fn namespace_in(&self, default: &str, asked: Option<&str>) -> Result<String, Failure> {
        Ok(self.own_namespace(asked)?.unwrap_or(default).to_owned())
    }

    /// The object as a value.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.json).expect("parsed when the document was made")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: &str = "\
# first
apiVersion: v1
kind: Pod
metadata: {name: a}
---
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: c}
";

    fn refusal(text: &str) -> String {
        parse("f.yaml", text).expect_err("refused").line()
    }

    #[test]
    fn yaml_and_json_may_hold_several_documents() {
        let yaml = parse("f.yaml", PODS).expect("valid");
        assert_eq!(yaml.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(yaml[1].namespace.as_deref(), Some("c"));
        assert_eq!(yaml[1].place, "f.yaml: document 3");
        let json =
            parse("f.json", r#"{"apiVersion":"v1","kind":"Pod"} {"apiVersion":"v1","kind":"Node"}"#).expect("valid");
        assert_eq!(json.iter().map(|d| d.kind.plural).collect::<Vec<_>>(), ["pods", "nodes"]);
        let mixed = parse("f", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n---\napiVersion: v1\nkind: Node\n");
        assert_eq!(mixed.expect("valid").iter().map(|d| d.kind.plural).collect::<Vec<_>>(), ["pods", "nodes"]);
    }

    #[test]
    fn yaml_is_read_as_kubectl_reads_it() {
        let text = "apiVersion: v1\nkind: Pod\nspec: {hostNetwork: yes, volumes: [{secret: {defaultMode: 0400}}]}\n";
        let spec = parse("f", text).expect("valid")[0].value()["spec"].clone();
        assert_eq!(spec, serde_json::json!({"hostNetwork": true, "volumes": [{"secret": {"defaultMode": 256}}]}));
    }

    #[test]
    fn the_items_of_a_list_are_documents() {
        let text = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod"},{"kind":"Pod"}]}"#;
        assert_eq!(parse("f", text).expect_err("refused").line(), "f: item 2: apiVersion is not set");
    }

    #[test]
    fn a_refusal_names_file_document_and_reason() {
        assert!(refusal("a: [").starts_with("f.yaml: document 1: not YAML: "), "{}", refusal("a: ["));
        assert!(refusal("{\"a\": ").starts_with("f.yaml: document 1: not JSON: "));
        assert_eq!(refusal("metadata: {}"), "f.yaml: kind is not set");
        assert_eq!(refusal("hello"), "f.yaml: not an object, but a bare value");
        assert_eq!(refusal("kind: 3\napiVersion: v1"), "f.yaml: kind is not a text");
        assert_eq!(refusal("kind: Pud\napiVersion: v1"), "f.yaml: kind \"Pud\" of apiVersion \"v1\" is not served");
        assert_eq!(refusal(&format!("{PODS}---\nkind: Pod")), "f.yaml: document 4: apiVersion is not set");
    }

    #[test]
    fn a_namespace_must_not_contradict_the_flag() {
        let documents = parse("f.yaml", PODS).expect("valid");
        assert_eq!(documents[0].namespace_in("default", None).expect("fits"), "default");
        assert_eq!(documents[1].namespace_in("default", None).expect("fits"), "c");
        assert!(documents[1].namespace_in("d", Some("d")).is_err());
    }

    #[test]
    fn urls_and_missing_files_are_refused_by_name() {
        assert!(
            read(&["http://127.0.0.1/pod.yaml".to_owned()], false).expect_err("a URL").line().contains("not fetched")
        );
        assert!(
            read(&["/nonexistent/pod.yaml".to_owned()], false)
                .expect_err("missing")
                .line()
                .contains("/nonexistent/pod.yaml")
        );
    }
}
