//! The order of results (RFC 7644, section 3.4.2.3).

use std::cmp::Ordering;

use domain::Timestamp;
use serde_json::Value;

use crate::error::{ScimError, ScimType, shown};
use crate::resource::value::is_primary;
use crate::schema::{Kind, Named, Place, Type, fold, is_assigned};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Of a complex attribute its `value`.
    pub by: Place,
    pub descending: bool,
}

/// Values of one attribute are of one variant.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Flag(bool),
    Time(Timestamp),
    Text(String),
    /// Last when ascending, first when descending.
    Unassigned,
}

impl Sort {
    /// # Errors
    /// `invalidPath`: not an attribute that has an order. `invalidValue`: another order than the two.
    pub fn parse(kind: Kind, by: &str, order: Option<&str>) -> Result<Self, ScimError> {
        let place = match kind.named(by.trim()) {
            Some(Named::At(place)) if place.leaf().is_complex() => {
                place.attribute.sub("value").map(|sub| Place { sub: Some(sub), ..place })
            }
            Some(Named::At(place)) => Some(place),
            _ => None,
        };
        let by = place.ok_or_else(|| {
            let detail = format!("nothing can be sorted by {}; /Schemas lists what there is", shown(by));
            ScimError::bad(ScimType::InvalidPath, detail)
        })?;
        let is = |word: &str| order.is_some_and(|order| order.eq_ignore_ascii_case(word));
        if order.is_some() && !is("ascending") && !is("descending") {
            let detail = "`sortOrder` is ascending or descending";
            return Err(ScimError::bad(ScimType::InvalidValue, detail));
        }
        Ok(Self { by, descending: is("descending") })
    }

    /// Equal ones stand by their `id`, so that pages do not overlap.
    pub fn compare(&self, a: &Value, b: &Value) -> Ordering {
        let order = self.rank(a).cmp(&self.rank(b));
        let order = if self.descending { order.reverse() } else { order };
        let id = |one: &Value| one.get("id").and_then(Value::as_str).map(str::to_owned);
        order.then_with(|| id(a).cmp(&id(b)))
    }

    /// Of several values the primary one, or the first.
    fn rank(&self, resource: &Value) -> Rank {
        let value = resource.as_object().and_then(|map| self.by.attribute_in(map));
        let one = match value {
            Some(Value::Array(list)) => list.iter().find(|one| is_primary(one)).or(list.first()),
            other => other,
        };
        let leaf = self.by.leaf();
        let value = self.by.sub.map_or(one, |sub| one.and_then(|one| one.get(sub.name)));
        match value.filter(|value| is_assigned(value)) {
            Some(Value::Bool(flag)) => Rank::Flag(*flag),
            Some(Value::String(text)) if leaf.kind == Type::DateTime => {
                Timestamp::from_rfc3339(text).map_or(Rank::Unassigned, Rank::Time)
            }
            Some(Value::String(text)) if leaf.case_exact => Rank::Text(text.clone()),
            Some(Value::String(text)) => Rank::Text(fold(text)),
            _ => Rank::Unassigned,
        }
    }
}
