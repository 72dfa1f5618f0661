//! The audit file: RFC 4180, UTF-8, CRLF, a header row, the contract's columns.
//!
//! One row per service, pair and transport that the pair used; a service without packets has a row per transport with
//! empty addresses, so that the denominator is there; then one row per group of unexpected flows.

use std::io;

use serde::Serialize;

use crate::render::words;
use crate::report::{Cause, Finding, FrameRef, Input, Pair, Report, Run, Service, Transport, Unexpected, Verdict};
use crate::text;
use crate::time::Timestamp;

/// `service_id` and `verdict` of rows that stand for unexpected flows.
const UNEXPECTED: &str = "unexpected";

/// Writes the header and all rows.
pub(super) fn write(report: &Report, run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    for service in &report.services {
        for row in service_rows(report, run, service) {
            writer.serialize(row)?;
        }
    }
    for unexpected in &report.unexpected {
        writer.serialize(unexpected_row(report, run, unexpected))?;
    }
    writer.flush()
}

/// One row. The fields' names and order are the contract's; a number that is not known is an empty cell.
#[derive(Default, Serialize)]
struct Row {
    schema: Cell,
    run_id: Cell,
    tool_version: Cell,
    profile: Cell,
    profile_sha256: Cell,
    input: Cell,
    input_sha256: Cell,
    service_id: Cell,
    service: Cell,
    usage: Cell,
    direction: Cell,
    transport: Cell,
    protocol: Cell,
    port: Option<u16>,
    required: bool,
    client: Cell,
    server: Cell,
    server_name: Cell,
    attribution: Cell,
    verdict: Cell,
    cause: Cell,
    confidence: Cell,
    summary: Cell,
    remedy: Cell,
    suspect: Cell,
    first_time: Option<Timestamp>,
    last_time: Option<Timestamp>,
    first_frame: Option<u64>,
    last_frame: Option<u64>,
    packets_out: u64,
    packets_in: u64,
    bytes_out: u64,
    bytes_in: u64,
    retransmissions: Option<u64>,
    rtt_ms: Option<f64>,
    tls_version: Cell,
    certificate_subject: Cell,
    certificate_issuer: Cell,
    ike_version: Cell,
    ike_notify: Cell,
    nat_detected: Cell,
    encapsulation: Cell,
    cleartext: Option<bool>,
    vantage: Cell,
    business_need: Cell,
    approval: Cell,
}

/// A text cell, harmless in a spreadsheet.
#[derive(Default, Serialize)]
struct Cell(String);

impl Cell {
    /// What could act on a terminal is shown, and a beginning that a spreadsheet would take for a formula gets a `'`.
    fn new(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        Cell(format!("{guard}{}", text::visible(text)))
    }

    /// Empty where nothing is known.
    fn of(text: Option<impl ToString>) -> Self {
        text.map_or_else(Cell::default, |text| Cell::new(text.to_string()))
    }
}

fn service_rows<'a>(report: &'a Report, run: &'a Run, service: &'a Service) -> Vec<Row> {
    if service.pairs.is_empty() {
        return service.transports.iter().map(|transport| absent_row(report, run, service, transport)).collect();
    }
    let rows = |pair: &'a Pair| {
        // A name that did not resolve is an attempt without a packet to any server: no transport, but a row.
        let transports =
            if pair.transports.is_empty() { vec![None] } else { pair.transports.iter().map(Some).collect() };
        transports.into_iter().map(move |transport| pair_row(report, run, service, pair, transport))
    };
    service.pairs.iter().flat_map(rows).collect()
}

fn absent_row(report: &Report, run: &Run, service: &Service, transport: &Transport) -> Row {
    Row {
        verdict: Cell::new(transport.verdict.name()),
        cause: Cell::of(transport.cause),
        summary: Cell::new(&service.summary),
        ..transport_cells(transport, service_cells(report, run, service))
    }
}

fn pair_row(report: &Report, run: &Run, service: &Service, pair: &Pair, transport: Option<&Transport>) -> Row {
    let (verdict, cause) = judged(pair, transport);
    let finding = finding_of(report, pair, transport);
    let row = service_cells(report, run, service);
    let row = match transport {
        Some(transport) => transport_cells(transport, frame_cells(report, transport, row)),
        None => row,
    };
    let (tls, ike) = (pair.tls.as_ref(), pair.ike.as_ref());
    Row {
        client: Cell::new(pair.client.to_string()),
        server: Cell::of(pair.server),
        server_name: Cell::of(pair.server_name.as_deref()),
        attribution: Cell::new(pair.attribution.name()),
        verdict: Cell::new(verdict.name()),
        cause: Cell::of(cause),
        confidence: Cell::of(pair.confidence.map(|confidence| confidence.name())),
        summary: Cell::new(finding.map_or(&pair.summary, |finding| &finding.summary)),
        remedy: Cell::of(finding.map(|finding| finding.remedy.as_str())),
        suspect: Cell::of(finding.and_then(|finding| finding.suspect)),
        first_time: pair.first_time,
        last_time: pair.last_time,
        retransmissions: Some(transport.map_or(pair.retransmissions, |transport| transport.retransmissions)),
        rtt_ms: pair.rtt_ms,
        tls_version: Cell::of(tls.and_then(|tls| tls.version.as_deref())),
        certificate_subject: Cell::of(tls.and_then(|tls| tls.certificate_subject.as_deref())),
        certificate_issuer: Cell::of(tls.and_then(|tls| tls.certificate_issuer.as_deref())),
        ike_version: Cell::of(ike.and_then(|ike| ike.version.as_deref())),
        ike_notify: Cell::of(ike.map(|ike| ike.notifies.join("; "))),
        nat_detected: Cell::of(pair.nat.map(words::nat)),
        encapsulation: Cell::of(pair.encapsulation.map(|encapsulation| encapsulation.name())),
        cleartext: Some(pair.cleartext),
        ..row
    }
}

