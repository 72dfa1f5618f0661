//! `portproof explain`, run as its users run it.

#![allow(clippy::unwrap_used, reason = "a test's helpers are tests")]

use std::process::{Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use portproof::report::{Cause, Explanation};

#[test]
fn codes_are_explained_in_the_order_that_they_were_asked_for() {
    let output = explain(&["nat-t-no-reply", "IKE_NO_REPLY"]);
    assert_eq!(output.status.code(), Some(0));
    let text = text(&output.stdout);
    assert!(text.starts_with("nat-t-no-reply   blocked\n"), "{text}");
    assert!(text.find("\nike-no-reply   blocked\n") > text.find("\nMend it\n"), "{text}");
    for heading in Explanation::HEADINGS {
        assert_eq!(text.matches(&format!("\n{heading}\n")).count(), 2, "{heading}");
    }
}

#[test]
fn the_list_has_every_code_once() {
    let output = explain(&["--list"]);
    assert_eq!(output.status.code(), Some(0));
    let text = text(&output.stdout);
    for cause in Cause::ALL {
        let lines = text.lines().filter(|line| line.split(' ').next() == Some(cause.code()));
        let classes: Vec<_> = lines.filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(classes, [cause.verdict().name()], "{cause}");
    }
    assert_eq!(text.matches("\n\n").count(), 4, "a blank line between the five classes");
}

#[test]
fn the_width_is_kept() {
    for width in ["60", "80", "100"] {
        let columns: usize = width.parse().unwrap();
        let list = command(&["--list"]).env("COLUMNS", width).output().unwrap();
        assert!(text(&list.stdout).lines().all(|line| line.len() <= columns), "{width}");
    }
}

#[test]
fn what_is_no_code_is_status_2_with_the_nearest() {
    let output = explain(&["nat-t-no-reply", "natt-no-reply"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "nothing is explained where a code is wrong");
    let complaint = text(&output.stderr);
    assert!(complaint.starts_with("portproof: no cause has the code `natt-no-reply`; did you mean `nat-t-no-reply`"));
    assert!(complaint.contains("explain --list"), "{complaint}");

    let output = explain(&["nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "portproof: no cause has the code `nonsense`; portproof explain --list shows every code\n"
    );
}

#[test]
fn either_codes_or_the_list() {
    for arguments in [&[][..], &["--list", "ike-no-reply"], &["--frobnicate"]] {
        let output = explain(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let coloured = |arguments: &[&str], no_color: &str| {
        let output = command(arguments).env("NO_COLOR", no_color).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&["ike-no-reply"], ""));
    assert!(coloured(&["ike-no-reply", "--color=always"], ""));
    assert!(coloured(&["--list", "--color=always"], "1"));
    assert!(!coloured(&["ike-no-reply", "--color=never"], ""));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let codes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.code()).collect();
    let mut child = std::process::Command::new(cargo_bin!("portproof"))
        .arg("explain")
        .args(codes)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn the_report_names_a_code_that_explain_knows() {
    let report = assert_cmd::Command::new(cargo_bin!("portproof"))
        .args(["check", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vpn-nat-t-blocked/vpn-nat-t-blocked.pcapng")])
        .output()
        .unwrap();
    let report = text(&report.stdout);
    let code = report.trim_end().rsplit_once("portproof explain ").unwrap().1;
    assert_eq!(explain(&[code]).status.code(), Some(0));
}

fn explain(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(cargo_bin!("portproof"));
    command.arg("explain").args(arguments).env_remove("COLUMNS").env_remove("NO_COLOR").env_remove("TERM");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
