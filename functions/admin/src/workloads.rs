//! A program signs in by its platform's token, and gets a session for an hour at most, which ends with the token. Platforms hand
//! one token to all steps of a job: it may be shown more than once.

use std::collections::BTreeSet;

use domain::{
    ActionId, ActorType, EventType, Lifecycle, Org, SessionClient, SessionId, SessionRow, Tenant, Through,
    Timestamp, WorkloadId, WorkloadRow,
};
use serde::Deserialize;
use serde_json::Value;
use tables::Key;
use tables::codec::Row as _;

use crate::Admin;
use crate::ask::Rows;
use crate::event::Request;
use crate::handoff;
use crate::records::Scribe;
use crate::refusal::{Refused, Why};
use crate::response::Response;
use crate::signin::random;
use crate::sso::Secret;
use crate::sso::jws::{Typ, Unverified};
use crate::sso::workload::{self, Federation};
use crate::who;

/// How long a program's session lasts at most, however much it is used.
const SESSION_MS: u64 = 3_600_000;
/// Platforms' tokens stay below 4 KiB.
const TOKEN_BYTES_MAX: usize = 16 * 1_024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    workload: WorkloadId,
    token: String,
}

fn wanted(request: &Request) -> Result<Wanted, Refused> {
    let body: Value = serde_json::from_str(&request.body.clone()?).map_err(|_| Why::InvalidJson)?;
    let wanted: Wanted = crate::ask::read(&body)?;
    if wanted.token.len() > TOKEN_BYTES_MAX { Err(Why::WorkloadToken.into()) } else { Ok(wanted) }
}

/// Whether everything above a program is in good standing. Pure.
///
/// # Errors
/// What is not.
fn standing(row: &WorkloadRow, rows: &Rows) -> Result<(), Why> {
    let active = |status| status == Lifecycle::Active;
    let org = rows.get(&Key::org(&row.org)).map(Org::from_item).transpose();
    let tenant = rows.get(&Key::tenant(&row.tenant)).map(Tenant::from_item).transpose();
    let (org, tenant) = (org.map_err(|_| Why::FactsUnavailable)?, tenant.map_err(|_| Why::FactsUnavailable)?);
    match () {
        () if !active(row.status) => Err(Why::WorkloadInactive),
        () if !org.is_some_and(|org| active(org.status)) => Err(Why::OrgInactive),
        () if !tenant.is_some_and(|tenant| active(tenant.status) && tenant.org == row.org) => {
            Err(Why::TenantInactive)
        }
        () => who::answers(row, rows).map(drop),
    }
}

/// What is begun by a token ends with it.
fn session(row: &WorkloadRow, id: SessionId, token_ends: Timestamp, now: Timestamp) -> SessionRow {
    SessionRow {
        id,
        org: row.org.clone(),
        user: row.user.clone(),
        epoch: row.epoch,
        through: Through::Workload(row.id.clone()),
        client: SessionClient::Workload,
        created_at: now,
        seen_at: now,
        expires_at: now.plus_millis(SESSION_MS).min(token_ends),
        // A program has no second factor; what it may do says its role.
        mfa: false,
        revoked_at: None,
        root: None,
        handed: BTreeSet::new(),
        sid: None,
    }
}

impl Admin {
    pub(crate) async fn workload(&self, request: &Request, now: Timestamp) -> Response {
        let wanted = match wanted(request) {
            Ok(wanted) => wanted,
            Err(refused) => return Response::problem(&refused),
        };
        // Before a token has verified nobody is known: whoever knows an id of ours is blamed on nobody.
        match self.proven(&wanted, now).await {
            Ok((row, rows, token_ends)) => {
                let begun = self.begin(&row, &rows, token_ends, now).await;
                begun.unwrap_or_else(|why| Response::problem(&why.into()))
            }
            Err(why) => self.stranger(request, why, now),
        }
    }

    async fn proven(&self, wanted: &Wanted, now: Timestamp) -> Result<(WorkloadRow, Rows, Timestamp), Why> {
        let unread = |_| Why::FactsUnavailable;
        let key = Key::workload(&wanted.workload);
        let item = self.effects.dynamo.get(&key).await.map_err(unread)?.ok_or(Why::WorkloadToken)?;
        let row = WorkloadRow::from_item(&item).map_err(|_| Why::FactsUnavailable)?;
        let federation: Federation =
            serde_json::from_str(&row.federation).map_err(|_| Why::FactsUnavailable)?;
        let token = Secret::new(&wanted.token);
        let kid = Unverified::parse(token.expose(), Typ::Plain).map_err(|_| Why::WorkloadToken)?;
        let keys = self.effects.providers.keys(&federation.issuer, kid.kid(), now).await?;
        let proven = workload::verify(&token, &federation, &keys, now).map_err(|fault| {
            tracing::warn!(workload = row.id.as_str(), %fault, "workload.refused");
            Why::WorkloadToken
        })?;
        // A clock's difference is borne, and begins nothing that has ended.
        if proven.expires <= now {
            return Err(Why::WorkloadToken);
        }
        let owner = row.owner.as_ref().map(|owner| Key::user(&row.org, &owner.user));
        let keys: Vec<Key> =
            [Key::org(&row.org), Key::tenant(&row.tenant)].into_iter().chain(owner).collect();
        let rows = self.effects.dynamo.batch_get(&keys).await;
        Ok((row, rows.map_err(unread)?, proven.expires))
    }