fn unexpected_row(report: &Report, run: &Run, flows: &Unexpected) -> Row {
    let what = flows.hint.iter().fold(flows.state.to_owned(), |state, hint| format!("{state}, may be {hint}"));
    Row {
        service_id: Cell::new(UNEXPECTED),
        protocol: Cell::new(&flows.protocol),
        port: flows.port,
        client: Cell::new(flows.client.to_string()),
        server: Cell::new(flows.server.to_string()),
        server_name: Cell::of(flows.server_name.as_deref()),
        verdict: Cell::new(UNEXPECTED),
        summary: Cell::new(what),
        first_time: Some(flows.first_time),
        last_time: Some(flows.last_time),
        packets_out: flows.packets_out,
        packets_in: flows.packets_in,
        bytes_out: flows.bytes_out,
        bytes_in: flows.bytes_in,
        ..framed(report, flows.first_frame, flows.last_frame, run_cells(report, run))
    }
}

fn run_cells(report: &Report, run: &Run) -> Row {
    Row {
        schema: Cell::new(report.schema),
        run_id: Cell::new(&run.run_id),
        tool_version: Cell::new(report.tool.version),
        profile: Cell::new(&report.profile.id),
        profile_sha256: Cell::new(&report.profile.sha256),
        ..Row::default()
    }
}

fn service_cells(report: &Report, run: &Run, service: &Service) -> Row {
    Row {
        service_id: Cell::new(&service.id),
        service: Cell::new(&service.name),
        usage: Cell::new(&service.usage),
        direction: Cell::new(&service.direction),
        required: service.required,
        business_need: Cell::of(service.business_need.as_deref()),
        approval: Cell::of(service.approval.as_deref()),
        ..run_cells(report, run)
    }
}

fn transport_cells(transport: &Transport, row: Row) -> Row {
    Row {
        transport: Cell::new(&transport.id),
        protocol: Cell::new(&transport.protocol),
        port: transport.port,
        packets_out: transport.packets_out,
        packets_in: transport.packets_in,
        bytes_out: transport.bytes_out,
        bytes_in: transport.bytes_in,
        ..row
    }
}

fn frame_cells(report: &Report, transport: &Transport, row: Row) -> Row {
    match (transport.first_frame, transport.last_frame) {
        (Some(first), Some(last)) => framed(report, first, last, row),
        _ => row,
    }
}

/// The input of a row is that of its first frame. A last frame in another file has no cell of its own: its number
/// would be looked up in the wrong file, so it is left out.
fn framed(report: &Report, first: FrameRef, last: FrameRef, row: Row) -> Row {
    let input: Option<&Input> = report.inputs.get(first.input);
    Row {
        input: Cell::of(input.map(|input| input.path.as_str())),
        input_sha256: Cell::of(input.and_then(|input| input.sha256.as_deref())),
        vantage: Cell::of(input.map(|input| words::vantage(input.vantage))),
        first_frame: Some(first.frame),
        last_frame: (last.input == first.input).then_some(last.frame),
        ..row
    }
}

/// The verdict and cause of a row: the transport's own, unless the pair is worse than every transport of it (the
/// failure then lies in none of them alone). No row may look better than what it stands for.
fn judged(pair: &Pair, transport: Option<&Transport>) -> (Verdict, Option<Cause>) {
    match transport {
        Some(transport) if !worse_than_its_transports(pair) => (transport.verdict, transport.cause),
        _ => (pair.verdict, pair.cause),
    }
}

/// The pair's first finding that bears on the transport. A transport that works beside one that does not keeps its
/// row free of the other's remedy.
fn finding_of<'a>(report: &'a Report, pair: &Pair, transport: Option<&Transport>) -> Option<&'a Finding> {
    let mut findings = pair.findings.iter().filter_map(|&index| report.findings.get(index));
    match transport {
        Some(transport) if !worse_than_its_transports(pair) => {
            findings.find(|finding| finding.transport.as_ref().is_none_or(|id| *id == transport.id))
        }
        _ => findings.next(),
    }
}

