//! Reports made by hand, for the tests of every format.

mod parts;

use parts::*;

use crate::report::*;

pub(super) fn run() -> Run {
    Run {
        run_id: "3f1c9a70".into(),
        command_line: ["portproof", "check", "office-vpn.pcapng", "-o", "report.csv"].map(str::to_owned).into(),
        generated_at: Some(at(3_600_000)),
        time_zone: "UTC",
    }
}

pub(super) fn named<'a>(report: &'a mut Report, id: &str) -> &'a mut Service {
    report.services.iter_mut().find(|service| service.id == id).unwrap()
}

/// No packet of any service.
pub(super) fn nothing_seen() -> Report {
    let mut report = empty();
    report.totals.packets = 1_204;
    report.background.push(Background { kind: "web".into(), flows: 40, packets: 1_204 });
    report.notes.push(
        "No packet of a required service: take the capture on the client while FortiClient connects, with \
                       tcpdump -i any -s 0 -w vpn.pcap host 203.0.113.10"
            .into(),
    );
    report
}

/// Two services work, one with less than full confidence.
pub(super) fn all_seen() -> Report {
    let mut report = empty();
    report.outcome = Outcome::Compliant;
    report.totals.packets = 1_204;
    report.inputs[0].vantage = Vantage::Client;
    let telemetry = named(&mut report, "telemetry");
    telemetry.required = true;
    seen(
        telemetry,
        "10.20.1.7",
        "10.0.0.5",
        "10.0.0.5:8013 ems.example.com, TLS 1.3, 3 flows",
        (frame(40), frame(188)),
    );
    let syslog = named(&mut report, "syslog");
    seen(syslog, "10.20.1.7", "10.0.0.9", "10.0.0.9 got 93 messages", (frame(201), frame(1_190)));
    syslog.confidence = Some(Confidence::Medium);
    syslog.confidence_reason = Some("one-way by nature".into());
    report
}

/// The example of the product: IKE is answered on udp/500 and never on udp/4500.
pub(super) fn blocked_vpn() -> Report {
    let mut report = empty();
    report.outcome = Outcome::NonCompliant;
    report.totals.packets = 1_204;
    let telemetry = named(&mut report, "telemetry");
    seen(
        telemetry,
        "10.20.1.7",
        "10.0.0.5",
        "10.0.0.5:8013 ems.example.com, TLS 1.3, 3 flows",
        (frame(40), frame(188)),
    );
    telemetry.business_need = Some("Endpoint compliance".into());

    let vpn = named(&mut report, "ipsec-vpn");
    vpn.verdict = Verdict::Blocked;
    vpn.cause = Some(Cause::NatTNoReply);
    vpn.confidence = Some(Confidence::High);
    vpn.attribution = Some(Attribution::Payload);
    vpn.candidates = vec!["ipsec-vpn".into()];
    vpn.summary = "203.0.113.10 answers on udp/500, never on udp/4500".into();
    vpn.findings = vec![0];
    used(&mut vpn.transports[0], Verdict::Seen, 2, 2, (frame(12), frame(15)));
    used(&mut vpn.transports[2], Verdict::Blocked, 5, 0, (frame(16), frame(31)));
    vpn.transports[2].cause = Some(Cause::NatTNoReply);
    let mut broken = pair("10.20.1.7", "203.0.113.10", Verdict::Blocked, "IKE answered on udp/500, never on udp/4500");
    broken.cause = Some(Cause::NatTNoReply);
    broken.server_name = Some("vpn.example.com".into());
    broken.transports = vec![vpn.transports[0].clone(), vpn.transports[2].clone()];
    broken.nat = Some(Nat::Client);
    broken.ike =
        Some(Ike { version: Some("2".into()), notifies: vec!["NAT_DETECTION_SOURCE_IP".into()], ..Ike::default() });
    broken.findings = vec![0];
    vpn.pairs.push(broken);

    report.findings.push(nat_t_no_reply());
    report.unexpected.push(unexpected("192.0.2.80", 3389, "ms-wbt-server", "refused", 60));
    report.background = vec![
        Background { kind: "dns".into(), flows: 3, packets: 12 },
        Background { kind: "web".into(), flows: 21, packets: 978 },
    ];
    report
}

fn nat_t_no_reply() -> Finding {
    let sent = [
        (16, 2_144, "IKE_AUTH request"),
        (19, 4_150, "1st retransmission"),
        (22, 8_152, "2nd retransmission"),
        (26, 16_160, "3rd retransmission"),
        (31, 25_144, "4th retransmission"),
    ];
    let (client, gateway) = ("10.20.1.7", "203.0.113.10");
    let mut sequence = vec![
        step(Some(12), 412, client, gateway, "IKE_SA_INIT"),
        step(Some(13), 434, gateway, client, "IKE_SA_INIT"),
        step(Some(16), 2_144, client, gateway, "IKE_AUTH"),
        step(Some(19), 4_150, client, gateway, "IKE_AUTH"),
        step(Some(31), 25_144, client, gateway, "IKE_AUTH"),
        step(None, 0, gateway, client, "IKE_AUTH"),
    ];
    sequence[0].note = Some("udp/500".into());
    sequence[2].note = Some("udp/4500".into());
    sequence[4].note = Some("4th retransmission".into());
    Finding {
        transport: Some("nat-t".into()),
        client: Some(ip(client)),
        server: Some(ip(gateway)),
        server_name: Some("vpn.example.com".into()),
        summary:
            "14:02:13.144 IKE_AUTH to 203.0.113.10:4500, sent again 4 times over 23 s, no answer; the same gateway \
                  answered on udp/500 (frame 13), and 10.0.0.5 answered throughout"
                .into(),
        explanation: "a filter between 10.20.1.7 and 203.0.113.10 drops udp/4500".into(),
        remedy: "allow udp/4500 to 203.0.113.10 in both directions, or let the client use IKE over TCP".into(),
        also_seen: Vec::new(),
        evidence: sent.map(|(frame, millis, note)| evidence(frame, millis, note)).into(),
        evidence_total: 5,
        sequence,
        display_filter: "udp.port == 4500 && ip.addr == 203.0.113.10".into(),
        ..finding("nat-t-no-reply", "ipsec-vpn", Severity::Error)
    }
}

