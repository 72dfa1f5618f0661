//! The binary, run as its users run it, and a report's services against what is accepted of them.

#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod captures;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use serde::Deserialize;
use serde_json::Value;

/// No capture of these tests takes a second; a run that takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The verdicts of a service that nothing was seen of.
const ABSENT: [&str; 2] = ["not-seen", "not-needed"];

/// What a service may be said to be. An empty list accepts anything, except that `verdict` is never empty.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    pub(crate) verdict: Vec<String>,
    #[serde(default)]
    pub(crate) cause: Vec<String>,
    #[serde(default)]
    pub(crate) transports: BTreeMap<String, Vec<String>>,
    /// Words of the service's summary.
    pub(crate) says: Option<String>,
    /// What the service's root finding must show, where the case says so.
    pub(crate) finding: Option<Shown>,
}

/// What a finding must show. What is left out is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    /// Its code, where that is not the service's cause: one pair failed, and the service overcame it by another.
    code: Option<String>,
    /// Frames that are among its evidence.
    #[serde(default)]
    cites: BTreeSet<u64>,
    /// The device that did it.
    suspect: Option<String>,
    /// Labels of the ladder's rungs in this order, others between them; `ESP` stands for any SPI.
    #[serde(default)]
    sequence: Vec<String>,
    /// The label of the rung that never came.
    missing: Option<String>,
}

impl Shown {
    /// What the finding does not show.
    pub(crate) fn lacking(&self, finding: &Value, cause: &Value) -> Vec<String> {
        let mut lacking = Vec::new();
        let code = self.code.as_deref().or(cause.as_str());
        if code != finding["code"].as_str() {
            lacking.push(format!("finding: expected {code:?}, got {}", finding["code"]));
        }
        let cited: BTreeSet<u64> =
            list(&finding["evidence"]).iter().filter_map(|cited| cited["frame"].as_u64()).collect();
        if !self.cites.is_subset(&cited) {
            lacking.push(format!("evidence: expected {:?} among {cited:?}", self.cites));
        }
        if self.suspect.is_some() && self.suspect.as_deref() != finding["suspect"].as_str() {
            lacking.push(format!("suspect: expected {:?}, got {}", self.suspect, finding["suspect"]));
        }
        let (missing, there): (Vec<&Value>, Vec<&Value>) =
            list(&finding["sequence"]).iter().partition(|rung| rung["missing"] == true);
        let mut labels = there.iter().map(|rung| label(rung));
        let gap = self.sequence.iter().find(|expected| !labels.any(|label| is_label(label, expected)));
        if let Some(gap) = gap {
            let got: Vec<&str> = there.iter().map(|rung| label(rung)).collect();
            lacking.push(format!("sequence: expected {:?}, no {gap} in its place in {got:?}", self.sequence));
        }
        if self.missing.is_some() && !missing.iter().any(|rung| Some(label(rung)) == self.missing.as_deref()) {
            lacking.push(format!("sequence: expected {:?} to be missing, got {missing:?}", self.missing));
        }
        lacking
    }
}

fn label(rung: &Value) -> &str {
    rung["label"].as_str().unwrap_or("no label")
}

fn is_label(label: &str, expected: &str) -> bool {
    label == expected || expected == "ESP" && label.starts_with("ESP ")
}

/// The items of a list; none where it is no list.
pub(crate) fn list(of: &Value) -> &[Value] {
    of.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The root finding of a service: the first one; null where it has none.
pub(crate) fn root_finding<'a>(report: &'a Value, service: &Value) -> &'a Value {
    let first = list(&service["findings"]).first().and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
    first.and_then(|at| report["findings"].get(at)).unwrap_or(&Value::Null)
}

/// What became of one run.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
}

impl Run {
    /// The JSON report.
    ///
    /// # Errors
    ///
    /// Says what was printed in its place.
    pub(crate) fn report(&self) -> Result<Value, String> {
        serde_json::from_str(&self.stdout).map_err(|error| format!("no report ({error}), exit status {}", self.status))
    }
}

/// The width of the table that a run draws: that of a narrow terminal.
pub(crate) const WIDTH: usize = 80;

/// Runs `portproof check` in `folder`. Captures and site files are named relative to it.
///
/// # Errors
///
/// Where it hangs, dies of a signal, or ends with a status other than 0, 1 and 2; the last of its standard error is in the text.
pub(crate) fn check<'a>(folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<Run, String> {
    let output = assert_cmd::Command::new(cargo_bin!("portproof"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .env("COLUMNS", WIDTH.to_string())
        .timeout(PATIENCE)
        .output()
        .map_err(|error| format!("not started: {error}"))?;
    match output.status.code() {
        Some(status @ 0..=2) => Ok(Run { status, stdout: String::from_utf8_lossy(&output.stdout).into_owned() }),
        _ => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            Err(format!("{}: {}", output.status, complaint.lines().last().unwrap_or_default()))
        }
    }
}

/// The verdict of a service or a transport.
pub(crate) fn verdict(of: &Value) -> &str {
    of["verdict"].as_str().unwrap_or("missing")
}

/// The row of a list whose `id` is this one; null where there is none.
pub(crate) fn row<'a>(list: &'a Value, id: &str) -> &'a Value {
    list.as_array().and_then(|rows| rows.iter().find(|row| row["id"] == id)).unwrap_or(&Value::Null)
}

/// Whether a service's verdict is accepted; one that nothing is known of must be absent.
pub(crate) fn accepts_verdict(accepted: Option<&Accepted>, got: &str) -> bool {
    match accepted {
        Some(accepted) => accepted.verdict.iter().any(|verdict| verdict == got),
        None => ABSENT.contains(&got),
    }
}

/// Whether a service's cause is accepted. Where the service may simply work, no cause is right too.
pub(crate) fn accepts_cause(accepted: &Accepted, service: &Value) -> bool {
    match service["cause"].as_str() {
        Some(cause) => accepted.cause.is_empty() || accepted.cause.iter().any(|accepted| accepted == cause),
        None => {
            accepted.cause.is_empty() || works(verdict(service)) && accepts_verdict(Some(accepted), verdict(service))
        }
    }
}

fn works(verdict: &str) -> bool {
    verdict == "seen" || ABSENT.contains(&verdict)
}
