//! Why a call was refused, or how it ended: one catalogue, without status codes.

use std::fmt;
use std::str::FromStr;

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

catalogue! {
    /// A reason code as the record, the log and the caller see it.
    Reason {
        // Before anybody is known: never in a tenant's ledger.
        KeyMissing = "key_missing",
        KeyMalformed = "key_malformed",
        KeyChecksum = "key_checksum",
        KeyUnknown = "key_unknown",
        KeySecretMismatch = "key_secret_mismatch",
        BodyTooLarge = "body_too_large",
        /// The key names another region; nothing is read or forwarded.
        KeyOtherRegion = "key_other_region",

        /// The caller's connection used a TLS version below 1.3.
        TlsVersion = "tls_version",

        // The key itself.
        KeyExpired = "key_expired",
        KeyRevoked = "key_revoked",
        /// The key is to be used from a later moment on.
        KeyNotActive = "key_not_active",
        /// The secret was replaced, and its overlap is over.
        KeyRotated = "key_rotated",
        /// Somebody who has left saw the secret, and it was not replaced in time.
        KeyRotationOverdue = "key_rotation_overdue",

        // The form of the request.
        UnknownPath = "unknown_path",
        MethodNotAllowed = "method_not_allowed",
        /// A vendor's route by which the provider would keep content: batches, files, stored responses.
        RouteUninspectable = "route_uninspectable",
        ContentType = "content_type",
        ContentEncoding = "content_encoding",
        InvalidUtf8 = "invalid_utf8",
        InvalidJson = "invalid_json",
        DuplicateKey = "duplicate_key",
        NestedTooDeep = "nested_too_deep",
        InvalidField = "invalid_field",
        ForeignIdentifier = "foreign_identifier",

        // Who stands behind the key.
        OwnerInactive = "owner_inactive",
        OwnerEpoch = "owner_epoch",
        OrgInactive = "org_inactive",
        TenantInactive = "tenant_inactive",
        AgentInactive = "agent_inactive",
        /// The person who answers for the agent has left, or is not there.
        AgentOwnerInactive = "agent_owner_inactive",

        /// The call comes from outside the networks that the organization, the tenant or the key allows.
        NetworkNotAllowed = "network_not_allowed",

        // A kill switch above the caller is on.
        KilledPlatform = "killed_platform",
        KilledOrg = "killed_org",
        KilledTenant = "killed_tenant",
        KilledAgent = "killed_agent",

        // What the caller may do.
        ScopeMissing = "scope_missing",
        RoleForbids = "role_forbids",
        /// The person whom the call is about has not agreed to it.
        ConsentMissing = "consent_missing",
        Uninspectable = "uninspectable",
        ResidencyTenant = "residency_tenant",
        ResidencyProvider = "residency_provider",
        ModelUnknown = "model_unknown",
        ModelNotAllowed = "model_not_allowed",
        /// The key's scopes do not include this path.
        RouteNotAllowed = "route_not_allowed",
        /// The key's scopes include none of the model's providers.
        ProviderNotAllowed = "provider_not_allowed",
        ProviderAddress = "provider_address",
        /// Every provider that may be called for the model failed too often lately, or another call probes it.
        BreakerOpen = "breaker_open",
        /// The model's provider has no such route, and none that it could be translated to.
        RouteUnsupported = "route_unsupported",
        /// A field has no counterpart in the provider's dialect.
        Untranslatable = "untranslatable",
        ToolForbidden = "tool_forbidden",
        /// No gate of the tenant's lets this action pass, or one forbids it.
        ActionForbidden = "action_forbidden",
        /// The tenant has no gate: nothing is allowed.
        GateMissing = "gate_missing",
        /// The action waits for people.
        ApprovalPending = "approval_pending",
        ApprovalDenied = "approval_denied",
        ApprovalExpired = "approval_expired",
        ApprovalCancelled = "approval_cancelled",
        /// There is no such request of this agent's.
        ApprovalUnknown = "approval_unknown",
        /// It was consumed before.
        ApprovalConsumed = "approval_consumed",
        /// No permit, or none of ours.
        PermitInvalid = "permit_invalid",
        PermitExpired = "permit_expired",
        /// Somebody else consumed it.
        PermitConsumed = "permit_consumed",
        /// Nobody consumed it, or somebody else did: there is no outcome to tell.
        PermitNotYours = "permit_not_yours",
        /// The outcome was told already, and otherwise.
        OutcomeTold = "outcome_told",
        RedactionFailed = "redaction_failed",
        /// The policy says that a call with data of such a type is refused.
        ContentBlocked = "content_blocked",
        /// More tokens than the policy has restored in a minute.
        RateExceeded = "rate_exceeded",
        /// The same call was made before.
        CallRepeated = "call_repeated",
        /// Another call was sent under the same idempotency key.
        IdempotencyMismatch = "idempotency_mismatch",
        /// The person whom the call is said to be for was erased: their key was destroyed.
        SubjectErased = "subject_erased",
        BudgetExceeded = "budget_exceeded",
        /// A limit in money bears on the call, and nobody knows what its model costs.
        PriceUnknown = "price_unknown",

        // Our own house is not in order: refuse.
        FactsUnavailable = "facts_unavailable",
        AuditUnavailable = "audit_unavailable",
        BudgetUnavailable = "budget_unavailable",
        RateUnavailable = "rate_unavailable",
        /// Whether the call was made before is not known.
        RepeatUnavailable = "repeat_unavailable",
        /// What tokens stand for could not be kept, or read.
        TokensUnavailable = "tokens_unavailable",
        /// A DLP policy is there and does not read.
        PolicyUnreadable = "policy_unreadable",
        /// A gate is there and does not read, or could not be evaluated.
        GateUnreadable = "gate_unreadable",
        /// Approvals or permits could not be written or read.
        ApprovalsUnavailable = "approvals_unavailable",
        /// A permit could not be signed.
        SigningUnavailable = "signing_unavailable",
        KeysUnavailable = "keys_unavailable",
        /// The tenant's keys were destroyed: nothing of it can be sealed or opened again.
        KeysDestroyed = "keys_destroyed",
        TimeShort = "time_short",

        // An allowed call, and how it ended.
        Allowed = "allowed",
        Completed = "completed",
        ProviderUnreachable = "provider_unreachable",
        ProviderTimeout = "provider_timeout",
        ProviderBroken = "provider_broken",
        ProviderError = "provider_error",
        ProviderUnavailable = "provider_unavailable",
        ProviderThrottled = "provider_throttled",
        ProviderRejected = "provider_rejected",
        ProviderCredential = "provider_credential",
        ProviderMalformed = "provider_malformed",
        ProviderTooLarge = "provider_too_large",
        /// The caller went away before the answer ended.
        CallerGone = "caller_gone",
    }
}

impl Reason {
    /// What only an action of an agent's ends with.
    pub const OF_ACTIONS: [Self; 16] = [
        Self::GateMissing,
        Self::ActionForbidden,
        Self::ApprovalPending,
        Self::ApprovalDenied,
        Self::ApprovalExpired,
        Self::ApprovalCancelled,
        Self::ApprovalUnknown,
        Self::ApprovalConsumed,
        Self::PermitInvalid,
        Self::PermitExpired,
        Self::PermitConsumed,
        Self::PermitNotYours,
        Self::OutcomeTold,
        Self::GateUnreadable,
        Self::ApprovalsUnavailable,
        Self::SigningUnavailable,
    ];
}