/// Many files: one damaged, one not readable, one that dropped packets; clients that fare differently; a note.
pub(super) fn many_inputs() -> Report {
    let mut report = blocked_vpn();
    report.inputs =
        (1..=12).map(|number| input(&format!("captures/site-{number:02}.pcapng"), 10_000 * number)).collect();
    report.inputs[1].damage.push(Damage {
        offset: 1_234_567,
        frame: 17,
        kind: "record-too-long".into(),
        message: "the record claims 4,294,967,295 bytes, more than any link carries; what stood before was read".into(),
    });
    report.inputs[9].error = Some("not a capture: begins with %PDF-1.7".into());
    report.inputs[9].packets = 0;
    (report.inputs[9].first_time, report.inputs[9].last_time) = (None, None);
    report.inputs[10].dropped_packets = Some(1_500);
    report.inputs[10].truncated_packets = 31;

    let ssl = named(&mut report, "ssl-vpn");
    ssl.verdict = Verdict::Inconclusive;
    ssl.cause = Some(Cause::SingleAttempt);
    ssl.required = true;
    ssl.confidence = Some(Confidence::Medium);
    ssl.attribution = Some(Attribution::Port);
    ssl.summary = "1 of 2 servers answers; 203.0.113.11 was tried once".into();
    ssl.findings = vec![1];
    let second = |frame| FrameRef { input: 1, frame };
    used(&mut ssl.transports[0], Verdict::Inconclusive, 1_204, 1_180, (second(3), second(2_418)));
    let mut good =
        pair("2001:db8:85a3::8a2e:370:7334", "2001:db8:ffff::10", Verdict::Seen, "TLS 1.2 and data both ways");
    good.transports.push(ssl.transports[0].clone());
    ssl.pairs = vec![good, pair("10.20.1.9", "203.0.113.11", Verdict::Inconclusive, "1 SYN, no answer")];

    let mut once = finding("single-attempt", "ssl-vpn", Severity::Warning);
    once.client = Some(ip("10.20.1.9"));
    once.server = Some(ip("203.0.113.11"));
    once.summary = "one SYN to 203.0.113.11:443, no answer, and no second attempt".into();
    once.remedy = "take a longer capture: tcpdump -i any -s 0 -w again.pcap host 203.0.113.11".into();
    once.confidence = Confidence::Medium;
    once.confidence_reason = Some("no other packet reached this client within 5 s of the attempt".into());
    once.evidence = vec![Evidence { input: 1, frame: 9, time: Some(at(9_000)), note: "SYN".into() }];
    once.evidence_total = 1;
    once.display_filter = "tcp.port == 443 && ip.addr == 203.0.113.11 && ipv6.addr != 2001:db8:85a3::8a2e:370:7334 && \
                           !(tcp.analysis.keep_alive || tcp.analysis.retransmission)"
        .into();
    report.findings.push(once);
    let mut info = finding("cleartext-secret", "telemetry", Severity::Info);
    info.summary = "a password crosses the network readable".into();
    info.remedy = "use TLS".into();
    info.evidence = vec![Evidence { input: 2, frame: 77, time: None, note: "LOGIN".into() }];
    info.evidence_total = 40;
    report.findings.push(info);
    for port in 0..13 {
        report.unexpected.push(unexpected(
            "198.51.100.200",
            8_000 + port,
            "http-alt",
            "established",
            100 + u64::from(port),
        ));
    }
    report.limits.orphan_fragments = 3;
    report.limits.evicted_flows = 1_000;
    report.notes.push(
        "site-07 to site-12 overlap in time: the same traffic at two places is what portproof compare is for".into(),
    );
    report
}

/// Names that would act on a terminal or in a spreadsheet.
pub(super) fn hostile() -> Report {
    let mut report = blocked_vpn();
    let evil = "=HYPERLINK(\"http://x\")\u{1b}[31mred\u{202e}txt\r\nforged  row";
    report.inputs[0].path = format!("-o {evil}.pcap");
    report.profile.title = evil.into();
    for service in &mut report.services {
        service.summary.push_str(evil);
        service.name = evil.into();
    }
    let vpn = named(&mut report, "ipsec-vpn");
    vpn.pairs[0].server_name = Some(evil.repeat(9));
    vpn.pairs[0].summary = evil.into();
    vpn.pairs[0].tls = Some(Tls { certificate_subject: Some(evil.into()), ..Tls::default() });
    vpn.id = "日本語".repeat(20);
    vpn.transports[0].id = evil.into();
    let finding = &mut report.findings[0];
    finding.server_name = Some(evil.into());
    finding.summary = evil.repeat(4);
    finding.explanation = "x".repeat(400);
    finding.display_filter = format!("frame contains \"{evil}\"");
    finding.sequence[0].label = evil.into();
    finding.sequence[1].from = evil.into();
    finding.evidence[0].note = evil.into();
    report.unexpected[0].hint = Some(evil.repeat(3).into());
    report.background[0].kind = evil.into();
    report.notes.push(evil.into());
    report
}
