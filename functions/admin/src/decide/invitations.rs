//! Invitations that are open. Each is named by the digest that it lies under: an address is nowhere to be read.

use domain::{InviteRow, MetaValue, Metadata, User};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Table, deleted};

use crate::ask::{Ask, Rows};
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::List;

const PREFIX: &str = "INVITE#";

pub const LIST: List = List {
    table: Table::Identity,
    partition: |params, _| params.org.as_ref().map(|org| format!("ORG#{org}")),
    prefix: |_| PREFIX.to_owned(),
    row: None,
    show: |ask, key, item| {
        let row = InviteRow::from_item(item).ok()?;
        (ask.now < row.expires_at).then(|| view(key.sk.strip_prefix(PREFIX).unwrap_or_default(), &row))
    },
};

fn view(id: &str, row: &InviteRow) -> Value {
    let (tenant, role) =
        row.tenant.as_ref().map_or((None, None), |(tenant, role)| (Some(tenant), Some(role)));
    json!({
        "id": id, "connection": row.connection, "platform": row.platform, "owner": row.owner, "tenant": tenant,
        "role": role, "invited_by": row.invited_by.as_ref().map(|inviter| &inviter.user), "expires_at": row.expires_at,
    })
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.org.iter().zip(&params.invitation).map(|(org, invitation)| Key::invite(org, invitation)).collect()
}

/// An invitation, unless it is void: whoever invited must still be one who may, and not have been ended since. Owners of the organization may invite, into
/// whatever is theirs, and nobody else may.
///
/// # Errors
/// A row does not read.
pub fn standing(rows: &Rows, invite: Option<InviteRow>) -> Result<Option<InviteRow>, Why> {
    let Some(open) = &invite else { return Ok(None) };
    // Nobody did at the beginning of an organization.
    let Some(inviter) = &open.invited_by else { return Ok(invite) };
    let person = rows.get(&Key::user(&open.org, &inviter.user)).map(User::from_item).transpose();
    let same = inviter.stands(person.map_err(|_| Why::FactsUnavailable)?.as_ref());
    let stands = same && rows.contains_key(&Key::org_owner(&open.org, &inviter.user));
    Ok(invite.filter(|_| stands))
}

/// Takes an invitation away as it was read: whoever accepts it at the same moment is in, and this fails, or the other way round.
pub fn withdraw(ask: &Ask<'_>) -> Result<Change, Refused> {
    let key = needs(ask.params, ask.body).into_iter().next().ok_or(Why::NotFound)?;
    let (row, item) = ask.must::<InviteRow>(&key)?;
    let role = row.tenant.as_ref().map_or("none", |(_, role)| role.as_str());
    let change = Change::of(Vec::new(), "user:invited", Value::Null);
    Ok(Change {
        writes: vec![deleted(&key, item)],
        metadata: Metadata::default()
            .flag("owner", row.owner)
            .with("role", MetaValue::Code(domain::Code::literal(role))),
        ..change
    })
}
