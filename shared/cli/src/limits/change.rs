//! A new version of a tenant's limits: told, recorded, then written over the version that was read.

use domain::{EventType, Limit, LimitsRow, Metadata, Zone};
use tables::gates::GateFault;
use tables::{GateOp, GateStore, Key};

use super::{LimitError, read, shards};
use crate::args;
use crate::keys::TRIES;
use crate::ops::{Bench, Told};

/// The limits after a change, as the version after theirs.
fn changed(old: Option<&LimitsRow>, wanted: &args::Limit) -> Result<LimitsRow, LimitError> {
    let mut limits: Vec<Limit> = old.map(|row| row.limits().to_vec()).unwrap_or_default();
    for place in &wanted.remove {
        let at = limits.iter().position(|limit| limit.place == *place);
        limits.remove(at.ok_or_else(|| LimitError::NoSuch(place.clone()))?);
    }
    for super::Set(limit) in &wanted.set {
        limits.retain(|one| one.place != limit.place);
        limits.push(limit.clone());
    }
    let zone = wanted.time_zone.clone().or_else(|| old.map(|row| row.zone().clone()));
    let shards = wanted.shards.or_else(|| old.map(LimitsRow::shards)).unwrap_or(1);
    let version = old.map_or(1, |row| row.version().saturating_add(1));
    Ok(LimitsRow::new(version, zone.unwrap_or_else(Zone::utc), shards, limits)?)
}

pub(super) async fn run(
    bench: &Bench,
    old: Option<LimitsRow>,
    wanted: args::Limit,
) -> Result<LimitsRow, LimitError> {
    let row = changed(old.as_ref(), &wanted)?;
    let before = old.as_ref().map_or(row.shards(), LimitsRow::shards);
    if before != row.shards() && !shards(bench, before).await?.iter().all(tables::gates::Shard::is_fresh) {
        return Err(LimitError::InUse);
    }
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let metadata = Metadata::default()
        .count("version", row.version())
        .count("limits", count(row.limits().len()))
        .count("set", count(wanted.set.len()))
        .count("removed", count(wanted.remove.len()))
        .count("joined", count(wanted.join.len()))
        .count("shards", row.shards().into());
    let told = Told {
        event: EventType::AdminLimit,
        action: "ops.limit",
        description: "An operator changes how much a tenant may use.",
        resource: "limits:tenant".to_owned(),
        subject: None,
        metadata,
    };
    let work = async {
        put(bench, &row, before).await?;
        join(bench, &wanted.join).await
    };
    bench.recorded(told, work, |metadata, ()| metadata).await?;
    Ok(row)
}

/// Puts agents into their teams, each by a write of its own: to do it again changes nothing.
async fn join(bench: &Bench, joins: &[super::Join]) -> Result<(), LimitError> {
    for super::Join { agent, team } in joins {
        let write = tables::limits::join(Key::agent(&bench.ring.tenant, agent), team);
        bench.store.update(write).await.map_err(|_| LimitError::NoAgent(agent.clone()))?;
    }
    Ok(())
}

/// The row, and the shards with it when their number changes: one transaction, which a call that holds meanwhile stops.
fn ops(bench: &Bench, row: &LimitsRow, before: u8) -> Vec<GateOp> {
    let tenant = &bench.ring.tenant;
    let mut ops = vec![GateOp::Limits { row: Key::limits(tenant), limits: Box::new(row.clone()) }];
    if before != row.shards() {
        let shards = before.max(row.shards());
        ops.extend(
            (0..shards)
                .map(|shard| GateOp::Reshard { shard: Key::budget(tenant, shard), shards: row.shards() }),
        );
    }
    ops
}

async fn put(bench: &Bench, row: &LimitsRow, before: u8) -> Result<(), LimitError> {
    let (ops, version) = (ops(bench, row, before), row.version());
    let mut perhaps = false;
    for _ in 0..TRIES {
        let written = match ops.as_slice() {
            [op] => bench.store.apply(op).await.map(|_| ()),
            ops => bench.store.transact(ops).await,
        };
        match written {
            Ok(()) => return Ok(()),
            Err(GateFault::NotWritten) => {}
            Err(GateFault::Unknown) => perhaps = true,
            Err(GateFault::Condition(_)) => {
                let found = read(bench).await?;
                // Ours, when an earlier try was written after all.
                return match found {
                    Some(found) if perhaps && found == *row => Ok(()),
                    Some(found) if found.version() < version => Err(LimitError::InUse),
                    found => Err(LimitError::LostRace { found: found.map_or(0, |row| row.version()) }),
                };
            }
        }
    }
    Err(LimitError::NotConfirmed { version })
}
