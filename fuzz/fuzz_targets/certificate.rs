//! DER -> the names in a certificate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::tls::Certificate;
use portproof_fuzz::assert_visible;

fuzz_target!(|der: &[u8]| {
    let Some(certificate) = Certificate::parse(der) else { return };
    assert_eq!(Certificate::parse(der).as_ref(), Some(&certificate));
    let parts = [&certificate.organisation, &certificate.organisational_unit, &certificate.common_name];
    assert!(certificate.hosts.len() <= 64 && certificate.addresses.len() <= 64);
    for text in parts.into_iter().flatten().chain(&certificate.hosts).chain([&certificate.subject, &certificate.issuer])
    {
        assert_visible(text);
        assert!(text.len() <= 16 * der.len(), "more text than the certificate can hold");
    }
    if certificate.self_signed {
        assert_eq!(certificate.subject, certificate.issuer);
    }
});
