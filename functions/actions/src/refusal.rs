//! Every refusal and every bad ending in one table: status, event, and what the caller is told.

use caller::told;
use domain::{EventType, Reason};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub reason: Reason,
    /// HTTP status (RFC 9110 section 15).
    pub status: u16,
    /// What the audit record calls it; nothing of its own: the event of what was asked for.
    pub event: Option<EventType>,
    /// Whether the same request can succeed later without a change.
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
    PermitInvalid, 401, AUTH, false, "no permit of ours, or not for this: ask for the action again, and send the permit as it came";
    PermitExpired, 401, AUTH, false, "the permit's minute is over: the agent asks for the action again under the same idempotency key";
    // the key
    KeyRevoked, 401, AUTH, false, told::KEY_REVOKED;
    KeyExpired, 401, AUTH, false, told::KEY_EXPIRED;
    KeyNotActive, 401, AUTH, false, told::KEY_NOT_ACTIVE;
    KeyRotated, 401, AUTH, false, told::KEY_ROTATED;
    KeyRotationOverdue, 401, AUTH, false, told::KEY_ROTATION_OVERDUE;
    // the form
    UnknownPath, 404, VIOLATION, false, "unknown path: POST to /v1/actions, or GET /v1/approvals/{id}";
    MethodNotAllowed, 405, VIOLATION, false, "this path has another method: POST to /v1/actions and to permits, GET the others";
    ContentType, 415, ITS_OWN, false, told::CONTENT_TYPE;
    ContentEncoding, 415, ITS_OWN, false, told::CONTENT_ENCODING;
    InvalidUtf8, 400, ITS_OWN, false, told::INVALID_UTF8;
    InvalidJson, 400, ITS_OWN, false, told::INVALID_JSON;
    DuplicateKey, 400, ITS_OWN, false, told::DUPLICATE_KEY;
    NestedTooDeep, 400, ITS_OWN, false, told::NESTED_TOO_DEEP;
    InvalidField, 400, ITS_OWN, false, told::INVALID_FIELD;
    // who stands behind it
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
    GateMissing, 403, VIOLATION, false, "the tenant has no gate, so no action is allowed: its administrator writes one";
    ActionForbidden, 403, VIOLATION, false, "the tenant's gate does not allow this action";
    // what became of it before
    IdempotencyMismatch, 422, VIOLATION, false, "another action was asked for under this idempotency key: use one of its own for each action";
    ApprovalDenied, 403, VIOLATION, false, "people have denied the action: it is not asked again under this idempotency key";
    ApprovalExpired, 403, VIOLATION, false, "nobody decided in time, or the approval was not used in time: ask under a new idempotency key";
    ApprovalCancelled, 403, VIOLATION, false, "a kill switch was turned, or somebody on whom it hangs has left: ask under a new idempotency key";
    ApprovalConsumed, 409, VIOLATION, false, "the action was taken to be run already: a new one wants an idempotency key of its own";
    ApprovalUnknown, 404, VIOLATION, false, "this agent has no such request";
    PermitConsumed, 409, VIOLATION, false, "another has taken this permit: do not act";
    PermitNotYours, 403, VIOLATION, false, "only whoever took the permit tells what came of it";
    OutcomeTold, 409, VIOLATION, false, "another outcome was told already, or none in time: it stays as it is";
    RateExceeded, 429, VIOLATION, true, "more than this gateway key may ask for in a minute: try again later";
    // our own house: refuse
    GateUnreadable, 503, ITS_OWN, false, "the tenant's gate does not read or could not be evaluated, so nothing is allowed: its administrator must write it again";
    FactsUnavailable, 503, ITS_OWN, true, told::FACTS_UNAVAILABLE;
    AuditUnavailable, 503, ITS_OWN, true, told::AUDIT_UNAVAILABLE;
    RateUnavailable, 503, ITS_OWN, true, "the rate of requests could not be counted, so nothing was done: try again";
    ApprovalsUnavailable, 503, ITS_OWN, true, "approvals could not be written or read, so nothing was done: try again under the same idempotency key, or the same consumer";
    SigningUnavailable, 503, ITS_OWN, true, "the permit could not be signed: try again under the same idempotency key";
    KeysUnavailable, 503, ITS_OWN, true, told::KEYS_UNAVAILABLE;
    KeysDestroyed, 403, ITS_OWN, false, told::KEYS_DESTROYED;
}

/// The row of a reason. Every reason that a request can end with has one; a test holds that true.
pub fn row(reason: Reason) -> Row {
    const UNLISTED: Row = Row {
        reason: Reason::FactsUnavailable,
        status: 500,
        event: ITS_OWN,
        retry: false,
        message: "the request was refused",
    };
    TABLE.iter().copied().find(|row| row.reason == reason).unwrap_or(UNLISTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_of_an_action_has_exactly_one_row() {
        for reason in Reason::ALL {
            assert!(TABLE.iter().filter(|row| row.reason == *reason).count() <= 1, "{reason}");
        }
        let words = ["action_", "gate_", "permit_", "outcome_", "approval", "signing_"];
        let ours = |reason: &&Reason| words.iter().any(|word| reason.as_str().starts_with(word));
        for reason in Reason::ALL.iter().filter(ours).filter(|one| **one != Reason::ApprovalPending) {
            assert_eq!(TABLE.iter().filter(|row| row.reason == *reason).count(), 1, "{reason}");
        }
    }

    /// Whoever guesses keys learns nothing from the answer.
    #[test]
    fn before_anybody_is_known_all_answers_are_alike() {
        let alike = [Reason::KeyMissing, Reason::KeyMalformed, Reason::KeyUnknown, Reason::KeySecretMismatch];
        let answers = alike.map(|reason| (row(reason).status, row(reason).message));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}
