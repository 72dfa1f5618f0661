//! QUIC's long header, RFC 9000 and RFC 8999: enough to say that a datagram is QUIC and no DTLS.

use crate::bytes::Reader;

/// Versions 1 and 2 allow connection ids of 20 bytes at most.
const MAX_CONNECTION_ID: u8 = 20;

/// Whether a datagram begins with a long header of a known version. What the capture cut is taken as sound.
///
/// ```text
/// +-+-+-+-+-------+---------------------------------------------------------------+
/// |1|1| type, ... |                     version (0: negotiation)                  |
/// +-+-+-+-+-------+---------------------------------------------------------------+
/// |  length (1)   | destination connection id | length (1) | source connection id |
/// ```
#[inline]
pub fn is_long_header(datagram: &[u8]) -> bool {
    let mut reader = Reader::new(datagram);
    let (Some(first), Some(version)) = (reader.u8(), reader.u32()) else { return false };
    let form_fits = match version {
        // Negotiation: the bits after the first are arbitrary.
        0 => first & 0x80 != 0,
        _ => first & 0xc0 == 0xc0 && is_known(version),
    };
    form_fits && connection_id_fits(&mut reader) && connection_id_fits(&mut reader)
}

/// 1, 2 (RFC 9369), the drafts, Google's, and those that force a negotiation (RFC 9000 section 15).
fn is_known(version: u32) -> bool {
    let [a, b, c, d] = version.to_be_bytes();
    matches!(version, 1 | 0x6b33_43cf | 0xff00_0001..=0xff00_00ff)
        || (matches!(a, b'Q' | b'T') && b == b'0' && c.is_ascii_digit() && d.is_ascii_digit())
        || [a, b, c, d].iter().all(|byte| byte & 0x0f == 0x0a)
}

fn connection_id_fits(reader: &mut Reader<'_>) -> bool {
    match reader.u8() {
        Some(len @ 0..=MAX_CONNECTION_ID) => {
            reader.take_available(len.into());
            true
        }
        Some(_) => false,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_long_header;
    use crate::proto::laid_out::{at_every_cut, hex};

    #[test]
    fn known_versions() {
        for version in ["00000001", "6b3343cf", "ff00001d", "51303436", "54303531", "1a2a3a4a", "00000000"] {
            assert!(is_long_header(&hex(&format!("c3 {version} 08 0102030405060708 00 00"))), "{version}");
        }
        assert!(is_long_header(&hex("80 00000000 00 00 00000001")), "negotiation has no fixed bit");
    }

    #[test]
    fn what_is_no_long_header() {
        for (why, text) in [
            ("short header", "43 00000001 08 0102030405060708 00"),
            ("no fixed bit", "83 00000001 08 0102030405060708 00"),
            ("unknown version", "c3 00000003 08 0102030405060708 00"),
            ("a long destination id", "c3 00000001 15 0102030405060708"),
            ("a long source id", "c3 00000001 01 01 15 01"),
            ("DTLS", "16 fefd 0000 000000000000 0001 01"),
            ("empty", ""),
        ] {
            assert!(!is_long_header(&hex(text)), "{why}");
        }
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(&hex("c3 00000001 08 0102030405060708 04 01020304 00"), |cut| {
            assert_eq!(is_long_header(cut), cut.len() >= 5);
        });
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = is_long_header(&bytes);
        }
    }
}
