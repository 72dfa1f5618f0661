//! The chain of payloads that follows the header, as far as it is in clear.

use crate::bytes::Reader;
use crate::proto::ike::Header;

/// A message of the wire has about twenty payloads; the bound only stops a forged chain of empty ones.
const MAX_PAYLOADS: usize = 64;

/// Payload kinds, as far as something here depends on them.
pub mod kind {
    /// Ends the chain, in both versions.
    pub const NONE: u8 = 0;

    /// IKEv1 (RFC 2408 section 3.1, RFC 3947, Cisco).
    pub mod v1 {
        /// Security association.
        pub const SA: u8 = 1;
        /// Key exchange.
        pub const KE: u8 = 4;
        /// Identification.
        pub const ID: u8 = 5;
        /// Hash; the first payload of nearly everything encrypted.
        pub const HASH: u8 = 8;
        /// Notification.
        pub const NOTIFY: u8 = 11;
        /// Delete.
        pub const DELETE: u8 = 12;
        /// Vendor ID.
        pub const VENDOR_ID: u8 = 13;
        /// Mode-config and XAUTH attributes.
        pub const ATTRIBUTES: u8 = 14;
        /// NAT-D of RFC 3947.
        pub const NAT_D: u8 = 20;
        /// NAT-D of the drafts before RFC 3947.
        pub const NAT_D_DRAFT: u8 = 130;
        /// A fragment of a message (Cisco, Microsoft).
        pub const FRAGMENT: u8 = 132;
    }

    /// IKEv2 (RFC 7296 section 3.2, RFC 7383).
    pub mod v2 {
        /// Security association.
        pub const SA: u8 = 33;
        /// Key exchange.
        pub const KE: u8 = 34;
        /// Identification of the initiator.
        pub const ID_I: u8 = 35;
        /// Identification of the responder.
        pub const ID_R: u8 = 36;
        /// Authentication.
        pub const AUTH: u8 = 39;
        /// Nonce.
        pub const NONCE: u8 = 40;
        /// Notify.
        pub const NOTIFY: u8 = 41;
        /// Delete.
        pub const DELETE: u8 = 42;
        /// Vendor ID.
        pub const VENDOR_ID: u8 = 43;
        /// Encrypted and authenticated.
        pub const SK: u8 = 46;
        /// Configuration.
        pub const CP: u8 = 47;
        /// Extensible Authentication Protocol.
        pub const EAP: u8 = 48;
        /// Encrypted and authenticated fragment.
        pub const SKF: u8 = 53;
    }
}

/// One payload.
///
/// ```text
/// +---------------+-+-------------+-------------------------------+
/// | next payload  |C|  reserved   |  length, these 4 bytes incl.  |
/// +---------------+-+-------------+-------------------------------+
/// |                             body                              |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// What it is; see [`kind`].
    pub kind: u8,
    /// IKEv2: whether a receiver that does not know the kind must refuse the message.
    pub critical: bool,
    /// What the capture holds of the body.
    pub body: &'a [u8],
    /// The kind that follows. In an encrypted payload of IKEv2 it is the *first inner* payload, in clear; of
    /// fragments, only the first has it.
    pub next: u8,
    /// Whether the body is ciphertext.
    pub encrypted: bool,
    /// Whether the whole body is there.
    pub complete: bool,
}

/// The payloads in clear, first to last. The chain ends after an encrypted payload (SK, SKF; in an encrypted IKEv1
/// message the one item is the ciphertext), after one that the capture cut, and before one whose length is absurd.
pub fn payloads<'a>(header: &Header, message: &'a [u8]) -> impl Iterator<Item = Payload<'a>> + use<'a> {
    Chain {
        rest: Reader::new(message.get(Header::LEN..).unwrap_or_default()),
        kind: header.next_payload,
        v2: header.is_v2(),
        encrypted_v1: header.is_encrypted_v1().then(|| header.length.saturating_sub(28)),
    }
    .take(MAX_PAYLOADS)
}

struct Chain<'a> {
    rest: Reader<'a>,
    /// What comes next; [`kind::NONE`] ends the chain.
    kind: u8,
    v2: bool,
    /// Of an encrypted IKEv1 message: how much ciphertext was sent.
    encrypted_v1: Option<u32>,
}

impl<'a> Iterator for Chain<'a> {
    type Item = Payload<'a>;

