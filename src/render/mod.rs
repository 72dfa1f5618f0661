//! A report as people and programs read it: one small file per format, all drawn from [`Report`] and nothing else.

mod csv;
mod explain;
mod json;
mod jsonl;
mod layout;
mod manifest;
mod page;
mod table;
mod words;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

pub use explain::{explain, list_causes};
pub use manifest::manifest;
pub use table::{Style, closing_line};

use crate::report::{Report, Run};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, on a terminal or in a text file.
    Table,
    /// One document, `portproof.report.v1`.
    Json,
    /// One object a line.
    Jsonl,
    /// The audit file.
    Csv,
}

impl Format {
    /// The format that a file name's ending asks for: `.txt`, `.json`, `.jsonl`, `.csv`, in any letter case.
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Format::Table),
            "json" => Some(Format::Json),
            "jsonl" => Some(Format::Jsonl),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

/// Writes `report` in `format`. `run` reaches the CSV only, `style` the table only. `out` is written in
/// small pieces, so it should be buffered.
///
/// # Errors
/// What writing to `out` gives.
pub fn render(report: &Report, run: &Run, format: Format, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, style, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Csv => csv::write(report, run, out),
    }
}
