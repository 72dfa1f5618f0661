//! The reader against captures of other people's tools, with what tshark and libpcap read of them.
//!
//! `PORTPROOF_CORPUS` names the folder that holds `lab/` and `real/`; without it these tests say so and pass.

use std::fs;
use std::path::{Path, PathBuf};

use portproof::capture::{Capture, CaptureInfo, Frame, Options, discover};
use portproof::time::Timestamp;
use serde_json::Value;

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
            let ours = facts(&info);
            let theirs = expected(&truth);
            if ours != theirs {
                wrong.push(format!("{file}:\n  ours   {ours:?}\n  theirs {theirs:?}\n  damage {:?}", info.damage));
            }
            if let Some(damage) = info.damage.first() {
                wrong.push(format!("{file}: {}", damage.message));
            }
        } else {
            let packets = truth["packets"].as_u64().unwrap();
            if info.packets < packets || info.damage.is_empty() {
                wrong.push(format!("{file}: {} of {packets} packets, damage {:?}", info.packets, info.damage));
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

/// What is compared for a sound file: packets, without time, truncated, earliest, latest, link types.
type Facts = (u64, u64, Option<String>, Option<String>, Vec<u64>);

fn facts(info: &CaptureInfo) -> Facts {
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let links = info.interfaces.iter().map(|interface| u64::from(interface.link.0)).collect();
    (info.packets, info.truncated_packets, text(info.first_time), text(info.last_time), links)
}

fn expected(truth: &Value) -> Facts {
    let text = |field: &str| {
        // Beyond what a timestamp holds, ours saturates.
        let beyond = truth[field].as_str().is_some_and(|time| !time.starts_with("20") && !time.starts_with("19"));
        if beyond || !truth[format!("{field}_epoch")].is_null() {
            Some(Timestamp(i64::MAX).to_string())
        } else {
            truth[field].as_str().map(String::from)
        }
    };
    (
        truth["packets"].as_u64().unwrap(),
        truth["truncated_records"].as_u64().unwrap(),
        text("earliest_time"),
        text("latest_time"),
        truth["linktypes"].as_array().unwrap().iter().map(|link| link.as_u64().unwrap()).collect(),
    )
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
    while let Some(window) = capture.next_window() {
        window.for_each(&mut with);
    }
}

fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("PORTPROOF_CORPUS").map(PathBuf::from).filter(|path| path.join("real").is_dir());
    if corpus.is_none() {
        // A test may print: it says that it did nothing.
        #[allow(clippy::print_stdout)]
        {
            println!("PORTPROOF_CORPUS names no folder of captures: not compared");
        }
    }
    corpus
}
