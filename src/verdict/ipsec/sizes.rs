//! What an encrypted IKE message may hold, computed from its length and the negotiated algorithms.
//!
//! ```text
//! IKEv2:  header 28 | SK 4 (SKF 8) | IV | payloads, padding, pad length 1 | ICV
//! IKEv1:  header 28 | payloads, padding to the cipher's block
//! ```

use super::conversation::Sent;
use crate::proto::ike::Suite;

const HEADER: usize = 28;
const SK: usize = 4;
const SKF: usize = 8;

/// The smallest payloads of a child in an answer (RFC 7296, 3.3 and 3.13): SA 4, proposal 8 with a 4-byte SPI, encryption 8, extended
/// sequence numbers 8; then two traffic selector payloads of one IPv4 range each, 24.
const LEAST_CHILD: usize = 4 + 8 + 4 + 8 + 8 + 24 + 24;

/// The smallest identification payload: 8 and an IPv4 address (RFC 7296, 3.5).
const LEAST_ID: usize = 8 + 4;

/// An authentication payload without its data (RFC 7296, 3.8).
const AUTH_HEAD: usize = 8;

/// The smallest configuration payload with an address (RFC 7296, 3.15): head 8, attribute 4, IPv4 address 4.
const LEAST_ADDRESS: usize = 8 + 4 + 4;

/// A notify payload without SPI and data (RFC 7296, 3.10).
const BARE_NOTIFY: usize = 8;

/// The most bytes of payloads that these fragments, or this one message, hold. `None` where an algorithm is not known.
pub(super) fn content_at_most(messages: &[Sent<'_>], suite: &Suite) -> Option<usize> {
    let around = suite.iv_len()? + suite.icv_len()? + 1;
    let mut content = 0;
    for sent in messages {
        let payload = if sent.message.clear.fragment.is_some() { SKF } else { SK };
        content += (sent.message.len as usize).checked_sub(HEADER + payload + around)?;
    }
    Some(content)
}

/// Whether an answer to IKE_AUTH is too small to hold a child beside the gateway's authentication. `after_eap`: the answer that ends EAP
/// repeats no identity. A shared secret's authentication data are as long as the PRF's output (RFC 7296, 2.15); a signature is
/// longer, which only makes this answer `false`.
pub(super) fn lacks_child(content: usize, suite: &Suite, after_eap: bool) -> Option<bool> {
    Some(content < authentication(suite, after_eap)? + LEAST_CHILD)
}

/// Whether the answer that ends EAP holds nothing beside authentication and one notify, so that no address was given.
pub(super) fn lacks_address(content: usize, suite: &Suite) -> Option<bool> {
    Some(content < authentication(suite, true)? + BARE_NOTIFY + LEAST_ADDRESS)
}

fn authentication(suite: &Suite, after_eap: bool) -> Option<usize> {
    Some(AUTH_HEAD + suite.prf_len()? + if after_eap { 0 } else { LEAST_ID })
}

/// IKEv1: the length of the smallest mode-config reply with an IPv4 address: hash, attributes head 8, attribute 4 and address 4, padded
/// to the block (draft-ietf-ipsec-isakmp-mode-cfg). A shorter one gives none.
pub(super) fn least_address_reply(suite: &Suite) -> Option<usize> {
    let content = 4 + suite.prf_len()? + LEAST_ADDRESS;
    Some(HEADER + content.next_multiple_of(suite.block_len()?.max(1)))
}

#[cfg(test)]
mod tests {
    use super::{lacks_address, lacks_child, least_address_reply};
    use crate::proto::ike::Suite;

    /// AES-CBC-128, PRF-HMAC-SHA2-256, HMAC-SHA2-256-128.
    const CBC: Suite =
        Suite { encryption: Some(12), key_bits: Some(128), prf: Some(5), integrity: Some(12), group: Some(14) };
    /// AES-CBC-128 with SHA-1, as IKEv1 says it.
    const V1: Suite =
        Suite { encryption: Some(12), key_bits: Some(128), prf: Some(2), integrity: None, group: Some(2) };

    #[test]
    fn a_child_needs_room() {
        // ID 12, AUTH 8 + 32, SA 32, TSi and TSr 24 each.
        assert_eq!(lacks_child(131, &CBC, false), Some(true));
        assert_eq!(lacks_child(132, &CBC, false), Some(false));
        assert_eq!(lacks_child(119, &CBC, true), Some(true));
        assert_eq!(lacks_child(120, &CBC, true), Some(false));
    }

    #[test]
    fn an_address_needs_room() {
        assert_eq!(lacks_address(63, &CBC), Some(true));
        assert_eq!(lacks_address(64, &CBC), Some(false));
        // Hash 24 and attributes 16 fill 40 bytes, which takes three blocks.
        assert_eq!(least_address_reply(&V1), Some(76));
    }

    #[test]
    fn an_unknown_algorithm_tells_nothing() {
        let unknown = Suite { encryption: Some(999), prf: None, ..CBC };
        assert_eq!(lacks_child(10, &unknown, false), None);
        assert_eq!(least_address_reply(&unknown), None);
    }
}
