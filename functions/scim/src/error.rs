//! Refusals, as SCIM words them (RFC 7644, section 3.12; RFC 9865, section 2).
//!
//! A detail is read by an administrator of the identity provider: it says what to do. It holds names of attributes and
//! limits, never a value.

use serde_json::{Value, json};

/// Schema of every error's body.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Longest name of a client's that a detail repeats.
const SHOWN_MAX: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidVers,
    InvalidCursor,
    ExpiredCursor,
    InvalidCount,
}

impl ScimType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    pub status: u16,
    pub scim_type: Option<ScimType>,
    pub detail: String,
}

impl ScimError {
    /// 400 with a type.
    pub fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// A status that has no type of its own: 401, 403, 404, 412, 413, 501.
    pub fn plain(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    pub fn not_found() -> Self {
        Self::plain(404, "there is no such resource")
    }

    /// 409: `attribute` is taken, by whom is not said.
    pub fn taken(attribute: &str) -> Self {
        let detail = format!("another resource has this `{attribute}`");
        Self { status: 409, scim_type: Some(ScimType::Uniqueness), detail }
    }

    pub fn cursor_unknown() -> Self {
        Self::bad(ScimType::InvalidCursor, "this cursor is not one of ours: begin again without a cursor")
    }

    pub fn cursor_expired() -> Self {
        Self::bad(ScimType::ExpiredCursor, "this cursor has expired: begin again without a cursor")
    }

    /// The body of the answer. `status` is a string, as the RFC wants it.
    pub fn body(&self) -> Value {
        let mut body = json!({"schemas": [SCHEMA], "status": self.status.to_string(), "detail": self.detail});
        if let (Some(map), Some(kind)) = (body.as_object_mut(), self.scim_type) {
            map.insert("scimType".to_owned(), kind.as_str().into());
        }
        body
    }
}

/// A name of the client's, as a detail may repeat it: only what has the form of an attribute's name.
pub(crate) fn shown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "$-_:.".contains(c);
    if !name.is_empty() && name.len() <= SHOWN_MAX && name.chars().all(plain) {
        format!("`{name}`")
    } else {
        "a name that is none of an attribute".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_its_status_as_a_string() {
        let body = ScimError::bad(ScimType::NoTarget, "nothing matches").body();
        assert_eq!(
            body,
            json!({"schemas": [SCHEMA], "status": "400", "scimType": "noTarget", "detail": "nothing matches"})
        );
        assert_eq!(
            ScimError::not_found().body(),
            json!({"schemas": [SCHEMA], "status": "404", "detail": "there is no such resource"})
        );
        assert_eq!(ScimError::taken("userName").body()["scimType"], "uniqueness");
    }

    #[test]
    fn only_names_are_repeated() {
        assert_eq!(shown("urn:x:nick.name"), "`urn:x:nick.name`");
        for value in ["", "dana@acme.test", "Dana Levi", "a\0b", &"a".repeat(101)] {
            assert_eq!(shown(value), "a name that is none of an attribute");
        }
    }
}
