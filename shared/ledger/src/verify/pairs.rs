//! Attempts and outcomes, and the gates' own count of calls.

use std::collections::BTreeMap;

use domain::{ActionId, ActorType, Phase, TenantId, Timestamp};

use super::{Class, Evidence, Report, Trust};
use crate::Entry;

#[derive(Default)]
struct Action {
    attempts: u64,
    outcomes: u64,
    began: Option<Timestamp>,
}

pub(crate) fn check(
    tenant: &TenantId,
    entries: &[Entry],
    evidence: &Evidence<'_>,
    trust: &Trust,
    report: &mut Report,
) {
    let place = format!("tenant {tenant}");
    let (mut actions, mut outcomes) = (BTreeMap::<ActionId, Action>::new(), BTreeMap::<String, u64>::new());
    for record in entries.iter().map(|one| &one.signed.record) {
        let Some(id) = record.action_id else { continue };
        match record.phase {
            Phase::Attempt => {
                let action = actions.entry(id).or_default();
                action.attempts += 1;
                action.began = Some(record.created_at);
            }
            Phase::Outcome => {
                actions.entry(id).or_default().outcomes += 1;
                if record.actor_type == ActorType::Agent {
                    *outcomes.entry(record.created_at.date()).or_default() += 1;
                }
            }
            Phase::Single => {}
        }
    }
    let open = trust.open_minutes.saturating_mul(60_000);
    for (id, action) in &actions {
        match (action.attempts, action.outcomes) {
            (1, 1) => {}
            (0, _) => report.add(Class::OutcomeAlone, &place, format!("action {id}")),
            (1, 0) if action.began.is_some_and(|began| evidence.as_of.millis_since(began) <= open) => {
                report.in_flight += 1;
            }
            (1, 0) => report.add(Class::Unpaired, &place, format!("action {id}")),
            _ => report.add(Class::PairTwice, &place, format!("action {id}")),
        }
    }
    // An outcome may still be on its way on a day that is not over.
    let settled = trust.grace_minutes.saturating_mul(60_000);
    let today = Timestamp::from_unix_millis(
        i64::try_from(evidence.as_of.unix_millis().saturating_sub(settled)).unwrap_or_default(),
    );
    let today = today.map_or(String::new(), Timestamp::date);
    for (day, admitted) in evidence.admitted.get(tenant).into_iter().flatten() {
        let held = outcomes.get(day).copied().unwrap_or_default();
        if *day < today && held < *admitted {
            report.add(
                Class::Admitted,
                &place,
                format!("{day}: {admitted} calls were settled, {held} have an outcome"),
            );
        }
    }
}
