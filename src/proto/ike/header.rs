//! The IKE header, which both versions share, and when to believe it.

use crate::bytes::Reader;
use crate::proto::ike::names::{exchange, notify};
use crate::proto::ike::payload::kind;

/// The header of an IKE message (RFC 2408 section 3.1, RFC 7296 section 3.1).
///
/// ```text
///  0                   1                   2                   3
/// +---------------------------------------------------------------+
/// |                   initiator SPI (v1: cookie)                  |
/// |                                                               |
/// +---------------------------------------------------------------+
/// |                   responder SPI (v1: cookie)                  |
/// |                                                               |
/// +---------------+-------+-------+---------------+---------------+
/// | next payload  | major | minor | exchange type |     flags     |
/// +---------------+-------+-------+---------------+---------------+
/// |                          message id                           |
/// +---------------------------------------------------------------+
/// |                  length, this header included                 |
/// +---------------------------------------------------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Chosen by the initiator; a repetition keeps it, a new attempt has a new one.
    pub initiator_spi: u64,
    /// Chosen by the responder; 0 in the first message.
    pub responder_spi: u64,
    /// The first payload's kind.
    pub next_payload: u8,
    /// Major version in the high half, minor in the low: 0x10 or 0x20.
    pub version: u8,
    /// Exchange type; [`exchange_name`](super::exchange_name) words it.
    pub exchange: u8,
    /// v1: 1 encrypted, 2 commit, 4 authentication only. v2: 0x08 initiator, 0x10 higher version, 0x20 response.
    pub flags: u8,
    /// v2: counts requests from 0, an answer repeats it. v1: 0 in phase 1, random afterwards.
    pub message_id: u32,
    /// Bytes of this message (of this fragment, where it is one), the header included.
    pub length: u32,
}

impl Header {
    /// Bytes of the header.
    pub const LEN: usize = 28;

    /// Reads and judges the header of a message of `wire_len` bytes, of which `message` is what the capture holds.
    ///
    /// `None` unless the header is whole and is believable: major version 1 or 2, a length field that says exactly
    /// `wire_len`, an exchange type, a first payload that the version knows or leaves to private use, an initiator
    /// SPI. Exchange types that nobody has assigned yet are accepted. IKEv2 has one exception to the SPI rule: the
    /// one-way INVALID_SPI notification after ESP under an unknown SPI may carry zeros (RFC 7296 section 1.5).
    #[inline]
    pub fn parse(message: &[u8], wire_len: usize) -> Option<Header> {
        let mut reader = Reader::new(message.first_chunk::<{ Self::LEN }>()?);
        let header = Header {
            initiator_spi: reader.u64()?,
            responder_spi: reader.u64()?,
            next_payload: reader.u8()?,
            version: reader.u8()?,
            exchange: reader.u8()?,
            flags: reader.u8()?,
            message_id: reader.u32()?,
            length: reader.u32()?,
        };
        (u32::try_from(wire_len) == Ok(header.length) && header.is_believable(message)).then_some(header)
    }

    /// Whether this is IKEv1.
    #[inline]
    pub fn is_v1(&self) -> bool {
        self.version >> 4 == 1
    }

    /// Whether this is IKEv2.
    #[inline]
    pub fn is_v2(&self) -> bool {
        self.version >> 4 == 2
    }

    /// IKEv2: whether this answers a request. IKEv1 does not say: always false.
    #[inline]
    pub fn is_response(&self) -> bool {
        self.is_v2() && self.flags & 0x20 != 0
    }

    /// IKEv2: whether the original initiator of the IKE SA sent this. IKEv1 does not say: always false.
    #[inline]
    pub fn from_initiator(&self) -> bool {
        self.is_v2() && self.flags & 0x08 != 0
    }

    /// IKEv1: whether everything after the header is encrypted. IKEv2 has its own payloads for that: always false.
    #[inline]
    pub fn is_encrypted_v1(&self) -> bool {
        self.is_v1() && self.flags & 0x01 != 0
    }

    fn is_believable(&self, message: &[u8]) -> bool {
        let first_payload_fits = match self.next_payload {
            kind::NONE => self.length == 28,
            first if self.is_v1() => matches!(first, 1..=22 | 128..),
            first => first >= kind::v2::SA,
        };
        let version_is_known = self.is_v1() || self.is_v2();
        version_is_known
            && first_payload_fits
            && self.exchange != 0
            && (self.initiator_spi != 0 || self.is_one_way_invalid_spi(message))
    }

