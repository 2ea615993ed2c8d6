//! Refusals of callers that nobody knows: counted per reason and source network in the platform's log, never in a
//! tenant's ledger, and capped, so that a flood of bad keys does not become a flood of lines.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domain::{Reason, Timestamp};

/// Lines that one instance writes in a minute; the rest is summed up in the next line.
const LINES_PER_MINUTE: u32 = 30;
const MINUTE_MS: u64 = 60_000;

#[derive(Debug, Default)]
struct Minute {
    began: Option<Timestamp>,
    lines: u32,
    unsaid: u64,
}

#[derive(Debug, Default)]
pub struct Strangers(Mutex<Minute>);

impl Strangers {
    pub fn refused(&self, reason: Reason, source: Option<IpAddr>, now: Timestamp) {
        if let Some(unsaid) = self.may_speak(now) {
            let source_network = source.map(network).unwrap_or_default();
            tracing::warn!(reason = reason.as_str(), source_network, unsaid, "stranger.refused");
        }
    }

    /// How many refusals went unsaid before this one, if this one may be said.
    fn may_speak(&self, now: Timestamp) -> Option<u64> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.began.is_none_or(|began| now.millis_since(began) >= MINUTE_MS) {
            (minute.began, minute.lines) = (Some(now), 0);
        }
        if minute.lines >= LINES_PER_MINUTE {
            minute.unsaid += 1;
            return None;
        }
        minute.lines += 1;
        Some(std::mem::take(&mut minute.unsaid))
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

    #[test]
    fn a_flood_is_summed_up() {
        let strangers = Strangers::default();
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let said = (0..1_000).filter(|n| strangers.may_speak(at(*n)).is_some()).count();
        assert_eq!(said, 30);
        assert_eq!(strangers.may_speak(at(60_000)), Some(970));
    }

    #[test]
    fn networks() {
        assert_eq!(network("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("2001:db8:7:8::9".parse().unwrap()), "2001:db8:7::/48");
    }
}
