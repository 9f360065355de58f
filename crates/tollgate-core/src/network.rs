//! Networks of addresses that calls come from.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

/// A network of addresses, as CIDR writes it (RFC 4632 §3.1, RFC 4291 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Addresses from which calls are let through: ranges, sorted, none of which meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

/// First and last of each range.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ranges<T>(Box<[(T, T)]>);

impl Network {
    /// The network of `address` whose first `prefix` bits are the same; `None` if an address has
    /// not so many. A network of IPv4 addresses mapped into IPv6 is the IPv4 network.
    #[must_use]
    pub fn around(address: IpAddr, prefix: u8) -> Option<Self> {
        match address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
                let first = IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & !host));
                (prefix <= 32).then_some(Self { first, prefix })
            }
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) if (96..=128).contains(&prefix) => {
                    Self::around(IpAddr::V4(mapped), prefix - 96)
                }
                _ => {
                    let host = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
                    let first = IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !host));
                    (prefix <= 128).then_some(Self { first, prefix })
                }
            },
        }
    }

    /// Its first address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl Networks {
    /// The addresses of all `networks`.
    #[must_use]
    pub fn of(networks: &[Network]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network.first {
                IpAddr::V4(first) => {
                    let host = u32::MAX.checked_shr(network.prefix.into()).unwrap_or(0);
                    v4.push((first.to_bits(), first.to_bits() | host));
                }
                IpAddr::V6(first) => {
                    let host = u128::MAX.checked_shr(network.prefix.into()).unwrap_or(0);
                    v6.push((first.to_bits(), first.to_bits() | host));
                }
            }
        }
        Self { v4: Ranges::of(v4), v6: Ranges::of(v6) }
    }

    /// The addresses that stand in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self { v4: self.v4.and(&other.v4), v6: self.v6.and(&other.v6) }
    }

    /// The first and last IPv4 address of each range, as bits: sorted, and none meets another.
    #[must_use]
    pub fn v4(&self) -> &[(u32, u32)] {
        &self.v4.0
    }

    /// Likewise of IPv6.
    #[must_use]
    pub fn v6(&self) -> &[(u128, u128)] {
        &self.v6.0
    }

    /// The addresses of ranges, as [`Networks::v4`] and [`Networks::v6`] tell them; `None` if one ends before it
    /// begins.
    #[must_use]
    pub fn of_ranges(v4: Vec<(u32, u32)>, v6: Vec<(u128, u128)>) -> Option<Self> {
        let fit = v4.iter().all(|(first, last)| first <= last)
            && v6.iter().all(|(first, last)| first <= last);
        fit.then(|| Self { v4: Ranges::of(v4), v6: Ranges::of(v6) })
    }

    /// One of them.
    #[must_use]
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.v4.0.first().map(|(first, _)| IpAddr::V4((*first).into()));
        v4.or_else(|| self.v6.0.first().map(|(first, _)| IpAddr::V6((*first).into())))
    }

    /// Whether there is no address among them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.0.is_empty() && self.v6.0.is_empty()
    }

    /// Whether `address` is among them. An IPv4 address mapped into IPv6 is the IPv4 address.
    #[must_use]
    pub fn hold(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.hold(address.to_bits()),
            IpAddr::V6(address) => self.v6.hold(address.to_bits()),
        }
    }
}

impl<T> Default for Ranges<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T: Copy + Ord> Ranges<T> {
    fn of(mut ranges: Vec<(T, T)>) -> Self {
        ranges.sort_unstable();
        ranges.dedup_by(|next, range| {
            let meet = next.0 <= range.1;
            if meet {
                range.1 = range.1.max(next.1);
            }
            meet
        });
        Self(ranges.into())
    }

