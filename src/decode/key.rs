//! The canonical 5-tuple, packed into sixteen bytes.
//!
//! ```text
//! IPv4   127        96       80        48       32     9 8  7     0
//!        | low addr |low port| high addr|high port|  0  |0|protocol|
//! IPv6   127                 64       48        32      9 8  7     0
//!        |  seeded digest    |low port|high port|   0   |1|protocol|
//! ```
//!
//! `low` is the smaller endpoint (address, then port), so that both directions of a conversation have one key. An IPv6 key
//! holds a digest of both addresses; equality of digests proves nothing, so the table compares the addresses themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const IPV6: u128 = 1 << 8;

/// A canonical 5-tuple.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u128);

/// Which endpoint of the key a packet comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The smaller one.
    #[default]
    Low,
    /// The larger one.
    High,
}

impl Side {
    /// 0 or 1, to index what is kept for each side.
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The other side.
    pub fn other(self) -> Self {
        match self {
            Side::Low => Side::High,
            Side::High => Side::Low,
        }
    }
}

/// Two endpoints in canonical order, and the protocol between them. Ports are 0 for protocols without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Endpoints {
    pub low: (IpAddr, u16),
    pub high: (IpAddr, u16),
    pub protocol: u8,
}

impl Endpoints {
    /// The endpoint on a side.
    pub fn side(&self, side: Side) -> (IpAddr, u16) {
        match side {
            Side::Low => self.low,
            Side::High => self.high,
        }
    }
}

/// The secret that hashes and digests depend on: who writes a capture must not be able to choose collisions.
#[derive(Clone, Copy, Debug)]
pub struct Seed(u64);

impl Seed {
    /// A new seed from the operating system's randomness.
    pub fn random() -> Self {
        use std::hash::{BuildHasher, Hasher};
        Seed(std::collections::hash_map::RandomState::new().build_hasher().finish())
    }

    /// A seed for tests and benchmarks that compare hashes.
    pub fn fixed(seed: u64) -> Self {
        Seed(seed)
    }
}

// Odd constants with well-spread bits (digits of pi and the golden ratio); any would do.
const MIX: [u64; 3] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0x9e37_79b9_7f4a_7c15];

