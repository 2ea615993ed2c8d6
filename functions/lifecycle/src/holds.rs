//! Orphaned holds: every shard of every tenant is looked at, and what outlived every call is settled at its full size. The
//! attempt stays unpaired in the ledger, which is what became of it, and a record beside it says what it cost. A line of the
//! log names it too, and an alarm counts such lines.

use domain::{
    Actor, ActorType, AuditRecord, Code, Decided, Description, EventId, EventType, Metadata, Phase,
    RECORD_VERSION, Reason, Tenant, TenantId, Timestamp, Zone,
};
use tables::codec::Row as _;
use tables::gates::{Orphan, sweep};
use tables::{Item, Key};

use crate::effects::{Effects, Fault};

/// No call lives so long: a function of the gateway has at most 15 minutes (Lambda quotas), and its clock may be off.
const OLDEST_CALL_MS: u64 = 20 * 60 * 1_000;

/// The tenant of a shard, by where it lies: `T#<tenant>#B<shard>`.
fn tenant(key: &Key) -> Option<TenantId> {
    key.pk.strip_prefix("T#")?.split('#').next()?.parse().ok()
}

/// Who begins now is younger than this.
fn oldest(now: Timestamp) -> Timestamp {
    let millis = i64::try_from(now.unix_millis().saturating_sub(OLDEST_CALL_MS)).unwrap_or_default();
    Timestamp::from_unix_millis(millis).unwrap_or(now)
}

fn told(tenant: &TenantId, orphan: &Orphan) {
    tracing::warn!(
        tenant_id = %tenant,
        agent_id = %orphan.payer.agent,
        action_id = %orphan.action,
        tokens = orphan.spend.tokens,
        usd_micros = orphan.spend.usd_micros,
        "hold.orphaned"
    );
}

impl Effects {
    /// Sweeps all shards: how many holds were orphaned, and how many meters forgotten. A shard that cannot be swept does not
    /// stop the others.
    ///
    /// # Errors
    /// The table did not answer, or a shard was not swept whole.
    pub async fn sweep_holds(&self, now: Timestamp) -> Result<(u64, u64), Fault> {
        let (mut orphans, mut forgotten, mut ended) = (0_u64, 0_u64, Ok(()));
        let mut after = None;
        loop {
            let page = self.dynamo.scan_budgets(after.as_ref()).await;
            let (items, next) = page.map_err(|_| "tables_unavailable")?;
            for (key, item) in &items {
                match self.sweep_shard(key, item, now).await {
                    Ok(swept) => (orphans, forgotten) = (orphans + swept.0, forgotten + swept.1),
                    Err(fault) => ended = Err(fault),
                }
            }
            after = next;
            if after.is_none() {
                return ended.map(|()| (orphans, forgotten));
            }
        }
    }

    async fn sweep_shard(&self, key: &Key, item: &Item, now: Timestamp) -> Result<(u64, u64), Fault> {
        let Some(tenant) = tenant(key) else { return Err("not_a_shard") };
        // Days are kept long enough for every zone.
        let today = Zone::utc().day(now);
        let swept = sweep(&self.dynamo, &tenant, key, item, oldest(now), today).await;
        let orphans = swept.as_ref().map_or(&[][..], |swept| &swept.orphans);
        orphans.iter().for_each(|orphan| told(&tenant, orphan));
        self.record(&tenant, orphans, now).await?;
        let swept = swept.ok().filter(|swept| !swept.unfinished).ok_or_else(|| {
            tracing::error!(tenant_id = %tenant, "shard.not_swept");
            "shard_not_swept"
        })?;
        Ok((u64::try_from(swept.orphans.len()).unwrap_or(u64::MAX), swept.forgotten))
    }
}

impl Effects {
    /// Records orphans after they were settled: what is not acknowledged is sent again first, and fails the sweep.
    async fn record(&self, tenant: &TenantId, orphans: &[Orphan], now: Timestamp) -> Result<(), Fault> {
        if orphans.is_empty() {
            return Ok(());
        }
        let row = self.dynamo.get(&Key::tenant(tenant)).await.map_err(|_| "tables_unavailable")?;
        let row = row.and_then(|item| Tenant::from_item(&item).ok()).ok_or("tenant_unreadable")?;
        let mut records = Vec::new();
        for orphan in orphans {
            let event_id = EventId::new(now, aws::random().map_err(|_| "no_entropy")?);
            records.push(recorded(self.config.region, &row, orphan, event_id, now));
        }
        self.audit.record(&records).await.map_err(|_| "not_recorded")
    }
}

fn recorded(
    region: domain::Region,
    row: &Tenant,
    orphan: &Orphan,
    event_id: EventId,
    at: Timestamp,
) -> AuditRecord {
    AuditRecord {
        action_id: Some(orphan.action),
        agent_id: Some(orphan.payer.agent.clone()),
        ..AuditRecord::new(
            RECORD_VERSION,
            event_id,
            at,
            region,
            row.org.clone(),
            row.id.clone(),
            EventType::BudgetOrphaned,
            Phase::Single,
            ActorType::System,
            Actor::system(),
            Code::literal("budget.sweep"),
            Decided::Allow,
            Code::literal(Reason::Completed.as_str()),
            Description::literal("A call died before its hold was settled: its worst case counts as spent."),
            Metadata::default()
                .count("tokens", orphan.spend.tokens)
                .count("usd_micros", orphan.spend.usd_micros),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_names_its_tenant() {
        let id = TenantId::from_random([7; 10]);
        assert_eq!(tenant(&Key::budget(&id, 31)), Some(id));
        assert_eq!(
            oldest("2026-11-26T12:00:00.000Z".parse().unwrap()).to_string(),
            "2026-11-26T11:40:00.000Z"
        );
    }
}
