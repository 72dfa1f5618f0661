//! What several targets ask of a parser, beyond that it does not panic.

use std::fmt::Debug;

/// Prefixes tried of one input: more would make long inputs slow, and the fuzzer brings enough of them.
const MAX_PREFIXES: usize = 48;

/// Prefixes of `bytes`, evenly spread, shortest first; every one of them where the input is short.
pub fn prefixes(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let step = bytes.len() / MAX_PREFIXES + 1;
    (0..=bytes.len()).step_by(step).map(|len| &bytes[..len])
}

/// `part` borrows from `whole`; an empty slice may stand anywhere.
#[track_caller]
pub fn assert_inside(part: &[u8], whole: &[u8]) {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    assert!(part.is_empty() || (whole.start <= part.start && part.end <= whole.end), "a slice of something else");
}

/// `less` is how `more` begins.
#[track_caller]
pub fn assert_begins<T: PartialEq + Debug>(more: &[T], less: &[T]) {
    assert!(more.starts_with(less), "the prefix says {less:?}, the whole {more:?}");
}

/// What a prefix says, the whole says too.
#[track_caller]
pub fn assert_kept<T: PartialEq + Debug>(whole: &Option<T>, prefix: &Option<T>) {
    if prefix.is_some() {
        assert_eq!(whole, prefix, "the whole (left) takes back what its prefix says");
    }
}

/// Nothing in the text moves a cursor, hides, or turns the direction of what stands beside it.
///
/// A list of its own, by Unicode's properties: general category Cc, `Bidi_Control`, line and paragraph separators,
/// the zero-width characters, and the tags.
#[track_caller]
pub fn assert_visible(text: &str) {
    let acting = text.chars().find(|c| {
        c.is_control()
            || matches!(u32::from(*c),
                0x061c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060 | 0x2066..=0x2069 | 0xfeff | 0xe0000..=0xe007f)
    });
    assert_eq!(acting, None, "in {text:?}");
}

/// The same, for text of several lines.
#[track_caller]
pub fn assert_visible_lines(text: &str) {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).for_each(assert_visible);
}
