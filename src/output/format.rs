//! The values of `-o`.

use std::str::FromStr;

use serde_json::Value;

use super::jsonpath::{self, Template};

/// How objects are printed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Format {
    /// The server's Table.
    #[default]
    Table,
    /// The same with the columns that are usually left out.
    Wide,
    /// The objects in JSON.
    Json,
    /// The objects in YAML.
    Yaml,
    /// `type/name`, a line each.
    Name,
    /// Single fields.
    JsonPath(Template),
    /// A table of the user's own columns: heading and path.
    Columns(Vec<(String, Template)>),
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "wide" => Self::Wide,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "name" => Self::Name,
            _ => match text.split_once('=') {
                Some(("jsonpath", template)) => Self::JsonPath(template.parse()?),
                Some(("custom-columns", columns)) => Self::Columns(own_columns(columns)?),
                _ => {
                    let known = "wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=HEADING:PATH,…";
                    return Err(format!("it is one of {known}"));
                }
            },
        })
    }
}

/// `NAME:.metadata.name,IP:.status.podIP`.
fn own_columns(text: &str) -> Result<Vec<(String, Template)>, String> {
    text.split(',')
        .map(|column| {
            let (heading, path) = column.split_once(':').ok_or_else(|| format!("{column:?} is no HEADING:PATH"))?;
            Ok((heading.to_owned(), Template::path(path)?))
        })
        .collect()
}

/// The user's own cells of an object.
pub(crate) fn own_cells(columns: &[(String, Template)], object: &Value) -> Vec<String> {
    let cell = |path: &Template| {
        let texts: Vec<String> = path.values(object).into_iter().map(jsonpath::text).collect();
        if texts.is_empty() { "<none>".to_owned() } else { texts.join(",") }
    };
    columns.iter().map(|(_, path)| cell(path)).collect()
}

impl Format {
    /// Whether the server's Table is what is printed.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn own_columns_are_headings_and_paths() {
        let Ok(Format::Columns(columns)) = "custom-columns=NAME:.metadata.name,IMAGES:spec.images[*],X:.x".parse()
        else {
            panic!("it is a format");
        };
        let object = json!({"metadata": {"name": "a"}, "spec": {"images": ["i", "j"]}});
        assert_eq!(own_cells(&columns, &object), ["a", "i,j", "<none>"]);
        assert!("custom-columns=NAME".parse::<Format>().is_err());
    }
}
