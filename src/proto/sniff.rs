//! What a conversation's first bytes look like, whatever its port. Allocates nothing.

use crate::bytes::Reader;
use crate::proto::ike_tcp::{self, Frame};
use crate::proto::tls::{Alert, RecordHead, content, handshake};
use crate::proto::{dns, dtls, http, ike, quic, smtp, syslog};

/// So many printable bytes make text; a banner is seldom shorter, and binary protocols have none so long at their start.
const TEXT_LEN: usize = 8;
/// RFC 8489 section 5.
const STUN_COOKIE: u32 = 0x2112_a442;

/// What the first bytes speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spoken {
    /// A TLS ClientHello.
    TlsClient,
    /// A TLS ServerHello.
    TlsServer,
    /// A TLS alert in clear.
    TlsAlert,
    /// Another TLS record: a connection whose start was not seen.
    TlsRecord,
    /// A DTLS record.
    Dtls,
    /// A QUIC long header.
    Quic,
    /// An HTTP/1 request.
    HttpRequest,
    /// An HTTP/1 response.
    HttpResponse,
    /// Mail submission, either side.
    Smtp,
    /// SSH's version line.
    Ssh,
    /// A remote desktop connection request or confirmation.
    Rdp,
    /// A remote shell's first bytes: the port for its errors.
    Rsh,
    /// A `<PRI>` line.
    Syslog,
    /// A `<PRI>` line with its length before it.
    SyslogOctetCounted,
    /// IKE over TCP.
    IkeTcp,
    /// IKE over UDP, with or without the non-ESP marker.
    Ike,
    /// A DNS message.
    Dns,
    /// FTP, either side.
    Ftp,
    /// A POP3 greeting.
    Pop3,
    /// An IMAP greeting.
    Imap,
    /// Windows file sharing.
    Smb,
    /// A directory bind, search or StartTLS.
    Ldap,
    /// The Redis protocol.
    Redis,
    /// A MySQL greeting.
    MySql,
    /// A PostgreSQL start-up.
    PostgreSql,
    /// The VNC version line.
    Vnc,
    /// Telnet option negotiation.
    Telnet,
    /// Internet telephony.
    Sip,
    /// NAT discovery of calls and meetings.
    Stun,
    /// WireGuard.
    WireGuard,
    /// Text of a protocol unknown here.
    Text,
    /// Nothing known, or too little to tell.
    Unknown,
}

impl Spoken {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Spoken::TlsClient | Spoken::TlsServer | Spoken::TlsAlert | Spoken::TlsRecord => "TLS",
            Spoken::Dtls => "DTLS",
            Spoken::Quic => "QUIC",
            Spoken::HttpRequest | Spoken::HttpResponse => "HTTP",
            Spoken::Smtp => "SMTP",
            Spoken::Ssh => "SSH",
            Spoken::Rdp => "RDP",
            Spoken::Rsh => "rsh",
            Spoken::Syslog | Spoken::SyslogOctetCounted => "syslog",
            Spoken::IkeTcp => "IKE over TCP",
            Spoken::Ike => "IKE",
            Spoken::Dns => "DNS",
            Spoken::Ftp => "FTP",
            Spoken::Pop3 => "POP3",
            Spoken::Imap => "IMAP",
            Spoken::Smb => "SMB",
            Spoken::Ldap => "LDAP",
            Spoken::Redis => "Redis",
            Spoken::MySql => "MySQL",
            Spoken::PostgreSql => "PostgreSQL",
            Spoken::Vnc => "VNC",
            Spoken::Telnet => "Telnet",
            Spoken::Sip => "SIP",
            Spoken::Stun => "STUN",
            Spoken::WireGuard => "WireGuard",
            Spoken::Text => "text",
            Spoken::Unknown => "unknown",
        }
    }

    /// Whether this is TLS over TCP.
    pub fn is_tls(self) -> bool {
        matches!(self, Spoken::TlsClient | Spoken::TlsServer | Spoken::TlsAlert | Spoken::TlsRecord)
    }
}