/// The two halves of a 128-bit product, folded: every input bit reaches every output bit.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl Key {
    /// The key of an IPv4 packet and the side that it comes from.
    #[inline(always)]
    pub fn v4(source: (u32, u16), destination: (u32, u16), protocol: u8) -> (Key, Side) {
        let from = u64::from(source.0) << 16 | u64::from(source.1);
        let to = u64::from(destination.0) << 16 | u64::from(destination.1);
        let (low, high, side) = if from <= to { (from, to, Side::Low) } else { (to, from, Side::High) };
        (Key(u128::from(low) << 80 | u128::from(high) << 32 | u128::from(protocol)), side)
    }

    /// The key of an IPv6 packet and the side that it comes from.
    pub fn v6(source: (u128, u16), destination: (u128, u16), protocol: u8, seed: Seed) -> (Key, Side) {
        let (low, high, side) =
            if source <= destination { (source, destination, Side::Low) } else { (destination, source, Side::High) };
        let first = fold(low.0 as u64 ^ seed.0, (low.0 >> 64) as u64 ^ MIX[0]);
        let digest = fold(high.0 as u64 ^ first, (high.0 >> 64) as u64 ^ MIX[1] ^ seed.0.rotate_left(32));
        let ports = u128::from(low.1) << 48 | u128::from(high.1) << 32;
        (Key(u128::from(digest) << 64 | ports | IPV6 | u128::from(protocol)), side)
    }

    /// The key of any packet.
    pub fn of(source: (IpAddr, u16), destination: (IpAddr, u16), protocol: u8, seed: Seed) -> (Key, Side) {
        match (source.0, destination.0) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                Key::v4((from.to_bits(), source.1), (to.to_bits(), destination.1), protocol)
            }
            (from, to) => Key::v6((bits(from), source.1), (bits(to), destination.1), protocol, seed),
        }
    }

    /// A hash for the table.
    #[inline(always)]
    pub fn hash(self, seed: Seed) -> u64 {
        let mixed = fold(self.0 as u64 ^ seed.0, (self.0 >> 64) as u64 ^ MIX[0]);
        fold(mixed, MIX[2] ^ seed.0.rotate_left(17))
    }

    /// Which of `shards` (a power of two, at most 256) the flow belongs to. It does not depend on the seed: what a
    /// bounded table gives up must be the same in every run.
    #[inline(always)]
    pub fn shard(self, shards: usize) -> usize {
        let mixed = fold((self.0 >> 64) as u64 ^ MIX[1], self.0 as u64 ^ MIX[2]);
        (mixed >> 56) as usize & (shards - 1)
    }

    /// Whether the addresses stand beside the key, not in it.
    #[inline]
    pub fn is_v6(self) -> bool {
        self.0 & IPV6 != 0
    }

    /// The IP protocol.
    #[inline]
    pub fn protocol(self) -> u8 {
        self.0 as u8
    }

    /// The ports of the low and the high endpoint.
    #[inline]
    pub fn ports(self) -> (u16, u16) {
        if self.is_v6() {
            ((self.0 >> 48) as u16, (self.0 >> 32) as u16)
        } else {
            ((self.0 >> 80) as u16, (self.0 >> 32) as u16)
        }
    }

    /// The endpoints; `v6` are the low and the high address where [`Key::is_v6`].
    pub fn endpoints(self, v6: Option<(Ipv6Addr, Ipv6Addr)>) -> Endpoints {
        let ports = self.ports();
        let (low, high): (IpAddr, IpAddr) = match v6 {
            Some((low, high)) => (low.into(), high.into()),
            None => {
                (Ipv4Addr::from_bits((self.0 >> 96) as u32).into(), Ipv4Addr::from_bits((self.0 >> 48) as u32).into())
            }
        };
        Endpoints { low: (low, ports.0), high: (high, ports.1), protocol: self.protocol() }
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Seed, Side};

    #[test]
    fn both_directions_have_one_key_and_different_sides() {
        let (a, b) = ((0x0a00_0001, 40000), (0xc633_6414, 443));
        let (key, side) = Key::v4(a, b, 6);
        assert_eq!((key, side.other()), Key::v4(b, a, 6));
        assert_eq!(side, Side::Low);
        let ends = key.endpoints(None);
        assert_eq!(ends.low, ("10.0.0.1".parse().unwrap(), 40000));
        assert_eq!(ends.high, ("198.51.100.20".parse().unwrap(), 443));
        assert_eq!(ends.protocol, 6);
    }

    #[test]
    fn v6_keys_hold_ports_and_a_digest() {
        let seed = Seed::fixed(7);
        let a = ("2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap(), 40000);
        let b = ("2001:db8::2".parse::<std::net::Ipv6Addr>().unwrap(), 500);
        let (key, side) = Key::v6((a.0.to_bits(), a.1), (b.0.to_bits(), b.1), 17, seed);
        assert!(key.is_v6());
        assert_eq!(key.ports(), (40000, 500));
        assert_eq!(Key::v6((b.0.to_bits(), b.1), (a.0.to_bits(), a.1), 17, seed), (key, side.other()));
        assert_ne!(Key::v6((a.0.to_bits() + 2, a.1), (b.0.to_bits(), b.1), 17, seed).0, key);
        let ends = key.endpoints(Some((a.0, b.0)));
        assert_eq!((ends.low.0, ends.high.0), (a.0.into(), b.0.into()));
    }

    #[test]
    fn equal_addresses_are_ordered_by_port() {
        let (key, side) = Key::v4((1, 9), (1, 3), 17);
        assert_eq!(side, Side::High);
        assert_eq!(key.ports(), (3, 9));
    }
}
