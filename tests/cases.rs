//! Every folder of `fixtures/` is a case: a capture, and in `case.toml` what the program must say of it.
//!
//! Adding a case is adding a folder. `case.toml` has `shows` and `made_by` in words, the `capture`, perhaps a `site` file and
//! more `arguments`, the exit `status`, what is `unexpected` and its `hints`, words that the report `prints`, and a table for each
//! service that has packets. Services that it does not name must be `not-seen` or `not-needed`. The table of a service may say what
//! its root finding shows, under `finding`: frames that it `cites`, the `suspect`, labels of the ladder in order (`sequence`) and the
//! one that is `missing`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers are tests")]

mod util;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;
use util::{Accepted, WIDTH, accepts_cause, accepts_verdict, row, verdict};

/// One `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    shows: String,
    made_by: String,
    capture: String,
    site: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    status: i32,
    /// `tcp/3389`, or the protocol alone where it has no ports.
    #[serde(default)]
    unexpected: BTreeSet<String>,
    /// Words that the hint of some unexpected flow has.
    #[serde(default)]
    hints: Vec<String>,
    /// Words that the report for people prints, wherever its lines break.
    #[serde(default)]
    prints: Vec<String>,
    #[serde(default)]
    services: BTreeMap<String, Accepted>,
}

impl Case {
    fn read(folder: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(folder.join("case.toml")).map_err(|error| format!("case.toml: {error}"))?;
        let case: Self = toml::from_str(&text).map_err(|error| format!("case.toml: {error}"))?;
        if case.shows.is_empty() || case.made_by.is_empty() {
            return Err("case.toml: shows and made_by must say something".to_owned());
        }
        Ok(case)
    }

    fn arguments(&self) -> impl Iterator<Item = &str> {
        let site = self.site.iter().flat_map(|site| ["--site", site]);
        [self.capture.as_str()].into_iter().chain(site).chain(self.arguments.iter().map(String::as_str))
    }
}

#[test]
fn every_case_is_judged_as_it_says() {
    let folders = folders();
    assert!(!folders.is_empty(), "no cases");
    let failing: Vec<String> = folders.iter().filter_map(|folder| failure(folder)).collect();
    assert!(failing.is_empty(), "{} of {} cases fail:\n{}", failing.len(), folders.len(), failing.join("\n"));
}

fn folders() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<_> = fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// The case's name and all that is wrong with it.
fn failure(folder: &Path) -> Option<String> {
    let wrong = differences(folder).unwrap_or_else(|problem| vec![problem]);
    let name = folder.file_name().unwrap_or_default().display();
    (!wrong.is_empty()).then(|| format!("{name}\n    {}", wrong.join("\n    ")))
}

fn differences(folder: &Path) -> Result<Vec<String>, String> {
    let case = Case::read(folder)?;
    let run = util::check(folder, case.arguments().chain(["--format", "json"]))?;
    let report = run.report()?;
    let mut wrong = Vec::new();
    if run.status != case.status {
        wrong.push(format!("exit status: expected {}, got {}", case.status, run.status));
    }
    services(&case, &report, &mut wrong);
    unexpected(&case, &report, &mut wrong);
    accounted(&report, &mut wrong);
    evidence(&report, &mut wrong);
    table(&case, folder, &mut wrong)?;
    Ok(wrong)
}

