//! Text that came from packets or files is made harmless here before it reaches a terminal, a CSV or a page.
//!
//! A host name in a ClientHello may carry terminal escapes, a right-to-left override or a line break. None of
//! these may move the cursor, reorder a line or forge a row.

use std::borrow::Cow;
use std::fmt::Write;

/// Shows what cannot be seen or would act: control characters, bidirectional and zero-width marks, line and
/// paragraph separators become `\u{..}`; a backslash stays, so that ordinary text is unchanged.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Bytes from a packet as visible text; bytes that are not UTF-8 become `\x..`.
pub fn from_packet(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Whether the character does something to its surroundings instead of being printed.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{from_packet, visible};

    #[test]
    fn ordinary_text_is_unchanged() {
        assert_eq!(visible(r"vpn.example.com \ Grüße"), r"vpn.example.com \ Grüße");
    }

    #[test]
    fn terminal_escapes_bidi_and_line_breaks_are_shown() {
        assert_eq!(visible("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(visible("a\u{202e}b\r\n"), "a\\u{202e}b\\u{d}\\u{a}");
        assert_eq!(visible("\u{9b}2J"), "\\u{9b}2J");
    }

    #[test]
    fn bytes_that_are_no_utf8_are_shown() {
        assert_eq!(from_packet(b"ok\xff\x00"), "ok\\xff\\u{0}");
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_nothing_acts(bytes: Vec<u8>, text: String) {
            for shown in [from_packet(&bytes), visible(&text).into_owned()] {
                prop_assert!(!shown.chars().any(char::is_control));
                prop_assert_eq!(visible(&shown), shown.as_str(), "what is visible stays as it is");
            }
            prop_assert!(from_packet(&bytes).len() <= 6 * bytes.len(), "at worst `\\u{{1f}}` for one byte");
            prop_assert_eq!(from_packet(text.as_bytes()), visible(&text));
        }
    }
}
