//! The report as JSON lines: one object a line, each with its `type` first, then the fields that the same thing has
//! in the JSON document.
//!
//! A `service` line keeps its `pairs`, so that it says the same as in the document. Each pair has a line of its own
//! besides, with the `service` that it belongs to, for those who read pair by pair. Frame references and findings
//! are numbered as in the document: the first `input` line is input 0, the first `finding` line is finding 0. The
//! `result` line comes last, so that a reader who saw it has seen all.

use std::io;

use serde::Serialize;

use crate::report::{Limits, Outcome, Pair, ProfileRef, Report, Tool, Totals};

/// Writes the lines: inputs, services each followed by its pairs, findings, unexpected, background, result.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for input in &report.inputs {
        line("input", input, out)?;
    }
    for service in &report.services {
        line("service", service, out)?;
        for pair in &service.pairs {
            line("pair", &PairOf { service: &service.id, pair }, out)?;
        }
    }
    for finding in &report.findings {
        line("finding", finding, out)?;
    }
    for unexpected in &report.unexpected {
        line("unexpected", unexpected, out)?;
    }
    for background in &report.background {
        line("background", background, out)?;
    }
    line("result", &RunResult::of(report), out)
}

/// Any body behind its `type`.
#[derive(Serialize)]
struct Line<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

#[derive(Serialize)]
struct PairOf<'a> {
    service: &'a str,
    #[serde(flatten)]
    pair: &'a Pair,
}

/// What the document says of the run as a whole.
#[derive(Serialize)]
struct RunResult<'a> {
    schema: &'static str,
    tool: &'a Tool,
    profile: &'a ProfileRef,
    outcome: Outcome,
    totals: &'a Totals,
    limits: &'a Limits,
    notes: &'a [String],
}

impl<'a> RunResult<'a> {
    fn of(report: &'a Report) -> Self {
        let Report { schema, tool, profile, outcome, totals, limits, notes, .. } = report;
        RunResult { schema, tool, profile, outcome: *outcome, totals, limits, notes }
    }
}

fn line<T: Serialize>(kind: &'static str, body: &T, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { kind, body })?;
    out.write_all(b"\n")
}
