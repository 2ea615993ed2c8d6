//! The first organization: made by whoever IAM says, as the platform has verified it, and by nobody once the first
//! administrator has signed in.

use domain::{
    ActionId, Actor, ActorType, AuditRecord, ConnectionId, Decided, EventType, InviteRow, Lifecycle,
    Metadata, Name, Org, OrgId, Phase, Region, TenantId, Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Attr, Item, Key, Marker, Swap, Switch};

use crate::decide;
use crate::decide::connections::{self, FormRules};
use crate::decide::people::{INVITED_MS, invite_digest};
use crate::event::{Credential, Request};
use crate::plan::NewSecret;
use crate::records::{Entry, Scribe};
use crate::refusal::{Refused, Why};
use crate::response::Response;
use crate::{Admin, Door};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: Name,
    /// Whom the identity provider knows by this verified address: owns the organization.
    owner_email: String,
    connection: Value,
}

/// What is written.
#[derive(Debug)]
pub struct Made {
    pub org: OrgId,
    pub connection: ConnectionId,
    /// The organization's row.
    pub row: Item,
    pub swaps: Vec<Swap>,
    pub secret: Option<NewSecret>,
}

/// Whether an ARN as the platform gives it is of the role that is trusted. A role's session stands for its role: AWS says
/// `arn:aws:sts::<account>:assumed-role/<role>/<session>` for `arn:aws:iam::<account>:role/<role>`.
pub fn is_trusted(arn: &str, trusted: Option<&str>) -> bool {
    let role = || {
        let (head, rest) = arn.split_once(":assumed-role/")?;
        let (role, _) = rest.split_once('/')?;
        Some(format!("{}:role/{role}", head.replacen(":sts:", ":iam:", 1)))
    };
    trusted.is_some() && role().as_deref() == trusted
}

/// Who it was, by the name of role or user: the account is this deployment's own.
fn told(credential: &Result<Credential, Why>) -> Metadata {
    let Ok(Credential::Iam(arn)) = credential else { return Metadata::default() };
    let name: String =
        arn.split('/').nth(1).unwrap_or_default().to_ascii_lowercase().chars().take(64).collect();
    let name = name.parse().unwrap_or_else(|_| domain::Code::literal("unnamed"));
    Metadata::default().with("principal", domain::MetaValue::Code(name))
}

fn action_of(now: Timestamp) -> Result<ActionId, Why> {
    Ok(ActionId::new(now, aws::random().map_err(|_| Why::FactsUnavailable)?))
}

fn refused_bootstrap(
    scribe: &Scribe,
    metadata: Metadata,
    why: Why,
    at: Timestamp,
    random: [u8; 10],
) -> AuditRecord {
    scribe.record(Entry {
        at,
        random,
        phase: Phase::Single,
        decision: Decided::Deny,
        reason: why.code(),
        authority: None,
        resource: None,
        metadata,
    })
}

/// Ids and moment of what is made.
#[derive(Debug)]
pub struct New {
    pub org: OrgId,
    pub connection: ConnectionId,
    pub now: Timestamp,
    /// Whether the owner administers the platform too.
    pub platform: bool,
}

/// The rows of an organization with its connection, its switch and the invitation of its owner.
///
/// # Errors
/// What is wrong with the body.
pub fn made(body: &Value, forms: &FormRules<'_>, new: New) -> Result<Made, Refused> {
    let Wanted { name, owner_email, connection } = crate::ask::read(body)?;
    let email = decide::email(&owner_email, "/owner_email")?;
    let New { org, connection: id, now, platform } = new;
    let mut item = Org { id: org.clone(), status: Lifecycle::Active, networks: None }.to_item();
    item.insert(decide::NAME.to_owned(), Attr::text(&name));
    let wanted = connections::wanted(&connection, &id, &org, forms)?;
    let (_, rows, secret) = connections::made(wanted);
    let expires_at = now.plus_millis(INVITED_MS);
    let invite = InviteRow {
        org: org.clone(),
        connection: id.clone(),
        platform,
        owner: true,
        tenant: None,
        invited_by: None,
        through: None,
        expires_at,
    };
    let at = Key::invite(&org, invite_digest(&id, email));
    let mut swaps = vec![
        Swap::create(Key::org(&org), item.clone()),
        Swap::create(Key::org_of_platform(&org), Marker::item()),
        Swap::create(at, invite.to_item()).expiring(expires_at),
    ];
    swaps.extend(decide::open_switch(&Switch::Org(org.clone())));
    swaps.extend(rows);
    Ok(Made { org, connection: id, row: item, swaps, secret })
}

