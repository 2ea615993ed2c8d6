//! A query as it is written, before its names are looked up.

use serde_json::Value;

use super::SCHEMA;
use crate::error::{ScimError, ScimType, shown};

#[derive(Debug, Default)]
pub(super) struct Raw<'q> {
    pub attributes: Vec<&'q str>,
    pub excluded: Vec<&'q str>,
    pub filter: Option<&'q str>,
    pub sort_by: Option<&'q str>,
    pub sort_order: Option<&'q str>,
    pub start: Option<Number>,
    pub count: Option<Number>,
    pub cursor: Option<&'q str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Of(i64),
    /// Something stands there, and it is no whole number.
    Not,
}

impl<'q> Raw<'q> {
    pub(super) fn from_parameters(parameters: &'q [(String, String)]) -> Result<Self, ScimError> {
        let mut raw = Self::default();
        let mut seen = Vec::new();
        for (name, value) in parameters {
            let name = name.to_ascii_lowercase();
            if !raw.take(&name, Given::Text(value))? {
                continue;
            }
            if seen.contains(&name) {
                let detail = format!("the parameter {} stands twice", shown(&name));
                return Err(ScimError::bad(ScimType::InvalidValue, detail));
            }
            seen.push(name);
        }
        Ok(raw)
    }

    pub(super) fn from_body(body: &'q Value) -> Result<Self, ScimError> {
        let syntax = |detail: String| ScimError::bad(ScimType::InvalidSyntax, detail);
        let mut raw = Self::default();
        let mut seen = Vec::new();
        for (key, value) in body.as_object().ok_or_else(|| syntax("the body is no JSON object".to_owned()))? {
            let name = key.to_ascii_lowercase();
            if name == "schemas" {
                schemas(value)?;
            } else if !value.is_null() && (!raw.take(&name, Given::Json(value))? || seen.contains(&name)) {
                return Err(syntax(format!("{} does not belong into a search, or stands twice", shown(key))));
            }
            seen.push(name);
        }
        Ok(raw)
    }

    /// Whether the name is one of a query's.
    fn take(&mut self, name: &str, given: Given<'q>) -> Result<bool, ScimError> {
        match name {
            "attributes" => self.attributes = given.names()?,
            "excludedattributes" => self.excluded = given.names()?,
            "filter" => self.filter = Some(given.text()?),
            "sortby" => self.sort_by = Some(given.text()?),
            "sortorder" => self.sort_order = Some(given.text()?),
            "startindex" => self.start = Some(given.number()),
            "count" => self.count = Some(given.number()),
            "cursor" => self.cursor = Some(given.text()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn schemas(value: &Value) -> Result<(), ScimError> {
    let is_ours = |one: &Value| one.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SCHEMA));
    match value.as_array() {
        Some(list) if list.iter().any(is_ours) => Ok(()),
        _ => Err(ScimError::bad(ScimType::InvalidSyntax, format!("`schemas` of a search is [\"{SCHEMA}\"]"))),
    }
}

#[derive(Clone, Copy)]
enum Given<'q> {
    Text(&'q str),
    Json(&'q Value),
}

impl<'q> Given<'q> {
    fn text(self) -> Result<&'q str, ScimError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Json(Value::String(text)) => Ok(text),
            Self::Json(_) => Err(ScimError::bad(
                ScimType::InvalidSyntax,
                "`filter`, `sortBy`, `sortOrder` and `cursor` are texts",
            )),
        }
    }

    fn number(self) -> Number {
        let number = match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Json(value) => value.as_i64(),
        };
        number.map_or(Number::Not, Number::Of)
    }

    /// A list, or names with commas between them.
    fn names(self) -> Result<Vec<&'q str>, ScimError> {
        let listed = match self {
            Self::Json(Value::Array(list)) => list.iter().map(Value::as_str).collect::<Option<Vec<_>>>(),
            Self::Json(Value::String(text)) => Some(vec![text.as_str()]),
            Self::Json(_) => None,
            Self::Text(text) => Some(vec![text]),
        };
        let listed = listed.ok_or_else(|| {
            ScimError::bad(
                ScimType::InvalidSyntax,
                "`attributes` and `excludedAttributes` are lists of names",
            )
        })?;
        let names = listed.into_iter().flat_map(|names| names.split(',')).map(str::trim);
        Ok(names.filter(|name| !name.is_empty()).collect())
    }
}
