//! Text measured in terminal cells: wrapping, padding, columns, and numbers as people read them.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The cells that `text` takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` with blanks behind it, at least `cells` wide.
pub(super) fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", blanks(cells.saturating_sub(width(text))))
}

/// `text` with blanks before it, at least `cells` wide.
pub(super) fn pad_left(text: &str, cells: usize) -> String {
    format!("{}{text}", blanks(cells.saturating_sub(width(text))))
}

/// That many blanks.
pub(super) fn blanks(cells: usize) -> String {
    " ".repeat(cells)
}

/// The lines of `text`, none wider than `cells`, broken between words. A word that is wider than a line (a path, a
/// long host name) is broken where the line ends. Always at least one line.
pub(super) fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = vec![];
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && width(&line) + 1 + width(word) > cells {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        while width(&line) > cells {
            let (head, tail) = line.split_at(break_in(&line, cells));
            lines.push(head.to_owned());
            line = tail.to_owned();
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Items separated by `gap`, broken between items only; an item wider than a line is wrapped as text is.
pub(super) fn flow(items: &[String], gap: &str, cells: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for item in items {
        match lines.last_mut() {
            Some(line) if width(line) + width(gap) + width(item) <= cells => {
                line.push_str(gap);
                line.push_str(item);
            }
            _ => lines.extend(wrap(item, cells)),
        }
    }
    lines
}

/// Where a word that is wider than a line is broken: behind a mark that joins its parts (of a path, an address, a host
/// name) if that leaves more than half a line, else where the line ends.
fn break_in(word: &str, cells: usize) -> usize {
    let end = fitting(word, cells);
    let head = word.get(..end).unwrap_or_default();
    let behind_mark = head.rfind(['/', ':', '.', '-', '_', ' ']).map_or(0, |mark| mark + 1);
    if behind_mark > end / 2 { behind_mark } else { end }
}

/// `text` cut to `cells`, with `mark` as its last characters where something was cut.
pub(super) fn cut(text: &str, cells: usize, mark: &str) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let keep = fitting(text, cells.saturating_sub(width(mark)));
    format!("{}{mark}", text.get(..keep).unwrap_or_default().trim_end())
}

/// The widest cell of each column. Rows may differ in length.
pub(super) fn column_widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect()
}

/// A whole number with a comma at every third digit: `1,204`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 packet`, `1,204 packets`: for nouns whose plural ends in `s`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// The byte length of the longest beginning of `text` that fits into `cells`; at least one character, so that a loop
/// over what is left ends.
fn fitting(text: &str, cells: usize) -> usize {
    let mut used = 0;
    for (offset, c) in text.char_indices() {
        used += UnicodeWidthChar::width(c).unwrap_or(0);
        if used > cells && offset > 0 {
            return offset;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_long_words_break() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(wrap("2001:db8::1:2", 11), ["2001:db8::", "1:2"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("  a   b ", 9), ["a b"]);
    }

    #[test]
    fn wide_characters_take_two_cells() {
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("日本", 1), ["日", "本"]);
        assert_eq!(pad("日", 4), "日  ");
        assert_eq!(cut("日本語", 5, "…"), "日本…");
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = "supercalifragilistic 2001:db8:85a3::8a2e:370:7334 日本語のテキスト and so on";
        for cells in 2..60 {
            for line in wrap(text, cells) {
                assert!(width(&line) <= cells, "{line:?} at {cells}");
            }
        }
    }

    #[test]
    fn items_stay_whole() {
        let items = ["1 packet", "54 s", "client 10.0.0.1"].map(str::to_owned);
        assert_eq!(flow(&items, "   ", 20), ["1 packet   54 s", "client 10.0.0.1"]);
    }

    #[test]
    fn numbers_have_separators() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(count(1, "packet"), "1 packet");
        assert_eq!(count(0, "packet"), "0 packets");
    }
}
