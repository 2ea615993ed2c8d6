//! A new version of a tenant's limits: told, recorded, then written over the version that was read.

use domain::{Agent, AgentId, Code, EventType, Limit, LimitsRow, Metadata, Zone};
use tables::codec::Row as _;
use tables::gates::GateFault;
use tables::{Attr, GateOp, GateStore, Key, KeyStore as _, Swap, people};

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

/// Puts agents into their teams, each with the counts of both teams in one transaction: to do it again changes nothing.
async fn join(bench: &Bench, joins: &[super::Join]) -> Result<(), LimitError> {
    for super::Join { agent, team } in joins {
        join_one(bench, agent, team).await?;
    }
    Ok(())
}

async fn join_one(bench: &Bench, agent: &AgentId, team: &Code) -> Result<(), LimitError> {
    let (tenant, key) = (&bench.ring.tenant, Key::agent(&bench.ring.tenant, agent));
    let none = || LimitError::NoAgent(agent.clone());
    for _ in 0..TRIES {
        let item = bench.store.read(&key).await.map_err(|_| none())?.ok_or_else(none)?;
        let row = Agent::from_item(&item).map_err(|_| none())?;
        if row.team.as_ref() == Some(team) {
            return Ok(());
        }
        let mut new = item.clone();
        new.insert("team".to_owned(), Attr::text(team));
        let moved = Swap { key: key.clone(), old: Some(item), new }.to_write();
        let joined = people::joined_or_made(tenant, team, aws::now()).into();
        let left = row.team.iter().map(|old| people::left(tenant, old).into());
        match bench.store.write_all([moved, joined].into_iter().chain(left).collect()).await {
            Ok(()) => return Ok(()),
            // What was written is seen by the next reading.
            Err(GateFault::Condition(_) | GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(none())
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
