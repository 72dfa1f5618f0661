//! The mistakes of one file, each shown where it stands.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::notation::Malformed;
use crate::text::visible;

/// More would push the first ones, from which the others often follow, off the screen.
const MAX_SHOWN: usize = 20;

/// All mistakes of one file. Shown as plain text: line, the words underlined, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    name: String,
    text: String,
    list: Vec<Mistake>,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mistake {
    span: Range<usize>,
    title: String,
    label: String,
    help: Option<String>,
}

impl Mistakes {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// None yet in the file called `name`.
    pub(super) fn none(name: &str, text: &str) -> Self {
        Mistakes { name: visible(name).into_owned(), text: text.to_owned(), list: Vec::new() }
    }

    /// Adds one: `title` says what is wrong, `label` stands under the words, `help` says what would be right.
    pub(super) fn add(
        &mut self,
        span: Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        self.list.push(Mistake { span, title: title.into(), label: label.into(), help });
    }

    /// Adds a word that does not have the form it must have.
    pub(super) fn add_malformed(&mut self, span: Range<usize>, malformed: Malformed) {
        self.add(span, malformed.title, malformed.expected, malformed.help);
    }

    /// Adds a word that is none of the known ones; the help is the nearest of them, or all.
    pub(super) fn add_unknown<'a>(
        &mut self,
        span: Range<usize>,
        kind: &str,
        word: &str,
        label: impl Into<String>,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        self.add(span, format!("unknown {kind} `{word}`"), label, Some(nearest_or_all(word, known)));
    }

    /// The value, if there are none.
    pub(super) fn or<T>(mut self, value: Option<T>) -> Result<T, Mistakes> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => {
                self.list.sort_by_key(|mistake| mistake.span.start);
                Err(self)
            }
        }
    }

    /// The part of the text that can be underlined: within it, at whole characters, on one line.
    fn underlined(&self, span: &Range<usize>) -> Range<usize> {
        let is_whole = |at: &usize| self.text.is_char_boundary(*at);
        let start = (0..=span.start.min(self.text.len())).rev().find(is_whole).unwrap_or_default();
        let end = (span.end..self.text.len()).find(is_whole).unwrap_or(self.text.len()).max(start);
        let line = self.text.get(start..end).and_then(|part| part.lines().next()).unwrap_or_default();
        start..start + line.len()
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = Renderer::plain();
        let text = shown(&self.text);
        for (index, mistake) in self.list.iter().take(MAX_SHOWN).enumerate() {
            let label = visible(&mistake.label);
            let Range { start, end } = self.underlined(&mistake.span);
            let place = |at: usize| shown(self.text.get(..at).unwrap_or_default()).len();
            let annotation = AnnotationKind::Primary.span(place(start)..place(end)).label(label.as_ref());
            let snippet = Snippet::source(text.as_str()).path(self.name.as_str()).annotation(annotation);
            let title = visible(&mistake.title);
            let mut group: Group<'_> = Level::ERROR.primary_title(title.as_ref()).element(snippet);
            let help = mistake.help.as_deref().map(visible);
            if let Some(help) = &help {
                group = group.element(Level::HELP.message(help.as_ref()));
            }
            write!(f, "{}{}", if index == 0 { "" } else { "\n\n" }, renderer.render(&[group]))?;
        }
        match self.list.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n\n... and {more} more in {}", self.name),
        }
    }
}

/// The text of a file made visible, but for what lays it out.
fn shown(text: &str) -> String {
    const LAYOUT: [char; 3] = ['\n', '\r', '\t'];
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(LAYOUT) {
        let words = piece.trim_end_matches(LAYOUT);
        out.push_str(&visible(words));
        out.push_str(piece.get(words.len()..).unwrap_or_default());
    }
    out
}

/// `did you mean ...` where a known word is near enough, else all of them.
pub(super) fn nearest_or_all<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            format!("expected one of {}", known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The known word that `word` begins, or is likely to be a slip of: at most one letter in three differs.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace('_', "-");
    let word = plain(word);
    let (distance, near) = known.iter().map(|near| (distance(&word, &plain(near)), *near)).min_by_key(|pair| pair.0)?;
    if distance <= (near.chars().count() / 3).max(1) {
        return Some(near);
    }
    // Of two letters or fewer, it could begin anything.
    let mut longer = known.iter().filter(|near| word.len() > 2 && plain(near).starts_with(&word));
    longer.next().copied().filter(|_| longer.next().is_none())
}

/// Levenshtein's distance: insertions, deletions and substitutions of one letter.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut above_left = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.chars().zip(row.iter().skip(1)) {
            left = (above_left + usize::from(from != to)).min(left + 1).min(above + 1);
            above_left = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Mistakes, distance, nearest, nearest_or_all};

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("gateway", "gateway"), 0);
        assert_eq!(distance("gatway", "gateway"), 1);
    }

    #[test]
    fn only_near_words_are_proposed() {
        assert_eq!(nearest("Gatway", &["ems", "gateway"]), Some("gateway"));
        assert_eq!(nearest("business-need", &["approval", "business_need"]), Some("business_need"));
        assert_eq!(nearest("firewall", &["ems", "gateway"]), None);
        assert_eq!(nearest("ipsec", &["ssl-vpn", "ipsec-vpn"]), Some("ipsec-vpn"));
        assert_eq!(nearest("forti", &["fortiguard-rating", "fortiguard-cbbs"]), None);
        assert_eq!(nearest("x", &[]), None);
        assert_eq!(nearest_or_all("firewall", ["ems", "gateway"]), "expected one of `ems`, `gateway`");
    }

    #[test]
    fn odd_spans_and_odd_text_are_shown_all_the_same() {
        let text = "a = 1\r\nb = \"\u{1b}[31m\u{fc}\u{202e}\"\tx\nlast";
        for start in 0..text.len() + 2 {
            for end in start..text.len() + 3 {
                let mut mistakes = Mistakes::none("evil\u{1b}.toml", text);
                mistakes.add(start..end, "wrong \u{1b}[31m", "here\n", None);
                let shown = mistakes.or::<()>(None).unwrap_err().to_string();
                assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
            }
        }
    }

    #[test]
    fn marks_without_width_are_shown_and_the_right_words_underlined() {
        let text = "a\u{feff}\u{2028} = \tb\u{200f}c\n";
        let mut mistakes = Mistakes::none("m.toml", text);
        mistakes.add(text.find('b').unwrap()..text.len() - 1, "wrong", "here", None);
        let shown = mistakes.or::<()>(None).unwrap_err().to_string();
        assert!(shown.contains("a\\u{feff}\\u{2028} =     b\\u{200f}c"), "{shown}");
        assert!(shown.contains(&format!(" {} here", "^".repeat(10))), "{shown}");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut mistakes = Mistakes::none("m.toml", "a");
        (0..25).for_each(|_| mistakes.add(0..1, "wrong", "here", None));
        let mistakes = mistakes.or::<()>(None).unwrap_err();
        assert_eq!(mistakes.count(), 25);
        assert!(mistakes.to_string().ends_with("... and 5 more in m.toml"));
    }
}
