//! Rows of those who have left, and rows of keys and agents that they held.
//!
//! Whoever ends somebody writes [`marked`] in the same transaction: if the message about it is never sent, the sweep finds the
//! row.

use domain::{Agent, KeyRow, Offboarding, OffboardingRow, Timestamp};

use crate::codec::{DEPUTY, Row};
use crate::gateway_key::MAY_GO;
use crate::item::item;
use crate::{Attr, CodecError, Item, Key, Reader, Swap};

impl Row for OffboardingRow {
    fn to_item(&self) -> Item {
        let Offboarding { org, user, epoch, at, cause } = &self.left;
        let mut row = item([
            ("org_id", Attr::text(org)),
            ("user_id", Attr::text(user)),
            ("epoch", Attr::number(*epoch)),
            ("left_at", Attr::text(at)),
            ("cause", Attr::text(cause)),
        ]);
        row.extend(self.passed_at.map(|at| (PASSED_AT.to_owned(), Attr::text(at))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            left: Offboarding {
                org: row.parse("org_id")?,
                user: row.parse("user_id")?,
                epoch: row.number("epoch")?,
                at: row.parse("left_at")?,
                cause: row.parse("cause")?,
            },
            passed_at: row.optional(PASSED_AT)?,
        })
    }
}

const PASSED_AT: &str = "passed_at";

/// That what somebody held is to be dealt with: a row of the transaction that ends them. Each epoch ends once, so that it is new.
pub fn marked(left: &Offboarding) -> Swap {
    let row = OffboardingRow { left: left.clone(), passed_at: None };
    Swap::create(Key::offboarding(left), row.to_item())
}

/// That a pass over what they held came to its end.
pub fn passed(place: Key, old: &Item, at: Timestamp) -> Swap {
    let mut new = old.clone();
    new.insert(PASSED_AT.to_owned(), Attr::text(at));
    Swap { key: place, old: Some(old.clone()), new }
}

/// A key's row as it becomes. What the codec does not know of it stays in it.
pub fn key_item(old: &Item, row: &KeyRow) -> Item {
    let mut new = old.clone();
    MAY_GO.iter().for_each(|gone| drop(new.remove(*gone)));
    new.extend(row.to_item());
    new
}

/// An agent's row as it becomes. What the codec does not know of it stays in it.
pub fn agent_item(old: &Item, agent: &Agent) -> Item {
    let mut new = old.clone();
    new.remove(DEPUTY);
    new.extend(agent.to_item());
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HEAD_SHARDS;
    use crate::expression::evaluate;
    use crate::testing::reads_back;
    use domain::{
        AgentId, GatewayKey, KeyKind, LeaveCause, Lifecycle, OrgId, Owner, Previous, Region, Scopes, Sight,
        TenantId, UserId,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn left(byte: u8) -> Offboarding {
        let (org, user) = (OrgId::from_random([1; 10]), UserId::from_random([byte; 10]));
        Offboarding { org, user, epoch: 8, at: at(5), cause: LeaveCause::GroupLost }
    }

    /// Pinned: what was written before a deployment is found after it.
    #[test]
    fn whoever_has_left_lies_in_one_of_few_partitions() {
        let place = Key::offboarding(&left(3));
        let (org, user) = (left(3).org, left(3).user);
        assert_eq!((place.table, place.pk.as_str()), (crate::Table::Identity, "OFFBOARD#3"));
        assert_eq!(place.sk, format!("{org}#{user}#8"));
        for byte in 0..=u8::MAX {
            let place = Key::offboarding(&left(byte));
            assert!(HEAD_SHARDS.chars().any(|shard| Key::offboardings(shard) == place.pk));
        }
        let row = OffboardingRow { left: left(3), passed_at: Some(at(9)) };
        reads_back(row, &["passed_at"]);
    }

    #[test]
    fn a_mark_is_new_and_is_passed_once() {
        let mark = marked(&left(3));
        let made = evaluate(&mark.to_write(), None).unwrap();
        assert!(evaluate(&mark.to_write(), Some(&made)).is_err());
        let done = passed(mark.key.clone(), &made, at(9));
        let after = evaluate(&done.to_write(), Some(&made)).unwrap();
        assert_eq!(OffboardingRow::from_item(&after).unwrap().passed_at, Some(at(9)));
        assert!(evaluate(&done.to_write(), Some(&after)).is_err());
    }

    fn key() -> KeyRow {
        let key = GatewayKey::mint(KeyKind::Service, Region::Eu, &[1; 59]).unwrap();
        let seen = |byte| Some(Sight { user: UserId::from_random([byte; 10]), epoch: 7 });
        KeyRow {
            id: key.id().clone(),
            kind: KeyKind::Service,
            region: Region::Eu,
            org: OrgId::from_random([1; 10]),
            tenant: TenantId::from_random([2; 10]),
            agent: AgentId::from_random([3; 10]),
            owner: Owner::Tenant,
            secret: key.secret_hash(),
            seen: seen(3),
            previous: Some(Previous { secret: key.secret_hash(), seen: seen(4), until: at(9) }),
            scopes: Scopes::of([].into()),
            networks: None,
            requests_per_minute: None,
            active_from: None,
            expires_at: None,
            rotate_by: Some(at(8)),
            revoked_at: None,
        }
    }

    #[test]
    fn who_saw_a_secret_reads_back_and_what_is_over_leaves_the_row() {
        reads_back(key(), &["previous_sha256", "previous_seen_by", "seen_by", "rotate_by"]);
        let mut old = key().to_item();
        old.insert("name".to_owned(), Attr::text("kept"));
        let bare = KeyRow { seen: None, previous: None, rotate_by: None, ..key() };
        let new = key_item(&old, &bare);
        assert_eq!(KeyRow::from_item(&new), Ok(bare.clone()));
        assert_eq!(new.get("name"), Some(&Attr::text("kept")));
        assert_eq!(KeyRow::from_item(&key_item(&bare.to_item(), &key())), Ok(key()));
    }

    #[test]
    fn an_agent_without_a_deputy_has_none_in_its_row() {
        let agent = |deputy: Option<u8>| Agent {
            id: AgentId::from_random([3; 10]),
            status: Lifecycle::Active,
            team: "sales".parse().ok(),
            owner: Some(UserId::from_random([3; 10])),
            deputy: deputy.map(|byte| UserId::from_random([byte; 10])),
        };
        let new = agent_item(&agent(Some(4)).to_item(), &agent(None));
        assert_eq!(Agent::from_item(&new), Ok(agent(None)));
        reads_back(agent(Some(4)), &["team", "owner_user", "deputy_user"]);
    }
}
