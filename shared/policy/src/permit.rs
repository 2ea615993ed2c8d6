//! The proof that an action was authorized.

use domain::{ActionId, Authority, KeyRow, Name, Reason, Role};

use crate::{Accountable, Action, RoleTable};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub action_id: ActionId,
    pub action: Action,
    /// The model, as the tenant's configuration names it.
    pub model: Option<&'a Name>,
    /// The path, such as `/v1/messages`.
    pub route: Option<&'a str>,
    /// Version of the tenant's policy that was read with the facts.
    pub policy_version: u64,
}

/// The proof that one action of one caller was authorized, and by what. Only [`Accountable::authorize`] makes one:
///
/// ```compile_fail
/// let permit = countersign_policy::Permit { action_id: todo!(), authority: todo!() };
/// ```
#[derive(Debug)]
pub struct Permit {
    action_id: ActionId,
    authority: Authority,
}

impl Permit {
    pub const fn action_id(&self) -> ActionId {
        self.action_id
    }

    /// What the audit record says about it.
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl Accountable {
    pub const fn row(&self) -> &KeyRow {
        &self.row
    }

    /// Whether the key's scopes include a provider, by its configured name.
    pub fn may_use(&self, provider: &Name) -> bool {
        self.row.scopes.providers.as_ref().is_none_or(|allowed| allowed.contains(provider))
    }

    /// The key's scopes first, then the owner's role: a key is narrower than its owner, never wider.
    ///
    /// # Errors
    /// Why not.
    pub fn authorize(&self, table: &RoleTable, request: Request<'_>) -> Result<Permit, Reason> {
        let scopes = &self.row.scopes;
        if !scopes.actions.iter().any(|action| action.as_str() == request.action.as_str()) {
            return Err(Reason::ScopeMissing);
        }
        if !table.allows(request.action, self.role) {
            return Err(Reason::RoleForbids);
        }
        if let (Some(model), Some(allowed)) = (request.model, &scopes.models)
            && !allowed.contains(model)
        {
            return Err(Reason::ModelNotAllowed);
        }
        if let (Some(route), Some(allowed)) = (request.route, &scopes.routes)
            && !allowed.iter().any(|one| one.as_str() == route)
        {
            return Err(Reason::RouteNotAllowed);
        }
        let role = self.role.map_or("tenant", Role::as_str).parse().ok();
        let authority = Authority {
            key_id: Some(self.row.id.clone()),
            role,
            policy_version: Some(request.policy_version),
        };
        Ok(Permit { action_id: request.action_id, authority })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Approach, Kills, Standing, authenticate};
    use domain::{
        Agent, AgentId, GatewayKey, KeyKind, KillRow, KillScope, Lifecycle, Network, Networks, Org, OrgId,
        Owner, Previous, Region, Scopes, Tenant, TenantId, Timestamp, User, UserId,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn key() -> GatewayKey {
        GatewayKey::mint(KeyKind::User, Region::Eu, &[7; 59]).unwrap()
    }

    fn row() -> KeyRow {
        KeyRow {
            id: key().id().clone(),
            kind: KeyKind::User,
            region: Region::Eu,
            org: OrgId::from_random([1; 10]),
            tenant: TenantId::from_random([2; 10]),
            agent: AgentId::from_random([3; 10]),
            owner: Owner::User { id: UserId::from_random([4; 10]), epoch: 5 },
            secret: key().secret_hash(),
            seen: None,
            previous: None,
            scopes: Scopes::of(["llm.call".parse().unwrap()].into()),
            networks: None,
            requests_per_minute: None,
            active_from: None,
            expires_at: None,
            rotate_by: None,
            revoked_at: None,
        }
    }

    fn standing() -> Standing {
        let row = row();
        Standing {
            org: Some(Org { id: row.org.clone(), status: Lifecycle::Active, networks: None }),
            tenant: Some(Tenant {
                id: row.tenant,
                org: row.org,
                region: Region::Eu,
                status: Lifecycle::Active,
                networks: None,
            }),
            agent: Some(Agent {
                id: row.agent,
                status: Lifecycle::Active,
                team: None,
                owner: Some(UserId::from_random([6; 10])),
                deputy: None,
            }),
            user: Some(User { id: UserId::from_random([4; 10]), active: true, epoch: 5 }),
            role: Some(Role::Member),
            agent_owner: Some(User { id: UserId::from_random([6; 10]), active: true, epoch: 9 }),
            kills: Kills::none(),
        }
    }

    /// From this address, a call of a model.
    fn approach() -> Approach {
        Approach { source: "203.0.113.7".parse().ok(), scope: KillScope::Llm }
    }

    fn networks(texts: &[&str]) -> Option<Networks> {
        Some(texts.iter().map(|text| text.parse::<Network>().unwrap()).collect())
    }

    fn decide(row: KeyRow, standing: Standing, model: &str) -> Result<(), Reason> {
        let caller = authenticate(&key(), row).map_err(|_| Reason::KeySecretMismatch)?;
        caller.usable(at(1_000))?;
        let model: Name = model.parse().unwrap();
        let request = Request {
            action_id: ActionId::new(at(0), [0; 10]),
            action: Action::LlmCall,
            model: Some(&model),
            route: Some("/v1/messages"),
            policy_version: 1,
        };
        caller
            .standing(&standing, &approach())?
            .authorize(&RoleTable::builtin().unwrap(), request)
            .map(|_| ())
    }

    type Change = fn(&mut KeyRow, &mut Standing);

    #[test]
    fn keys_have_states_networks_and_scopes_and_switches_stand_above_them() {
        let cases: [(&str, Change, Result<(), Reason>); 16] = [
            ("to be rotated by now", |k, _| k.rotate_by = Some(at(1_000)), Err(Reason::KeyRotationOverdue)),
            ("to be rotated later", |k, _| k.rotate_by = Some(at(1_001)), Ok(())),
            ("active later", |k, _| k.active_from = Some(at(1_001)), Err(Reason::KeyNotActive)),
            (
                "the secret before the last",
                |k, _| {
                    k.previous = Some(Previous { secret: k.secret, seen: None, until: at(1_001) });
                    k.secret = "00".repeat(32).parse().unwrap();
                },
                Ok(()),
            ),
            (
                "the secret before the last, its overlap over",
                |k, _| {
                    k.previous = Some(Previous { secret: k.secret, seen: None, until: at(1_000) });
                    k.secret = "00".repeat(32).parse().unwrap();
                },
                Err(Reason::KeyRotated),
            ),
            (
                "the new secret of a key that rotates",
                |k, _| {
                    let old = "00".repeat(32).parse().unwrap();
                    k.previous = Some(Previous { secret: old, seen: None, until: at(1_001) });
                },
                Ok(()),
            ),
            ("key from here", |k, _| k.networks = networks(&["203.0.113.0/24"]), Ok(())),
            (
                "key from elsewhere",
                |k, _| k.networks = networks(&["198.51.100.0/24"]),
                Err(Reason::NetworkNotAllowed),
            ),
            (
                "tenant from elsewhere, though the key is from here",
                |k, s| {
                    k.networks = networks(&["203.0.113.0/24"]);
                    s.tenant.as_mut().unwrap().networks = networks(&["2001:db8::/32"]);
                },
                Err(Reason::NetworkNotAllowed),
            ),
            (
                "org from nowhere",
                |_, s| s.org.as_mut().unwrap().networks = networks(&[]),
                Err(Reason::NetworkNotAllowed),
            ),
            ("killed", |_, s| s.kills.agent = stopped(KillScope::Llm), Err(Reason::KilledAgent)),
            ("killed above", |_, s| s.kills.platform = stopped(KillScope::All), Err(Reason::KilledPlatform)),
            ("killed in another part", |_, s| s.kills.org = stopped(KillScope::Actions), Ok(())),
            ("switch gone", |_, s| s.kills.tenant = None, Err(Reason::FactsUnavailable)),
            (
                "other route",
                |k, _| k.scopes.routes = Some(["/v1/embeddings".parse().unwrap()].into()),
                Err(Reason::RouteNotAllowed),
            ),
            ("this route", |k, _| k.scopes.routes = Some(["/v1/messages".parse().unwrap()].into()), Ok(())),
        ];
        for (name, change, expected) in cases {
            let (mut row, mut standing) = (row(), standing());
            change(&mut row, &mut standing);
            assert_eq!(decide(row, standing, "gpt-4o"), expected, "{name}");
        }
    }

    #[test]
    fn good_standing_is_permitted_and_each_single_fault_denied() {
        let cases: [(&str, Change, Result<(), Reason>); 22] = [
            ("all in order", |_, _| {}, Ok(())),
            (
                "another secret",
                |k, _| k.secret = "00".repeat(32).parse().unwrap(),
                Err(Reason::KeySecretMismatch),
            ),
            ("another kind", |k, _| k.kind = KeyKind::Service, Err(Reason::KeySecretMismatch)),
            ("revoked", |k, _| k.revoked_at = Some(at(2_000)), Err(Reason::KeyRevoked)),
            ("expires later", |k, _| k.expires_at = Some(at(1_001)), Ok(())),
            ("expires now", |k, _| k.expires_at = Some(at(1_000)), Err(Reason::KeyExpired)),
            ("owner gone", |_, s| s.user = None, Err(Reason::OwnerInactive)),
            ("owner left", |_, s| s.user.as_mut().unwrap().active = false, Err(Reason::OwnerInactive)),
            ("owner of a later epoch", |_, s| s.user.as_mut().unwrap().epoch = 6, Err(Reason::OwnerEpoch)),
            (
                "somebody else",
                |_, s| s.user.as_mut().unwrap().id = UserId::from_random([9; 10]),
                Err(Reason::OwnerInactive),
            ),
            ("no role", |_, s| s.role = None, Err(Reason::OwnerInactive)),
            ("org gone", |_, s| s.org = None, Err(Reason::OrgInactive)),
            (
                "org suspended",
                |_, s| s.org.as_mut().unwrap().status = Lifecycle::Suspended,
                Err(Reason::OrgInactive),
            ),
            ("tenant gone", |_, s| s.tenant = None, Err(Reason::TenantInactive)),
            (
                "tenant suspended",
                |_, s| s.tenant.as_mut().unwrap().status = Lifecycle::Suspended,
                Err(Reason::TenantInactive),
            ),
            (
                "tenant of another org",
                |_, s| s.tenant.as_mut().unwrap().org = OrgId::from_random([9; 10]),
                Err(Reason::TenantInactive),
            ),
            ("agent gone", |_, s| s.agent = None, Err(Reason::AgentInactive)),
            (
                "agent suspended",
                |_, s| s.agent.as_mut().unwrap().status = Lifecycle::Suspended,
                Err(Reason::AgentInactive),
            ),
            ("no scope", |k, _| k.scopes.actions.clear(), Err(Reason::ScopeMissing)),
            ("viewer", |_, s| s.role = Some(Role::Viewer), Err(Reason::RoleForbids)),
            (
                "other model",
                |k, _| k.scopes.models = Some(["gpt-4o-mini".parse().unwrap()].into()),
                Err(Reason::ModelNotAllowed),
            ),
            ("this model", |k, _| k.scopes.models = Some(["gpt-4o".parse().unwrap()].into()), Ok(())),
        ];
        for (name, change, expected) in cases {
            let (mut row, mut standing) = (row(), standing());
            change(&mut row, &mut standing);
            assert_eq!(decide(row, standing, "gpt-4o"), expected, "{name}");
        }
    }

    /// Whoever answers for an agent is somebody else than whose key it is, and must be there too.
    #[test]
    fn an_agent_s_owner_stands_behind_it() {
        let cases: [(&str, Change, Result<(), Reason>); 4] = [
            ("agent's owner gone", |_, s| s.agent_owner = None, Err(Reason::AgentOwnerInactive)),
            (
                "agent's owner left",
                |_, s| s.agent_owner.as_mut().unwrap().active = false,
                Err(Reason::AgentOwnerInactive),
            ),
            (
                "another's row",
                |_, s| s.agent_owner.as_mut().unwrap().id = UserId::from_random([7; 10]),
                Err(Reason::AgentOwnerInactive),
            ),
            (
                "an agent of the tenant's own",
                |_, s| (s.agent.as_mut().unwrap().owner, s.agent_owner) = (None, None),
                Ok(()),
            ),
        ];
        for (name, change, expected) in cases {
            let (mut row, mut standing) = (row(), standing());
            change(&mut row, &mut standing);
            assert_eq!(decide(row, standing, "gpt-4o"), expected, "{name}");
        }
    }

    fn stopped(scope: KillScope) -> Option<KillRow> {
        Some(KillRow { stopped: [scope].into(), ..KillRow::new() })
    }

    /// Without an address nobody is inside a network.
    #[test]
    fn an_address_that_was_not_seen_is_in_no_network() {
        let caller =
            authenticate(&key(), KeyRow { networks: networks(&["0.0.0.0/0", "::/0"]), ..row() }).unwrap();
        let unseen = Approach { source: None, ..approach() };
        assert_eq!(caller.clone().standing(&standing(), &unseen).unwrap_err(), Reason::NetworkNotAllowed);
        assert!(caller.may_act(&standing(), &approach(), at(0)));
        assert!(!caller.may_act(&standing(), &unseen, at(0)));
    }

    #[test]
    fn a_tenants_key_needs_no_person() {
        let row = KeyRow { owner: Owner::Tenant, ..row() };
        assert_eq!(decide(row, Standing { user: None, role: None, ..standing() }, "gpt-4o"), Ok(()));
    }
}
