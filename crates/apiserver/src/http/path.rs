//! What a path names: a kind, and where in it.

use kube_api::kinds::{self, Kind, Subresource};

/// A place below `/api` or `/apis`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The resource.
    pub(crate) kind: &'static Kind,
    /// The namespace; empty for cluster-wide kinds and for lists over all namespaces.
    pub(crate) namespace: String,
    /// The object's name; empty for the collection.
    pub(crate) name: String,
    /// What below the object.
    pub(crate) subresource: Option<&'static Subresource>,
    /// What follows a proxy's path, with its leading slash.
    pub(crate) tail: String,
    /// Whether the path is of the old form that watches (`/api/v1/watch/…`).
    pub(crate) watch: bool,
}

/// The place that a resource's path names. `None` for paths that name nothing that is served.
pub(crate) fn parse(path: &str) -> Option<Target> {
    let mut parts = path.strip_prefix('/')?.split('/').map(decode);
    let (group, version) = match parts.next()??.as_str() {
        "api" => (String::new(), parts.next()??),
        "apis" => (parts.next()??, parts.next()??),
        _ => return None,
    };
    let mut parts: Vec<String> = parts.collect::<Option<_>>()?;
    while parts.last().is_some_and(String::is_empty) && !parts.iter().any(|part| part == "proxy") {
        parts.pop();
    }
    let watch = parts.first().is_some_and(|part| part == "watch") && parts.len() > 1;
    if watch {
        parts.remove(0);
    }
    let mut namespace = String::new();
    let below_namespace = parts.first().is_some_and(|part| part == "namespaces")
        && parts.get(2).is_some_and(|part| !matches!(part.as_str(), "status" | "finalize"));
    if below_namespace {
        namespace = std::mem::take(&mut parts[1]);
        parts.drain(..2);
    }
    let mut parts = parts.into_iter();
    let kind = kinds::find(&group, &version, &parts.next()?)?;
    let name = parts.next().unwrap_or_default();
    let subresource = match parts.next() {
        None => None,
        Some(name) => Some(kind.subresource(&name)?),
    };
    let rest: Vec<String> = parts.collect();
    let proxy = subresource.is_some_and(|sub| sub.name == "proxy");
    let misplaced = kind.namespaced == namespace.is_empty() && (below_namespace || !name.is_empty());
    // an escaped slash leads as far as a plain one: nowhere
    let slashed = namespace.contains('/') || name.contains('/');
    // what is below an object is not watched, nor what has no changes
    let unwatched = watch && (subresource.is_some() || !kind.allows("watch"));
    if misplaced || slashed || unwatched || (!rest.is_empty() && !proxy) || (below_namespace && namespace.is_empty()) {
        return None;
    }
    let tail = rest.iter().fold(String::new(), |tail, part| tail + "/" + part);
    Some(Target { kind, namespace, name, subresource, tail, watch })
}

/// A percent-encoded part; `None` where it is not UTF-8 or holds a NUL.
pub(crate) fn decode(part: &str) -> Option<String> {
    unescape(part, false)
}

/// Percent-encodes a part of a path, or a parameter's value.
pub(crate) fn escape(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Whether each percent sign escapes something.
pub(crate) fn is_encoded(path: &str) -> bool {
    unescape_bytes(path, false).is_some()
}

/// The text that a percent-encoded part stands for.
fn unescape(text: &str, plus: bool) -> Option<String> {
    String::from_utf8(unescape_bytes(text, plus)?).ok().filter(|text| !text.contains('\0'))
}

/// Undoes percent-encoding, and `+` for a blank where `plus`.
pub(crate) fn unescape_bytes(text: &str, plus: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus => b' ',
            byte => byte,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str) -> Option<String> {
        let target = parse(path)?;
        let subresource = target.subresource.map_or("", |sub| sub.name);
        let watch = if target.watch { "watch " } else { "" };
        Some(format!(
            "{watch}{}|{}|{}|{subresource}|{}",
            target.kind.plural, target.namespace, target.name, target.tail
        ))
    }

    #[test]
    fn paths_name_places() {
        for (path, expected) in [
            ("/api/v1/pods", "pods||||"),
            ("/api/v1/namespaces/a/pods/", "pods|a|||"),
            ("/api/v1/namespaces/a/pods/p%2Dq/log", "pods|a|p-q|log|"),
            ("/api/v1/namespaces", "namespaces||||"),
            ("/api/v1/namespaces/a", "namespaces||a||"),
            ("/api/v1/namespaces/a/finalize", "namespaces||a|finalize|"),
            ("/api/v1/watch/namespaces/a/pods", "watch pods|a|||"),
            ("/api/v1/nodes/n/proxy/logs/x", "nodes||n|proxy|/logs/x"),
            ("/apis/coordination.k8s.io/v1/namespaces/a/leases/l", "leases|a|l||"),
        ] {
            assert_eq!(told(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn what_is_not_served_is_not_named() {
        for path in [
            "/",
            "/api",
            "/api/v1",
            "/api/v2/pods",
            "/api/v1/nothings",
            "/api/v1/pods/p",
            "/api/v1/namespaces/a/nodes",
            "/api/v1/namespaces/a/pods/p/nothing",
            "/api/v1/namespaces/a/pods/p/log/more",
            "/api/v1/namespaces//pods",
            "/api/v1/namespaces/%ff/pods",
            "/api/v1/namespaces/%00/pods",
            "/api/v1/namespaces/a%2Fb/pods",
            "/api/v1/namespaces/a/pods/b%2Fc",
            "/api/v1/watch/namespaces/a/pods/p/status",
            "/api/v1/watch/componentstatuses",
            "/apis/apps/v1/deployments",
        ] {
            assert_eq!(told(path), None, "{path}");
        }
    }
}
