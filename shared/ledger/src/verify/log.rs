//! One tenant's log, leaf by leaf.

use std::collections::HashSet;

use domain::{EventId, TenantId, Timestamp};

use super::listing::Named;
use super::pairs::Pairs;
use super::producers::Producers;
use super::region::Signed;
use super::rows::Rows;
use super::{Class, Evidence, Report, Trust};
use crate::leaf::agent_head;
use crate::{AgentHeads, Bundle, Entry, Frontier, Hash, Leaf, Trailer, leaf_hash};

/// What is known of a log so far.
struct Walk<'a> {
    tenant: &'a TenantId,
    place: String,
    tree: Frontier,
    at: Timestamp,
    events: HashSet<EventId>,
    agents: AgentHeads,
    producers: Producers<'a>,
    pairs: Pairs,
    rows: Rows,
}

/// Checks everything that the log says by itself and against what is signed. One bundle is in memory at a time; of the
/// records before it some 200 bytes each are kept.
pub(crate) fn check(
    tenant: &TenantId,
    named: &Named,
    evidence: &Evidence<'_>,
    trust: &Trust,
    signed: &Signed,
    report: &mut Report,
    progress: &mut dyn FnMut(u64),
) {
    let mut walk = Walk {
        tenant,
        place: format!("tenant {tenant}"),
        tree: Frontier::default(),
        at: crate::Head::empty().logged_at,
        events: HashSet::new(),
        agents: AgentHeads::new(),
        producers: Producers::new(trust, evidence.as_of),
        pairs: Pairs::default(),
        rows: Rows::default(),
    };
    let mut roots = signed.roots.get(tenant).cloned().unwrap_or_default();
    for first in named.tenants.get(tenant).into_iter().flatten() {
        if !walk.follows(*first, report) {
            break;
        }
        let bytes = (evidence.read)(&format!("t/{tenant}/bundle/{}", Bundle::name_at(*first)));
        let bundle = match Bundle::named(&Bundle::name_at(*first), &bytes.unwrap_or_default()) {
            Ok(bundle) => bundle,
            Err(error) => {
                report.add(Class::BundleForm, &walk.place, format!("bundle {first}: {error}"));
                break;
            }
        };
        report.bundles += 1;
        progress(u64::try_from(bundle.leaves().len()).unwrap_or(u64::MAX));
        walk.bundle(&bundle, report);
        if let Some(root) = roots.remove(&walk.tree.size())
            && root != walk.tree.root()
        {
            report.add(Class::RootMismatch, &walk.place, format!("at {} leaves", walk.tree.size()));
        }
    }
    walk.against(&roots, signed, report);
    walk.producers.finish(&walk.place, report);
    walk.pairs.finish(tenant, evidence, trust, report);
    let size = signed.newest.get(tenant).map_or(0, |head| head.size);
    walk.rows.finish(tenant, size, evidence, report);
}

impl Walk<'_> {
    fn follows(&self, first: u64, report: &mut Report) -> bool {
        let expected = self.tree.size();
        if first > expected {
            report.add(Class::Gap, &self.place, format!("leaves {expected} to {} are missing", first - 1));
        } else if first < expected {
            report.add(Class::Overlap, &self.place, format!("a bundle begins at {first} inside another"));
        }
        first == expected
    }

    /// What is signed at sizes that the log never has: behind its end, or inside a bundle.
    fn against(&self, left: &std::collections::BTreeMap<u64, Hash>, signed: &Signed, report: &mut Report) {
        let size = self.tree.size();
        for unmet in left.keys().filter(|unmet| **unmet < size) {
            report.add(
                Class::RootMismatch,
                &self.place,
                format!("{unmet} leaves were signed, no bundle ends there"),
            );
        }
        let newest = signed.newest.get(self.tenant).map_or(0, |head| head.size);
        if newest > size && size > 0 {
            report.add(Class::TailCut, &self.place, format!("{newest} leaves were signed, {size} are here"));
        }
    }

    fn bundle(&mut self, bundle: &Bundle, report: &mut Report) {
        let (mut entries, mut trailer) = (Vec::new(), None);
        for bytes in bundle.leaves() {
            let seq = self.tree.size();
            let hash = leaf_hash(bytes);
            self.tree.append(hash);
            let leaf = match Leaf::from_bytes(bytes) {
                Ok(leaf) => leaf,
                Err(error) => {
                    report.add(Class::LeafForm, &self.place, format!("leaf {seq}: {error}"));
                    continue;
                }
            };
            self.leaf(&leaf, seq, report);
            match leaf {
                Leaf::Entry(entry) if trailer.is_none() => {
                    self.entry(&entry, hash, report);
                    entries.push(*entry);
                }
                Leaf::Entry(_) => {
                    report.add(Class::Trailer, &self.place, format!("leaf {seq} stands behind the trailer"))
                }
                Leaf::Trailer(found) => trailer = Some(found),
            }
        }
        self.trailer(trailer, &entries, bundle.first(), report);
    }

    fn leaf(&mut self, leaf: &Leaf, seq: u64, report: &mut Report) {
        if leaf.seq() != seq {
            report.add(Class::Sequence, &self.place, format!("leaf {seq} says {}", leaf.seq()));
        }
        if leaf.tenant() != self.tenant {
            report.add(Class::WrongTenant, &self.place, format!("leaf {seq} is of {}", leaf.tenant()));
        }
        if leaf.logged_at() < self.at {
            report.add(Class::TimeBack, &self.place, format!("leaf {seq} is earlier than the one before"));
        }
        self.at = self.at.max(leaf.logged_at());
    }

    fn entry(&mut self, entry: &Entry, hash: Hash, report: &mut Report) {
        report.records += 1;
        let (record, seq) = (&entry.signed.record, entry.place.seq);
        if !self.events.insert(record.event_id) {
            report.add(
                Class::DuplicateEvent,
                &self.place,
                format!("event {} again at {seq}", record.event_id),
            );
        }
        self.agent(entry, hash, report);
        self.producers.take(entry, &self.place, report);
        self.pairs.take(record);
        self.rows.take(entry);
    }

    fn agent(&mut self, entry: &Entry, hash: Hash, report: &mut Report) {
        let (agent, place) = (&entry.signed.record.agent_id, &entry.place);
        let before = agent.as_ref().and_then(|agent| self.agents.get(agent));
        let wanted = agent.as_ref().map(|_| before.map_or(0, |head| head.agent_seq) + 1);
        if place.agent_seq != wanted || place.agent_prev != before.map(|head| head.leaf) {
            let who = agent.as_ref().map_or("nobody", |agent| agent.as_str());
            report.add(
                Class::AgentChain,
                &self.place,
                format!("leaf {} does not follow the last of {who}", place.seq),
            );
        }
        self.agents.extend(agent_head(entry, hash));
    }

    fn trailer(&self, found: Option<Trailer>, entries: &[Entry], first: u64, report: &mut Report) {
        let created = entries.iter().map(|one| one.signed.record.created_at);
        let bounds = created.clone().min().zip(created.max());
        let agents = entries.iter().filter_map(|one| one.signed.record.agent_id.clone());
        let heads: AgentHeads =
            agents.filter_map(|agent| self.agents.get(&agent).map(|head| (agent, *head))).collect();
        let holds = found.is_some_and(|one| {
            u64::try_from(entries.len()) == Ok(one.count)
                && bounds == Some((one.min_created_at, one.max_created_at))
                && heads == one.agents
        });
        if !holds {
            report.add(Class::Trailer, &self.place, format!("of the bundle at {first}"));
        }
    }
}
