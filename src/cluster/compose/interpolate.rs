//! Placeholders of a compose file: `${NAME}`, `${NAME:-default}`, and `$$` for a dollar.

use std::collections::BTreeMap;

/// `text` with its placeholders replaced from `values`.
///
/// # Errors
/// What is wrong with it: an unknown name, or a dollar that begins no placeholder.
pub(crate) fn interpolate(text: &str, values: &BTreeMap<&str, String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (inner, after) = rest
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
            .ok_or_else(|| format!("`{text}`: a dollar that is meant is written `$$`"))?;
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        match (values.get(name), default) {
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => return Err(format!("`{text}`: unknown placeholder `{name}`")),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<String, String> {
        interpolate(text, &BTreeMap::from([("K8SM_INDEX", "2".to_owned())]))
    }

    #[test]
    fn placeholders_are_replaced() {
        assert_eq!(resolve("rack:${K8SM_INDEX};gen:201${K8SM_INDEX}").unwrap(), "rack:2;gen:2012");
        assert_eq!(resolve("${K8SM_ETCD_IMAGE:-etcd:3}").unwrap(), "etcd:3");
        assert_eq!(resolve("5$$ in ${K8SM_INDEX:-1}").unwrap(), "5$ in 2");
    }

    #[test]
    fn what_is_not_ours_is_refused_by_name() {
        assert!(resolve("${HOME}/x").unwrap_err().contains("`HOME`"));
        assert!(resolve("$HOME").unwrap_err().contains("`$HOME`"));
        assert!(resolve("${K8SM_INDEX").is_err());
    }
}