/// What one direction of a TCP connection begins with. Fewer than about eight bytes may be too little to tell.
pub fn tcp(first: &[u8]) -> Spoken {
    let Some(byte) = first.first() else { return Spoken::Unknown };
    let known = match byte {
        20..=24 => tls(first),
        0x00 => smb(first).or_else(|| postgresql(first)),
        0x03 => rdp(first),
        0x30 => ldap(first),
        0xff => telnet(first),
        b' '..=b'~' => words(first),
        _ => None,
    };
    // IKE over TCP and a MySQL greeting begin with a length, which may be any byte; the rest of them is strict.
    known.or_else(|| ike_tcp_answer(first)).or_else(|| mysql(first)).or_else(|| text(first)).unwrap_or(Spoken::Unknown)
}

/// What a UDP payload of `wire_len` bytes is, of which `payload` is what the capture holds.
pub fn udp(payload: &[u8], wire_len: usize) -> Spoken {
    let Some(byte) = payload.first() else { return Spoken::Unknown };
    let known = match byte {
        20..=24 if dtls::is_record(payload, wire_len) => Some(Spoken::Dtls),
        0x80.. if quic::is_long_header(payload) => Some(Spoken::Quic),
        b'<' => syslog(payload),
        1..=4 if is_wireguard(payload, wire_len) => Some(Spoken::WireGuard),
        0 | 1 if is_stun(payload) => Some(Spoken::Stun),
        b'A'..=b'Z' if is_sip(payload) => Some(Spoken::Sip),
        _ => None,
    };
    known
        .or_else(|| ike(payload, wire_len))
        .or_else(|| dns(payload))
        .or_else(|| text(payload))
        .unwrap_or(Spoken::Unknown)
}

fn tls(first: &[u8]) -> Option<Spoken> {
    let head = RecordHead::parse(first)?;
    let body = first.get(RecordHead::LEN..)?;
    Some(match (head.kind, body.first()) {
        (content::HANDSHAKE, Some(&handshake::CLIENT_HELLO)) => Spoken::TlsClient,
        (content::HANDSHAKE, Some(&handshake::SERVER_HELLO)) => Spoken::TlsServer,
        (content::ALERT, Some(_))
            if head.length == 2 && body.get(..2).is_none_or(|body| Alert::parse(body).is_some()) =>
        {
            Spoken::TlsAlert
        }
        _ => Spoken::TlsRecord,
    })
}

/// What begins with printable bytes.
fn words(first: &[u8]) -> Option<Spoken> {
    const STARTS: &[(&[u8], Spoken)] = &[
        (ike_tcp::PREFIX, Spoken::IkeTcp),
        (b"SSH-", Spoken::Ssh),
        (b"RFB 00", Spoken::Vnc),
        (b"+OK ", Spoken::Pop3),
        (b"* OK", Spoken::Imap),
        (b"+PONG\r\n", Spoken::Redis),
        (b"-ERR ", Spoken::Redis),
        (b"-NOAUTH ", Spoken::Redis),
    ];
    // Both know OPTIONS.
    if is_sip(first) {
        return Some(Spoken::Sip);
    }
    if http::is_request(first) {
        return Some(Spoken::HttpRequest);
    }
    if http::is_response(first) {
        return Some(Spoken::HttpResponse);
    }
    let by_start = STARTS.iter().find(|(start, _)| first.starts_with(start)).map(|(_, spoken)| *spoken);
    by_start
        .or_else(|| syslog(first))
        .or_else(|| is_redis_command(first).then_some(Spoken::Redis))
        .or_else(|| is_rsh(first).then_some(Spoken::Rsh))
        .or_else(|| smtp::is_hello(first).then_some(Spoken::Smtp))
        .or_else(|| is_ftp_command(first).then_some(Spoken::Ftp))
        .or_else(|| greeting(first))
}

fn syslog(payload: &[u8]) -> Option<Spoken> {
    syslog::framing(payload)
        .map(|octet_counted| if octet_counted { Spoken::SyslogOctetCounted } else { Spoken::Syslog })
}

