//! What a client is shown: a kept document with what this service says about it.

use domain::Timestamp;
use serde_json::{Map, Value, json};

use crate::schema::Kind;

/// What this service says about a resource.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub id: &'a str,
    pub created: Timestamp,
    pub last_modified: Timestamp,
    /// The resource's whole address.
    pub location: &'a str,
    /// Its ETag, as the header has it: `W/"3"`.
    pub version: &'a str,
}

/// A member of a group, or a group of a user.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    pub id: &'a str,
    pub location: &'a str,
    pub display: Option<&'a str>,
}

/// The whole resource, in canonical form: filters, sorting and projection work on it. `links`: a group's members, or the
/// groups of a user.
pub fn render(kind: Kind, document: &Map<String, Value>, about: &About<'_>, links: &[Link<'_>]) -> Value {
    let mut whole = Map::new();
    let extensions = kind.extensions().iter().map(|one| one.id).filter(|id| document.contains_key(*id));
    whole.insert("schemas".to_owned(), std::iter::once(kind.core().id).chain(extensions).collect());
    whole.insert("id".to_owned(), about.id.into());
    whole.extend(document.iter().map(|(name, value)| (name.clone(), value.clone())));
    if !links.is_empty() {
        let name = match kind {
            Kind::User => "groups",
            Kind::Group => "members",
        };
        whole.insert(name.to_owned(), links.iter().map(|one| link(kind, one)).collect());
    }
    let meta = json!({
        "resourceType": kind.name(),
        "created": about.created.to_string(),
        "lastModified": about.last_modified.to_string(),
        "location": about.location,
        "version": about.version,
    });
    whole.insert("meta".to_owned(), meta);
    Value::Object(whole)
}

fn link(of: Kind, link: &Link<'_>) -> Value {
    let kind = match of {
        Kind::User => "direct",
        Kind::Group => Kind::User.name(),
    };
    let mut value = json!({"value": link.id, "$ref": link.location, "type": kind});
    if let (Some(map), Some(display)) = (value.as_object_mut(), link.display) {
        map.insert("display".to_owned(), display.into());
    }
    value
}
