//! A datagram, and a stream of TCP -> a DNS message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::dns::{self, Answer, Message, Start};
use portproof_fuzz::{assert_begins, assert_kept, assert_visible, prefixes};

/// A name has 255 bytes at most, and one byte becomes at most six characters (`\u{1f}`).
const MAX_TEXT: usize = 6 * 255;

/// Bytes of a message's header.
const HEADER_LEN: usize = 12;

fuzz_target!(|bytes: &[u8]| {
    check(bytes, HEADER_LEN, dns::parse);
    check(bytes, 2 + HEADER_LEN, dns::parse_tcp);
    assert!(dns::parse(bytes).is_none() || dns::is_message(bytes));
    if let Start::Whole(message, len) = dns::start_of(bytes) {
        assert!(len <= bytes.len() && dns::parse_tcp(bytes).as_ref() == Some(&message));
    }
});

fn check(bytes: &[u8], head_len: usize, parse: fn(&[u8]) -> Option<Message>) {
    let whole = parse(bytes);
    assert_eq!(whole, parse(bytes));
    if let Some(message) = &whole {
        assert!(message.answers.len() <= 64);
        let question = message.question.iter().map(|(name, _)| name);
        let answers = message.answers.iter().flat_map(|(owner, answer)| match answer {
            Answer::Alias(name) => [Some(owner), Some(name)],
            _ => [Some(owner), None],
        });
        for name in question.chain(answers.flatten()) {
            assert_visible(name);
            assert!(name.len() <= MAX_TEXT && !name.bytes().any(|byte| byte.is_ascii_uppercase()));
        }
        assert_visible(dns::rcode_name(message.rcode));
    }
    for prefix in prefixes(bytes) {
        let cut = parse(prefix);
        assert!(cut.is_none() || prefix.len() >= head_len, "without its header nothing is known");
        let (Some(cut), Some(whole)) = (&cut, &whole) else {
            assert!(
                cut.is_some() || whole.is_none() || prefix.len() < head_len,
                "what the capture cut is taken as sound"
            );
            continue;
        };
        assert_eq!((cut.id, cut.response, cut.rcode), (whole.id, whole.response, whole.rcode));
        assert_kept(&whole.question, &cut.question);
        assert_begins(&whole.answers, &cut.answers);
        assert!(whole.complete || !cut.complete);
    }
}
