//! What shares UDP port 4500, RFC 3948: IKE, ESP and keepalives.

use crate::proto::esp::Esp;
use crate::proto::ike;

/// Four zero bytes stand where an ESP packet would have its SPI (RFC 3948 section 2.2).
const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// A datagram on UDP 4500, or on the port that the gateway uses in its place.
///
/// ```text
/// keepalive   FF
/// IKE         00 00 00 00 | IKE header, payloads
/// ESP         SPI (not 0) | sequence number | ciphertext
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatT<'a> {
    /// One byte `FF` that keeps the NAT's mapping alive; nobody answers it.
    Keepalive,
    /// IKE behind the non-ESP marker: its header, and the message from that header on.
    Ike(ike::Header, &'a [u8]),
    /// ESP in UDP.
    Esp(Esp),
    /// None of the three.
    Junk,
}

/// Tells what a datagram is. `wire_len` is the UDP payload's length by the UDP header; of it, `payload` is what the
/// capture holds. IKE whose header is cut cannot be believed and is [`NatT::Junk`].
///
/// IKE *without* the marker looks like ESP here, as it does to the receiver.
#[inline]
pub fn classify(payload: &[u8], wire_len: usize) -> NatT<'_> {
    if wire_len == 1 && payload == [0xff] {
        return NatT::Keepalive;
    }
    if let Some(message) = payload.strip_prefix(&NON_ESP_MARKER) {
        let message_len = wire_len.saturating_sub(NON_ESP_MARKER.len());
        return match ike::Header::parse(message, message_len) {
            Some(header) => NatT::Ike(header, message),
            None => NatT::Junk,
        };
    }
    match Esp::parse(payload) {
        Some(esp) if wire_len >= 8 => NatT::Esp(esp),
        _ => NatT::Junk,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NatT, classify};
    use crate::proto::esp::Esp;
    use crate::proto::laid_out::{at_every_cut, hex};

    fn all(datagram: &[u8]) -> NatT<'_> {
        classify(datagram, datagram.len())
    }

    #[test]
    fn one_byte_ff_is_a_keepalive() {
        assert_eq!(all(&[0xff]), NatT::Keepalive);
        assert_eq!(all(&[0xfe]), NatT::Junk);
        assert_eq!(all(&[]), NatT::Junk);
        assert_eq!(classify(&[0xff], 90), NatT::Junk);
    }

    #[test]
    fn ike_behind_the_marker() {
        let datagram = hex(
            "00000000 | SPIs | 0102030405060708 1112131415161718
             | SK, 2.0, IKE_AUTH, initiator, id 1, length | 2e 20 23 08 00000001 00000020 | SK: IDi follows | 23000004",
        );
        let NatT::Ike(header, message) = all(&datagram) else { panic!("not IKE") };
        assert_eq!((header.exchange, header.message_id), (35, 1));
        assert_eq!(message, &datagram[4..]);
        at_every_cut(&datagram, |cut| {
            let whole_header = cut.len() >= 32;
            assert_eq!(matches!(classify(cut, datagram.len()), NatT::Ike(..)), whole_header, "cut at {}", cut.len());
        });
        assert_eq!(classify(&datagram, datagram.len() + 1), NatT::Junk, "the length field must agree");
    }

    #[test]
    fn a_marker_without_ike_is_junk() {
        assert_eq!(all(&hex("00000000 deadbeef 00000001")), NatT::Junk);
        assert_eq!(all(&[0; 60]), NatT::Junk);
    }

    #[test]
    fn esp_in_udp() {
        assert_eq!(all(&hex("c1c2c3c4 00000009 aaaa")), NatT::Esp(Esp { spi: 0xc1c2_c3c4, sequence: 9 }));
        assert_eq!(all(&hex("000000ff 00000009 aaaa")), NatT::Junk);
        assert_eq!(all(&hex("c1c2c3c4 000000")), NatT::Junk);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>, wire_len in 0usize..2000) {
            let _ = classify(&bytes, wire_len);
        }
    }
}
