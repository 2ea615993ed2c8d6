//! Rows of people, addresses, teams and directories' tokens, and the writes that move agents between teams.
//!
//! A team counts its agents. Each move writes the agent and both counts in one transaction, and a team is removed only as it was
//! read, without any: whichever comes first, the other fails.

use domain::{
    AddressRow, Code, Person, PullRow, ScimSlots, ScimTokenId, ScimTokenRow, TeamRow, TenantId, Timestamp,
    User,
};

use crate::codec::{Row, sealed};
use crate::gates::Update;
use crate::item::{VERSION, VERSION_FIELD, item};
use crate::{Attr, CodecError, Item, Key, Reader, Swap};

impl Row for Person {
    fn to_item(&self) -> Item {
        let mut row = self.user.to_item();
        row.insert("owns".to_owned(), Attr::texts(&self.owns));
        row.insert("addresses".to_owned(), Attr::texts(&self.addresses));
        row.insert("signed_in".to_owned(), Attr::Bool(self.signed_in));
        row
    }

    /// Rows from before there was anything else hold nothing else.
    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            user: User::from_item(item)?,
            owns: if row.has("owns") { row.texts("owns")? } else { std::collections::BTreeSet::new() },
            addresses: if row.has("addresses") { row.texts("addresses")? } else { Vec::new() },
            // Before directories came nobody was here who had not.
            signed_in: if row.has("signed_in") { row.flag("signed_in")? } else { true },
        })
    }
}

impl Row for AddressRow {
    fn to_item(&self) -> Item {
        let mut row = item([("ended", Attr::Bool(self.ended > 0)), ("people", Attr::number(self.ended))]);
        row.extend(self.user.as_ref().map(|user| ("user_id".to_owned(), Attr::text(user))));
        row.extend(self.via.as_ref().map(|via| ("through".to_owned(), Attr::text(via))));
        row
    }

    /// Rows from before people were counted say only whether there was one.
    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let people = if row.has("people") { row.number("people")? } else { 0 };
        let ended = if row.flag("ended")? { people.max(1) } else { 0 };
        Ok(Self { ended, user: row.optional("user_id")?, via: row.optional("through")? })
    }
}

/// Closes an address for one more person who is ended, whatever its row says now. `read` is what it said: of rows from before
/// people were counted it tells whether there was one, and none is made again.
///
/// # Errors
/// What was read is no such row.
pub fn closed(place: Key, read: Option<&Item>) -> Result<Update, CodecError> {
    let before = read.map(AddressRow::from_item).transpose()?.map_or(0, |row| row.ended);
    Ok(Update {
        key: place,
        update: "SET ended = :ended, people = if_not_exists(people, :before) + :one, #v = :v",
        condition: None,
        names: vec![("#v", VERSION_FIELD.to_owned())],
        values: vec![
            (":ended", Attr::Bool(true)),
            (":before", Attr::number(before)),
            (":one", Attr::number(1)),
            (":v", Attr::number(VERSION)),
        ],
    })
}

impl Row for TeamRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("team_id", Attr::text(&self.id)),
            ("name", Attr::text(&self.name)),
            ("created_at", Attr::text(self.created_at)),
            ("agents", Attr::number(self.agents)),
        ]);
        row.extend(self.removed_at.map(|at| ("removed_at".to_owned(), Attr::text(at))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("team_id")?,
            name: row.parse("name")?,
            created_at: row.parse("created_at")?,
            agents: row.number("agents")?,
            removed_at: row.optional("removed_at")?,
        })
    }
}

/// An agent comes into a team, which must be there.
pub fn joined(tenant: &TenantId, team: &Code) -> Update {
    Update {
        key: Key::team(tenant, team),
        update: "SET agents = agents + :one",
        condition: Some("attribute_exists(pk) AND attribute_not_exists(removed_at)"),
        names: Vec::new(),
        values: vec![(":one", Attr::number(1))],
    }
}

/// An agent leaves a team.
pub fn left(tenant: &TenantId, team: &Code) -> Update {
    Update {
        key: Key::team(tenant, team),
        update: "SET agents = agents - :one",
        condition: Some("agents >= :one"),
        names: Vec::new(),
        values: vec![(":one", Attr::number(1))],
    }
}

/// An agent comes into a team, which is made if it is not there, named as its id.
pub fn joined_or_made(tenant: &TenantId, team: &Code, now: Timestamp) -> Update {
    Update {
        key: Key::team(tenant, team),
        update: "SET agents = if_not_exists(agents, :none) + :one, team_id = :team, \
                 #name = if_not_exists(#name, :team), created_at = if_not_exists(created_at, :now), #v = :v \
                 REMOVE removed_at",
        condition: None,
        names: vec![("#name", "name".to_owned()), ("#v", VERSION_FIELD.to_owned())],
        values: vec![
            (":none", Attr::number(0)),
            (":one", Attr::number(1)),
            (":team", Attr::text(team)),
            (":now", Attr::text(now)),
            (":v", Attr::number(VERSION)),
        ],
    }
}

