//! Datagram TLS, RFC 6347 (1.2) and RFC 9147 (1.3): what the first record of a datagram is.

use crate::bytes::Reader;
use crate::proto::tls::{Alert, ClientHello, ServerHello, content, handshake};

/// Longest record: 2^14 bytes of plaintext and 2048 of what protection adds.
const MAX_LENGTH: u16 = (1 << 14) + 2048;
/// Bytes of a record's head.
const HEAD_LEN: usize = 13;

/// The first record of a datagram.
///
/// ```text
/// record:    +---------------+-------------------------------+-------------------------------+
///            | content type  |  version (FE FF, FE FD, 01 00) |             epoch            |
///            +---------------+-------------------------------+-------------------------------+
///            |        sequence number (6)                    |             length            |
///            +---------------+-----------------------------------------------+---------------+
/// handshake: | message type  |                   length (3)                  |
///            +---------------+-------------------------------+---------------+
///            |       message number          |  fragment offset (3)  |  fragment length (3)    |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dtls {
    /// A client's offer, or the first fragment of it.
    ClientHello(ClientHello),
    /// The server asks to repeat the ClientHello with a cookie.
    HelloVerify,
    /// The server's choice.
    ServerHello(ServerHello),
    /// Another handshake message, a later fragment of one, or an encrypted one.
    Handshake,
    /// What follows is encrypted.
    ChangeCipherSpec,
    /// An alert in clear.
    Alert(Alert),
    /// An alert that only the peers can read.
    EncryptedAlert,
    /// Application data.
    ApplicationData,
    /// RFC 6520.
    Heartbeat,
}

/// Reads the first record of a datagram of `wire_len` bytes, of which `datagram` is what the capture holds.
///
/// `None` unless type, version and length fit, and, where another record would follow, its head too. The unified
/// header of encrypted DTLS 1.3 records has too little form to be told from noise: it is `None`.
pub fn parse(datagram: &[u8], wire_len: usize) -> Option<Dtls> {
    let record = Record::parse(datagram, wire_len)?;
    match record.kind {
        content::CHANGE_CIPHER_SPEC => Some(Dtls::ChangeCipherSpec),
        content::ALERT if record.epoch == 0 && record.length == 2 => Alert::parse(record.body).map(Dtls::Alert),
        content::ALERT => Some(Dtls::EncryptedAlert),
        content::HANDSHAKE if record.epoch == 0 => handshake_message(record.body),
        content::HANDSHAKE => Some(Dtls::Handshake),
        content::APPLICATION_DATA => Some(Dtls::ApplicationData),
        content::HEARTBEAT => Some(Dtls::Heartbeat),
        _ => None,
    }
}

/// Whether a datagram begins as [`parse`] wants it, without reading on. Allocates nothing.
#[inline]
pub fn is_record(datagram: &[u8], wire_len: usize) -> bool {
    Record::parse(datagram, wire_len).is_some()
}

struct Record<'a> {
    kind: u8,
    epoch: u16,
    length: u16,
    body: &'a [u8],
}