/// A three-digit greeting, which mail and FTP (RFC 959, 4.2) share. It is whose name stands in it; else mail's where the server's
/// own name comes first (RFC 5321, 4.2).
fn greeting(first: &[u8]) -> Option<Spoken> {
    let is_greeting = [b"220".as_slice(), b"421", b"554"].iter().any(|code| first.starts_with(code));
    if first.len() < 4 || !is_greeting || !smtp::is_reply(first) {
        return None;
    }
    let line = first.split(|byte| *byte == b'\n').next()?;
    let says = |name: &[u8]| line.windows(name.len()).any(|word| word.eq_ignore_ascii_case(name));
    let name = line.get(4..).unwrap_or_default().split(|byte| *byte == b' ').next().unwrap_or_default();
    match () {
        () if says(b"ftp") => Some(Spoken::Ftp),
        () if says(b"smtp") || name.starts_with(b"[") || name.trim_ascii().contains(&b'.') => Some(Spoken::Smtp),
        () => None,
    }
}

/// `PORT 10,0,0,200,78,33` (RFC 959, 4.1.2), which no other protocol has.
fn is_ftp_command(first: &[u8]) -> bool {
    let argument = first.strip_prefix(b"PORT ").unwrap_or_default();
    argument.first().is_some_and(u8::is_ascii_digit) && argument.split(|byte| *byte == b',').take(6).count() == 6
}

/// `*1 CR LF $4 CR LF PING CR LF`.
fn is_redis_command(first: &[u8]) -> bool {
    let Some([digit, rest @ ..]) = first.strip_prefix(b"*") else { return false };
    digit.is_ascii_digit() && rest.starts_with(b"\r\n$")
}

/// A port in one to five digits, then 00.
fn is_rsh(first: &[u8]) -> bool {
    let digits = first.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=5).contains(&digits) && first.get(digits) == Some(&0)
}

fn is_sip(first: &[u8]) -> bool {
    const METHODS: [&[u8]; 5] = [b"REGISTER sip", b"INVITE sip", b"OPTIONS sip", b"SUBSCRIBE sip", b"SIP/2.0 "];
    METHODS.iter().any(|start| first.starts_with(start))
}

/// `03 00`, length (2), then of the inner header its length and E0 (request) or D0 (confirmation).
fn rdp(first: &[u8]) -> Option<Spoken> {
    let mut reader = Reader::new(first);
    let version = reader.u16()?;
    let len = reader.u16()?;
    let inner_len = reader.u8()?;
    let inner = reader.u8()?;
    let fits = version == 0x0300 && u16::from(inner_len).checked_add(5)? <= len && matches!(inner, 0xe0 | 0xd0);
    fits.then_some(Spoken::Rdp)
}

/// `00`, length (3), then `FF` or `FE` and `SMB`.
fn smb(first: &[u8]) -> Option<Spoken> {
    let mark = first.get(4..8)?;
    matches!(mark, [0xfe | 0xff, b'S', b'M', b'B']).then_some(Spoken::Smb)
}

/// Length (4), then protocol 3.0 or the request for TLS.
fn postgresql(first: &[u8]) -> Option<Spoken> {
    let mut reader = Reader::new(first);
    let len = reader.u32()?;
    let code = reader.u32()?;
    let fits = (8..=10_000).contains(&len) && matches!(code, 0x0003_0000 | 80_877_103);
    fits.then_some(Spoken::PostgreSql)
}

/// Length (3, little-endian), number 0, version 10, then its text.
fn mysql(first: &[u8]) -> Option<Spoken> {
    match first {
        [_, _, 0, 0, 10, b'1'..=b'9', ..] => Some(Spoken::MySql),
        _ => None,
    }
}

