//! What holds for the formats as a whole.

use std::path::Path;

use super::layout::width;
use super::{Format, Style, closing_line, manifest, render, samples};
use crate::report::{Outcome, Report, Verdict};

fn drawn(report: &Report, format: Format, style: &Style) -> String {
    let mut out = vec![];
    render(report, &samples::run(), format, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn table(report: &Report, width: usize, symbols: bool, verbose: u8) -> String {
    drawn(report, Format::Table, &Style { width, symbols, verbose, ..Style::default() })
}

fn everything() -> Vec<(&'static str, Report)> {
    vec![
        ("blocked-vpn", samples::blocked_vpn()),
        ("all-seen", samples::all_seen()),
        ("nothing-seen", samples::nothing_seen()),
        ("many-inputs", samples::many_inputs()),
        ("hostile", samples::hostile()),
    ]
}

#[test]
fn no_line_is_wider_than_the_page() {
    for (name, report) in everything() {
        let filters: Vec<String> =
            report.findings.iter().map(|f| crate::text::visible(&f.display_filter).into_owned()).collect();
        for cells in [60, 80, 100, 120, 200] {
            for (symbols, verbose) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
                for line in table(&report, cells, symbols, verbose).lines() {
                    let whole_filter = filters.iter().any(|filter| filter == line);
                    assert!(width(line) <= cells || whole_filter, "{name} at {cells}: {line}");
                    assert_eq!(line.trim_end(), line, "{name}");
                }
            }
        }
    }
}

#[test]
fn nothing_acts_on_the_terminal() {
    for (name, report) in everything() {
        for verbose in [0, 1] {
            let text = table(&report, 80, true, verbose);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{name}");
            assert!(!text.contains('\u{202e}') && !text.lines().any(|line| line.starts_with("forged")), "{name}");
        }
    }
}

#[test]
fn a_pipe_gets_ascii_and_a_terminal_gets_colour() {
    assert!(table(&samples::blocked_vpn(), 80, false, 1).is_ascii());
    let style = Style { width: 80, symbols: true, colour: true, ..Style::default() };
    let text = drawn(&samples::blocked_vpn(), Format::Table, &style);
    assert!(text.contains("\u{1b}[") && text.contains('✗'));
    let mut out = anstream::StripStream::new(vec![]);
    std::io::Write::write_all(&mut out, text.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(out.into_inner()).unwrap(), table(&samples::blocked_vpn(), 80, true, 0));
}

#[test]
fn quiet_is_one_line() {
    let style = Style { quiet: true, ..Style::default() };
    assert_eq!(
        drawn(&samples::blocked_vpn(), Format::Table, &style),
        "Not compliant: 1 blocked, 1 seen, 10 not seen, 1 unexpected flow.\n"
    );
}

#[test]
fn the_closing_line_says_why() {
    assert_eq!(closing_line(&samples::all_seen()), "Compliant: 2 seen, 10 not seen.");
    assert_eq!(closing_line(&samples::nothing_seen()), "Inconclusive: no packet of any required service; 12 not seen.");

    let mut report = samples::nothing_seen();
    report.totals.packets = 0;
    assert!(closing_line(&report).contains("the capture holds no packet"));
    report.inputs[0].error = Some("gone".into());
    assert!(closing_line(&report).contains("no input could be read"));

    let mut report = samples::all_seen();
    report.outcome = Outcome::NonCompliant;
    samples::named(&mut report, "fsso").required = true;
    assert_eq!(closing_line(&report), "Not compliant: fsso was required and not shown to work; 2 seen, 10 not seen.");

    let mut report = samples::all_seen();
    report.outcome = Outcome::Inconclusive;
    samples::named(&mut report, "syslog").verdict = Verdict::Inconclusive;
    assert_eq!(
        closing_line(&report),
        "Inconclusive: this capture cannot answer for syslog; 1 inconclusive, 1 seen, 10 not seen."
    );
    assert!(closing_line(&samples::many_inputs()).ends_with(" 1 of 12 inputs could not be read."));
}

#[test]
fn tables_as_people_see_them() {
    for (name, report) in everything() {
        for cells in [80, 120] {
            insta::assert_snapshot!(format!("{name}-{cells}"), table(&report, cells, false, 0));
        }
    }
    insta::assert_snapshot!("blocked-vpn-80-verbose", table(&samples::blocked_vpn(), 80, false, 1));
    insta::assert_snapshot!("many-inputs-120-verbose-terminal", table(&samples::many_inputs(), 120, true, 1));
    insta::assert_snapshot!("blocked-vpn-terminal-100", table(&samples::blocked_vpn(), 100, true, 1));
}

/// `"services.pairs.tls"` for every key, in the order of the text.
fn keys(value: &serde_json::Value, path: &str, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{path}.{key}");
                if !out.contains(&path) {
                    out.push(path.clone());
                }
                keys(value, &path, out);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, path, out)),
        _ => {}
    }
}

