//! `/files/browse`, `/files/read`, `/files/download`: what lies in sandboxes (reference, section 6.8). Paths are real ones
//! below the work directory's `slaves`, or `/frameworks/…` below the agent's own; nothing else is ever read.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use axum::body::Body;
use base64::Engine;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::Api;
use crate::reply::{Received, Refused, json as json_reply, parameter, text};

/// The most that one read gives: 16 pages, as Mesos.
const MAX_READ: u64 = 16 * 4096;

pub(super) async fn answer(api: &Api, which: &str, call: &Received) -> Response<Body> {
    let known = matches!(which.trim_end_matches(".json"), "browse" | "read" | "download" | "debug");
    if !known {
        return text(StatusCode::NOT_FOUND, "404 Not Found.");
    }
    if which == "debug" {
        let slaves = api.work_dir.join("slaves").display().to_string();
        return json_reply(&json!({ &slaves: &slaves }), &call.query);
    }
    let Some(path) = parameter(&call.query, "path") else {
        return text(StatusCode::BAD_REQUEST, "Expecting 'path=value' in query.\n");
    };
    let outcome = match which.trim_end_matches(".json") {
        "browse" => browse(api, &path).await.map(|listed| json_reply(&listed, &call.query)),
        "read" => read(api, &path, &call.query).await.map(|read| json_reply(&read, &call.query)),
        _ => download(api, &path).await,
    };
    outcome.unwrap_or_else(|refused| *refused)
}

fn refuse<T>(status: StatusCode, why: impl AsRef<str>) -> Result<T, Refused> {
    Err(Box::new(text(status, why.as_ref())))
}

/// The real path of what a client names, if it lies within the sandboxes: links out of them lead nowhere.
async fn resolve(api: &Api, path: &str) -> Result<PathBuf, Refused> {
    let sandboxes = api.work_dir.join("slaves");
    let named = match path.strip_prefix("/frameworks/") {
        Some(rest) => {
            let agent = api.agent.view(|core| core.id().to_owned()).await.unwrap_or_default();
            sandboxes.join(agent).join("frameworks").join(rest)
        }
        None => PathBuf::from(path),
    };
    let (Ok(real), Ok(bound)) = (tokio::fs::canonicalize(&named).await, tokio::fs::canonicalize(&sandboxes).await)
    else {
        return refuse(StatusCode::NOT_FOUND, "404 Not Found.");
    };
    if !real.starts_with(&bound) {
        return refuse(StatusCode::NOT_FOUND, "404 Not Found.");
    }
    Ok(real)
}

/// One entry, as `/files/browse` and LIST_FILES have it: the latter with the mode as a number and nanoseconds.
struct Entry {
    path: String,
    metadata: std::fs::Metadata,
}

async fn entries(api: &Api, path: &str) -> Result<Vec<Entry>, Refused> {
    let real = resolve(api, path).await?;
    let Ok(mut directory) = tokio::fs::read_dir(&real).await else {
        return refuse(StatusCode::BAD_REQUEST, format!("'{path}' is no directory.\n"));
    };
    let mut entries = Vec::new();
    while let Ok(Some(entry)) = directory.next_entry().await {
        // Names are given as they were asked for, so that clients can go on from them.
        let path = Path::new(path).join(entry.file_name()).to_string_lossy().into_owned();
        if let Ok(metadata) = tokio::fs::metadata(entry.path()).await {
            entries.push(Entry { path, metadata });
        }
    }
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(entries)
}

async fn browse(api: &Api, path: &str) -> Result<Vec<Value>, Refused> {
    let shown = entries(api, path).await?.into_iter().map(|Entry { path, metadata }| {
        json!({
            "path": path, "nlink": metadata.nlink(), "size": metadata.len(), "mtime": modified(&metadata).as_secs(),
            "mode": mode(metadata.mode()), "uid": metadata.uid().to_string(), "gid": metadata.gid().to_string(),
        })
    });
    Ok(shown.collect())
}

/// The body of LIST_FILES.
pub(super) async fn list(api: &Api, path: &str) -> Result<Value, Refused> {
    let infos = entries(api, path).await?.into_iter().map(|Entry { path, metadata }| {
        json!({
            "path": path, "nlink": metadata.nlink(), "size": metadata.len(), "mode": metadata.mode(),
            "mtime": {"nanoseconds": i64::try_from(modified(&metadata).as_nanos()).unwrap_or(i64::MAX)},
            "uid": metadata.uid().to_string(), "gid": metadata.gid().to_string(),
        })
    });
    Ok(json!({"file_infos": infos.collect::<Vec<_>>()}))
}

fn modified(metadata: &std::fs::Metadata) -> std::time::Duration {
    metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default()
}

/// `-rw-r--r--`.
fn mode(mode: u32) -> String {
    let kind = if mode & libc::S_IFMT == libc::S_IFDIR { 'd' } else { '-' };
    let bits = (0..9).rev().zip("rwxrwxrwx".chars());
    std::iter::once(kind).chain(bits.map(|(bit, letter)| if mode >> bit & 1 == 1 { letter } else { '-' })).collect()
}

