//! What the words behind `get`, `describe`, `delete` and `scale` mean: kinds, and maybe names.

use kube_api::{Kind, kinds};

use super::manifest::Document;
use crate::failure::Failure;

/// Objects of one kind: those named, or all where there is no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// The names, in the order in which they were typed.
    pub(crate) names: Vec<String>,
    /// The namespace, where a manifest says it: else it is that of the command.
    pub(crate) namespace: Option<String>,
}

impl Target {
    fn new(kind: &'static Kind, names: Vec<String>) -> Self {
        Self { kind, names, namespace: None }
    }

    /// Its namespace, `default` where it says none.
    pub(crate) fn namespace_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.namespace.as_deref().unwrap_or(default)
    }
}

/// The objects that manifests name, in their order. `asked` is the namespace that the command was asked for.
///
/// # Errors
/// An object without a name, or in another namespace than the one that was asked for.
pub(crate) fn of(documents: &[Document], asked: Option<&str>) -> Result<Vec<Target>, Failure> {
    let target = |document: &Document| {
        if document.name.is_empty() {
            return Err(Failure::failed(format!("{}: metadata.name is not set", document.place)));
        }
        let namespace = document.own_namespace(asked)?.map(str::to_owned);
        Ok(Target { namespace, ..Target::new(document.kind, vec![document.name.clone()]) })
    };
    documents.iter().map(target).collect()
}

/// Reads `TYPE[,TYPE…] [NAME…]` or `TYPE/NAME…`.
///
/// # Errors
/// Words that cannot be meant (exit code 2), a type that is not served (exit code 1).
pub(crate) fn parse(words: &[String]) -> Result<Vec<Target>, Failure> {
    let Some(first) = words.first() else {
        return Err(Failure::usage("which type of object is not said")
            .hint("for example `pods`, `rc,services`, `pod NAME` or `pod/NAME`"));
    };
    if words.iter().any(|word| word.contains('/')) {
        return slashed(words);
    }
    let mut targets = Vec::new();
    for word in first.split(',').filter(|word| !word.is_empty()) {
        for kind in named(word)? {
            if !targets.iter().any(|target: &Target| target.kind == kind) {
                targets.push(Target::new(kind, Vec::new()));
            }
        }
    }
    match (targets.as_mut_slice(), &words[1..]) {
        ([], _) => return Err(Failure::usage(format!("`{first}` names no type of object"))),
        (_, []) => {}
        ([only], names) => only.names = names.to_vec(),
        _ => return Err(Failure::usage("names of objects cannot follow several types").hint("use TYPE/NAME")),
    }
    Ok(targets)
}

fn slashed(words: &[String]) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<Target> = Vec::new();
    for word in words {
        let (kind, name) = match word.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => (one(kind)?, name),
            Some(_) => return Err(Failure::usage(format!("`{word}` is no TYPE/NAME"))),
            None => return Err(Failure::usage(format!("`{word}` has no type, beside others with TYPE/NAME"))),
        };
        match targets.iter_mut().find(|target| target.kind == kind) {
            Some(target) => target.names.push(name.to_owned()),
            None => targets.push(Target::new(kind, vec![name.to_owned()])),
        }
    }
    Ok(targets)
}

/// The kind of that name, plural, singular or short.
///
/// # Errors
/// None is served.
pub(crate) fn one(word: &str) -> Result<&'static Kind, Failure> {
    kinds::lookup(word).ok_or_else(|| {
        Failure::failed(format!("the server doesn't have a resource type {word:?}"))
            .hint("`kubectl api-resources` lists what is served")
    })
}

/// The kinds that a word names: one, or all of a category.
fn named(word: &str) -> Result<Vec<&'static Kind>, Failure> {
    let category: Vec<_> = kinds::all().iter().filter(|kind| kind.categories.contains(&word)).collect();
    if category.is_empty() { Ok(vec![one(word)?]) } else { Ok(category) }
}

/// How an object is named in what is printed: `pod/nginx`, `lease.coordination.k8s.io/mesosslave1`.
pub(crate) fn printed(kind: &Kind, name: &str) -> String {
    format!("{}/{name}", typed(kind))
}

/// The type in what is printed: `pod`, `lease.coordination.k8s.io`.
pub(crate) fn typed(kind: &Kind) -> String {
    if kind.group.is_empty() { kind.singular.to_owned() } else { format!("{}.{}", kind.singular, kind.group) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::manifest;
    use crate::failure;

    fn read(line: &str) -> Result<Vec<(&'static str, Vec<String>)>, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&words).map(|targets| targets.into_iter().map(|t| (t.kind.plural, t.names)).collect())
    }

    #[test]
    fn types_and_names_as_kubectl_takes_them() {
        assert_eq!(read("po").expect("valid"), [("pods", vec![])]);
        assert_eq!(read("Pods a b").expect("valid"), [("pods", vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(read("rc,svc").expect("valid"), [("replicationcontrollers", vec![]), ("services", vec![])]);
        assert_eq!(
            read("pod/a rc/b pod/c").expect("valid"),
            [("pods", vec!["a".to_owned(), "c".to_owned()]), ("replicationcontrollers", vec!["b".to_owned()])]
        );
        assert!(read("all").expect("valid").len() > 2);
    }

    #[test]
    fn manifests_name_objects_in_their_own_namespaces() {
        let read = |text: &str, asked| {
            let documents = manifest::parse("f.yaml", text).expect("valid");
            of(&documents, asked)
        };
        let text = "kind: Pod\napiVersion: v1\nmetadata: {name: a}\n---\n\
                    kind: Pod\napiVersion: v1\nmetadata: {name: b, namespace: c}";
        let targets = read(text, None).expect("valid");
        assert_eq!(targets.iter().map(|t| t.namespace_or("default")).collect::<Vec<_>>(), ["default", "c"]);
        assert_eq!(targets[1].names, ["b"]);
        assert!(read(text, Some("d")).expect_err("another namespace").line().contains("\"c\""));
        let nameless = read("kind: Pod\napiVersion: v1\nmetadata: {generateName: a}", None);
        assert_eq!(nameless.expect_err("no name").line(), "f.yaml: metadata.name is not set");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(read("").expect_err("empty").kind(), failure::Kind::Usage);
        assert_eq!(read("po,rc a").expect_err("names").kind(), failure::Kind::Usage);
        assert_eq!(read("pod/a b").expect_err("no type").kind(), failure::Kind::Usage);
        assert_eq!(read("pod/").expect_err("no name").kind(), failure::Kind::Usage);
        assert_eq!(
            read("unicorns").expect_err("unknown").line(),
            "the server doesn't have a resource type \"unicorns\""
        );
    }
}
