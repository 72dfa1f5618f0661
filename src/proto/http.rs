//! HTTP/1 heads, RFC 9112: whole, or as far as they came.

use httparse::{EMPTY_HEADER, Header, Status};

use crate::text;

/// Browsers send some twenty headers, proxies add a few; what comes after this many is not looked at.
const MAX_HEADERS: usize = 64;
/// The methods by which a request is known; WebDAV's first is for update servers.
const METHODS: [&[u8]; 10] =
    [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE", b"PROPFIND"];

/// The head of a request.
///
/// ```text
/// GET /path HTTP/1.1 CR LF
/// Host: update.example.com CR LF
/// CR LF
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, `CONNECT`, ...
    pub method: String,
    /// What is asked for, as far as it is there: a path, an address (through a proxy), `host:port` (CONNECT).
    pub target: String,
    /// The Host header, as sent.
    pub host: Option<String>,
    /// The User-Agent header.
    pub user_agent: Option<String>,
    /// Whether the head is whole.
    pub complete: bool,
}

/// The head of a response.
///
/// ```text
/// HTTP/1.1 302 Found CR LF
/// Location: http://portal.example.com/ CR LF
/// CR LF
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status: 200, 302, 407, ...
    pub status: u16,
    /// Where else to look.
    pub location: Option<String>,
    /// What software answers.
    pub server: Option<String>,
    /// The proxies on the way, as they call themselves.
    pub via: Option<String>,
    /// How a proxy wants to be logged in to.
    pub proxy_authenticate: Option<String>,
    /// What follows the head: a web page in place of an update is a block page's sign.
    pub content_type: Option<String>,
    /// Whether the head is whole.
    pub complete: bool,
}

impl Request {
    /// Reads the start of the client's stream; `None` if it is no request, or its method is cut.
    pub fn parse(stream: &[u8]) -> Option<Request> {
        if !is_request(stream) {
            return None;
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let outcome = head.parse(stream);
        Some(Request {
            method: head.method?.to_owned(),
            target: head.path.map(text::visible).unwrap_or_default().into_owned(),
            host: value(head.headers, "host"),
            user_agent: value(head.headers, "user-agent"),
            complete: matches!(outcome, Ok(Status::Complete(_))),
        })
    }
}

impl Response {
    /// Reads the start of the server's stream; `None` if it is no response, or its status is cut.
    pub fn parse(stream: &[u8]) -> Option<Response> {
        if !is_response(stream) {
            return None;
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let outcome = head.parse(stream);
        Some(Response {
            status: head.code?,
            location: value(head.headers, "location"),
            server: value(head.headers, "server"),
            via: value(head.headers, "via"),
            proxy_authenticate: value(head.headers, "proxy-authenticate"),
            content_type: value(head.headers, "content-type"),
            complete: matches!(outcome, Ok(Status::Complete(_))),
        })
    }
}

/// Whether a stream begins with a known method and a space. Allocates nothing.
#[inline]
pub fn is_request(stream: &[u8]) -> bool {
    METHODS.iter().any(|method| stream.strip_prefix(*method).is_some_and(|rest| rest.starts_with(b" ")))
}

/// Whether a stream begins with the status line of HTTP/1. Allocates nothing.
#[inline]
pub fn is_response(stream: &[u8]) -> bool {
    stream.starts_with(b"HTTP/1.")
}

/// The first header of that name. The slots that a cut head leaves have no name.
fn value(headers: &[Header<'_>], name: &str) -> Option<String> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(text::from_packet(header.value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Request, Response};
    use crate::proto::laid_out::at_every_cut;

    const REQUEST: &[u8] = b"GET /fdsupdate HTTP/1.1\r\nHost: update.example.com\r\nUser-Agent: agent/1\r\n\r\nbody";
    const RESPONSE: &[u8] = b"HTTP/1.1 302 Found\r\nServer: portal\r\nlocation: http://portal.example.com/\r\n\r\n";

    #[test]
    fn a_request() {
        let request = Request::parse(REQUEST).unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/fdsupdate"));
        assert_eq!(request.host.as_deref(), Some("update.example.com"));
        assert_eq!(request.user_agent.as_deref(), Some("agent/1"));
        assert!(request.complete);
    }

    #[test]
    fn a_request_to_a_proxy() {
        let request = Request::parse(b"CONNECT ems.example.com:8013 HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!((request.method.as_str(), request.target.as_str()), ("CONNECT", "ems.example.com:8013"));
    }

    #[test]
    fn a_response() {
        let response = Response::parse(RESPONSE).unwrap();
        assert_eq!(response.status, 302);
        assert_eq!(response.location.as_deref(), Some("http://portal.example.com/"));
        assert_eq!((response.server.as_deref(), response.via), (Some("portal"), None));
    }

    #[test]
    fn a_proxy_refuses() {
        let text = b"HTTP/1.0 407 Whatever\r\nVia: 1.1 proxy\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Type: text/html\r\n\r\n";
        let response = Response::parse(text).unwrap();
        assert_eq!((response.status, response.via.as_deref()), (407, Some("1.1 proxy")));
        assert_eq!(response.proxy_authenticate.as_deref(), Some("Basic realm=\"x\""));
        assert_eq!(response.content_type.as_deref(), Some("text/html"));
    }

    #[test]
    fn what_is_no_http() {
        for stream in [b"SSH-2.0-x\r\n".as_slice(), b"GETTING on", b"\x16\x03\x01", b"", b"HTTP/2 200\r\n"] {
            assert_eq!((Request::parse(stream), Response::parse(stream)), (None, None));
        }
    }

    #[test]
    fn a_damaged_header_leaves_the_status() {
        assert_eq!(Response::parse(b"HTTP/1.1 403 No\r\nbad header\r\n\r\n").unwrap().status, 403);
    }

    #[test]
    fn what_a_value_does_to_a_terminal_is_shown() {
        let response = Response::parse(b"HTTP/1.1 200 OK\r\nServer: a\xe2\x80\xaeb\r\n\r\n").unwrap();
        assert_eq!(response.server.as_deref(), Some("a\\u{202e}b"));
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(REQUEST, |cut| {
            let request = Request::parse(cut);
            assert_eq!(request.is_some(), cut.len() >= 4, "at {}", cut.len());
            let host = request.and_then(|request| request.host);
            assert!(host.is_none_or(|host| host == "update.example.com"), "no half host");
        });
        at_every_cut(RESPONSE, |cut| {
            let response = Response::parse(cut);
            assert!(response.is_some() || cut.len() < 13, "at {}", cut.len());
            assert!(response.is_none_or(|response| response.status == 302));
        });
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = Request::parse(&[b"GET ", &bytes[..]].concat());
            let _ = Response::parse(&[b"HTTP/1.1 200", &bytes[..]].concat());
        }
    }
}
