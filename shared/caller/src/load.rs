//! Reads everything that a decision about a key needs, in one trip (two when the key is new to this instance).

use std::time::Duration;

use aws::{Dynamo, ReadError, Rows};
use domain::{
    Agent, ConnectionRow, GatewayKey, KeyRow, KillScope, Org, Owner, Reason, Role, RootRow, Tenant, User,
};
use envelope::Purpose;
use policy::{Caller, Kills, Standing, authenticate};
use tables::codec::Row;
use tables::{Item, Key, KillKeys};

use crate::addresses::{Address, Addresses};

/// Why there are no facts to decide on.
#[derive(Debug)]
pub enum LoadFault {
    /// Nobody is known.
    Stranger(Reason),
    /// The key verified, but the facts behind it could not be read: refused, and recorded.
    Unread(Box<Caller>),
}

impl LoadFault {
    /// Whoever's key verified in a read before is known, whatever became of the next.
    fn of(reason: Reason, known: Option<&Caller>) -> Self {
        match known {
            Some(known) if reason == Reason::FactsUnavailable => Self::Unread(Box::new(known.clone())),
            _ => Self::Stranger(reason),
        }
    }
}

/// The joint to the tables. Production: DynamoDB. Tests: rows in memory, with faults.
trait Reads {
    fn one(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, ReadError>> + Send;
    fn all(&self, keys: &[Key]) -> impl Future<Output = Result<Rows, ReadError>> + Send;
}

impl Reads for Dynamo {
    fn one(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, ReadError>> + Send {
        self.get(key)
    }

    fn all(&self, keys: &[Key]) -> impl Future<Output = Result<Rows, ReadError>> + Send {
        self.batch_get(keys)
    }
}

/// A caller whose key verified, everybody behind it, and all other rows that were read in the same trip.
#[derive(Debug)]
pub struct Loaded {
    pub caller: Caller,
    pub standing: Standing,
    rows: Rows,
}

/// A row that is there and does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl Loaded {
    /// A row, if it is there and reads. A row that does not read is as good as absent: what it guards refuses.
    pub fn find<T: Row>(&self, key: &Key) -> Option<T> {
        find(&self.rows, key)
    }

    /// A row as it is, for whoever reads it with more than itself.
    pub fn item(&self, key: &Key) -> Option<&Item> {
        self.rows.get(key)
    }

    /// A row of what restricts, which there need not be.
    ///
    /// # Errors
    /// It is there and does not read: what it would have forbidden is unknown.
    pub fn written<T: Row>(&self, key: &Key) -> Result<Option<T>, Unreadable> {
        match self.find(key) {
            None if self.rows.contains_key(key) => Err(Unreadable),
            found => Ok(found),
        }
    }

    /// Reads more rows into it, in a trip of their own: where they lie was not known before.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn also(&mut self, dynamo: &Dynamo, keys: &[Key]) -> Result<(), ReadError> {
        self.rows.extend(dynamo.batch_get(keys).await?);
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
    Reading { tables: dynamo, addresses, more, key }.read().await
}

struct Reading<'a, T, M> {
    tables: &'a T,
    addresses: &'a Addresses,
    more: M,
    key: &'a GatewayKey,
}

impl<T: Reads, M: Fn(&Address) -> Vec<Key>> Reading<'_, T, M> {
    async fn read(&self) -> Result<Loaded, LoadFault> {
        let Some(address) = self.addresses.get(self.key.id()) else {
            let known = self.first_sight().await?;
            let address = Address::of(known.row());
            self.addresses.put(address.clone());
            return self.read_at(&address, Some(&known)).await;
        };
        self.read_at(&address, None).await
    }

    /// `known`: whose key verified already.
    async fn read_at(&self, address: &Address, known: Option<&Caller>) -> Result<Loaded, LoadFault> {
        let first = self.verified(address).await;
        let (caller, rows) = first.map_err(|reason| LoadFault::of(reason, known))?;
        let rows_say = rows_say(&caller, &rows);
        if rows_say == *address {
            return Ok(self.loaded(caller, rows));
        }
        // The key or the agent was given to somebody else since its address was kept, or is seen for the first time: who
        // answers was not read.
        self.addresses.put(rows_say.clone());
        let second = self.verified(&rows_say).await;
        let (caller, rows) = second.map_err(|reason| LoadFault::of(reason, Some(&caller)))?;
        let settled = self::rows_say(&caller, &rows) == rows_say;
        if settled {
            Ok(self.loaded(caller, rows))
        } else {
            Err(LoadFault::of(Reason::FactsUnavailable, Some(&caller)))
        }
    }

    async fn verified(&self, address: &Address) -> Result<(Caller, Rows), Reason> {
        let mut keys = self.addresses.keys(address);
        keys.extend((self.more)(address));
        let rows = self.tables.all(&keys).await.map_err(|_| Reason::FactsUnavailable)?;
        let row: KeyRow = find(&rows, &Key::gateway_key(self.key.id())).ok_or(Reason::KeyUnknown)?;
        let caller = authenticate(self.key, row).map_err(|_| Reason::KeySecretMismatch)?;
        Ok((caller, rows))
    }

    /// The key's own row, to learn where the rest lies. A wrong secret ends here, after one read.
    async fn first_sight(&self) -> Result<Caller, LoadFault> {
        let item = self.tables.one(&Key::gateway_key(self.key.id())).await;
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
            role: role(&rows_say(&caller, &rows), &rows),
            kills: kills(&rows, &self.addresses.switches(row)),
        };
        Loaded { caller, standing, rows }
    }
}