    fn next(&mut self) -> Option<Payload<'a>> {
        let kind = std::mem::replace(&mut self.kind, kind::NONE);
        if kind == kind::NONE {
            return None;
        }
        if let Some(len) = self.encrypted_v1 {
            let body = self.rest.rest();
            let complete = u32::try_from(body.len()) == Ok(len);
            return Some(Payload { kind, critical: false, body, next: kind::NONE, encrypted: true, complete });
        }
        let next = self.rest.u8()?;
        let critical = self.rest.u8()? & 0x80 != 0;
        let len = usize::from(self.rest.u16()?.checked_sub(4)?);
        let body = self.rest.take_available(len);
        let encrypted = self.v2 && matches!(kind, kind::v2::SK | kind::v2::SKF);
        let complete = body.len() == len;
        if complete && !encrypted {
            self.kind = next;
        }
        Some(Payload { kind, critical, body, next, encrypted, complete })
    }
}

/// The body of a notify payload.
///
/// ```text
///     v1 only: +---------------------------------------------------------------+
///              |                  domain of interpretation                     |
/// both:        +---------------+---------------+-------------------------------+
///              |  protocol id  |   SPI size    |      notify message type      |
///              +---------------+---------------+-------------------------------+
///              |             SPI, then notification data                       |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify<'a> {
    /// The notify message type; [`notify_name`](super::notify_name) words it.
    pub kind: u16,
    /// Of the security association in question, if any.
    pub spi: &'a [u8],
    /// What the type makes of it, as far as the capture holds it.
    pub data: &'a [u8],
}

impl<'a> Notify<'a> {
    /// Reads a notify payload's body of the header's version; `None` if it is cut before its type.
    pub fn parse(header: &Header, body: &'a [u8]) -> Option<Notify<'a>> {
        if header.is_v1() { Self::parse_v2(body.get(4..)?) } else { Self::parse_v2(body) }
    }

    pub(super) fn parse_v2(body: &'a [u8]) -> Option<Notify<'a>> {
        let mut reader = Reader::new(body);
        let _protocol = reader.u8()?;
        let spi_size = usize::from(reader.u8()?);
        let kind = reader.u16()?;
        let spi = reader.take_available(spi_size);
        Some(Notify { kind, spi, data: reader.rest() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Notify, Payload, kind, payloads};
    use crate::proto::ike::Header;
    use crate::proto::laid_out::{at_every_cut, hex, is_inside};

    const SPIS: &str = "0102030405060708 1112131415161718";

    fn chain(message: &[u8], wire_len: usize) -> Vec<Payload<'_>> {
        Header::parse(message, wire_len).map(|header| payloads(&header, message).collect()).unwrap_or_default()
    }

    #[test]
    fn a_chain_in_clear() {
        let message = hex(&format!(
            "{SPIS} | N | 29 20 22 20 00000000 0000002e | V next, critical | 2b80000a 0000 0011 0013
                 | end | 00000008 aabbccdd"
        ));
        let seen = chain(&message, message.len());
        assert_eq!(seen.iter().map(|payload| payload.kind).collect::<Vec<_>>(), [41, 43]);
        assert!(seen[0].critical && !seen[1].critical && seen.iter().all(|payload| payload.complete));
        assert_eq!(seen[1].body, hex("aabbccdd"));
    }

    #[test]
    fn an_encrypted_payload_names_the_first_inner_one_and_ends_the_chain() {
        let message =
            hex(&format!("{SPIS} | SK | 2e 20 23 20 00000001 00000024 | N inside | 29000008 | IV | 99999999"));
        let seen = chain(&message, message.len());
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].kind, seen[0].next, seen[0].encrypted), (kind::v2::SK, kind::v2::NOTIFY, true));
    }

