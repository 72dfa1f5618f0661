//! A datagram on UDP 4500 -> IKE, ESP or keepalive.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::esp::Esp;
use portproof::proto::nat_t::{NatT, classify};
use portproof_fuzz::{assert_inside, prefixes};

fuzz_target!(|input: &[u8]| {
    check(input);
    // The length in IKE's header must be exact: it is put right, so that other mutations show.
    let mut datagram = input.to_vec();
    if let Some(length) = datagram.get_mut(28..32) {
        length.copy_from_slice(&(input.len() as u32 - 4).to_be_bytes());
        check(&datagram);
    }
});

fn check(datagram: &[u8]) {
    let len = datagram.len();
    let whole = classify(datagram, len);
    match whole {
        NatT::Keepalive => assert_eq!(datagram, [0xff]),
        NatT::Ike(header, message) => {
            assert_inside(message, datagram);
            assert_eq!((header.length as usize, message.len()), (len - 4, len - 4));
        }
        NatT::Esp(esp) => {
            assert!(esp.spi >= 256 && len >= 8);
            assert_eq!(Esp::parse(datagram), Some(esp));
        }
        NatT::Junk => {}
    }
    for prefix in prefixes(datagram) {
        match (classify(prefix, len), whole) {
            (NatT::Junk, _) => {}
            (NatT::Ike(cut, part), NatT::Ike(header, message)) => {
                assert_eq!(cut, header);
                assert!(message.starts_with(part));
            }
            (cut, whole) => assert_eq!(cut, whole),
        }
    }
}
