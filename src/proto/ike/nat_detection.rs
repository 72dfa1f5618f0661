//! NAT detection hashes (RFC 7296 section 2.23, RFC 3947 section 3.2): what they cover is in clear, so a capture can
//! tell on which side of it an address was translated.

use std::net::{IpAddr, SocketAddr};

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha384, Sha512};

use crate::proto::ike::Header;

/// The longest NAT-D hash is SHA-512's; anything longer is none.
const MAX_HASH: usize = 64;
/// A host names each of its addresses as a possible source; more than this are not real.
const MAX_SOURCES: usize = 16;

/// The hashes of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NatDetection {
    /// Over the sender's address and port; several where the sender does not know which of its addresses is used.
    pub sources: Vec<Box<[u8]>>,
    /// Over the receiver's address and port.
    pub destination: Option<Box<[u8]>>,
}

impl NatDetection {
    /// Whether the sender knows itself by the address and port seen in the capture. `None`: it does not say, or by a
    /// hash unknown here. `Some(false)` alone proves no NAT: some senders forge it to have ESP put into UDP.
    pub fn source_matches(&self, header: &Header, seen: SocketAddr) -> Option<bool> {
        let answers = || self.sources.iter().filter_map(|hash| matches(hash, header, seen));
        answers().next()?;
        Some(answers().any(|same| same))
    }

    /// Whether the sender knows the receiver by the address and port seen in the capture. `None`: as above.
    pub fn destination_matches(&self, header: &Header, seen: SocketAddr) -> Option<bool> {
        self.destination.as_deref().and_then(|hash| matches(hash, header, seen))
    }

    pub(super) fn add_source(&mut self, hash: &[u8]) {
        if hash.len() <= MAX_HASH && self.sources.len() < MAX_SOURCES {
            self.sources.push(hash.into());
        }
    }

    pub(super) fn set_destination(&mut self, hash: &[u8]) {
        if hash.len() <= MAX_HASH {
            self.destination.get_or_insert_with(|| hash.into());
        }
    }
}

/// IKEv2's hash: SHA1(SPIi | SPIr | IP | port), address and port as seen in the capture, SPIs as in that message.
pub fn nat_detection_hash(initiator_spi: u64, responder_spi: u64, seen: SocketAddr) -> [u8; 20] {
    hash::<Sha1>(initiator_spi, responder_spi, seen).into()
}

/// IKEv1 hashes with what the peers agreed on, so the length tells; MD5 is not computed here.
fn matches(sent: &[u8], header: &Header, seen: SocketAddr) -> Option<bool> {
    let (initiator, responder) = (header.initiator_spi, header.responder_spi);
    match sent.len() {
        20 => Some(sent == hash::<Sha1>(initiator, responder, seen).as_slice()),
        32 => Some(sent == hash::<Sha256>(initiator, responder, seen).as_slice()),
        48 => Some(sent == hash::<Sha384>(initiator, responder, seen).as_slice()),
        64 => Some(sent == hash::<Sha512>(initiator, responder, seen).as_slice()),
        _ => None,
    }
}

fn hash<D: Digest>(initiator_spi: u64, responder_spi: u64, seen: SocketAddr) -> sha1::digest::Output<D> {
    let digest = D::new().chain_update(initiator_spi.to_be_bytes()).chain_update(responder_spi.to_be_bytes());
    let digest = match seen.ip() {
        IpAddr::V4(address) => digest.chain_update(address.octets()),
        IpAddr::V6(address) => digest.chain_update(address.octets()),
    };
    digest.chain_update(seen.port().to_be_bytes()).finalize()
}

#[cfg(test)]
mod tests {
    use super::{NatDetection, nat_detection_hash};
    use crate::proto::ike::Header;
    use crate::proto::laid_out::hex;

    // sha1sum and sha256sum of 0102030405060708 1112131415161718 c0000201 01f4
    const SHA1: &str = "d798d986143f878f70765e0e869c80bbc375f701";
    const SHA256: &str = "1f2143b5f4921e97f1d040b016b4443a97ba0383703aa02d511907f137b11a77";

    fn header() -> Header {
        let bytes = hex("0102030405060708 1112131415161718 00 20 22 20 00000000 0000001c");
        Header::parse(&bytes, bytes.len()).unwrap()
    }

    #[test]
    fn the_hash_of_rfc_7296() {
        let hash = nat_detection_hash(0x0102_0304_0506_0708, 0x1112_1314_1516_1718, "192.0.2.1:500".parse().unwrap());
        assert_eq!(hash.as_slice(), hex(SHA1));
    }

    #[test]
    fn any_source_may_match_and_the_length_tells_the_hash() {
        let mut seen = NatDetection::default();
        assert_eq!(seen.source_matches(&header(), "192.0.2.1:500".parse().unwrap()), None);
        seen.add_source(&[7; 20]);
        seen.add_source(&hex(SHA1));
        seen.set_destination(&hex(SHA256));
        assert_eq!(seen.source_matches(&header(), "192.0.2.1:500".parse().unwrap()), Some(true));
        assert_eq!(seen.source_matches(&header(), "192.0.2.1:501".parse().unwrap()), Some(false));
        assert_eq!(seen.destination_matches(&header(), "192.0.2.1:500".parse().unwrap()), Some(true));
        assert_eq!(seen.destination_matches(&header(), "[2001:db8::1]:500".parse().unwrap()), Some(false));
    }

    #[test]
    fn a_hash_of_another_length_says_nothing() {
        let mut seen = NatDetection::default();
        seen.set_destination(&[0; 16]);
        assert_eq!(seen.destination_matches(&header(), "192.0.2.1:500".parse().unwrap()), None);
    }
}
