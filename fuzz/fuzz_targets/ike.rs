//! An IKE message -> header, payload chain, and all that is in clear: proposals, vendor IDs, NAT detection.

#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use portproof::proto::ike::{
    Clear, Header, Notify, Payload, exchange_name, nat_detection_hash, notify_name, payload_name, payloads,
};
use portproof_fuzz::{assert_begins, assert_inside, assert_visible, prefixes};

fuzz_target!(|input: &[u8]| {
    let _ = Header::parse(input, input.len());
    // The length must be exact, which hides nearly every mutation of the length of the rest: it is put right.
    let mut message = input.to_vec();
    if let Some(length) = message.get_mut(24..28) {
        length.copy_from_slice(&(input.len() as u32).to_be_bytes());
    }
    let Some(header) = Header::parse(&message, message.len()) else { return };
    assert_eq!(header.length as usize, message.len());
    assert!(header.is_v1() || header.is_v2());
    assert_visible(&exchange_name(header.version, header.exchange));

    let chain: Vec<_> = payloads(&header, &message).collect();
    check_chain(&header, &message, &chain);
    let clear = Clear::read(&header, &message);
    assert_eq!(clear, Clear::read(&header, &message));
    check_clear(&header, &clear, chain.len());

    for prefix in prefixes(&message) {
        let Some(cut_header) = Header::parse(prefix, message.len()) else { continue };
        assert_eq!(cut_header, header);
        let cut_chain: Vec<_> = payloads(&header, prefix).collect();
        assert!(cut_chain.len() <= chain.len());
        for (cut, whole) in cut_chain.iter().zip(&chain) {
            assert!(whole.body.starts_with(cut.body));
            assert_eq!(Payload { body: whole.body, complete: whole.complete, ..*cut }, *whole);
        }
        check_cut(&clear, &Clear::read(&header, prefix));
    }
});

fn check_chain(header: &Header, message: &[u8], chain: &[Payload<'_>]) {
    let room = (message.len() - Header::LEN) / 4;
    assert!(chain.len() <= if header.is_encrypted_v1() { 1 } else { room.min(64) });
    for payload in chain {
        assert_inside(payload.body, message);
        assert_visible(&payload_name(header.version, payload.kind));
        if let Some(notify) = Notify::parse(header, payload.body) {
            assert_inside(notify.spi, payload.body);
            assert_inside(notify.data, payload.body);
            assert!(notify.spi.len() + notify.data.len() < payload.body.len());
            assert_visible(&notify_name(header.version, notify.kind));
        }
    }
    let ends = chain.split_last().map_or(&[][..], |(_, before)| before);
    assert!(ends.iter().all(|payload| payload.complete && !payload.encrypted), "only the last is cut or encrypted");
}

fn check_clear(header: &Header, clear: &Clear, payloads: usize) {
    assert!(clear.notifies.len() + clear.vendor_ids.len() <= payloads);
    clear.vendor_ids.iter().for_each(|name| assert_visible(name));
    clear.proposal.iter().for_each(|words| assert_visible(words));
    assert_eq!(clear.proposal.is_some(), clear.suite.is_some());
    if let Some(suite) = clear.suite {
        let lengths = [suite.iv_len(), suite.block_len(), suite.icv_len(), suite.prf_len()];
        assert!(lengths.into_iter().flatten().all(|len| len <= 64));
        assert_ne!(suite.block_len(), Some(0));
    }
    let nat = &clear.nat_detection;
    assert!(nat.sources.len() <= 16 && nat.sources.iter().chain(&nat.destination).all(|hash| hash.len() <= 64));
    let seen = SocketAddr::from(([192, 0, 2, 1], 500));
    let hash = nat_detection_hash(header.initiator_spi, header.responder_spi, seen);
    let source = nat.source_matches(header, seen);
    assert!(source.is_none() || !nat.sources.is_empty());
    assert!(source == Some(true) || !nat.sources.iter().any(|source| **source == hash));
    assert!(nat.destination_matches(header, seen).is_none() || nat.destination.is_some());
}

/// A message that is cut says no more than the whole, and nothing else.
fn check_cut(whole: &Clear, cut: &Clear) {
    assert_begins(&whole.notifies, &cut.notifies);
    assert_begins(&whole.nat_detection.sources, &cut.nat_detection.sources);
    assert!(
        cut.nat_detection.destination.is_none() || cut.nat_detection.destination == whole.nat_detection.destination
    );
    assert!(cut.vendor_ids.len() <= whole.vendor_ids.len());
    assert!(cut.first_inner.is_none() || cut.first_inner == whole.first_inner);
    assert!(cut.fragment.is_none() || whole.fragment.is_some());
    assert!(cut.ke_group.is_none() || whole.ke_group.is_some());
    assert!(cut.wanted_group.is_none() || whole.wanted_group.is_some());
    assert!(cut.proposal.is_none() || whole.proposal.is_some());
    assert!(whole.cookie || !cut.cookie);
}
