//! Every refusal and every bad ending in one table: status, dialect type, event, and what the caller is told.

use caller::told;
use domain::{EventType, Reason};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub reason: Reason,
    /// HTTP status (RFC 9110 section 15).
    pub status: u16,
    /// The dialect's error type.
    pub kind: &'static str,
    /// What the audit record calls it.
    pub event: EventType,
    /// Whether the same call can succeed later without a change: SDKs retry only then.
    pub retry: bool,
    /// What is wrong and what to do. Fixed text: it can quote nothing.
    pub message: &'static str,
}

const INVALID: &str = "invalid_request_error";
const AUTH: &str = "authentication_error";
const DENIED: &str = "permission_error";
const OURS: &str = "api_error";
const QUOTA: &str = "insufficient_quota";
const RATE: &str = "rate_limit_error";

macro_rules! table {
    ($($reason:ident, $status:literal, $kind:ident, $event:ident, $retry:literal, $message:expr;)+) => {
        /// The table, in the order of decision.
        pub const TABLE: &[Row] = &[$(
            Row {
                reason: Reason::$reason,
                status: $status,
                kind: $kind,
                event: EventType::$event,
                retry: $retry,
                message: $message,
            },
        )+];
    };
}

const PATHS: &str = "unknown path: POST to /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages or /v1/messages/count_tokens, or GET /v1/models";

