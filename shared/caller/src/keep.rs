//! Keeps what tokens stand for: every row is durably written before a text with them leaves.

use aws::{Dynamo, KmsWrapper};
use domain::{Reason, RootRow, Timestamp};
use envelope::{Purpose, Roots};
use tables::codec::Row as _;
use tables::{Item, Key};

use crate::tokens::{Holder, Made, Sealer};
use crate::{Person, keys_fault};

/// Under what, for whom and until when tokens are kept.
#[derive(Debug)]
pub struct Keeping<'a> {
    pub holder: &'a Holder,
    /// Whoever the call is for: their key seals, so that it ends the tokens with it.
    pub person: Option<&'a Person>,
    /// The tenant's `token` root, as it was read with the facts.
    pub root: Option<&'a RootRow>,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

impl Keeping<'_> {
    /// Writes a row per token. After an error any of them may be there, and none was given to anybody.
    ///
    /// # Errors
    /// The keys cannot be used, or a row is not confirmed.
    pub async fn keep(
        &self,
        dynamo: &Dynamo,
        roots: &Roots<KmsWrapper>,
        tokens: &[Made<'_>],
    ) -> Result<(), Reason> {
        if tokens.is_empty() {
            return Ok(());
        }
        let sealer = self.sealer(roots).await?;
        let rows = tokens.iter().map(|made| self.row(&sealer, made)).collect::<Option<Vec<(Key, Item)>>>();
        let rows = rows.ok_or(Reason::TokensUnavailable)?;
        dynamo.put_all(rows).await.map_err(|_| Reason::TokensUnavailable)
    }

    async fn sealer(&self, roots: &Roots<KmsWrapper>) -> Result<Sealer, Reason> {
        if let Some(person) = self.person {
            return Ok(Sealer::Person(person.clone()));
        }
        let root = self.root.ok_or(Reason::KeysUnavailable)?;
        let opened = roots.current(&self.holder.tenant, Purpose::Token, root, self.now).await;
        opened.map(Sealer::Tenant).map_err(keys_fault)
    }

    fn row(&self, sealer: &Sealer, made: &Made<'_>) -> Option<(Key, Item)> {
        let random = aws::random().ok()?;
        let (place, row) = self.holder.row(sealer, made, self.expires_at, &random).ok()?;
        Some((place, row.to_item()))
    }
}
