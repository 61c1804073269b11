//! The paths of the Kubernetes API: a kind, maybe a namespace, a name and a subresource, and a query.

use std::fmt;

use kube_api::Kind;

/// A path with its query. Everything in it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    path: String,
    query: Query,
}

/// The parameters behind the `?`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(String);

impl Path {
    /// All objects of the kind: in one namespace, or in all where there is none.
    pub(crate) fn list(kind: &Kind, namespace: Option<&str>) -> Self {
        let mut path = if kind.group.is_empty() {
            format!("/api/{}", kind.version)
        } else {
            format!("/apis/{}/{}", kind.group, kind.version)
        };
        if let (true, Some(namespace)) = (kind.namespaced, namespace) {
            path.push_str("/namespaces/");
            path.push_str(&encode(namespace));
        }
        path.push('/');
        path.push_str(kind.plural);
        Self { path, query: Query::default() }
    }

    /// What a user types, which is encoded already.
    pub(crate) fn raw(text: &str) -> Self {
        Self { path: text.to_owned(), query: Query::default() }
    }

    /// One object. The namespace counts only for kinds that have one.
    pub(crate) fn object(kind: &Kind, namespace: &str, name: &str) -> Self {
        Self::list(kind, Some(namespace)).under(name)
    }

    /// One element further down: a name or a subresource.
    #[must_use]
    pub(crate) fn under(mut self, element: &str) -> Self {
        self.path.push('/');
        self.path.push_str(&encode(element));
        self
    }

    /// The same with a query.
    #[must_use]
    pub(crate) fn with(mut self, query: Query) -> Self {
        self.query = query;
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.query.0.is_empty() { Ok(()) } else { write!(f, "?{}", self.query.0) }
    }
}

impl Query {
    /// Adds a parameter.
    #[must_use]
    pub(crate) fn and(mut self, key: &str, value: impl fmt::Display) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(&encode(&value.to_string()));
        self
    }

    /// Adds a parameter where there is a value.
    #[must_use]
    pub(crate) fn and_some(self, key: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.and(key, value),
            None => self,
        }
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, 2.3).
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube_api::kinds;

    #[test]
    fn paths_are_those_of_the_kubernetes_api() {
        let pods = kinds::lookup("po").expect("pods");
        let nodes = kinds::lookup("no").expect("nodes");
        let leases = kinds::lookup("leases").expect("leases");
        assert_eq!(Path::list(pods, None).to_string(), "/api/v1/pods");
        assert_eq!(Path::object(pods, "a", "b").under("log").to_string(), "/api/v1/namespaces/a/pods/b/log");
        assert_eq!(Path::object(nodes, "a", "b").to_string(), "/api/v1/nodes/b");
        assert_eq!(
            Path::list(leases, Some("kube-node-lease")).to_string(),
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        );
    }

    #[test]
    fn everything_in_a_path_is_encoded() {
        let pods = kinds::lookup("pods").expect("pods");
        let query = Query::default().and("labelSelector", "a in (b,c)").and_some("limit", None::<u32>);
        assert_eq!(
            Path::object(pods, "a/b", "../x y?").with(query).to_string(),
            "/api/v1/namespaces/a%2Fb/pods/..%2Fx%20y%3F?labelSelector=a%20in%20%28b%2Cc%29"
        );
    }
}
