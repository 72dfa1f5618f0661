//! Writes captures for benchmarks: `cargo run --release --example gencap -- mix 1GiB mix.pcap`.

#![allow(clippy::print_stderr, reason = "a command for people")]

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::process::ExitCode;

#[path = "../benches/gencap/mod.rs"]
mod gencap;

use gencap::{Container, Order, Shape, Written};

const USAGE: &str = "usage: gencap mix|small|flood SIZE FILE
       gencap many SIZE FOLDER

Writes a capture of SIZE (as 64MiB, 1GiB or a number of bytes) into FILE: pcapng where its name ends so, else pcap.
many: 2000 files of SIZE, each from a branch office of its own, one begun after the other. The same arguments give the same bytes.";

const MANY: u64 = 2000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [shape, size, out] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let (Some(shape), Some(size)) = (shape_of(shape), bytes_of(size)) else {
        eprintln!("gencap: no such capture: {shape} {size}\n{USAGE}");
        return ExitCode::from(2);
    };
    let written = match shape {
        Some(shape) => write(shape, size, 1, 0, Path::new(out)),
        None => write_many(size, Path::new(out)),
    };
    match written {
        Ok(Written { packets, bytes }) => {
            eprintln!("{packets} packets, {bytes} bytes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("gencap: cannot write {out}: {error}");
            ExitCode::from(1)
        }
    }
}

/// `Some(None)` is `many`.
fn shape_of(word: &str) -> Option<Option<Shape>> {
    match word {
        "mix" => Some(Some(Shape::Mix)),
        "small" => Some(Some(Shape::Small)),
        "flood" => Some(Some(Shape::Flood)),
        "many" => Some(None),
        _ => None,
    }
}

fn bytes_of(word: &str) -> Option<u64> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match word.strip_prefix(digits)? {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_shl(shift)
}

fn write(shape: Shape, size: u64, seed: u64, begins_s: u64, path: &Path) -> io::Result<Written> {
    let pcapng = path.extension().is_some_and(|ending| ending == "pcapng");
    let container = if pcapng { Container::Pcapng } else { Container::Pcap };
    let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    gencap::write(Order { shape, container, size, seed, begins_s }, out).map(|(_, written)| written)
}

fn write_many(size: u64, folder: &Path) -> io::Result<Written> {
    fs::create_dir_all(folder)?;
    (0..MANY).try_fold(Written::default(), |total, i| {
        let one = write(Shape::Branch, size, 1 + i * 7919, 2 * i, &folder.join(format!("{i:05}.pcap")))?;
        Ok(Written { packets: total.packets + one.packets, bytes: total.bytes + one.bytes })
    })
}
