//! The start of one direction of a TLS connection -> records, hello, certificate, alerts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::tls::{
    Certificate, ClientHello, ClientSide, Protected, RecordHead, RecordWalk, ServerHello, ServerSide, alert_name,
    read_client, read_server, records, version_name,
};
use portproof_fuzz::{assert_begins, assert_inside, assert_kept, assert_visible, prefixes};

fuzz_target!(|stream: &[u8]| {
    let heads = check_records(stream);
    let (client, server) = (read_client(stream), read_server(stream));
    assert_eq!((&client, &server), (&read_client(stream), &read_server(stream)));
    client.hello.iter().for_each(check_hello);
    server.certificate.iter().for_each(check_certificate);
    if let Some(hello) = &server.hello {
        assert_visible(version_name(hello.version));
        hello.alpn.iter().for_each(|text| assert_visible(text));
    }
    client.alert.iter().chain(&server.alert).for_each(|alert| assert_visible(&alert_name(alert.description)));
    for prefix in prefixes(stream) {
        assert_begins(&heads, &check_records(prefix));
        check_cut_client(&client, &read_client(prefix));
        check_cut_server(&server, &read_server(prefix));
    }
    // The same bytes as the body of a message, whole and cut.
    for len in [stream.len(), stream.len() + 1] {
        ClientHello::parse(stream, len).iter().for_each(check_hello);
    }
    let _ = ServerHello::parse(stream);
});

/// The heads of the records; a walk that keeps no bytes finds the same, however the stream is cut.
fn check_records(stream: &[u8]) -> Vec<RecordHead> {
    let mut all = records(stream);
    let seen: Vec<_> = all.by_ref().collect();
    let mut len = 0;
    for record in &seen {
        assert_inside(record.body, stream);
        assert!(record.body.len() <= usize::from(record.head.length));
        len += RecordHead::LEN + record.body.len();
    }
    assert!(len <= stream.len());
    assert!(seen.iter().rev().skip(1).all(|record| record.is_complete()), "only the last is cut");
    let heads: Vec<_> = seen.iter().map(|record| record.head).collect();
    let (mut walk, mut walked) = (RecordWalk::default(), Vec::new());
    let (first, rest) = stream.split_at(stream.len() / 3);
    walk.feed(first, |head| walked.push(head));
    walk.feed(rest, |head| walked.push(head));
    assert_eq!(walked, heads);
    assert!(!walk.is_lost() || all.met_junk());
    heads
}

fn check_hello(hello: &ClientHello) {
    assert!(hello.alpn.len() <= 16);
    assert_visible(version_name(hello.version));
    hello.server_name.iter().chain(&hello.alpn).for_each(|text| assert_visible(text));
}

fn check_certificate(certificate: &Certificate) {
    let texts = certificate.hosts.iter().chain([&certificate.subject, &certificate.issuer]);
    texts.for_each(|text| assert_visible(text));
}

fn check_cut_client(whole: &ClientSide, cut: &ClientSide) {
    assert_kept(&whole.alert, &cut.alert);
    assert!(whole.not_tls || !cut.not_tls);
    assert!(whole.application_data || !cut.application_data);
    check_cut_protected(&whole.protected, &cut.protected);
}

fn check_cut_server(whole: &ServerSide, cut: &ServerSide) {
    assert!(whole.hello.is_some() || cut.hello.is_none());
    assert_kept(&whole.certificate, &cut.certificate);
    assert_kept(&whole.alert, &cut.alert);
    assert!(whole.certificate_request || !cut.certificate_request);
    assert!(whole.flight_done || !cut.flight_done);
    assert!(whole.not_tls || !cut.not_tls);
    check_cut_protected(&whole.protected, &cut.protected);
}

fn check_cut_protected(whole: &Protected, cut: &Protected) {
    assert!(whole.change_cipher_spec || !cut.change_cipher_spec);
    assert_kept(&whole.alert, &cut.alert);
    assert!(cut.records <= whole.records && cut.bytes <= whole.bytes);
    assert!(cut.records == 0 || cut.first_length == whole.first_length);
}
