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
        gencap::write(Order { shape, container, size: SIZE, seed: 7 }, out).unwrap();
        path
    };
    kinds.map(write).into()
}

fn report(jobs: &str, captures: &[&Path]) -> String {
    let output = assert_cmd::Command::cargo_bin("portproof")
        .unwrap()
        .args(["check", "--reproducible", "--format", "json", "--jobs", jobs])
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
        let one = report("1", &[&capture]);
        for jobs in ["2", "3", "8"] {
            assert!(report(jobs, &[&capture]) == one, "{} with {jobs} jobs", capture.display());
        }
    }
}