    async fn begin(
        &self,
        row: &WorkloadRow,
        rows: &Rows,
        token_ends: Timestamp,
        now: Timestamp,
    ) -> Result<Response, Why> {
        let made = session(row, SessionId::from_random(random()?), token_ends, now);
        let scribe = Scribe {
            method: "workload",
            actor_type: ActorType::Workload,
            mfa: None,
            ..Scribe::of(
                &who::named(&made),
                self.rules.region,
                ActionId::new(now, random()?),
                "workloads.session",
                EventType::AuthSignIn,
            )
        }
        .in_log_of(row.org.clone(), row.tenant.clone());
        if let Err(why) = standing(row, rows) {
            let refusal = scribe.refusal(why, now, random()?);
            self.effects.audit.record(&[refusal]).await.map_err(|_| Why::AuditUnavailable)?;
            return Err(why);
        }
        let token =
            self.effects.begin_session(&scribe, &made, (Vec::new(), Why::FactsUnavailable), now).await?;
        Ok(Response::json(201, &handoff::told(&token, &made)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{OrgId, Region, Role, TenantId, UserId};

    fn row(status: Lifecycle) -> WorkloadRow {
        WorkloadRow {
            id: WorkloadId::from_random([1; 10]),
            org: OrgId::from_random([2; 10]),
            tenant: TenantId::from_random([3; 10]),
            user: UserId::from_random([4; 10]),
            role: Role::Operator,
            status,
            epoch: 5,
            federation: String::new(),
            owner: Some(domain::InEpoch::new(UserId::from_random([6; 10]), 1)),
            set_by: None,
        }
    }

    #[test]
    fn a_program_s_session_ends_with_its_token_and_after_an_hour_at_the_latest() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        for (token, ends) in
            [(300_000, 300_000), (3_600_000, 3_600_000), (3_600_001, 3_600_000), (86_400_000, 3_600_000)]
        {
            let made = session(&row(Lifecycle::Active), SessionId::from_random([7; 10]), at(token), at(0));
            assert_eq!(made.expires_at, at(ends), "{token}");
        }
    }

    #[test]
    fn a_program_signs_in_while_everything_above_it_is_active() {
        use Lifecycle::{Active, Suspended};
        for (status, org, tenant, foreign, want) in [
            (Active, Some(Active), Some(Active), false, Ok(())),
            (Suspended, Some(Active), Some(Active), false, Err(Why::WorkloadInactive)),
            (Active, Some(Suspended), Some(Active), false, Err(Why::OrgInactive)),
            (Active, None, Some(Active), false, Err(Why::OrgInactive)),
            (Active, Some(Active), Some(Suspended), false, Err(Why::TenantInactive)),
            (Active, Some(Active), None, false, Err(Why::TenantInactive)),
            (Active, Some(Active), Some(Active), true, Err(Why::TenantInactive)),
        ] {
            let row = row(status);
            let of = if foreign { OrgId::from_random([9; 10]) } else { row.org.clone() };
            let mut rows = Rows::new();
            if let Some(status) = org {
                let org = Org { id: row.org.clone(), status, networks: None };
                rows.insert(Key::org(&row.org), org.to_item());
            }
            if let Some(status) = tenant {
                let tenant =
                    Tenant { id: row.tenant.clone(), org: of, region: Region::Eu, status, networks: None };
                rows.insert(Key::tenant(&row.tenant), tenant.to_item());
            }
            let owner = row.owner.clone().unwrap().user;
            for (active, stands) in [
                (Some(true), want),
                (Some(false), want.and(Err(Why::WorkloadInactive))),
                (None, want.and(Err(Why::WorkloadInactive))),
            ] {
                rows.remove(&Key::user(&row.org, &owner));
                if let Some(active) = active {
                    let person = domain::User { id: owner.clone(), active, epoch: 1 };
                    rows.insert(Key::user(&row.org, &owner), person.to_item());
                }
                assert_eq!(standing(&row, &rows), stands);
            }
        }
    }
}
