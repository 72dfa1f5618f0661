//! The pages about causes, and the list of them.

use std::io;

use super::Style;
use super::layout::{pad, width};
use super::page::{Page, Piece, Tone};
use crate::report::{Block, Cause, Explanation};

/// Running text wider than this is hard to read, however wide the terminal is.
const WIDEST: usize = 100;

/// Below this too few words fit on a line beside the codes.
const NARROWEST: usize = 60;

/// Writes the page of each cause. No line is wider than asked but for commands and display filters, which must stay in
/// one piece to be copied.
///
/// # Errors
/// What writing to `out` gives.
pub fn explain(causes: &[Cause], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = page(style);
    for (position, &cause) in causes.iter().enumerate() {
        if position > 0 {
            page.blank();
            page.line(vec![Piece::new(page.marks.dash.repeat(page.width), Tone::Faint)]);
            page.blank();
        }
        draw(cause, &mut page);
    }
    page.blank();
    page.hanging(vec![], Explanation::ADDRESSES, Tone::Faint);
    page.write(style.colour, out)
}

/// Writes every code with its class and meaning, a class after the other.
///
/// # Errors
/// What writing to `out` gives.
pub fn list_causes(style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = page(style);
    let codes = Cause::ALL.iter().map(|cause| width(cause.code())).max().unwrap_or(0) + 2;
    let classes = Cause::ALL.iter().map(|cause| width(cause.verdict().name())).max().unwrap_or(0) + 2;
    let heads = [("CODE", codes), ("CLASS", classes), ("IN ONE LINE", 0)];
    page.line(heads.map(|(head, cells)| Piece::new(pad(head, cells), Tone::Strong)).to_vec());
    for (position, cause) in Cause::ALL.iter().enumerate() {
        let class = cause.verdict();
        if position
            .checked_sub(1)
            .and_then(|before| Cause::ALL.get(before))
            .is_some_and(|before| before.verdict() != class)
        {
            page.blank();
        }
        let head =
            vec![Piece::plain(pad(cause.code(), codes)), Piece::new(pad(class.name(), classes), Tone::of(class))];
        page.hanging(head, cause.in_one_line(), Tone::Plain);
    }
    page.write(style.colour, out)
}

fn page(style: &Style) -> Page {
    Page::new(style.width.clamp(NARROWEST, WIDEST), style.symbols)
}

fn draw(cause: Cause, page: &mut Page) {
    let class = cause.verdict();
    page.line(vec![
        Piece::new(cause.code(), Tone::Strong),
        Piece::plain("   "),
        Piece::new(class.name(), Tone::of(class)),
    ]);
    page.hanging(vec![], cause.in_one_line(), Tone::Plain);
    for section in Explanation::of(cause).sections {
        page.blank();
        page.line(vec![Piece::new(section.heading, Tone::Strong)]);
        let mut before: Option<&Block> = None;
        for block in &section.blocks {
            // Commands stand below the words that introduce them.
            if matches!((before, block), (Some(_), Block::Text(_)) | (Some(Block::Commands(_)), _)) {
                page.blank();
            }
            match block {
                Block::Text(text) => page.hanging(vec![Piece::plain("  ")], text, Tone::Plain),
                Block::Item(text) => page.hanging(vec![Piece::plain("  - ")], text, Tone::Plain),
                Block::Commands(commands) => {
                    for command in commands {
                        page.line(vec![Piece::plain("    "), Piece::plain(command)]);
                    }
                }
            }
            before = Some(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(write: impl Fn(&Style, &mut dyn io::Write) -> io::Result<()>, style: &Style) -> String {
        let mut out = vec![];
        write(style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn all(style: &Style) -> String {
        drawn(|style, out| explain(Cause::ALL, style, out), style)
    }

    #[test]
    fn a_page_as_people_see_it() {
        let style = Style { width: 80, ..Style::default() };
        insta::assert_snapshot!("explain-80", drawn(|style, out| explain(&[Cause::NatTNoReply], style, out), &style));
        insta::assert_snapshot!("explain-list-80", drawn(list_causes, &style));
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let commands: Vec<&str> = Cause::ALL
            .iter()
            .flat_map(|cause| Explanation::of(*cause).sections)
            .flat_map(|section| section.blocks)
            .filter_map(|block| if let Block::Commands(commands) = block { Some(commands) } else { None })
            .flatten()
            .collect();
        for cells in [60, 80, 100, 200] {
            let style = Style { width: cells, ..Style::default() };
            for line in all(&style).lines().chain(drawn(list_causes, &style).lines()) {
                assert!(width(line) <= cells.min(WIDEST) || commands.contains(&line.trim_start()), "{cells}: {line}");
            }
        }
        for line in all(&Style { width: 80, ..Style::default() }).lines() {
            assert!(width(line) <= 80, "a command that is wider than 80 cells: {line}");
        }
    }

    #[test]
    fn only_colour_makes_headings_bold() {
        assert!(all(&Style::default()).is_ascii());
        assert!(!all(&Style::default()).contains('\u{1b}'));
        assert!(all(&Style { colour: true, ..Style::default() }).contains("\u{1b}[1mOn the wire\u{1b}[0m"));
    }
}
