//! What an index answers: ids, names, clients' ids, addresses, members.

use domain::{FoundRow, GroupId, Opaque, UserId};
use tables::codec::Row as _;
use tables::directory::{By, external_digest, found, group, mail_digest, name_digest, user};
use tables::{Item, Key};

use crate::desk::Desk;
use crate::effects::{Effects, Session, unavailable};
use crate::error::ScimError;
use crate::filter::{Field, Filter, Lookup};
use crate::find::rowed;
use crate::schema::Kind;

impl<D: Desk> Effects<D> {
    /// Rows that an index names. `None`: none answers this filter.
    pub(crate) async fn looked_up(
        &self,
        session: &Session<'_>,
        kind: Kind,
        filter: Option<&Filter>,
    ) -> Result<Option<Vec<Item>>, ScimError> {
        let lookups = filter.map(Filter::lookups).unwrap_or_default();
        for lookup in &lookups {
            if let Some(keys) = self.indexed(session, kind, lookup).await? {
                return Ok(Some(self.read(keys).await?.into_values().collect()));
            }
        }
        Ok(None)
    }

    async fn indexed(
        &self,
        session: &Session<'_>,
        kind: Kind,
        lookup: &Lookup,
    ) -> Result<Option<Vec<Key>>, ScimError> {
        let of = &session.directory.connection;
        let text = lookup.value.as_str();
        let place = |id: &str| match kind {
            Kind::User => id.parse().ok().map(|id: UserId| user(of, &id)),
            Kind::Group => id.parse().ok().map(|id: GroupId| group(of, &id)),
        };
        let by = |by, digest: Opaque| Some(found(of, rowed(kind), by, &digest));
        let index = match (lookup.field, kind) {
            (Field::Id, _) => return Ok(Some(place(text).into_iter().collect())),
            (Field::Member, Kind::Group) => {
                let Ok(person) = text.parse::<UserId>() else { return Ok(Some(Vec::new())) };
                let groups = self.groups_of(session, &person).await?;
                return Ok(Some(groups.iter().map(|row| group(of, &row.id)).collect()));
            }
            (Field::Group, Kind::User) => {
                let Ok(of_group) = text.parse::<GroupId>() else { return Ok(Some(Vec::new())) };
                let people = self.members(session, &of_group).await?;
                return Ok(Some(people.iter().map(|id| user(of, id)).collect()));
            }
            (Field::UserName, Kind::User) | (Field::DisplayName, Kind::Group) => {
                by(By::Name, name_digest(of, text))
            }
            (Field::ExternalId, _) => by(By::External, external_digest(of, text)),
            (Field::Email, Kind::User) => by(By::Mail, mail_digest(of, text)),
            _ => None,
        };
        let Some(index) = index else { return Ok(None) };
        let item = self.desk.get(&index).await.map_err(|_| unavailable())?;
        let row = item.as_ref().map(FoundRow::from_item).transpose().map_err(|_| unavailable())?;
        Ok(Some(row.unwrap_or_default().0.iter().filter_map(|id| place(id)).collect()))
    }
}
