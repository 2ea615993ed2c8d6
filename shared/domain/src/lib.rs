//! The vocabulary of Countersign: typed ids, time as a value, gateway keys, the rows that a decision reads,
//! and [`AuditRecord`], the only message on the audit queue.
//!
//! # In scope
//! Types that cannot be wrong once parsed, and their text forms.
//!
//! # Out of scope
//! - Item formats and key layout of the tables: `tables`.
//! - What a caller may do: `policy`.
//! - HTTP status codes and dialects: each function's `event.rs`.
//! - Clocks and random generators: time and random bytes are parameters here (`aws::entropy`, `aws::clock`).

mod action;
mod approval;
mod canonical;
mod channels;
mod class;
mod code;
mod directory;
mod endpoint;
mod event;
mod facts;
mod gate;
mod id;
mod identity;
mod invitation;
mod key;
mod kill;
mod life;
mod limits;
mod metadata;
mod network;
mod offboard;
mod people;
mod reason;
mod record;
mod region;
mod sealed;
mod status;
mod time;
mod token;

pub use action::{ActionDigest, ActionError, ActionForm, DueRow, Run, RunRow};
pub use approval::{
    ApprovalId, ApprovalMessage, ApprovalRow, ApprovalRule, ApprovalState, ApprovalStep, Approvers, Asked,
    Escalation, NotCast, Quorum, Requester, Say, Vote,
};
pub use canonical::{CanonicalError, canonical_fields, canonical_json};
pub use channels::{Channels, SlackChannel, Webhook};
pub use class::DataClass;
pub use code::{Code, CodeError, Name, NameError};
pub use directory::{DirectoryGroupRow, DirectoryUserRow, FoundRow, Handles, ScimAccessRow};
pub use endpoint::ShortDigest;
pub use event::{ActorType, Decided, EventType, Phase};
pub use facts::{
    Agent, DlpPolicyRow, KeyRow, Lifecycle, Org, Owner, PolicyRow, Provider, ProviderKind, ProviderModel,
    Providers, RestoreField, Role, RootRow, Scopes, SubjectRow, Tenant, TokenRow, Uninspectable, User,
    WrappedRoot,
};
pub use gate::{
    ChannelsRow, CommentRow, DelegationRow, GateRow, LastRow, LinkRow, UntoldRow, ViewRow, VotedRow,
    WaitingRow,
};
pub use id::{
    ActionId, AgentId, ChangeId, ConnectionId, EventId, GroupId, IdError, KeyId, OrgId, PermitId, ProducerId,
    ProviderId, QueryId, ScimTokenId, SessionId, TenantId, UserId, WorkloadId,
};
pub use identity::{
    AdminsRow, AskedAs, BreakGlassRow, ChangeRow, ChangeState, ConnectionRow, GroupGrant, GroupRole,
    HandoffRow, IDLE_MS, InEpoch, OwnersRow, QueryRow, SessionClient, SessionEnd, SessionRow, Through,
    WorkloadRow,
};
pub use invitation::{InviteRow, TenantInvite, TenantInvitesRow};
pub use key::{GatewayKey, KeyError, KeyKind, SecretHash};
pub use kill::{KillLevel, KillRow, KillScope, KillWrite};
pub use life::{KeyState, KeyStepError, Previous};
pub use limits::{Day, Level, Limit, LimitsError, LimitsRow, MOST, Place, SHARDS, Unit, Window, Zone};
pub use metadata::{MetaValue, Metadata};
pub use network::{Network, NetworkError, Networks};
pub use offboard::{LeaveCause, Offboarding, OffboardingRow, ROTATE_WITHIN_MS, Sight};
pub use people::{
    AddressRow, DirectoryAccount, Person, PullRow, ScimSlots, ScimToken, ScimTokenRow, TeamRow,
};
pub use reason::Reason;
pub use record::{Actor, AuditRecord, Authority, Description, Digest, Opaque, RECORD_VERSION, RecordError};
pub use region::{Region, RegionError};
pub use sealed::{NotSealed, SealedBytes};
pub use status::{
    Availability, CanaryRow, CheckStatus, DrillKind, DrillRow, STATUS_VERSION, Share, Standing,
    StatusDocument, Verdict, check,
};
pub use time::{Timestamp, TimestampError};
pub use token::TokenDigest;