/// The shape of the body.
pub fn schema() -> Value {
    json!({"type": "object", "required": ["name", "owner_email", "connection"], "additionalProperties": false, "properties": {
        "name": decide::NAME_SCHEMA.clone(),
        "owner_email": {"type": "string", "maxLength": 254, "description": "whom the identity provider must have verified: owns the organization"},
        "connection": connections::schema(),
    }})
}

impl Admin {
    pub(crate) async fn bootstrap(&self, request: &Request, door: Door, now: Timestamp) -> Response {
        let trusted = match &request.credential {
            Ok(Credential::Iam(arn)) => {
                door == Door::Bootstrap && is_trusted(arn, self.rules.bootstrap.as_deref())
            }
            _ => false,
        };
        if !trusted {
            return self.stranger(request, Why::SignInNeeded, now);
        }
        let bootstrapped = match self.bootstrap_wanted(request, now).await {
            Ok(made) => self.bootstrapped(request, made, now).await,
            Err(refused) => Err(self.not_bootstrapped(request, refused, now).await),
        };
        bootstrapped.unwrap_or_else(|refused| Response::problem(&refused))
    }

    /// What is to be made, as long as something may be.
    async fn bootstrap_wanted(&self, request: &Request, now: Timestamp) -> Result<Made, Refused> {
        let done = self.effects.dynamo.get(&Key::bootstrapped()).await.map_err(|_| Why::FactsUnavailable)?;
        if done.is_some() {
            return Err(Refused::hint(
                Why::Forbidden,
                "an administrator has signed in already: sign in instead",
            ));
        }
        let body = request.body.clone()?;
        let body: Value = serde_json::from_str(&body).map_err(|_| Why::InvalidJson)?;
        let random = || aws::random().map_err(|_| Refused::from(Why::FactsUnavailable));
        let (org, connection) = (OrgId::from_random(random()?), ConnectionId::from_random(random()?));
        let new = New { org, connection, now, platform: true };
        made(&body, &self.effects.providers.forms(), new)
    }

    /// Whoever IAM says is known: that they made nothing is told in the platform's log. The graver fault is told.
    async fn not_bootstrapped(&self, request: &Request, refused: Refused, now: Timestamp) -> Refused {
        let recorded = async {
            let random = || aws::random().map_err(|_| Why::FactsUnavailable);
            let scribe = self.bootstrap_scribe(&OrgId::platform(), action_of(now)?);
            let record = refused_bootstrap(&scribe, told(&request.credential), refused.why, now, random()?);
            self.effects.audit.record(&[record]).await.map_err(|_| Why::AuditUnavailable)
        };
        recorded.await.err().map_or(refused, Refused::from)
    }

