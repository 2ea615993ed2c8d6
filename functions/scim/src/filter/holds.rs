//! Whether a filter holds of a resource or of an element.

use domain::Timestamp;
use serde_json::{Map, Value};

use super::{At, Filter, Literal, Op, Test};
use crate::schema::{Attribute, fold, is_assigned};

pub(super) fn filter(filter: &Filter, scope: &Map<String, Value>) -> bool {
    match filter {
        Filter::All(all) => all.iter().all(|one| self::filter(one, scope)),
        Filter::Any(any) => any.iter().any(|one| self::filter(one, scope)),
        Filter::Not(inner) => !self::filter(inner, scope),
        Filter::Test(one) => test(one, scope),
        Filter::Element(place, within) => match place.attribute_in(scope) {
            Some(Value::Array(list)) => list.iter().any(|one| within.matches(one)),
            Some(one) => within.matches(one),
            None => false,
        },
    }
}

fn test(test: &Test, scope: &Map<String, Value>) -> bool {
    let values = match test.at {
        At::Place(place) => place.values(scope),
        At::Sub(sub) => scope.get(sub.name).into_iter().filter(|value| is_assigned(value)).collect(),
    };
    match (test.op, &test.value) {
        (Op::Pr, _) | (Op::Ne, Literal::Null) => !values.is_empty(),
        (Op::Eq, Literal::Null) => values.is_empty(),
        (Op::Ne, wanted) => {
            values.is_empty() || values.iter().any(|value| !compare(test.at.leaf(), Op::Eq, value, wanted))
        }
        (op, wanted) => values.iter().any(|value| compare(test.at.leaf(), op, value, wanted)),
    }
}

fn compare(leaf: &Attribute, op: Op, value: &Value, wanted: &Literal) -> bool {
    match (value, wanted) {
        (Value::Bool(is), Literal::Flag(wanted)) => op == Op::Eq && is == wanted,
        (Value::String(is), Literal::Time(wanted)) => {
            Timestamp::from_rfc3339(is).is_ok_and(|is| ordered(op, &is, wanted))
        }
        (Value::String(is), Literal::Text(wanted)) if leaf.case_exact => texts(op, is, wanted),
        (Value::String(is), Literal::Text(wanted)) => texts(op, &fold(is), &fold(wanted)),
        _ => false,
    }
}

fn texts(op: Op, is: &str, wanted: &str) -> bool {
    match op {
        Op::Co => is.contains(wanted),
        Op::Sw => is.starts_with(wanted),
        Op::Ew => is.ends_with(wanted),
        other => ordered(other, is, wanted),
    }
}

fn ordered<T: PartialOrd + ?Sized>(op: Op, is: &T, wanted: &T) -> bool {
    match op {
        Op::Eq => is == wanted,
        Op::Gt => is > wanted,
        Op::Ge => is >= wanted,
        Op::Lt => is < wanted,
        Op::Le => is <= wanted,
        Op::Ne | Op::Co | Op::Sw | Op::Ew | Op::Pr => false,
    }
}
