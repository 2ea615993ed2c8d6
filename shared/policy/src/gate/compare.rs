//! Whether a document lets through what another stopped: what must not happen by one person's will. Whatever cannot be seen
//! to be as strict counts as weaker.

use std::sync::Arc;

use domain::{ApprovalRule, Quorum};

use super::hours::Hours;
use super::own::Written;
use super::parse::{Gate, Stop};
use super::risk::{Export, Mail, Payments, Risk, Targets};
use crate::gate_names::ToolPattern;

/// Whether `new` may let through, or hold for fewer people, what `old` did not. Without a document nothing passes, so that
/// the first one is weaker unless it allows nothing.
pub fn weaker(old: Option<&Gate>, new: &Gate) -> bool {
    let Some(old) = old else {
        return !new.allow.is_empty() || new.own.policies.values().any(|one| one.permits);
    };
    let allow = new.allow.iter().all(|one| old.allow.iter().any(|before| before.covers(one)));
    let gates = old.stops.iter().all(|one| new.stops.iter().any(|after| after.keeps(one)));
    !(allow && gates && keeps_cedar(old, new) && new.answers >= old.answers)
}

/// Every policy stays as it is, also those that permit: one that fails refuses. What is added only forbids.
fn keeps_cedar(old: &Gate, new: &Gate) -> bool {
    let (old, new) = (&old.own.policies, &new.own.policies);
    let same = |one: &Written, after: &Written| {
        one.form == after.form && keeps_approval(one.approval.as_ref(), after.approval.as_ref())
    };
    old.iter().all(|(id, one)| new.get(id).is_some_and(|after| same(one, after)))
        && new.iter().all(|(id, one)| old.contains_key(id) || !one.permits)
}

impl Stop {
    /// Whether it stops all that `old` stops, at least as hard.
    fn keeps(&self, old: &Self) -> bool {
        let means = |one: &ToolPattern| self.tools.iter().any(|after| after.means_all(one));
        old.tools.iter().all(means)
            && self.risk.keeps(&old.risk)
            && keeps_approval(old.approval.as_ref(), self.approval.as_ref())
    }
}

/// Nobody's approval is the strictest.
fn keeps_approval(old: Option<&Arc<ApprovalRule>>, new: Option<&Arc<ApprovalRule>>) -> bool {
    match (old, new) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(old), Some(new)) => keeps_rule(old, new),
    }
}

/// More votes, more groups, fewer refusals, less time; everything else as it was.
fn keeps_rule(old: &ApprovalRule, new: &ApprovalRule) -> bool {
    let quorum = |before: &Quorum, after: &Quorum| after.of == before.of && after.need >= before.need;
    let quorums = old.quorum.len() <= new.quorum.len()
        && old.quorum.iter().zip(&new.quorum).all(|(before, after)| quorum(before, after));
    quorums
        && new.deny <= old.deny
        && new.expires_minutes <= old.expires_minutes
        && new.remind_minutes == old.remind_minutes
        && new.escalate == old.escalate
        && new.risk == old.risk
        && new.high >= old.high
}

impl Risk {
    fn keeps(&self, old: &Self) -> bool {
        match (self, old) {
            (Self::Payments(new), Self::Payments(old)) => new.keeps(old),
            (Self::Deletion(new), Self::Deletion(old)) | (Self::Production(new), Self::Production(old)) => {
                new.keeps(old)
            }
            (Self::ExternalEmail(new), Self::ExternalEmail(old)) => new.keeps(old),
            (Self::DataExport(new), Self::DataExport(old)) => new.keeps(old),
            (Self::OutsideHours(new), Self::OutsideHours(old)) => new.keeps(old),
            // Whatever it was, every use is stopped now.
            (Self::Any, _) => true,
            _ => false,
        }
    }
}

impl Payments {
    fn keeps(&self, old: &Self) -> bool {
        let currencies = match (&old.currencies, &self.currencies) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(old_all), Some(all)) => all.is_subset(old_all) && self.currency == old.currency,
        };
        self.amount == old.amount && self.over <= old.over && currencies
    }
}

impl Targets {
    fn keeps(&self, old: &Self) -> bool {
        self.paths == old.paths && old.targets.is_subset(&self.targets)
    }
}

impl Mail {
    fn keeps(&self, old: &Self) -> bool {
        let inside = self.domains.iter().all(|one| old.domains.iter().any(|before| before.covers(one)));
        self.recipients == old.recipients && inside
    }
}

impl Export {
    fn keeps(&self, old: &Self) -> bool {
        self.rows == old.rows && self.over <= old.over
    }
}

impl Hours {
    fn keeps(&self, old: &Self) -> bool {
        let ([from, until], [old_from, old_until]) = (self.hours, old.hours);
        self.zone == old.zone && from >= old_from && until <= old_until && self.days.is_subset(&old.days)
    }
}
