//! Names and answers that the analysis reads, against what tshark reads of captures of other people's tools.
//!
//! `PORTPROOF_CORPUS` names the folder that holds `real/`; without it this test says so and passes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test's helpers are tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use portproof::analysis::Analysis;
use portproof::capture::{Capture, Options};
use portproof::engine::{self, Resources};
use portproof::flow::{App, PortHints};
use serde_json::Value;

/// Files in which tshark reads a name of TLS inside something else, which is not unwrapped here.
const NAME_WITHIN: [(&str, &str); 1] =
    [("a/bro__connect-with-header.trace", "TLS behind a proxy's CONNECT on port 80: the connection is the proxy's")];

/// Files whose HTTP statuses differ lawfully. Elsewhere each that is read here (the first of a connection) is among those that
/// tshark reads (all of a connection).
const STATUSES: [(&str, &str); 4] = [
    ("a/markofu-pcaps__gnutella.pcap", "Gnutella over HTTP on port 6346, which tshark shows as Gnutella"),
    ("a/wireshark-wiki__mapi.cap", "tshark counts an answer when it is whole; of one the end is not in the capture"),
    ("a/suricata-verify__http1-noint-status-input.pcap", "status `2XX` is no number; tshark reads 2"),
    ("a/moloch__socks5-http-302.pcap", "HTTP behind SOCKS, which is not unwrapped here"),
];

/// Files whose first Host fields differ lawfully.
const HOST_WITHIN: [(&str, &str); 1] =
    [("a/moloch__socks5-http-302.pcap", "HTTP behind SOCKS, which is not unwrapped here")];

/// The Host field of the first request of each connection that has one, with the number of such connections: tshark 4.0.17,
/// `-Y http.request -e tcp.stream -e http.host`.
const HOSTS: &[(&str, &[(&str, usize)])] = &[
    ("a/bro__206_example_c.pcap", &[("teal.gmu.edu", 2)]),
    ("a/bro__conn-size.trace", &[("adserv.quality-channel.de", 1)]),
    ("a/bro__connect-with-header.trace", &[("secure.newegg.com:443", 1)]),
    ("a/ipfixprobe__inputs-http.pcap", &[("httpbin.org", 9)]),
    (
        "a/markofu-pcaps__hauntedbrowser.pcap",
        &[("command.weatherbug.com", 1), ("deskwx.weatherbug.com", 2), ("register60.weatherbug.com", 1)],
    ),
    ("a/markofu-pcaps__http-client-refuse.pcap", &[("novellcom.112.2o7.net", 1), ("www.novell.com", 1)]),
    ("a/moloch__socks5-http-302.pcap", &[("www.google.com", 1)]),
    ("a/ndpi__KakaoTalk_chat.pcap", &[("www.facebook.com", 2)]),
    ("a/ndpi__anyconnect-vpn.pcap", &[("10.0.0.149:8008", 1), ("10.0.0.151:8060", 1), ("detectportal.firefox.com", 2)]),
    ("a/ndpi__http_auth.pcap", &[("browserspy.dk", 1)]),
    ("a/ndpi__http_connect.pcap", &[("apache.org:443", 1)]),
    ("a/ndpi__pcap-http.pcapng", &[("google.com", 1)]),
    ("a/packets__dns_isp_hijack.pcapng", &[("3439ur09dhiolh32ljha.net", 2), ("searchguide.level3.com", 1)]),
    ("a/suricata-verify__datasets-11-longstring-input.pcap", &[("127.0.0.1:8001", 2)]),
    ("a/suricata-verify__http-evader-401-input.pcap", &[("evader.example.com", 1)]),
    ("a/suricata-verify__http1-noint-status-input.pcap", &[("127.0.0.1:8001", 1)]),
    ("a/suricata-verify__prefilter-multibuf-multipkts-input.pcap", &[("127.0.0.1:8001", 1)]),
    ("a/suricata-verify__unset.pcap", &[("127.0.0.1:8001", 3)]),
    ("a/tcpflow__tests-test1.pcap", &[("clients1.google.com", 1), ("www.google.com", 1)]),
    ("a/wireshark-wiki__mapi.cap", &[("webmail.aol.com", 2)]),
    (
        "a/wireshark-wiki__nb6-startup.pcap",
        &[
            ("ca.nb6dsl.neufbox.neuf.fr", 1),
            ("general.nb6dsl.neufbox.neuf.fr", 2),
            ("hotspot.nb6dsl.neufbox.neuf.fr", 1),
            ("tv.nb6dsl.neufbox.neuf.fr", 1),
            ("voip.nb6dsl.neufbox.neuf.fr", 1),
            ("wan.nb6dsl.neufbox.neuf.fr", 2),
        ],
    ),
    ("a/zeek__wstunnel-https.pcap", &[("localhost:8888", 1)]),
];

