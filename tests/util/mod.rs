//! The binary, run as its users run it, and a report's services against what is accepted of them.

use std::collections::BTreeMap;
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    pub(crate) verdict: Vec<String>,
    #[serde(default)]
    pub(crate) cause: Vec<String>,
    #[serde(default)]
    pub(crate) transports: BTreeMap<String, Vec<String>>,
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
        .env_remove("COLUMNS")
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
