//! Names that the capture itself gives to addresses, and look-ups with their outcome.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::{Mark, Marks};
use crate::decode::Item;
use crate::proto::dns::{Answer, Message};

/// Where DNS lives (RFC 1035, 4.2), over UDP and over TCP.
pub(super) const DNS_PORT: u16 = 53;

/// Look-ups that are remembered per shard: a day of browsing asks for some thousands of names.
const MAX_LOOKUPS: usize = 1 << 14;

/// Addresses of one look-up that are kept.
const MAX_ADDRESSES: usize = 32;

/// A name that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name, in lower case and without a final dot.
    pub name: String,
    /// 1 for A, 28 for AAAA, ...
    pub record_type: u16,
    /// Who asked.
    pub client: IpAddr,
    /// Who was asked.
    pub resolver: IpAddr,
    /// The questions.
    pub asked: Marks,
    /// The answers.
    pub answered: Marks,
    /// Those of them that the server cut (TC): the client is to ask again over TCP (RFC 7766, 5).
    pub truncated: Marks,
    /// The response code of the last answer (RFC 1035, 4.1.1).
    pub response_code: Option<u8>,
    /// The addresses in the answers.
    pub addresses: Vec<IpAddr>,
}

/// Whether the ports are those of DNS.
#[inline]
pub(super) fn is_dns(item: &Item<'_>) -> bool {
    item.ports.0 == DNS_PORT || item.ports.1 == DNS_PORT
}

/// Where a name comes from, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum NameSource {
    Sni,
    Host,
    Dns,
    CaptureFile,
}

/// Look-ups, in order of their first question or answer.
#[derive(Debug, Default)]
pub struct Names {
    lookups: Vec<Lookup>,
    index: HashMap<(IpAddr, u16, String), usize, foldhash::fast::RandomState>,
    /// Look-ups that were not kept.
    pub dropped: u64,
}

impl Names {
    /// Takes in a message of port 53; of one in several TCP segments, `item` is that which made it whole. `begun` is its first fragment, which was taken in before, where it came in fragments.
    pub(super) fn track(&mut self, item: &Item<'_>, message: Message, begun: Option<Mark>) {
        let (Some((source, destination)), Some((name, record_type))) = (item.addresses(), message.question) else {
            return;
        };
        let (client, resolver) = if message.response { (destination, source) } else { (source, destination) };
        let name = name.to_ascii_lowercase();
        let key = (client, record_type, name);
        let at = match self.index.get(&key) {
            Some(at) => *at,
            None if self.lookups.len() == MAX_LOOKUPS => {
                self.dropped += 1;
                return;
            }
            None => {
                self.lookups.push(Lookup {
                    name: key.2.clone(),
                    record_type,
                    client,
                    resolver,
                    asked: Marks::default(),
                    answered: Marks::default(),
                    truncated: Marks::default(),
                    response_code: None,
                    addresses: Vec::new(),
                });
                self.index.insert(key, self.lookups.len() - 1);
                self.lookups.len() - 1
            }
        };
        let Some(lookup) = self.lookups.get_mut(at) else { return };
        let marks = if message.response { &mut lookup.answered } else { &mut lookup.asked };
        if begun.is_none() || marks.last() != begun {
            marks.push(Mark::of(item));
            if message.response && message.truncated {
                lookup.truncated.push(Mark::of(item));
            }
        }
        if !message.response {
            return;
        }
        lookup.response_code = Some(message.rcode);
        for (_, answer) in message.answers {
            if let Answer::Address(address) = answer
                && lookup.addresses.len() < MAX_ADDRESSES
                && !lookup.addresses.contains(&address)
            {
                lookup.addresses.push(address);
            }
        }
    }

    /// Every look-up.
    pub fn lookups(&self) -> &[Lookup] {
        &self.lookups
    }

    /// Every look-up, given away.
    pub fn into_lookups(self) -> Vec<Lookup> {
        self.lookups
    }
}
