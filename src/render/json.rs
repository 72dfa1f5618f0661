//! The report as one JSON document: the contract's field names and order are those of the types.

use std::io;

use crate::report::Report;

/// Writes the document, indented by two, with a line break at its end.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    out.write_all(b"\n")
}
