//! The reader against captures of other people's tools, with what tshark and libpcap read of them.
//!
//! `PORTPROOF_CORPUS` names the folder that holds `lab/` and `real/`; without it these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test's helpers are tests")]

use std::fs;
use std::path::{Path, PathBuf};

use portproof::capture::{Capture, CaptureInfo, Frame, Options, Window, discover};
use portproof::time::Timestamp;
use serde_json::{Value, json};

/// A gzip file with zeros behind it: tshark reads them as data, gzip and we as padding.
const ZERO_TAIL: &str = "c/derived__gz-tail-138-ipsec_client.pcap.gz";

/// Link type ERF: each packet brings a time of its own, which tshark shows instead of the record's.
const ERF: u16 = 197;

/// Files with a microsecond field of more than a second, which overflows in tshark.
const BEYOND_A_SECOND: [&str; 7] = [
    "c/pcapplusplus__clusterfuzz-4672344017862656",
    "c/pcapplusplus__clusterfuzz-4829420752470016",
    "c/pcapplusplus__clusterfuzz-5468403752632320",
    "c/pcapplusplus__clusterfuzz-5700358767902720",
    "c/pcapplusplus__clusterfuzz-6303070823907328",
    "c/tcpdump__rx_serviceid_oobr.pcap",
    "c/tcpdump__timestamp_invalid_micro.pcap",
];

#[test]
fn packets_times_lengths_and_links_are_those_of_tshark() {
    let Some(corpus) = corpus() else { return };
    let mut wrong = Vec::new();
    let mut compared = 0;
    for truth in truths(&corpus) {
        let file = truth["file"].as_str().unwrap();
        let whole = match truth["readable"].as_str() {
            Some("whole") => true,
            Some("part") => false,
            _ => continue,
        };
        let Ok(mut capture) = Capture::open(&corpus.join("real").join(file), &Options::default()) else {
            wrong.push(format!("{file}: not opened"));
            continue;
        };
        each(&mut capture, |_| {});
        let info = capture.finish();
        compared += 1;
        if whole {
            wrong.extend(differences(&truth, &info).into_iter().map(|difference| format!("{file}: {difference}")));
        } else {
            // What a plain walk does not find either, tshark made up by guessing at another record layout.
            let sound = truth["packets"].as_u64().min(truth["records_walked"].as_u64()).unwrap();
            if info.packets < sound || (info.damage.is_empty() && file != ZERO_TAIL) {
                wrong.push(format!("{file}: {} of {sound} packets, damage {:?}", info.packets, info.damage));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 0, "the corpus holds no capture");
}

#[test]
fn no_file_of_the_corpus_is_refused_without_a_reason() {
    let Some(corpus) = corpus() else { return };
    for truth in fs::read_to_string(corpus.join("real/truth.jsonl")).unwrap().lines() {
        let truth: Value = serde_json::from_str(truth).unwrap();
        let file = corpus.join("real").join(truth["file"].as_str().unwrap());
        match Capture::open(&file, &Options { hash: true, ..Options::default() }) {
            Ok(mut capture) => {
                each(&mut capture, |_| {});
                let info = capture.finish();
                assert_eq!(info.sha256.as_deref(), truth["sha256"].as_str(), "{}", file.display());
            }
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains(&*file.to_string_lossy()) && message.contains(';'), "{message}");
            }
        }
    }
}

#[test]
fn every_packet_of_the_lab_is_that_of_libpcap() {
    let Some(corpus) = corpus() else { return };
    let mut compared = 0;
    for file in discover(&corpus.join("lab")).unwrap() {
        // libpcap opens no gzip, and no file whose interfaces differ in link type.
        let Ok(mut theirs) = pcap::Capture::from_file_with_precision(&file, pcap::Precision::Nano) else { continue };
        let link = theirs.get_datalink().0;
        let mut ours = Capture::open(&file, &Options::default()).unwrap();
        each(&mut ours, |frame| {
            let packet = theirs.next_packet().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let header = packet.header;
            let time = Timestamp::from_parts(header.ts.tv_sec, header.ts.tv_usec);
            let theirs = (time, header.caplen as usize, header.len, packet.data);
            let number = frame.number;
            assert_eq!(
                (frame.time.unwrap(), frame.data.len(), frame.wire_len, frame.data),
                theirs,
                "{file:?} {number}"
            );
        });
        assert!(matches!(theirs.next_packet(), Err(pcap::Error::NoMorePackets)), "{}", file.display());
        let info = ours.finish();
        assert!(info.damage.is_empty(), "{}: {:?}", file.display(), info.damage);
        // A DLT number and a LINKTYPE number differ for raw IP only, of those that occur here.
        let number = i32::from(info.interfaces[0].link.0);
        assert!(number == link || (number, link) == (101, 12), "{}: {number} {link}", file.display());
        compared += 1;
    }
    assert!(compared > 100, "only {compared} captures were compared");
}

/// What tshark and we say differently of a sound file. A fact that tshark's reading leaves in doubt is null.
fn differences(truth: &Value, info: &CaptureInfo) -> Vec<String> {
    let links: Vec<u16> = info.interfaces.iter().map(|interface| interface.link.0).collect();
    let doubtful = links.contains(&ERF) || BEYOND_A_SECOND.iter().any(|file| truth["file"].as_str() == Some(*file));
    let time = |time: Option<Timestamp>, field: &str| match time {
        // Beyond the year 2262 a timestamp saturates.
        Some(Timestamp(i64::MAX)) => truth[field].clone(),
        _ if doubtful => truth[field].clone(),
        time => json!(time),
    };
    [
        ("packets", json!(info.packets)),
        ("truncated_records", json!(info.truncated_packets)),
        ("linktypes", json!(links)),
        ("earliest_time", time(info.first_time, "earliest_time")),
        ("latest_time", time(info.last_time, "latest_time")),
    ]
    .into_iter()
    .filter(|(field, ours)| !truth[field].is_null() && truth[field] != *ours)
    .map(|(field, ours)| format!("{field}: {ours}, tshark {}", truth[field]))
    .chain(info.damage.iter().map(|damage| damage.message.clone()))
    .collect()
}

/// The lines of truth.jsonl about captures that portproof reads.
fn truths(corpus: &Path) -> Vec<Value> {
    let truths = fs::read_to_string(corpus.join("real/truth.jsonl")).unwrap();
    truths
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|truth| {
            let container = truth["container"].as_str().unwrap_or_default();
            let packing = truth["packing"].as_str();
            container.starts_with("pcap") && matches!(packing, None | Some("gzip"))
        })
        .collect()
}

fn each(capture: &mut Capture, mut with: impl FnMut(Frame<'_>)) {
    let mut window = Window::default();
    while capture.read(&mut window) {
        window.frames().for_each(&mut with);
    }
}

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("PORTPROOF_CORPUS")
        .map(PathBuf::from)
        .filter(|path| path.join("lab").is_dir() && path.join("real").is_dir());
    if corpus.is_none() {
        println!("PORTPROOF_CORPUS names no folder of captures: not compared");
    }
    corpus
}
