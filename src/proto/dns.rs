//! The domain name system, RFC 1035.

use std::net::IpAddr;

use crate::bytes::Reader;
use crate::text;

/// A resolver's answer over UDP has some thirty records at most; the bound keeps a forged count from costing memory.
const MAX_ANSWERS: usize = 64;
/// A name's labels with their lengths, the root's included (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 255;

/// Bytes of a message's header.
const HEADER_LEN: usize = 12;
/// Bytes of the length before a message in TCP.
const LENGTH_LEN: usize = 2;

/// Record types that something here depends on.
pub mod kind {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// Another name for this one.
    pub const CNAME: u16 = 5;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
}

/// A query or a response.
///
/// ```text
/// +-------------------------------+-+-------+-+-+-+-+-+-+-+-------+
/// |              id               |R|opcode |A|T|R|R|0|A|C| rcode |
/// +-------------------------------+-+-------+-+-+-+-+-+-+-+-------+
/// |           questions           |            answers            |
/// +-------------------------------+-------------------------------+
/// |       authority records       |      additional records       |
/// +-------------------------------+-------------------------------+
/// | question: name, type (2), class (2)                           |
/// | record: name, type (2), class (2), TTL (4), length (2), data  |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Ties a response to its query.
    pub id: u16,
    /// Whether this is a response.
    pub response: bool,
    /// Response code: 0 no error, 2 server failure, 3 no such name, 5 refused.
    pub rcode: u8,
    /// Whether the server cut the answer (TC); the client then asks over TCP.
    pub truncated: bool,
    /// The name asked for, in lower case and without the last dot, and the record type. `None` where it is cut.
    pub question: Option<(String, u16)>,
    /// The answers with their owners, as far as the capture holds them.
    pub answers: Vec<(String, Answer)>,
    /// Whether question and answers are all there.
    pub complete: bool,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME: ask for this name instead.
    Alias(String),
    /// Another type.
    Other,
}

/// Reads a message; `None` if this is none, or its header is cut. Of a question that is cut, the name is not told.
pub fn parse(message: &[u8]) -> Option<Message> {
    let (header, mut reader) = Header::parse(message)?;
    let question = if header.questions == 1 { question(message, &mut reader) } else { None };
    let whole_question = question.is_some() || header.questions == 0;
    let wanted = usize::from(header.answers);
    let readable = if whole_question { wanted.min(MAX_ANSWERS) } else { 0 };
    let answers: Vec<_> = std::iter::from_fn(|| answer(message, &mut reader)).take(readable).collect();
    Some(Message {
        id: header.id,
        response: header.is_response(),
        rcode: header.rcode(),
        truncated: header.flags & 0x0200 != 0,
        question,
        complete: whole_question && answers.len() == wanted,
        answers,
    })
}

/// Reads the first message of a TCP stream, where two bytes of length stand before each (RFC 1035, 4.2.2; RFC 7766, 8).
pub fn parse_tcp(stream: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(stream);
    let len = reader.u16()?;
    parse(reader.take_available(len.into()))
}

/// What a TCP stream begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A whole message, and the bytes that it takes with its length.
    Whole(Message, usize),
    /// A message of which the end has not come, or something too short to tell.
    Partial,
    /// Something else.
    Other,
}

/// Looks at what a TCP stream begins with. Several messages may follow each other.
pub fn start_of(stream: &[u8]) -> Start {
    let mut reader = Reader::new(stream);
    let Some(len) = reader.u16().map(usize::from) else { return Start::Partial };
    let message = reader.take_available(len);
    match parse(message) {
        Some(whole) if message.len() == len => Start::Whole(whole, len.saturating_add(LENGTH_LEN)),
        Some(_) => Start::Partial,
        None if message.len() < HEADER_LEN && len >= HEADER_LEN => Start::Partial,
        None => Start::Other,
    }
}

/// Whether header and question are those of a message. Allocates nothing.
#[inline]
pub fn is_message(message: &[u8]) -> bool {
    Header::parse(message).is_some()
}

/// The name of a response code.
pub fn rcode_name(rcode: u8) -> &'static str {
    match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        _ => "unassigned",
    }
}

struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
}

impl Header {
    /// Reads the header and looks whether a sound question follows; the reader stands before the question.
    fn parse(message: &[u8]) -> Option<(Header, Reader<'_>)> {
        let mut reader = Reader::new(message);
        let header =
            Header { id: reader.u16()?, flags: reader.u16()?, questions: reader.u16()?, answers: reader.u16()? };
        let authorities = reader.u16()?;
        let additionals = reader.u16()?;
        let counts_fit = match (header.is_response(), header.questions) {
            // Beside one question a query has at most EDNS and a signature.
            (false, 1) => header.rcode() == 0 && header.answers == 0 && authorities == 0 && additionals <= 2,
            (true, 1) => true,
            // Some servers refuse without repeating the question.
            (true, 0) => header.rcode() != 0 && header.answers == 0,
            _ => false,
        };
        let opcode_fits = matches!((header.flags >> 11) & 0x0f, 0 | 4 | 5);
        let reserved_is_zero = header.flags & 0x0040 == 0;
        if !(counts_fit && opcode_fits && reserved_is_zero) {
            return None;
        }
        if header.questions == 1 {
            question_is_sound(reader).then_some(())?;
        }
        Some((header, reader))
    }

    fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    fn rcode(&self) -> u8 {
        let [_, low] = self.flags.to_be_bytes();
        low & 0x0f
    }
}

/// Whether there is a name without pointers (there is nothing before it to point to), a type and a class. What the
/// capture cut is taken as sound: the header has form enough.
fn question_is_sound(mut reader: Reader<'_>) -> bool {
    let mut left = MAX_NAME;
    loop {
        match reader.u8() {
            None => return true,
            Some(0) => break,
            Some(len @ 1..=63) => {
                match left.checked_sub(usize::from(len).saturating_add(1)).filter(|left| *left > 0) {
                    Some(now) => left = now,
                    None => return false,
                }
                reader.take_available(len.into());
            }
            Some(_) => return false,
        }
    }
    // The top bit of the class is multicast DNS's.
    let class_is_known = |class: u16| matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255);
    reader.u16().is_none_or(|kind| kind != 0) && reader.u16().is_none_or(class_is_known)
}

/// Name and type asked for; `None` if they are cut.
fn question<'a>(message: &'a [u8], reader: &mut Reader<'a>) -> Option<(String, u16)> {
    let question = (name(message, reader)?, reader.u16()?);
    let _class = reader.u16()?;
    Some(question)
}

/// The next record; `None` if it is cut or damaged.
fn answer<'a>(message: &'a [u8], reader: &mut Reader<'a>) -> Option<(String, Answer)> {
    let owner = name(message, reader)?;
    let kind = reader.u16()?;
    let _class = reader.u16()?;
    let _ttl = reader.u32()?;
    let len = usize::from(reader.u16()?);
    let mut at_data = *reader;
    let data = reader.take(len)?;
    let answer = match kind {
        kind::A => Answer::Address(IpAddr::from(<[u8; 4]>::try_from(data).ok()?)),
        kind::AAAA => Answer::Address(IpAddr::from(<[u8; 16]>::try_from(data).ok()?)),
        kind::CNAME => Answer::Alias(name(message, &mut at_data)?),
        _ => Answer::Other,
    };
    Some((owner, answer))
}

/// Reads a name. A pointer (`11`, 14 bits of offset) must lead to before the labels that it ends, so that every name
/// comes to its end; its text is bounded by [`MAX_NAME`].
fn name<'a>(message: &'a [u8], reader: &mut Reader<'a>) -> Option<String> {
    let mut out = String::new();
    let mut left = MAX_NAME;
    let mut here = *reader;
    let mut after_pointer = None;
    let mut start = message.len().checked_sub(here.rest().len())?;
    loop {
        match here.u8()? {
            0 => break,
            len @ 1..=63 => {
                left = left.checked_sub(usize::from(len).saturating_add(1)).filter(|left| *left > 0)?;
                push_label(&mut out, here.take(len.into())?);
            }
            high @ 0xc0.. => {
                let target = usize::from(u16::from_be_bytes([high & 0x3f, here.u8()?]));
                after_pointer.get_or_insert(here);
                start = Some(target).filter(|target| *target < start)?;
                here = Reader::new(message.get(target..)?);
            }
            _ => return None,
        }
    }
    *reader = after_pointer.unwrap_or(here);
    Some(out)
}

