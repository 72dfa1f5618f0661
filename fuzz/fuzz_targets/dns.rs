//! A datagram, and a stream of TCP -> a DNS message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::dns::{self, Answer, Message};
use portproof_fuzz::{assert_begins, assert_visible, prefixes};

/// A name has 255 bytes at most, and one byte becomes at most six characters (`\u{1f}`).
const MAX_TEXT: usize = 6 * 255;

fuzz_target!(|bytes: &[u8]| {
    check(bytes, dns::parse);
    check(bytes, dns::parse_tcp);
    assert!(dns::parse(bytes).is_none() || dns::is_message(bytes));
});

fn check(bytes: &[u8], parse: fn(&[u8]) -> Option<Message>) {
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
        let Some(cut) = parse(prefix) else { continue };
        let whole = whole.as_ref().expect("the whole is a message where its prefix is");
        assert_eq!(
            (cut.id, cut.response, cut.rcode, &cut.question),
            (whole.id, whole.response, whole.rcode, &whole.question)
        );
        assert_begins(&whole.answers, &cut.answers);
        assert!(whole.complete || !cut.complete);
    }
}
