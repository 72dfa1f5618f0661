//! One direction of a TLS connection, read from the in-order start of its stream.

use std::borrow::Cow;

use crate::bytes::Reader;
use crate::proto::tls::certificate::{Certificate, Presented, presented};
use crate::proto::tls::{Alert, ClientHello, Record, ServerHello, content, handshake, records};

/// A flight with a long certificate chain has some 10 KiB, a post-quantum one some 30; what exceeds this is not kept.
const MAX_HANDSHAKE: usize = 1 << 16;

/// What of a direction is encrypted: it can only be measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    /// Whether a ChangeCipherSpec was sent: from here on all is encrypted (in 1.3 it means nothing).
    pub change_cipher_spec: bool,
    /// The length of the first alert record that is not in clear.
    pub alert: Option<u16>,
    /// Number of application data records (type 23). In 1.3 the rest of the handshake is among them.
    pub records: u32,
    /// Length of the first of them: 19 is an alert of 1.3, 53 or 69 a lone Finished.
    pub first_length: u16,
    /// Length of the last of them.
    pub last_length: u16,
    /// Their lengths together.
    pub bytes: u64,
}

/// What the start of the client's direction shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSide {
    /// What it offers.
    pub hello: Option<ClientHello>,
    /// It was asked for a certificate and had none (up to 1.2).
    pub no_certificate: bool,
    /// The first alert in clear.
    pub alert: Option<Alert>,
    /// Whether there is an application data record; in 1.3 that may be the rest of the handshake.
    pub application_data: bool,
    /// What is encrypted.
    pub protected: Protected,
    /// This is no TLS, or stops being it.
    pub not_tls: bool,
    /// Whether more bytes could still tell more of hello, certificate or alert.
    pub need_more: bool,
}

/// What the start of the server's direction shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerSide {
    /// What it chose; a HelloRetryRequest gives way to the ServerHello that follows it.
    pub hello: Option<ServerHello>,
    /// Its certificate (up to 1.2).
    pub certificate: Option<Certificate>,
    /// Whether it asks for the client's certificate (up to 1.2).
    pub certificate_request: bool,
    /// Whether its first flight has ended: ServerHelloDone, ChangeCipherSpec of a resumption, or in 1.3 anything encrypted.
    pub flight_done: bool,
    /// The first alert in clear.
    pub alert: Option<Alert>,
    /// Whether there is an application data record; in 1.3 that may be the rest of the handshake.
    pub application_data: bool,
    /// What is encrypted.
    pub protected: Protected,
    /// This is no TLS, or stops being it.
    pub not_tls: bool,
    /// Whether more bytes could still tell more of hello, certificate or alert.
    pub need_more: bool,
}

/// Reads the client's direction, as far as `stream`, its in-order start, goes.
pub fn read_client(stream: &[u8]) -> ClientSide {
    let read = Direction::read(stream);
    let mut side = ClientSide {
        alert: read.alert,
        application_data: read.protected.records > 0,
        protected: read.protected,
        not_tls: read.not_tls,
        need_more: read.need_more(),
        ..ClientSide::default()
    };
    for message in messages(&read.handshake) {
        match message.kind {
            handshake::CLIENT_HELLO if side.hello.is_none() => {
                side.hello = ClientHello::parse(message.body, message.len)
            }
            handshake::CERTIFICATE => side.no_certificate = matches!(presented(message.body), Presented::Nothing),
            _ => {}
        }
    }
    side
}

