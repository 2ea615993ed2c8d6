//! A month's use by day, from the meters that run and from what was kept of those that are forgotten.

use std::collections::BTreeMap;

use domain::Unit;
use serde::Serialize;
use tables::{Attr, Key, KeyStore as _};

use super::{LimitError, Shown, amount, read, shards};
use crate::ops::Bench;
use crate::print;

/// What was used on a day: spent, and still held where calls are under way.
#[derive(Debug, Default, Serialize)]
pub(super) struct Used {
    tokens: u64,
    usd_micros: u64,
}

/// One tenant's month.
#[derive(Debug, Serialize)]
pub(super) struct Statement {
    tenant_id: String,
    month: String,
    time_zone: String,
    days: BTreeMap<String, Used>,
    total: Used,
}

/// Days of the month, by the names of the tenant's meters: `t:tok:2026-11-26`.
fn add(days: &mut BTreeMap<String, Used>, month: &str, meter: &str, count: u64) {
    let unit = [("t:tok:", Unit::Tokens), ("t:usd:", Unit::UsdMicros)];
    let found = unit.into_iter().find_map(|(start, unit)| Some((meter.strip_prefix(start)?, unit)));
    let Some((day, unit)) = found.filter(|(day, _)| day.len() > month.len() && day.starts_with(month)) else {
        return;
    };
    let used = days.entry(day.to_owned()).or_default();
    match unit {
        Unit::Tokens => used.tokens = used.tokens.saturating_add(count),
        Unit::UsdMicros => used.usd_micros = used.usd_micros.saturating_add(count),
    }
}

pub(super) async fn of(bench: &Bench, month: &str) -> Result<Statement, LimitError> {
    let limits = read(bench).await?.ok_or(LimitError::Unreadable)?;
    let mut days = BTreeMap::new();
    // What moves on from here meanwhile is counted in neither, rather than twice: ask again.
    let kept =
        bench.store.read(&Key::usage(&bench.ring.tenant, month)).await.map_err(|_| LimitError::Read)?;
    for shard in shards(bench, limits.shards()).await? {
        shard.used.iter().for_each(|(meter, count)| add(&mut days, month, meter, *count));
    }
    for (meter, value) in kept.unwrap_or_default() {
        let Attr::N(count) = value else { continue };
        add(&mut days, month, &meter, count.parse().map_err(|_| LimitError::Read)?);
    }
    let sum = |of: fn(&Used) -> u64| days.values().map(of).fold(0, u64::saturating_add);
    let total = Used { tokens: sum(|used| used.tokens), usd_micros: sum(|used| used.usd_micros) };
    let (tenant_id, time_zone) = (bench.ring.tenant.to_string(), limits.zone().to_string());
    Ok(Statement { tenant_id, month: month.to_owned(), time_zone, days, total })
}

pub(super) fn print(statements: &[Statement], json: bool) -> Shown {
    if json {
        return print::json(&statements);
    }
    let mut rows = vec![["tenant", "day", "tokens", "usd"].map(str::to_owned).to_vec()];
    for statement in statements {
        let line = |day: &str, used: &Used| {
            let usd = amount(Unit::UsdMicros, used.usd_micros);
            vec![statement.tenant_id.clone(), day.to_owned(), used.tokens.to_string(), usd]
        };
        rows.extend(statement.days.iter().map(|(day, used)| line(day, used)));
        rows.push(line("total", &statement.total));
    }
    print::table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tenants_days_of_the_month_count() {
        let mut days = BTreeMap::new();
        for (meter, count) in [
            ("t:tok:2026-11-26", 3),
            ("t:tok:2026-11-26", 4),
            ("t:usd:2026-11-27", 5),
            ("t:tok:2026-11", 100),
            ("t:tok:all", 100),
            ("t:tok:2026-12-01", 100),
            ("a:agt_1:tok:2026-11-26", 100),
        ] {
            add(&mut days, "2026-11", meter, count);
        }
        let told: Vec<_> =
            days.iter().map(|(day, used)| (day.as_str(), used.tokens, used.usd_micros)).collect();
        assert_eq!(told, [("2026-11-26", 7, 0), ("2026-11-27", 0, 5)]);
    }
}
