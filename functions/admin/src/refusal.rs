//! Why a request is refused: one table of codes, with what the caller is told. Fixed texts: they can quote nothing.

use domain::Code;

/// A reason, as the record, the log and the caller see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    // Before anybody is known.
    SignInNeeded,
    SessionUnknown,
    SessionOtherRegion,
    TlsVersion,
    BodyTooLarge,
    SignInTooLarge,
    // The session itself.
    SessionRevoked,
    SessionExpired,
    SessionIdle,
    SessionEpoch,
    UserInactive,
    OrgInactive,
    ConnectionInactive,
    WorkloadInactive,
    HandoffPlace,
    HandoffCode,
    HandoffMost,
    WorkloadToken,
    CsrfHeader,
    // The form of the request.
    UnknownPath,
    MethodNotAllowed,
    ContentType,
    InvalidJson,
    InvalidField,
    DocumentFaults,
    // What may be done.
    NotFound,
    Forbidden,
    MfaRequired,
    AboveOwnLevel,
    OnSelf,
    LastOwner,
    SamePerson,
    // How things stand.
    PreconditionRequired,
    PreconditionFailed,
    AlreadyExists,
    Conflict,
    ChangeExpired,
    ChangeDone,
    KeyState,
    NewKeysStopped,
    RequesterGone,
    IdempotencyKey,
    NothingStopped,
    TenantInactive,
    TenantDeleted,
    PersonInactive,
    InUse,
    // Single sign-on.
    SignInFailed,
    SignInReplayed,
    LogoutToken,
    UniversalToken,
    UniversalClient,
    UniversalSubject,
    UniversalUnknown,
    UniversalUnnamed,
    NotAdmitted,
    GroupsUntold,
    Deprovisioned,
    ProviderUnavailable,
    // Our own house: refuse.
    FactsUnavailable,
    AuditUnavailable,
    NotConfirmed,
    QueryUnavailable,
    KeysUnavailable,
    DecisionFault,
}

/// What is told, and with which status (RFC 9110).
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub why: Why,
    pub code: &'static str,
    pub status: u16,
    pub detail: &'static str,
}

macro_rules! table {
    ($($why:ident, $code:literal, $status:literal, $detail:literal;)+) => {
        pub const TABLE: &[Row] = &[$(Row { why: Why::$why, code: $code, status: $status, detail: $detail }),+];

        impl Why {
            pub const fn row(self) -> Row {
                match self {
                    $(Self::$why => Row { why: Self::$why, code: $code, status: $status, detail: $detail },)+
                }
            }
        }
    };
}