/// Reads the server's direction, as far as `stream`, its in-order start, goes.
pub fn read_server(stream: &[u8]) -> ServerSide {
    let read = Direction::read(stream);
    let mut side = ServerSide {
        alert: read.alert,
        application_data: read.protected.records > 0,
        protected: read.protected,
        not_tls: read.not_tls,
        need_more: read.need_more(),
        ..ServerSide::default()
    };
    for message in messages(&read.handshake) {
        match message.kind {
            handshake::SERVER_HELLO => side.hello = ServerHello::parse(message.body).or(side.hello),
            handshake::CERTIFICATE if side.certificate.is_none() => {
                if let Presented::Leaf(der) = presented(message.body) {
                    side.certificate = Certificate::parse(der);
                }
            }
            handshake::CERTIFICATE_REQUEST => side.certificate_request = true,
            handshake::SERVER_HELLO_DONE => side.flight_done = true,
            _ => {}
        }
    }
    side.flight_done |= side.application_data || (side.protected.change_cipher_spec && !read.hello_retry);
    side
}

/// The records of one direction, sorted by what they carry.
#[derive(Default)]
struct Direction<'a> {
    /// Handshake bytes in clear; borrowed where one record holds them all, as it mostly does.
    handshake: Cow<'a, [u8]>,
    /// Handshake messages are still in clear.
    in_clear: bool,
    /// The server asked for another ClientHello; what follows its ChangeCipherSpec is in clear again.
    hello_retry: bool,
    alert: Option<Alert>,
    protected: Protected,
    not_tls: bool,
}

impl<'a> Direction<'a> {
    fn read(stream: &'a [u8]) -> Direction<'a> {
        let mut direction = Direction { in_clear: true, ..Direction::default() };
        let mut records = records(stream);
        for record in records.by_ref() {
            direction.add(record);
        }
        direction.not_tls = records.met_junk();
        direction
    }

    fn add(&mut self, record: Record<'a>) {
        match record.head.kind {
            content::HANDSHAKE if self.in_clear => self.add_handshake(record.body),
            content::CHANGE_CIPHER_SPEC => {
                self.protected.change_cipher_spec = true;
                self.hello_retry = starts_with_hello_retry(&self.handshake);
                self.in_clear &= self.hello_retry;
            }
            content::ALERT => self.add_alert(&record),
            content::APPLICATION_DATA => self.add_protected(record.head.length),
            _ => {}
        }
    }

    fn add_handshake(&mut self, bytes: &'a [u8]) {
        if self.handshake.is_empty() {
            self.handshake = Cow::Borrowed(bytes);
        } else if self.handshake.len().saturating_add(bytes.len()) <= MAX_HANDSHAKE {
            self.handshake.to_mut().extend_from_slice(bytes);
        } else {
            self.in_clear = false;
        }
    }

    fn add_alert(&mut self, record: &Record<'_>) {
        match Alert::parse(record.body) {
            Some(alert) if record.is_complete() => {
                self.alert.get_or_insert(alert);
            }
            // Two bytes that are cut, and nothing else, may still become an alert in clear.
            _ if record.head.length > 2 => {
                self.protected.alert.get_or_insert(record.head.length);
                self.in_clear = false;
            }
            _ => {}
        }
    }

    fn add_protected(&mut self, length: u16) {
        self.in_clear = false;
        let protected = &mut self.protected;
        if protected.records == 0 {
            protected.first_length = length;
        }
        protected.records = protected.records.saturating_add(1);
        protected.last_length = length;
        protected.bytes = protected.bytes.saturating_add(length.into());
    }

    fn need_more(&self) -> bool {
        self.in_clear && self.alert.is_none() && !self.not_tls
    }
}

/// A handshake message: `type (1) | length (3) | body`.
struct Message<'a> {
    kind: u8,
    len: usize,
    body: &'a [u8],
}

/// The messages; of the last one the end may be missing.
fn messages(handshake: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut reader = Reader::new(handshake);
    std::iter::from_fn(move || {
        let kind = reader.u8()?;
        let len = usize::try_from(reader.u24()?).ok()?;
        Some(Message { kind, len, body: reader.take_available(len) })
    })
}

fn starts_with_hello_retry(handshake: &[u8]) -> bool {
    let first = messages(handshake).next().filter(|message| message.kind == handshake::SERVER_HELLO);
    first.and_then(|message| ServerHello::parse(message.body)).is_some_and(|hello| hello.hello_retry)
}

#[cfg(test)]
mod tests;
