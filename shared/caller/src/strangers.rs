//! Refusals of callers that nobody knows: counted per reason and source network in the platform's log, never in a
//! tenant's ledger. Each pair speaks once a minute, with how often it was refused since it last spoke, so that a flood of
//! bad keys is neither a flood of lines nor a way to hide another attack.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domain::{Reason, Timestamp};

const MINUTE_MS: u64 = 60_000;
/// Pairs that one instance tells apart; all further networks are one.
const MAX_PAIRS: usize = 256;
const OTHERS: &str = "others";

#[derive(Debug, Default)]
struct Counter {
    spoke: Option<Timestamp>,
    since: u64,
}

#[derive(Debug, Default)]
pub struct Strangers(Mutex<HashMap<(Reason, String), Counter>>);

impl Strangers {
    pub fn refused(&self, reason: Reason, source: Option<IpAddr>, now: Timestamp) {
        let network = source.map_or_else(|| "unknown".to_owned(), network);
        if let Some((source_network, refusals)) = self.count(reason, network, now) {
            tracing::warn!(reason = reason.as_str(), source_network, refusals, "stranger.refused");
        }
    }

    /// The network and its refusals since it last spoke, this one included, if it may speak now.
    fn count(&self, reason: Reason, network: String, now: Timestamp) -> Option<(String, u64)> {
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pairs.len() < MAX_PAIRS || pairs.contains_key(&(reason, network.clone()));
        let network = if known { network } else { OTHERS.to_owned() };
        let counter = pairs.entry((reason, network.clone())).or_default();
        counter.since += 1;
        if counter.spoke.is_some_and(|at| now.millis_since(at) < MINUTE_MS) {
            return None;
        }
        counter.spoke = Some(now);
        Some((network, std::mem::take(&mut counter.since)))
    }
}

/// The network of an address: /24 for IPv4, /48 for IPv6. Enough to see an attack, too little to see a person.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    #[test]
    fn a_flood_is_summed_up_and_hides_nobody() {
        let strangers = Strangers::default();
        let loud = |millis| strangers.count(Reason::KeyUnknown, "loud".to_owned(), at(millis));
        assert_eq!((0..1_000).filter_map(loud).count(), 1);
        let quiet = strangers.count(Reason::KeyChecksum, "quiet".to_owned(), at(999));
        assert_eq!(quiet, Some(("quiet".to_owned(), 1)));
        assert_eq!(loud(60_000), Some(("loud".to_owned(), 1_000)));
    }

    #[test]
    fn the_memory_is_bounded() {
        let strangers = Strangers::default();
        for n in 0..10_000 {
            strangers.count(Reason::KeyUnknown, n.to_string(), at(0));
        }
        assert!(strangers.0.lock().unwrap().len() <= MAX_PAIRS + Reason::ALL.len());
    }

    #[test]
    fn networks() {
        assert_eq!(network("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("2001:db8:7:8::9".parse().unwrap()), "2001:db8:7::/48");
    }
}