/// A sequence with the message id 1 or so, then bind (60), search (63), extended (77), or their answers.
fn ldap(first: &[u8]) -> Option<Spoken> {
    let mut reader = Reader::new(first.strip_prefix(&[0x30])?);
    match reader.u8()? {
        long @ 0x81..=0x84 => reader.take(usize::from(long & 0x7f))?.len(),
        short => short.into(),
    };
    let id = reader.array::<2>()?;
    reader.take(match id {
        [2, len @ 1..=4] => len.into(),
        _ => return None,
    })?;
    matches!(reader.u8()?, 0x60 | 0x61 | 0x63 | 0x64 | 0x65 | 0x77 | 0x78).then_some(Spoken::Ldap)
}

/// `FF`, will, won't, do or don't, option.
fn telnet(first: &[u8]) -> Option<Spoken> {
    matches!(first, [0xff, 0xfb..=0xfe, 0..=0x2f, ..]).then_some(Spoken::Telnet)
}

/// The side that accepted an IKE over TCP connection sends no prefix.
fn ike_tcp_answer(first: &[u8]) -> Option<Spoken> {
    matches!(ike_tcp::frames(first).next(), Some(Frame::Ike(..))).then_some(Spoken::IkeTcp)
}

fn ike(payload: &[u8], wire_len: usize) -> Option<Spoken> {
    let bare = || ike::Header::parse(payload, wire_len);
    let marked = || ike::Header::parse(payload.strip_prefix(&[0; 4])?, wire_len.checked_sub(4)?);
    bare().or_else(marked).map(|_| Spoken::Ike)
}

fn dns(payload: &[u8]) -> Option<Spoken> {
    dns::is_message(payload).then_some(Spoken::Dns)
}

/// Type (2), length (2, a multiple of 4), magic cookie (RFC 8489).
fn is_stun(payload: &[u8]) -> bool {
    let mut reader = Reader::new(payload);
    let (kind, len, cookie) = (reader.u16(), reader.u16(), reader.u32());
    kind.is_some_and(|kind| kind < 0x4000) && len.is_some_and(|len| len % 4 == 0) && cookie == Some(STUN_COOKIE)
}

/// Type, three zero bytes, and the length that the type has.
fn is_wireguard(payload: &[u8], wire_len: usize) -> bool {
    match payload {
        [1, 0, 0, 0, ..] => wire_len == 148,
        [2, 0, 0, 0, ..] => wire_len == 92,
        [3, 0, 0, 0, ..] => wire_len == 64,
        [4, 0, 0, 0, ..] => wire_len >= 32 && wire_len.is_multiple_of(16),
        _ => false,
    }
}

