//! Mail submission, RFC 5321: codes of the server, verbs of the client. Mailboxes and log-ins are left alone.

use crate::text;

/// A reply or a command has 512 bytes at most (RFC 5321 section 4.5.3.1); a longer "line" is something else.
const MAX_LINE: usize = 512;
/// A conversation before DATA has some ten lines, a greeting of many lines some twenty.
const MAX_LINES: usize = 64;

/// A reply of the server: the code stands on each line, a hyphen behind it says that more follow.
///
/// ```text
/// 250-mail.example.com CR LF
/// 250 STARTTLS CR LF
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 220 greeting, 250 done, 354 go on, 4xx later, 5xx no.
    pub code: u16,
    /// The text of its first line.
    pub text: String,
}

/// A command of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// In upper case: `EHLO`, `MAIL`, `RCPT`, `DATA`, `STARTTLS`, ...
    pub verb: &'static str,
    /// EHLO and HELO: the client's name. MAIL and RCPT: the mailbox's domain.
    pub domain: Option<String>,
}

/// The server's replies at the start of its stream, as far as they go; a last line without its end counts.
pub fn replies(stream: &[u8]) -> impl Iterator<Item = Reply> {
    let mut within = false;
    lines(stream)
        .map_while(reply_line)
        .filter(move |(_, _, more)| !std::mem::replace(&mut within, *more))
        .map(|(code, text, _)| Reply { code, text: text::from_packet(text) })
}

/// The client's commands at the start of its stream, until it sends a message, a log-in or TLS.
pub fn commands(stream: &[u8]) -> impl Iterator<Item = Command> {
    let mut ended = false;
    lines(stream).map_while(move |line| {
        let command = command_line(line).filter(|_| !ended)?;
        ended = matches!(command.verb, "DATA" | "AUTH" | "STARTTLS" | "BDAT");
        Some(command)
    })
}

/// Whether a stream begins like a server's reply. Allocates nothing.
#[inline]
pub fn is_reply(stream: &[u8]) -> bool {
    reply_line(lines(stream).next().unwrap_or_default()).is_some()
}

/// Whether a stream begins as a client of mail does. Allocates nothing.
#[inline]
pub fn is_hello(stream: &[u8]) -> bool {
    stream
        .first_chunk()
        .is_some_and(|start: &[u8; 5]| start.eq_ignore_ascii_case(b"EHLO ") || start.eq_ignore_ascii_case(b"HELO "))
}

fn lines(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    stream
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| line.trim_ascii_end())
        .take_while(|line| line.len() <= MAX_LINE)
        .take(MAX_LINES)
}

/// Code, text, whether more lines of this reply follow.
fn reply_line(line: &[u8]) -> Option<(u16, &[u8], bool)> {
    let (code, rest) = line.split_first_chunk::<3>()?;
    let [b'2'..=b'5', b'0'..=b'5', b'0'..=b'9'] = code else { return None };
    let code = code
        .iter()
        .fold(0u16, |code, digit| code.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0'))));
    match rest {
        [] => Some((code, rest, false)),
        [b' ', text @ ..] => Some((code, text, false)),
        [b'-', text @ ..] => Some((code, text, true)),
        _ => None,
    }
}

fn command_line(line: &[u8]) -> Option<Command> {
    const VERBS: [&str; 14] = [
        "EHLO", "HELO", "MAIL", "RCPT", "DATA", "STARTTLS", "AUTH", "RSET", "NOOP", "QUIT", "VRFY", "HELP", "BDAT",
        "EXPN",
    ];
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (word, argument) = line.split_at_checked(end)?;
    let verb = VERBS.into_iter().find(|verb| verb.as_bytes().eq_ignore_ascii_case(word))?;
    let domain = match verb {
        "EHLO" | "HELO" => Some(argument.trim_ascii()).filter(|name| !name.is_empty()),
        "MAIL" | "RCPT" => mailbox_domain(argument),
        _ => None,
    };
    Some(Command { verb, domain: domain.map(text::from_packet) })
}

/// Of `TO:<someone@example.com> ...` the domain.
fn mailbox_domain(argument: &[u8]) -> Option<&[u8]> {
    let end = argument.iter().position(|byte| *byte == b'>')?;
    let mailbox = argument.get(..end)?;
    let domain = mailbox.rsplit(|byte| *byte == b'@').next()?;
    (domain.len() < mailbox.len() && !domain.is_empty()).then_some(domain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Command, Reply, commands, is_reply, replies};
    use crate::proto::laid_out::at_every_cut;

    const SERVER: &[u8] =
        b"220 mail.example.com ESMTP\r\n250-mail.example.com\r\n250-SIZE\r\n250 STARTTLS\r\n554 no\r\n";
    const CLIENT: &[u8] =
        b"ehlo client.example.com\r\nMAIL FROM:<me@example.org> SIZE=9\r\nRCPT TO:<submit@example.net>\r\nDATA\r\nQUIT\r\n";

    #[test]
    fn replies_of_one_and_of_many_lines() {
        let seen: Vec<_> = replies(SERVER).collect();
        let reply = |code, text: &str| Reply { code, text: text.to_owned() };
        assert_eq!(seen, [reply(220, "mail.example.com ESMTP"), reply(250, "mail.example.com"), reply(554, "no"),]);
    }

    #[test]
    fn commands_up_to_the_message() {
        let seen: Vec<_> = commands(CLIENT).collect();
        let command = |verb, domain: Option<&str>| Command { verb, domain: domain.map(str::to_owned) };
        assert_eq!(
            seen,
            [
                command("EHLO", Some("client.example.com")),
                command("MAIL", Some("example.org")),
                command("RCPT", Some("example.net")),
                command("DATA", None),
            ]
        );
    }

    #[test]
    fn a_log_in_is_not_read() {
        let seen: Vec<_> = commands(b"AUTH PLAIN c2VjcmV0\r\nQUIT\r\n").collect();
        assert_eq!(seen, [Command { verb: "AUTH", domain: None }]);
    }

    #[test]
    fn what_is_no_mail() {
        assert!(!is_reply(b"HTTP/1.1 200 OK\r\n") && !is_reply(b"999 x") && !is_reply(b"2200 x") && !is_reply(b""));
        assert_eq!(commands(b"GET / HTTP/1.1\r\n").count(), 0);
        assert_eq!(commands(b"MAIL FROM:<>\r\n").next().unwrap().domain, None, "a bounce has no sender");
    }

    #[test]
    fn cut_at_every_length() {
        at_every_cut(SERVER, |cut| {
            assert_eq!(is_reply(cut), cut.len() >= 3);
            assert!(replies(cut).all(|reply| [220, 250, 554].contains(&reply.code)));
        });
        at_every_cut(CLIENT, |cut| assert!(commands(cut).count() <= 4));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = (replies(&bytes).count(), commands(&bytes).count());
        }
    }
}
