//! The first organization: made by whoever IAM says, as the platform has verified it, and by nobody once the first
//! administrator has signed in.

use domain::{
    ActionId, Actor, ActorType, ConnectionId, Decided, EventType, InviteRow, Lifecycle, Metadata, Name, Org,
    OrgId, Phase, TenantId, Timestamp,
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
        self.bootstrapped(request, now).await.unwrap_or_else(|refused| Response::problem(&refused))
    }

    async fn bootstrapped(&self, request: &Request, now: Timestamp) -> Result<Response, Refused> {
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
        let made = made(&body, &self.effects.providers.forms(), new)?;
        let principal = told(&request.credential);
        let scribe = self.bootstrap_scribe(&made.org, ActionId::new(now, random()?));
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
        Scribe {
            region: self.rules.region,
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