/// A dot within a label is written `\.`: a name of one label must not pass for a name of three.
fn push_label(out: &mut String, label: &[u8]) {
    if !out.is_empty() {
        out.push('.');
    }
    if label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        out.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        out.push_str(&text::from_packet(label).to_ascii_lowercase().replace('.', "\\."));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Answer, Start, is_message, parse, parse_tcp, rcode_name, start_of};
    use crate::proto::laid_out::{at_every_cut, hex};

    const NAME: &str = "03 56706e 07 6578616d706c65 03 636f6d 00";

    fn query() -> Vec<u8> {
        hex(&format!("beef 0100 0001 0000 0000 0000 {NAME} 0001 0001"))
    }

    fn response() -> Vec<u8> {
        hex(&format!(
            "beef 8180 0001 0003 0000 0000 {NAME} 0001 0001
            | CNAME gw + pointer to example.com | c00c 0005 0001 0000003c 0005 02 6777 c010
            | A of gw.example.com | c02d 0001 0001 0000003c 0004 c0000201
            | TXT | c00c 0010 0001 0000003c 0002 01 78"
        ))
    }

    #[test]
    fn a_query() {
        let message = parse(&query()).unwrap();
        assert_eq!((message.id, message.response, message.truncated), (0xbeef, false, false));
        assert_eq!(message.question, Some(("vpn.example.com".to_owned(), 1)));
        assert!(message.answers.is_empty() && message.complete);
    }

    #[test]
    fn a_response_with_pointers() {
        let message = parse(&response()).unwrap();
        assert_eq!(
            message.answers,
            [
                ("vpn.example.com".to_owned(), Answer::Alias("gw.example.com".to_owned())),
                ("gw.example.com".to_owned(), Answer::Address("192.0.2.1".parse().unwrap())),
                ("vpn.example.com".to_owned(), Answer::Other),
            ]
        );
        assert!(message.response && message.complete);
    }

    #[test]
    fn failures() {
        let nxdomain = parse(&hex(&format!("beef 8183 0001 0000 0001 0000 {NAME} 0001 0001"))).unwrap();
        assert_eq!((nxdomain.rcode, rcode_name(nxdomain.rcode)), (3, "NXDOMAIN"));
        let refused = parse(&hex("beef 8185 0000 0000 0000 0000")).unwrap();
        assert_eq!((refused.rcode, refused.question), (5, None));
        let cut_by_server = parse(&hex(&format!("beef 8380 0001 0000 0000 0000 {NAME} 0001 0001"))).unwrap();
        assert!(cut_by_server.truncated);
    }

    #[test]
    fn over_tcp_a_length_comes_first() {
        let message = query();
        let stream = [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message, b"more"].concat();
        assert_eq!(parse_tcp(&stream), parse(&message));
        assert_eq!(start_of(&stream), Start::Whole(parse(&message).unwrap(), 2 + message.len()));
        at_every_cut(&stream[..2 + message.len() - 1], |cut| assert_eq!(start_of(cut), Start::Partial));
        // Shorter than a header, and an HTTP request.
        assert_eq!(start_of(&hex("000b beef0100")), Start::Other);
        assert_eq!(start_of(b"GET / HTTP/1.1\r\nHost: a\r\n"), Start::Other);
    }

    #[test]
    fn what_is_no_message() {
        for (why, text) in [
            ("two questions", format!("beef 0100 0002 0000 0000 0000 {NAME} 0001 0001")),
            ("an answer in a query", format!("beef 0100 0001 0001 0000 0000 {NAME} 0001 0001")),
            ("reserved bit", format!("beef 0140 0001 0000 0000 0000 {NAME} 0001 0001")),
            ("opcode", format!("beef 7900 0001 0000 0000 0000 {NAME} 0001 0001")),
            ("class", format!("beef 0100 0001 0000 0000 0000 {NAME} 0001 0009")),
            ("type", format!("beef 0100 0001 0000 0000 0000 {NAME} 0000 0001")),
            ("label of 64", format!("beef 0100 0001 0000 0000 0000 40 {} 00 0001 0001", "61".repeat(64))),
            (
                "a name of 256",
                format!("beef 0100 0001 0000 0000 0000 {} 00 0001 0001", format!("3f{}", "61".repeat(63)).repeat(4)),
            ),
            ("nothing asked, no error", "beef 8180 0000 0000 0000 0000".to_owned()),
        ] {
            assert!(parse(&hex(&text)).is_none() && !is_message(&hex(&text)), "{why}");
        }
    }

    #[test]
    fn pointers_that_lead_on_or_to_themselves_end_the_answers() {
        for owner in ["c021", "c0ff", "c022"] {
            let text =
                format!("beef 8180 0001 0001 0000 0000 {NAME} 0001 0001 {owner} 0001 0001 0000003c 0004 c0000201");
            let message = parse(&hex(&text)).unwrap();
            assert!(message.answers.is_empty() && !message.complete, "{owner}");
        }
    }

    #[test]
    fn a_name_cannot_pass_for_another() {
        let text = "beef 0100 0001 0000 0000 0000 | vpn.example.com in one label | 0f 76706e2e6578616d706c652e636f6d 00 0001 0001";
        assert_eq!(parse(&hex(text)).unwrap().question.unwrap().0, r"vpn\.example\.com");
    }

    #[test]
    fn cut_at_every_length() {
        let message = response();
        at_every_cut(&message, |cut| {
            let seen = parse(cut);
            assert_eq!(seen.is_some(), cut.len() >= 12, "at {}", cut.len());
            assert_eq!(seen.as_ref().is_some_and(|seen| seen.question.is_some()), cut.len() >= 33);
            assert_eq!(seen.is_some_and(|seen| seen.complete), cut.len() == message.len());
            assert_eq!(is_message(cut), cut.len() >= 12);
        });
    }

    /// simple-dns reads the same messages the same way.
    #[test]
    fn a_question_cut_by_the_snaplen_leaves_the_outcome() {
        let message = response();
        let seen = parse(&message[..20]).unwrap();
        assert_eq!((seen.response, seen.question, seen.answers.len(), seen.complete), (true, None, 0, false));
        assert_eq!(seen.rcode, parse(&message).unwrap().rcode);
    }

    #[test]
    fn simple_dns_agrees() {
        use simple_dns::{Packet, rdata::RData};
        let message = response();
        let theirs = Packet::parse(&message).unwrap();
        let ours = parse(&message).unwrap();
        assert_eq!(theirs.id(), ours.id);
        assert!(theirs.questions[0].qname.to_string().eq_ignore_ascii_case(&ours.question.unwrap().0));
        for (theirs, (owner, answer)) in theirs.answers.iter().zip(&ours.answers) {
            assert!(theirs.name.to_string().eq_ignore_ascii_case(owner));
            match (&theirs.rdata, answer) {
                (RData::CNAME(name), Answer::Alias(ours)) => assert_eq!(&name.0.to_string(), ours),
                (RData::A(address), Answer::Address(ours)) => {
                    assert_eq!(&std::net::IpAddr::from(address.address.to_be_bytes()), ours)
                }
                (RData::TXT(_), Answer::Other) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = (parse(&bytes), parse_tcp(&bytes), start_of(&bytes));
        }

        #[test]
        fn any_answers(rest: Vec<u8>, count: u16) {
            let head = [&hex("beef 8180 0001")[..], &count.to_be_bytes(), &hex(&format!("0000 0000 {NAME} 0001 0001"))].concat();
            let message = parse(&[head, rest].concat()).unwrap();
            prop_assert!(message.answers.len() <= 64);
            prop_assert!(message.answers.iter().all(|(owner, _)| owner.len() <= 2000));
        }
    }
}
