//! The page that text for people is drawn on: lines of toned text, none wider than asked, harmless to a terminal.

use std::io;

use anstyle::{AnsiColor, Style as Ansi};

use super::layout::{blanks, width, wrap};
use crate::report::Verdict;
use crate::text;

/// How a piece of text looks where there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
    Bad,
    Doubtful,
    Good,
}

impl Tone {
    /// The colour of a verdict.
    pub(super) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Blocked | Verdict::Failed | Verdict::Interrupted => Tone::Bad,
            Verdict::Degraded | Verdict::Inconclusive => Tone::Doubtful,
            Verdict::Seen => Tone::Good,
            Verdict::NotSeen | Verdict::NotNeeded => Tone::Faint,
        }
    }

    fn ansi(self) -> Ansi {
        match self {
            Tone::Plain => Ansi::new(),
            Tone::Strong => Ansi::new().bold(),
            Tone::Faint => Ansi::new().dimmed(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Doubtful => AnsiColor::Yellow.on_default(),
            Tone::Good => AnsiColor::Green.on_default(),
        }
    }
}

/// The characters that a terminal shows well and a pipe may not carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub(super) bad: &'static str,
    pub(super) good: &'static str,
    pub(super) absent: &'static str,
    pub(super) arrow: &'static str,
    pub(super) ellipsis: &'static str,
    pub(super) rail: &'static str,
    pub(super) dash: &'static str,
    pub(super) dot: &'static str,
    pub(super) tip_right: &'static str,
    pub(super) tip_left: &'static str,
}

const UNICODE: Marks = Marks {
    bad: "✗",
    good: "✓",
    absent: "–",
    arrow: "→",
    ellipsis: "…",
    rail: "│",
    dash: "─",
    dot: "·",
    tip_right: "▶",
    tip_left: "◀",
};

const ASCII: Marks = Marks {
    bad: "x",
    good: "+",
    absent: "-",
    arrow: "->",
    ellipsis: "...",
    rail: "|",
    dash: "-",
    dot: ".",
    tip_right: ">",
    tip_left: "<",
};

impl Marks {
    /// The sign before a verdict.
    pub(super) fn of(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Blocked | Verdict::Failed | Verdict::Interrupted => self.bad,
            Verdict::Degraded => "~",
            Verdict::Inconclusive => "?",
            Verdict::Seen => self.good,
            Verdict::NotSeen | Verdict::NotNeeded => self.absent,
        }
    }
}

/// A piece of text in one tone.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    text: String,
    tone: Tone,
}

impl Piece {
    /// Whatever `text` holds, nothing of it acts on a terminal.
    pub(super) fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Piece { text: text::visible(text.as_ref()).into_owned(), tone }
    }

    /// In no tone.
    pub(super) fn plain(text: impl AsRef<str>) -> Self {
        Piece::new(text, Tone::Plain)
    }
}

/// Lines in the making.
pub(super) struct Page {
    /// Cells in a line.
    pub(super) width: usize,
    /// The characters to draw with.
    pub(super) marks: Marks,
    lines: Vec<Vec<Piece>>,
}

impl Page {
    /// An empty page of that many cells.
    pub(super) fn new(width: usize, symbols: bool) -> Self {
        Page { width, marks: if symbols { UNICODE } else { ASCII }, lines: vec![] }
    }

    /// Adds a line as it is.
    pub(super) fn line(&mut self, pieces: Vec<Piece>) {
        self.lines.push(pieces);
    }

    /// Adds an empty line, unless the page is empty or has one there.
    pub(super) fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(vec![]);
        }
    }

    /// Adds `text` behind `head`, wrapped, with the lines after the first below its beginning.
    pub(super) fn hanging(&mut self, head: Vec<Piece>, text: &str, tone: Tone) {
        let indent = head.iter().map(|piece| width(&piece.text)).sum::<usize>();
        let lines = wrap(&text::visible(text), self.width.saturating_sub(indent));
        self.block(head, indent, lines, tone);
    }

    /// Adds lines that were broken already: the first behind `head`, the others indented by `indent`.
    pub(super) fn block(&mut self, mut head: Vec<Piece>, indent: usize, lines: Vec<String>, tone: Tone) {
        for line in lines {
            head.push(Piece::new(line, tone));
            self.lines.push(std::mem::replace(&mut head, vec![Piece::plain(blanks(indent))]));
        }
    }

    /// Writes the page. Without `colour` not one escape sequence is written.
    pub(super) fn write(mut self, colour: bool, out: &mut dyn io::Write) -> io::Result<()> {
        while self.lines.last().is_some_and(Vec::is_empty) {
            self.lines.pop();
        }
        for mut line in self.lines {
            trim_end(&mut line);
            for Piece { text, tone } in line {
                let ansi = if colour && !text.trim().is_empty() { tone.ansi() } else { Ansi::new() };
                write!(out, "{ansi}{text}{ansi:#}")?;
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// Takes the blanks off a line's end, over pieces.
fn trim_end(line: &mut Vec<Piece>) {
    while let Some(last) = line.last_mut() {
        last.text.truncate(last.text.trim_end().len());
        if !last.text.is_empty() {
            return;
        }
        line.pop();
    }
}
