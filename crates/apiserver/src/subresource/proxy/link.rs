//! Where a URL of the server behind leads through the proxy.

/// The proxy's own place, and the names of the server behind it.
pub(super) struct Link {
    /// The path of the proxy, to which the rest is appended.
    pub(super) prefix: String,
    /// The address that the server is reached at.
    pub(super) authority: String,
    /// The host that the client asked for, which the server takes for its own name.
    pub(super) host: Option<String>,
}

impl Link {
    /// The same place through the proxy. `None` where the URL stays: other hosts, relative paths, and what leads here already.
    pub(super) fn led(&self, url: &str) -> Option<String> {
        let (before, path) = self.path(url)?;
        let path = if path.is_empty() { "/" } else { path };
        if !path.starts_with('/') || path.starts_with(&self.prefix) {
            return None;
        }
        Some(format!("{before}{}{path}", self.prefix))
    }

    /// The URL's path and what is kept before it: the client reaches the host that it asked for, but not the server's address.
    fn path<'a>(&self, url: &'a str) -> Option<(&'a str, &'a str)> {
        let absolute = ["http://", "https://", "//"].iter().find_map(|start| url.strip_prefix(start));
        let Some(rest) = absolute else { return url.starts_with('/').then_some(("", url)) };
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if host == self.authority {
            return Some(("", path));
        }
        (self.host.as_deref() == Some(host)).then(|| (&url[..url.len() - path.len()], path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_back() {
        let host = Some("localhost:8001".to_owned());
        let link = Link { prefix: "/api/v1/namespaces/n/pods/p/proxy".into(), authority: "10.0.0.7:80".into(), host };
        for (url, expected) in [
            ("/next", Some("/api/v1/namespaces/n/pods/p/proxy/next")),
            ("/next/?a=b", Some("/api/v1/namespaces/n/pods/p/proxy/next/?a=b")),
            ("http://10.0.0.7:80/x", Some("/api/v1/namespaces/n/pods/p/proxy/x")),
            ("//10.0.0.7:80/x", Some("/api/v1/namespaces/n/pods/p/proxy/x")),
            ("http://10.0.0.7:80", Some("/api/v1/namespaces/n/pods/p/proxy/")),
            ("http://localhost:8001/x", Some("http://localhost:8001/api/v1/namespaces/n/pods/p/proxy/x")),
            ("http://10.0.0.7:8080/x", None),
            ("http://elsewhere/x", None),
            ("//elsewhere/x", None),
            ("next", None),
            ("#next", None),
            ("", None),
            ("/api/v1/namespaces/n/pods/p/proxy/x", None),
        ] {
            assert_eq!(link.led(url).as_deref(), expected, "{url}");
        }
    }
}