impl<'a> Record<'a> {
    fn parse(datagram: &'a [u8], wire_len: usize) -> Option<Record<'a>> {
        let mut reader = Reader::new(datagram);
        let (kind, epoch, length) = head(&mut reader)?;
        let left = wire_len.checked_sub(HEAD_LEN)?.checked_sub(length.into())?;
        let body = reader.take_available(length.into());
        (left == 0 || is_next(reader)).then_some(Record { kind, epoch, length, body })
    }
}

fn head(reader: &mut Reader<'_>) -> Option<(u8, u16, u16)> {
    let kind = reader.u8()?;
    let version = reader.u16()?;
    let epoch = reader.u16()?;
    let _sequence: [u8; 6] = reader.array()?;
    let length = reader.u16()?;
    let fits = (content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT).contains(&kind)
        && matches!(version, 0xfeff | 0xfefd | 0x0100)
        && (1..=MAX_LENGTH).contains(&length);
    fits.then_some((kind, epoch, length))
}

/// Whether another record may begin here: a plain one, or one with the unified header of 1.3 (001xxxxx).
fn is_next(mut rest: Reader<'_>) -> bool {
    match rest.rest().first() {
        None => true,
        Some(first) if first >> 5 == 1 => true,
        Some(_) => rest.rest().len() < HEAD_LEN || head(&mut rest).is_some(),
    }
}

fn handshake_message(body: &[u8]) -> Option<Dtls> {
    let mut reader = Reader::new(body);
    let kind = reader.u8()?;
    let len = reader.u24()?;
    let _number = reader.u16()?;
    let offset = reader.u24()?;
    let fragment_len = reader.u24()?;
    if offset.checked_add(fragment_len)? > len {
        return None;
    }
    let fragment = reader.take_available(usize::try_from(fragment_len).ok()?);
    match kind {
        handshake::CLIENT_HELLO if offset == 0 => {
            ClientHello::parse(fragment, usize::try_from(len).ok()?).map(Dtls::ClientHello)
        }
        handshake::SERVER_HELLO if offset == 0 => ServerHello::parse(fragment).map(Dtls::ServerHello),
        handshake::HELLO_VERIFY_REQUEST => Some(Dtls::HelloVerify),
        _ => Some(Dtls::Handshake),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Dtls, is_record, parse};
    use crate::proto::laid_out::{at_every_cut, hex};
    use crate::proto::tls::Alert;

    const RANDOM: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn all(text: &str) -> Option<Dtls> {
        let datagram = hex(text);
        assert_eq!(parse(&datagram, datagram.len()).is_some(), is_record(&datagram, datagram.len()));
        parse(&datagram, datagram.len())
    }

    fn client_hello() -> Vec<u8> {
        hex(&format!(
            "16 feff 0000 000000000000 0056 | ClientHello | 01 00004a 0000 000000 00004a
            fefd {RANDOM} 00 00 0002 c030 01 00 | server name | 001e 0000 001a 0018 00 0015 {}",
            "6761746577617931322e6578616d706c652e636f6d"
        ))
    }

    #[test]
    fn a_client_hello() {
        let datagram = client_hello();
        let Some(Dtls::ClientHello(hello)) = parse(&datagram, datagram.len()) else { panic!("no hello") };
        assert_eq!((hello.version, hello.complete), (0xfefd, true));
        assert_eq!(hello.server_name.as_deref(), Some("gateway12.example.com"));
    }

    #[test]
    fn the_servers_answers() {
        let verify = "16 feff 0000 000000000000 000f | HelloVerifyRequest | 03 000003 0000 000000 000003 | | fefd 00";
        assert_eq!(all(verify), Some(Dtls::HelloVerify));
        let hello = format!(
            "16 fefd 0000 000000000001 0032 | ServerHello | 02 000026 0001 000000 000026 | |
            fefd {RANDOM} 00 c030 00"
        );
        assert!(matches!(all(&hello), Some(Dtls::ServerHello(hello)) if hello.cipher == 0xc030));
        assert_eq!(all("15 fefd 0000 000000000002 0002 0228"), Some(Dtls::Alert(Alert { level: 2, description: 40 })));
    }

    #[test]
    fn encrypted_records() {
        assert_eq!(all("16 fefd 0001 000000000000 0004 01020304"), Some(Dtls::Handshake));
        assert_eq!(all("15 fefd 0001 000000000001 0004 01020304"), Some(Dtls::EncryptedAlert));
        assert_eq!(all("17 fefd 0001 000000000002 0004 01020304"), Some(Dtls::ApplicationData));
        assert_eq!(all("17 0100 0001 000000000002 0004 01020304"), Some(Dtls::ApplicationData));
        assert_eq!(
            all("14 fefd 0000 000000000003 0001 01 | next | 16 fefd 0001 000000000000 0001 99"),
            Some(Dtls::ChangeCipherSpec)
        );
    }

    #[test]
    fn what_is_no_dtls() {
        for (why, text) in [
            ("type", "13 fefd 0000 000000000000 0001 01"),
            ("version of TLS", "16 0303 0000 000000000000 0001 01"),
            ("longer than the datagram", "14 fefd 0000 000000000000 0002 01"),
            ("empty", "17 fefd 0001 000000000000 0000"),
            ("junk behind", "14 fefd 0000 000000000000 0001 01 99999999999999999999999999"),
        ] {
            assert_eq!(all(text), None, "{why}");
        }
        let beyond = hex("16 fefd 0000 000000000000 000e 0b 000004 0000 000003 000002 0102");
        assert_eq!(parse(&beyond, beyond.len()), None, "a fragment that exceeds its message");
    }

    #[test]
    fn cut_at_every_length() {
        let datagram = client_hello();
        at_every_cut(&datagram, |cut| {
            assert_eq!(is_record(cut, datagram.len()), cut.len() >= 13);
            assert_eq!(parse(cut, datagram.len()).is_some(), cut.len() >= 27, "at {}", cut.len());
        });
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>, wire_len in 0usize..2000) {
            let _ = parse(&bytes, wire_len);
            let in_a_record = [&hex("16 fefd 0000 000000000000 0100")[..], &bytes].concat();
            let _ = parse(&in_a_record, 13 + 256);
        }
    }
}
