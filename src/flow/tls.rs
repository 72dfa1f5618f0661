//! TLS (RFC 8446, RFC 5246): what both ends said in clear, and the sizes of what they did not.

use super::Mark;
use crate::decode::{Item, Side};
use crate::proto::tls::{
    self, Alert, Certificate, ClientHello, Protected, RecordHead, RecordWalk, ServerHello, content,
};

/// An end that sent this many protected records carries data: a handshake, tickets and a farewell are fewer.
const SETTLED_RECORDS: u32 = 6;

/// What was readable of TLS or DTLS.
#[derive(Debug, Default)]
pub struct TlsFacts {
    /// The ClientHello.
    pub client_hello: Option<ClientHello>,
    /// The ServerHello.
    pub server_hello: Option<ServerHello>,
    /// The server's certificate, where it is not encrypted.
    pub certificate: Option<Certificate>,
    /// The first alert in clear, the side that sent it, and where.
    pub alert: Option<(Alert, Side, Mark)>,
    /// Whether the server asked for a certificate of the client, where that is not encrypted.
    pub certificate_request: bool,
    /// Whether the client had none to give, where that is not encrypted.
    pub no_client_certificate: bool,
    /// What each end sent under protection.
    pub client: TlsEnd,
    /// The same of the server.
    pub server: TlsEnd,
    /// The server's protected records before the client sent its first: the server's first flight of TLS 1.3.
    pub server_flight: u32,
    /// Whether the server's first flight has ended, and where.
    pub flight_done: Option<Mark>,
}

/// What one end of a TLS connection sent under protection: it can only be measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct TlsEnd {
    /// Its records.
    pub protected: Protected,
    /// Its last segment that was read.
    pub last: Option<Mark>,
    /// Its alert in clear, and where.
    pub alert: Option<(Alert, Mark)>,
}

impl TlsFacts {
    /// Takes in the start of the client's stream. Whether more of it may be in clear.
    pub(super) fn read_client(&mut self, stream: &[u8], side: Side, mark: Mark) -> bool {
        let seen = tls::read_client(stream);
        self.client_hello = seen.hello.or(self.client_hello.take());
        self.no_client_certificate |= seen.no_certificate;
        self.client_sent(seen.protected);
        self.client.said(seen.alert, mark);
        self.first_alert(seen.alert, side, mark);
        seen.need_more
    }

    /// The same of the server.
    pub(super) fn read_server(&mut self, stream: &[u8], side: Side, mark: Mark) -> bool {
        let seen = tls::read_server(stream);
        self.server_hello = seen.hello.or(self.server_hello.take());
        self.certificate = seen.certificate.or(self.certificate.take());
        self.certificate_request |= seen.certificate_request;
        self.server.protected = seen.protected;
        self.server.said(seen.alert, mark);
        if seen.flight_done {
            self.flight_done.get_or_insert(mark);
        }
        self.first_alert(seen.alert, side, mark);
        seen.need_more
    }

    fn client_sent(&mut self, protected: Protected) {
        if self.client.protected.records == 0 && protected.records > 0 {
            self.server_flight = self.server.protected.records;
        }
        self.client.protected = protected;
    }

    fn first_alert(&mut self, alert: Option<Alert>, side: Side, mark: Mark) {
        if let (None, Some(alert)) = (&self.alert, alert) {
            self.alert = Some((alert, side, mark));
        }
    }

    /// Whether both ends have carried data, so that nothing more is to be learned from sizes.
    fn is_settled(&self, by_client: bool) -> bool {
        let (client, server) = (self.client.protected.records, self.server.protected.records);
        match by_client {
            true => client >= SETTLED_RECORDS,
            false => client > 0 && server.saturating_sub(self.server_flight) >= SETTLED_RECORDS,
        }
    }
}

impl TlsEnd {
    fn said(&mut self, alert: Option<Alert>, mark: Mark) {
        self.last = Some(mark);
        if let (None, Some(alert)) = (&self.alert, alert) {
            self.alert = Some((alert, mark));
        }
    }
}

/// Follows the record boundaries of one direction behind what was in clear, without keeping its bytes.
#[derive(Debug)]
pub(super) struct Walk {
    walk: RecordWalk,
    /// The sequence number of the next byte.
    next: u32,
}

impl Walk {
    /// Goes on behind a stream that was read; `base` is the sequence number of its first byte.
    pub(super) fn behind(stream: &[u8], base: Option<u32>) -> Option<Walk> {
        let mut walk = RecordWalk::default();
        walk.feed(stream, |_| {});
        let read = u32::try_from(stream.len()).ok()?;
        (!walk.is_lost()).then_some(Walk { walk, next: base?.wrapping_add(read) })
    }

    /// Takes in a segment. Whether the walk is over.
    pub(super) fn feed(&mut self, item: &Item<'_>, facts: &mut TlsFacts, by_client: bool) -> bool {
        let payload = item.payload();
        let offset = item.sequence.wrapping_sub(self.next) as i32;
        let new = match usize::try_from(offset) {
            Ok(gap) => {
                self.walk.skip(gap);
                payload
            }
            Err(_) => payload.get(offset.unsigned_abs() as usize..).unwrap_or(&[]),
        };
        if new.is_empty() {
            return false;
        }
        self.next = item.sequence.wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        let mark = Mark::of(item);
        self.walk.feed(new, |head| {
            if by_client {
                facts.client_sent(counted(facts.client.protected, head));
            } else {
                facts.server.protected = counted(facts.server.protected, head);
            }
            let alert = if head.kind == content::ALERT && head.length == 2 { clear_alert(payload) } else { None };
            let end = if by_client { &mut facts.client } else { &mut facts.server };
            end.said(alert, mark);
            facts.first_alert(alert, item.side, mark);
        });
        self.walk.is_lost() || facts.is_settled(by_client)
    }
}

fn counted(mut protected: Protected, head: RecordHead) -> Protected {
    match head.kind {
        content::CHANGE_CIPHER_SPEC => protected.change_cipher_spec = true,
        content::ALERT if head.length > 2 => {
            protected.alert.get_or_insert(head.length);
        }
        content::APPLICATION_DATA => {
            if protected.records == 0 {
                protected.first_length = head.length;
            }
            protected.records = protected.records.saturating_add(1);
            protected.last_length = head.length;
            protected.bytes = protected.bytes.saturating_add(head.length.into());
        }
        _ => {}
    }
    protected
}

/// The alert record in clear that a segment ends with: a stack that does not protect it sends nothing behind it.
fn clear_alert(payload: &[u8]) -> Option<Alert> {
    let [kind, _, _, 0, 2, body @ ..] = payload.last_chunk::<7>()? else { return None };
    if *kind == content::ALERT { Alert::parse(body) } else { None }
}