    fn and(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().map(move |two| (one, two)));
        let common = pairs.map(|(one, two)| (one.0.max(two.0), one.1.min(two.1)));
        Self::of(common.filter(|(first, last)| first <= last).collect())
    }

    fn hold(&self, address: T) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < address);
        self.0.get(at).is_some_and(|(first, _)| *first <= address)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        let (address, prefix) = text.split_once('/').unwrap();
        Network::around(address.parse().unwrap(), prefix.parse().unwrap()).unwrap()
    }

    fn sources(networks: &[&str]) -> Networks {
        let networks: Vec<_> = networks.iter().map(|text| network(text)).collect();
        Networks::of(&networks)
    }

    #[test]
    fn a_network_begins_with_its_first_address() {
        for (text, expected) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("10.1.2.3/0", "0.0.0.0/0"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("2001:db8::1/128", "2001:db8::1/128"),
            ("::1/0", "::/0"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:10.1.2.3/128", "10.1.2.3/32"),
            ("::ffff:10.1.2.3/80", "::/80"),
        ] {
            assert_eq!(network(text).to_string(), expected, "{text}");
        }
        assert_eq!(Network::around([10, 0, 0, 0].into(), 33), None);
        assert_eq!(Network::around(IpAddr::V6(Ipv6Addr::LOCALHOST), 129), None);
    }

    #[test]
    fn addresses_are_held_from_the_first_to_the_last() {
        let sources = sources(&["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
        for (address, expected) in [
            ("9.255.255.255", false),
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.0.0.1", true),
            ("::ffff:11.0.0.1", false),
            ("::10.0.0.1", false),
            ("2001:db7:ffff::", false),
            ("2001:db8::", true),
            ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", true),
            ("2001:db9::", false),
        ] {
            assert_eq!(sources.hold(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!Networks::default().hold([10, 0, 0, 1].into()));
    }

    #[test]
    fn every_address_of_a_family_is_of_that_family_only() {
        let (v4, v6) = (sources(&["0.0.0.0/0"]), sources(&["::/0"]));
        let (one, other) = (Ipv4Addr::BROADCAST, Ipv6Addr::from_bits(u128::MAX));
        assert!(v4.hold(one.into()) && v4.hold(one.to_ipv6_mapped().into()));
        assert!(v6.hold(other.into()) && !v6.hold(one.into()) && !v4.hold(other.into()));
        assert!(v4.and(&v6).is_empty());
    }

    /// Bit by bit, as a reader of CIDR would.
    fn naive(networks: &[(IpAddr, u8)], address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(address) => format!("4{:032b}", address.to_bits()),
            IpAddr::V6(address) => format!("6{:0128b}", address.to_bits()),
        };
        networks.iter().any(|(network, prefix)| {
            let network = bits(*network);
            bits(address).starts_with(&network[..1 + usize::from(*prefix)])
        })
    }

    /// Addresses near each other, so that networks hold some.
    fn address() -> impl Strategy<Value = IpAddr> {
        let v4 = (0u32..1024, 0u32..4)
            .prop_map(|(low, high)| IpAddr::V4(Ipv4Addr::from_bits(high << 30 | low << 2)));
        let v6 = (0u128..1024, 0u128..4)
            .prop_map(|(low, high)| IpAddr::V6(Ipv6Addr::from_bits(high << 126 | low)));
        prop_oneof![v4, v6, any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).into())]
    }

    fn networks() -> impl Strategy<Value = Vec<(IpAddr, u8)>> {
        let network = address().prop_flat_map(|address| {
            let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
            let low = bits.saturating_sub(14);
            (Just(address), prop_oneof![0..=bits, low..=bits])
        });
        vec(network, 0..8)
    }

    fn compile(networks: &[(IpAddr, u8)]) -> Networks {
        let networks: Vec<_> = networks
            .iter()
            .map(|(address, prefix)| Network::around(*address, *prefix).unwrap())
            .collect();
        Networks::of(&networks)
    }

    proptest! {
        #[test]
        fn what_is_held_is_what_cidr_says(
            one in networks(),
            two in networks(),
            addresses in vec(address(), 1..32),
        ) {
            let (first, second) = (compile(&one), compile(&two));
            let both = first.and(&second);
            for address in addresses {
                prop_assert_eq!(first.hold(address), naive(&one, address), "{}", address);
                let expected = naive(&one, address) && naive(&two, address);
                prop_assert_eq!(both.hold(address), expected, "{}", address);
            }
        }
    }
}
