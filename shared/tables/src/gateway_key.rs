//! Rows of gateway keys.

use domain::{KeyKind, KeyRow, Owner, Previous, Scopes, Sight};

use crate::codec::{Row, read_networks, written_networks};
use crate::item::item;
use crate::{Attr, CodecError, Item, Reader};

/// Fields that a key may lose, be it by a rotation.
pub(crate) const MAY_GO: [&str; 7] = [
    "previous_sha256",
    "previous_until",
    "previous_seen_by",
    "previous_seen_epoch",
    "seen_by",
    "seen_epoch",
    "rotate_by",
];

fn sight(seen: &Sight, by: &str, epoch: &str) -> [(String, Attr); 2] {
    [(by.to_owned(), Attr::text(&seen.user)), (epoch.to_owned(), Attr::number(seen.epoch))]
}

/// Rows from before it was written down who saw a secret say nobody.
fn read_sight(row: &Reader<'_>, by: &'static str, epoch: &'static str) -> Result<Option<Sight>, CodecError> {
    let user = row.optional(by)?;
    user.map(|user| Ok(Sight { user, epoch: row.number(epoch)? })).transpose()
}

impl Row for KeyRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("key_id", Attr::text(&self.id)),
            ("kind", Attr::text(self.kind)),
            ("region", Attr::text(self.region)),
            ("org_id", Attr::text(&self.org)),
            ("tenant_id", Attr::text(&self.tenant)),
            ("agent_id", Attr::text(&self.agent)),
            ("secret_sha256", Attr::text(self.secret)),
            ("actions", Attr::texts(&self.scopes.actions)),
        ]);
        let scopes = &self.scopes;
        for (name, names) in
            [("models", &scopes.models), ("providers", &scopes.providers), ("routes", &scopes.routes)]
        {
            row.extend(names.as_ref().map(|names| (name.to_owned(), Attr::texts(names))));
        }
        row.extend(written_networks(&self.networks));
        let rate = self.requests_per_minute.map(|rate| Attr::number(rate.into()));
        row.extend(rate.map(|rate| ("requests_per_minute".to_owned(), rate)));
        row.extend(self.seen.iter().flat_map(|seen| sight(seen, "seen_by", "seen_epoch")));
        if let Some(previous) = &self.previous {
            row.insert("previous_sha256".to_owned(), Attr::text(previous.secret));
            row.insert("previous_until".to_owned(), Attr::text(previous.until));
            let seen = previous.seen.iter();
            row.extend(seen.flat_map(|seen| sight(seen, "previous_seen_by", "previous_seen_epoch")));
        }
        if let Owner::User { id, epoch } = &self.owner {
            row.insert("owner_id".to_owned(), Attr::text(id));
            row.insert("owner_epoch".to_owned(), Attr::number(*epoch));
        }
        let moments = [
            ("active_from", self.active_from),
            ("expires_at", self.expires_at),
            ("rotate_by", self.rotate_by),
            ("revoked_at", self.revoked_at),
        ];
        for (name, at) in moments {
            row.extend(at.map(|at| (name.to_owned(), Attr::text(at))));
        }
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let owner = match row.optional("owner_id")? {
            Some(id) => Owner::User { id, epoch: row.number("owner_epoch")? },
            None if row.parse::<KeyKind>("kind")? == KeyKind::User => {
                return Err(CodecError::Missing("owner_id"));
            }
            None => Owner::Tenant,
        };
        let names = |field| if row.has(field) { row.texts(field).map(Some) } else { Ok(None) };
        let previous = match row.optional("previous_sha256")? {
            Some(secret) => Some(Previous {
                secret,
                seen: read_sight(&row, "previous_seen_by", "previous_seen_epoch")?,
                until: row.parse("previous_until")?,
            }),
            None => None,
        };
        Ok(Self {
            id: row.parse("key_id")?,
            kind: row.parse("kind")?,
            region: row.parse("region")?,
            org: row.parse("org_id")?,
            tenant: row.parse("tenant_id")?,
            agent: row.parse("agent_id")?,
            owner,
            secret: row.parse("secret_sha256")?,
            seen: read_sight(&row, "seen_by", "seen_epoch")?,
            previous,
            scopes: Scopes {
                actions: row.texts("actions")?,
                models: names("models")?,
                providers: names("providers")?,
                routes: names("routes")?,
            },
            networks: read_networks(&row)?,
            requests_per_minute: if row.has("requests_per_minute") {
                Some(row.number32("requests_per_minute")?)
            } else {
                None
            },
            active_from: row.optional("active_from")?,
            expires_at: row.optional("expires_at")?,
            rotate_by: row.optional("rotate_by")?,
            revoked_at: row.optional("revoked_at")?,
        })
    }
}
