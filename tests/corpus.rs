//! The program against more captures than the package holds: laboratory scenarios whose truth is known, and captures of
//! other people's tools with what tshark counts in them.
//!
//! `PORTPROOF_CORPUS` names the folder that holds `lab/` and `real/`; without it these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test's helpers are tests")]

mod util;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use util::captures::{corpus, in_parallel};
use util::{Accepted, accepts_cause, accepts_verdict, row, verdict};

/// The share of services whose verdict, and whose cause, must be accepted over the families of `JUDGED`.
const LEAST_JUDGED: f64 = 0.9;

/// The share of tools' captures whose totals must all be right.
const LEAST_COUNTED: f64 = 0.9;

/// What the program must tell well.
const JUDGED: [&str; 8] = ["ike-silent", "ike-icmp", "nat-t", "tcp-reach", "icmp", "udp", "healthy", "ike-ok"];

/// Sniffer text and mirror tunnels: judged apart from the rest.
const APART: [&str; 2] = ["fortios-text", "encapsulation"];

/// The totals that tshark counts too.
const TOTALS: [&str; 8] = [
    "ip_packets",
    "tcp_packets",
    "udp_packets",
    "icmp_errors",
    "esp_packets",
    "ike_packets",
    "nat_t_esp_packets",
    "nat_t_keepalives",
];

/// Why tshark's own count may be off: headers that are bogus or cut.
const DOUBTS: [&str; 4] = ["ip_bogus", "ip_cut", "malformed_frames", "short_frames"];

#[test]
fn nothing_is_called_blocked_that_is_not() {
    let Some(corpus) = corpus() else { return };
    let scenarios = scenarios(&corpus, |family| !APART.contains(&family));
    let wrong = in_parallel(&scenarios, |scenario| {
        let report = match scenario.report() {
            Ok(report) => report,
            Err(problem) => return vec![format!("{}: {problem}", scenario.truth.name)],
        };
        let blocked = scenario.falsely_blocked(&report);
        blocked.into_iter().map(|what| format!("{}: {what} said to be blocked", scenario.truth.name)).collect()
    })
    .concat();
    assert!(wrong.is_empty(), "{} captures, {} wrong:\n{}", scenarios.len(), wrong.len(), wrong.join("\n"));
}

#[test]
fn verdicts_and_causes_are_those_of_the_laboratory() {
    let Some(corpus) = corpus() else { return };
    let scenarios = scenarios(&corpus, |family| JUDGED.contains(&family));
    let mut verdicts = Share::default();
    let mut causes = Share::default();
    for (scenario, (v, c)) in scenarios.iter().zip(in_parallel(&scenarios, Scenario::shares)) {
        for difference in v.differences.iter().chain(&c.differences) {
            println!("{}: {difference}", scenario.truth.name);
        }
        verdicts.add(v);
        causes.add(c);
    }
    let summary = format!("{} captures; verdicts {verdicts}; causes {causes}", scenarios.len());
    println!("{summary}");
    assert!(verdicts.reaches(LEAST_JUDGED) && causes.reaches(LEAST_JUDGED), "{summary}");
}

#[test]
fn totals_are_those_of_tshark() {
    let Some(corpus) = corpus() else { return };
    let real = corpus.join("real");
    let lines = fs::read_to_string(real.join("truth.jsonl")).unwrap();
    let truths = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let truths: Vec<Value> =
        truths.filter(|truth| file(truth).starts_with("a/") && real.join(file(truth)).exists()).collect();
    let mut files = Share::default();
    for (truth, wrong) in truths.iter().zip(in_parallel(&truths, |truth| miscounted(&real, truth))) {
        files.count(wrong.is_empty(), || format!("{}: {}", file(truth), wrong.join("; ")));
    }
    println!("{}", files.differences.join("\n"));
    assert!(files.reaches(LEAST_COUNTED), "totals right in {files} files:\n{}", files.differences.join("\n"));
}

/// What is known of a laboratory scenario.
#[derive(Deserialize)]
struct Truth {
    name: String,
    family: String,
    captures: Vec<TruthCapture>,
    site: Option<String>,
    services: Vec<TruthService>,
}

#[derive(Clone, Deserialize)]
struct TruthCapture {
    file: String,
    /// The other captures show the same events from elsewhere.
    #[serde(default)]
    judge: bool,
}

#[derive(Deserialize)]
struct TruthService {
    service: String,
    verdict: Vec<String>,
    #[serde(default)]
    cause: Vec<String>,
    #[serde(default)]
    transports: BTreeMap<String, Vec<String>>,
}

/// One capture to judge.
struct Scenario {
    folder: PathBuf,
    capture: String,
    truth: Truth,
    accepted: BTreeMap<String, Accepted>,
}

impl Scenario {
    fn report(&self) -> Result<Value, String> {
        let site = self.truth.site.iter().flat_map(|site| ["--site", site]);
        let arguments = [self.capture.as_str(), "--format", "json"].into_iter().chain(site);
        let report = util::check(&self.folder, arguments)?.report()?;
        if services(&report).is_empty() { Err("no services in the report".to_owned()) } else { Ok(report) }
    }

