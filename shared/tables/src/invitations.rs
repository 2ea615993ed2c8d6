//! Rows of invitations: an organization's own, and those of its tenants.

use domain::{InviteRow, Role, TenantId, TenantInvite, TenantInvitesRow};

use crate::codec::Row;
use crate::identity::{INVITER, in_epoch, person_in_epoch};
use crate::item::item;
use crate::{Attr, CodecError, Item, Reader};

/// Where it says through which connection whoever invited was here.
const THROUGH: &str = "through";

impl Row for InviteRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("org_id", Attr::text(&self.org)),
            ("connection_id", Attr::text(&self.connection)),
            ("platform", Attr::Bool(self.platform)),
            ("owner", Attr::Bool(self.owner)),
            ("expires_at", Attr::text(self.expires_at)),
        ]);
        row.extend(self.invited_by.iter().flat_map(|inviter| in_epoch(inviter, INVITER)));
        row.extend(self.through.as_ref().map(|through| (THROUGH.to_owned(), Attr::text(through))));
        if let Some((tenant, role)) = &self.tenant {
            row.insert("tenant_id".to_owned(), Attr::text(tenant));
            row.insert("role".to_owned(), Attr::text(role));
        }
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let tenant = match row.optional::<TenantId>("tenant_id")? {
            Some(tenant) => Some((tenant, row.parse::<Role>("role")?)),
            None => None,
        };
        Ok(Self {
            org: row.parse("org_id")?,
            connection: row.parse("connection_id")?,
            platform: row.flag("platform")?,
            owner: row.flag("owner")?,
            tenant,
            invited_by: person_in_epoch(&row, INVITER)?,
            through: row.optional(THROUGH)?,
            expires_at: row.parse("expires_at")?,
        })
    }
}

/// Lies among a tenant's own rows, and in the one by which a sign-in finds it.
impl Row for TenantInvite {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("tenant_id", Attr::text(&self.tenant)),
            ("role", Attr::text(self.role)),
            (THROUGH, Attr::text(&self.through)),
            ("expires_at", Attr::text(self.expires_at)),
        ]);
        row.extend(in_epoch(&self.invited_by, INVITER));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        tenant_invite(&Reader::new(item)?)
    }
}

fn tenant_invite(row: &Reader<'_>) -> Result<TenantInvite, CodecError> {
    Ok(TenantInvite {
        tenant: row.parse("tenant_id")?,
        role: row.parse("role")?,
        invited_by: person_in_epoch(row, INVITER)?.ok_or(CodecError::Missing(INVITER.0))?,
        through: row.parse(THROUGH)?,
        expires_at: row.parse("expires_at")?,
    })
}

impl Row for TenantInvitesRow {
    fn to_item(&self) -> Item {
        let invites = self.invites.iter().map(|invite| Attr::M(invite.to_item())).collect();
        item([
            ("org_id", Attr::text(&self.org)),
            ("connection_id", Attr::text(&self.connection)),
            ("invites", Attr::L(invites)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            org: row.parse("org_id")?,
            connection: row.parse("connection_id")?,
            invites: row.maps("invites", |one| tenant_invite(&one))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::reads_back;
    use domain::{ConnectionId, InEpoch, OrgId, Timestamp, UserId};

    #[test]
    fn every_row_reads_back_and_names_what_is_missing() {
        let (org, connection) = (OrgId::from_random([1; 10]), ConnectionId::from_random([2; 10]));
        let tenant = TenantId::from_random([5; 10]);
        let expires_at = Timestamp::from_unix_millis(1_000).unwrap();
        let invited_by = InEpoch::new(UserId::from_random([3; 10]), 3);
        let invite = InviteRow {
            org: org.clone(),
            connection: connection.clone(),
            platform: true,
            owner: true,
            tenant: Some((tenant.clone(), Role::Owner)),
            invited_by: Some(invited_by.clone()),
            through: Some(connection.clone()),
            expires_at,
        };
        reads_back(invite, &["tenant_id", "invited_by", "inviter_epoch", "through"]);
        let through = connection.clone();
        let one = TenantInvite { tenant, role: Role::Viewer, invited_by, through, expires_at };
        reads_back(one.clone(), &["inviter_epoch"]);
        reads_back(TenantInvitesRow { org, connection, invites: vec![one] }, &[]);
    }
}
