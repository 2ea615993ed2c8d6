//! Reads everything that a decision about a key needs, in one trip (two when the key is new to this instance).

use std::time::Duration;

use aws::{Dynamo, ReadError, Rows};
use domain::{Agent, GatewayKey, KeyRow, KillScope, Org, Owner, Reason, Role, RootRow, Tenant, User};
use envelope::Purpose;
use policy::{Caller, Kills, Standing, authenticate};
use tables::codec::Row;
use tables::{Key, KillKeys};

use crate::addresses::{Address, Addresses};

/// The most rows of one `BatchGetItem`.
const BATCH_MAX: usize = 100;

/// Why there are no facts to decide on.
#[derive(Debug)]
pub enum LoadFault {
    /// Nobody is known.
    Stranger(Reason),
    /// The key verified, but the facts behind it could not be read: refused, and recorded.
    Unread(Box<Caller>),
}

impl LoadFault {
    fn of(reason: Reason, known: Caller) -> Self {
        if reason == Reason::FactsUnavailable {
            Self::Unread(Box::new(known))
        } else {
            Self::Stranger(reason)
        }
    }
}

/// A caller whose key verified, everybody behind it, and all other rows that were read in the same trip.
#[derive(Debug)]
pub struct Loaded {
    pub caller: Caller,
    pub standing: Standing,
    rows: Rows,
}

impl Loaded {
    /// A row, if it is there and reads. A row that does not read is as good as absent: what it guards refuses.
    pub fn find<T: Row>(&self, key: &Key) -> Option<T> {
        find(&self.rows, key)
    }

    /// A row as it is, for whoever reads it with more than itself.
    pub fn item(&self, key: &Key) -> Option<&tables::Item> {
        self.rows.get(key)
    }

    /// Whether there is a row at all, be it readable or not.
    pub fn has(&self, key: &Key) -> bool {
        self.rows.contains_key(key)
    }

    /// Reads more rows into it, in a trip of their own: where they lie was not known before.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn also(&mut self, dynamo: &Dynamo, keys: &[Key]) -> Result<(), ReadError> {
        for some in keys.chunks(BATCH_MAX) {
            self.rows.extend(dynamo.batch_get(some).await?);
        }
        Ok(())
    }

    /// The tenant's root of one purpose.
    pub fn root(&self, purpose: Purpose) -> Option<RootRow> {
        self.find(&Key::root(&self.caller.row().tenant, purpose.as_str()))
    }
}

/// Reads the rows behind a key, and with them whatever else `more` names for the address.
///
/// # Errors
/// See [`LoadFault`].
pub async fn load<M: Fn(&Address) -> Vec<Key>>(
    dynamo: &Dynamo,
    addresses: &Addresses,
    more: M,
    key: &GatewayKey,
) -> Result<Loaded, LoadFault> {
    let reading = Reading { dynamo, addresses, more, key };
    let Some(address) = addresses.get(key.id()) else {
        let known = reading.first_sight().await?;
        let address = Address::of(known.row());
        addresses.put(address.clone());
        let read = reading.read_at(&address).await;
        // The key verified in the first read, so whoever has it is known, whatever became of the second.
        return read.map_err(|reason| LoadFault::of(reason, known));
    };
    reading.read_at(&address).await.map_err(LoadFault::Stranger)
}

struct Reading<'a, M> {
    dynamo: &'a Dynamo,
    addresses: &'a Addresses,
    more: M,
    key: &'a GatewayKey,
}

