//! By the clock, once a minute: what nobody told the outcome of in time is UNKNOWN, until a person has looked. Each is one
//! conditional write over the very row that was read; whoever was faster has told.

use domain::{ActionId, DueRow, OrgId, Phase, Run, RunRow, Tenant, Timestamp};
use serde::Serialize;
use tables::approvals::run_key;
use tables::codec::Row as _;
use tables::{GateFault, Item, Key, Swap, Table, deleted, shards_from};

use crate::decide::Rules;
use crate::effects::{Effects, in_time};
use crate::records::Silence;

/// Read at once, of one shard.
const PAGE: u16 = 100;

/// What a pass has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Passed {
    pub unknown: u64,
    /// Of which something did not answer: the next minute looks again.
    pub failed: u64,
}

/// What is known of a consumption whose outcome is due.
struct Overdue {
    org: OrgId,
    /// As it was read.
    item: Item,
    run: RunRow,
}

/// Whether an outcome is missing: the row as it becomes. Pure.
fn overdue(run: &RunRow, now: Timestamp) -> Option<RunRow> {
    let missing = run.state == Run::Consumed && run.due_at <= now;
    missing.then(|| RunRow { state: Run::Unknown, ended_at: Some(now), ..run.clone() })
}

impl Effects {
    /// One pass, as long as there is time.
    pub async fn pass(&self, rules: &Rules, deadline: Timestamp) -> Passed {
        let mut passed = Passed::default();
        let now = aws::now();
        let until = Key::due_until(now);
        for shard in shards_from(now).take_while(|_| aws::now() < deadline) {
            let listed =
                self.dynamo.range(Table::Approvals, &Key::due_in(shard), ("0", until.as_str()), PAGE).await;
            let Ok(listed) = listed else {
                passed.failed = passed.failed.saturating_add(1);
                continue;
            };
            for (key, item) in &listed.rows {
                match self.one(rules, key, item, now).await {
                    Ok(true) => passed.unknown = passed.unknown.saturating_add(1),
                    Ok(false) => {}
                    Err(()) => passed.failed = passed.failed.saturating_add(1),
                }
            }
        }
        passed
    }

    /// Whether it became UNKNOWN.
    async fn one(&self, rules: &Rules, key: &Key, due: &Item, now: Timestamp) -> Result<bool, ()> {
        let row = DueRow::from_item(due).map_err(|_| ())?;
        let Some(known) = self.known_of(&row).await? else { return Ok(false) };
        let Some(new) = overdue(&known.run, now) else {
            // Its outcome is there: what waited for it goes.
            let _ = self.dynamo.write_all(vec![deleted(key, due)]).await;
            return Ok(false);
        };
        let action = ActionId::new(now, aws::random().map_err(|_| ())?);
        let record = |phase, reason| {
            let told =
                Silence { run: &known.run, org: &known.org, region: rules.region, action, phase, reason };
            Ok::<_, ()>(told.record(aws::now(), aws::random().map_err(|_| ())?))
        };
        let attempt = record(Phase::Attempt, "allowed")?;
        in_time(self.audit.attempt(action, &[attempt]), aws::NotRecorded).await.map_err(|_| ())?;
        let place = run_key(&row.tenant, row.approval.as_ref(), &row.permit);
        let swap = Swap { key: place, old: Some(known.item.clone()), new: new.to_item() };
        let writes = vec![swap.to_write(), deleted(key, due)];
        let written = match in_time(self.dynamo.write_all(writes), GateFault::Unknown).await {
            Ok(()) => Ok(true),
            // Somebody has told meanwhile, or an answer was lost: what is there says which.
            Err(_) => self.known_of(&row).await.map(|after| after.is_some_and(|after| after.run == new)),
        };
        let reason = written.map(|written| if written { "outcome_unknown" } else { "not_written" });
        self.closed(action, reason.and_then(|reason| record(Phase::Outcome, reason)).ok()).await;
        written
    }

    /// `None`: there is no such consumption, which is never removed before what waits for it.
    async fn known_of(&self, row: &DueRow) -> Result<Option<Overdue>, ()> {
        let place = run_key(&row.tenant, row.approval.as_ref(), &row.permit);
        let tenant = Key::tenant(&row.tenant);
        let rows = self.dynamo.batch_get(&[place.clone(), tenant.clone()]).await.map_err(|_| ())?;
        let (Some(item), Some(tenant)) = (rows.get(&place), rows.get(&tenant)) else { return Ok(None) };
        let run = RunRow::from_item(item).map_err(|_| ())?;
        let org = Tenant::from_item(tenant).map_err(|_| ())?.org;
        Ok(Some(Overdue { org, item: item.clone(), run }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AgentId, Digest, Opaque, PermitId, TenantId};

    fn run(state: Run, due: u64) -> RunRow {
        let at = |ms: u64| Timestamp::from_unix_millis(ms as i64).unwrap();
        RunRow {
            tenant: TenantId::from_random([1; 10]),
            agent: AgentId::from_random([2; 10]),
            permit: PermitId::from_random([3; 10]),
            approval: None,
            tool: "payments.send".parse().unwrap(),
            digest: Digest::from_bytes(&[7; 32]),
            state,
            consumer: Opaque::of(&["a tool"]),
            consumed_at: at(1_000),
            due_at: at(due),
            ended_at: None,
            answers: None,
        }
    }

    #[test]
    fn silence_past_its_time_is_unknown_and_what_was_told_stays() {
        let now = Timestamp::from_unix_millis(5_000).unwrap();
        let late = overdue(&run(Run::Consumed, 5_000), now).unwrap();
        assert_eq!((late.state, late.ended_at), (Run::Unknown, Some(now)));
        assert_eq!(overdue(&run(Run::Consumed, 5_001), now), None);
        for told in [Run::Executed, Run::Failed, Run::Unknown, Run::Cancelled] {
            assert_eq!(overdue(&run(told, 1), now), None, "{told}");
        }
    }
}
