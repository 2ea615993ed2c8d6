//! Filters (RFC 7644, section 3.4.2.2): a text becomes a tree over known attributes, and the tree is asked of resources.
//!
//! ```text
//! filter   = all *( "or" all )
//! all      = unit *( "and" unit )
//! unit     = [ "not" ] "(" filter ")" / test / element
//! test     = attribute ( "pr" / operator value )
//! element  = attribute "[" filter "]" [ "." sub operator value ]
//! ```
//! The last form's end is Entra's, and means another condition of the same element. Entra also leaves values of texts
//! without quotes.
//!
//! A condition on an attribute with several values holds when it does for any of them. `ne` holds where nothing is
//! assigned, but for `ne null`.

mod holds;
mod parse;
mod token;

use std::fmt::{self, Display as _};

use domain::Timestamp;
use serde_json::Value;

use crate::error::ScimError;
use crate::schema::{Attribute, Kind, Place, Type, fold};

pub(crate) use parse::element_path;

/// Longest text of a filter, in bytes.
pub const MAX_LENGTH: usize = 8_192;
/// Most brackets of either form within one another.
pub const MAX_DEPTH: usize = 32;
/// Most tests in one filter.
pub const MAX_TERMS: usize = 200;

/// Never empty in `All` and `Any`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test(Test),
    /// One element of the attribute fulfils all that is within; tests there name its sub-attributes.
    Element(Place, Box<Filter>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    pub at: At,
    pub op: Op,
    /// `Null` under `pr`.
    pub value: Literal,
}

/// What a test looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    Place(Place),
    /// Of the element at hand.
    Sub(&'static Attribute),
}

impl At {
    fn leaf(&self) -> &'static Attribute {
        match self {
            Self::Place(place) => place.leaf(),
            Self::Sub(sub) => sub,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
    Pr,
}

impl Op {
    pub const ALL: [Self; 10] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le, Self::Pr];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Pr => "pr",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str().eq_ignore_ascii_case(word))
    }

    /// Whether values of this type can be asked so.
    pub fn suits(self, kind: Type) -> bool {
        match self {
            Self::Pr => true,
            Self::Eq | Self::Ne => kind != Type::Complex,
            Self::Co | Self::Sw | Self::Ew => matches!(kind, Type::String | Type::Reference),
            Self::Gt | Self::Ge | Self::Lt | Self::Le => {
                matches!(kind, Type::String | Type::Reference | Type::DateTime)
            }
        }
    }
}

/// A value, of its attribute's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Unassigned: `null`, and the empty text under `eq` and `ne`, since no empty text is ever kept.
    Null,
    Text(String),
    Flag(bool),
    Time(Timestamp),
}

impl Filter {
    /// Reads a filter over resources of this kind.
    ///
    /// # Errors
    /// `invalidFilter`: over a limit, another grammar, an attribute that is not known, or an operator or value that does
    /// not suit its attribute. The detail says which.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, ScimError> {
        parse::filter(kind, text)
    }

    /// Whether a resource in canonical form, or one element of the attribute that the filter was within, fulfils it.
    pub fn matches(&self, scope: &Value) -> bool {
        scope.as_object().is_some_and(|scope| holds::filter(self, scope))
    }

    /// Whether it asks of nothing but these sub-attributes of an element.
    pub fn asks_only(&self, names: &[&str]) -> bool {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().all(|one| one.asks_only(names)),
            Self::Not(one) => one.asks_only(names),
            Self::Test(test) => names.contains(&test.at.leaf().name),
            Self::Element(..) => false,
        }
    }

    /// What every match must equal, so that a store may look there and nowhere else. The filter is still to be asked of
    /// what is found.
    pub fn lookups(&self) -> Vec<Lookup> {
        match self {
            Self::All(all) => all.iter().flat_map(Self::lookups).collect(),
            Self::Test(test) => test.lookup(None).into_iter().collect(),
            Self::Element(place, within) => within.lookups_within(place),
            Self::Any(_) | Self::Not(_) => Vec::new(),
        }
    }

    fn lookups_within(&self, place: &Place) -> Vec<Lookup> {
        match self {
            Self::All(all) => all.iter().flat_map(|one| one.lookups_within(place)).collect(),
            Self::Test(test) => test.lookup(Some(place)).into_iter().collect(),
            Self::Any(_) | Self::Not(_) | Self::Element(..) => Vec::new(),
        }
    }

    /// `value eq "a"`, or several of them with `or`: the values, when the filter of an element says no more than that.
    pub fn values(&self) -> Option<Vec<&str>> {
        match self {
            Self::Test(Test { at: At::Sub(sub), op: Op::Eq, value: Literal::Text(text) })
                if sub.name == "value" =>
            {
                Some(vec![text])
            }
            Self::Any(any) => Some(any.iter().map(Self::values).collect::<Option<Vec<_>>>()?.concat()),
            _ => None,
        }
    }
}

impl Test {
    fn lookup(&self, element_of: Option<&Place>) -> Option<Lookup> {
        let (Op::Eq, Literal::Text(text)) = (self.op, &self.value) else { return None };
        let place = match (self.at, element_of) {
            (At::Place(place), None) => place,
            (At::Sub(sub), Some(place)) => Place { sub: Some(sub), ..*place },
            _ => return None,
        };
        if place.extension.is_some() {
            return None;
        }
        let field = match (place.attribute.name, place.sub.map(|sub| sub.name)) {
            ("id", None) => Field::Id,
            ("userName", None) => Field::UserName,
            ("externalId", None) => Field::ExternalId,
            ("displayName", None) => Field::DisplayName,
            ("emails", Some("value")) => Field::Email,
            ("members", Some("value")) => Field::Member,
            ("groups", Some("value")) => Field::Group,
            _ => return None,
        };
        let value = if place.leaf().case_exact { text.clone() } else { fold(text) };
        Some(Lookup { field, value })
    }
}

/// One equality that an index can answer. The value is folded where case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    pub field: Field,
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Id,
    UserName,
    ExternalId,
    DisplayName,
    /// The address of any of a user's e-mails.
    Email,
    /// Groups that this user is in.
    Member,
    /// Users that are in this group.
    Group,
}

impl fmt::Display for Filter {
    /// A text that reads back as this filter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(all) => joined(f, all, " and "),
            Self::Any(any) => joined(f, any, " or "),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Test(test) => test.fmt(f),
            Self::Element(place, within) => write!(f, "{place}[{within}]"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, filters: &[Filter], word: &str) -> fmt::Result {
    for (n, filter) in filters.iter().enumerate() {
        if n > 0 {
            f.write_str(word)?;
        }
        match filter {
            Filter::All(_) | Filter::Any(_) => write!(f, "({filter})")?,
            _ => filter.fmt(f)?,
        }
    }
    Ok(())
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::Place(place) => place.fmt(f)?,
            At::Sub(sub) => f.write_str(sub.name)?,
        }
        write!(f, " {}", self.op.as_str())?;
        match &self.value {
            Literal::Null if self.op == Op::Pr => Ok(()),
            Literal::Null => f.write_str(" null"),
            Literal::Text(text) => write!(f, " {}", Value::from(text.as_str())),
            Literal::Flag(flag) => write!(f, " {flag}"),
            Literal::Time(time) => write!(f, " \"{time}\""),
        }
    }
}

#[cfg(test)]
mod tests;
