//! Every refusal and every bad ending in one table: status, event, and what the caller is told.

use caller::told;
use domain::{EventType, Reason};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub reason: Reason,
    /// HTTP status (RFC 9110 section 15).
    pub status: u16,
    /// What the audit record calls it; nothing of its own: the event of the action that was asked for.
    pub event: Option<EventType>,
    /// Whether the same call can succeed later without a change.
    pub retry: bool,
    /// What is wrong and what to do. Fixed text: it can quote nothing.
    pub message: &'static str,
}

const ITS_OWN: Option<EventType> = None;
const AUTH: Option<EventType> = Some(EventType::AuthRefused);
const VIOLATION: Option<EventType> = Some(EventType::PolicyViolation);

macro_rules! table {
    ($($reason:ident, $status:literal, $event:ident, $retry:literal, $message:expr;)+) => {
        /// The table, in the order of decision.
        pub const TABLE: &[Row] = &[$(
            Row { reason: Reason::$reason, status: $status, event: $event, retry: $retry, message: $message },
        )+];
    };
}

table! {
    // before anybody is known: one uniform answer
    KeyMissing, 401, AUTH, false, told::BAD_KEY;
    KeyMalformed, 401, AUTH, false, told::BAD_KEY;
    KeyChecksum, 401, AUTH, false, told::BAD_KEY;
    KeyUnknown, 401, AUTH, false, told::BAD_KEY;
    KeySecretMismatch, 401, AUTH, false, told::BAD_KEY;
    KeyOtherRegion, 421, AUTH, false, told::OTHER_REGION;
    BodyTooLarge, 413, ITS_OWN, false, told::TOO_LARGE;
    TlsVersion, 403, AUTH, false, told::TLS_VERSION;
    // the key
    KeyRevoked, 401, AUTH, false, told::KEY_REVOKED;
    KeyExpired, 401, AUTH, false, told::KEY_EXPIRED;
    KeyNotActive, 401, AUTH, false, told::KEY_NOT_ACTIVE;
    KeyRotated, 401, AUTH, false, told::KEY_ROTATED;
    KeyRotationOverdue, 401, AUTH, false, told::KEY_ROTATION_OVERDUE;
    // the form
    UnknownPath, 404, VIOLATION, false, "unknown path: POST to /v1/detect, /v1/redact or /v1/restore, or GET /v1/openapi.json";
    MethodNotAllowed, 405, VIOLATION, false, "this path has another method: POST to detect, redact and restore, GET the others";
    ContentType, 415, ITS_OWN, false, told::CONTENT_TYPE;
    ContentEncoding, 415, ITS_OWN, false, told::CONTENT_ENCODING;
    InvalidUtf8, 400, ITS_OWN, false, told::INVALID_UTF8;
    InvalidJson, 400, ITS_OWN, false, told::INVALID_JSON;
    DuplicateKey, 400, ITS_OWN, false, told::DUPLICATE_KEY;
    NestedTooDeep, 400, ITS_OWN, false, told::NESTED_TOO_DEEP;
    InvalidField, 400, ITS_OWN, false, told::INVALID_FIELD;
    // who stands behind the key
    OwnerInactive, 403, AUTH, false, told::OWNER_INACTIVE;
    OwnerEpoch, 403, AUTH, false, told::OWNER_EPOCH;
    OrgInactive, 403, AUTH, false, told::ORG_INACTIVE;
    TenantInactive, 403, AUTH, false, told::TENANT_INACTIVE;
    AgentInactive, 403, AUTH, false, told::AGENT_INACTIVE;
    AgentOwnerInactive, 403, AUTH, false, told::AGENT_OWNER_INACTIVE;
    NetworkNotAllowed, 403, AUTH, false, told::NETWORK_NOT_ALLOWED;
    KilledPlatform, 503, VIOLATION, false, told::KILLED_PLATFORM;
    KilledOrg, 503, VIOLATION, false, told::KILLED_ORG;
    KilledTenant, 503, VIOLATION, false, told::KILLED_TENANT;
    KilledAgent, 503, VIOLATION, false, told::KILLED_AGENT;
    // what it may do
    ScopeMissing, 403, VIOLATION, false, told::SCOPE_MISSING;
    RouteNotAllowed, 403, VIOLATION, false, "this gateway key's scopes do not include this path";
    RoleForbids, 403, VIOLATION, false, told::ROLE_FORBIDS;
    ResidencyTenant, 403, VIOLATION, false, told::RESIDENCY_TENANT;
    SubjectErased, 403, VIOLATION, false, told::SUBJECT_ERASED;
    RedactionFailed, 400, VIOLATION, false, "the content could not be redacted, so it is not given back";
    ContentBlocked, 422, VIOLATION, false, "the policy blocks data of a type that the content holds: take it out";
    RateExceeded, 429, VIOLATION, true, "more than this gateway key may ask for in a minute: try again later";
    // our own house: refuse
    PolicyUnreadable, 503, ITS_OWN, false, "a DLP policy does not read, so nothing was done: its administrator must write it again";
    FactsUnavailable, 503, ITS_OWN, true, told::FACTS_UNAVAILABLE;
    AuditUnavailable, 503, ITS_OWN, true, told::AUDIT_UNAVAILABLE;
    RateUnavailable, 503, ITS_OWN, true, "the rate of requests or restores could not be counted, so nothing was done: try again";
    TokensUnavailable, 503, ITS_OWN, true, "what tokens stand for could not be kept or read, so nothing was done: try again";
    KeysUnavailable, 503, ITS_OWN, true, told::KEYS_UNAVAILABLE;
    KeysDestroyed, 403, ITS_OWN, false, told::KEYS_DESTROYED;
}

