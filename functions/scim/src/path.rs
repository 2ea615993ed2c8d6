//! Paths of changes (RFC 7644, section 3.5.2): `attr`, `attr.sub`, `attr[filter]`, `attr[filter].sub`, each after a URN or
//! without one, and the URN of an extension alone.

use crate::error::{ScimError, ScimType, shown};
use crate::filter::{Filter, element_path};
use crate::schema::{Kind, Named, Place, Schema};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// Known, taken, and never kept: a password.
    Dropped,
    Extension(&'static Schema),
    At(Target),
}

/// What a change is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub place: Place,
    /// Which elements, of an attribute with several.
    pub filter: Option<Filter>,
}

impl From<Place> for Target {
    fn from(place: Place) -> Self {
        Self { place, filter: None }
    }
}

impl Path {
    /// # Errors
    /// `invalidPath`: another form, or an attribute that is not known; `invalidFilter`: what stands in brackets.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, ScimError> {
        let text = text.trim();
        if !text.contains('[') {
            return plain(kind, text);
        }
        let Some((place, filter, sub)) = element_path(kind, text)? else { return Err(unknown(text)) };
        if !place.attribute.multi {
            let name = place.attribute.name;
            let detail = format!("`{name}` has one value, so no brackets choose from it: leave them out");
            return Err(ScimError::bad(ScimType::InvalidPath, detail));
        }
        Ok(Self::At(Target { place: Place { sub, ..place }, filter: Some(filter) }))
    }
}

fn plain(kind: Kind, text: &str) -> Result<Path, ScimError> {
    match kind.named(text) {
        Some(Named::Extension(schema)) => Ok(Path::Extension(schema)),
        Some(Named::At(place)) => Ok(Path::At(place.into())),
        None if kind.is_dropped(text) => Ok(Path::Dropped),
        None => Err(unknown(text)),
    }
}

fn unknown(text: &str) -> ScimError {
    let detail = format!("the path {} is not in our schemas; /Schemas lists what is", shown(text));
    ScimError::bad(ScimType::InvalidPath, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE, USER};

    fn shape(path: &Path) -> String {
        match path {
            Path::Dropped => "dropped".to_owned(),
            Path::Extension(schema) => schema.id.to_owned(),
            Path::At(target) => match &target.filter {
                Some(filter) => format!("{} where {filter}", target.place),
                None => target.place.to_string(),
            },
        }
    }

    #[test]
    fn every_form_is_read() {
        for (text, means) in [
            ("active", "active"),
            ("NAME.familyname", "name.familyName"),
            ("emails.value", "emails.value"),
            ("password", "dropped"),
            (&format!("{USER}:Password"), "dropped"),
            (r#"emails[type eq "work"]"#, r#"emails where type eq "work""#),
            (r#"emails[type eq "work"].value"#, r#"emails.value where type eq "work""#),
            (
                r#"emails[type eq "a ] b" and primary eq true].value"#,
                r#"emails.value where type eq "a ] b" and primary eq true"#,
            ),
            (r#"addresses[type eq "work"].streetAddress"#, r#"addresses.streetAddress where type eq "work""#),
            (ENTERPRISE, ENTERPRISE),
            (&format!("{ENTERPRISE}:employeeNumber"), &format!("{ENTERPRISE}:employeeNumber")),
            (&format!("{ENTERPRISE}:manager.value"), &format!("{ENTERPRISE}:manager.value")),
            (&format!(r#"{USER}:emails[type eq "work"].value"#), r#"emails.value where type eq "work""#),
        ] {
            assert_eq!(shape(&Path::parse(Kind::User, text).unwrap()), means, "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for (text, kind) in [
            ("", ScimType::InvalidPath),
            ("shoeSize", ScimType::InvalidPath),
            ("emails.size", ScimType::InvalidPath),
            ("urn:x:User:userName", ScimType::InvalidPath),
            ("userName eq", ScimType::InvalidPath),
            (r#"name[givenName eq "a"]"#, ScimType::InvalidPath),
            ("emails[", ScimType::InvalidFilter),
            ("[type eq \"work\"]", ScimType::InvalidFilter),
            ("emails[]", ScimType::InvalidFilter),
            (r#"emails[type eq "work"].size"#, ScimType::InvalidFilter),
            (r#"emails[type eq "work"].value.more"#, ScimType::InvalidFilter),
            (r#"emails[type eq "work"] or"#, ScimType::InvalidFilter),
            (r#"emails[emails[type eq "a"]]"#, ScimType::InvalidFilter),
            (r#"userName[value eq "a"]"#, ScimType::InvalidFilter),
        ] {
            assert_eq!(Path::parse(Kind::User, text).unwrap_err().scim_type, Some(kind), "{text}");
        }
    }
}