table! {
    // before anybody is known: one uniform answer
    KeyMissing, 401, AUTH, AuthRefused, false, told::BAD_KEY;
    KeyMalformed, 401, AUTH, AuthRefused, false, told::BAD_KEY;
    KeyChecksum, 401, AUTH, AuthRefused, false, told::BAD_KEY;
    KeyUnknown, 401, AUTH, AuthRefused, false, told::BAD_KEY;
    KeySecretMismatch, 401, AUTH, AuthRefused, false, told::BAD_KEY;
    KeyOtherRegion, 421, INVALID, AuthRefused, false, told::OTHER_REGION;
    BodyTooLarge, 413, INVALID, LlmCall, false, told::TOO_LARGE;
    TlsVersion, 403, DENIED, AuthRefused, false, told::TLS_VERSION;
    // the key
    KeyRevoked, 401, AUTH, AuthRefused, false, told::KEY_REVOKED;
    KeyExpired, 401, AUTH, AuthRefused, false, told::KEY_EXPIRED;
    KeyNotActive, 401, AUTH, AuthRefused, false, told::KEY_NOT_ACTIVE;
    KeyRotated, 401, AUTH, AuthRefused, false, told::KEY_ROTATED;
    KeyRotationOverdue, 401, AUTH, AuthRefused, false, told::KEY_ROTATION_OVERDUE;
    // the form
    UnknownPath, 404, INVALID, PolicyViolation, false, PATHS;
    MethodNotAllowed, 405, INVALID, PolicyViolation, false, "this path has another method: call models by POST, and GET /v1/models";
    RouteUninspectable, 403, DENIED, PolicyViolation, false, "batches, files and stored responses are processed where nobody here can inspect them: send each call by itself";
    ContentType, 415, INVALID, LlmCall, false, told::CONTENT_TYPE;
    ContentEncoding, 415, INVALID, LlmCall, false, told::CONTENT_ENCODING;
    InvalidUtf8, 400, INVALID, LlmCall, false, told::INVALID_UTF8;
    InvalidJson, 400, INVALID, LlmCall, false, told::INVALID_JSON;
    DuplicateKey, 400, INVALID, LlmCall, false, told::DUPLICATE_KEY;
    NestedTooDeep, 400, INVALID, LlmCall, false, told::NESTED_TOO_DEEP;
    InvalidField, 400, INVALID, LlmCall, false, told::INVALID_FIELD;
    ForeignIdentifier, 403, DENIED, PolicyViolation, false, "the body names an organization or tenant that is not this key's: the key alone says for whom it acts";
    // who stands behind the key
    OwnerInactive, 403, DENIED, AuthRefused, false, told::OWNER_INACTIVE;
    OwnerEpoch, 403, DENIED, AuthRefused, false, told::OWNER_EPOCH;
    OrgInactive, 403, DENIED, AuthRefused, false, told::ORG_INACTIVE;
    TenantInactive, 403, DENIED, AuthRefused, false, told::TENANT_INACTIVE;
    AgentInactive, 403, DENIED, AuthRefused, false, told::AGENT_INACTIVE;
    AgentOwnerInactive, 403, DENIED, AuthRefused, false, told::AGENT_OWNER_INACTIVE;
    NetworkNotAllowed, 403, DENIED, AuthRefused, false, told::NETWORK_NOT_ALLOWED;
    KilledPlatform, 503, OURS, PolicyViolation, false, told::KILLED_PLATFORM;
    KilledOrg, 503, OURS, PolicyViolation, false, told::KILLED_ORG;
    KilledTenant, 503, OURS, PolicyViolation, false, told::KILLED_TENANT;
    KilledAgent, 503, OURS, PolicyViolation, false, told::KILLED_AGENT;
    // what it may do
    ScopeMissing, 403, DENIED, PolicyViolation, false, told::SCOPE_MISSING;
    RoleForbids, 403, DENIED, PolicyViolation, false, told::ROLE_FORBIDS;
    ConsentMissing, 403, DENIED, PolicyViolation, false, "the person whom this call is about has not consented to it";
    ResidencyTenant, 403, DENIED, PolicyViolation, false, told::RESIDENCY_TENANT;
    ModelUnknown, 404, INVALID, PolicyViolation, false, "no provider of this tenant has such a model: GET /v1/models lists them";
    ModelNotAllowed, 403, DENIED, PolicyViolation, false, "this gateway key's scopes do not include this model: GET /v1/models lists those it may use";
    RouteNotAllowed, 403, DENIED, PolicyViolation, false, "this gateway key's scopes do not include this path";
    ProviderNotAllowed, 403, DENIED, PolicyViolation, false, "this gateway key's scopes include none of this model's providers";
    ResidencyProvider, 403, DENIED, PolicyViolation, false, "the only provider of this model is outside the tenant's region";
    RouteUnsupported, 400, INVALID, PolicyViolation, false, "the provider of this model has no such route, and none that it could be translated to";
    Untranslatable, 400, INVALID, LlmCall, false, "a field has no counterpart in the dialect of this model's provider";
    ToolForbidden, 403, DENIED, PolicyViolation, false, "the tenant's policy forbids a tool of this name: leave it out, or ask the tenant's administrator";
    ProviderAddress, 502, OURS, PolicyViolation, false, "the provider's address is not allowed: it must be https and lead to a public address";
    BreakerOpen, 503, OURS, LlmCall, true, "every provider of this model in the tenant's region failed too often lately: try again after the seconds in retry-after";
    Uninspectable, 403, DENIED, PolicyViolation, false, "the call holds something that cannot be inspected, and the tenant's policy does not permit it";
    SubjectErased, 403, DENIED, PolicyViolation, false, told::SUBJECT_ERASED;
    RedactionFailed, 400, INVALID, PolicyViolation, false, "the body could not be redacted, so it was not sent";
    ContentBlocked, 403, DENIED, PolicyViolation, false, "the policy blocks data of a type that the call holds: take it out";
    BudgetExceeded, 429, QUOTA, BudgetExceeded, false, "the budget does not cover the worst case of this call";
    PriceUnknown, 403, DENIED, BudgetExceeded, false, "a limit in money bears on this call, and no price of its model is known: have the price written beside the provider's model";
    RateExceeded, 429, RATE, PolicyViolation, true, "more calls in a minute than this gateway key may make: try again later";
    CallRepeated, 409, INVALID, PolicyViolation, false, "this call was sent before, and is or was made then; its answer is not kept";
    IdempotencyMismatch, 422, INVALID, PolicyViolation, false, "another call was sent under this Idempotency-Key in the last 24 hours: send a new key with a new call";
    // our own house: refuse
    FactsUnavailable, 503, OURS, LlmCall, true, told::FACTS_UNAVAILABLE;
    AuditUnavailable, 503, OURS, LlmCall, true, told::AUDIT_UNAVAILABLE;
    BudgetUnavailable, 503, OURS, LlmCall, true, "the tenant's budget could not be held, so the call was not made: try again";
    RateUnavailable, 503, OURS, LlmCall, true, "the rate of this key's calls could not be counted, so the call was not made: try again";
    RepeatUnavailable, 503, OURS, LlmCall, true, "whether this call was made before could not be told, so it was not made: try again";
    TokensUnavailable, 503, OURS, LlmCall, true, "what the call's tokens stand for could not be kept, so the call was not made: try again";
    PolicyUnreadable, 503, OURS, LlmCall, false, "a DLP policy does not read, so the call was not made: its administrator must write it again";
    KeysUnavailable, 503, OURS, LlmCall, true, told::KEYS_UNAVAILABLE;
    KeysDestroyed, 403, DENIED, LlmCall, false, told::KEYS_DESTROYED;
    TimeShort, 503, OURS, LlmCall, true, "too little time is left for the call: try again";
    // how an allowed call ended
    ProviderUnreachable, 502, OURS, LlmCall, true, "the provider could not be reached; nothing was sent";
    ProviderTimeout, 504, OURS, LlmCall, false, "the provider did not answer in time; it may have processed the call";
    ProviderBroken, 502, OURS, LlmCall, false, "the connection to the provider broke; it may have processed the call";
    ProviderError, 502, OURS, LlmCall, false, "the provider answered with an error of its own; it may have processed the call";
    ProviderUnavailable, 503, OURS, LlmCall, true, "the provider is not available at the moment";
    ProviderThrottled, 429, OURS, LlmCall, true, "the provider is limiting the rate of calls";
    ProviderRejected, 400, INVALID, LlmCall, false, "the provider rejected the call's form";
    ProviderCredential, 502, OURS, LlmCall, false, "the provider rejected the credential that the tenant configured for it: the tenant's administrator replaces it";
    ProviderMalformed, 502, OURS, LlmCall, false, "the provider's answer was not what its dialect says";
    ProviderTooLarge, 502, OURS, LlmCall, false, "the provider's answer was too large";
    CallerGone, 499, OURS, LlmCall, false, "the caller went away before the answer ended";
}

