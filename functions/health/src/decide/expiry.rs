//! What ends by itself: what the platform shows to others, and what it is shown. Pure.

use domain::{Timestamp, Verdict};
use egress::{EgressError, NotSent, Validity};

const DAY_MS: u64 = 86_400_000;
/// What we renew ourselves is told of so long before.
const OURS_MS: u64 = 14 * DAY_MS;
/// A provider renews its certificate without us; one that does not is an outage to come.
const THEIRS_MS: u64 = 3 * DAY_MS;

/// Who renews a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    ByUs,
    ByProvider,
}

/// What a host showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub renewed: Renewed,
    pub certificate: Certificate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    Holds {
        from: Timestamp,
        until: Timestamp,
    },
    /// No TLS 1.3 with a certificate that is trusted, that host's and not over.
    Refused,
    /// Nobody knows: there is none, or its host did not answer, which other checks are about.
    Unseen,
}

impl Certificate {
    pub fn read(told: Result<Option<Validity>, EgressError>) -> Self {
        match told {
            Ok(Some(validity)) => Self::dated(validity).unwrap_or(Self::Refused),
            Ok(None) => Self::Unseen,
            Err(EgressError::NotSent(NotSent::Tls)) => Self::Refused,
            Err(_) => Self::Unseen,
        }
    }

    /// A date beyond what we write counts as the last one, and one before 1970 as none.
    fn dated(validity: Validity) -> Option<Self> {
        let at = |seconds: i64| Timestamp::from_unix_millis(seconds.saturating_mul(1_000)).ok();
        let until =
            if validity.until < 0 { None } else { Some(at(validity.until).unwrap_or(Timestamp::MAX)) };
        Some(Self::Holds { from: at(validity.from)?, until: until? })
    }
}

/// What is the worst of all that ends: first what has ended, then what will soon.
pub fn expiry(canary_key: Option<Timestamp>, shown: &[Shown], now: Timestamp) -> (Verdict, &'static str) {
    let found: Vec<_> =
        shown.iter().filter_map(|one| flaw(*one, now)).chain(key_flaw(canary_key, now)).collect();
    let worst = WORST_FIRST.into_iter().find(|reason| found.contains(reason));
    worst.map_or((Verdict::Up, "none_soon"), |reason| (Verdict::Down, reason))
}

const WORST_FIRST: [&str; 5] = [
    "certificate_refused",
    "canary_key_expired",
    "certificate_ends_soon",
    "canary_key_ends_soon",
    "provider_certificate_ends_soon",
];

fn key_flaw(ends: Option<Timestamp>, now: Timestamp) -> Option<&'static str> {
    match ends? {
        at if at <= now => Some("canary_key_expired"),
        at if at.millis_since(now) < OURS_MS => Some("canary_key_ends_soon"),
        _ => None,
    }
}

/// Certificates of few days are renewed late in their life: when a quarter of it is left, that is late.
fn flaw(shown: Shown, now: Timestamp) -> Option<&'static str> {
    let (from, until) = match shown.certificate {
        Certificate::Holds { from, until } => (from, until),
        Certificate::Refused => return Some("certificate_refused"),
        Certificate::Unseen => return None,
    };
    let (before, reason) = match shown.renewed {
        Renewed::ByUs => (OURS_MS, "certificate_ends_soon"),
        Renewed::ByProvider => (THEIRS_MS, "provider_certificate_ends_soon"),
    };
    (until.millis_since(now) < before.min(until.millis_since(from) / 4)).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Down, Up};

    fn now() -> Timestamp {
        "2026-11-26T12:00:00.000Z".parse().unwrap()
    }

    /// In days from now.
    fn shown(renewed: Renewed, began: u64, ends: u64) -> Shown {
        let from = Timestamp::from_unix_millis((now().unix_millis() - began * DAY_MS) as i64).unwrap();
        Shown { renewed, certificate: Certificate::Holds { from, until: now().plus_millis(ends * DAY_MS) } }
    }

    #[test]
    fn a_key_that_ends_soon_is_told_before_it_ends() {
        let days = |days: u64| Some(now().plus_millis(days * DAY_MS));
        assert_eq!(expiry(None, &[], now()), (Up, "none_soon"));
        assert_eq!(expiry(days(14), &[], now()), (Up, "none_soon"));
        assert_eq!(expiry(days(13), &[], now()), (Down, "canary_key_ends_soon"));
        assert_eq!(expiry(days(0), &[], now()), (Down, "canary_key_expired"));
    }

    /// Table: who renews it, how long ago it began, in how many days it ends.
    #[test]
    fn a_certificate_is_told_of_when_its_renewal_is_late() {
        use Renewed::{ByProvider, ByUs};
        for (renewed, began, ends, told) in [
            (ByUs, 76, 14, "none_soon"),
            (ByUs, 77, 13, "certificate_ends_soon"),
            (ByUs, 90, 0, "certificate_ends_soon"),
            // Of six days, renewed after three or four.
            (ByUs, 4, 2, "none_soon"),
            (ByUs, 5, 1, "certificate_ends_soon"),
            (ByProvider, 80, 4, "none_soon"),
            (ByProvider, 88, 2, "provider_certificate_ends_soon"),
        ] {
            let verdict = if told == "none_soon" { Up } else { Down };
            assert_eq!(
                expiry(None, &[shown(renewed, began, ends)], now()),
                (verdict, told),
                "{began} {ends}"
            );
        }
    }

    #[test]
    fn the_worst_is_told() {
        let refused = Shown { renewed: Renewed::ByProvider, certificate: Certificate::Refused };
        let unseen = Shown { renewed: Renewed::ByUs, certificate: Certificate::Unseen };
        let soon = shown(Renewed::ByUs, 80, 5);
        assert_eq!(expiry(Some(now()), &[soon, unseen, refused], now()).1, "certificate_refused");
        assert_eq!(expiry(Some(now()), &[soon, unseen], now()).1, "canary_key_expired");
        assert_eq!(expiry(None, &[unseen], now()), (Up, "none_soon"));
    }

    #[test]
    fn what_a_host_showed_is_read() {
        let validity = |from, until| Ok(Some(Validity { from, until }));
        let far =
            Certificate::Holds { from: "2020-01-01T00:00:00.000Z".parse().unwrap(), until: Timestamp::MAX };
        assert_eq!(Certificate::read(validity(1_577_836_800, i64::MAX)), far);
        assert_eq!(Certificate::read(validity(1_577_836_800, -1)), Certificate::Refused);
        assert_eq!(Certificate::read(Ok(None)), Certificate::Unseen);
        assert_eq!(Certificate::read(Err(EgressError::NotSent(NotSent::Tls))), Certificate::Refused);
        assert_eq!(Certificate::read(Err(EgressError::NotSent(NotSent::Connect))), Certificate::Unseen);
    }
}
