//! Syslog: RFC 5424 and the older RFC 3164, and its framing in TCP, RFC 6587.

/// Facility 23, severity 7 (RFC 5424 section 6.2.1).
const MAX_PRIORITY: u16 = 191;
/// The device id stands in the first fields of a FortiClient line.
const LOOKED_AT: usize = 1024;

/// The start of a syslog message.
///
/// ```text
/// <134>date=... devid=FCT8000...
/// 512 <134>...                        octet-counted, in TCP
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syslog {
    /// Facility times 8, plus severity.
    pub priority: u16,
    /// Whether the message's length stands before it.
    pub octet_counted: bool,
    /// Whether a FortiClient wrote it: `devid=FCT...`.
    pub forticlient: bool,
}

impl Syslog {
    /// Reads the start of a datagram or of a stream; `None` if there is no `<PRI>`.
    pub fn parse(payload: &[u8]) -> Option<Syslog> {
        let (priority, octet_counted, message) = start(payload)?;
        let looked_at = message.get(..LOOKED_AT).unwrap_or(message);
        let forticlient = contains(looked_at, b"devid=FCT") || contains(looked_at, b"devid=\"FCT");
        Some(Syslog { priority, octet_counted, forticlient })
    }
}

/// Whether a payload begins as syslog does; `Some(true)` if its length stands before it.
#[inline]
pub(super) fn framing(payload: &[u8]) -> Option<bool> {
    start(payload).map(|(_, octet_counted, _)| octet_counted)
}

fn start(payload: &[u8]) -> Option<(u16, bool, &[u8])> {
    match payload.first()? {
        b'<' => priority(payload).map(|(priority, message)| (priority, false, message)),
        b'1'..=b'9' => {
            let (_, rest) = number(payload, 6)?;
            priority(rest.strip_prefix(b" ")?).map(|(priority, message)| (priority, true, message))
        }
        _ => None,
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted)
}

/// `<`, a number without leading zeros, `>`.
fn priority(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (priority, rest) = number(payload.strip_prefix(b"<")?, 3)?;
    let message = rest.strip_prefix(b">")?;
    let priority = u16::try_from(priority).ok().filter(|priority| *priority <= MAX_PRIORITY)?;
    Some((priority, message))
}

/// A decimal number of at most `digits` digits, without leading zeros.
fn number(bytes: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let len = bytes.iter().take(digits).take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at_checked(len)?;
    if number.is_empty() || (len > 1 && number.starts_with(b"0")) {
        return None;
    }
    let value = number
        .iter()
        .fold(0u32, |value, digit| value.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0'))));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Syslog, framing};
    use crate::proto::laid_out::at_every_cut;

    fn syslog(priority: u16, octet_counted: bool, forticlient: bool) -> Option<Syslog> {
        Some(Syslog { priority, octet_counted, forticlient })
    }

    #[test]
    fn lines() {
        assert_eq!(Syslog::parse(b"<134>date=2026-11-24 devid=FCT8001 type=traffic"), syslog(134, false, true));
        assert_eq!(Syslog::parse(b"<134>devid=\"FCT8001\""), syslog(134, false, true));
        assert_eq!(Syslog::parse(b"<134>x devid=FCT"), syslog(134, false, true));
        assert_eq!(Syslog::parse(b"<0>devid=FGT60F"), syslog(0, false, false));
        assert_eq!(Syslog::parse(b"47 <165>1 2026-11-24T00:00:00Z host app - - - text"), syslog(165, true, false));
    }

    #[test]
    fn what_is_no_syslog() {
        for payload in [
            b"<192>x".as_slice(),
            b"<>x",
            b"<01>x",
            b"<1340>x",
            b"<13",
            b"html",
            b"<html>",
            b"04 <13>",
            b"12<13>",
            b"1234567 <13>",
        ] {
            assert_eq!(Syslog::parse(payload), None, "{}", String::from_utf8_lossy(payload));
        }
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(b"47 <165>1 2026-11-24 devid=FCT1", |cut| {
            assert_eq!(framing(cut), (cut.len() >= 8).then_some(true), "at {}", cut.len());
            assert_eq!(Syslog::parse(cut).is_some_and(|line| line.forticlient), cut.len() >= 30);
        });
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = Syslog::parse(&[b"<13>", &bytes[..]].concat());
            let _ = Syslog::parse(&bytes);
        }
    }
}
