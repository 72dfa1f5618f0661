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
    /// Names the security association at the receiver; below 256 it is a reserved one.
    pub spi: u32,
    /// Counts the packets of the association from 1; with extended sequence numbers only the low half is sent.
    pub sequence: u32,
}

impl Esp {
    /// Reads the head where nothing else says that it is ESP; `None` if it is cut or the SPI is a reserved one.
    #[inline]
    pub fn parse(payload: &[u8]) -> Option<Esp> {
        Esp::head(payload).filter(|esp| !esp.is_reserved())
    }

    /// Reads the head of IP protocol 50, which is ESP whatever its SPI; `None` if it is cut.
    #[inline]
    pub fn head(payload: &[u8]) -> Option<Esp> {
        let mut reader = Reader::new(payload);
        Some(Esp { spi: reader.u32()?, sequence: reader.u32()? })
    }

    /// Whether no security association may have this SPI.
    #[inline]
    pub fn is_reserved(&self) -> bool {
        self.spi < FIRST_SPI
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
        let reserved = Esp::head(&hex("000000ff 00000001"));
        assert_eq!(reserved, Some(Esp { spi: 255, sequence: 1 }), "protocol 50 is ESP all the same");
        assert!(reserved.is_some_and(|esp| esp.is_reserved()));
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(&hex("c0ffee01 00000007 dead"), |cut| {
            assert_eq!((Esp::parse(cut).is_some(), Esp::head(cut).is_some()), (cut.len() >= 8, cut.len() >= 8));
        });
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
