//! ClientHello and ServerHello, of TLS and of DTLS.

use crate::bytes::Reader;
use crate::proto::tls::is_grease;
use crate::text;

/// Offered protocols are a handful; the bound keeps a forged list from being copied.
const MAX_ALPN: usize = 16;
/// SHA-256 of "HelloRetryRequest": the random that turns a ServerHello into one (RFC 8446 section 4.1.3).
const HELLO_RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const ALPN: u16 = 16;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
}

/// What a client offers.
///
/// ```text
/// version (2) | random (32) | length (1), session id | DTLS only: length (1), cookie
/// length (2), cipher suites | length (1), compression methods | length (2), extensions: type (2), length (2), content
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The highest version offered, as far as the bytes tell.
    pub version: u16,
    /// The name asked for (SNI), as soon as its bytes are there.
    pub server_name: Option<String>,
    /// Offered application protocols.
    pub alpn: Vec<String>,
    /// Whether all of the message was there to read.
    pub complete: bool,
}

impl ClientHello {
    /// Reads what is there of a message body of `len` bytes; `None` if that is too little or cannot be a ClientHello.
    pub fn parse(body: &[u8], len: usize) -> Option<ClientHello> {
        let mut reader = Reader::new(body);
        let version = reader.u16().filter(|version| is_version(*version))?;
        let mut hello = ClientHello { version, server_name: None, alpn: vec![], complete: body.len() >= len };
        match hello.read(reader) {
            Ok(()) => Some(hello),
            Err(Ended::Cut) if body.len() < len => Some(hello),
            Err(_) => None,
        }
    }

