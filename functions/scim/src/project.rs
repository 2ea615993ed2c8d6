//! `attributes` and `excludedAttributes` (RFC 7644, section 3.9): which part of a resource an answer shows.

use serde_json::{Map, Value};

use crate::error::{ScimError, ScimType};
use crate::schema::{Kind, Named, Place, Returned, Schema, is_assigned};

/// Most names in one request.
pub const NAMES_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    Whole,
    /// These, and what is always returned.
    Only(Vec<Named>),
    /// All but these; what is always returned stays.
    Except(Vec<Named>),
}

impl Projection {
    /// Names that are not known choose nothing.
    ///
    /// # Errors
    /// `invalidValue`: both lists, or too many names.
    pub fn parse(kind: Kind, attributes: &[&str], excluded: &[&str]) -> Result<Self, ScimError> {
        let invalid = |detail: &str| Err(ScimError::bad(ScimType::InvalidValue, detail));
        if attributes.len() + excluded.len() > NAMES_MAX {
            return invalid("`attributes` and `excludedAttributes` have more than 100 names");
        }
        let known = |names: &[&str]| names.iter().filter_map(|name| kind.named(name)).collect();
        match (attributes, excluded) {
            ([], []) => Ok(Self::Whole),
            (only, []) => Ok(Self::Only(known(only))),
            ([], except) => Ok(Self::Except(known(except))),
            _ => invalid("`attributes` and `excludedAttributes` exclude one another: send one of them"),
        }
    }

    /// Whether anything of this attribute would be shown, so that what lies elsewhere need not be read for nothing.
    pub fn shows(&self, attribute: &str) -> bool {
        let named = |one: &Named| matches!(one, Named::At(place) if place.attribute.name == attribute);
        let wholly = |one: &Named| named(one) && matches!(one, Named::At(place) if place.sub.is_none());
        match self {
            Self::Whole => true,
            Self::Only(only) => only.iter().any(named),
            Self::Except(except) => !except.iter().any(wholly),
        }
    }

    /// Of a resource as `resource::render` makes it.
    pub fn apply(&self, kind: Kind, whole: &Value) -> Value {
        let Some(whole) = whole.as_object() else { return Value::Null };
        let mut shown = Map::new();
        for attribute in kind.attributes() {
            self.show(Place { extension: None, attribute, sub: None }, whole, &mut shown);
        }
        for schema in kind.extensions() {
            let part = self.extension(schema, whole);
            if !part.is_empty() {
                shown.insert(schema.id.to_owned(), Value::Object(part));
            }
        }
        Value::Object(shown)
    }

    fn extension(&self, schema: &'static Schema, whole: &Map<String, Value>) -> Map<String, Value> {
        let mut part = Map::new();
        for attribute in schema.attributes {
            self.show(Place { extension: Some(schema), attribute, sub: None }, whole, &mut part);
        }
        part
    }

    fn show(&self, place: Place, whole: &Map<String, Value>, into: &mut Map<String, Value>) {
        let part = place.attribute_in(whole).and_then(|value| self.part(&place, value));
        if let Some(part) = part.filter(is_assigned) {
            into.insert(place.attribute.name.to_owned(), part);
        }
    }

    fn part(&self, place: &Place, value: &Value) -> Option<Value> {
        let (list, only) = match self {
            Self::Only(list) => (list, true),
            Self::Except(list) => (list, false),
            Self::Whole => return Some(value.clone()),
        };
        if place.attribute.returned == Returned::Always {
            return Some(value.clone());
        }
        let chosen = Chosen::of(list, place);
        match (chosen, only) {
            (Chosen::Whole, true) | (Chosen::Nothing, false) => Some(value.clone()),
            (Chosen::Whole, false) | (Chosen::Nothing, true) => None,
            (Chosen::Subs(subs), only) => {
                Some(each(value, |element| filtered(element, |name| subs.contains(&name) == only)))
            }
        }
    }
}

