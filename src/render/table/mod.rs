//! The report for people: what the files are, each service with what was on the wire, the findings, the rest, and
//! the answer in one line.

mod closing;
mod findings;
mod frames;
mod inputs;
mod ladder;
mod rest;
mod services;

use std::io;

pub use closing::closing_line;

use super::page::Page;
use crate::report::Report;

/// Below this the columns of the services do not fit; a narrower terminal wraps the lines itself.
const NARROWEST: usize = 60;

/// Beyond this a line of text is hard to read, however wide the terminal is.
const WIDEST: usize = 132;

/// How the table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Cells in a line. No line is wider, but for a display filter that is longer than a line: it must stay in one
    /// piece to be copied.
    pub width: usize,
    /// Whether colours are written.
    pub colour: bool,
    /// Whether Unicode marks are drawn; else ASCII, which every pipe and editor carries.
    pub symbols: bool,
    /// How often `-v` was given: above 0 every service, pair, message and flow is listed.
    pub verbose: u8,
    /// Only the closing line.
    pub quiet: bool,
}

impl Default for Style {
    /// For a file or a pipe.
    fn default() -> Self {
        Style { width: 100, colour: false, symbols: false, verbose: 0, quiet: false }
    }
}

/// Writes the table.
pub(super) fn write(report: &Report, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page::new(style.width.clamp(NARROWEST, WIDEST), style.symbols);
    if !style.quiet {
        let all = style.verbose > 0;
        inputs::draw(report, all, &mut page);
        page.blank();
        services::draw(report, all, &mut page);
        page.blank();
        findings::draw(report, all, &mut page);
        rest::draw(report, all, &mut page);
        page.blank();
    }
    closing::draw(report, style.quiet, &mut page);
    page.write(style.colour, out)
}
