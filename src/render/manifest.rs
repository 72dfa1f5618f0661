//! What an auditor needs beside the CSV: `report.csv.manifest.json`, the whole run and the hash of the file that it
//! stands for.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::report::{Report, Run, Severity, Verdict};

/// The `schema` field of every manifest.
const SCHEMA: &str = "portproof.manifest.v1";

/// The manifest of a CSV that was written from `report`; `csv` is the file's whole content. Indented JSON with a line
/// break at its end.
pub fn manifest(report: &Report, run: &Run, csv: &[u8]) -> String {
    let document = json!({
        "schema": SCHEMA,
        "run": run,
        "tool": report.tool,
        "profile": report.profile,
        "csv": {"sha256": sha256_hex(csv), "bytes": csv.len()},
        "outcome": report.outcome,
        "results": results(report),
        "inputs": report.inputs,
        "totals": report.totals,
        "limits": report.limits,
        "notes": report.notes,
    });
    format!("{document:#}\n")
}

/// How often each verdict was given, bad ones first, and how much else there is to read.
fn results(report: &Report) -> Value {
    let mut services = Map::new();
    for verdict in Verdict::ALL.iter().rev() {
        let count = report.services.iter().filter(|service| service.verdict == *verdict).count();
        services.insert(verdict.name().to_owned(), count.into());
    }
    let mut findings = Map::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let count = report.findings.iter().filter(|finding| finding.severity == severity).count();
        findings.insert(severity.name().to_owned(), count.into());
    }
    json!({
        "services": services,
        "pairs": report.services.iter().map(|service| service.pairs.len()).sum::<usize>(),
        "findings": findings,
        "unexpected": report.unexpected.len(),
    })
}

fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