    #[test]
    fn an_encrypted_message_of_version_1_is_one_payload() {
        let message = hex(&format!("{SPIS} 08 10 05 01 9a8b7c6d 00000024 | ciphertext | 0b00000855aa55aa"));
        let seen = chain(&message, message.len());
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].kind, seen[0].next, seen[0].encrypted), (kind::v1::HASH, kind::NONE, true));
    }

    #[test]
    fn the_chain_ends_at_an_absurd_length() {
        for length in ["0000", "0003"] {
            let message = hex(&format!("{SPIS} 29 20 22 20 00000000 00000024 2900{length} 00000007"));
            assert_eq!(chain(&message, message.len()), []);
        }
    }

    #[test]
    fn empty_payloads_are_counted() {
        let mut message = hex(&format!("{SPIS} 29 20 22 20 00000000 000001ac"));
        message.extend([0x29, 0, 0, 4].repeat(100));
        assert_eq!(chain(&message, message.len()).len(), 64);
    }

    #[test]
    fn notifications_of_both_versions() {
        let v2 = Header::parse(&hex(&format!("{SPIS} 00 20 25 20 00000000 0000001c")), 28).unwrap();
        let v1 = Header::parse(&hex(&format!("{SPIS} 00 10 05 00 00000000 0000001c")), 28).unwrap();
        let body = hex("03 04 000b c1c2c3c4 ff");
        let wanted = Notify { kind: 11, spi: &[0xc1, 0xc2, 0xc3, 0xc4], data: &[0xff] };
        assert_eq!(Notify::parse(&v2, &body), Some(wanted));
        let with_doi = [hex("00000001"), body].concat();
        assert_eq!(Notify::parse(&v1, &with_doi), Some(wanted));
        at_every_cut(&with_doi, |cut| assert_eq!(Notify::parse(&v1, cut).is_some(), cut.len() >= 8));
    }

    #[test]
    fn cut_at_every_length() {
        let message = hex(&format!(
            "{SPIS} | N | 29 20 22 20 00000000 0000002c | V next | 2b000008 00000010
             | end | 00000008 aabbccdd"
        ));
        at_every_cut(&message, |cut| {
            let seen = chain(cut, message.len());
            assert_eq!(seen.len(), usize::from(cut.len() >= 32) + usize::from(cut.len() >= 40), "at {}", cut.len());
            assert!(seen.iter().rev().skip(1).all(|payload| payload.complete));
        });
    }

    #[test]
    fn a_chain_that_is_cut_is_the_beginning_of_the_whole() {
        let message = hex(&format!(
            "{SPIS} 22 20 22 20 00000000 00000044 | KE, nonce next | 2800000a 0013 0000 aabb | nonce, N next | 2900000c
            0011223344556677 | N, V next | 2b000008 00004016 | V, SK next | 2e000006 aabb | SK | 29000004"
        ));
        let whole = chain(&message, message.len());
        assert_eq!(whole.iter().map(|payload| payload.kind).collect::<Vec<_>>(), [34, 40, 41, 43, 46]);
        at_every_cut(&message, |cut| {
            let seen = chain(cut, message.len());
            assert!(seen.len() <= whole.len());
            for (seen, whole) in seen.iter().zip(&whole) {
                assert!(whole.body.starts_with(seen.body) && is_inside(seen.body, cut));
                assert_eq!(seen.complete, seen.body.len() == whole.body.len());
                assert_eq!(Payload { body: whole.body, complete: true, ..*seen }, *whole, "cut at {}", cut.len());
            }
        });
    }

    /// Payloads of short lengths, as chains have them; bytes without form end a chain at once.
    fn bytes_of_a_chain() -> impl Strategy<Value = Vec<u8>> {
        let payload = (any::<u8>(), any::<u8>(), 0u8..12, prop::collection::vec(any::<u8>(), 0..8))
            .prop_map(|(next, flags, length, body)| [&[next, flags, 0, length][..], &body].concat());
        prop::collection::vec(payload, 0..100).prop_map(|payloads| payloads.concat())
    }

    proptest! {
        #[test]
        fn any_bytes_after_a_header(rest in prop_oneof![any::<Vec<u8>>(), bytes_of_a_chain()], first: u8, v2: bool, flags: u8) {
            let (version, exchange) = if v2 { (0x20, 34) } else { (0x10, 2) };
            let header = Header {
                initiator_spi: 1, responder_spi: 2, next_payload: first, version, exchange,
                flags, message_id: 0, length: 28,
            };
            let message = [vec![0; 28], rest].concat();
            let seen: Vec<_> = payloads(&header, &message).collect();
            let most = if header.is_encrypted_v1() { 1 } else { (message.len() - 28) / 4 };
            prop_assert!(seen.len() <= most.min(64));
            for payload in &seen {
                prop_assert!(is_inside(payload.body, &message));
                if let Some(notify) = Notify::parse(&header, payload.body) {
                    prop_assert!(is_inside(notify.spi, payload.body) && is_inside(notify.data, payload.body));
                }
            }
            prop_assert!(seen.iter().rev().skip(1).all(|payload| payload.complete && !payload.encrypted));
        }
    }
}
