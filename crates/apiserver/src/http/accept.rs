//! What a client wants to be answered: a format, and a form of the object.

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use kube_api::decode::Format;
use kube_api::{Status, protobuf};

/// The media types that are taken and given.
pub(crate) const OFFERED: &[&str] = &["application/json", "application/yaml", protobuf::MEDIA_TYPE];

/// In which shape objects are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Object,
    /// As rows for people, of this version of meta.k8s.io.
    Table(&'static str),
    /// Their metadata alone.
    Metadata(&'static str),
    /// A list's objects' metadata alone.
    MetadataList(&'static str),
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    /// How the answer is written.
    pub(crate) format: Format,
    /// The shape.
    pub(crate) form: Form,
    /// Whether the answer may be compressed.
    pub(crate) gzip: bool,
}

/// What is given to a client that accepts nothing of ours, where that does not matter.
pub(crate) const PLAIN: Accept = Accept { format: Format::Json, form: Form::Object, gzip: false };

/// The best of what the client accepts that is offered: the first in its order with the highest weight.
pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Accept, Status> {
    let gzip = accepts_gzip(headers);
    let text: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let text = text.join(",");
    if text.trim().is_empty() {
        return Ok(Accept { format: Format::Json, form: Form::Object, gzip });
    }
    let mut best: Option<(f32, Format, Form)> = None;
    for range in text.split(',') {
        if let Some((weight, format, form)) = understand(range)
            && weight > 0.0
            && best.is_none_or(|(heaviest, ..)| weight > heaviest)
        {
            best = Some((weight, format, form));
        }
    }
    let (_, format, form) = best.ok_or_else(|| {
        let known =
            text.split(',').filter_map(|range| range.split(';').next()).any(|name| OFFERED.contains(&name.trim()));
        if known { Status::not_acceptable(OFFERED) } else { Status::no_such_format(OFFERED) }
    })?;
    Ok(Accept { format, form, gzip })
}

/// The refusal of a table of what has no rows.
pub(crate) fn without_tables() -> Status {
    Status::not_acceptable(OFFERED)
}

/// How a request's body is written, by its content type; JSON where none is named.
pub(crate) fn body_format(headers: &HeaderMap) -> Result<Format, Status> {
    match content_type(headers).as_deref() {
        None | Some("" | "application/json" | "*/*") => Ok(Format::Json),
        Some("application/yaml" | "application/x-yaml" | "text/yaml") => Ok(Format::Yaml),
        Some(protobuf::MEDIA_TYPE) => Ok(Format::Protobuf),
        Some(_) => Err(Status::unsupported_media_type(OFFERED)),
    }
}

/// The content type without its parameters, in lower case.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
    Some(text.split(';').next().unwrap_or(text).trim().to_ascii_lowercase())
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0"))
    })
}

/// One media range: its weight, format and form, if it is one that is offered.
fn understand(range: &str) -> Option<(f32, Format, Form)> {
    let mut parts = range.split(';').map(str::trim);
    let format = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" | "*/*" => Format::Json,
        "application/yaml" => Format::Yaml,
        protobuf::MEDIA_TYPE => Format::Protobuf,
        _ => return None,
    };
    let (mut weight, mut shape, mut version, mut group) = (1.0, None, "", "");
    for part in parts {
        match part.split_once('=') {
            Some(("q", value)) => weight = value.parse().unwrap_or(1.0),
            Some(("as", value)) => shape = Some(value),
            Some(("v", value)) => version = value,
            Some(("g", value)) => group = value,
            _ => {}
        }
    }
    let Some(shape) = shape else { return Some((weight, format, Form::Object)) };
    let version = match (group, version) {
        ("meta.k8s.io", "v1") => "v1",
        ("meta.k8s.io", "v1beta1") => "v1beta1",
        _ => return None,
    };
    let form = match shape {
        // tables have no protobuf form
        "Table" if format != Format::Protobuf => Form::Table(version),
        "PartialObjectMetadata" => Form::Metadata(version),
        "PartialObjectMetadataList" => Form::MetadataList(version),
        _ => return None,
    };
    Some((weight, format, form))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(accept: &str) -> Option<(Format, Form)> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        negotiate(&headers).ok().map(|a| (a.format, a.form))
    }

    #[test]
    fn the_first_that_is_offered_is_given() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(agreed(table), Some((Format::Json, Form::Table("v1"))));
        let protobuf = "application/vnd.kubernetes.protobuf";
        assert_eq!(agreed(&format!("{protobuf}, application/json")), Some((Format::Protobuf, Form::Object)));
        assert_eq!(agreed(&format!("{protobuf};q=0.5, application/json")), Some((Format::Json, Form::Object)));
        assert_eq!(agreed(&format!("{protobuf};stream=watch")), Some((Format::Protobuf, Form::Object)));
        let partial = format!("{protobuf};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json");
        assert_eq!(agreed(&partial), Some((Format::Protobuf, Form::MetadataList("v1"))));
        let table = format!("{protobuf};as=Table;g=meta.k8s.io;v=v1");
        assert_eq!(agreed(&table), None);
        assert_eq!(agreed(&format!("{table},{protobuf}")), Some((Format::Protobuf, Form::Object)));
        assert_eq!(agreed("application/json;q=0.5,application/yaml"), Some((Format::Yaml, Form::Object)));
        assert_eq!(agreed("*/*"), Some((Format::Json, Form::Object)));
        assert_eq!(agreed("application/json;as=Table;v=v7;g=meta.k8s.io"), None);
        assert_eq!(agreed("text/html;q=0.1,application/json;q=0"), None);
    }

    #[test]
    fn bodies_are_json_unless_said_otherwise() {
        let typed = |text: &str| body_format(&HeaderMap::from_iter([(CONTENT_TYPE, text.parse().unwrap())]));
        assert_eq!(body_format(&HeaderMap::new()), Ok(Format::Json));
        assert_eq!(typed("application/json; charset=utf-8"), Ok(Format::Json));
        assert_eq!(typed("application/vnd.kubernetes.protobuf"), Ok(Format::Protobuf));
        assert_eq!(typed("application/yaml"), Ok(Format::Yaml));
        assert_eq!(typed("text/plain").unwrap_err().code, 415);
    }
}
