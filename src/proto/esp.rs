//! Encapsulating Security Payload, RFC 4303: the eight bytes in clear.

use crate::bytes::Reader;

/// Security parameters indexes below this are reserved (RFC 4303 section 2.1); 0 is the non-ESP marker in UDP.
const FIRST_SPI: u32 = 256;

/// The clear head of an ESP packet.
///
/// ```text
///  0                   1                   2                   3
/// +---------------------------------------------------------------+
/// |                 security parameters index (SPI)               |
/// +---------------------------------------------------------------+
/// |                        sequence number                        |
/// +---------------------------------------------------------------+
/// |            initialization vector, ciphertext, ICV ...         |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Esp {
    /// Names the security association at the receiver; 256 or more.
    pub spi: u32,
    /// Counts the packets of the association from 1; with extended sequence numbers only the low half is sent.
    pub sequence: u32,
}

impl Esp {
    /// Reads the head; `None` if it is cut or the SPI is a reserved one.
    #[inline]
    pub fn parse(payload: &[u8]) -> Option<Esp> {
        let mut reader = Reader::new(payload);
        let esp = Esp { spi: reader.u32()?, sequence: reader.u32()? };
        (esp.spi >= FIRST_SPI).then_some(esp)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Esp;
    use crate::proto::laid_out::{at_every_cut, hex};

    #[test]
    fn spi_and_sequence() {
        let packet = hex("c0ffee01 00000007 | ciphertext | deadbeef");
        assert_eq!(Esp::parse(&packet), Some(Esp { spi: 0xc0ff_ee01, sequence: 7 }));
    }

    #[test]
    fn reserved_spis_are_not_esp() {
        assert_eq!(Esp::parse(&hex("00000000 00000001")), None);
        assert_eq!(Esp::parse(&hex("000000ff 00000001")), None);
        assert_eq!(Esp::parse(&hex("00000100 00000001")), Some(Esp { spi: 256, sequence: 1 }));
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(&hex("c0ffee01 00000007 dead"), |cut| assert_eq!(Esp::parse(cut).is_some(), cut.len() >= 8));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            if let Some(esp) = Esp::parse(&bytes) {
                prop_assert!(esp.spi > 255);
            }
        }
    }
}
