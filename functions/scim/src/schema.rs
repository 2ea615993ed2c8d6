//! The attributes of users and groups, as data: parsing, filters, changes, projection and discovery are driven by it.

mod data;

use std::fmt;

use serde_json::{Map, Value};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What Entra lists among `schemas` of a group, and keeps nothing under.
pub const ADSCIM: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/";

/// How OneLogin names the core schema and the enterprise extension, among `schemas` and before an extension's values
/// (<https://github.com/goauthentik/authentik/issues/11249>).
const ONELOGIN_CORE: &str = "urn:scim:schemas:core:2.0";
const ONELOGIN_ENTERPRISE: &str = "urn:scim:schemas:extension:enterprise:2.0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    String,
    Boolean,
    DateTime,
    Reference,
    Binary,
    Complex,
}

impl Type {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::DateTime => "dateTime",
            Self::Reference => "reference",
            Self::Binary => "binary",
            Self::Complex => "complex",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    ReadOnly,
    ReadWrite,
    /// May be given once, with its element.
    Immutable,
}

impl Mutability {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
        }
    }
}

/// `request` and `never` (RFC 7643, section 7) are missing: no attribute here is returned so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    Always,
    Default,
}

impl Returned {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Default => "default",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    None,
    Server,
}

impl Uniqueness {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
        }
    }
}

/// One attribute or sub-attribute (RFC 7643, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    pub name: &'static str,
    pub kind: Type,
    pub multi: bool,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    pub uniqueness: Uniqueness,
    /// Values that are usual; others are taken too.
    pub canonical: &'static [&'static str],
    /// What a reference may point to.
    pub references: &'static [&'static str],
    pub description: &'static str,
    pub subs: &'static [Attribute],
}

impl Attribute {
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }

    pub fn is_complex(&self) -> bool {
        self.kind == Type::Complex
    }

    /// By its name in any case.
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        by_name(self.subs, name)
    }
}

fn by_name(list: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    list.iter().find(|one| one.name.eq_ignore_ascii_case(name))
}

#[derive(Debug, PartialEq, Eq)]
pub struct Schema {
    pub id: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub attributes: &'static [Attribute],
}

/// What a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }

    pub fn core(self) -> &'static Schema {
        match self {
            Self::User => &data::USER_SCHEMA,
            Self::Group => &data::GROUP_SCHEMA,
        }
    }

    pub fn extensions(self) -> &'static [&'static Schema] {
        match self {
            Self::User => &data::OF_USERS,
            Self::Group => &[],
        }
    }

    /// `id`, `schemas`, `meta` and `externalId`, then the attributes of the core schema.
    pub fn attributes(self) -> impl Iterator<Item = &'static Attribute> {
        data::COMMON.iter().chain(self.core().attributes)
    }

    /// What clients send and nobody keeps: the password that Okta sends even when it syncs none.
    pub fn is_dropped(self, name: &str) -> bool {
        let name = after_urn(name, self.core().id).unwrap_or(name);
        self == Self::User && name.eq_ignore_ascii_case("password")
    }

    /// Whether a URN, in any case, is that of the core schema.
    pub fn is_core(self, urn: &str) -> bool {
        [self.core().id, ONELOGIN_CORE].iter().any(|one| one.eq_ignore_ascii_case(urn))
    }

    /// By its URN in any case.
    pub fn extension(self, urn: &str) -> Option<&'static Schema> {
        let urn = if urn.eq_ignore_ascii_case(ONELOGIN_ENTERPRISE) { ENTERPRISE } else { urn };
        self.extensions().iter().copied().find(|one| one.id.eq_ignore_ascii_case(urn))
    }

    /// What `attr`, `attr.sub`, `URN:attr.sub` or an extension's URN means; names in any case.
    pub fn named(self, text: &str) -> Option<Named> {
        if let Some(extension) = self.extension(text) {
            return Some(Named::Extension(extension));
        }
        for schema in self.extensions() {
            if let Some(rest) = after_urn(text, schema.id) {
                return dotted(rest, |name| by_name(schema.attributes, name), Some(schema));
            }
        }
        let rest = after_urn(text, self.core().id).unwrap_or(text);
        dotted(rest, |name| self.attributes().find(|one| one.name.eq_ignore_ascii_case(name)), None)
    }
}

fn after_urn<'t>(text: &'t str, urn: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(urn.len())?;
    rest.strip_prefix(':').filter(|_| start.eq_ignore_ascii_case(urn))
}

