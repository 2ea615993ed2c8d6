//! Which IP addresses are on the public internet.
//!
//! The table is IANA's, row by row, so that it can be compared:
//! <https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>,
//! <https://www.iana.org/assignments/ipv6-address-space>. Stricter in one way: a block is refused whole, its few globally reachable
//! exceptions (anycast relays, AS112 sinks) included, since no provider lives there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses that is not the public internet, or that hides another address.
#[derive(Debug)]
pub(crate) struct Special {
    base: IpAddr,
    prefix_bits: u8,
    /// What the block is for; shown to whoever configured the address.
    pub(crate) name: &'static str,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix_bits: u8, name: &'static str) -> Special {
    Special { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix_bits, name }
}

/// `a:b:c:d::/prefix_bits`: every special block's base ends in 64 zero bits, or is written out with `v6_low`.
const fn v6(a: u16, b: u16, c: u16, d: u16, prefix_bits: u8, name: &'static str) -> Special {
    Special { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), prefix_bits, name }
}

/// `::e:f:g:h/prefix_bits`.
const fn v6_low(e: u16, f: u16, g: u16, h: u16, prefix_bits: u8, name: &'static str) -> Special {
    Special { base: IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, e, f, g, h)), prefix_bits, name }
}

/// The first matching row names the refusal, so narrower blocks stand before those that hold them.
#[rustfmt::skip]
const SPECIAL: &[Special] = &[
    v4(0, 0, 0, 0, 8, "this network (RFC 791)"),
    v4(10, 0, 0, 0, 8, "private use (RFC 1918)"),
    v4(100, 64, 0, 0, 10, "shared address space of carriers (RFC 6598)"),
    v4(127, 0, 0, 0, 8, "loopback (RFC 1122)"),
    v4(169, 254, 169, 254, 32, "instance metadata of the cloud"),
    v4(169, 254, 0, 0, 16, "link local (RFC 3927)"),
    v4(172, 16, 0, 0, 12, "private use (RFC 1918)"),
    v4(192, 0, 0, 0, 24, "IETF protocol assignments (RFC 6890)"),
    v4(192, 0, 2, 0, 24, "documentation (RFC 5737)"),
    v4(192, 31, 196, 0, 24, "AS112 (RFC 7535)"),
    v4(192, 52, 193, 0, 24, "AMT relays (RFC 7450)"),
    v4(192, 88, 99, 0, 24, "6to4 relays (RFC 7526)"),
    v4(192, 168, 0, 0, 16, "private use (RFC 1918)"),
    v4(192, 175, 48, 0, 24, "AS112 (RFC 7534)"),
    v4(198, 18, 0, 0, 15, "benchmarking (RFC 2544)"),
    v4(198, 51, 100, 0, 24, "documentation (RFC 5737)"),
    v4(203, 0, 113, 0, 24, "documentation (RFC 5737)"),
    v4(224, 0, 0, 0, 4, "multicast (RFC 5771)"),
    v4(255, 255, 255, 255, 32, "broadcast (RFC 919)"),
    v4(240, 0, 0, 0, 4, "reserved (RFC 1112)"),
    v6_low(0, 0, 0, 0, 128, "unspecified (RFC 4291)"),
    v6_low(0, 0, 0, 1, 128, "loopback (RFC 4291)"),
    v6_low(0, 0xffff, 0, 0, 96, "IPv4-mapped (RFC 4291)"),
    v6_low(0xffff, 0, 0, 0, 96, "IPv4-translated (RFC 2765)"),
    v6_low(0, 0, 0, 0, 96, "IPv4-compatible (RFC 4291)"),
    v6(0x64, 0xff9b, 0, 0, 96, "IPv4 behind NAT64 (RFC 6052)"),
    v6(0x64, 0xff9b, 1, 0, 48, "IPv4 behind local NAT64 (RFC 8215)"),
    v6(0x100, 0, 0, 0, 64, "discard only (RFC 6666)"),
    v6(0x100, 0, 0, 1, 64, "dummy prefix (RFC 9780)"),
    v6(0x2001, 0, 0, 0, 32, "IPv4 behind Teredo (RFC 4380)"),
    v6(0x2001, 0, 0, 0, 23, "IETF protocol assignments (RFC 2928)"),
    v6(0x2001, 0xdb8, 0, 0, 32, "documentation (RFC 3849)"),
    v6(0x2002, 0, 0, 0, 16, "IPv4 behind 6to4 (RFC 3056)"),
    v6(0x2620, 0x4f, 0x8000, 0, 48, "AS112 (RFC 7534)"),
    v6(0x3fff, 0, 0, 0, 20, "documentation (RFC 9637)"),
    v6(0x5f00, 0, 0, 0, 16, "segment routing (RFC 9602)"),
    v6(0xfc00, 0, 0, 0, 7, "unique local (RFC 4193)"),
    v6(0xfe80, 0, 0, 0, 10, "link local (RFC 4291)"),
    v6(0xfec0, 0, 0, 0, 10, "site local (RFC 3879)"),
    v6(0xff00, 0, 0, 0, 8, "multicast (RFC 4291)"),
];

