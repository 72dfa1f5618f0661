//! Everything in a message that can be read without keys, in one go.

use std::borrow::Cow;

use crate::bytes::Reader;
use crate::proto::ike::names::notify;
use crate::proto::ike::payload::kind;
use crate::proto::ike::proposal::{self, Suite};
use crate::proto::ike::{Header, NatDetection, Notify, Payload, payloads, vendor};

/// Which part of a fragmented message this is.
///
/// ```text
/// IKEv2, SKF:             | fragment number (16)  |  total (16)                        |
/// IKEv1, payload 132:     | message of fragments (16) | number (8) | flags (8): 1 last |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Counts from 1.
    pub number: u16,
    /// How many there are; in IKEv1 only the last one says.
    pub total: Option<u16>,
}

/// What a message says in clear. For a repetition it is the same again: read it once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clear {
    /// Notify message types, in order.
    pub notifies: Vec<u16>,
    /// Known vendor IDs, in order.
    pub vendor_ids: Vec<Cow<'static, str>>,
    /// IKEv2: the kind of the first encrypted payload, 0 if there is none within. `None`: nothing encrypted, or a later fragment.
    pub first_inner: Option<u8>,
    /// Set if this is a fragment of a message.
    pub fragment: Option<Fragment>,
    /// Hashes over the addresses as the sender knows them.
    pub nat_detection: NatDetection,
    /// The Diffie-Hellman group of the key exchange payload (IKEv2; in IKEv1 the proposal has it).
    pub ke_group: Option<u16>,
    /// The group that an INVALID_KE_PAYLOAD asks for.
    pub wanted_group: Option<u16>,
    /// Whether there is a COOKIE: in an answer a challenge, in a request the reply to one.
    pub cookie: bool,
    /// What is offered or, in an answer, chosen: `AES-CBC-256, HMAC-SHA2-256-128, PRF-HMAC-SHA2-256, MODP-2048`.
    /// `None` where a part of it is cut.
    pub proposal: Option<String>,
    /// The algorithms of that proposal, from which the sizes of encrypted messages follow.
    pub suite: Option<Suite>,
}

impl Clear {
    /// Reads a message of which the capture holds `message`, from the header on.
    pub fn read(header: &Header, message: &[u8]) -> Clear {
        let mut clear = Clear::default();
        for payload in payloads(header, message) {
            if header.is_v2() {
                clear.add_v2(&payload);
            } else if !payload.encrypted {
                clear.add_v1(&payload);
            }
        }
        clear
    }

    fn add_v2(&mut self, payload: &Payload<'_>) {
        let body = payload.body;
        match payload.kind {
            kind::v2::SA if payload.complete => self.set_proposal(proposal::v2(body)),
            // The first one counts; what follows it and is cut takes nothing back.
            kind::v2::KE => self.ke_group = self.ke_group.or(Reader::new(body).u16()),
            kind::v2::NOTIFY => {
                if let Some(notify) = Notify::parse_v2(body) {
                    self.add_notify_v2(&notify, payload.complete);
                }
            }
            kind::v2::VENDOR_ID => self.vendor_ids.extend(vendor::name(body)),
            kind::v2::SK => self.first_inner = Some(payload.next),
            kind::v2::SKF => {
                let mut reader = Reader::new(body);
                if let (Some(number), Some(total)) = (reader.u16(), reader.u16()) {
                    self.fragment = Some(Fragment { number, total: Some(total) });
                    self.first_inner = (number == 1).then_some(payload.next);
                }
            }
            _ => {}
        }
    }

    fn add_notify_v2(&mut self, notify: &Notify<'_>, complete: bool) {
        self.notifies.push(notify.kind);
        match notify.kind {
            notify::v2::COOKIE => self.cookie = true,
            notify::v2::INVALID_KE_PAYLOAD => {
                self.wanted_group = self.wanted_group.or(Reader::new(notify.data).u16());
            }
            notify::v2::NAT_DETECTION_SOURCE_IP if complete => self.nat_detection.add_source(notify.data),
            notify::v2::NAT_DETECTION_DESTINATION_IP if complete => self.nat_detection.set_destination(notify.data),
            _ => {}
        }
    }