fn dotted(
    text: &str,
    find: impl Fn(&str) -> Option<&'static Attribute>,
    extension: Option<&'static Schema>,
) -> Option<Named> {
    let (name, sub) = text.split_once('.').map_or((text, None), |(name, sub)| (name, Some(sub)));
    let attribute = find(name)?;
    let sub = match sub {
        Some(sub) => Some(attribute.sub(sub)?),
        None => None,
    };
    Some(Named::At(Place { extension, attribute, sub }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    Extension(&'static Schema),
    At(Place),
}

/// An attribute of a resource, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// `None`: at the top of the resource.
    pub extension: Option<&'static Schema>,
    pub attribute: &'static Attribute,
    pub sub: Option<&'static Attribute>,
}

impl Place {
    /// The attribute whose type its values have.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    pub fn is_read_only(&self) -> bool {
        self.attribute.is_read_only() || self.leaf().is_read_only()
    }

    /// The whole attribute, whatever the sub-attribute.
    pub fn attribute_in<'v>(&self, resource: &'v Map<String, Value>) -> Option<&'v Value> {
        let within = match self.extension {
            Some(schema) => resource.get(schema.id)?.as_object()?,
            None => resource,
        };
        within.get(self.attribute.name)
    }

    /// Takes the whole attribute out, and leaves a null in its place in the order.
    pub(crate) fn take(&self, resource: &mut Map<String, Value>) -> Option<Value> {
        let within = match self.extension {
            Some(schema) => resource.get_mut(schema.id)?.as_object_mut()?,
            None => resource,
        };
        within.get_mut(self.attribute.name).map(Value::take)
    }

    /// Every value at this place that is assigned.
    pub fn values<'v>(&self, resource: &'v Map<String, Value>) -> Vec<&'v Value> {
        let of = |one: &'v Value| match self.sub {
            Some(sub) => one.get(sub.name),
            None => Some(one),
        };
        let all: Vec<&Value> = match self.attribute_in(resource) {
            Some(Value::Array(list)) => list.iter().filter_map(of).collect(),
            Some(one) => of(one).into_iter().collect(),
            None => Vec::new(),
        };
        all.into_iter().filter(|value| is_assigned(value)).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = self.extension {
            write!(f, "{}:", schema.id)?;
        }
        f.write_str(self.attribute.name)?;
        self.sub.map_or(Ok(()), |sub| write!(f, ".{}", sub.name))
    }
}

/// Null, absent and empty are one (RFC 7643, section 2.5).
pub fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// How texts are compared where case does not count. Letter by letter, so that a text folds as its parts do.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: Kind, text: &str) -> Option<String> {
        match kind.named(text)? {
            Named::At(place) => Some(place.to_string()),
            Named::Extension(schema) => Some(format!("[{}]", schema.id)),
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_by_urn() {
        for (text, means) in [
            ("userName", Some("userName".to_owned())),
            ("USERNAME", Some("userName".to_owned())),
            ("name.GIVENname", Some("name.givenName".to_owned())),
            ("emails.$REF", None),
            ("groups.$ref", Some("groups.$ref".to_owned())),
            ("meta.lastmodified", Some("meta.lastModified".to_owned())),
            (&format!("{}:username", USER.to_uppercase()), Some("userName".to_owned())),
            (&format!("{ENTERPRISE}:Manager.Value"), Some(format!("{ENTERPRISE}:manager.value"))),
            (&ENTERPRISE.to_lowercase(), Some(format!("[{ENTERPRISE}]"))),
            (&format!("{ENTERPRISE}:userName"), None),
            ("employeeNumber", None),
            ("password", None),
            ("userName.x", None),
            ("name.", None),
            (".value", None),
            ("", None),
            ("urn:x:userName", None),
        ] {
            assert_eq!(at(Kind::User, text), means, "{text}");
        }
        assert_eq!(at(Kind::Group, "members.value"), Some("members.value".to_owned()));
        assert_eq!(at(Kind::Group, "userName"), None);
    }

    #[test]
    fn every_attribute_is_whole() {
        let all = Kind::ALL.iter().flat_map(|kind| {
            kind.attributes().chain(kind.extensions().iter().flat_map(|schema| schema.attributes))
        });
        for one in all.flat_map(|one| std::iter::once(one).chain(one.subs)) {
            assert!(!one.description.is_empty() && one.description.ends_with('.'), "{}", one.name);
            assert_eq!(one.is_complex(), !one.subs.is_empty(), "{}", one.name);
            assert!(one.kind != Type::Reference || one.case_exact, "{}", one.name);
            assert_eq!(one.kind == Type::Reference, !one.references.is_empty(), "{}", one.name);
        }
    }

    #[test]
    fn a_text_folds_as_its_parts_do() {
        assert_eq!(fold("ΑΣ"), fold("ασ"));
        assert_eq!(fold("Dana@ACME.test"), "dana@acme.test");
    }
}
