//! Transport Layer Security: what is in clear. RFC 8446 (1.3), RFC 5246 (1.2), RFC 6066 (server name), RFC 7301 (ALPN).

mod alert;
mod certificate;
mod hello;
mod record;
mod side;

pub use alert::{Alert, alert_name};
pub use certificate::Certificate;
pub use hello::{ClientHello, ServerHello};
pub use record::{Record, RecordHead, RecordWalk, Records, content, records};
pub use side::{ClientSide, Protected, ServerSide, read_client, read_server};

/// Handshake message types that something here depends on.
pub(in crate::proto) mod handshake {
    pub(in crate::proto) const CLIENT_HELLO: u8 = 1;
    pub(in crate::proto) const SERVER_HELLO: u8 = 2;
    pub(in crate::proto) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(in crate::proto) const CERTIFICATE: u8 = 11;
    pub(in crate::proto) const CERTIFICATE_REQUEST: u8 = 13;
    pub(in crate::proto) const SERVER_HELLO_DONE: u8 = 14;
}

/// A protocol version in words: `1.3`, `1.2`; the same for TLS and DTLS.
pub fn version_name(version: u16) -> &'static str {
    match version {
        0x0304 | 0xfefc => "1.3",
        0x0303 | 0xfefd => "1.2",
        0x0302 => "1.1",
        0x0301 | 0xfeff => "1.0",
        0x0300 => "SSL 3.0",
        0x0100 => "1.0 (Cisco)",
        _ => "unknown",
    }
}

/// Whether a code point is one of those that say nothing (RFC 8701): both bytes alike, `?A`.
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

#[cfg(test)]
mod tests {
    use super::{is_grease, version_name};

    #[test]
    fn versions_in_words() {
        assert_eq!((version_name(0x0304), version_name(0xfefd), version_name(0x7f17)), ("1.3", "1.2", "unknown"));
    }

    #[test]
    fn grease() {
        assert!(is_grease(0x0a0a) && is_grease(0xfafa));
        assert!(!is_grease(0x0304) && !is_grease(0x0a1a));
    }
}