/// All global unicast IPv6 addresses that were ever given out (RFC 4291, 2.4); the rest is refused whatever it becomes.
const GLOBAL_UNICAST: Special = v6(0x2000, 0, 0, 0, 3, "global unicast");

impl Special {
    fn contains(&self, address: IpAddr) -> bool {
        let host_bits = |width: u32| width.saturating_sub(u32::from(self.prefix_bits));
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()).checked_shr(host_bits(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()).checked_shr(host_bits(128)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Why `address` is not the public internet, or `None` when it is.
pub(crate) fn why_not_global(address: IpAddr) -> Option<&'static str> {
    let special = SPECIAL.iter().find(|special| special.contains(address)).map(|special| special.name);
    let unassigned =
        || (address.is_ipv6() && !GLOBAL_UNICAST.contains(address)).then_some("unassigned (RFC 4291)");
    special.or_else(unassigned)
}

/// Whether `address` is a unicast address of the public internet, by IANA's special-purpose registries.
/// IPv6 forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) never are.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    why_not_global(address).is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn public_addresses_are_global() {
        const PUBLIC: &str = "
            1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 104.18.7.192
            126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
            191.255.255.255 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
            223.255.255.255 2000::1 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::6812:7c0
            2a00:1450::1 3ffe:ffff::1
        ";
        for text in PUBLIC.split_whitespace() {
            assert!(is_global(ip(text)), "{text}");
        }
    }

    #[test]
    fn special_addresses_are_not_and_say_why() {
        for (text, why) in [
            ("0.0.0.0", "this network"),
            ("0.255.255.255", "this network"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.0", "shared"),
            ("100.100.100.200", "shared"),
            ("100.127.255.255", "shared"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.255", "loopback"),
            ("169.254.0.1", "link local"),
            ("169.254.169.254", "metadata"),
            ("169.254.170.2", "link local"),
            ("172.16.0.0", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.8", "IETF"),
            ("192.0.0.170", "IETF"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4"),
            ("192.168.1.1", "private"),
            ("198.18.0.0", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.7", "documentation"),
            ("203.0.113.9", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.0", "reserved"),
            ("255.255.255.254", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::2", "compatible"),
            ("::7f00:1", "compatible"),
            ("::ffff:127.0.0.1", "mapped"),
            ("::ffff:8.8.8.8", "mapped"),
            ("::ffff:0:8.8.8.8", "translated"),
            ("64:ff9b::a9fe:a9fe", "NAT64"),
            ("64:ff9b::808:808", "NAT64"),
            ("64:ff9b:1::1", "NAT64"),
            ("100::1", "discard"),
            ("100:0:0:1::1", "dummy"),
            ("2001::1", "Teredo"),
            ("2001:10::1", "IETF"),
            ("2001:1ff::1", "IETF"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("2002:808:808::1", "6to4"),
            ("3fff::1", "documentation"),
            ("3fff:fff::1", "documentation"),
            ("5f00::1", "segment"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "unique local"),
            ("fdff::1", "unique local"),
            ("fe80::1", "link local"),
            ("fec0::1", "site local"),
            ("ff02::1", "multicast"),
            ("1::1", "unassigned"),
            ("200::1", "unassigned"),
            ("4000::1", "unassigned"),
            ("f000::1", "unassigned"),
        ] {
            let reason = why_not_global(ip(text)).unwrap_or("global");
            assert!(reason.contains(why), "{text}: {reason}");
        }
    }

    /// A row whose first and last address are both named by others would never be seen.
    #[test]
    fn no_row_is_hidden_by_an_earlier_one() {
        for special in SPECIAL {
            let last = match special.base {
                IpAddr::V4(base) => IpAddr::from(Ipv4Addr::from_bits(
                    base.to_bits() | u32::MAX.checked_shr(special.prefix_bits.into()).unwrap_or(0),
                )),
                IpAddr::V6(base) => IpAddr::from(Ipv6Addr::from_bits(
                    base.to_bits() | u128::MAX.checked_shr(special.prefix_bits.into()).unwrap_or(0),
                )),
            };
            let seen = [special.base, last].map(why_not_global).contains(&Some(special.name));
            assert!(seen, "{special:?}");
        }
    }

    proptest! {
        /// No way of writing an IPv4 address inside IPv6 gets a better verdict than the address itself.
        #[test]
        fn embedded_ipv4_never_beats_its_own_verdict(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let (low, high) = (u128::from(bits), u128::from(bits) << 80);
            let nat64 = (0x0064_ff9b_u128 << 96) | low;
            let six_to_four = (0x2002_u128 << 112) | high;
            let mut forms = vec![address.to_ipv6_mapped(), address.to_ipv6_compatible()];
            forms.extend([nat64, six_to_four].map(Ipv6Addr::from_bits));
            for form in forms {
                prop_assert!(!is_global(IpAddr::V6(form)) || is_global(IpAddr::V4(address)), "{form}");
            }
        }

        /// The standard library's own predicates are a second opinion.
        #[test]
        fn what_the_standard_library_calls_special_is_not_global(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_documentation() || address.is_broadcast();
            prop_assert!(!special || !is_global(IpAddr::V4(address)));
        }
    }
}
