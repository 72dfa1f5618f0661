//! First bytes -> what they speak. Each parser agrees with what is said of its protocol.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::sniff::{self, Spoken};
use portproof::proto::syslog::Syslog;
use portproof::proto::tls::RecordHead;
use portproof::proto::{dns, dtls, http, ike_tcp, quic};
use portproof_fuzz::{assert_visible, prefixes};

fuzz_target!(|first: &[u8]| {
    for part in prefixes(first).chain([first]) {
        check_tcp(part);
        check_udp(part, first.len());
    }
});

fn check_tcp(first: &[u8]) {
    let spoken = sniff::tcp(first);
    assert_eq!(spoken, sniff::tcp(first));
    assert_visible(spoken.name());
    assert!(!first.is_empty() || spoken == Spoken::Unknown);
    assert!(!spoken.is_tls() || RecordHead::parse(first).is_some());
    match spoken {
        Spoken::HttpRequest => assert!(http::is_request(first)),
        Spoken::HttpResponse => assert!(http::is_response(first)),
        Spoken::Syslog | Spoken::SyslogOctetCounted => {
            let octet_counted = Syslog::parse(first).map(|syslog| syslog.octet_counted);
            assert_eq!(octet_counted, Some(spoken == Spoken::SyslogOctetCounted));
        }
        Spoken::IkeTcp => assert!(first.starts_with(ike_tcp::PREFIX) || ike_tcp::frames(first).next().is_some()),
        Spoken::Dtls | Spoken::Quic | Spoken::Stun | Spoken::WireGuard | Spoken::Ike => panic!("{spoken:?} in TCP"),
        _ => {}
    }
}

fn check_udp(payload: &[u8], wire_len: usize) {
    let spoken = sniff::udp(payload, wire_len);
    assert_eq!(spoken, sniff::udp(payload, wire_len));
    assert!(!payload.is_empty() || spoken == Spoken::Unknown);
    assert!(!spoken.is_tls(), "TLS in UDP");
    match spoken {
        Spoken::Dtls => assert!(dtls::is_record(payload, wire_len)),
        Spoken::Quic => assert!(quic::is_long_header(payload)),
        Spoken::Dns => assert!(dns::is_message(payload)),
        Spoken::Syslog => assert!(Syslog::parse(payload).is_some()),
        _ => {}
    }
}
