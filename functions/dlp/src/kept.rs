//! What tokens stand for, in the tables: kept before an answer leaves, and opened for whoever it was kept for.

use std::collections::{BTreeMap, BTreeSet};

use aws::Recorded;
use caller::person::{self, Whose};
use caller::tokens::{Holder, Made};
use caller::{NoPerson, Person};
use domain::{Code, Opaque, Reason, Region, RootRow, SubjectRow, Timestamp, TokenRow};
use envelope::{Purpose, RootError};
use policy::Permit;
use tables::Key;
use tables::codec::Row as _;

use crate::effects::{Effects, Roots, in_time};
use crate::engine::Values;
use crate::plan::{Asked, Keeping};

/// The proof that one action was authorized and its attempt recorded: nothing is kept or opened without it.
#[derive(Debug)]
pub struct Cleared;

impl Cleared {
    pub fn new(permit: &Permit, recorded: &Recorded) -> Option<Self> {
        (permit.action_id() == recorded.action_id()).then_some(Self)
    }
}

/// A token of the holder's that is not expired.
type Own = (String, Key, TokenRow);

impl Effects {
    /// Writes a row for each token.
    ///
    /// # Errors
    /// Not every one is known to be written, or the keys cannot be used.
    pub async fn store(&self, _: &Cleared, keeping: &Keeping, root: Option<&RootRow>) -> Result<(), Reason> {
        let kinds: Vec<Code> = keeping.tokens.iter().map(|token| kind(&token.kind)).collect();
        let made = keeping.tokens.iter().zip(&kinds);
        let made: Vec<Made<'_>> =
            made.map(|(token, kind)| Made { token: &token.token, original: &token.original, kind }).collect();
        let (holder, person, expires_at) = (&keeping.holder, keeping.person.as_ref(), keeping.expires_at);
        let keeping = caller::Keeping { holder, person, root, now: aws::now(), expires_at };
        in_time(keeping.keep(&self.dynamo, &self.roots, &made), Reason::TokensUnavailable).await
    }

    /// What the holder's own tokens stand for, and how many there are of each type. A token that is unknown, another's,
    /// expired, of an erased person or under a destroyed key is left out, each like the others.
    ///
    /// # Errors
    /// The tables or the key service did not answer.
    pub async fn values(
        &self,
        _: &Cleared,
        region: Region,
        asked: &Asked,
        roots: &Roots,
        now: Timestamp,
    ) -> Result<(Values, BTreeMap<Code, u64>), Reason> {
        let own = self.own(asked, now).await?;
        let whose = Whose {
            tenant: &asked.holder.tenant,
            region,
            audit: roots.audit.as_ref().ok_or(Reason::KeysUnavailable)?,
        };
        let people = self.people(&own, &whose, now).await?;
        let (mut values, mut counts) = (Vec::new(), BTreeMap::new());
        for (token, place, row) in own {
            let opened = match &row.subject {
                Some(subject) => {
                    people.get(subject).and_then(|person| asked.holder.opened_of(person, &place, &row).ok())
                }
                None => self.tenants(&asked.holder, roots.token.as_ref(), &place, &row, now).await?,
            };
            let text = opened.and_then(|plain| String::from_utf8(plain.as_bytes().to_vec()).ok());
            if let Some(text) = text {
                values.push((token, text));
                *counts.entry(row.kind).or_default() += 1;
            }
        }
        Ok((values.into_iter().collect(), counts))
    }

    async fn own(&self, asked: &Asked, now: Timestamp) -> Result<Vec<Own>, Reason> {
        let places: Vec<(&String, Key)> =
            asked.tokens.iter().map(|token| (token, asked.holder.place(token))).collect();
        let keys: Vec<Key> = places.iter().map(|(_, place)| place.clone()).collect();
        let rows = self.dynamo.batch_get(&keys).await.map_err(|_| Reason::TokensUnavailable)?;
        let own = places.into_iter().filter_map(|(token, place)| {
            let row = TokenRow::from_item(rows.get(&place)?);
            let row = row.inspect_err(|error| tracing::error!(%error, "token.unreadable")).ok()?;
            asked.holder.has(&row, now).then(|| (token.clone(), place, row))
        });
        Ok(own.collect())
    }

    /// Keys of the people whose tokens these are. Whoever was erased has none.
    async fn people(
        &self,
        own: &[Own],
        whose: &Whose<'_>,
        now: Timestamp,
    ) -> Result<BTreeMap<Opaque, Person>, Reason> {
        let subjects: BTreeSet<&Opaque> = own.iter().filter_map(|(_, _, row)| row.subject.as_ref()).collect();
        let keys: Vec<Key> = subjects.iter().map(|subject| Key::subject(whose.tenant, subject)).collect();
        let rows = self.dynamo.batch_get(&keys).await.map_err(|_| Reason::TokensUnavailable)?;
        let mut people = BTreeMap::new();
        for subject in subjects {
            let row = rows.get(&Key::subject(whose.tenant, subject)).map(SubjectRow::from_item);
            let Some(Ok(row)) = row else { continue };
            match person::opened(&self.roots, whose, subject, row, now).await {
                Ok(person) => drop(people.insert(subject.clone(), person)),
                Err(NoPerson::Erased) => {}
                Err(NoPerson::Unavailable) => return Err(Reason::KeysUnavailable),
            }
        }
        Ok(people)
    }

    /// A value under the tenant's key; nothing if that version of it is retired or destroyed, or the row was changed.
    async fn tenants(
        &self,
        holder: &Holder,
        root: Option<&RootRow>,
        place: &Key,
        row: &TokenRow,
        now: Timestamp,
    ) -> Result<Option<envelope::Plaintext>, Reason> {
        let Some(root) = root else { return Err(Reason::KeysUnavailable) };
        let aad = holder.aad(place);
        match self.roots.open(&holder.tenant, Purpose::Token, root, &aad, &row.sealed, now).await {
            Ok(plain) => Ok(Some(plain)),
            Err(RootError::Wrap(_)) => Err(Reason::KeysUnavailable),
            Err(error) => {
                tracing::error!(%error, "token.shut");
                Ok(None)
            }
        }
    }
}

/// A type's name; of one that is no code of ours nothing is said.
fn kind(name: &str) -> Code {
    name.parse().unwrap_or_else(|_| Code::literal("unknown"))
}
