//! A datagram -> whether it begins as QUIC does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::{dtls, quic};
use portproof_fuzz::prefixes;

fuzz_target!(|datagram: &[u8]| {
    let whole = quic::is_long_header(datagram);
    assert!(!whole || datagram[0] & 0x80 != 0, "a long header says so");
    assert!(!whole || !dtls::is_record(datagram, datagram.len()), "one datagram, two protocols");
    for prefix in prefixes(datagram) {
        let cut = quic::is_long_header(prefix);
        assert!(!cut || prefix.len() >= 5, "without a version nothing is known");
        assert!(cut || !whole || prefix.len() < 5, "what the capture cut is taken as sound");
    }
});