#[test]
fn names_in_tls_are_those_of_tshark() {
    compare(|truth, analysis| {
        let hello = |app: &App| app.tls.as_ref()?.client_hello.as_ref()?.server_name.clone();
        let ours: BTreeSet<String> = apps(analysis).filter_map(hello).collect();
        let theirs = [&truth["tls_sni"], &truth["dtls_sni"]].into_iter().flat_map(|names| names.as_array().unwrap());
        let theirs: BTreeSet<String> = theirs.map(|name| name.as_str().unwrap().to_owned()).collect();
        let within = NAME_WITHIN.iter().any(|(known, _)| *known == file(truth));
        (ours != theirs && !(within && ours.is_subset(&theirs))).then(|| format!("SNI {ours:?}, tshark {theirs:?}"))
    });
}

#[test]
fn statuses_are_among_those_of_tshark() {
    compare(|truth, analysis| {
        let mut ours: BTreeMap<String, u64> = BTreeMap::new();
        for app in apps(analysis) {
            if let Some((response, _)) = app.http.as_ref().and_then(|http| http.response.as_ref()) {
                *ours.entry(response.status.to_string()).or_default() += 1;
            }
        }
        let theirs = truth["http_status"].as_object().unwrap();
        let known = |status: &str| theirs.get(status).and_then(Value::as_u64).unwrap_or(0);
        let among = ours.iter().all(|(status, count)| *count <= known(status)) && ours.is_empty() == theirs.is_empty();
        let lawful = STATUSES.iter().any(|(known, _)| *known == file(truth));
        (!among && !lawful).then(|| format!("statuses {ours:?}, tshark {theirs:?}"))
    });
}

#[test]
fn hosts_are_those_of_tshark() {
    compare(|truth, analysis| {
        let mut ours: BTreeMap<&str, usize> = BTreeMap::new();
        for app in apps(analysis) {
            let request = app.http.as_ref().and_then(|http| http.request.as_ref());
            if let Some(host) = request.and_then(|(request, _)| request.host.as_deref()).filter(|host| !host.is_empty())
            {
                *ours.entry(host).or_default() += 1;
            }
        }
        let theirs = HOSTS.iter().find(|(known, _)| *known == file(truth)).map_or(&[][..], |(_, hosts)| hosts);
        let theirs: BTreeMap<&str, usize> = theirs.iter().copied().collect();
        let lawful = HOST_WITHIN.iter().any(|(known, _)| *known == file(truth));
        (ours != theirs && !lawful).then(|| format!("hosts {ours:?}, tshark {theirs:?}"))
    });
}

#[test]
fn failed_look_ups_are_those_of_tshark() {
    compare(|truth, analysis| {
        let failed = analysis.lookups.iter().filter_map(|lookup| {
            let code = lookup.response_code.filter(|code| *code != 0)?;
            Some(format!("{} {code}", lookup.name))
        });
        let ours: BTreeSet<String> = failed.collect();
        let theirs = truth["dns_rcodes"].as_object().unwrap().keys().map(|failed| failed.to_ascii_lowercase());
        let theirs: BTreeSet<String> = theirs.collect();
        (ours != theirs).then(|| format!("failed {ours:?}, tshark {theirs:?}"))
    });
}

/// Holds each capture of group a, of which tshark read the fields, against its truth.
fn compare(difference: impl Fn(&Value, &Analysis) -> Option<String>) {
    let Some(real) = corpus() else { return };
    let lines = fs::read_to_string(real.join("truth.jsonl")).unwrap();
    let truths = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let truths: Vec<Value> =
        truths.filter(|truth| truth["tls_sni"].is_array() && real.join(file(truth)).exists()).collect();
    assert!(!truths.is_empty(), "nothing to compare");
    let differ = |truth: &Value| Some(format!("{}: {}", file(truth), difference(truth, &analyse(&real, truth))?));
    let wrong: Vec<String> = truths.iter().filter_map(differ).collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), truths.len(), wrong.join("\n"));
}

/// Every port matters: tshark knows protocols on any.
fn analyse(real: &Path, truth: &Value) -> Analysis {
    let mut hints = PortHints::default();
    hints.add_tcp(0, u16::MAX);
    hints.add_udp(0, u16::MAX);
    engine::analyse(
        Capture::open(&real.join(file(truth)), &Options::default()).unwrap(),
        &hints,
        Resources::default(),
        &|_| {},
    )
}

fn apps(analysis: &Analysis) -> impl Iterator<Item = &App> {
    analysis.flows().into_iter().filter_map(|flow| flow.app())
}

fn file(truth: &Value) -> &str {
    truth["file"].as_str().unwrap()
}

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("PORTPROOF_CORPUS").map(PathBuf::from);
    let real = corpus.map(|corpus| corpus.join("real")).filter(|real| real.is_dir());
    if real.is_none() {
        println!("PORTPROOF_CORPUS names no folder of captures: skipped");
    }
    real
}
