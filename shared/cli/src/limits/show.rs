//! Limits with what is used, as a table.

use domain::{Limit, LimitsRow, Timestamp};
use tables::gates::{Payer, Shard, meter};

use super::{Shown, amount};
use crate::print;

/// What is held on a meter in a shard: a part of what is used.
fn held(shard: &Shard, name: &str) -> u64 {
    let of = |hold: &tables::gates::OpenHold| {
        let meters = Payer::parse(&hold.payer).and_then(|payer| hold.open.meters(&payer)).unwrap_or_default();
        let unit = meters.into_iter().find(|(meter, _)| meter == name).map(|(_, unit)| unit);
        unit.map_or(0, |unit| hold.open.spend.of(unit))
    };
    shard.open().unwrap_or_default().iter().map(of).fold(0, u64::saturating_add)
}

fn row(limit: &Limit, shards: &[Shard], name: &str) -> Vec<String> {
    let Limit { place, most } = limit;
    let sum = |of: &dyn Fn(&Shard) -> u64| shards.iter().map(of).fold(0, u64::saturating_add);
    let (used, held) = (sum(&|shard| shard.used(name)), sum(&|shard| held(shard, name)));
    let shares: Vec<_> = shards
        .iter()
        .filter_map(|shard| shard.carve.get(name))
        .map(|carve| amount(place.unit, carve.share))
        .collect();
    let percent = u128::from(used).saturating_mul(100).checked_div((*most).into());
    vec![
        place.level.to_string(),
        place.id.as_ref().map_or("-".to_owned(), ToString::to_string),
        if place.unit == domain::Unit::Tokens { "tokens" } else { "usd" }.to_owned(),
        place.window.to_string(),
        amount(place.unit, *most),
        amount(place.unit, used),
        amount(place.unit, held),
        if shares.is_empty() { "whole".to_owned() } else { shares.join(" ") },
        percent.map_or("-".to_owned(), |percent| percent.to_string()),
    ]
}

pub(super) fn table(limits: &LimitsRow, shards: &[Shard], now: Timestamp) -> Shown {
    let day = limits.zone().day(now);
    print::line(&format!(
        "version {}, {} of {}, {} shards: used is spent and held together",
        limits.version(),
        day,
        limits.zone(),
        limits.shards()
    ))?;
    let heading = ["level", "id", "unit", "window", "limit", "used", "held", "share", "%"];
    let rows = limits.limits().iter().map(|limit| row(limit, shards, &meter::name(&limit.place, day)));
    print::table(&[heading.map(str::to_owned).to_vec()].into_iter().chain(rows).collect::<Vec<_>>())
}
