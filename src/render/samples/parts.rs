//! The pieces that sample reports are made of: the table's services without a packet, and short ways to fill them.

use std::net::IpAddr;

use crate::report::*;
use crate::time::{Span, Timestamp};

/// 2026-11-24T14:02:11Z, and milliseconds after it.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_parts(1_795_528_931, 0) + Span::from_millis(millis)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn frame(frame: u64) -> FrameRef {
    FrameRef { input: 0, frame }
}

/// A report in which nothing was seen.
pub(crate) fn empty() -> Report {
    Report {
        schema: SCHEMA,
        tool: Tool { name: "portproof", version: "0.1.0" },
        profile: ProfileRef {
            id: "forticlient".into(),
            version: "1".into(),
            title: "Ports that FortiClient needs".into(),
            sha256: "9f".repeat(32),
        },
        outcome: Outcome::Inconclusive,
        inputs: vec![input("office-vpn.pcapng", 1_204)],
        totals: Totals::default(),
        services: table(),
        findings: vec![],
        unexpected: vec![],
        background: vec![],
        icmp_errors: vec![],
        limits: Limits::default(),
        notes: vec![],
    }
}

pub(crate) fn input(path: &str, packets: u64) -> Input {
    Input {
        path: path.into(),
        sha256: Some("ab".repeat(32)),
        format: Some(Format::Pcapng),
        compression: None,
        vantage: Vantage::Unknown,
        link_types: vec!["ethernet".into()],
        packets,
        bytes: packets * 268,
        first_time: Some(at(0)),
        last_time: Some(at(54_000)),
        truncated_packets: 0,
        dropped_packets: None,
        damage: vec![],
        error: None,
    }
}

/// The twelve services of the vendor's table.
fn table() -> Vec<Service> {
    type Row = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str, Option<u16>)]);
    let rows: [Row; 12] = [
        ("telemetry", "FortiClient Telemetry", "Endpoint management", &[("tls", "tcp", Some(8013))]),
        ("syslog", "SYSLOG", "Upload logs to syslog server", &[("syslog", "udp", Some(514))]),
        ("fortisandbox", "FortiSandbox", "Send files to FortiSandbox for analysis", &[("oftp", "tcp", Some(514))]),
        (
            "ssl-vpn",
            "Remote access - SSL VPN",
            "Establish VPN connection to the FortiGate",
            &[("tls", "tcp", Some(443)), ("dtls", "udp", Some(443))],
        ),
        ("fortianalyzer", "FortiAnalyzer/FortiManager", "Upload logs", &[("oftp", "tcp", Some(514))]),
        (
            "ipsec-vpn",
            "Remote access - IPsec VPN",
            "Establish VPN connection to the FortiGate",
            &[
                ("ike", "udp", Some(500)),
                ("esp", "esp", None),
                ("nat-t", "udp", Some(4500)),
                ("ike-tcp", "tcp", Some(4500)),
            ],
        ),
        ("fsso", "FortiAuthenticator/FortiGate", "SSO mobility agent", &[("fsso", "tcp", Some(8001))]),
        ("fortiguard-rating", "FortiGuard", "URL rating", &[("tcp", "tcp", Some(8888)), ("udp", "udp", Some(8888))]),
        ("fortiguard-updates", "FortiGuard", "AV/vulnerability signatures update", &[("http", "tcp", Some(80))]),
        ("fortiguard-cbbs", "FortiGuard", "Cloud-based behavior scan", &[("http", "tcp", Some(80))]),
        ("fortimanager-updates", "FortiManager", "Software and signature updates", &[("http", "tcp", Some(80))]),
        ("fortiguard-submission", "SMTP/FortiGuard", "Virus submission", &[("smtp", "tcp", Some(25))]),
    ];
    rows.into_iter().map(|(id, name, usage, transports)| service(id, name, usage, transports)).collect()
}

fn service(id: &str, name: &str, usage: &str, transports: &[(&str, &str, Option<u16>)]) -> Service {
    Service {
        id: id.into(),
        name: name.into(),
        usage: usage.into(),
        direction: "outgoing".into(),
        required: false,
        verdict: Verdict::NotSeen,
        cause: None,
        confidence: None,
        confidence_reason: None,
        attribution: None,
        candidates: vec![],
        transports: transports.iter().map(|&(id, protocol, port)| transport(id, protocol, port)).collect(),
        pairs: vec![],
        findings: vec![],
        summary: String::new(),
        business_need: None,
        approval: None,
    }
}