enum Chosen {
    Whole,
    Subs(Vec<&'static str>),
    Nothing,
}

impl Chosen {
    fn of(list: &[Named], place: &Place) -> Self {
        let mut subs = Vec::new();
        for one in list {
            match one {
                Named::Extension(schema) if place.extension == Some(schema) => return Self::Whole,
                Named::At(at) if (at.extension, at.attribute) == (place.extension, place.attribute) => {
                    match at.sub {
                        Some(sub) => subs.push(sub.name),
                        None => return Self::Whole,
                    }
                }
                _ => {}
            }
        }
        if subs.is_empty() { Self::Nothing } else { Self::Subs(subs) }
    }
}

fn each(value: &Value, part: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(part).filter(is_assigned).collect(),
        one => part(one),
    }
}

fn filtered(element: &Value, keep: impl Fn(&str) -> bool) -> Value {
    let fields = element.as_object().into_iter().flatten().filter(|(name, _)| keep(name));
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE, USER};
    use serde_json::json;

    fn whole() -> Value {
        json!({
            "schemas": [USER, ENTERPRISE], "id": "u-1", "userName": "a", "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": "a@b", "type": "work"}, {"type": "home"}],
            ENTERPRISE: {"division": "D", "manager": {"value": "u-2"}},
            "meta": {"version": "W/\"1\"", "location": "https://x/Users/u-1"}
        })
    }

    fn shown(attributes: &[&str], excluded: &[&str]) -> Value {
        Projection::parse(Kind::User, attributes, excluded).unwrap().apply(Kind::User, &whole())
    }

    #[test]
    fn answers_show_what_was_asked() {
        let always = |more: Value| {
            let mut shown = json!({"schemas": [USER, ENTERPRISE], "id": "u-1"});
            shown.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            shown
        };
        assert_eq!(shown(&[], &[]), whole());
        for (names, expected) in [
            (&["USERNAME"][..], json!({"userName": "a"})),
            (&["shoeSize"], json!({})),
            (&["emails.value"], json!({"emails": [{"value": "a@b"}]})),
            (&["emails.display"], json!({})),
            (
                &["emails.value", "emails"],
                json!({"emails": [{"value": "a@b", "type": "work"}, {"type": "home"}]}),
            ),
            (
                &["name.givenName", "meta.version"],
                json!({"name": {"givenName": "A"}, "meta": {"version": "W/\"1\""}}),
            ),
            (&[ENTERPRISE], json!({ENTERPRISE: {"division": "D", "manager": {"value": "u-2"}}})),
            (&[&format!("{ENTERPRISE}:manager.value")], json!({ENTERPRISE: {"manager": {"value": "u-2"}}})),
            (&[&format!("{USER}:userName"), "id"], json!({"userName": "a"})),
        ] {
            assert_eq!(shown(names, &[]), always(expected), "{names:?}");
        }
    }

    #[test]
    fn answers_leave_out_what_was_not_wanted() {
        let without = |names: &[&str]| shown(&[], names);
        let mut expected = whole();
        for name in ["emails", ENTERPRISE, "meta"] {
            expected.as_object_mut().unwrap().shift_remove(name);
        }
        expected["name"] = json!({"givenName": "A"});
        let names = ["emails", "name.familyName", ENTERPRISE, "META", "id", "schemas", "shoeSize"];
        assert_eq!(without(&names), expected);
        assert_eq!(
            without(&[&format!("{ENTERPRISE}:division")])[ENTERPRISE],
            json!({"manager": {"value": "u-2"}})
        );
        assert_eq!(without(&["emails.type"])["emails"], json!([{"value": "a@b"}]));
    }

    #[test]
    fn what_is_not_shown_need_not_be_read() {
        let shows = |attributes: &[&str], excluded: &[&str]| {
            Projection::parse(Kind::Group, attributes, excluded).unwrap().shows("members")
        };
        assert!(shows(&[], &[]) && shows(&["members.value"], &[]) && shows(&[], &["members.value"]));
        assert!(!shows(&[], &["MEMBERS"]) && !shows(&["displayName"], &[]));
    }

    #[test]
    fn one_list_or_the_other() {
        assert!(Projection::parse(Kind::User, &["id"], &["name"]).is_err());
        assert!(Projection::parse(Kind::User, &["id"; NAMES_MAX], &[]).is_ok());
        assert!(Projection::parse(Kind::User, &["id"; NAMES_MAX + 1], &[]).is_err());
    }
}