    /// Services, and transports of rightly judged services, that are `blocked` in the report and by no accepted reading.
    fn falsely_blocked(&self, report: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        for service in services(report) {
            let id = service["id"].as_str().unwrap_or_default();
            let accepted = self.accepted.get(id);
            if !accepts_verdict(accepted, verdict(service)) {
                wrong.extend((verdict(service) == "blocked").then(|| format!("{id} ({})", service["cause"])));
                continue;
            }
            for (transport, lawful) in accepted.iter().flat_map(|accepted| &accepted.transports) {
                let blocked = verdict(row(&service["transports"], transport)) == "blocked";
                if blocked && !lawful.iter().any(|lawful| lawful == "blocked") {
                    wrong.push(format!("{id}.{transport}"));
                }
            }
        }
        wrong
    }

    /// The services with packets whose verdict, and those not simply working whose cause, is an accepted one.
    fn shares(&self) -> (Share, Share) {
        let (mut verdicts, mut causes) = (Share::default(), Share::default());
        let report = self.report();
        for (id, accepted) in &self.accepted {
            let service = report.as_ref().map_or(&Value::Null, |report| row(&report["services"], id));
            let got = || match &report {
                Ok(_) => format!("{id}: {} ({})", verdict(service), service["cause"]),
                Err(problem) => format!("{id}: {problem}"),
            };
            verdicts.count(accepts_verdict(Some(accepted), verdict(service)), || {
                format!("{}, accepted {}", got(), accepted.verdict.join(" or "))
            });
            if !accepted.cause.is_empty() {
                causes.count(accepts_cause(accepted, service), || {
                    format!("{}, accepted cause {}", got(), accepted.cause.join(" or "))
                });
            }
        }
        (verdicts, causes)
    }
}

/// So many right of so many, and what was wrong.
#[derive(Default)]
struct Share {
    right: u32,
    total: u32,
    differences: Vec<String>,
}

impl Share {
    fn count(&mut self, right: bool, difference: impl FnOnce() -> String) {
        self.right += u32::from(right);
        self.total += 1;
        self.differences.extend((!right).then(difference));
    }

    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.total += other.total;
        self.differences.extend(other.differences);
    }

    /// Whether the share of right ones is this large; nothing compared is nothing reached.
    fn reaches(&self, least: f64) -> bool {
        self.total > 0 && f64::from(self.right) >= least * f64::from(self.total)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.right, self.total)
    }
}

/// What differs from tshark's count.
fn miscounted(real: &Path, truth: &Value) -> Vec<String> {
    let report = util::check(real, [file(truth), "--format", "json"]).and_then(|run| match run.report() {
        Err(_) if run.status == 2 && tshark_declined(truth) => Ok(Value::Null),
        report => report,
    });
    let report = match report {
        Ok(report) => report,
        Err(problem) => return vec![problem],
    };
    if tshark_declined(truth) {
        return Vec::new();
    }
    let packets: u64 =
        report["inputs"].as_array().into_iter().flatten().filter_map(|input| input["packets"].as_u64()).sum();
    let (counted, walked) = (truth["packets"].as_u64(), truth["records_walked"].as_u64());
    if truth["readable"] != "whole" {
        // What a plain walk does not find either, tshark made up by guessing at another record layout.
        let sound = counted.unwrap_or(0).min(walked.or(counted).unwrap_or(0));
        return if packets < sound { vec![format!("packets {packets}, sound {sound}")] } else { Vec::new() };
    }
    let mut wrong = Vec::new();
    if ![counted, walked].contains(&Some(packets)) {
        wrong.push(format!("packets {packets}, tshark {}", truth["packets"]));
    }
    let slack = DOUBTS.iter().filter_map(|doubt| truth[doubt].as_u64()).max().unwrap_or(0);
    for name in TOTALS {
        let Some(inner) = truth[name].as_u64() else { continue };
        // Where tshark unwraps a tunnel that a reader need not, either count is lawful.
        let outer = truth[format!("outer_{name}")].as_u64().unwrap_or(inner);
        let lawful = inner.min(outer).saturating_sub(slack)..=inner.max(outer) + slack;
        let got = &report["totals"][name];
        if !got.as_u64().is_some_and(|got| lawful.contains(&got)) {
            wrong.push(format!("{name} {got}, lawful {} to {}", lawful.start(), lawful.end()));
        }
    }
    wrong
}

fn tshark_declined(truth: &Value) -> bool {
    truth["readable"] == "no"
}

fn file(truth: &Value) -> &str {
    truth["file"].as_str().unwrap()
}

fn services(report: &Value) -> &[Value] {
    util::list(&report["services"])
}

/// The captures to judge, one each, of the families that are asked for.
fn scenarios(corpus: &Path, asked: impl Fn(&str) -> bool) -> Vec<Scenario> {
    let folders: BTreeSet<PathBuf> =
        fs::read_dir(corpus.join("lab")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.into_iter().filter(|folder| folder.is_dir()).flat_map(judged).filter(|s| asked(&s.truth.family)).collect()
}

fn judged(folder: PathBuf) -> Vec<Scenario> {
    let text = fs::read_to_string(folder.join("truth.json")).unwrap();
    let read = || serde_json::from_str::<Truth>(&text).unwrap();
    let captures = read().captures.into_iter().filter(|capture| capture.judge);
    let scenario = |capture: TruthCapture| {
        let mut truth = read();
        let services = std::mem::take(&mut truth.services).into_iter();
        let accepted = services.map(|s| {
            (
                s.service,
                Accepted { verdict: s.verdict, cause: s.cause, transports: s.transports, says: None, finding: None },
            )
        });
        Scenario { folder: folder.clone(), capture: capture.file, accepted: accepted.collect(), truth }
    };
    captures.map(scenario).collect()
}
