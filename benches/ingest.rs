//! How fast captures are read, decoded and taken in: `cargo bench`.
//!
//! Every reading stands beside libpcap's of the same file in the same run: compare the two, never a number with one of
//! another day or another machine.

mod gencap;

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use tempfile::TempDir;

use gencap::{Container, Order, Shape};
use portproof::capture::{self, Frame, Window};
use portproof::decode::{Decoder, Seed};
use portproof::engine::{self, Resources};
use portproof::flow::PortHints;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let folder = TempDir::new()?;
    let samples = [
        Sample::write(&folder, "mix.pcap", Shape::Mix, 64 << 20)?,
        Sample::write(&folder, "mix.pcapng", Shape::Mix, 64 << 20)?,
        // Short: opening and closing weigh here.
        Sample::write(&folder, "branch.pcap", Shape::Branch, 512 << 10)?,
        Sample::write(&folder, "small.pcap", Shape::Small, 16 << 20)?,
        Sample::write(&folder, "flood.pcap", Shape::Flood, 16 << 20)?,
    ];
    let mut criterion = Criterion::default().configure_from_args();
    read(&mut criterion, &samples)?;
    decode(&mut criterion, &samples)?;
    ingest(&mut criterion, &samples)?;
    trackers(&mut criterion, &samples)?;
    criterion.final_summary();
    Ok(())
}

/// The reader alone, beside libpcap.
fn read(criterion: &mut Criterion, samples: &[Sample]) -> Outcome<()> {
    let mut group = criterion.benchmark_group("read");
    for sample in samples {
        sample.agrees(read_by_portproof(&sample.path)?)?;
        sample.agrees(read_by_libpcap(&sample.path)?)?;
        sample.measure(&mut group);
        let name = &sample.name;
        group.bench_function(format!("{name}/portproof"), |b| b.iter(|| read_by_portproof(&sample.path)));
        group.bench_function(format!("{name}/libpcap"), |b| b.iter(|| read_by_libpcap(&sample.path)));
    }
    group.finish();
    Ok(())
}

/// Frames that are in memory already become items.
fn decode(criterion: &mut Criterion, samples: &[Sample]) -> Outcome<()> {
    let mut group = criterion.benchmark_group("decode");
    for sample in samples.iter().filter(|sample| sample.container == Container::Pcap) {
        let frames = Frames::of(&sample.path)?;
        sample.agrees(decode_all(&frames))?;
        sample.measure(&mut group);
        group.bench_function(&sample.name, |b| b.iter(|| decode_all(&frames)));
    }
    group.finish();
    Ok(())
}

/// The whole way from the file to what it shows, without judgement.
fn ingest(criterion: &mut Criterion, samples: &[Sample]) -> Outcome<()> {
    let mut group = criterion.benchmark_group("ingest");
    let hints = table_ports();
    for sample in samples {
        sample.measure(&mut group);
        group.bench_function(&sample.name, |b| {
            b.iter(|| {
                capture(&sample.path).map(|capture| engine::analyse(capture, &hints, Resources::default(), &|_| {}))
            });
        });
    }
    group.finish();
    Ok(())
}

/// What following flows costs: ingest with every tracker, with those of IKE and ESP alone, and with none.
fn trackers(criterion: &mut Criterion, samples: &[Sample]) -> Outcome<()> {
    let mut group = criterion.benchmark_group("trackers");
    let ways = [("all", table_ports()), ("ipsec", PortHints::default()), ("none", PortHints::none())];
    for sample in samples.iter().filter(|sample| sample.name == "mix.pcap") {
        sample.measure(&mut group);
        for (way, hints) in &ways {
            group.bench_function(format!("{}/{way}", sample.name), |b| {
                b.iter(|| {
                    capture(&sample.path).map(|capture| engine::analyse(capture, hints, Resources::default(), &|_| {}))
                });
            });
        }
    }
    group.finish();
    Ok(())
}

/// A generated capture.
struct Sample {
    name: String,
    container: Container,
    path: PathBuf,
    packets: u64,
    bytes: u64,
}

impl Sample {
    fn write(folder: &TempDir, name: &str, shape: Shape, size: u64) -> Outcome<Sample> {
        let container = if name.ends_with(".pcapng") { Container::Pcapng } else { Container::Pcap };
        let path = folder.path().join(name);
        let out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        let (_, written) = gencap::write(Order { shape, container, size, seed: 1, begins_s: 0 }, out)?;
        Ok(Sample { name: name.to_owned(), container, path, packets: written.packets, bytes: written.bytes })
    }

    /// A speed says nothing where the packets were not all there.
    fn agrees(&self, packets: u64) -> Outcome<()> {
        if packets != self.packets {
            return Err(format!("{}: {packets} packets read of {}", self.name, self.packets).into());
        }
        Ok(())
    }

    fn measure(&self, group: &mut BenchmarkGroup<'_, WallTime>) {
        group.sample_size(20);
        group.throughput(Throughput::ElementsAndBytes { elements: self.packets, bytes: self.bytes });
    }
}

fn capture(path: &Path) -> Result<capture::Capture, capture::CaptureError> {
    capture::Capture::open(path, &capture::Options::default())
}

fn read_by_portproof(path: &Path) -> Outcome<u64> {
    let mut capture = capture(path)?;
    let mut packets = 0;
    let mut window = Window::default();
    while capture.read(&mut window) {
        for frame in window.frames() {
            black_box(frame.data);
            packets += 1;
        }
    }
    Ok(packets)
}

fn read_by_libpcap(path: &Path) -> Outcome<u64> {
    let mut capture = pcap::Capture::from_file(path)?;
    let mut packets = 0;
    loop {
        match capture.next_packet() {
            Ok(packet) => {
                black_box(packet.data);
                packets += 1;
            }
            Err(pcap::Error::NoMorePackets) => return Ok(packets),
            Err(error) => return Err(error.into()),
        }
    }
}

fn decode_all(frames: &Frames) -> u64 {
    let mut decoder = Decoder::new(Seed::fixed(1));
    frames.each(|frame| {
        black_box(decoder.decode(frame));
    });
    decoder.counts().packets
}

/// All frames of a capture, kept.
struct Frames {
    bytes: Vec<u8>,
    /// Each without its data, and where these end in `bytes`.
    heads: Vec<(Frame<'static>, usize)>,
}

impl Frames {
    fn of(path: &Path) -> Outcome<Frames> {
        let mut capture = capture(path)?;
        let mut frames = Frames { bytes: Vec::new(), heads: Vec::new() };
        let mut window = Window::default();
        while capture.read(&mut window) {
            for frame in window.frames() {
                frames.bytes.extend_from_slice(frame.data);
                frames.heads.push((Frame { data: &[], ..frame }, frames.bytes.len()));
            }
        }
        Ok(frames)
    }

    fn each(&self, mut take: impl FnMut(&Frame<'_>)) {
        let mut start = 0;
        for &(head, end) in &self.heads {
            take(&Frame { data: &self.bytes[start..end], ..head });
            start = end;
        }
    }
}

/// The ports of the FortiClient table.
fn table_ports() -> PortHints {
    let mut hints = PortHints::default();
    [25, 80, 443, 514, 4500, 8001, 8013, 8888].into_iter().for_each(|port| hints.add_tcp(port, port));
    [443, 500, 514, 4500, 8888].into_iter().for_each(|port| hints.add_udp(port, port));
    hints
}
