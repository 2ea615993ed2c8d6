//! Networks from which something may be used.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::text_serde;

/// A network in CIDR notation (RFC 4632, RFC 4291 section 2.3): `203.0.113.0/24`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    #[error("not a network: use an address, or CIDR notation such as 203.0.113.0/24 or 2001:db8::/32")]
    Malformed,
    #[error(
        "the address has bits beyond its prefix: write the network's first address, such as 203.0.113.0/24"
    )]
    HostBits,
    #[error("an IPv4 address within IPv6 (::ffff:0:0/96): write it as IPv4")]
    Mapped,
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let one = |address: IpAddr| IpNet::from(address);
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(one));
        let network = network.map_err(|_| NetworkError::Malformed)?;
        // A source address is compared in its IPv4 form, so a network of the other form would never match.
        if network.addr().to_canonical() != network.addr() {
            return Err(NetworkError::Mapped);
        }
        if network.trunc() == network { Ok(Self(network)) } else { Err(NetworkError::HostBits) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_serde!(Network);

/// An allowlist. An empty one allows nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<Network>);

impl Networks {
    /// Whether `source` lies in one of them. An IPv4 address within IPv6 is the IPv4 address.
    pub fn allow(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.0.iter().any(|network| network.0.contains(&source))
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        texts.iter().map(|text| text.parse::<Network>().unwrap()).collect()
    }

    #[test]
    fn what_is_inside_is_allowed_and_nothing_else() {
        let list = networks(&["203.0.113.0/24", "198.51.100.7", "2001:db8::/32", "10.0.0.0/31"]);
        for (source, allowed) in [
            ("203.0.113.0", true),
            ("203.0.113.255", true),
            ("203.0.114.0", false),
            ("203.0.112.255", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("::ffff:203.0.113.9", true),
            ("::ffff:9.9.9.9", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("10.0.0.1", true),
            ("10.0.0.2", false),
        ] {
            assert_eq!(list.allow(source.parse().unwrap()), allowed, "{source}");
        }
        assert!(!networks(&[]).allow("203.0.113.1".parse().unwrap()));
        assert!(networks(&["0.0.0.0/0"]).allow("203.0.113.1".parse().unwrap()));
        assert!(!networks(&["0.0.0.0/0"]).allow("2001:db8::1".parse().unwrap()));
        assert!(networks(&["::/0"]).allow("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_says_what_to_write() {
        for (text, error) in [
            ("", NetworkError::Malformed),
            ("example.com", NetworkError::Malformed),
            ("203.0.113.0/33", NetworkError::Malformed),
            ("203.0.113.0/", NetworkError::Malformed),
            ("203.0.113", NetworkError::Malformed),
            ("0203.0.113.1", NetworkError::Malformed),
            ("203.0.113.0/24 ", NetworkError::Malformed),
            ("203.0.113.1/24", NetworkError::HostBits),
            ("2001:db8::1/32", NetworkError::HostBits),
            ("::ffff:203.0.113.0/120", NetworkError::Mapped),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text:?}");
        }
        for text in ["203.0.113.0/24", "2001:db8::/32"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        assert_eq!("198.51.100.7".parse::<Network>().unwrap().to_string(), "198.51.100.7/32");
    }
}
