//! What flows carry: messages that a parser takes for real, as far as it can look.

use super::random::Random;

/// The name of a host, by its number.
pub(crate) fn host(name: u32) -> String {
    const DOMAINS: [&str; 6] =
        ["example.com", "example.net", "example.org", "fortinet.example", "corp.example", "cdn.example"];
    format!("host{name}.{}", DOMAINS[name as usize % DOMAINS.len()])
}

/// A record with a ClientHello of 517 bytes, as browsers send it (RFC 8446 section 4.1.2).
pub(crate) fn client_hello(out: &mut Vec<u8>, random: &mut Random, name: u32) {
    const SUITES: [u8; 18] =
        [0, 16, 0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9];
    const ALPN: &[u8] = b"\x00\x0c\x02h2\x08http/1.1";
    const BROWSERS_SIZE: usize = 512;
    let host = host(name);
    let mut server_name = prefixed(host.len() + 3).to_vec();
    server_name.push(0);
    server_name.extend_from_slice(&prefixed(host.len()));
    server_name.extend_from_slice(host.as_bytes());
    let mut key_share = vec![0, 36, 0, 29, 0, 32];
    random.append(&mut key_share, 32);

    let mut extensions = Vec::new();
    extension(&mut extensions, 0, &server_name);
    extension(&mut extensions, 10, &[0, 4, 0, 29, 0, 23]);
    extension(&mut extensions, 11, &[1, 0]);
    extension(&mut extensions, 13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3]);
    extension(&mut extensions, 16, ALPN);
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]);
    extension(&mut extensions, 45, &[1, 1]);
    extension(&mut extensions, 51, &key_share);
    // Version, random, session identifier, suites, compression and the length of the extensions stand before them.
    let fixed = 2 + 32 + 33 + SUITES.len() + 2 + 2;
    let padding = (BROWSERS_SIZE - 8).saturating_sub(fixed + extensions.len());
    extension(&mut extensions, 21, &vec![0; padding]);

    let body = fixed + extensions.len();
    out.clear();
    out.extend_from_slice(&[22, 3, 1]);
    out.extend_from_slice(&prefixed(body + 4));
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&prefixed(body));
    out.extend_from_slice(&[3, 3]);
    random.append(out, 32);
    out.push(32);
    random.append(out, 32);
    out.extend_from_slice(&SUITES);
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&prefixed(extensions.len()));
    out.extend_from_slice(&extensions);
}

/// A TLS 1.3 ServerHello, ChangeCipherSpec and the beginning of what is encrypted, `len` bytes together.
pub(crate) fn server_hello(out: &mut Vec<u8>, random: &mut Random, len: usize) {
    out.clear();
    out.extend_from_slice(&[22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3]);
    random.append(out, 32);
    out.push(32);
    random.append(out, 32);
    out.extend_from_slice(&[0x13, 1, 0, 0, 46, 0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 29, 0, 32]);
    random.append(out, 32);
    out.extend_from_slice(&[20, 3, 3, 0, 1, 1]);
    let rest = len - out.len() - 5;
    out.extend_from_slice(&[23, 3, 3]);
    out.extend_from_slice(&prefixed(rest));
    random.append(out, rest);
}

/// A record of application data, `len` bytes with its header.
pub(crate) fn tls_data(out: &mut Vec<u8>, random: &mut Random, len: usize) {
    out.clear();
    out.extend_from_slice(&[23, 3, 3]);
    out.extend_from_slice(&prefixed(len - 5));
    random.append(out, len - 5);
}

/// A NetBIOS session message: the framing of SMB over TCP 445 (RFC 1002 section 4.3.1).
pub(crate) fn session_message(out: &mut Vec<u8>, random: &mut Random, len: usize) {
    out.clear();
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&prefixed(len - 4));
    out.push(0xfd);
    random.append(out, len - 5);
}

/// A query for the address of a host, or its answer (RFC 1035 section 4).
pub(crate) fn dns(out: &mut Vec<u8>, id: u16, name: u32, answer: bool) {
    out.clear();
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(if answer { &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] } else { &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0] });
    for label in host(name).split('.') {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.extend_from_slice(&[0, 0, 1, 0, 1]);
    if answer {
        // The name again by pointer, type A, class IN, 300 s, four bytes.
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 198, 18, (name >> 8) as u8, name as u8]);
    }
}

/// A request for an update.
pub(crate) fn http_request(out: &mut Vec<u8>, name: u32) {
    text(
        out,
        &format!(
            "GET /update/{name} HTTP/1.1\r\nHost: {}\r\nUser-Agent: gencap/1\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            host(name)
        ),
    );
}

/// The head of its response.
pub(crate) fn http_response(out: &mut Vec<u8>, content_length: u32) {
    text(
        out,
        &format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {content_length}\r\n\r\n"
        ),
    );
}

/// A traffic log of an endpoint.
pub(crate) fn syslog(out: &mut Vec<u8>, name: u32, sent: u32, received: u32) {
    text(
        out,
        &format!(
            "<134>date=2026-01-01 time=00:00:00 devname=endpoint{name} logid=\"0000000013\" type=\"traffic\" \
             subtype=\"forward\" level=\"notice\" srcip=10.20.0.{} dstport=443 action=\"accept\" sentbyte={sent} \
             rcvdbyte={received}",
            name & 255
        ),
    );
}

/// These characters and nothing else.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.clear();
    out.extend_from_slice(text.as_bytes());
}

/// `head`, then `len` random bytes.
pub(crate) fn opaque(out: &mut Vec<u8>, random: &mut Random, head: &[u8], len: usize) {
    out.clear();
    out.extend_from_slice(head);
    random.append(out, len);
}

fn extension(out: &mut Vec<u8>, id: u16, body: &[u8]) {
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&prefixed(body.len()));
    out.extend_from_slice(body);
}

/// A length field of two bytes.
fn prefixed(len: usize) -> [u8; 2] {
    (len as u16).to_be_bytes()
}
