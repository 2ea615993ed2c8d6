//! Who sent each record: certificates, signatures, and numbers without a hole.

use std::collections::{BTreeMap, HashMap};

use domain::{ActorType, ProducerId, Timestamp};

use super::{Class, Report, Trust};
use crate::{Certificate, Entry, Hash};

/// One producer's records about one tenant. They may come in any order.
#[derive(Default)]
struct Numbers {
    /// The last of those that are there without a hole, and its hash.
    last: u64,
    hash: Option<Hash>,
    /// Behind a hole: hash, hash of the one before, and when it was logged.
    waiting: BTreeMap<u64, (Hash, Option<Hash>, Timestamp)>,
}

pub(crate) struct Producers<'a> {
    trust: &'a Trust,
    as_of: Timestamp,
    numbers: HashMap<ProducerId, Numbers>,
    /// Whether an operator's key certified it.
    certified: HashMap<(Certificate, ProducerId, Hash), bool>,
}

impl<'a> Producers<'a> {
    pub fn new(trust: &'a Trust, as_of: Timestamp) -> Self {
        Self { trust, as_of, numbers: HashMap::new(), certified: HashMap::new() }
    }

    pub fn take(&mut self, entry: &Entry, place: &str, report: &mut Report) {
        let (signed, seq) = (&entry.signed, entry.place.seq);
        // Operators speak for themselves, and for no agent.
        let operator = signed.record.actor_type == ActorType::Operator;
        if self.certified_by_operator(entry) != Some(operator) {
            report.add(Class::Certificate, place, format!("leaf {seq}, of {}", signed.origin.producer));
        }
        let hash = signed.hash().unwrap_or_else(|_| Hash::of_nothing());
        if !signed.is_signed() {
            report.add(Class::Signature, place, format!("leaf {seq}, of {}", signed.origin.producer));
        }
        let numbers = self.numbers.entry(signed.origin.producer.clone()).or_default();
        let (n, prev) = (signed.origin.n, signed.origin.prev);
        let twice =
            n <= numbers.last || numbers.waiting.insert(n, (hash, prev, entry.place.logged_at)).is_some();
        if twice {
            report.add(Class::ProducerRepeat, place, format!("{}: number {n} again", signed.origin.producer));
        }
        numbers.settle(&signed.origin.producer, place, report);
    }

    /// `None` when no key that is trusted certified the producer.
    fn certified_by_operator(&mut self, entry: &Entry) -> Option<bool> {
        let signed = &entry.signed;
        let who = (signed.certificate, signed.origin.producer.clone(), signed.origin.code_sha256);
        if let Some(operator) = self.certified.get(&who) {
            return Some(*operator);
        }
        let by = self.trust.producers.iter().find(|key| who.0.is_by(key, &who.1, &who.2))?;
        let operator = by.name().ends_with("/operator");
        self.certified.insert(who, operator);
        Some(operator)
    }

    /// What still waits has a hole before it: records on their way, or lost ones.
    pub fn finish(&self, place: &str, report: &mut Report) {
        report.producers += u64::try_from(self.numbers.len()).unwrap_or(u64::MAX);
        let grace = self.trust.grace_minutes.saturating_mul(60_000);
        for (producer, numbers) in &self.numbers {
            let Some((next, (.., logged_at))) = numbers.waiting.first_key_value() else { continue };
            if self.as_of.millis_since(*logged_at) <= grace {
                report.in_flight += 1;
                continue;
            }
            let says = format!("{producer}: {} to {} are missing", numbers.last + 1, next - 1);
            report.add(Class::ProducerGap, place, says);
        }
    }
}

impl Numbers {
    fn settle(&mut self, producer: &ProducerId, place: &str, report: &mut Report) {
        while let Some((hash, prev, _)) = self.waiting.remove(&(self.last + 1)) {
            self.last += 1;
            if prev != self.hash {
                let says = format!("{producer}: number {} names another record before it", self.last);
                report.add(Class::ProducerRepeat, place, says);
            }
            self.hash = Some(hash);
        }
    }
}