/// A piece of a file, and the size of the whole.
async fn piece(api: &Api, path: &str, offset: u64, length: Option<u64>) -> Result<(Vec<u8>, u64), Refused> {
    let real = resolve(api, path).await?;
    let failed = |error: std::io::Error| {
        Box::new(text(StatusCode::INTERNAL_SERVER_ERROR, &format!("Failed to read file at '{path}': {error}.\n")))
    };
    let mut file = tokio::fs::File::open(&real).await.map_err(failed)?;
    let metadata = file.metadata().await.map_err(failed)?;
    if !metadata.is_file() {
        return refuse(StatusCode::BAD_REQUEST, "Cannot read from a directory.\n");
    }
    let mut data = Vec::new();
    if offset < metadata.len() {
        file.seek(std::io::SeekFrom::Start(offset)).await.map_err(failed)?;
        file.take(length.unwrap_or(MAX_READ).min(MAX_READ)).read_to_end(&mut data).await.map_err(failed)?;
    }
    Ok((data, metadata.len()))
}

/// `/files/read`; with `offset=-1` only the size is asked for.
async fn read(api: &Api, path: &str, query: &str) -> Result<Value, Refused> {
    let number = |name: &str| match parameter(query, name) {
        None => Ok(None),
        Some(value) => value
            .parse::<i64>()
            .map(Some)
            .or_else(|_| refuse(StatusCode::BAD_REQUEST, format!("Failed to parse {name}: '{value}' is no number.\n"))),
    };
    let (offset, length) = (number("offset")?.unwrap_or(-1), number("length")?);
    if offset < -1 || length.is_some_and(|length| length < -1) {
        return refuse(StatusCode::BAD_REQUEST, "Negative offset or length provided.\n");
    }
    let Ok(start) = u64::try_from(offset) else {
        let (_, size) = piece(api, path, 0, Some(0)).await?;
        return Ok(json!({"data": "", "offset": size}));
    };
    let (data, _) = piece(api, path, start, length.and_then(|length| u64::try_from(length).ok())).await?;
    Ok(json!({"data": String::from_utf8_lossy(&data), "offset": start}))
}

/// The body of READ_FILE.
pub(super) async fn read_base64(api: &Api, path: &str, offset: u64, length: Option<u64>) -> Result<Value, Refused> {
    let (data, size) = piece(api, path, offset, length).await?;
    Ok(json!({"size": size, "data": base64::engine::general_purpose::STANDARD.encode(data)}))
}

async fn download(api: &Api, path: &str) -> Result<Response<Body>, Refused> {
    let real = resolve(api, path).await?;
    if real.is_dir() {
        return refuse(StatusCode::BAD_REQUEST, "Cannot download a directory.\n");
    }
    let Ok(file) = tokio::fs::File::open(&real).await else {
        return refuse(StatusCode::INTERNAL_SERVER_ERROR, format!("Failed to open '{path}'.\n"));
    };
    let body = Body::from_stream(tokio_util::io::ReaderStream::new(file));
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let name: String =
        real.file_name().map(|name| name.to_string_lossy().replace(['"', '\r', '\n'], "_")).unwrap_or_default();
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::host::Handle;

    fn api(work_dir: &Path) -> Api {
        let (agent, _) = Handle::new();
        Api { agent, work_dir: work_dir.to_owned(), stop: tokio_util::sync::CancellationToken::new() }
    }

    #[tokio::test]
    async fn only_sandboxes_are_read() {
        let work = tempfile::tempdir().unwrap();
        let sandbox = work.path().join("slaves/S/run");
        std::fs::create_dir_all(&sandbox).unwrap();
        std::fs::write(sandbox.join("stdout"), "hello world").unwrap();
        std::fs::write(work.path().join("secret"), "no").unwrap();
        std::os::unix::fs::symlink(work.path().join("secret"), sandbox.join("link")).unwrap();
        let api = api(work.path());
        let named = |path: &Path| path.display().to_string();

        let (data, size) = piece(&api, &named(&sandbox.join("stdout")), 6, Some(3)).await.unwrap();
        assert_eq!((data.as_slice(), size), (&b"wor"[..], 11));
        for outside in [named(&sandbox.join("link")), named(&work.path().join("secret")), "/etc/passwd".into()] {
            assert_eq!(piece(&api, &outside, 0, None).await.unwrap_err().status(), StatusCode::NOT_FOUND, "{outside}");
        }
        let around = format!("{}/../../../secret", sandbox.display());
        assert_eq!(piece(&api, &around, 0, None).await.unwrap_err().status(), StatusCode::NOT_FOUND);
        let listed = browse(&api, &named(&sandbox)).await.unwrap();
        assert!(listed.iter().any(|entry| entry["path"] == named(&sandbox.join("stdout"))));
    }

    #[tokio::test]
    async fn a_read_behind_the_end_is_empty_and_minus_one_asks_for_the_size() {
        let work = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(work.path().join("slaves")).unwrap();
        let file = work.path().join("slaves/f");
        std::fs::write(&file, "four").unwrap();
        let (api, path) = (api(work.path()), file.display().to_string());
        assert_eq!(read(&api, &path, "offset=-1").await.unwrap(), json!({"data": "", "offset": 4}));
        assert_eq!(read(&api, &path, "offset=9").await.unwrap(), json!({"data": "", "offset": 9}));
        assert_eq!(read(&api, &path, "offset=1&length=2").await.unwrap(), json!({"data": "ou", "offset": 1}));
        assert_eq!(read(&api, &path, "offset=-2").await.unwrap_err().status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn modes_look_as_ls_shows_them() {
        assert_eq!(mode(0o100_644), "-rw-r--r--");
        assert_eq!(mode(0o040_750), "drwxr-x---");
    }
}
