//! Refusals as data, and as their callers are told them: what functions for gateway keys refuse alike stands here once, and each
//! function's table adds what is its own.

use domain::{EventType, Reason};
use serde_json::{Value, json};

use crate::{Fault, Whole, title};

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub reason: Reason,
    /// HTTP status (RFC 9110 section 15).
    pub status: u16,
    /// What the audit record calls it; nothing of its own: the event of what was asked for.
    pub event: Option<EventType>,
    /// Whether the same call can succeed later without a change.
    pub retry: bool,
    /// What is wrong and what to do. Fixed text: it can quote nothing.
    pub message: &'static str,
}

pub const ITS_OWN: Option<EventType> = None;
pub const AUTH: Option<EventType> = Some(EventType::AuthRefused);
pub const VIOLATION: Option<EventType> = Some(EventType::PolicyViolation);

/// Rows as they are written: reason, status, event, whether to try again, message.
#[macro_export]
macro_rules! refusals {
    ($($reason:ident, $status:literal, $event:ident, $retry:literal, $message:expr;)+) => {
        &[$($crate::refusal::Row {
            reason: ::domain::Reason::$reason,
            status: $status,
            event: $crate::refusal::$event,
            retry: $retry,
            message: $message,
        }),+]
    };
}

/// What every function for gateway keys refuses alike, in the order of decision.
pub const ALIKE: &[Row] = refusals! {
    // before anybody is known: one uniform answer
    KeyMissing, 401, AUTH, false, crate::told::BAD_KEY;
    KeyMalformed, 401, AUTH, false, crate::told::BAD_KEY;
    KeyChecksum, 401, AUTH, false, crate::told::BAD_KEY;
    KeyUnknown, 401, AUTH, false, crate::told::BAD_KEY;
    KeySecretMismatch, 401, AUTH, false, crate::told::BAD_KEY;
    // the key
    KeyRevoked, 401, AUTH, false, crate::told::KEY_REVOKED;
    KeyExpired, 401, AUTH, false, crate::told::KEY_EXPIRED;
    KeyNotActive, 401, AUTH, false, crate::told::KEY_NOT_ACTIVE;
    KeyRotated, 401, AUTH, false, crate::told::KEY_ROTATED;
    KeyRotationOverdue, 401, AUTH, false, crate::told::KEY_ROTATION_OVERDUE;
    KeyOtherRegion, 421, AUTH, false, crate::told::OTHER_REGION;
    BodyTooLarge, 413, ITS_OWN, false, crate::told::TOO_LARGE;
    TlsVersion, 403, AUTH, false, crate::told::TLS_VERSION;
    // the form
    ContentType, 415, ITS_OWN, false, crate::told::CONTENT_TYPE;
    ContentEncoding, 415, ITS_OWN, false, crate::told::CONTENT_ENCODING;
    InvalidUtf8, 400, ITS_OWN, false, crate::told::INVALID_UTF8;
    InvalidJson, 400, ITS_OWN, false, crate::told::INVALID_JSON;
    DuplicateKey, 400, ITS_OWN, false, crate::told::DUPLICATE_KEY;
    NestedTooDeep, 400, ITS_OWN, false, crate::told::NESTED_TOO_DEEP;
    InvalidField, 400, ITS_OWN, false, crate::told::INVALID_FIELD;
    // who stands behind the key
    OwnerInactive, 403, AUTH, false, crate::told::OWNER_INACTIVE;
    OwnerEpoch, 403, AUTH, false, crate::told::OWNER_EPOCH;
    OrgInactive, 403, AUTH, false, crate::told::ORG_INACTIVE;
    TenantInactive, 403, AUTH, false, crate::told::TENANT_INACTIVE;
    AgentInactive, 403, AUTH, false, crate::told::AGENT_INACTIVE;
    AgentOwnerInactive, 403, AUTH, false, crate::told::AGENT_OWNER_INACTIVE;
    NetworkNotAllowed, 403, AUTH, false, crate::told::NETWORK_NOT_ALLOWED;
    KilledPlatform, 503, VIOLATION, false, crate::told::KILLED_PLATFORM;
    KilledOrg, 503, VIOLATION, false, crate::told::KILLED_ORG;
    KilledTenant, 503, VIOLATION, false, crate::told::KILLED_TENANT;
    KilledAgent, 503, VIOLATION, false, crate::told::KILLED_AGENT;
    // what it may do
    ScopeMissing, 403, VIOLATION, false, crate::told::SCOPE_MISSING;
    RouteNotAllowed, 403, VIOLATION, false, "this gateway key's scopes do not include this path";
    RoleForbids, 403, VIOLATION, false, crate::told::ROLE_FORBIDS;
    ResidencyTenant, 403, VIOLATION, false, crate::told::RESIDENCY_TENANT;
    RateExceeded, 429, VIOLATION, true, "more than this gateway key may ask for in a minute: try again later";
    // our own house: refuse
    FactsUnavailable, 503, ITS_OWN, true, crate::told::FACTS_UNAVAILABLE;
    AuditUnavailable, 503, ITS_OWN, true, crate::told::AUDIT_UNAVAILABLE;
    KeysUnavailable, 503, ITS_OWN, true, crate::told::KEYS_UNAVAILABLE;
    KeysDestroyed, 403, ITS_OWN, false, crate::told::KEYS_DESTROYED;
};

