//! Walks captures from record to record and counts the packets, the least that a reader must do: what portproof's analysis costs
//! is measured beside it. `cargo run --release --example walk -- mix.pcap`.

#![allow(clippy::print_stdout, reason = "a command for people")]

use std::path::Path;

use portproof::capture::{Capture, CaptureError, Options, Window};

fn main() -> Result<(), CaptureError> {
    let packets = std::env::args_os().skip(1).map(|file| packets(Path::new(&file))).sum::<Result<usize, _>>()?;
    println!("{packets}");
    Ok(())
}

fn packets(file: &Path) -> Result<usize, CaptureError> {
    let mut capture = Capture::open(file, &Options::default())?;
    let mut packets = 0;
    let mut window = Window::default();
    while capture.read(&mut window) {
        packets += window.frames().len();
    }
    Ok(packets)
}
