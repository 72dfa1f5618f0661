//! Bytes of a capture -> analysis -> verdicts -> report -> every format.

#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portproof::analysis::Analysis;
use portproof::capture::{Capture, CaptureInfo, Options};
use portproof::engine::{self, Resources};
use portproof::flow::PortHints;
use portproof::profile::{Profile, Site};
use portproof::render::{Format, Style, render};
use portproof::report::{Input, Report, Run, Vantage};
use portproof::verdict::{self, Scope};
use portproof_fuzz::{assert_visible, assert_visible_lines};
use serde_json::Value;

/// 8 MiB: small files that unpack to more only make the fuzzer slow.
const MAX_EXPAND: u64 = 8 << 20;

/// Every service is required, so that each is spoken of.
static SCOPE: LazyLock<Scope> = LazyLock::new(|| {
    let profile = Profile::builtin("forticlient").expect("it is built in");
    let mut site = Site::default();
    site.require_all(&profile);
    Scope::new(profile, site)
});
static HINTS: LazyLock<PortHints> = LazyLock::new(|| SCOPE.hints());

fuzz_target!(|file: &[u8]| {
    let Some(analysis) = analyse(file) else { return };
    let report = report(&analysis);
    check(&report, &analysis.info);
    let again = analyse(file).expect("it was read before");
    let json = rendered(&report, Format::Json);
    assert!(json == rendered(&self::report(&again), Format::Json), "two runs give two reports");
    assert_visible_lines(&json);
    assert_visible_lines(&rendered(&report, Format::Table));
    assert_visible_lines(&rendered(&report, Format::Csv));
});

fn analyse(file: &[u8]) -> Option<Analysis> {
    let options = Options { hash: false, max_expand: MAX_EXPAND };
    let capture = Capture::from_reader(Box::new(Cursor::new(file.to_vec())), "fuzz", &options).ok()?;
    Some(engine::analyse(capture, &HINTS, Resources { threads: 2, ..Resources::default() }, &|consumed| assert!(consumed <= file.len() as u64)))
}

fn report(analysis: &Analysis) -> Report {
    let info = &analysis.info;
    let input = Input {
        path: "fuzz".into(),
        sha256: None,
        format: None,
        compression: None,
        vantage: Vantage::Unknown,
        link_types: Vec::new(),
        packets: info.packets,
        bytes: info.wire_bytes,
        first_time: info.first_time,
        last_time: info.last_time,
        truncated_packets: info.truncated_packets,
        dropped_packets: info.dropped_packets(),
        damage: Vec::new(),
        error: None,
    };
    verdict::join(&SCOPE, vec![input], vec![verdict::judge(&SCOPE, analysis, 0)])
}

fn check(report: &Report, info: &CaptureInfo) {
    let totals = &report.totals;
    assert_eq!(totals.packets, info.packets);
    assert_eq!(totals.accounted.sum(), totals.packets, "each record in exactly one place: {:?}", totals.accounted);
    assert!(totals.ip_packets <= totals.packets);
    assert!(totals.tcp_packets + totals.udp_packets + totals.esp_packets <= totals.ip_packets);
    assert!(totals.flows <= totals.packets);
    assert_eq!(totals.undecoded.iter().map(|one| one.packets).sum::<u64>(), totals.undecoded_packets);
    assert!(verdict::exit_status(report, false) <= 1);
    check_parts(report, info.packets);
}

fn rendered(report: &Report, format: Format) -> String {
    let run = Run { run_id: "fuzz".into(), command_line: Vec::new(), generated_at: None, time_zone: "UTC" };
    let style = Style { verbose: 1, ..Style::default() };
    let mut out = Vec::new();
    render(report, &run, format, &style, &mut out).expect("memory takes all");
    String::from_utf8(out).expect("a report is text")
}

/// Frames that prove something are frames of the capture, and no text does anything to a terminal.
fn check_parts(report: &Report, packets: u64) {
    let document = serde_json::to_value(report).expect("a report is JSON");
    for part in ["services", "findings", "unexpected", "totals", "notes"] {
        walk(&document[part], packets);
    }
}

fn walk(value: &Value, packets: u64) {
    match value {
        Value::String(text) => assert_visible(text),
        Value::Array(list) => list.iter().for_each(|value| walk(value, packets)),
        Value::Object(fields) => {
            if let Some(frame) = fields.get("frame").and_then(Value::as_u64) {
                assert!((1..=packets).contains(&frame), "frame {frame} of {packets}");
            }
            fields.values().for_each(|value| walk(value, packets));
        }
        _ => {}
    }
}