/// The keys of each object of the contract's example, in its order.
const CONTRACT: &[(&str, &str)] = &[
    ("", "schema tool profile outcome inputs totals services findings unexpected background limits notes"),
    (".tool", "name version"),
    (".profile", "id version title sha256"),
    (
        ".inputs",
        "path sha256 format compression vantage link_types packets bytes first_time last_time truncated_packets \
         dropped_packets damage error",
    ),
    (".inputs.damage", "offset frame kind message"),
    (
        ".totals",
        "packets ip_packets undecoded_packets duplicate_packets flows tcp_packets udp_packets icmp_errors esp_packets \
         ike_packets nat_t_esp_packets nat_t_keepalives accounted",
    ),
    (".totals.accounted", "services unexpected background icmp_errors duplicates filtered not_ip undecoded evicted"),
    (
        ".services",
        "id name usage direction required verdict cause confidence confidence_reason attribution candidates transports \
         pairs findings",
    ),
    (
        ".services.transports",
        "id protocol port verdict cause flows packets_out packets_in bytes_out bytes_in first_frame last_frame",
    ),
    (".services.transports.first_frame", "input frame"),
    (
        ".services.pairs",
        "client server server_name verdict cause confidence confidence_reason attribution transports first_time \
         last_time retransmissions rtt_ms nat encapsulation cleartext tls ike findings",
    ),
    (".services.pairs.tls", "version server_name alpn certificate_subject certificate_issuer alert"),
    (".services.pairs.ike", "version notifies proposal vendor_ids"),
    (
        ".findings",
        "code severity service transport client server server_name summary explanation remedy also_seen confidence \
         confidence_reason suspect evidence sequence evidence_total display_filter",
    ),
    (".findings.evidence", "input frame time note"),
    (".findings.sequence", "input frame time from to label note missing"),
    (
        ".unexpected",
        "client server server_name protocol port state hint flows packets_out packets_in first_frame first_time",
    ),
    (".background", "kind flows packets"),
    (".limits", "evicted_flows evicted_evidence unlisted_unexpected"),
];

/// `many_inputs` fills every list; `hostile` has TLS.
fn json_keys() -> Vec<String> {
    let mut all = vec![];
    for report in [samples::many_inputs(), samples::hostile()] {
        let text = drawn(&report, Format::Json, &Style::default());
        assert!(text.ends_with("}\n"));
        keys(&serde_json::from_str(&text).unwrap(), "", &mut all);
    }
    all
}

#[test]
fn json_has_the_contracts_keys_in_the_contracts_order() {
    let all = json_keys();
    for (path, wanted) in CONTRACT {
        let places: Vec<_> = wanted
            .split_whitespace()
            .map(|key| {
                let key = format!("{path}.{key}");
                all.iter().position(|have| *have == key).unwrap_or_else(|| panic!("{key} is missing"))
            })
            .collect();
        assert!(places.is_sorted(), "{path}: {wanted}");
    }
}

#[test]
fn json_times_are_utc_and_the_unknown_is_null() {
    let value: serde_json::Value =
        serde_json::from_str(&drawn(&samples::blocked_vpn(), Format::Json, &Style::default())).unwrap();
    assert_eq!(value["inputs"][0]["first_time"], "2026-11-24T14:02:11.000000000Z");
    assert!(value["inputs"][0]["dropped_packets"].is_null());
    assert_eq!(value["services"][5]["transports"][2]["cause"], "nat-t-no-reply");
    assert!(value["services"][5]["transports"][1]["port"].is_null());
    assert_eq!(value["services"][0]["verdict"], "seen");
    assert_eq!(value["services"][1]["verdict"], "not-seen");
    assert!(value["services"][1]["cause"].is_null());
}

#[test]
fn json_lines_say_the_same_as_the_document() {
    let report = samples::many_inputs();
    let document: serde_json::Value = serde_json::from_str(&drawn(&report, Format::Json, &Style::default())).unwrap();
    let text = drawn(&report, Format::Jsonl, &Style::default());
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(text.lines().all(|line| line.starts_with("{\"type\":\"")));

    let of_type = |wanted: &str| -> Vec<serde_json::Value> {
        let mut found: Vec<_> = lines.iter().filter(|line| line["type"] == wanted).cloned().collect();
        found.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().shift_remove("type")));
        found
    };
    for (kind, list) in [
        ("input", "inputs"),
        ("service", "services"),
        ("finding", "findings"),
        ("unexpected", "unexpected"),
        ("background", "background"),
    ] {
        assert_eq!(serde_json::Value::from(of_type(kind)), document[list], "{kind}");
    }
    let pairs = of_type("pair");
    assert_eq!(pairs.len(), report.services.iter().map(|service| service.pairs.len()).sum::<usize>());
    assert_eq!(pairs[0]["service"], "telemetry");
    let last = lines.last().unwrap();
    assert_eq!(last["type"], "result");
    for key in ["schema", "tool", "profile", "outcome", "totals", "limits", "notes"] {
        assert_eq!(last[key], document[key], "{key}");
    }
}

#[test]
fn the_manifest_names_the_run_the_inputs_and_the_hash() {
    let text = manifest(&samples::many_inputs(), &samples::run(), b"abc");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    // SHA-256 of "abc", FIPS 180-4.
    assert_eq!(value["csv"]["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(value["run"]["command_line"][1], "check");
    assert_eq!(value["run"]["time_zone"], "UTC");
    assert_eq!(value["inputs"][10]["dropped_packets"], 1_500);
    assert_eq!(value["results"]["services"]["blocked"], 1);
    assert_eq!(value["results"]["findings"]["error"], 1);
}

#[test]
fn the_format_comes_from_the_ending() {
    for (path, format) in [
        ("a.json", Some(Format::Json)),
        ("a.b.JSONL", Some(Format::Jsonl)),
        ("dir.csv/x.csv", Some(Format::Csv)),
        ("x.txt", Some(Format::Table)),
        ("x.pcap", None),
        ("json", None),
    ] {
        assert_eq!(Format::from_path(Path::new(path)), format, "{path}");
    }
}
