//! Bytes of a packet -> text that does nothing to a terminal.

#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use portproof::text::{from_packet, visible};
use portproof_fuzz::assert_visible;

fuzz_target!(|bytes: &[u8]| {
    let shown = from_packet(bytes);
    assert_visible(&shown);
    // At worst one byte becomes `\u{1f}`.
    assert!(shown.len() <= 6 * bytes.len());
    assert!(matches!(visible(&shown), Cow::Borrowed(same) if same == shown), "what is visible stays as it is");
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(shown, visible(text));
        assert!(shown == text || text.chars().count() < shown.chars().count());
    }
});