const REVOKED_AT: &str = "revoked_at";

/// A token of a directory that is taken no more, and its place among the live ones given free. `slots`: the row of these, and
/// what is in it.
pub fn token_revoked(
    (place, item): (Key, &Item),
    id: &ScimTokenId,
    (slots_place, slots_item, slots): (Key, Option<&Item>, ScimSlots),
    now: Timestamp,
) -> Vec<Swap> {
    let mut revoked = item.clone();
    revoked.insert(REVOKED_AT.to_owned(), Attr::text(now));
    let mut kept = slots;
    kept.0.retain(|(one, _)| one != id);
    // Written over the slots as they were read: of two that are made or revoked at once, one fails.
    vec![
        Swap { key: place, old: Some(item.clone()), new: revoked },
        Swap { key: slots_place, old: slots_item.cloned(), new: kept.to_item() },
    ]
}

impl Row for ScimTokenRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("token_id", Attr::text(&self.id)),
            ("org_id", Attr::text(&self.org)),
            ("connection_id", Attr::text(&self.connection)),
            ("secret_sha256", Attr::text(self.secret)),
            ("last_four", Attr::text(&self.last_four)),
            ("created_by", Attr::text(&self.created_by)),
            ("created_epoch", Attr::number(self.created_epoch)),
            ("created_at", Attr::text(self.created_at)),
            ("expires_at", Attr::text(self.expires_at)),
        ]);
        row.extend(self.revoked_at.map(|at| (REVOKED_AT.to_owned(), Attr::text(at))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("token_id")?,
            org: row.parse("org_id")?,
            connection: row.parse("connection_id")?,
            secret: row.parse("secret_sha256")?,
            last_four: row.str("last_four")?.to_owned(),
            created_by: row.parse("created_by")?,
            created_epoch: if row.has("created_epoch") { row.number("created_epoch")? } else { 0 },
            created_at: row.parse("created_at")?,
            expires_at: row.parse("expires_at")?,
            revoked_at: row.optional(REVOKED_AT)?,
        })
    }
}

impl Row for PullRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("org_id", Attr::text(&self.org)),
            ("connection_id", Attr::text(&self.connection)),
            ("set_by", Attr::text(&self.set_by)),
            ("set_at", Attr::text(self.set_at)),
        ]);
        row.extend(self.agreed.as_ref().map(|agreed| ("agreed".to_owned(), Attr::text(agreed))));
        row.extend(
            self.secret.as_ref().map(|sealed| ("secret".to_owned(), Attr::B(sealed.as_bytes().to_vec()))),
        );
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            org: row.parse("org_id")?,
            connection: row.parse("connection_id")?,
            agreed: row.optional("agreed")?,
            secret: row.has("secret").then(|| sealed(&row, "secret")).transpose()?,
            set_by: row.parse("set_by")?,
            set_at: row.parse("set_at")?,
        })
    }
}