    fn add_v1(&mut self, payload: &Payload<'_>) {
        let body = payload.body;
        match payload.kind {
            kind::v1::SA if payload.complete => self.set_proposal(proposal::v1(body)),
            // The four bytes of DOI stand before what IKEv2 has.
            kind::v1::NOTIFY => self.notifies.extend(body.get(4..).and_then(Notify::parse_v2).map(|n| n.kind)),
            kind::v1::VENDOR_ID => self.vendor_ids.extend(vendor::name(body)),
            // RFC 3947 section 3.2: the first is the destination's, the others are the sender's.
            kind::v1::NAT_D | kind::v1::NAT_D_DRAFT if payload.complete => match self.nat_detection.destination {
                None => self.nat_detection.set_destination(body),
                Some(_) => self.nat_detection.add_source(body),
            },
            kind::v1::FRAGMENT => {
                let mut reader = Reader::new(body);
                if let (Some(_id), Some(number), Some(flags)) = (reader.u16(), reader.u8(), reader.u8()) {
                    let number = u16::from(number);
                    self.fragment = Some(Fragment { number, total: (flags & 1 != 0).then_some(number) });
                }
            }
            _ => {}
        }
    }

    fn set_proposal(&mut self, read: Option<(String, Suite)>) {
        if let Some((words, suite)) = read {
            self.proposal = Some(words);
            self.suite = Some(suite);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Clear, Fragment};
    use crate::proto::ike::Header;
    use crate::proto::laid_out::{at_every_cut, hex};

    const SPIS: &str = "0102030405060708 1112131415161718";

    fn clear(message: &[u8]) -> Clear {
        Clear::read(&Header::parse(message, message.len()).unwrap(), message)
    }

    fn sa_init() -> Vec<u8> {
        hex(&format!(
            "{SPIS} | SA first | 21 20 22 20 00000000 000000bc
            | SA, KE next | 2200 0030 00 00 002c 01 01 00 04 03 00 000c 01 00 000c 800e 0100
            03 00 0008 02 00 0005 03 00 0008 03 00 000c 00 00 0008 04 00 000e
            | KE, nonce next | 2800 0010 000e 0000 aabbccddeeff0011
            | nonce | 2900 000c 0011223344556677
            | N 16388 | 2900 001c 0000 4004 {source} | N 16389 | 2b00 001c 0000 4005 {destination}
            | FortiGate | 2900 0014 8299031757a36082c6a621de 000006c4 | fragmentation | 0000 0008 0000 402e",
            source = "5a".repeat(20),
            destination = "a5".repeat(20)
        ))
    }

    #[test]
    fn an_answer_to_ike_sa_init() {
        let seen = clear(&sa_init());
        assert_eq!(seen.notifies, [16388, 16389, 16430]);
        assert_eq!(seen.vendor_ids, ["FortiGate (release 0, build 1732)"]);
        assert_eq!(seen.ke_group, Some(14));
        assert_eq!(seen.nat_detection.sources, [vec![0x5a; 20].into_boxed_slice()]);
        assert_eq!(seen.nat_detection.destination.as_deref(), Some([0xa5; 20].as_slice()));
        assert_eq!(seen.proposal.as_deref(), Some("AES-CBC-256, HMAC-SHA2-256-128, PRF-HMAC-SHA2-256, MODP-2048"));
        assert_eq!((seen.first_inner, seen.fragment, seen.cookie, seen.wanted_group), (None, None, false, None));
    }

    #[test]
    fn cookie_and_wanted_group() {
        let cookie =
            clear(&hex(&format!("{SPIS} 29 20 22 20 00000000 0000002c | N | 0000 0010 0000 4006 0011223344556677")));
        assert!(cookie.cookie);
        let group = clear(&hex(&format!("{SPIS} 29 20 22 20 00000000 00000026 | N | 0000 000a 0000 0011 0013")));
        assert_eq!((group.notifies, group.wanted_group), (vec![17], Some(19)));
    }

    #[test]
    fn a_second_group_that_is_cut_takes_nothing_back() {
        let group = clear(&hex(&format!(
            "{SPIS} 22 20 22 20 00000000 0000003a | KE, 14 | 2200 0008 000e 0000 | KE, cut | 2900 0004
            | wanted, 19 | 2900 000a 0000 0011 0013 | wanted, cut | 0000 0008 0000 0011"
        )));
        assert_eq!((group.ke_group, group.wanted_group), (Some(14), Some(19)));
    }

    #[test]
    fn encrypted_messages_leak_their_first_payload() {
        let refused = clear(&hex(&format!("{SPIS} 2e 20 23 20 00000001 00000024 | N inside | 2900 0008 99999999")));
        assert_eq!(refused.first_inner, Some(41));
        let liveness = clear(&hex(&format!("{SPIS} 2e 20 25 08 00000002 00000024 | empty | 0000 0008 99999999")));
        assert_eq!(liveness.first_inner, Some(0));
    }

    #[test]
    fn only_the_first_fragment_names_a_payload() {
        let first = clear(&hex(&format!("{SPIS} 35 20 23 08 00000001 00000028 | IDi | 2300 000c 0001 0003 99999999")));
        assert_eq!((first.first_inner, first.fragment), (Some(35), Some(Fragment { number: 1, total: Some(3) })));
        let second = clear(&hex(&format!("{SPIS} 35 20 23 08 00000001 00000028 | | 0000 000c 0002 0003 99999999")));
        assert_eq!((second.first_inner, second.fragment), (None, Some(Fragment { number: 2, total: Some(3) })));
    }

    #[test]
    fn version_1_in_clear_and_encrypted() {
        let refused = hex(&format!("{SPIS} 0b 10 05 00 00000000 00000028 | N, DOI | 0000 000c 00000001 01 00 000e"));
        assert_eq!(clear(&refused).notifies, [14]);
        let sealed = hex(&format!("{SPIS} 0b 10 05 01 00000000 00000028 | noise | 0000 000c 00000001 01 00 000e"));
        assert_eq!(clear(&sealed), Clear::default(), "ciphertext is not read");
        let nat_d = hex(&format!(
            "{SPIS} 14 10 02 00 00000000 0000004c | NAT-D | 1400 0018 {} | NAT-D | 0000 0018 {}",
            "01".repeat(20),
            "02".repeat(20)
        ));
        let seen = clear(&nat_d).nat_detection;
        assert_eq!(seen.destination.as_deref(), Some([1; 20].as_slice()));
        assert_eq!(seen.sources, [vec![2; 20].into_boxed_slice()]);
    }

    #[test]
    fn version_1_fragments() {
        let middle = hex(&format!("{SPIS} 84 10 02 00 00000000 00000028 | fragment | 0000 000c 0001 01 00 55555555"));
        assert_eq!(clear(&middle).fragment, Some(Fragment { number: 1, total: None }));
        let last = hex(&format!("{SPIS} 84 10 02 00 00000000 00000028 | fragment | 0000 000c 0001 02 01 55555555"));
        assert_eq!(clear(&last).fragment, Some(Fragment { number: 2, total: Some(2) }));
    }

    #[test]
    fn cut_at_every_length() {
        let message = sa_init();
        let header = Header::parse(&message, message.len()).unwrap();
        let mut before = 0;
        at_every_cut(&message, |cut| {
            let seen = Clear::read(&header, cut);
            assert!(seen.notifies.len() >= before, "more bytes tell no less");
            assert!(seen.nat_detection.sources.iter().all(|hash| hash.len() == 20), "no half hash");
            // The SA payload stands behind the header of 28 bytes and is 48 bytes long.
            assert_eq!((seen.proposal.is_some(), seen.suite.is_some()), (cut.len() >= 76, cut.len() >= 76));
            before = seen.notifies.len();
        });
        assert_eq!(before, 3);
    }

    proptest! {
        #[test]
        fn any_bytes_after_a_header(rest: Vec<u8>, first: u8, v2: bool, flags: u8) {
            let (version, exchange) = if v2 { (0x20, 34) } else { (0x10, 2) };
            let header = Header {
                initiator_spi: 1, responder_spi: 2, next_payload: first, version, exchange,
                flags, message_id: 0, length: 28,
            };
            let _ = Clear::read(&header, &[vec![0; 28], rest].concat());
        }
    }
}