/// The row of a reason. Every reason that a call can end with has one; a test holds that true.
pub fn row(reason: Reason) -> Row {
    const UNLISTED: Row = Row {
        reason: Reason::FactsUnavailable,
        status: 500,
        event: ITS_OWN,
        retry: false,
        message: "the call was refused",
    };
    TABLE.iter().copied().find(|row| row.reason == reason).unwrap_or(UNLISTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What only a call of a model can end with, and what is no refusal.
    const NOT_HERE: [Reason; 49] = [
        Reason::Allowed,
        Reason::Completed,
        Reason::RouteUninspectable,
        Reason::ForeignIdentifier,
        Reason::Uninspectable,
        Reason::ResidencyProvider,
        Reason::ModelUnknown,
        Reason::ModelNotAllowed,
        Reason::ProviderNotAllowed,
        Reason::ConsentMissing,
        Reason::CallRepeated,
        Reason::IdempotencyMismatch,
        Reason::RepeatUnavailable,
        Reason::ProviderAddress,
        Reason::BreakerOpen,
        Reason::RouteUnsupported,
        Reason::Untranslatable,
        Reason::ToolForbidden,
        Reason::BudgetExceeded,
        Reason::PriceUnknown,
        Reason::BudgetUnavailable,
        Reason::TimeShort,
        Reason::ProviderUnreachable,
        Reason::ProviderTimeout,
        Reason::ProviderBroken,
        Reason::ProviderError,
        Reason::ProviderUnavailable,
        Reason::ProviderThrottled,
        Reason::ProviderRejected,
        Reason::ProviderCredential,
        Reason::ProviderMalformed,
        Reason::ProviderTooLarge,
        Reason::CallerGone,
        Reason::GateMissing,
        Reason::ActionForbidden,
        Reason::ApprovalPending,
        Reason::ApprovalDenied,
        Reason::ApprovalExpired,
        Reason::ApprovalCancelled,
        Reason::ApprovalUnknown,
        Reason::ApprovalConsumed,
        Reason::PermitInvalid,
        Reason::PermitExpired,
        Reason::PermitConsumed,
        Reason::PermitNotYours,
        Reason::OutcomeTold,
        Reason::GateUnreadable,
        Reason::ApprovalsUnavailable,
        Reason::SigningUnavailable,
    ];

    #[test]
    fn every_reason_has_exactly_one_row() {
        for reason in Reason::ALL.iter().filter(|reason| !NOT_HERE.contains(reason)) {
            assert_eq!(TABLE.iter().filter(|row| row.reason == *reason).count(), 1, "{reason}");
        }
        assert!(TABLE.iter().all(|row| !NOT_HERE.contains(&row.reason)));
    }

    /// Whoever guesses keys learns nothing from the answer.
    #[test]
    fn before_anybody_is_known_all_answers_are_alike() {
        let alike = [
            Reason::KeyMissing,
            Reason::KeyMalformed,
            Reason::KeyChecksum,
            Reason::KeyUnknown,
            Reason::KeySecretMismatch,
        ];
        let answers = alike.map(|reason| (row(reason).status, row(reason).message));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
