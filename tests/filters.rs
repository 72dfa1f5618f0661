//! Every finding's display filter, run by tshark over the capture that the finding is about: it selects each frame that the
//! finding cites, and nothing of other conversations.
//!
//! Without tshark these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test's helpers are tests")]

mod util;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use util::captures::{Known, cases, in_parallel, laboratory};

/// ICMP errors that quote the packet which they answer (RFC 792 and RFC 4443).
const ICMP_ERRORS: [&str; 4] = ["3", "5", "11", "12"];
const ICMPV6_ERRORS: [&str; 4] = ["1", "2", "3", "4"];

/// Frames of elsewhere that a finding cites: they show that the capture could have held an answer, or that it lacks one direction.
const OF_ELSEWHERE: [&str; 2] = ["witness", "acts on a packet that the capture lacks"];

/// What tshark tells of a frame.
const FIELDS: [&str; 7] = ["frame.number", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "icmp.type", "icmpv6.type"];

#[test]
fn filters_of_the_cases_select_what_is_cited() {
    select(&findings(&cases()));
}

#[test]
fn filters_of_the_laboratory_select_what_is_cited() {
    // One finding of each kind: starting tshark takes longer than all the rest.
    let mut kinds: BTreeSet<[String; 3]> = findings(&cases()).iter().map(Filtered::kind).collect();
    let mut findings = findings(&laboratory());
    findings.retain(|filtered| kinds.insert(filtered.kind()));
    select(&findings);
}

/// A finding and the capture that it is about.
struct Filtered {
    name: String,
    capture: PathBuf,
    finding: Value,
}

impl Filtered {
    /// What makes its filter what it is: the cause, the transport, and the filter but for numbers.
    fn kind(&self) -> [String; 3] {
        let filter = self.filter().split(|c: char| c.is_ascii_hexdigit() || c == ':' || c == '.').collect();
        [self.finding["code"].to_string(), self.finding["transport"].to_string(), filter]
    }

    fn filter(&self) -> &str {
        self.finding["display_filter"].as_str().unwrap_or_default()
    }
}

fn select(findings: &[Filtered]) {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("no tshark: skipped");
        return;
    }
    let wrong = in_parallel(findings, |filtered| {
        let problems = compared(filtered).unwrap_or_else(|complaint| vec![complaint]).into_iter();
        let what = format!("{}: {}: {}", filtered.name, filtered.finding["code"], filtered.filter());
        problems.map(|problem| format!("{what}: {problem}")).collect::<Vec<_>>()
    })
    .concat();
    assert!(wrong.is_empty(), "{} findings, {} wrong:\n{}", findings.len(), wrong.len(), wrong.join("\n"));
}

/// Every finding that has a filter.
fn findings(all: &[Known]) -> Vec<Filtered> {
    let of = |known: &Known| {
        let site = known.site.iter().flat_map(|site| ["--site", site]);
        let arguments = [known.capture.as_str(), "--format", "json"].into_iter().chain(site);
        // Captures of formats that are not read are counted by other tests.
        let report = util::check(&known.folder, arguments).and_then(|run| run.report()).unwrap_or_default();
        let filtered = |finding: &Value| Filtered {
            name: known.name.clone(),
            capture: known.folder.join(&known.capture),
            finding: finding.clone(),
        };
        util::list(&report["findings"]).iter().map(filtered).collect::<Vec<_>>()
    };
    let mut findings: Vec<Filtered> = in_parallel(all, of).into_iter().flatten().collect();
    findings.retain(|filtered| !filtered.filter().is_empty());
    findings
}

/// What is wrong with one finding's filter.
fn compared(filtered: &Filtered) -> Result<Vec<String>, String> {
    let finding = &filtered.finding;
    let selected = selected(&filtered.capture, filtered.filter())?;
    let cited: BTreeSet<u64> = util::list(&finding["evidence"])
        .iter()
        .filter(is_of_here)
        .filter_map(|cited| cited["frame"].as_u64())
        .collect();
    let mut problems = Vec::new();
    let lost: Vec<&u64> = cited.iter().filter(|frame| !selected.contains_key(frame)).collect();
    if !lost.is_empty() {
        problems.push(format!("does not select {lost:?}, which it cites"));
    }
    // Where no address of the server is known, its proxy or its resolver stands in for it.
    let ends: Vec<&str> = ["client", "server", "suspect"].iter().filter_map(|end| finding[*end].as_str()).collect();
    let strange: Vec<u64> = selected
        .iter()
        .filter(|(frame, packet)| !cited.contains(frame) && !packet.is_between(&ends))
        .map(|(frame, _)| *frame)
        .collect();
    if !strange.is_empty() {
        problems.push(format!("selects {strange:?} of other conversations"));
    }
    Ok(problems)
}

fn is_of_here(cited: &&Value) -> bool {
    let note = cited["note"].as_str().unwrap_or_default();
    !OF_ELSEWHERE.iter().any(|elsewhere| note.starts_with(elsewhere))
}

/// A frame that tshark selected: the packet's headers, outermost first.
struct Packet {
    sources: Vec<String>,
    destinations: Vec<String>,
    is_icmp_error: bool,
}

impl Packet {
    /// Whether it, or the packet that it quotes, went from one of the ends to the other.
    fn is_between(&self, ends: &[&str]) -> bool {
        let both =
            |(from, to): (&String, &String)| from != to && ends.contains(&from.as_str()) && ends.contains(&to.as_str());
        let mut headers = self.sources.iter().zip(&self.destinations);
        headers.next().is_some_and(both) || self.is_icmp_error && headers.any(both)
    }
}

/// The frames that a filter selects.
fn selected(capture: &Path, filter: &str) -> Result<BTreeMap<u64, Packet>, String> {
    let fields = FIELDS.iter().flat_map(|field| ["-e", field]);
    let output = Command::new("tshark")
        .args(["-n", "-r"])
        .arg(capture)
        .args(["-Y", filter, "-T", "fields"])
        .args(fields)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(packet).collect())
}

fn packet(line: &str) -> Option<(u64, Packet)> {
    let columns: Vec<Vec<&str>> = line.split('\t').map(|column| column.split(',').collect()).collect();
    let [frame, from, to, from_6, to_6, icmp, icmpv6] = columns.as_slice() else { return None };
    let all = |v4: &[&str], v6: &[&str]| {
        v4.iter().chain(v6).filter(|address| !address.is_empty()).map(|address| (*address).to_owned()).collect()
    };
    let is_icmp_error =
        icmp.iter().any(|kind| ICMP_ERRORS.contains(kind)) || icmpv6.iter().any(|kind| ICMPV6_ERRORS.contains(kind));
    Some((
        frame.first()?.parse().ok()?,
        Packet { sources: all(from, from_6), destinations: all(to, to_6), is_icmp_error },
    ))
}
