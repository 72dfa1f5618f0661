//! Ports that matter. They come from the table and the site file, but a tracker knows only numbers: enough to tell which
//! side is the server, and which flows deserve to be followed closely.

use super::dns::DNS_PORT;

/// Ports that matter, by protocol.
#[derive(Clone, Debug)]
pub struct PortHints {
    tcp: PortSet,
    udp: PortSet,
    ike: PortSet,
}

/// What every tracker knows without being told, beside where DNS lives: where IKE does (RFC 7296) and its UDP encapsulation (RFC 3948).
const IKE: [u16; 2] = [500, 4500];

impl Default for PortHints {
    fn default() -> Self {
        let mut hints = PortHints::none();
        hints.add_tcp(DNS_PORT, DNS_PORT);
        IKE.into_iter().for_each(|port| hints.ike.insert(port));
        hints
    }
}

impl PortHints {
    /// No port matters, those of IKE neither: every flow is only counted.
    pub fn none() -> Self {
        PortHints { tcp: PortSet::default(), udp: PortSet::default(), ike: PortSet::default() }
    }

    /// Marks a range of TCP ports.
    pub fn add_tcp(&mut self, first: u16, last: u16) {
        (first..=last).for_each(|port| self.tcp.insert(port));
    }

    /// Marks a range of UDP ports.
    pub fn add_udp(&mut self, first: u16, last: u16) {
        (first..=last).for_each(|port| self.udp.insert(port));
    }

    /// Marks a range of UDP ports on which IKE or ESP in UDP is spoken.
    pub fn add_ike(&mut self, first: u16, last: u16) {
        self.add_udp(first, last);
        (first..=last).for_each(|port| self.ike.insert(port));
    }

    /// Whether the port matters for the protocol.
    #[inline]
    pub fn matters(&self, protocol: u8, port: u16) -> bool {
        match protocol {
            6 => self.tcp.contains(port),
            17 => self.udp.contains(port),
            _ => false,
        }
    }

    /// Whether IKE or ESP in UDP is spoken there.
    #[inline]
    pub fn is_ike(&self, port: u16) -> bool {
        self.ike.contains(port)
    }
}

#[derive(Clone, Debug)]
struct PortSet(Box<[u64; 1024]>);

impl Default for PortSet {
    fn default() -> Self {
        PortSet(Box::new([0; 1024]))
    }
}

impl PortSet {
    fn insert(&mut self, port: u16) {
        if let Some(word) = self.0.get_mut(usize::from(port >> 6)) {
            *word |= 1 << (port & 63);
        }
    }

    #[inline]
    fn contains(&self, port: u16) -> bool {
        self.0.get(usize::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::PortHints;

    #[test]
    fn ports_are_kept_by_protocol() {
        let mut hints = PortHints::default();
        hints.add_tcp(443, 443);
        hints.add_udp(65535, 65535);
        assert!(hints.matters(6, 443) && !hints.matters(17, 443) && !hints.matters(6, 442));
        assert!(hints.matters(17, 65535));
        assert!(hints.is_ike(4500) && !hints.is_ike(443));
    }
}
