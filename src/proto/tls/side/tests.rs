use proptest::prelude::*;

use super::{read_client, read_server};
use crate::proto::laid_out::{at_every_cut, hex};
use crate::proto::tls::certificate::tests::FACTORY;
use crate::proto::tls::{Alert, records};

const RANDOM: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const HELLO_RETRY: &str = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &u32::try_from(body.len()).unwrap().to_be_bytes()[1..], body].concat()
}

fn client_hello() -> Vec<u8> {
    message(
        1,
        &hex(&format!(
            "0303 {RANDOM} 00 0002 c030 01 00
        | server_name | 0018 0000 0014 0012 00 000f 76706e2e6578616d706c652e636f6d"
        )),
    )
}

fn server_hello() -> Vec<u8> {
    message(2, &hex(&format!("0303 {RANDOM} 00 c030 00")))
}

fn certificate() -> Vec<u8> {
    let der = hex(FACTORY);
    let len = |extra: usize| u32::try_from(der.len() + extra).unwrap().to_be_bytes()[1..].to_vec();
    message(11, &[len(3), len(0), der.clone()].concat())
}

#[test]
fn the_server_flight_of_1_2_in_one_record() {
    let flight = [server_hello(), certificate(), message(13, &[1, 1, 0, 0]), message(14, &[])].concat();
    let side = read_server(&record(22, &flight));
    assert_eq!(side.hello.as_ref().map(|hello| (hello.version, hello.cipher)), Some((0x0303, 0xc030)));
    assert_eq!(side.certificate.and_then(|it| it.organisational_unit).as_deref(), Some("FortiGate"));
    assert!(side.certificate_request && side.flight_done && side.need_more);
    assert!(!side.application_data && side.alert.is_none());
}

#[test]
fn messages_spread_over_records_are_joined() {
    let flight = [server_hello(), certificate(), message(14, &[])].concat();
    let stream: Vec<u8> = flight.chunks(100).flat_map(|part| record(22, part)).collect();
    let side = read_server(&stream);
    assert!(side.hello.is_some() && side.certificate.is_some() && side.flight_done);
}

#[test]
fn what_follows_change_cipher_spec_is_not_read() {
    let stream = [record(22, &server_hello()), record(20, &[1]), record(22, &certificate())].concat();
    let side = read_server(&stream);
    assert!(side.certificate.is_none() && side.flight_done && !side.need_more, "a resumption");
}

#[test]
fn a_retry_request_is_followed_by_the_real_hello() {
    let retry = message(2, &hex(&format!("0303 {HELLO_RETRY} 00 1301 00 0006 002b 0002 0304")));
    let real = message(2, &hex(&format!("0303 {RANDOM} 00 1302 00 0006 002b 0002 0304")));
    let mut stream = [record(22, &retry), record(20, &[1])].concat();
    let side = read_server(&stream);
    assert!(side.hello.is_some_and(|hello| hello.hello_retry) && side.need_more && !side.flight_done);
    stream.extend([record(22, &real), record(23, &[0; 40])].concat());
    let side = read_server(&stream);
    let hello = side.hello.unwrap();
    assert_eq!((hello.hello_retry, hello.cipher, hello.version), (false, 0x1302, 0x0304));
    assert!(side.flight_done && !side.need_more);
}

#[test]
fn alerts_in_clear_and_encrypted() {
    let refused = read_server(&record(21, &[2, 40]));
    assert_eq!(refused.alert, Some(Alert { level: 2, description: 40 }));
    assert!(!refused.need_more);
    let sealed = read_client(&[record(22, &client_hello()), record(20, &[1]), record(21, &[9; 26])].concat());
    assert_eq!((sealed.alert, sealed.protected.alert), (None, Some(26)));
    let half = read_client(&record(21, &[2, 40])[..6]);
    assert_eq!((half.alert, half.protected.alert, half.need_more), (None, None, true));
}

#[test]
fn a_client_without_a_certificate() {
    let stream = [record(22, &client_hello()), record(22, &message(11, &[0, 0, 0]))].concat();
    assert!(read_client(&stream).no_certificate);
}

#[test]
fn encrypted_records_are_measured() {
    let stream = [record(22, &client_hello()), record(20, &[1]), record(23, &[0; 69]), record(23, &[0; 19])].concat();
    let side = read_client(&stream);
    let protected = side.protected;
    assert!(side.application_data && protected.change_cipher_spec && !side.need_more);
    assert_eq!((protected.records, protected.first_length, protected.last_length, protected.bytes), (2, 69, 19, 88));
}

#[test]
fn what_is_no_tls() {
    let web = read_server(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert!(web.not_tls && !web.need_more && web.hello.is_none());
    let nothing = read_client(b"");
    assert!(!nothing.not_tls && nothing.need_more);
}

#[test]
fn cut_at_every_length() {
    let stream: Vec<u8> = client_hello().chunks(40).flat_map(|part| record(22, part)).collect();
    at_every_cut(&stream, |cut| {
        let side = read_client(cut);
        assert!(!side.not_tls && side.need_more);
        let name = side.hello.and_then(|hello| hello.server_name);
        assert_eq!(name.is_some(), cut.len() == stream.len(), "the name ends the message");
    });
    let flight = [server_hello(), certificate(), message(14, &[])].concat();
    let stream = record(22, &flight);
    at_every_cut(&stream, |cut| {
        let side = read_server(cut);
        assert_eq!(side.flight_done, cut.len() == stream.len());
        assert!(side.certificate.is_none() || cut.len() >= stream.len() - 4);
    });
}

/// tls-parser reads the same messages the same way.
#[test]
fn tls_parser_agrees() {
    use tls_parser::{TlsMessage, TlsMessageHandshake, parse_tls_plaintext};
    let stream = record(22, &[client_hello(), server_hello()].concat());
    let (_, oracle) = parse_tls_plaintext(&stream).unwrap();
    let [
        TlsMessage::Handshake(TlsMessageHandshake::ClientHello(theirs)),
        TlsMessage::Handshake(TlsMessageHandshake::ServerHello(server)),
    ] = oracle.msg.as_slice()
    else {
        panic!("{oracle:?}")
    };
    let ours = read_client(&stream).hello.unwrap();
    assert_eq!(ours.version, theirs.version.0);
    let (_, extensions) = tls_parser::parse_tls_extensions(theirs.ext.unwrap()).unwrap();
    let [tls_parser::TlsExtension::SNI(names)] = extensions.as_slice() else { panic!("{extensions:?}") };
    assert_eq!(ours.server_name.as_deref().map(str::as_bytes), Some(names[0].1));
    assert_eq!(read_server(&stream).hello.unwrap().cipher, server.cipher.0);
}

proptest! {
    #[test]
    fn any_bytes(stream: Vec<u8>) {
        let _ = (read_client(&stream), read_server(&stream));
    }

    #[test]
    fn any_handshake(kinds in proptest::collection::vec((20u8..25, proptest::collection::vec(0u8..20, 1..60)), 0..20)) {
        let stream: Vec<u8> = kinds.iter().flat_map(|(kind, body)| record(*kind, body)).collect();
        prop_assert_eq!(records(&stream).count(), kinds.len());
        let _ = (read_client(&stream), read_server(&stream));
    }
}