/// Where the rows themselves say that everybody behind a key lies.
fn rows_say(caller: &Caller, rows: &Rows) -> Address {
    let row = caller.row();
    let agent: Option<Agent> = find(rows, &Key::agent(&row.tenant, &row.agent));
    let address = Address::of(row).of_agent(agent.as_ref());
    let binding = address.binding().and_then(|place| rows.get(&place));
    address.through(binding)
}

/// The role of the key's user. One that came by a connection's groups counts for as long as the connection gives it to any.
fn role(address: &Address, rows: &Rows) -> Option<Role> {
    let role = find::<Role>(rows, &address.binding()?)?;
    let Some(via) = address.via() else { return Some(role) };
    let connection = find::<ConnectionRow>(rows, &Key::connection(via))?;
    let gives = connection.org == *address.org() && connection.gives(address.tenant(), role);
    gives.then_some(role)
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AgentId, ConnectionId, KeyKind, Lifecycle, OrgId, Region, Scopes, TenantId, UserId};
    use serde_json::json;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use tables::Attr;

    /// Rows as they are at each read, one after the other; the last for ever. `None`: no answer.
    struct Memory(Mutex<VecDeque<Option<Rows>>>);

    impl Memory {
        fn new(reads: Vec<Option<Rows>>) -> Self {
            Self(Mutex::new(reads.into()))
        }

        fn next(&self) -> Result<Rows, ReadError> {
            let mut reads = self.0.lock().unwrap();
            let next = if reads.len() > 1 { reads.pop_front() } else { reads.front().cloned() };
            next.flatten().ok_or(ReadError)
        }
    }

    impl Reads for Memory {
        async fn one(&self, key: &Key) -> Result<Option<Item>, ReadError> {
            Ok(self.next()?.remove(key))
        }

        async fn all(&self, keys: &[Key]) -> Result<Rows, ReadError> {
            let rows = self.next()?;
            Ok(keys.iter().filter_map(|key| Some((key.clone(), rows.get(key)?.clone()))).collect())
        }
    }

    fn key(secret: u8) -> GatewayKey {
        let mut random = [7; 59];
        random[58] = secret;
        GatewayKey::mint(KeyKind::Service, Region::Eu, &random).unwrap()
    }

    /// A key's rows, with whoever answers for its agent.
    fn rows(owner: Option<u8>) -> Rows {
        let key = key(7);
        let row = KeyRow {
            id: key.id().clone(),
            kind: KeyKind::Service,
            region: Region::Eu,
            org: OrgId::from_random([1; 10]),
            tenant: TenantId::from_random([2; 10]),
            agent: AgentId::from_random([3; 10]),
            owner: Owner::Tenant,
            secret: key.secret_hash(),
            previous: None,
            scopes: Scopes::of(["llm.call".parse().unwrap()].into()),
            networks: None,
            requests_per_minute: None,
            active_from: None,
            expires_at: None,
            revoked_at: None,
            seen: None,
            rotate_by: None,
        };
        let owner = owner.map(|byte| UserId::from_random([byte; 10]));
        let agent =
            Agent { id: row.agent.clone(), status: Lifecycle::Active, team: None, owner, deputy: None };
        let place = Key::agent(&row.tenant, &row.agent);
        [(Key::gateway_key(&row.id), row.to_item()), (place, agent.to_item())].into()
    }

    /// A role by groups counts for as long as the connection gives it: read in the same trip, from the first call on.
    #[tokio::test]
    async fn a_role_by_groups_ends_with_its_mapping() {
        let (user, of) = (UserId::from_random([8; 10]), ConnectionId::from_random([9; 10]));
        let own = |via: Option<&ConnectionId>, mapped: Option<&str>, org: u8| {
            let mut rows = rows(None);
            let place = Key::gateway_key(key(7).id());
            let mut row = KeyRow::from_item(&rows[&place]).unwrap();
            row.owner = Owner::User { id: user.clone(), epoch: 1 };
            let mut binding = Role::Developer.to_item();
            binding.extend(via.map(|via| ("via".to_owned(), Attr::text(via))));
            rows.insert(Key::binding(&row.tenant, &user), binding);
            let role =
                mapped.map(|role| json!({"group": "Ops", "grant": {"tenant": row.tenant, "role": role}}));
            let connection = ConnectionRow {
                id: of.clone(),
                org: OrgId::from_random([org; 10]),
                status: Lifecycle::Active,
                document: json!({"issuer": "https://idp.test", "group_roles": Vec::from_iter(role)})
                    .to_string(),
                secret: None,
            };
            rows.insert(Key::connection(&of), connection.to_item());
            rows.insert(place, row.to_item());
            rows
        };
        let role = Some(Role::Developer);
        for (rows, expected) in [
            (own(None, None, 1), role),
            (own(Some(&of), Some("developer"), 1), role),
            (own(Some(&of), Some("viewer"), 1), None),
            (own(Some(&of), None, 1), None),
            (own(Some(&of), Some("developer"), 77), None),
            (own(Some(&ConnectionId::from_random([10; 10])), Some("developer"), 1), None),
        ] {
            let addresses = Addresses::default();
            let tables =
                Memory::new(vec![Some(rows.clone()), Some(rows.clone()), Some(rows.clone()), Some(rows)]);
            for _ in 0..2 {
                let more = |_: &Address| vec![];
                let reading = Reading { tables: &tables, addresses: &addresses, more, key: &key(7) };
                let Ok(loaded) = reading.read().await else { panic!() };
                assert_eq!(loaded.standing.role, expected);
            }
        }
    }

    /// `loaded`, or as whom it is refused.
    async fn came(reads: Vec<Option<Rows>>, seen: bool, secret: u8) -> &'static str {
        let addresses = Addresses::default();
        if seen {
            let item = &rows(None)[&Key::gateway_key(key(7).id())];
            addresses.put(Address::of(&KeyRow::from_item(item).unwrap()));
        }
        let tables = Memory::new(reads);
        let reading =
            Reading { tables: &tables, addresses: &addresses, more: |_: &Address| vec![], key: &key(secret) };
        match reading.read().await {
            Ok(_) => "loaded",
            Err(LoadFault::Unread(caller)) if caller.row().id == *key(7).id() => "known",
            Err(LoadFault::Unread(_)) => "another",
            Err(LoadFault::Stranger(reason)) => reason.as_str(),
        }
    }

    #[tokio::test]
    async fn whoever_s_key_verified_is_known_whatever_became_of_the_next_read() {
        let (of_one, of_other) = (|| Some(rows(Some(5))), || Some(rows(Some(6))));
        for (seen, secret, reads, expected) in [
            (true, 7, vec![Some(rows(None))], "loaded"),
            (true, 7, vec![of_one()], "loaded"),
            // The address is kept, the agent was given to somebody else: a second read is needed, and fails.
            (true, 7, vec![of_one(), None], "known"),
            (true, 7, vec![of_one(), of_other()], "known"),
            (false, 7, vec![of_one(), None], "known"),
            (false, 7, vec![of_one(), of_one(), None], "known"),
            (false, 7, vec![of_one()], "loaded"),
            // Nothing has verified.
            (true, 7, vec![None], "facts_unavailable"),
            (false, 7, vec![None], "facts_unavailable"),
            (true, 9, vec![of_one()], "key_secret_mismatch"),
            (true, 7, vec![Some(Rows::new())], "key_unknown"),
            (true, 7, vec![of_one(), Some(Rows::new())], "key_unknown"),
        ] {
            let told = format!("{seen} {secret} {}", reads.len());
            assert_eq!(came(reads, seen, secret).await, expected, "{told}");
        }
    }

    /// What restricts may be absent, and stops everything where it does not read.
    #[tokio::test]
    async fn a_row_of_what_restricts_is_absent_read_or_unreadable() {
        let tenant = TenantId::from_random([2; 10]);
        let place = Key::binding(&tenant, &UserId::from_random([8; 10]));
        let broken = Item::from([("v".to_owned(), Attr::number(1))]);
        for (row, expected) in [
            (None, Ok(None)),
            (Some(Role::Viewer.to_item()), Ok(Some(Role::Viewer))),
            (Some(broken), Err(Unreadable)),
        ] {
            let mut rows = rows(None);
            rows.extend(row.map(|row| (place.clone(), row)));
            let (tables, addresses) = (Memory::new(vec![Some(rows)]), Addresses::default());
            let more = |_: &Address| vec![place.clone()];
            let reading = Reading { tables: &tables, addresses: &addresses, more, key: &key(7) };
            let Ok(loaded) = reading.read().await else { panic!() };
            assert_eq!(loaded.written::<Role>(&place), expected);
        }
    }
}
