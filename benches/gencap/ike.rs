//! IKEv2 messages (RFC 7296): IKE_SA_INIT in clear, what follows as random bytes behind a true header.

use super::flow::{CLIENT, Flow, SERVER};
use super::random::Random;

const SA: u8 = 33;
const ENCRYPTED: u8 = 46;
const IKE_SA_INIT: u8 = 34;
const IKE_AUTH: u8 = 35;
const INFORMATIONAL: u8 = 37;

/// Security association: one proposal, AES-CBC-256, HMAC-SHA2-256, PRF-HMAC-SHA2-256, group 14.
const PROPOSAL: [u8; 48] = [
    34, 0, 0, 48, 0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0, 3, 0, 0, 8, 2, 0, 0, 5, 3, 0, 0,
    8, 3, 0, 0, 12, 0, 0, 0, 8, 4, 0, 0, 14,
];

/// IKE_SA_INIT with SA, KE, Nonce and the two NAT detection notifies.
pub(crate) fn sa_init(out: &mut Vec<u8>, random: &mut Random, flow: &Flow, response: bool) {
    const PAYLOADS: usize = PROPOSAL.len() + 264 + 36 + 28 + 28;
    out.clear();
    header(out, flow, SA, IKE_SA_INIT, response, 0, PAYLOADS);
    out.extend_from_slice(&PROPOSAL);
    // KE: next Nonce (40), 264 bytes, group 14.
    out.extend_from_slice(&[40, 0, 1, 8, 0, 14, 0, 0]);
    random.append(out, 256);
    out.extend_from_slice(&[41, 0, 0, 36]);
    random.append(out, 32);
    // NAT_DETECTION_SOURCE_IP, NAT_DETECTION_DESTINATION_IP.
    out.extend_from_slice(&[41, 0, 0, 28, 0, 0, 0x40, 4]);
    random.append(out, 20);
    out.extend_from_slice(&[0, 0, 0, 28, 0, 0, 0x40, 5]);
    random.append(out, 20);
}

/// IKE_AUTH for the first message identifiers, INFORMATIONAL then. `marker`: four zero bytes before it, as on port 4500.
pub(crate) fn encrypted(
    out: &mut Vec<u8>,
    random: &mut Random,
    flow: &Flow,
    marker: bool,
    response: bool,
    id: u32,
    len: usize,
) {
    out.clear();
    if marker {
        out.extend_from_slice(&[0; 4]);
    }
    let payload = 4 + len;
    header(out, flow, ENCRYPTED, if id < 3 { IKE_AUTH } else { INFORMATIONAL }, response, id, payload);
    // The first inner payload is IDi (35).
    out.extend_from_slice(&[35, 0]);
    out.extend_from_slice(&(payload as u16).to_be_bytes());
    random.append(out, len);
}

fn header(out: &mut Vec<u8>, flow: &Flow, next: u8, exchange: u8, response: bool, id: u32, payloads: usize) {
    const VERSION: u8 = 0x20;
    const INITIATOR: u8 = 0x08;
    const RESPONSE: u8 = 0x20;
    let responder = if id == 0 && !response { 0 } else { flow.ike_spi[SERVER] };
    out.extend_from_slice(&flow.ike_spi[CLIENT].to_be_bytes());
    out.extend_from_slice(&responder.to_be_bytes());
    out.extend_from_slice(&[next, VERSION, exchange, if response { RESPONSE } else { INITIATOR }]);
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&((28 + payloads) as u32).to_be_bytes());
}