    fn is_one_way_invalid_spi(&self, message: &[u8]) -> bool {
        let first_payload = || message.get(Self::LEN..).and_then(|chain| chain.get(4..));
        self.is_v2()
            && self.exchange == exchange::v2::INFORMATIONAL
            && self.next_payload == kind::v2::NOTIFY
            && self.responder_spi == 0
            && first_payload().and_then(super::Notify::parse_v2).is_some_and(|n| n.kind == notify::v2::INVALID_SPI)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Header;
    use crate::proto::laid_out::{at_every_cut, hex};

    fn all(message: &[u8]) -> Option<Header> {
        Header::parse(message, message.len())
    }

    #[test]
    fn version_2_response() {
        let header = all(&hex("0102030405060708 1112131415161718 | SK | 2e | 2.0 | 20 | AUTH | 23 | response | 20
             | id | 00000001 | length | 00000020 | SK | 29000004"))
        .unwrap();
        assert_eq!(header.initiator_spi, 0x0102_0304_0506_0708);
        assert_eq!(header.responder_spi, 0x1112_1314_1516_1718);
        assert_eq!((header.next_payload, header.exchange, header.message_id, header.length), (46, 35, 1, 32));
        assert!(header.is_v2() && header.is_response() && !header.from_initiator());
        assert!(!header.is_v1() && !header.is_encrypted_v1());
    }

    #[test]
    fn version_1_encrypted() {
        let header = all(&hex("0102030405060708 1112131415161718 | HASH | 08 | 1.0 | 10 | quick | 20 | encrypted | 01
             | id | 9a8b7c6d | length | 00000020 | ciphertext | 55aa55aa"))
        .unwrap();
        assert!(header.is_v1() && header.is_encrypted_v1());
        assert!(!header.is_response() && !header.from_initiator(), "flags of v2 mean nothing in v1");
    }

    #[test]
    fn exchanges_to_come_and_private_ones_are_ike() {
        for exchange in ["2b", "2c", "63", "f0"] {
            let text = format!("0102030405060708 1112131415161718 2e 20 {exchange} 08 00000001 00000020 23000004");
            assert!(all(&hex(&text)).is_some(), "exchange {exchange}");
        }
    }

    #[test]
    fn what_is_not_believed() {
        for (why, text) in [
            ("no initiator SPI", "0000000000000000 1112131415161718 2e 20 23 08 00000001 00000020 23000004"),
            ("version 0", "0102030405060708 1112131415161718 2e 00 23 08 00000001 00000020 23000004"),
            ("version 3", "0102030405060708 1112131415161718 2e 30 23 08 00000001 00000020 23000004"),
            ("version 3, no payload", "0102030405060708 1112131415161718 00 30 23 08 00000001 0000001c"),
            ("no exchange", "0102030405060708 1112131415161718 2e 20 00 08 00000001 00000020 23000004"),
            ("a longer length", "0102030405060708 1112131415161718 2e 20 23 08 00000001 00000021 23000004"),
            ("a length below the header's", "0102030405060708 1112131415161718 2e 20 23 08 00000001 0000001b"),
            ("v1 payload in v2", "0102030405060708 1112131415161718 01 20 22 08 00000000 00000020 00000004"),
            ("v2 payload in v1", "0102030405060708 1112131415161718 2e 10 02 00 00000000 00000020 00000004"),
            ("none, but more bytes", "0102030405060708 1112131415161718 00 20 25 08 00000000 00000020 00000004"),
        ] {
            assert_eq!(all(&hex(text)), None, "{why}");
        }
    }

    #[test]
    fn the_one_way_invalid_spi_may_have_no_spis() {
        let zeros = "0000000000000000 0000000000000000";
        let text = format!("{zeros} 29 20 25 08 00000000 00000028 | N | 0000000c 03 00 000b c1c2c3c4");
        assert!(all(&hex(&text)).is_some());
        let other = format!("{zeros} 29 20 25 08 00000000 00000028 | N | 0000000c 03 00 000e c1c2c3c4");
        assert_eq!(all(&hex(&other)), None);
    }

    #[test]
    fn dns_is_not_ike() {
        let query = hex("beef 0100 0001 0000 0000 0000 03 76706e 07 6578616d706c65 03 636f6d 00 0001 0001");
        assert_eq!(all(&query), None);
    }

    #[test]
    fn cut_at_every_length() {
        let message = hex("0102030405060708 1112131415161718 2e 20 23 08 00000001 00000020 23000004");
        at_every_cut(&message, |cut| {
            assert_eq!(Header::parse(cut, message.len()).is_some(), cut.len() >= Header::LEN);
        });
    }

    proptest! {
        #[test]
        fn random_bytes_are_no_ike(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(all(&bytes), None);
        }
    }
}