    fn read(&mut self, mut reader: Reader<'_>) -> Result<(), Ended> {
        take(&mut reader, 32)?;
        match reader.u8().ok_or(Ended::Cut)? {
            session_id_len @ 0..=32 => take(&mut reader, session_id_len.into())?,
            _ => return Err(Ended::Absurd),
        }
        if is_datagram(self.version) {
            let cookie_len = reader.u8().ok_or(Ended::Cut)?;
            take(&mut reader, cookie_len.into())?;
        }
        let ciphers_len = reader.u16().ok_or(Ended::Cut)?;
        if ciphers_len == 0 || ciphers_len % 2 != 0 {
            return Err(Ended::Absurd);
        }
        take(&mut reader, ciphers_len.into())?;
        let compression_len = reader.u8().ok_or(Ended::Cut)?;
        take(&mut reader, compression_len.into())?;
        for (kind, content) in extensions(reader) {
            match kind {
                extension::SERVER_NAME => self.server_name = server_name(content),
                extension::ALPN => self.alpn = protocols(content),
                extension::SUPPORTED_VERSIONS => self.version = highest(content).unwrap_or(self.version),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a server chose.
///
/// ```text
/// version (2) | random (32) | length (1), session id | cipher suite (2) | compression (1) | length (2), extensions
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version negotiated: the supported_versions extension wins over the field.
    pub version: u16,
    /// The cipher suite.
    pub cipher: u16,
    /// The application protocol, where it is said in clear (up to 1.2).
    pub alpn: Option<String>,
    /// Whether this only asks for another ClientHello.
    pub hello_retry: bool,
}

impl ServerHello {
    /// Reads what is there of the message body; `None` if that is too little or cannot be a ServerHello.
    pub fn parse(body: &[u8]) -> Option<ServerHello> {
        let mut reader = Reader::new(body);
        let version = reader.u16().filter(|version| is_version(*version))?;
        let hello_retry = reader.array()? == HELLO_RETRY;
        let session_id_len = reader.u8().filter(|len| *len <= 32)?;
        reader.take(usize::from(session_id_len))?;
        let mut hello = ServerHello { version, cipher: reader.u16()?, alpn: None, hello_retry };
        let _compression = reader.u8()?;
        for (kind, content) in extensions(reader) {
            match kind {
                extension::ALPN => hello.alpn = protocols(content).into_iter().next(),
                extension::SUPPORTED_VERSIONS => hello.version = Reader::new(content).u16().unwrap_or(hello.version),
                _ => {}
            }
        }
        Some(hello)
    }
}

/// Why reading stopped.
enum Ended {
    /// The bytes ended.
    Cut,
    /// A field has a value that it cannot have.
    Absurd,
}

/// Passes over `len` bytes.
fn take(reader: &mut Reader<'_>, len: usize) -> Result<(), Ended> {
    reader.take(len).map(drop).ok_or(Ended::Cut)
}

/// TLS 3.x, DTLS, and the 0x0100 of Cisco's old DTLS.
fn is_version(version: u16) -> bool {
    matches!(version, 0x0300..=0x0304) || is_datagram(version)
}

fn is_datagram(version: u16) -> bool {
    matches!(version, 0xfefc..=0xfeff | 0x0100)
}

/// The extensions that are wholly there; none where the list is missing, as it may be up to 1.2.
fn extensions(mut reader: Reader<'_>) -> impl Iterator<Item = (u16, &[u8])> {
    let len = reader.u16().unwrap_or(0);
    let mut list = Reader::new(reader.take_available(usize::from(len)));
    std::iter::from_fn(move || {
        let kind = list.u16()?;
        let len = list.u16()?;
        Some((kind, list.take(usize::from(len))?))
    })
}

/// `length (2) | type (1), 0 is a host name | length (2), name`.
fn server_name(content: &[u8]) -> Option<String> {
    let mut reader = Reader::new(content);
    let len = reader.u16()?;
    let mut list = reader.sub(usize::from(len))?;
    let kind = list.u8()?;
    let name_len = list.u16()?;
    let name = list.take(usize::from(name_len))?;
    (kind == 0 && !name.is_empty()).then(|| text::from_packet(name))
}

/// `length (2) | length (1), protocol | ...`; those that say nothing (GREASE) are left out.
fn protocols(content: &[u8]) -> Vec<String> {
    let mut list = Reader::new(content);
    let _len = list.u16();
    let names = std::iter::from_fn(|| {
        let len = list.u8()?;
        list.take(usize::from(len))
    });
    let says_something = |name: &&[u8]| !matches!(**name, [a, b] if is_grease(u16::from_be_bytes([a, b])));
    names.take(MAX_ALPN).filter(says_something).map(text::from_packet).collect()
}

/// `length (1) | version (2) | ...`: the highest that is no GREASE.
fn highest(content: &[u8]) -> Option<u16> {
    let mut list = Reader::new(content);
    let _len = list.u8();
    std::iter::from_fn(|| list.u16()).filter(|version| is_version(*version)).max_by_key(|version| age(*version))
}

/// Orders versions by age: TLS counts up, DTLS counts down.
fn age(version: u16) -> u8 {
    let [high, low] = version.to_be_bytes();
    if high == 0xfe { !low } else { low }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ClientHello, HELLO_RETRY, ServerHello};
    use crate::proto::laid_out::{at_every_cut, hex};

    const RANDOM: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn client_hello() -> Vec<u8> {
        hex(&format!(
            "0303 {RANDOM} | session | 04 aabbccdd | ciphers | 0004 1301c030 | compression | 01 00
            | extensions | 0045
            | GREASE | 1a1a 0000
            | server_name | 0000 0014 0012 00 000f 76706e2e6578616d706c652e636f6d
            | ALPN | 0010 0011 000f 02 1a1a 02 6832 08 687474702f312e31
            | versions | 002b 0007 06 fafa 0303 0304
            | padding | 0015 0005 0000000000"
        ))
    }

    fn read(body: &[u8]) -> Option<ClientHello> {
        ClientHello::parse(body, body.len())
    }

    #[test]
    fn a_client_hello() {
        let hello = read(&client_hello()).unwrap();
        assert_eq!(hello.version, 0x0304);
        assert_eq!(hello.server_name.as_deref(), Some("vpn.example.com"));
        assert_eq!(hello.alpn, ["h2", "http/1.1"]);
        assert!(hello.complete);
    }

    #[test]
    fn a_client_hello_without_extensions() {
        let hello = read(&hex(&format!("0301 {RANDOM} 00 0002 002f 01 00"))).unwrap();
        assert_eq!((hello.version, hello.server_name, hello.complete), (0x0301, None, true));
    }

    #[test]
    fn a_datagram_client_hello_has_a_cookie() {
        let hello = read(&hex(&format!(
            "fefd {RANDOM} 00 | cookie | 03 010203 0002 c030 01 00
            | extensions | 000f 002b 0005 04 fefd fefc 0005 0002 0000"
        )))
        .unwrap();
        assert_eq!(hello.version, 0xfefc, "DTLS counts down");
    }

    #[test]
    fn what_is_no_client_hello() {
        for (why, text) in [
            ("version", format!("0201 {RANDOM} 00 0002 002f 01 00")),
            ("session id", format!("0303 {RANDOM} 21 {} 0002 002f 01 00", "00".repeat(33))),
            ("no cipher", format!("0303 {RANDOM} 00 0000 01 00")),
            ("odd ciphers", format!("0303 {RANDOM} 00 0003 002f00 01 00")),
            ("the message ends within a field", format!("0303 {RANDOM} 00 0008 002f")),
        ] {
            assert_eq!(read(&hex(&text)), None, "{why}");
        }
    }

    #[test]
    fn a_server_hello_of_1_2_and_of_1_3() {
        let old = hex(&format!("0303 {RANDOM} 00 c030 00 0012 ff01 0001 00 0010 0009 0007 06 {}", "7370 6479 2f31"));
        let hello = ServerHello::parse(&old).unwrap();
        assert_eq!((hello.version, hello.cipher, hello.hello_retry), (0x0303, 0xc030, false));
        assert_eq!(hello.alpn.as_deref(), Some("spdy/1"));
        let new = hex(&format!("0303 {RANDOM} 02 aabb 1302 00 0006 002b 0002 0304"));
        let hello = ServerHello::parse(&new).unwrap();
        assert_eq!((hello.version, hello.cipher, hello.alpn), (0x0304, 0x1302, None));
    }

    #[test]
    fn hello_retry_request() {
        let body = [&hex("0303")[..], &HELLO_RETRY, &hex("00 1301 00 0006 002b 0002 0304")].concat();
        assert!(ServerHello::parse(&body).unwrap().hello_retry);
    }

    #[test]
    fn cut_at_every_length() {
        let body = client_hello();
        let mut names = vec![];
        at_every_cut(&body, |cut| {
            let hello = ClientHello::parse(cut, body.len());
            assert_eq!(hello.is_some(), cut.len() >= 2, "at {}", cut.len());
            assert_eq!(hello.as_ref().is_some_and(|hello| hello.complete), cut.len() == body.len());
            names.extend(hello.and_then(|hello| hello.server_name));
        });
        assert!(names.iter().all(|name| name == "vpn.example.com"), "no half name");
        assert_eq!(names.len(), body.len() + 1 - (body.len() - 9 - 11 - 21), "as soon as its bytes are there");
        at_every_cut(&hex(&format!("0303 {RANDOM} 00 c030 00")), |cut| {
            assert_eq!(ServerHello::parse(cut).is_some(), cut.len() >= 38);
        });
    }

    proptest! {
        #[test]
        fn any_bytes(rest: Vec<u8>, len in 0usize..300) {
            let body = [&[3, 3][..], &[7; 32], &rest].concat();
            let _ = (ClientHello::parse(&rest, len), ClientHello::parse(&body, len), ServerHello::parse(&body));
        }

        #[test]
        fn any_extensions(rest in proptest::collection::vec(0u8..50, 0..200)) {
            let head = hex(&format!("0303 {RANDOM} 00 0002 002f 01 00 00c8"));
            let body = [head, rest].concat();
            let _ = ClientHello::parse(&body, 300);
        }
    }
}
