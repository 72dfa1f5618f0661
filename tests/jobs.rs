//! However many threads read, and in whatever order captures are given, the report is the same to the byte.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

#[path = "../benches/gencap/mod.rs"]
#[allow(dead_code, reason = "the benchmarks use more of it")]
mod gencap;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use gencap::{Container, Order, Shape};
use tempfile::TempDir;

/// Some thirty windows: enough that threads pass each other.
const SIZE: u64 = 8 << 20;

fn captures(folder: &TempDir) -> Vec<PathBuf> {
    let kinds = [
        ("mix.pcap", Shape::Mix, Container::Pcap),
        ("mix.pcapng", Shape::Mix, Container::Pcapng),
        ("small.pcap", Shape::Small, Container::Pcap),
        ("flood.pcap", Shape::Flood, Container::Pcap),
    ];
    let write = |(name, shape, container)| {
        let path = folder.path().join(name);
        let out = BufWriter::new(File::create(&path).unwrap());
        gencap::write(Order { shape, container, size: SIZE, seed: 7, begins_s: 0 }, out).unwrap();
        path
    };
    kinds.map(write).into()
}

fn report(arguments: &[&str], captures: &[&Path]) -> String {
    let output = assert_cmd::Command::cargo_bin("portproof")
        .unwrap()
        .args(["check", "--reproducible", "--format", "json"])
        .args(arguments)
        .args(captures)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn any_number_of_jobs_gives_the_same_report() {
    let folder = TempDir::new().unwrap();
    for capture in captures(&folder) {
        let one = report(&["--jobs", "1"], &[&capture]);
        for jobs in ["2", "3", "8"] {
            assert!(report(&["--jobs", jobs], &[&capture]) == one, "{} with {jobs} jobs", capture.display());
        }
    }
}

#[test]
fn captures_that_take_all_memory_wait_for_each_other() {
    let folder = TempDir::new().unwrap();
    let captures = captures(&folder);
    let captures: Vec<&Path> = captures.iter().map(PathBuf::as_path).collect();
    let one = report(&["--jobs", "1", "--memory", "16MB"], &captures);
    for jobs in ["2", "8"] {
        assert!(report(&["--jobs", jobs, "--memory", "16MB"], &captures) == one, "with {jobs} jobs");
    }
}

#[test]
fn what_a_flood_pushes_out_is_told_and_does_not_depend_on_jobs() {
    let folder = TempDir::new().unwrap();
    let captures = captures(&folder);
    let flood: &Path = captures.last().unwrap();
    let with = |jobs: &str, memory: &str| report(&["--jobs", jobs, "--memory", memory], &[flood]);
    let one = with("1", "16MB");
    assert!(with("2", "16MB") == one && with("8", "16MB") == one);
    let report: serde_json::Value = serde_json::from_str(&one).unwrap();
    let number = |pointer: &str| report.pointer(pointer).and_then(serde_json::Value::as_u64).unwrap();
    assert!(number("/limits/evicted_flows") > 10_000, "{}", report["limits"]);
    assert!(number("/totals/accounted/evicted") >= number("/limits/evicted_flows"));
    let accounted = report["totals"]["accounted"].as_object().unwrap();
    assert_eq!(accounted.values().filter_map(serde_json::Value::as_u64).sum::<u64>(), number("/totals/packets"));

    let whole: serde_json::Value = serde_json::from_str(&with("2", "192MB")).unwrap();
    assert_eq!(whole["limits"]["evicted_flows"], 0);
    assert_eq!(whole["unexpected"].as_array().unwrap().len(), 50_000, "as many as are listed");
    assert!(whole["limits"]["unlisted_unexpected"].as_u64().unwrap() > 10_000);
}
