//! Which server, as whom, in which namespace: from $KUBECONFIG, `--kubeconfig` and the context flags.

use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::Error;

/// Where the connection's settings come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection {
    /// The file; else $KUBECONFIG (several files, merged), else `~/.kube/config`.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context; else the current one.
    pub(crate) context: Option<String>,
    /// The namespace; else the context's, else `default`.
    pub(crate) namespace: Option<String>,
    /// The server's URL; else that of the context's cluster.
    pub(crate) server: Option<String>,
}

impl Connection {
    /// The name of what is read, for messages.
    pub(super) fn place(&self) -> String {
        match &self.kubeconfig {
            Some(file) => file.display().to_string(),
            None => std::env::var("KUBECONFIG")
                .ok()
                .filter(|value| !value.is_empty())
                .unwrap_or_else(|| dirs::home_dir().unwrap_or_default().join(".kube/config").display().to_string()),
        }
    }

    /// Reads and resolves the settings.
    ///
    /// # Errors
    /// A kubeconfig that is missing, unreadable, or does not name what it should.
    pub(super) async fn load(&self) -> Result<Config, Error> {
        let wrong = |error| Error::kubeconfig(&self.place(), anyhow::Error::from(error));
        let read = match &self.kubeconfig {
            Some(file) => Kubeconfig::read_from(file),
            None => match listed() {
                files if files.is_empty() => Kubeconfig::read(),
                files => merged(&files),
            },
        };
        let kubeconfig = read.map_err(wrong)?;
        let mut config = resolve(kubeconfig, self.context.clone()).await.map_err(wrong)?;
        if let Some(namespace) = &self.namespace {
            config.default_namespace.clone_from(namespace);
        }
        if let Some(server) = &self.server {
            config.cluster_url =
                server.parse().map_err(|error| Error::kubeconfig("--server", anyhow::anyhow!("{server}: {error}")))?;
        }
        Ok(config)
    }
}

/// The files of $KUBECONFIG.
fn listed() -> Vec<PathBuf> {
    let list = std::env::var_os("KUBECONFIG").unwrap_or_default();
    std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// Several files as one, as kubectl takes them: what an earlier one says wins, and one that is not there, or empty, says
/// nothing. Where none says anything the last is the one that is missing.
///
/// # Errors
/// A file that cannot be read or is broken.
fn merged(files: &[PathBuf]) -> Result<Kubeconfig, KubeconfigError> {
    let saying: Vec<&PathBuf> = files.iter().filter(|file| !says_nothing(file)).collect();
    if saying.is_empty() {
        return Kubeconfig::read_from(files.last().cloned().unwrap_or_default());
    }
    saying.into_iter().try_fold(Kubeconfig::default(), |merged, file| {
        let mut next = Kubeconfig::read_from(file)?;
        next.current_context = next.current_context.filter(|context| !context.is_empty());
        merged.merge(next)
    })
}

fn says_nothing(file: &Path) -> bool {
    match std::fs::read_to_string(file) {
        Ok(text) => text.trim().is_empty(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// The settings of a context, the current one where none is named.
///
/// # Errors
/// A kubeconfig that does not name what it should.
pub(super) async fn resolve(kubeconfig: Kubeconfig, context: Option<String>) -> Result<Config, KubeconfigError> {
    let proxied = is_proxied(&kubeconfig, context.as_ref());
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    // $HTTPS_PROXY is for the internet; a cluster of this machine is never behind it.
    if !proxied {
        config.proxy_url = None;
    }
    // A server that is away is said at once, or waited for by the command that means to.
    config.default_retry = false;
    Ok(config)
}

/// Whether the cluster of that context, or of the current one, says by which proxy it is reached.
fn is_proxied(kubeconfig: &Kubeconfig, context: Option<&String>) -> bool {
    let context = context.or(kubeconfig.current_context.as_ref());
    let context =
        kubeconfig.contexts.iter().find(|one| Some(&one.name) == context).and_then(|one| one.context.as_ref());
    let cluster = kubeconfig.clusters.iter().find(|one| context.is_some_and(|context| context.cluster == one.name));
    cluster.and_then(|one| one.cluster.as_ref()).is_some_and(|cluster| cluster.proxy_url.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
apiVersion: v1
kind: Config
current-context: one
clusters:
  - {name: one, cluster: {server: "http://127.0.0.1:1"}}
  - {name: two, cluster: {server: "http://127.0.0.1:2"}}
contexts:
  - {name: one, context: {cluster: one, user: none, namespace: here}}
  - {name: two, context: {cluster: two, user: none}}
"#;

    fn connection(dir: &tempfile::TempDir, text: &str) -> Connection {
        let file = dir.path().join("config");
        std::fs::write(&file, text).expect("written");
        Connection { kubeconfig: Some(file), ..Connection::default() }
    }

    #[tokio::test]
    async fn the_context_names_server_and_namespace_and_flags_win() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut connection = connection(&dir, FILE);
        let config = connection.load().await.expect("loads");
        assert_eq!(
            (config.cluster_url.to_string().as_str(), config.default_namespace.as_str()),
            ("http://127.0.0.1:1/", "here")
        );
        connection.context = Some("two".to_owned());
        connection.namespace = Some("there".to_owned());
        let config = connection.load().await.expect("loads");
        assert_eq!(
            (config.cluster_url.to_string().as_str(), config.default_namespace.as_str()),
            ("http://127.0.0.1:2/", "there")
        );
    }

    #[test]
    fn of_several_files_those_that_say_nothing_are_passed_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let unset = file("unset", "apiVersion: v1\nkind: Config\ncurrent-context: \"\"\n");
        let (empty, full) = (file("empty", "\n"), file("full", FILE));
        let absent = dir.path().join("absent");
        let read = merged(&[absent.clone(), empty.clone(), unset, full.clone()]).expect("one of them says it");
        assert_eq!((read.current_context.as_deref(), read.contexts.len()), (Some("one"), 2));
        let other = file("other", &FILE.replace("current-context: one", "current-context: two"));
        assert_eq!(
            merged(&[other, full.clone()]).expect("both").current_context.as_deref(),
            Some("two"),
            "the first wins"
        );
        assert!(merged(&[file("broken", "clusters: ["), full]).is_err());
        assert!(merged(&[empty, absent]).is_err());
    }

    #[test]
    fn the_proxy_of_another_cluster_does_not_count() {
        let text = FILE.replace("\"http://127.0.0.1:2\"", "\"http://127.0.0.1:2\", proxy-url: \"http://127.0.0.1:3\"");
        let kubeconfig = Kubeconfig::from_yaml(&text).expect("valid");
        assert!(!is_proxied(&kubeconfig, None));
        assert!(!is_proxied(&kubeconfig, Some(&"one".to_owned())));
        assert!(is_proxied(&kubeconfig, Some(&"two".to_owned())));
    }

    #[tokio::test]
    async fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let broken = connection(&dir, "clusters: [");
        let error = broken.load().await.expect_err("broken");
        assert!(error.to_string().ends_with("/config"), "{error}");
        let mut absent = connection(&dir, FILE);
        absent.context = Some("three".to_owned());
        let failure = crate::failure::Failure::from(absent.load().await.expect_err("no such context"));
        assert!(failure.line().contains("three"), "{}", failure.line());
    }
}
