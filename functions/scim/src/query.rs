//! Queries: parameters of an address and the body of `.search` mean the same (RFC 7644, sections 3.4.2 and 3.4.3; RFC 9865).

mod raw;
mod sort;

use serde_json::Value;

use crate::error::{ScimError, ScimType};
use crate::filter::Filter;
use crate::project::Projection;
use crate::schema::Kind;

use raw::{Number, Raw};
pub use sort::Sort;

/// Schema of the body of `.search`.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Resources on a page, when the client does not say.
pub const COUNT_DEFAULT: usize = 100;
/// Most resources on a page: 200 of 32 KiB each would already be more than one answer can hold, and none are that large.
pub const COUNT_MAX: usize = 200;
/// Longest cursor, in bytes.
pub const CURSOR_MAX: usize = 2_048;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub filter: Option<Filter>,
    pub sort: Option<Sort>,
    pub page: Page,
    pub projection: Projection,
}

/// `count` is at most [`COUNT_MAX`]; with 0 only the total is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// `start` is 1-based.
    Index { start: usize, count: usize },
    /// `after`: a cursor of ours, as the client sent it; `None`: the first page.
    Cursor { after: Option<String>, count: usize },
}

impl Query {
    /// From an address: names and values, decoded, in any order. Names that no query has are not looked at.
    ///
    /// # Errors
    /// `invalidFilter`, `invalidPath` for `sortBy`, `invalidCursor`, `invalidCount`, or `invalidValue`.
    pub fn from_parameters(kind: Kind, parameters: &[(String, String)]) -> Result<Self, ScimError> {
        let raw = Raw::from_parameters(parameters)?;
        Self::understood(kind, &raw, sort(kind, &raw)?)
    }

    /// From the body of `.search`.
    ///
    /// # Errors
    /// As [`Self::from_parameters`]; `invalidSyntax`: another form.
    pub fn from_body(kind: Kind, body: &Value) -> Result<Self, ScimError> {
        let raw = Raw::from_body(body)?;
        Self::understood(kind, &raw, sort(kind, &raw)?)
    }

    /// From the body of `.search` over all kinds. A kind whose attributes the filter does not know has nothing to be found,
    /// and is left out; all are sorted by one attribute, which those without it lack.
    ///
    /// # Errors
    /// As [`Self::from_body`], when it is understood of no kind.
    pub fn across(body: &Value) -> Result<Vec<(Kind, Self)>, ScimError> {
        let raw = Raw::from_body(body)?;
        let sort = all_good(Kind::ALL.map(|kind| sort(kind, &raw)))?.into_iter().next().flatten();
        all_good(Kind::ALL.map(|kind| Self::understood(kind, &raw, sort).map(|query| (kind, query))))
    }

    fn understood(kind: Kind, raw: &Raw<'_>, sort: Option<Sort>) -> Result<Self, ScimError> {
        Ok(Self {
            filter: raw.filter.map(|text| Filter::parse(kind, text)).transpose()?,
            sort,
            page: page(raw)?,
            projection: Projection::parse(kind, &raw.attributes, &raw.excluded)?,
        })
    }
}

fn sort(kind: Kind, raw: &Raw<'_>) -> Result<Option<Sort>, ScimError> {
    raw.sort_by.map(|by| Sort::parse(kind, by, raw.sort_order)).transpose()
}

/// All that succeeded, or else the last that did not.
fn all_good<T, const N: usize>(results: [Result<T, ScimError>; N]) -> Result<Vec<T>, ScimError> {
    let mut good = Vec::new();
    let mut bad = Ok(());
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(error) => bad = Err(error),
        }
    }
    if good.is_empty() {
        bad?;
    }
    Ok(good)
}

fn page(raw: &Raw<'_>) -> Result<Page, ScimError> {
    let number = |number: Option<Number>, name: &str, kind| match number {
        None => Ok(None),
        Some(Number::Of(number)) => Ok(Some(number)),
        Some(Number::Not) => Err(ScimError::bad(kind, format!("`{name}` is a whole number"))),
    };
    let count = |kind| {
        let count = number(raw.count, "count", kind)?;
        // Below zero counts as zero.
        let count = count.map_or(COUNT_DEFAULT, |count| usize::try_from(count).unwrap_or(0));
        Ok::<_, ScimError>(count.min(COUNT_MAX))
    };
    let start = number(raw.start, "startIndex", ScimType::InvalidValue)?;
    match (raw.cursor, start) {
        (None, start) => {
            let start = start.map_or(1, |start| usize::try_from(start).unwrap_or(1).max(1));
            Ok(Page::Index { start, count: count(ScimType::InvalidValue)? })
        }
        (Some(_), Some(_)) => Err(ScimError::bad(
            ScimType::InvalidValue,
            "`startIndex` and `cursor` are two ways of paging: send one of them",
        )),
        (Some(cursor), None) => {
            Ok(Page::Cursor { after: checked(cursor)?, count: count(ScimType::InvalidCount)? })
        }
    }
}

/// Empty: the first page.
fn checked(cursor: &str) -> Result<Option<String>, ScimError> {
    let plain = cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~=+/".contains(&byte));
    if cursor.len() > CURSOR_MAX || !plain {
        return Err(ScimError::cursor_unknown());
    }
    Ok((!cursor.is_empty()).then(|| cursor.to_owned()))
}

#[cfg(test)]
mod tests;
