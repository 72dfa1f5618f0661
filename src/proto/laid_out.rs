//! For tests: messages laid out by hand as hexadecimal text, and cut at every length.

/// Bytes from hexadecimal digits; spaces, line breaks and `| remarks |` between them are for the reader.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.split('|').step_by(2).flat_map(str::chars).filter_map(|c| c.to_digit(16)).collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits in {text}");
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// Calls `read` with the message cut at every length, the whole included.
pub(crate) fn at_every_cut(message: &[u8], mut read: impl FnMut(&[u8])) {
    for length in 0..=message.len() {
        read(&message[..length]);
    }
}

/// Whether `part` is a piece of `whole`, not of something that has the same bytes.
pub(super) fn is_inside(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    part.is_empty() || (whole.start <= part.start && part.end <= whole.end)
}

#[test]
fn remarks_are_skipped() {
    assert_eq!(hex("01 | be careful | 02\n ff"), [1, 2, 255]);
}