fn text(first: &[u8]) -> Option<Spoken> {
    let start = first.get(..TEXT_LEN)?;
    start.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n')).then_some(Spoken::Text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Spoken, tcp, udp};
    use crate::proto::laid_out::{at_every_cut, hex};

    const IKE: &str = "0102030405060708 0000000000000000 21 20 22 08 00000000 00000020 00000004";

    #[test]
    fn over_tcp_in_bytes() {
        for (text, wanted) in [
            ("16 0301 0200 01", Spoken::TlsClient),
            ("16 0303 007a 02", Spoken::TlsServer),
            ("15 0303 0002 0228", Spoken::TlsAlert),
            ("17 0303 0013 aa", Spoken::TlsRecord),
            ("16 0303 0000 01", Spoken::Unknown),
            ("16 0303", Spoken::Unknown),
            ("0300 0013 0e e0 0000 0000 00 01000800 00000000", Spoken::Rdp),
            ("00000054 ff534d42 72", Spoken::Smb),
            ("00000054 fe534d42 40", Spoken::Smb),
            ("30 0c 020101 60 0702010304008000", Spoken::Ldap),
            ("30 84 0000000c 020101 63 07", Spoken::Ldap),
            ("00000008 04d2162f", Spoken::PostgreSql),
            ("4a000000 0a 352e37", Spoken::MySql),
            ("fffd18 fffd20", Spoken::Telnet),
            ("0001020304050607", Spoken::Unknown),
            ("", Spoken::Unknown),
        ] {
            assert_eq!(tcp(&hex(text)), wanted, "{text}");
        }
    }

    #[test]
    fn over_tcp_in_words() {
        for (text, wanted) in [
            ("GET / HTTP/1.1\r\n", Spoken::HttpRequest),
            ("HTTP/1.1 400 Bad Request\r\n", Spoken::HttpResponse),
            ("220 mail.example.com ESMTP\r\n", Spoken::Smtp),
            ("554 5.7.1 no\r\n", Spoken::Smtp),
            ("220-FileZilla FTP server\r\n", Spoken::Ftp),
            ("220 [192.0.2.1] ready\r\n", Spoken::Smtp),
            ("554 No SMTP service here\r\n", Spoken::Smtp),
            ("220 ready\r\n", Spoken::Text),
            ("PORT 10,0,0,200,78,33\r\n", Spoken::Ftp),
            ("PORT 10,0,0\r\n", Spoken::Text),
            ("EHLO client\r\n", Spoken::Smtp),
            ("ehlo client\r\n", Spoken::Smtp),
            ("SSH-2.0-OpenSSH_9.2\r\n", Spoken::Ssh),
            ("<134>date=2026-11-24", Spoken::Syslog),
            ("312 <134>date=2026-11-24", Spoken::SyslogOctetCounted),
            ("IKETCP\0\x20", Spoken::IkeTcp),
            ("*1\r\n$4\r\nPING\r\n", Spoken::Redis),
            ("-ERR unknown command\r\n", Spoken::Redis),
            ("+OK ready\r\n", Spoken::Pop3),
            ("* OK IMAP4rev1\r\n", Spoken::Imap),
            ("RFB 003.008\n", Spoken::Vnc),
            ("OPTIONS sip:a@b SIP/2.0\r\n", Spoken::Sip),
            ("REGISTER sip:b SIP/2.0\r\n", Spoken::Sip),
            ("1020\0", Spoken::Rsh),
            ("1020\0lns\0root\0", Spoken::Rsh),
            ("102034\0", Spoken::Unknown),
            ("1020", Spoken::Unknown),
            ("hello there\r\n", Spoken::Text),
        ] {
            assert_eq!(tcp(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn the_answering_side_of_ike_over_tcp() {
        assert_eq!(tcp(&hex(&format!("0026 00000000 {IKE}"))), Spoken::IkeTcp);
    }

    #[test]
    fn over_udp() {
        for (text, wanted) in [
            (IKE, Spoken::Ike),
            ("00000000 | marker | ", Spoken::Unknown),
            ("16 fefd 0000 000000000000 0001 01", Spoken::Dtls),
            ("c3 00000001 08 0102030405060708 00 00", Spoken::Quic),
            ("beef 0100 0001 0000 0000 0000 03 76706e 00 0001 0001", Spoken::Dns),
            ("0001 0000 2112a442 000102030405060708090a0b", Spoken::Stun),
            ("3c 3133 3e 78", Spoken::Syslog),
            ("c1c2c3c4 00000001 aabbccddeeff", Spoken::Unknown),
            ("ff", Spoken::Unknown),
        ] {
            let payload = hex(text);
            assert_eq!(udp(&payload, payload.len()), wanted, "{text}");
        }
        let marked = hex(&format!("00000000 {IKE}"));
        assert_eq!(udp(&marked, marked.len()), Spoken::Ike);
        assert_eq!(udp(&hex("01000000 aabbccdd"), 148), Spoken::WireGuard);
        assert_eq!(udp(b"REGISTER sip:b SIP/2.0\r\n", 24), Spoken::Sip);
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(b"220 mail.example.com ESMTP\r\n", |cut| {
            assert!(matches!(tcp(cut), Spoken::Unknown | Spoken::Text | Spoken::Smtp));
        });
        let datagram = hex(IKE);
        at_every_cut(&datagram, |cut| {
            assert_eq!(udp(cut, datagram.len()) == Spoken::Ike, cut.len() >= 28, "at {}", cut.len());
        });
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>, wire_len in 0usize..2000) {
            let _ = (tcp(&bytes).name(), udp(&bytes, wire_len).name());
        }
    }
}
