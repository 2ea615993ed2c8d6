//! The provider ends sessions (OpenID Connect Back-Channel Logout 1.0).

use domain::{ConnectionId, EventType, OrgId, SessionId, Timestamp, UserId};
use tables::{GateFault, Key, Marker, Swap, Table, end_session};

use crate::Rules;
use crate::ask::digest;
use crate::decide::admit;
use crate::effects::{Effects, PAGE};
use crate::records::{Entry, Scribe};
use crate::refusal::{Refused, Why};
use crate::response::Response;
use crate::signin::{random, refusal, scribe};
use crate::sso::jws::{Typ, Unverified};
use crate::sso::{Secret, logout};

impl Effects {
    /// Ends the sessions that a provider says are over. The token is verified as any other is; what it does not name stays.
    pub async fn logout(
        &self,
        rules: &Rules,
        id: &ConnectionId,
        token: Option<&str>,
        now: Timestamp,
    ) -> Response {
        match self.logged_out(rules, id, token, now).await {
            Ok(()) => Response::empty(200),
            Err(why @ (Why::FactsUnavailable | Why::AuditUnavailable | Why::ProviderUnavailable)) => {
                refusal(why)
            }
            // OpenID Connect Back-Channel Logout 1.0, section 2.8: whatever is wrong with it, 400.
            Err(_) => Response::problem(&Refused::from(Why::LogoutToken)),
        }
    }

    async fn logged_out(
        &self,
        rules: &Rules,
        id: &ConnectionId,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Why> {
        let ready = self.ready(id).await?;
        let token = Secret::new(token.ok_or(Why::LogoutToken)?);
        let kid = Unverified::parse(token.expose(), Typ::Or("logout+jwt")).map_err(|_| Why::LogoutToken)?;
        let (_, keys) = self.providers.documents(&ready.connection, kid.kid(), now).await?;
        let told = logout::verify(&token, &ready.connection, &keys, now).map_err(|fault| {
            tracing::warn!(connection = id.as_str(), %fault, "logout.refused");
            Why::LogoutToken
        })?;
        let org = &ready.row.org;
        let Some(subject) = &told.sub else { return Err(Why::LogoutToken) };
        let place = admit::link_of(org, &told.issuer, subject);
        let link = self.dynamo.get(&place).await.map_err(|_| Why::FactsUnavailable)?;
        let Some(user) = link.as_ref().and_then(admit::linked_user) else { return Ok(()) };
        self.unused(&told.issuer, &told.jti).await?;
        let scribe = scribe(rules.region, &ready.row, now)?.ending_sessions();
        let whose = format!("user:{user}");
        let attempt = scribe.logged_out(
            &whose,
            now,
            random()?,
            domain::Phase::Attempt,
            domain::Code::literal("allowed"),
        );
        self.audit.attempt(scribe.action_id, &[attempt]).await.map_err(|_| Why::AuditUnavailable)?;
        let ended = match self.end_sessions(org, &user, now).await {
            // Used up only when it has done its work: a provider tries again otherwise.
            Ok(()) => self.once(&told.issuer, &told.jti, now).await,
            Err(why) => Err(why),
        };
        let reason = Why::ended(ended);
        let _ = self
            .audit
            .record(&[scribe.logged_out(&whose, aws::now(), random()?, domain::Phase::Outcome, reason)])
            .await;
        ended
    }

    async fn unused(&self, issuer: &str, jti: &str) -> Result<(), Why> {
        let key = Key::sign_in(digest(&["countersign logout", issuer, jti]));
        let used = self.dynamo.get(&key).await.map_err(|_| Why::FactsUnavailable)?;
        if used.is_some() { Err(Why::LogoutToken) } else { Ok(()) }
    }

    /// A token ends sessions once: whoever has seen it cannot end later ones by it.
    async fn once(&self, issuer: &str, jti: &str, now: Timestamp) -> Result<(), Why> {
        let key = Key::sign_in(digest(&["countersign logout", issuer, jti]));
        let swap = Swap::create(key, Marker::item()).expiring(now.plus_millis(3_600_000));
        match self.dynamo.write_all(vec![swap.to_write()]).await {
            Ok(()) => Ok(()),
            Err(GateFault::Condition(_)) => Err(Why::LogoutToken),
            Err(GateFault::NotWritten | GateFault::Unknown) => Err(Why::FactsUnavailable),
        }
    }

    /// Every session of a person, page by page.
    async fn end_sessions(&self, org: &OrgId, user: &UserId, now: Timestamp) -> Result<(), Why> {
        let prefix = format!("SESSION#{user}#");
        let (pk, mut after) = (format!("ORG#{org}"), None::<String>);
        loop {
            let page = self.dynamo.page(Table::Identity, &pk, &prefix, after.as_deref(), PAGE).await;
            let page = page.map_err(|_| Why::FactsUnavailable)?;
            let ids = page.rows.iter().filter_map(|(key, _)| key.sk.strip_prefix(&prefix)?.parse().ok());
            let ids: Vec<SessionId> = ids.collect();
            for id in ids {
                match self.dynamo.update(end_session(&id, now)).await {
                    // A session that was cleaned away has ended.
                    Ok(()) | Err(GateFault::Condition(_)) => {}
                    Err(GateFault::NotWritten | GateFault::Unknown) => return Err(Why::FactsUnavailable),
                }
            }
            after = page.rows.last().map(|(key, _)| key.sk.clone()).filter(|_| page.more);
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

impl Scribe {
    fn ending_sessions(self) -> Self {
        Self { action: "sso.logout", event: EventType::AuthSession, ..self }
    }

    fn logged_out(
        &self,
        whose: &str,
        at: Timestamp,
        random: [u8; 10],
        phase: domain::Phase,
        reason: domain::Code,
    ) -> domain::AuditRecord {
        self.record(Entry { resource: Some(whose.to_owned()), ..Self::entry(at, random, phase, reason) })
    }
}
