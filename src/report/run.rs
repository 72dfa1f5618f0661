//! What is said of the run itself: the part of a report that does not come from packets.

use serde::Serialize;

/// One run of the program. The CSV carries its identifier in every row, the manifest carries all of it.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Identifies the run: derived from inputs, profile and options under `--reproducible`, else random.
    pub run_id: String,
    /// The command line as typed.
    pub command_line: Vec<String>,
    /// When the run began, RFC 3339 UTC; absent under `--reproducible`.
    pub generated_at: Option<crate::time::Timestamp>,
    /// What was assumed of clocks and zones.
    pub time_zone: &'static str,
}
