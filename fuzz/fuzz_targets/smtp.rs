//! The start of either direction of mail submission -> replies, commands.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::smtp;
use portproof_fuzz::{assert_begins, assert_visible, prefixes};

fuzz_target!(|stream: &[u8]| {
    let replies: Vec<_> = smtp::replies(stream).collect();
    let commands: Vec<_> = smtp::commands(stream).collect();
    assert!(replies.len() <= 64 && commands.len() <= 64);
    assert_eq!(smtp::is_reply(stream), !replies.is_empty());
    assert!(replies.is_empty() || commands.is_empty(), "one line, two sides");
    for reply in &replies {
        assert!((200..=559).contains(&reply.code));
        assert_visible(&reply.text);
    }
    for command in &commands {
        command.domain.iter().for_each(|domain| assert_visible(domain));
    }
    for prefix in prefixes(stream) {
        // The last line may be cut, and then differs.
        let cut: Vec<_> = smtp::replies(prefix).collect();
        assert_begins(&replies, cut.split_last().map_or(&[], |(_, before)| before));
        let cut: Vec<_> = smtp::commands(prefix).collect();
        assert_begins(&commands, cut.split_last().map_or(&[], |(_, before)| before));
    }
});
