//! A datagram -> the first DTLS record.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::dtls::{self, Dtls};
use portproof::proto::quic;
use portproof_fuzz::{assert_visible, prefixes};

/// Bytes of a record's head.
const HEAD_LEN: usize = 13;

fuzz_target!(|datagram: &[u8]| {
    let len = datagram.len();
    let whole = dtls::parse(datagram, len);
    assert_eq!(whole, dtls::parse(datagram, len));
    let is_record = dtls::is_record(datagram, len);
    assert!(is_record || whole.is_none());
    assert!(!is_record || !quic::is_long_header(datagram), "one datagram, two protocols");
    for prefix in prefixes(datagram) {
        let still = dtls::is_record(prefix, len);
        assert!(!still || prefix.len() >= HEAD_LEN);
        assert!(still || !is_record || prefix.len() < HEAD_LEN, "a record stays one when it is cut");
        let cut = dtls::parse(prefix, len);
        assert!(still || cut.is_none());
        if let Some(Dtls::ClientHello(hello)) = cut {
            hello.server_name.iter().chain(&hello.alpn).for_each(|text| assert_visible(text));
            assert!(hello.alpn.len() <= 16);
        }
    }
    // A record may say that it is shorter or longer than the datagram.
    for wire_len in [0, len / 2, len + 1] {
        assert!(dtls::is_record(datagram, wire_len) || dtls::parse(datagram, wire_len).is_none());
    }
});