table! {
    SignInNeeded, "sign_in_needed", 401, "sign in first: open /v1/sso/{connection}/login in a browser, or run countersign login";
    SessionUnknown, "sign_in_needed", 401, "sign in first: open /v1/sso/{connection}/login in a browser, or run countersign login";
    SessionOtherRegion, "session_other_region", 421, "this session belongs to another region: call the address of the region that it names";
    TlsVersion, "tls_version", 403, "connect with TLS 1.3: older versions are not taken here";
    BodyTooLarge, "body_too_large", 413, "the body is larger than 4194304 bytes (4 MiB): send less";
    SignInTooLarge, "body_too_large", 413, "what is sent here before anybody is known has at most 32768 bytes (32 KiB)";
    SessionRevoked, "session_revoked", 401, "this session was ended: sign in again";
    SessionExpired, "session_expired", 401, "this session has reached its limit: sign in again";
    SessionIdle, "session_idle", 401, "this session was not used for 30 minutes: sign in again";
    SessionEpoch, "session_ended", 401, "this session is from before a change of your account: sign in again";
    UserInactive, "user_inactive", 401, "this account is not active: ask your administrator";
    OrgInactive, "org_inactive", 403, "this organization is suspended: ask the platform's administrators";
    ConnectionInactive, "connection_inactive", 401, "sign-in by this identity provider was stopped: ask your administrator";
    WorkloadInactive, "workload_inactive", 401, "this program may not sign in any more: ask your administrator";
    HandoffPlace, "handoff_place", 400, "a session is handed to http://127.0.0.1:<port>/ or to an address that Terraform names, with a challenge of 43 characters and a state of 1 to 128 letters, digits and -_.~";
    HandoffCode, "handoff_code", 403, "this code was used, has ended or was asked for by another: begin again";
    HandoffMost, "handoff_most", 409, "this session was handed to 40 places: sign in again in the browser";
    WorkloadToken, "workload_token", 401, "this token is none of the workload's issuer, audience and subject, or has ended: ask the platform for a new one";
    CsrfHeader, "csrf_header", 403, "a browser's session changes things only with the header x-cs-csrf: 1";
    UnknownPath, "unknown_path", 404, "there is nothing at this path: see /v1/openapi.json";
    MethodNotAllowed, "method_not_allowed", 405, "this path is not called by this method: see /v1/openapi.json";
    ContentType, "content_type", 415, "send the body as application/json";
    InvalidJson, "invalid_json", 400, "the body is not the JSON text that this operation takes";
    InvalidField, "invalid_field", 400, "a field of the body is not as this operation takes it";
    DocumentFaults, "document_invalid", 422, "the document is not taken as a whole: `faults` says what is wrong with it, each with its place";
    NotFound, "not_found", 404, "there is no such thing, or none that you may see";
    Forbidden, "forbidden", 403, "your roles do not include this";
    MfaRequired, "mfa_required", 403, "this needs a session with a second factor: sign in again with one";
    AboveOwnLevel, "above_own_level", 403, "nobody grants a role above their own";
    OnSelf, "on_self", 403, "nobody changes their own roles: ask another administrator";
    LastOwner, "last_owner", 409, "the last owner cannot be removed: name another one first";
    SamePerson, "same_person", 403, "this needs a second person: whoever asked for it cannot confirm it";
    PreconditionRequired, "precondition_required", 428, "send the entity tag of the state that you saw: If-Match (or If-None-Match: * for the first)";
    PreconditionFailed, "precondition_failed", 412, "it has changed since you saw it: read it again";
    AlreadyExists, "already_exists", 409, "it is there already";
    Conflict, "conflict", 409, "another change came first: read it again";
    ChangeExpired, "change_expired", 409, "this change was not confirmed within 24 hours: ask for it again";
    ChangeDone, "change_done", 409, "this change was confirmed or withdrawn already";
    KeyState, "key_state", 409, "the state of the key does not allow this";
    NewKeysStopped, "new_keys_stopped", 409, "a kill switch stops the making of keys: recover it first";
    RequesterGone, "requester_gone", 409, "whoever asked for this change may not make it any more: ask for it anew";
    IdempotencyKey, "idempotency_key", 400, "an Idempotency-Key has 1 to 128 characters";
    NothingStopped, "nothing_stopped", 409, "nothing is stopped by this switch";
    TenantInactive, "tenant_inactive", 409, "this tenant is suspended";
    TenantDeleted, "tenant_deleted", 409, "this tenant was deleted, for good";
    PersonInactive, "person_inactive", 409, "somebody of this name was deactivated here: reactivate them instead";
    InUse, "in_use", 409, "something else still needs this";
    SignInFailed, "sign_in_failed", 403, "the identity provider's answer could not be accepted: begin again, or ask your administrator";
    SignInReplayed, "sign_in_replayed", 403, "this sign-in was used or has ended: begin again";
    LogoutToken, "logout_token", 400, "this is no logout token of this connection";
    UniversalToken, "universal_logout_token", 401, "this is no token of this connection's provider for this address, or it has ended or was used: make a new one";
    UniversalClient, "universal_logout_client", 403, "the provider asks for another client than this connection's, or for another provider's people";
    UniversalSubject, "universal_logout_subject", 400, "send {\"sub_id\": …} in the format iss_sub, email or opaque";
    UniversalUnknown, "universal_logout_unknown", 404, "nobody is known here by this";
    UniversalUnnamed, "universal_logout_unnamed", 422, "this does not tell one person of this connection: name them by the id that provider and directory have in common";
    NotAdmitted, "not_admitted", 403, "you are not known here: ask your administrator for an invitation";
    GroupsUntold, "groups_untold", 403, "you are new here, and in more groups than the identity provider told: try again, or ask your administrator to invite you or to limit the groups of the token, with Entra ID to grant the application User.Read and GroupMember.Read.All in Microsoft Graph";
    Deprovisioned, "deprovisioned", 403, "this account was ended by your organization";
    ProviderUnavailable, "idp_unavailable", 502, "the identity provider did not answer as it should: try again";
    FactsUnavailable, "facts_unavailable", 503, "what this depends on could not be read, so nothing was done: try again";
    AuditUnavailable, "audit_unavailable", 503, "this could not be recorded, so nothing was done: try again";
    NotConfirmed, "not_confirmed", 503, "the write was not confirmed and may have happened: read it again";
    QueryUnavailable, "query_unavailable", 503, "the log could not be asked now: try again in some seconds";
    KeysUnavailable, "keys_unavailable", 503, "the keys that this needs could not be used, so nothing was done: try again";
    DecisionFault, "decision_fault", 503, "whether you may do this could not be decided, so nothing was done: try again";
}

impl Why {
    /// As records take it.
    pub fn code(self) -> Code {
        Code::literal(self.row().code)
    }

    /// How something ended, as its outcome says.
    pub fn ended(ended: Result<(), Self>) -> Code {
        ended.map_or_else(Self::code, |()| Code::literal("completed"))
    }
}

/// A refusal: why, and where in the body. The place is built from names that we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub why: Why,
    /// JSON pointer into the body, or the name of a header.
    pub at: Option<String>,
    pub hint: Option<String>,
    /// Of a document that was checked as a whole: each fault's place and hint.
    pub faults: Vec<(String, String)>,
    /// Where what is there already can be read.
    pub location: Option<String>,
}

/// A row that does not read decides nothing.
impl From<tables::CodecError> for Why {
    fn from(_: tables::CodecError) -> Self {
        Self::FactsUnavailable
    }
}

impl From<Why> for Refused {
    fn from(why: Why) -> Self {
        Self { why, at: None, hint: None, faults: Vec::new(), location: None }
    }
}

impl Refused {
    pub fn at(why: Why, at: impl Into<String>, hint: impl ToString) -> Self {
        Self { at: Some(at.into()), ..Self::hint(why, hint) }
    }

    pub fn hint(why: Why, hint: impl ToString) -> Self {
        Self { hint: Some(hint.to_string()), ..why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn codes_have_one_status_each_and_no_text_could_quote() {
        let mut codes = BTreeMap::new();
        for row in TABLE {
            assert_eq!(*codes.entry(row.code).or_insert(row.status), row.status, "{}", row.code);
            assert!(row.code.parse::<Code>().is_ok(), "{}", row.code);
            assert!((400..=503).contains(&row.status));
        }
    }

    /// Whoever guesses sessions learns nothing from the answer.
    #[test]
    fn before_anybody_is_known_all_answers_are_alike() {
        let (one, other) = (Why::SignInNeeded.row(), Why::SessionUnknown.row());
        assert_eq!((one.code, one.status, one.detail), (other.code, other.status, other.detail));
    }
}
