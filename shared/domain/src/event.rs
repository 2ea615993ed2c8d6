//! The event catalogue: every kind of thing that the audit trail can say.

use std::fmt;
use std::str::FromStr;

use crate::id::text_serde;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word outside the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not in the event catalogue")]
pub struct NotInCatalogue;

macro_rules! catalogue {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = NotInCatalogue;

            fn from_str(text: &str) -> Result<Self, NotInCatalogue> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(NotInCatalogue)
            }
        }

        text_serde!($name);
    };
}
pub(crate) use catalogue;

catalogue! {
    /// What happened. Names on the wire, see the architecture page, section 11.
    EventType {
        /// An agent's call to a model: an attempt and an outcome, or a single refusal of its form.
        LlmCall = "llm.call",
        /// A model asks for a tool to be run.
        ToolRequested = "tool.requested",
        /// A tool's result goes back to a model.
        ToolReturned = "tool.returned",
        /// An agent asks where a text holds data of detected types.
        DlpDetect = "dlp.detect",
        /// An agent has data of detected types taken out of a text.
        DlpRedact = "dlp.redact",
        /// An agent has tokens put back into what they stand for.
        DlpRestore = "dlp.restore",
        /// An agent asks for an action: an attempt and an outcome, or a single refusal.
        ActionRequested = "action.requested",
        /// A tool takes a permit, and may act.
        ActionConsumed = "action.consumed",
        /// A tool says what became of the action, or nobody did in time.
        ActionEnded = "action.ended",
        /// A request for approval waits for people.
        ApprovalRequested = "approval.requested",
        /// Somebody was shown a request for approval.
        ApprovalViewed = "approval.viewed",
        /// Somebody said yes or no.
        ApprovalVoted = "approval.voted",
        /// A request was approved or denied.
        ApprovalDecided = "approval.decided",
        /// Nobody decided a request in time.
        ApprovalExpired = "approval.expired",
        /// A request is over: a kill switch, or the leaving of somebody on whom it hangs.
        ApprovalCancelled = "approval.cancelled",
        /// People were told of a request, were reminded, or others were asked.
        ApprovalNotified = "approval.notified",
        /// An agent was told what became of its request, at the address that its tenant registered.
        ApprovalCalledBack = "approval.called_back",
        /// Somebody who is away agreed who stands in for them, or came back.
        ApprovalDelegated = "approval.delegated",
        /// Which actions need whom was changed.
        AdminGate = "admin.gate",
        /// How people and agents are told of requests for approval was changed.
        AdminChannels = "admin.channels",
        /// A call that a control refused.
        PolicyViolation = "policy.violation",
        /// A call that its budget refused.
        BudgetExceeded = "budget.exceeded",
        /// A limit is used up to 80, 90 or 100 percent: told once for each.
        BudgetAlert = "budget.alert",
        /// A call died before its hold was settled: its worst case counts as spent.
        BudgetOrphaned = "budget.orphaned",
        /// A known key was presented that may not be used any more.
        AuthRefused = "auth.refused",
        /// `countersign ops` wrote configuration.
        AdminSeed = "admin.seed",
        /// A provider's credential was replaced.
        AdminCredential = "admin.credential",
        /// What is taken out of calls was changed: a tenant's, an agent's or an organization's policy.
        AdminPolicy = "admin.policy",
        /// Limits of use were changed.
        AdminLimit = "admin.limit",
        /// Networks from which an organization, a tenant or a key may be used were changed.
        AdminNetwork = "admin.network",
        /// An organization was made or changed.
        AdminOrg = "admin.org",
        /// A tenant was made or changed.
        AdminTenant = "admin.tenant",
        /// An agent was registered or changed.
        AdminAgent = "admin.agent",
        /// A gateway key was made, rotated or revoked.
        AdminKey = "admin.key",
        /// A person's role was given, changed or taken away.
        AdminBinding = "admin.binding",
        /// A person was invited, deactivated or reactivated.
        AdminUser = "admin.user",
        /// A program that signs in by its platform's token was made or changed.
        AdminWorkload = "admin.workload",
        /// A team was made, named anew or removed.
        AdminTeam = "admin.team",
        /// A directory's token was made or revoked.
        AdminScimToken = "admin.scim_token",
        /// A directory pushed a person: made, changed, ended, let in again or taken away.
        ScimUser = "scim.user",
        /// A directory pushed a group, or who is in it.
        ScimGroup = "scim.group",
        /// A directory was given an access token for its client's secret.
        ScimAccess = "scim.access",
        /// A request of a known directory was refused.
        ScimRefused = "scim.refused",
        /// A connection to an identity provider was made or changed.
        AdminConnection = "admin.connection",
        /// A change that needs a second person was asked for, confirmed or withdrawn.
        AdminChange = "admin.change",
        /// A platform administrator's way into a tenant was asked for, opened, or closed.
        AdminBreakGlass = "admin.break_glass",
        /// A platform administrator looked into a tenant by a way that was opened.
        AdminRead = "admin.read",
        /// The audit trail was asked.
        AuditQuery = "audit.query",
        /// The first organization was made, by whoever IAM says.
        AdminBootstrap = "admin.bootstrap",
        /// A management request of somebody known was refused.
        AdminRefused = "admin.refused",
        /// A person signed in through an identity provider, or was not let in.
        AuthSignIn = "auth.sign_in",
        /// A session was ended.
        AuthSession = "auth.session",
        /// A code was given out by which a session goes to another place.
        AuthHandOff = "auth.handoff",
        /// A kill switch was turned on.
        KillActivated = "kill.activated",
        /// A kill switch was turned off.
        KillRecovered = "kill.recovered",
        /// A kill switch was turned on and off to see that it works, and how fast.
        DrillKill = "drill.kill",
        /// A provider of the canary's was away, to see that calls go to the next and come back.
        DrillProvider = "drill.provider",
        /// The writer of the ledger was away, to see that what waits is written afterwards and nothing is lost.
        DrillWriter = "drill.writer",
        /// A table was brought back from its backup beside the one that is used, to see that it can be.
        DrillRestore = "drill.restore",
        /// A provider was added to a tenant's list, or taken off it.
        AdminProvider = "admin.provider",
        /// A provider failed too often: calls to it stop for a while.
        BreakerOpened = "breaker.opened",
        /// A provider that had failed answers again.
        BreakerClosed = "breaker.closed",
        /// A root secret got a new version, rows were sealed again under it, or old versions were retired.
        KeyRotate = "key.rotate",
        /// Keys of a tenant or of one person were destroyed: what they sealed is unreadable from then on.
        KeyShred = "key.shred",
        /// A gateway key of somebody who has left was revoked.
        KeyRevoked = "key.revoked",
        /// A gateway key got a deadline: somebody who has left saw its secret.
        KeyRotationDue = "key.rotation_due",
        /// What somebody who has left held was gone through.
        AdminOffboarding = "admin.offboarding",
        /// Rows for SQL were made again from the ledger.
        LedgerRebuild = "ledger.rebuild",
        /// A tenant's log was given out.
        LedgerExport = "ledger.export",
    }
}

catalogue! {
    /// Which part of an action a record tells.
    Phase {
        /// Written before the effect; the effect does not start without its acknowledgement.
        Attempt = "attempt",
        /// Written after the effect, whatever became of it.
        Outcome = "outcome",
        /// An action that had no effect outside, such as a refusal.
        Single = "single",
    }
}

catalogue! {
    /// What the controls decided.
    Decided {
        Allow = "allow",
        Deny = "deny",
    }
}

catalogue! {
    /// Who acted.
    ActorType {
        Agent = "agent",
        User = "user",
        /// A directory that pushes people and groups.
        Directory = "directory",
        Operator = "operator",
        /// A program that signed in by its platform's token.
        Workload = "workload",
        System = "system",
    }
}
