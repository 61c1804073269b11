//! The values of `-o`.

use std::str::FromStr;

use super::jsonpath::Template;

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
                _ => return Err("it is one of wide, json, yaml, name, jsonpath=TEMPLATE".to_owned()),
            },
        })
    }
}

impl Format {
    /// Whether the server's Table is what is printed.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}