fn worse_than_its_transports(pair: &Pair) -> bool {
    pair.transports.iter().all(|transport| transport.verdict < pair.verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    /// Word for word from the contract.
    const COLUMNS: &str = "schema,run_id,tool_version,profile,profile_sha256,input,input_sha256,service_id,service,\
        usage,direction,transport,protocol,port,required,client,server,server_name,attribution,verdict,cause,\
        confidence,summary,remedy,suspect,first_time,last_time,first_frame,last_frame,packets_out,packets_in,\
        bytes_out,bytes_in,retransmissions,rtt_ms,tls_version,certificate_subject,certificate_issuer,ike_version,\
        ike_notify,nat_detected,encapsulation,cleartext,vantage,business_need,approval";

    fn written(report: &Report) -> String {
        let mut out = vec![];
        write(report, &samples::run(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The rows as read back: column name to cell.
    fn rows(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
    }

    #[test]
    fn columns_are_the_contracts_and_lines_end_in_crlf() {
        let text = written(&samples::blocked_vpn());
        assert_eq!(text.lines().next().unwrap(), COLUMNS);
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert!(text.ends_with("\r\n"));
    }

    #[test]
    fn a_row_per_pair_and_transport_and_one_per_absent_transport() {
        let rows = rows(&written(&samples::blocked_vpn()));
        let vpn: Vec<_> = rows.iter().filter(|row| row["service_id"] == "ipsec-vpn").collect();
        assert_eq!(vpn.len(), 2);
        assert_eq!((vpn[0]["transport"].as_str(), vpn[0]["verdict"].as_str()), ("ike", "seen"));
        assert_eq!((vpn[0]["remedy"].as_str(), vpn[0]["cause"].as_str()), ("", ""));
        assert_eq!((vpn[1]["transport"].as_str(), vpn[1]["cause"].as_str()), ("nat-t", "nat-t-no-reply"));
        assert!(vpn[1]["remedy"].starts_with("allow udp/4500"));
        assert_eq!((vpn[1]["first_frame"].as_str(), vpn[1]["last_frame"].as_str()), ("16", "31"));
        assert_eq!(vpn[1]["input"], "office-vpn.pcapng");
        assert_eq!(vpn[1]["first_time"], "2026-11-24T14:02:11.412000000Z");
        assert_eq!(vpn[1]["nat_detected"], "client");
        let absent: Vec<_> = rows.iter().filter(|row| row["service_id"] == "ssl-vpn").collect();
        assert_eq!(absent.len(), 2);
        assert!(absent.iter().all(|row| row["client"].is_empty() && row["verdict"] == "not-seen"));
        let last = rows.last().unwrap();
        assert_eq!((last["service_id"].as_str(), last["verdict"].as_str()), ("unexpected", "unexpected"));
        assert_eq!(last["port"], "3389");
    }

    #[test]
    fn a_pair_worse_than_its_transports_is_not_hidden() {
        let mut report = samples::blocked_vpn();
        let vpn = report.services.iter_mut().find(|service| service.id == "ipsec-vpn").unwrap();
        vpn.pairs[0].transports.iter_mut().for_each(|transport| transport.verdict = Verdict::Seen);
        let rows = rows(&written(&report));
        assert!(rows.iter().filter(|row| row["service_id"] == "ipsec-vpn").all(|row| row["verdict"] == "blocked"));
    }

    #[test]
    fn a_pair_without_transport_has_a_row() {
        let mut report = samples::blocked_vpn();
        let vpn = report.services.iter_mut().find(|service| service.id == "ipsec-vpn").unwrap();
        vpn.pairs[0].transports.clear();
        vpn.pairs[0].server = None;
        let rows = rows(&written(&report));
        let row = rows.iter().find(|row| row["service_id"] == "ipsec-vpn").unwrap();
        assert_eq!((row["server"].as_str(), row["transport"].as_str()), ("", ""));
        assert_eq!(row["verdict"], "blocked");
    }

    #[test]
    fn a_last_frame_of_another_file_is_left_out() {
        let mut report = samples::many_inputs();
        let flows = &mut report.unexpected[0];
        flows.last_frame = FrameRef { input: flows.first_frame.input + 1, frame: 7 };
        let rows = rows(&written(&report));
        assert_eq!(rows.iter().find(|row| row["service_id"] == "unexpected").unwrap()["last_frame"], "");
    }

    #[test]
    fn formulas_and_control_characters_are_harmless() {
        for (text, cell) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\ta", "'\\u{9}a"),
            ("\ra", "'\\u{d}a"),
            ("a=b", "a=b"),
            ("a\u{1b}[2J", "a\\u{1b}[2J"),
        ] {
            assert_eq!(Cell::new(text).0, cell);
        }
        let text = written(&samples::hostile());
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
        for row in rows(&text) {
            assert!(row.values().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
        }
    }
}
