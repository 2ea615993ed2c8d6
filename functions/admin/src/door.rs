//! What is known of an identity that stands at the door, in few trips: who it is, then what they are.

use domain::{ConnectionRow, Timestamp, UserId};
use tables::{Key, Table, directory};

use crate::ask::Rows;
use crate::decide::admit;
use crate::decide::invitations::Awaiting;
use crate::effects::Effects;
use crate::refusal::Why;
use crate::signin::Ready;
use crate::sso::Identity;

/// Rows of one page of somebody's groups.
const GROUPS: u16 = 500;

impl Effects {
    /// Everything that letting somebody in depends on, in two trips: who it is, then what they are.
    pub(crate) async fn at_the_door(
        &self,
        ready: &Ready,
        identity: &Identity,
        new_user: &UserId,
        now: Timestamp,
    ) -> Result<Rows, Why> {
        let (org, unread) = (&ready.row.org, |_| Why::FactsUnavailable);
        let mut rows =
            self.dynamo.batch_get(&admit::first_keys(org, &ready.row, identity)).await.map_err(unread)?;
        // Of several, who is in is the one.
        let candidates = admit::candidates(&rows, org, &ready.row, identity);
        self.read_into(&mut rows, candidates.iter().map(|id| Key::user(org, id)).collect()).await?;
        let known = admit::linked(&rows, org, &ready.row, identity);
        let user = known.clone().unwrap_or_else(|| new_user.clone());
        let awaiting = Awaiting::at(&rows, org, &ready.row, identity, now)?;
        let more = admit::more_keys(org, &ready.connection, &user, &awaiting);
        self.read_into(&mut rows, more).await?;
        if let Some(known) = known {
            self.pushed_groups(&ready.row, &known, &mut rows).await?;
        }
        Ok(rows)
    }

    async fn read_into(&self, rows: &mut Rows, keys: Vec<Key>) -> Result<(), Why> {
        rows.extend(self.dynamo.batch_get(&keys).await.map_err(|_| Why::FactsUnavailable)?);
        Ok(())
    }

    /// Groups that the connection's directory says somebody is in. Their own row is read before: it counts moves between groups.
    async fn pushed_groups(&self, row: &ConnectionRow, user: &UserId, rows: &mut Rows) -> Result<(), Why> {
        let place = admit::pushed_place(row, user);
        let Some(item) = self.dynamo.get(&place).await.map_err(|_| Why::FactsUnavailable)? else {
            return Ok(());
        };
        rows.insert(place, item);
        let (pk, prefix) = (directory::partition(&row.id), directory::groups_of(user));
        let (mut keys, mut after): (Vec<Key>, Option<String>) = (Vec::new(), None);
        loop {
            let page = self.dynamo.page(Table::Identity, &pk, &prefix, after.as_deref(), GROUPS).await;
            let page = page.map_err(|_| Why::FactsUnavailable)?;
            let groups = page.rows.iter().filter_map(|(key, _)| directory::group_of(user, key));
            keys.extend(groups.map(|id| directory::group(&row.id, &id)));
            after = page.rows.last().filter(|_| page.more).map(|(key, _)| key.sk.clone());
            if after.is_none() {
                break;
            }
        }
        self.read_into(rows, keys).await
    }
}
