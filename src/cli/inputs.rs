//! Captures, opened, read and judged. One that cannot be read does not stop the others.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::progress::Progress;
use super::room::Room;
use crate::capture::{self, Capture, CaptureError, CaptureInfo, Options};
use crate::engine::{self, Resources};
use crate::flow::PortHints;
use crate::report::{Compression, Damage, Format, Input};
use crate::verdict::{self, CaptureVerdict, Scope};

/// Reads and judges every capture that the arguments name, in their order; directories give their captures sorted.
pub(super) fn judge_all(
    arguments: &[PathBuf],
    scope: &Scope,
    hash: bool,
    memory: u64,
) -> (Vec<Input>, Vec<CaptureVerdict>) {
    let mut paths: Vec<Result<PathBuf, (PathBuf, CaptureError)>> = Vec::new();
    for argument in arguments {
        if is_stdin(argument) {
            paths.push(Ok(argument.clone()));
            continue;
        }
        match capture::discover(argument) {
            Ok(found) => paths.extend(found.into_iter().map(Ok)),
            Err(error) => paths.push(Err((argument.clone(), error))),
        }
    }
    let readers = Readers {
        scope,
        hints: scope.hints(),
        hash,
        memory,
        room: Room::new(memory),
        progress: Progress::over(paths.iter().filter_map(|path| path.as_ref().ok())),
    };
    let judged: Vec<(Input, Option<CaptureVerdict>)> = paths
        .into_par_iter()
        .with_max_len(1)
        .enumerate()
        .map(|(index, path)| match path {
            Ok(path) => readers.judge(&path, index),
            Err((path, error)) => (unreadable(&path, &error, scope), None),
        })
        .collect();
    readers.progress.finish();
    let (inputs, verdicts): (Vec<Input>, Vec<Option<CaptureVerdict>>) = judged.into_iter().unzip();
    (inputs, verdicts.into_iter().flatten().collect())
}

/// What captures that are read at the same time have in common.
struct Readers<'a> {
    scope: &'a Scope,
    hints: PortHints,
    hash: bool,
    memory: u64,
    room: Room,
    progress: Progress,
}

impl Readers<'_> {
    /// Reads and judges one capture; `index` is its place among the inputs.
    fn judge(&self, path: &Path, index: usize) -> (Input, Option<CaptureVerdict>) {
        let options = Options { hash: self.hash, ..Options::default() };
        let opened = if is_stdin(path) {
            Capture::from_reader(Box::new(io::stdin()), "-", &options)
        } else {
            Capture::open(path, &options)
        };
        let capture = match opened {
            Ok(capture) => capture,
            Err(error) => return (unreadable(path, &error, self.scope), None),
        };
        let room = self.room.take(capture.size(), capture.info().compression.is_some());
        let resources = Resources {
            threads: room.threads(rayon::current_num_threads()),
            memory: usize::try_from(self.memory).unwrap_or(usize::MAX),
        };
        let told = AtomicU64::new(0);
        let analysis = engine::analyse(capture, &self.hints, resources, &|consumed| {
            self.progress.add(consumed - told.swap(consumed, Ordering::Relaxed));
        });
        let verdict = verdict::judge(self.scope, &analysis, index);
        (input(path, &analysis.info, self.scope), Some(verdict))
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn unreadable(path: &Path, error: &CaptureError, scope: &Scope) -> Input {
    Input { error: Some(error.to_string()), ..input(path, &CaptureInfo::default(), scope) }
}

fn input(path: &Path, info: &CaptureInfo, scope: &Scope) -> Input {
    let mut link_types: Vec<String> = Vec::new();
    for interface in &info.interfaces {
        let name = interface.link.to_string();
        if !link_types.contains(&name) {
            link_types.push(name);
        }
    }
    Input {
        path: path.display().to_string(),
        sha256: info.sha256.clone(),
        format: info.format.map(|format| match format {
            capture::Format::Pcap => Format::Pcap,
            capture::Format::Pcapng => Format::Pcapng,
        }),
        compression: info.compression.map(|capture::Compression::Gzip| Compression::Gzip),
        vantage: scope.vantage,
        link_types,
        packets: info.packets,
        bytes: info.wire_bytes,
        first_time: info.first_time,
        last_time: info.last_time,
        truncated_packets: info.truncated_packets,
        dropped_packets: info.dropped_packets(),
        damage: info
            .damage
            .iter()
            .map(|damage| Damage {
                offset: damage.offset,
                frame: damage.frame,
                kind: damage.kind.code().to_owned(),
                message: damage.message.clone(),
            })
            .collect(),
        error: None,
    }
}
