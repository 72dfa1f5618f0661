//! A datagram, or the start of a stream -> the start of a syslog line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::syslog::Syslog;
use portproof_fuzz::prefixes;

fuzz_target!(|payload: &[u8]| {
    let whole = Syslog::parse(payload);
    assert!(whole.is_none_or(|line| line.priority <= 191));
    assert!(whole.is_none_or(|line| line.octet_counted == payload[0].is_ascii_digit()));
    for prefix in prefixes(payload) {
        let Some(cut) = Syslog::parse(prefix) else { continue };
        let whole = whole.expect("the whole is syslog where its prefix is");
        assert_eq!((cut.priority, cut.octet_counted), (whole.priority, whole.octet_counted));
        assert!(whole.forticlient || !cut.forticlient);
    }
});