pub(crate) fn transport(id: &str, protocol: &str, port: Option<u16>) -> Transport {
    Transport {
        id: id.into(),
        protocol: protocol.into(),
        port,
        verdict: Verdict::NotSeen,
        cause: None,
        flows: 0,
        packets_out: 0,
        packets_in: 0,
        bytes_out: 0,
        bytes_in: 0,
        first_frame: None,
        last_frame: None,
        first_time: None,
        last_time: None,
        retransmissions: 0,
    }
}

/// A transport with packets: out, in, first and last frame.
pub(crate) fn used(transport: &mut Transport, verdict: Verdict, out: u64, back: u64, frames: (FrameRef, FrameRef)) {
    transport.verdict = verdict;
    transport.flows = 1;
    (transport.packets_out, transport.packets_in) = (out, back);
    (transport.bytes_out, transport.bytes_in) = (out * 237, back * 237);
    (transport.first_frame, transport.last_frame) = (Some(frames.0), Some(frames.1));
}

pub(crate) fn pair(client: &str, server: &str, verdict: Verdict, summary: &str) -> Pair {
    Pair {
        client: ip(client),
        server: Some(ip(server)),
        server_name: None,
        verdict,
        cause: None,
        confidence: Some(Confidence::High),
        confidence_reason: None,
        attribution: Attribution::Port,
        transports: vec![],
        first_time: Some(at(412)),
        last_time: Some(at(25_144)),
        retransmissions: 0,
        rtt_ms: None,
        nat: None,
        encapsulation: None,
        cleartext: false,
        tls: None,
        ike: None,
        findings: vec![],
        summary: summary.into(),
    }
}

/// Fills a service that was seen, with one pair over its first transport.
pub(crate) fn seen(service: &mut Service, client: &str, server: &str, summary: &str, frames: (FrameRef, FrameRef)) {
    service.verdict = Verdict::Seen;
    service.confidence = Some(Confidence::High);
    service.attribution = Some(Attribution::Payload);
    service.candidates = vec![service.id.clone()];
    service.summary = summary.into();
    used(&mut service.transports[0], Verdict::Seen, 93, 81, frames);
    let mut pair = pair(client, server, Verdict::Seen, "TLS 1.3, 3 flows");
    pair.transports.push(service.transports[0].clone());
    pair.rtt_ms = Some(11.2);
    service.pairs.push(pair);
}

pub(crate) fn finding(code: &str, service: &str, severity: Severity) -> Finding {
    Finding {
        code: code.into(),
        severity,
        service: service.into(),
        transport: None,
        client: None,
        server: None,
        server_name: None,
        summary: String::new(),
        explanation: String::new(),
        remedy: String::new(),
        also_seen: Vec::new(),
        confidence: Confidence::High,
        confidence_reason: None,
        suspect: None,
        evidence: vec![],
        sequence: vec![],
        evidence_total: 0,
        display_filter: String::new(),
    }
}

pub(crate) fn evidence(frame: u64, millis: i64, note: &str) -> Evidence {
    Evidence { input: 0, frame, time: Some(at(millis)), note: note.into() }
}

pub(crate) fn step(frame: Option<u64>, millis: i64, from: &str, to: &str, label: &str) -> Step {
    Step {
        input: 0,
        frame,
        time: frame.map(|_| at(millis)),
        from: from.into(),
        to: to.into(),
        label: label.into(),
        note: None,
        missing: frame.is_none(),
    }
}

pub(crate) fn unexpected(server: &str, port: u16, hint: &str, state: &'static str, first: u64) -> Unexpected {
    Unexpected {
        client: ip("10.20.1.7"),
        server: ip(server),
        server_name: None,
        protocol: "tcp".into(),
        port: Some(port),
        state,
        hint: Some(hint.into()),
        flows: 1,
        packets_out: 1,
        packets_in: 1,
        bytes_out: 66,
        bytes_in: 60,
        first_frame: frame(first),
        last_frame: frame(first + 1),
        first_time: at(30_000),
        last_time: at(30_020),
    }
}