impl<M: Fn(&Address) -> Vec<Key>> Reading<'_, M> {
    async fn read_at(&self, address: &Address) -> Result<Loaded, Reason> {
        let (caller, rows) = self.verified(address).await?;
        let rows_say = rows_say(&caller, &rows);
        if rows_say == *address {
            return Ok(self.loaded(caller, rows));
        }
        // The key or the agent was given to somebody else since its address was kept, or is seen for the first time: who
        // answers was not read.
        self.addresses.put(rows_say.clone());
        let (caller, rows) = self.verified(&rows_say).await?;
        let settled = self::rows_say(&caller, &rows) == rows_say;
        if settled { Ok(self.loaded(caller, rows)) } else { Err(Reason::FactsUnavailable) }
    }

    async fn verified(&self, address: &Address) -> Result<(Caller, Rows), Reason> {
        let mut keys = self.addresses.keys(address);
        keys.extend((self.more)(address));
        let rows = self.dynamo.batch_get(&keys).await.map_err(|_| Reason::FactsUnavailable)?;
        let row: KeyRow = find(&rows, &Key::gateway_key(self.key.id())).ok_or(Reason::KeyUnknown)?;
        let caller = authenticate(self.key, row).map_err(|_| Reason::KeySecretMismatch)?;
        Ok((caller, rows))
    }

    /// The key's own row, to learn where the rest lies. A wrong secret ends here, after one read.
    async fn first_sight(&self) -> Result<Caller, LoadFault> {
        let item = self.dynamo.get(&Key::gateway_key(self.key.id())).await;
        let item = item.map_err(|_| LoadFault::Stranger(Reason::FactsUnavailable))?;
        let row = KeyRow::from_item(&item.ok_or(LoadFault::Stranger(Reason::KeyUnknown))?);
        let row = row.map_err(|_| LoadFault::Stranger(Reason::FactsUnavailable))?;
        authenticate(self.key, row).map_err(|_| LoadFault::Stranger(Reason::KeySecretMismatch))
    }

    fn loaded(&self, caller: Caller, rows: Rows) -> Loaded {
        let row = caller.row();
        let user = match &row.owner {
            Owner::User { id, .. } => Some(id),
            Owner::Tenant => None,
        };
        let agent: Option<Agent> = find(&rows, &Key::agent(&row.tenant, &row.agent));
        let owner = agent.as_ref().and_then(|agent| agent.owner.as_ref());
        let standing = Standing {
            agent_owner: owner.and_then(|owner| find::<User>(&rows, &Key::user(&row.org, owner))),
            agent,
            org: find::<Org>(&rows, &Key::org(&row.org)),
            tenant: find::<Tenant>(&rows, &Key::tenant(&row.tenant)),
            user: user.and_then(|user| find::<User>(&rows, &Key::user(&row.org, user))),
            role: user.and_then(|user| find::<Role>(&rows, &Key::binding(&row.tenant, user))),
            kills: kills(&rows, &self.addresses.switches(row)),
        };
        Loaded { caller, standing, rows }
    }
}

/// Where the rows themselves say that everybody behind a key lies.
fn rows_say(caller: &Caller, rows: &Rows) -> Address {
    let row = caller.row();
    let agent: Option<Agent> = find(rows, &Key::agent(&row.tenant, &row.agent));
    Address::of(row).of_agent(agent.as_ref())
}

fn kills(rows: &Rows, keys: &KillKeys) -> Kills {
    Kills {
        platform: find(rows, &keys.platform),
        org: find(rows, &keys.org),
        tenant: find(rows, &keys.tenant),
        agent: find(rows, &keys.agent),
    }
}

/// How often the switches above a running call are read again.
pub const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Reads of them that may fail one after the other before the call is cut: what cannot be seen is not taken for off.
const WATCH_FAILURES: u32 = 3;

/// Watches the switches above a running call, for the first time after `first`. Returns when it must be cut, and why.
pub async fn watch(dynamo: &Dynamo, keys: &KillKeys, scope: KillScope, first: Duration) -> Reason {
    let (mut unseen, mut wait) = (0, first);
    loop {
        tokio::time::sleep(wait).await;
        wait = WATCH_EVERY;
        let read = tokio::time::timeout(WATCH_EVERY, dynamo.batch_get(&keys.all())).await;
        let seen = match read {
            Ok(Ok(rows)) => kills(&rows, keys).check(scope),
            Ok(Err(_)) | Err(_) => Err(Reason::FactsUnavailable),
        };
        match seen {
            Ok(()) => unseen = 0,
            Err(Reason::FactsUnavailable) => {
                unseen += 1;
                if unseen == WATCH_FAILURES {
                    return Reason::FactsUnavailable;
                }
            }
            Err(reason) => return reason,
        }
    }
}

fn find<T: Row>(rows: &Rows, key: &Key) -> Option<T> {
    let row = T::from_item(rows.get(key)?);
    row.inspect_err(|error| tracing::error!(table = key.table.as_str(), %error, "row.unreadable")).ok()
}
