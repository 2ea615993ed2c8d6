//! Attempts and outcomes, and the gates' own count of calls.

use std::collections::{BTreeMap, HashMap};

use domain::{ActionId, ActorType, AuditRecord, Phase, Reason, TenantId, Timestamp};

use super::{Class, Evidence, Report, Trust};

#[derive(Default)]
struct Action {
    attempts: u32,
    outcomes: u32,
    unrecorded: u32,
    began: Option<Timestamp>,
}

/// What is known of a tenant's actions. Those that ended as they should are forgotten but for their id.
#[derive(Default)]
pub(crate) struct Pairs {
    actions: HashMap<ActionId, Action>,
    outcomes: BTreeMap<String, u64>,
}

impl Pairs {
    pub fn take(&mut self, record: &AuditRecord) {
        let Some(id) = record.action_id else { return };
        match record.phase {
            Phase::Attempt => {
                let action = self.actions.entry(id).or_default();
                action.attempts += 1;
                action.began = Some(record.created_at);
            }
            // The attempt could not be recorded, so nothing was done: that is what this outcome says.
            Phase::Outcome if record.reason.as_str() == Reason::AuditUnavailable.as_str() => {
                self.actions.entry(id).or_default().unrecorded += 1;
            }
            Phase::Outcome => {
                self.actions.entry(id).or_default().outcomes += 1;
                // The gates count calls of models, and nothing else that agents do.
                if record.actor_type == ActorType::Agent && record.action.as_str() == "llm.call" {
                    *self.outcomes.entry(record.created_at.date()).or_default() += 1;
                }
            }
            Phase::Single => {}
        }
    }

    pub fn finish(&self, tenant: &TenantId, evidence: &Evidence<'_>, trust: &Trust, report: &mut Report) {
        let place = format!("tenant {tenant}");
        let open = trust.open_minutes.saturating_mul(60_000);
        for (id, action) in &self.actions {
            match (action.attempts, action.outcomes + action.unrecorded) {
                (1, 1) => {}
                (0, 1) if action.unrecorded == 1 => {}
                (0, _) => report.add(Class::OutcomeAlone, &place, format!("action {id}")),
                (1, 0) if action.began.is_some_and(|began| evidence.as_of.millis_since(began) <= open) => {
                    report.in_flight += 1;
                }
                (1, 0) => report.add(Class::Unpaired, &place, format!("action {id}")),
                _ => report.add(Class::PairTwice, &place, format!("action {id}")),
            }
        }
        self.reconcile(tenant, &place, evidence, trust, report);
    }

    /// The gates count a call when they settle it, after which its outcome must come: at least as many are there. Of days
    /// that are over, since an outcome may still be on its way.
    fn reconcile(
        &self,
        tenant: &TenantId,
        place: &str,
        evidence: &Evidence<'_>,
        trust: &Trust,
        report: &mut Report,
    ) {
        let grace = trust.grace_minutes.saturating_mul(60_000);
        let settled = evidence.as_of.unix_millis().saturating_sub(grace);
        let today = i64::try_from(settled).ok().and_then(|at| Timestamp::from_unix_millis(at).ok());
        let today = today.map_or(String::new(), Timestamp::date);
        for (day, admitted) in evidence.admitted.get(tenant).into_iter().flatten() {
            let held = self.outcomes.get(day).copied().unwrap_or_default();
            if *day < today && held < *admitted {
                let says = format!("{day}: {admitted} calls were settled, {held} have an outcome");
                report.add(Class::Admitted, place, says);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::record;
    use domain::Code;

    /// What was settled for models is compared with what was recorded of models.
    #[test]
    fn outcomes_of_other_actions_stand_in_for_none() {
        let mut pairs = Pairs::default();
        for (n, action) in (0_u8..).zip(["llm.call", "dlp.restore", "dlp.redact", "llm.call"]) {
            let mut one = record(1, 1, n.into());
            one.action_id = Some(ActionId::new(one.created_at, [n; 10]));
            (one.phase, one.action) = (Phase::Outcome, Code::literal(action));
            pairs.take(&one);
        }
        assert_eq!(pairs.outcomes.values().copied().collect::<Vec<_>>(), [2]);
        assert_eq!(pairs.actions.len(), 4, "each is paired all the same");
    }
}