impl Row for ScimSlots {
    fn to_item(&self) -> Item {
        let slot = |(id, end): &(ScimTokenId, Timestamp)| {
            Attr::M(Item::from([
                ("token_id".to_owned(), Attr::text(id)),
                ("expires_at".to_owned(), Attr::text(end)),
            ]))
        };
        item([("slots", Attr::L(self.0.iter().map(slot).collect()))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let slot = |row: Reader<'_>| Ok((row.parse("token_id")?, row.parse("expires_at")?));
        Reader::new(item)?.maps("slots", slot).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::evaluate;
    use crate::testing::reads_back;
    use domain::{ConnectionId, Opaque, OrgId, SealedBytes, SecretHash, UserId};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    #[test]
    fn every_row_reads_back_and_names_what_is_missing() {
        let user = UserId::from_random([1; 10]);
        let mut person = Person::new(user.clone());
        person.owns.insert(TenantId::from_random([2; 10]));
        person.note(&Opaque::from_digest(&[3; 32]));
        assert_eq!(User::from_item(&person.to_item()), Ok(person.user.clone()));
        reads_back(person, &["owns", "addresses", "signed_in"]);
        let (whose, via) = (Some(user.clone()), Some(ConnectionId::from_random([6; 10])));
        reads_back(AddressRow { ended: 1, user: whose, via }, &["people", "user_id", "through"]);
        reads_back(team(3), &["removed_at"]);
        let id = ScimTokenId::from_random([4; 10]);
        reads_back(ScimSlots(vec![(id.clone(), at(7))]), &[]);
        let row = ScimTokenRow {
            id,
            org: OrgId::from_random([5; 10]),
            connection: ConnectionId::from_random([6; 10]),
            secret: SecretHash::of("x"),
            last_four: "abcd".to_owned(),
            created_by: user.clone(),
            created_epoch: 3,
            created_at: at(1),
            expires_at: at(2),
            revoked_at: Some(at(3)),
        };
        let pull = PullRow {
            org: row.org.clone(),
            connection: row.connection.clone(),
            agreed: Some(Opaque::from_digest(&[3; 32])),
            secret: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).ok(),
            set_by: user,
            set_at: at(1),
        };
        reads_back(pull, &["secret", "agreed"]);
        assert!(!row.is_live(at(1)));
        assert!(ScimTokenRow { revoked_at: None, ..row.clone() }.is_live(at(1)));
        assert!(!ScimTokenRow { revoked_at: None, ..row.clone() }.is_live(at(2)));
        reads_back(row, &["revoked_at", "created_epoch"]);
    }

    #[test]
    fn an_address_counts_whom_it_is_closed_for() {
        let place = || Key::address(&OrgId::from_random([5; 10]), Opaque::from_digest(&[3; 32]));
        let noted = AddressRow::default().to_item();
        let mut item = None;
        for count in 1..=3 {
            let before = item.as_ref().unwrap_or(&noted);
            let after = evaluate(&closed(place(), Some(before)).unwrap().into(), Some(before)).unwrap();
            assert_eq!(AddressRow::from_item(&after), Ok(AddressRow { ended: count, user: None, via: None }));
            item = Some(after);
        }
        let first = evaluate(&closed(place(), None).unwrap().into(), None).unwrap();
        assert_eq!(AddressRow::from_item(&first), Ok(AddressRow { ended: 1, user: None, via: None }));
        // Whoever is let in, or reactivated, at the same moment has read another row.
        let open = Swap { key: place(), old: Some(noted.clone()), new: noted };
        assert!(evaluate(&open.to_write(), item.as_ref()).is_err());
        let two = AddressRow { ended: 2, user: None, via: None }.to_item();
        let back = Swap {
            key: place(),
            old: Some(two.clone()),
            new: AddressRow { ended: 1, user: None, via: None }.to_item(),
        };
        assert!(evaluate(&back.to_write(), Some(&two)).is_ok());
        assert!(evaluate(&back.to_write(), item.as_ref()).is_err());
    }

    /// Two were ended under it: with one of them back, it stays closed.
    #[test]
    fn a_row_from_before_people_were_counted_counts_its_one() {
        let place = || Key::address(&OrgId::from_random([5; 10]), Opaque::from_digest(&[3; 32]));
        let mut old = AddressRow { ended: 1, user: None, via: None }.to_item();
        old.remove("people");
        let counted = |read: Option<&Item>, there: &Item| {
            let after = evaluate(&closed(place(), read).unwrap().into(), Some(there)).unwrap();
            (AddressRow::from_item(&after).unwrap().ended, after)
        };
        let (count, two) = counted(Some(&old), &old);
        assert_eq!(count, 2);
        // Somebody else was ended since it was read: each counts once.
        assert_eq!(counted(Some(&old), &two).0, 3);
        let noted = AddressRow::default().to_item();
        assert_eq!(counted(Some(&noted), &two).0, 3);
        let mut never = noted.clone();
        never.remove("people");
        assert_eq!(counted(Some(&never), &never).0, 1);
        assert!(closed(place(), Some(&Item::new())).is_err());
    }

    fn team(agents: u64) -> TeamRow {
        let name = "sales".parse().unwrap();
        TeamRow { id: "sales".parse().unwrap(), name, created_at: at(1), agents, removed_at: Some(at(9)) }
    }

    fn counted(update: Update, item: Option<&Item>) -> Option<u64> {
        evaluate(&update.into(), item).ok().map(|item| TeamRow::from_item(&item).unwrap().agents)
    }

    #[test]
    fn a_team_counts_its_agents_and_one_that_is_gone_takes_none() {
        let (tenant, id) = (TenantId::from_random([2; 10]), "sales".parse().unwrap());
        let there = TeamRow { removed_at: None, ..team(1) }.to_item();
        let gone = team(0).to_item();
        assert_eq!(counted(joined(&tenant, &id), Some(&there)), Some(2));
        assert_eq!(counted(joined(&tenant, &id), Some(&gone)), None);
        assert_eq!(counted(joined(&tenant, &id), None), None);
        assert_eq!(counted(left(&tenant, &id), Some(&there)), Some(0));
        assert_eq!(counted(left(&tenant, &id), Some(&gone)), None);
        for item in [None, Some(&gone), Some(&there)] {
            let made = evaluate(&joined_or_made(&tenant, &id, at(5)).into(), item).unwrap();
            let made = TeamRow::from_item(&made).unwrap();
            assert_eq!(made.removed_at, None);
            assert_eq!(made.agents, if item == Some(&there) { 2 } else { 1 });
            assert_eq!(made.created_at, at(if item.is_some() { 1 } else { 5 }));
        }
    }
}
