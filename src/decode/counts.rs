//! What was decoded, counted.

use super::{Item, Kind, Reason};

/// Counts of frames by what they are. The innermost IP packet counts; later fragments count only as IP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames.
    pub packets: u64,
    /// IPv4 or IPv6, headers cut or bogus included.
    pub ip: u64,
    /// TCP, first fragments included.
    pub tcp: u64,
    /// UDP, first fragments included.
    pub udp: u64,
    /// IP protocol 50, first fragments included.
    pub esp: u64,
    /// ICMP 3, 11, 12 and ICMPv6 1 to 4.
    pub icmp_errors: u64,
    /// ARP.
    pub arp: u64,
    /// Neither IP nor ARP.
    pub not_ip: u64,
    /// IP fragments but the first.
    pub later_fragments: u64,
    /// What could not be decoded, by [`Reason::ALL`].
    pub undecoded: [Tally; Reason::ALL.len()],
}

/// How often, and first in which frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// The first frame; 0 where there is none.
    pub first_frame: u64,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, frame: u64) {
        if self.count == 0 {
            self.first_frame = frame;
        }
        self.count += 1;
    }

    fn add_all(&mut self, other: &Tally) {
        if self.count == 0 || other.count > 0 && other.first_frame < self.first_frame {
            self.first_frame = other.first_frame;
        }
        self.count += other.count;
    }
}

/// The EtherType of ARP.
pub(crate) const ARP: u16 = 0x0806;

impl Counts {
    /// Counts one item.
    #[inline]
    pub(super) fn add(&mut self, item: &Item<'_>) {
        self.packets += 1;
        match item.kind {
            Kind::Packet => {
                self.add_ip(item.protocol);
            }
            _ => self.add_rare(item),
        }
    }

    #[cold]
    fn add_rare(&mut self, item: &Item<'_>) {
        match item.kind {
            Kind::Packet => {}
            Kind::LaterFragment => {
                self.ip += 1;
                self.later_fragments += 1;
            }
            Kind::IcmpError | Kind::BareIcmpError => {
                self.ip += 1;
                self.icmp_errors += 1;
            }
            Kind::NotIp(ARP) => self.arp += 1,
            Kind::NotIp(_) => self.not_ip += 1,
            Kind::Undecoded(reason) => {
                if !matches!(reason, Reason::LinkType | Reason::LinkHeaderCut) {
                    self.add_ip(item.protocol);
                }
                if let Some(tally) = self.undecoded.get_mut(reason as usize) {
                    tally.add(item.frame);
                }
            }
        }
    }

    /// Counts an IP packet that has, or claims, a transport header.
    #[inline]
    fn add_ip(&mut self, protocol: u8) {
        self.ip += 1;
        match protocol {
            6 => self.tcp += 1,
            17 => self.udp += 1,
            50 => self.esp += 1,
            _ => {}
        }
    }

    /// Adds what was counted of other frames of the same capture.
    pub fn add_all(&mut self, other: &Counts) {
        self.packets += other.packets;
        self.ip += other.ip;
        self.tcp += other.tcp;
        self.udp += other.udp;
        self.esp += other.esp;
        self.icmp_errors += other.icmp_errors;
        self.arp += other.arp;
        self.not_ip += other.not_ip;
        self.later_fragments += other.later_fragments;
        for (tally, other) in self.undecoded.iter_mut().zip(&other.undecoded) {
            tally.add_all(other);
        }
    }

    /// Frames that could not be decoded.
    pub fn undecoded_total(&self) -> u64 {
        self.undecoded.iter().map(|tally| tally.count).sum()
    }
}