    async fn bootstrapped(&self, request: &Request, made: Made, now: Timestamp) -> Result<Response, Refused> {
        let random = || aws::random().map_err(|_| Refused::from(Why::FactsUnavailable));
        let principal = told(&request.credential);
        let scribe = self.bootstrap_scribe(&made.org, action_of(now)?);
        let entry = |at, phase, reason, random| Entry {
            at,
            random,
            phase,
            decision: Decided::Allow,
            reason,
            authority: None,
            resource: Some(format!("org:{}", made.org)),
            metadata: principal.clone(),
        };
        let attempt = scribe.record(entry(now, Phase::Attempt, domain::Code::literal("allowed"), random()?));
        let recorded = self.effects.audit.attempt(scribe.action_id, &[attempt]).await;
        recorded.map_err(|_| Why::AuditUnavailable)?;
        let ended = self.effects.write_rows(made.swaps.clone(), made.secret.as_ref(), &[]).await;
        let reason = Why::ended(ended);
        let outcome = scribe.record(entry(aws::now(), Phase::Outcome, reason, random()?));
        let _ = self.effects.audit.record(&[outcome]).await;
        ended?;
        tracing::warn!(org = made.org.as_str(), "admin.bootstrap_used");
        let login = format!("{}/v1/sso/{}/login", self.origin(request), made.connection);
        let callback = crate::signin::callback_of(&self.origin(request), &made.connection);
        let body =
            json!({"org": made.org, "connection": made.connection, "login": login, "redirect_uri": callback});
        Ok(Response::json(201, &body))
    }

    fn bootstrap_scribe(&self, org: &OrgId, action_id: ActionId) -> Scribe {
        scribe(self.rules.region, org, action_id)
    }
}

fn scribe(region: Region, org: &OrgId, action_id: ActionId) -> Scribe {
    Scribe {
        region,
        action_id,
        actor: Actor::system(),
        actor_type: ActorType::System,
        method: "iam",
        session: None,
        mfa: None,
        request_id: None,
        org: org.clone(),
        tenant: TenantId::platform(),
        action: "bootstrap",
        event: EventType::AdminBootstrap,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the platform's own log, with the role that tried.
    #[test]
    fn a_refusal_after_the_first_administrator_names_the_role() {
        let now = Timestamp::from_unix_millis(1_790_000_000_000).unwrap();
        let arn = "arn:aws:sts::123456789012:assumed-role/Platform/dana";
        let scribe = scribe(Region::Eu, &OrgId::platform(), ActionId::new(now, [1; 10]));
        let metadata = told(&Ok(Credential::Iam(arn.to_owned())));
        let record = refused_bootstrap(&scribe, metadata, Why::Forbidden, now, [2; 10]);
        assert_eq!((&record.org_id, &record.tenant_id), (&OrgId::platform(), &TenantId::platform()));
        assert_eq!((record.decision, record.phase), (Decided::Deny, Phase::Single));
        assert_eq!((record.event_type, record.reason), (EventType::AdminBootstrap, Why::Forbidden.code()));
        let metadata = serde_json::to_value(&record.metadata).unwrap().to_string();
        assert!(metadata.contains("platform"), "{metadata}");
    }

    #[test]
    fn a_role_s_session_is_its_role_and_nobody_else() {
        let trusted = Some("arn:aws:iam::123456789012:role/platform");
        for (arn, ok) in [
            ("arn:aws:sts::123456789012:assumed-role/platform/dana", true),
            // No caller is a role itself.
            ("arn:aws:iam::123456789012:role/platform", false),
            ("arn:aws:sts::123456789012:assumed-role/platformer/dana", false),
            ("arn:aws:sts::999999999999:assumed-role/platform/dana", false),
            ("arn:aws:iam::123456789012:user/platform", false),
            ("arn:aws:sts::123456789012:assumed-role/platform", false),
            ("", false),
        ] {
            assert_eq!(is_trusted(arn, trusted), ok, "{arn}");
        }
        assert!(!is_trusted("arn:aws:sts::123456789012:assumed-role/platform/dana", None));
        for (invoked, door) in [
            ("arn:aws:lambda:eu-central-1:123456789012:function:cs-admin:bootstrap", Door::Bootstrap),
            ("arn:aws:lambda:eu-central-1:123456789012:function:cs-admin", Door::Public),
            ("arn:aws:lambda:eu-central-1:123456789012:function:cs-admin:$LATEST", Door::Public),
            ("", Door::Public),
        ] {
            assert_eq!(Door::of(invoked), door, "{invoked}");
        }
    }
}
