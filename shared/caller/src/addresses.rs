//! Where the rows behind a key lie. Instances keep addresses, never facts: every call reads the rows again, and the
//! key row that it reads must name the same ids.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{Agent, AgentId, ConnectionId, KeyId, KeyRow, OrgId, Owner, TenantId, UserId};
use envelope::Purpose;
use tables::standing::came_by_group;
use tables::{Item, Key, KillKeys};

/// The roots that every record needs, see `infra/key_purposes.txt`.
const PURPOSES: [Purpose; 2] = [Purpose::Audit, Purpose::Pseudonym];

/// The ids that a key's row names, and its agent's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    key: KeyId,
    org: OrgId,
    tenant: TenantId,
    agent: AgentId,
    user: Option<UserId>,
    /// Whoever answers for the agent, as its row names them.
    agent_owner: Option<UserId>,
    /// The connection whose groups give the user their role, as their binding says.
    via: Option<ConnectionId>,
}

impl Address {
    pub fn of(row: &KeyRow) -> Self {
        let user = match &row.owner {
            Owner::User { id, .. } => Some(id.clone()),
            Owner::Tenant => None,
        };
        Self {
            key: row.id.clone(),
            org: row.org.clone(),
            tenant: row.tenant.clone(),
            agent: row.agent.clone(),
            user,
            agent_owner: None,
            via: None,
        }
    }

    /// With what the agent's row names: the key's does not know.
    #[must_use]
    pub fn of_agent(self, agent: Option<&Agent>) -> Self {
        Self { agent_owner: agent.and_then(|agent| agent.owner.clone()), ..self }
    }

    /// With what the user's binding names.
    #[must_use]
    pub fn through(self, binding: Option<&Item>) -> Self {
        Self { via: binding.and_then(came_by_group), ..self }
    }

    pub(crate) fn binding(&self) -> Option<Key> {
        self.user.as_ref().map(|user| Key::binding(&self.tenant, user))
    }

    pub(crate) const fn via(&self) -> Option<&ConnectionId> {
        self.via.as_ref()
    }

    pub const fn org(&self) -> &OrgId {
        &self.org
    }

    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub const fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// The kill switches above.
    fn switches(&self, copy: u8) -> KillKeys {
        KillKeys::above(&self.org, &self.tenant, &self.agent, copy)
    }

    /// The rows of everybody behind the key, the switches above, and the tenant's keys that records are written with.
    fn keys(&self, copy: u8) -> Vec<Key> {
        let mut keys = vec![
            Key::gateway_key(&self.key),
            Key::org(&self.org),
            Key::tenant(&self.tenant),
            Key::agent(&self.tenant, &self.agent),
        ];
        keys.extend(self.switches(copy).all());
        keys.extend(PURPOSES.map(|purpose| Key::root(&self.tenant, purpose.as_str())));
        keys.extend(self.user.as_ref().map(|user| Key::user(&self.org, user)));
        keys.extend(self.binding());
        keys.extend(self.via.as_ref().map(Key::connection));
        // A row is asked for once.
        let other = self.agent_owner.as_ref().filter(|owner| self.user.as_ref() != Some(*owner));
        keys.extend(other.map(|owner| Key::user(&self.org, owner)));
        keys
    }
}

/// Addresses seen by this instance, and which copy of the platform's switch it reads.
#[derive(Debug, Default)]
pub struct Addresses {
    seen: Mutex<HashMap<KeyId, Address>>,
    copy: u8,
}

/// Beyond this many the memory is emptied: it saves one read, nothing more.
const MAX_ADDRESSES: usize = 10_000;

impl Addresses {
    /// An instance draws its copy, so that all copies are read alike.
    pub fn reading(copy: u8) -> Self {
        Self { copy, ..Self::default() }
    }

    /// The rows to read for an address.
    pub(crate) fn keys(&self, address: &Address) -> Vec<Key> {
        address.keys(self.copy)
    }

    /// The kill switches above a key, as this instance reads them.
    pub fn switches(&self, row: &KeyRow) -> KillKeys {
        Address::of(row).switches(self.copy)
    }

    pub fn get(&self, key: &KeyId) -> Option<Address> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub fn put(&self, address: Address) {
        let mut kept = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_ADDRESSES {
            kept.clear();
        }
        kept.insert(address.key.clone(), address);
    }
}