fn services(case: &Case, report: &Value, wrong: &mut Vec<String>) {
    let reported = util::list(&report["services"]);
    for id in case.services.keys().filter(|id| row(&report["services"], id).is_null()) {
        wrong.push(format!("{id}: not in the report"));
    }
    for service in reported {
        let id = service["id"].as_str().unwrap_or("a service without id");
        let accepted = case.services.get(id);
        if !accepts_verdict(accepted, verdict(service)) {
            let expected =
                accepted.map_or("not-seen or not-needed".to_owned(), |accepted| accepted.verdict.join(" or "));
            wrong.push(format!("{id}: expected {expected}, got {} ({})", verdict(service), service["cause"]));
        }
        let Some(accepted) = accepted else { continue };
        if !accepts_cause(accepted, service) {
            wrong.push(format!("{id}: expected cause {}, got {}", accepted.cause.join(" or "), service["cause"]));
        }
        let summary = service["summary"].as_str().unwrap_or_default();
        if let Some(words) = accepted.says.as_ref().filter(|words| !summary.contains(words.as_str())) {
            wrong.push(format!("{id}: {words:?} is not said: {summary:?}"));
        }
        for (transport, expected) in &accepted.transports {
            let got = verdict(row(&service["transports"], transport));
            if !expected.iter().any(|expected| expected == got) {
                wrong.push(format!("{id}.{transport}: expected {}, got {got}", expected.join(" or ")));
            }
        }
        let Some(shown) = &accepted.finding else { continue };
        let lacking = shown.lacking(util::root_finding(report, service), &service["cause"]);
        wrong.extend(lacking.iter().map(|lacking| format!("{id}: {lacking}")));
    }
}

fn unexpected(case: &Case, report: &Value, wrong: &mut Vec<String>) {
    let groups = util::list(&report["unexpected"]);
    let got: BTreeSet<String> = groups.iter().map(flow_group).collect();
    if got != case.unexpected {
        wrong.push(format!("unexpected: expected {:?}, got {got:?}", case.unexpected));
    }
    let hints: Vec<&str> = groups.iter().filter_map(|group| group["hint"].as_str()).collect();
    for words in case.hints.iter().filter(|words| !hints.iter().any(|hint| hint.contains(words.as_str()))) {
        wrong.push(format!("unexpected: {words:?} is no hint: {hints:?}"));
    }
}

fn flow_group(group: &Value) -> String {
    let protocol = group["protocol"].as_str().unwrap_or("missing");
    group["port"].as_u64().map_or_else(|| protocol.to_owned(), |port| format!("{protocol}/{port}"))
}

/// Each record is in exactly one place.
fn accounted(report: &Value, wrong: &mut Vec<String>) {
    let totals = &report["totals"];
    let places = totals["accounted"].as_object().map(|places| places.values().filter_map(Value::as_u64).sum::<u64>());
    if places.is_none() || places != totals["packets"].as_u64() {
        wrong.push(format!("accounted: {}, of {} packets", totals["accounted"], totals["packets"]));
    }
}

/// Frames that a list keeps (`flow::KEPT_MARKS` and the last one): no finding with fewer hides any.
const KEPT: u64 = 9;

/// Every finding cites frames, each once, and counts all that bear on it, each once.
fn evidence(report: &Value, wrong: &mut Vec<String>) {
    for finding in util::list(&report["findings"]) {
        let cited: BTreeSet<u64> =
            util::list(&finding["evidence"]).iter().filter_map(|proof| proof["frame"].as_u64()).collect();
        let (shown, total) = (cited.len() as u64, finding["evidence_total"].as_u64().unwrap_or(0));
        if shown == 0
            || shown != util::list(&finding["evidence"]).len() as u64
            || total < shown
            || shown < total.min(KEPT)
        {
            wrong.push(format!("{}: evidence {cited:?}, {total} in all", finding["code"]));
        }
    }
}

/// The plain table, as it goes into a pipe.
fn table(case: &Case, folder: &Path, wrong: &mut Vec<String>) -> Result<(), String> {
    let run = util::check(folder, case.arguments())?;
    if run.stdout.trim().is_empty() {
        wrong.push("the table is empty".to_owned());
    }
    let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in case.prints.iter().filter(|wanted| !words.contains(wanted.as_str())) {
        wrong.push(format!("not printed: {wanted:?}:\n{}", run.stdout));
    }
    // A display filter stands on one line, to be copied; a file's name stands whole.
    let is_filter = |line: &str| line.contains("ip.addr == ") || line.contains("ipv6.addr == ");
    for line in run.stdout.lines().skip(1).filter(|line| line.width() > WIDTH && !is_filter(line)) {
        wrong.push(format!("{} columns, at most {WIDTH}: {line}", line.width()));
    }
    Ok(())
}
