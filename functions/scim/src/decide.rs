//! What a push changes: pure, from rows as they were read to conditional writes over exactly these.

pub mod groups;
pub mod users;

use std::collections::{BTreeMap, BTreeSet};

use domain::{DirectoryGroupRow, Role, TenantId};
use serde_json::{Map, Value};
use tables::CodecError;
use tables::directory::HandleFault;
use tables::standing::highest;

use crate::directory::Directory;
use crate::error::{ScimError, ScimType};

/// A kept document, see [`crate::resource`].
pub type Document = Map<String, Value>;

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The client is told.
    Refused(ScimError),
    /// A row does not read: nothing is decided on it.
    Unread,
}

impl From<ScimError> for Stop {
    fn from(error: ScimError) -> Self {
        Self::Refused(error)
    }
}

impl From<CodecError> for Stop {
    fn from(_: CodecError) -> Self {
        Self::Unread
    }
}

fn handles(fault: HandleFault, name: &str) -> Stop {
    match fault {
        HandleFault::Taken => Stop::Refused(ScimError::taken(name)),
        HandleFault::Crowded => {
            let detail = "too many resources have this externalId or e-mail address: give them their own";
            let error =
                ScimError { status: 409, scim_type: Some(ScimType::Uniqueness), detail: detail.into() };
            Stop::Refused(error)
        }
        HandleFault::Unread => Stop::Unread,
    }
}

/// A text of a document.
fn text<'d>(document: &'d Document, name: &str) -> Option<&'d str> {
    document.get(name).and_then(Value::as_str)
}

/// The roles that somebody's groups give, of all of them together.
pub fn wanted<'g>(
    directory: &Directory,
    groups: impl IntoIterator<Item = &'g DirectoryGroupRow>,
) -> BTreeMap<TenantId, Role> {
    let grants = groups.into_iter().flat_map(|group| directory.grants(&group.mapped_by));
    highest(grants.collect::<Vec<_>>())
}

/// Tenants in which a group gives roles: those in which somebody's may change with it.
pub fn tenants_of<'g>(
    directory: &Directory,
    groups: impl IntoIterator<Item = &'g DirectoryGroupRow>,
) -> BTreeSet<TenantId> {
    wanted(directory, groups).into_keys().collect()
}
