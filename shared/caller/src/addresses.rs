//! Where the rows behind a key lie. Instances keep addresses, never facts: every call reads the rows again, and the
//! key row that it reads must name the same ids.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{AgentId, KeyId, KeyRow, OrgId, Owner, TenantId, UserId};
use envelope::Purpose;
use tables::Key;

/// The roots that every record needs, see `infra/key_purposes.txt`.
const PURPOSES: [Purpose; 2] = [Purpose::Audit, Purpose::Pseudonym];

/// The ids that a key's row names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    key: KeyId,
    org: OrgId,
    tenant: TenantId,
    agent: AgentId,
    user: Option<UserId>,
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
        }
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

    /// The rows of everybody behind the key, and of the tenant's keys that records are written with.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = vec![
            Key::gateway_key(&self.key),
            Key::org(&self.org),
            Key::tenant(&self.tenant),
            Key::agent(&self.tenant, &self.agent),
        ];
        keys.extend(PURPOSES.map(|purpose| Key::root(&self.tenant, purpose.as_str())));
        if let Some(user) = &self.user {
            keys.extend([Key::user(&self.org, user), Key::binding(&self.tenant, user)]);
        }
        keys
    }
}

/// Addresses seen by this instance.
#[derive(Debug, Default)]
pub struct Addresses(Mutex<HashMap<KeyId, Address>>);

/// Beyond this many the memory is emptied: it saves one read, nothing more.
const MAX_ADDRESSES: usize = 10_000;

impl Addresses {
    pub fn get(&self, key: &KeyId) -> Option<Address> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub fn put(&self, address: Address) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_ADDRESSES {
            kept.clear();
        }
        kept.insert(address.key.clone(), address);
    }
}