/// The row of a reason. Every reason that a call can end with has one; a test holds that true.
pub fn row(reason: Reason) -> Row {
    const UNLISTED: Row = Row {
        reason: Reason::FactsUnavailable,
        status: 500,
        kind: OURS,
        event: EventType::LlmCall,
        retry: false,
        message: "the gateway refused the call",
    };
    TABLE.iter().copied().find(|row| row.reason == reason).unwrap_or(UNLISTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_elsewhere(reason: &Reason) -> bool {
        matches!(reason, Reason::Allowed | Reason::Completed) || Reason::OF_ACTIONS.contains(reason)
    }

    #[test]
    fn every_reason_has_exactly_one_row() {
        for reason in Reason::ALL.iter().filter(|reason| !is_elsewhere(reason)) {
            assert_eq!(TABLE.iter().filter(|row| row.reason == *reason).count(), 1, "{reason}");
        }
    }

    #[test]
    fn the_limits_in_the_texts_are_the_limits_in_force() {
        assert!(row(Reason::BodyTooLarge).message.contains(&caller::MAX_BODY_BYTES.to_string()));
        assert!(
            row(Reason::NestedTooDeep)
                .message
                .contains(&format!("more than {} levels", caller::json::MAX_DEPTH))
        );
        assert_eq!(caller::json::MAX_DEPTH, redact::MAX_DEPTH, "what is read is walked");
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
        let answers = alike.map(|reason| (row(reason).status, row(reason).kind, row(reason).message));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