/// The row of a reason, of these or of a function's own. Every reason that a call can end with has one; each function's tests hold
/// that true.
pub fn row(own: &[Row], reason: Reason) -> Row {
    const UNLISTED: Row = Row {
        reason: Reason::FactsUnavailable,
        status: 500,
        event: ITS_OWN,
        retry: false,
        message: "the call was refused",
    };
    ALIKE.iter().chain(own).copied().find(|row| row.reason == reason).unwrap_or(UNLISTED)
}

/// A refusal as the caller is told it. Holds field names, numbers and names of types, never text of the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: Reason,
    pub param: Option<String>,
    pub hint: Option<String>,
    /// Types that a policy blocks.
    pub types: Vec<String>,
    pub retry_after: Option<u64>,
    /// Whether the same call can never succeed, although others of its reason can.
    pub for_good: bool,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, param: None, hint: None, types: Vec::new(), retry_after: None, for_good: false }
    }
}

impl From<Fault> for Refused {
    fn from(Fault { reason, param, hint }: Fault) -> Self {
        Self { param, hint, ..Self::from(reason) }
    }
}

impl Refused {
    /// Problem details (RFC 9457).
    fn problem(&self, row: &Row) -> Value {
        let hint = self.hint.as_deref();
        let detail = hint.map_or_else(|| row.message.to_owned(), |hint| format!("{} ({hint})", row.message));
        // The same word as of the gateway, whatever is wrong with a key.
        let of_key = row.status == 401 && ALIKE.iter().any(|one| one.reason == row.reason);
        let code = if of_key { "invalid_api_key" } else { self.reason.as_str() };
        let fields = [
            ("title", Some(json!(title(row.status)))),
            ("status", Some(json!(row.status))),
            ("detail", Some(json!(detail))),
            ("code", Some(json!(code))),
            ("param", self.param.as_ref().map(|param| json!(param))),
            ("types", (!self.types.is_empty()).then(|| json!(self.types))),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// As it is answered, by a function's own table.
    pub fn answer(&self, own: &[Row]) -> Whole {
        let row = row(own, self.reason);
        let mut answer = Whole::new(row.status, "application/problem+json", self.problem(&row).to_string())
            .with("x-should-retry", (row.retry && !self.for_good).to_string());
        if let Some(seconds) = self.retry_after {
            answer = answer.with("retry-after", seconds.to_string());
        }
        match row.status {
            405 => answer.with("allow", "GET, POST".to_owned()),
            401 => answer.with("www-authenticate", "Bearer".to_owned()),
            _ => answer,
        }
    }
}
