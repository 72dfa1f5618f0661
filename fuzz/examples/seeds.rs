//! Makes `seeds/` from the project's own captures: `cargo run --example seeds`, in the folder `fuzz/`.
//!
//! For each target the first message of every shape (what it speaks, and what its first bytes say) is taken, so that the
//! seeds stay few. Seeds in `seeds/` that were laid out by hand are left alone: their names do not begin with `from-`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use portproof::capture::{Capture, Options, discover};
use portproof::decode::{Decoder, Endpoints, Item, Kind, Seed, Side};
use portproof::profile::Profile;
use portproof::proto::sniff::{self, Spoken};
use portproof::proto::tls::Certificate;

/// Longer messages are cut: a parser of first bytes sees no more either, and all seeds together stay small.
const MAX_SEED: usize = 1536;
/// Handshakes in clear, with a certificate or two.
const MAX_STREAM: usize = 6 << 10;
/// Seeds of one target.
const MAX_SEEDS: usize = 24;

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = discover(&root.join("../fixtures")).map_err(io::Error::other)?;
    let mut seeds = Seeds::default();
    for path in fixtures {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        read(&path, &name, &mut seeds).map_err(io::Error::other)?;
    }
    for profile in Profile::builtins() {
        seeds.add("profile", "builtin", profile.id.clone(), profile.text.as_bytes().to_vec());
    }
    seeds.write(&root.join("seeds"))
}

fn read(path: &Path, name: &str, seeds: &mut Seeds) -> Result<(), portproof::capture::CaptureError> {
    let mut capture = Capture::open(path, &Options::default())?;
    let mut decoder = Decoder::new(Seed::fixed(1));
    let mut streams: BTreeMap<(Endpoints, bool), Vec<u8>> = BTreeMap::new();
    while let Some(window) = capture.next_window() {
        for frame in window {
            let item = decoder.decode(&frame);
            let shape = format!("{:?} {} {} {:?}", frame.link, item.protocol, item.is_v6(), kind(&item));
            let bytes = [&frame.link.0.to_be_bytes(), frame.data].concat();
            seeds.add("decode", name, shape, cut(&bytes, MAX_SEED / 4));
            match item.protocol {
                6 if item.kind == Kind::Packet => {
                    let v6 = item.v6_addresses().map(|(from, to)| (from.min(to), from.max(to)));
                    let stream = streams.entry((item.key.endpoints(v6), item.side == Side::Low)).or_default();
                    stream.extend(item.payload());
                }
                17 if item.kind == Kind::Packet => datagram(item.payload(), name, seeds),
                _ => {}
            }
        }
    }
    for bytes in streams.into_values().filter(|bytes| !bytes.is_empty()) {
        stream(&bytes, name, seeds);
    }
    Ok(())
}

fn kind(item: &Item<'_>) -> Kind {
    match item.kind {
        Kind::NotIp(_) => Kind::NotIp(0),
        kind => kind,
    }
}

fn datagram(payload: &[u8], name: &str, seeds: &mut Seeds) {
    let spoken = sniff::udp(payload, payload.len());
    seeds.add("sniff", name, format!("udp {spoken:?}"), cut(payload, 128));
    let behind_marker = payload.strip_prefix(&[0; 4]);
    let target = match spoken {
        Spoken::Ike => "ike",
        Spoken::Dns => "dns",
        Spoken::Dtls => "dtls",
        Spoken::Quic => "quic",
        Spoken::Syslog => "syslog",
        Spoken::Unknown if payload.len() < 200 => "nat_t",
        _ => return,
    };
    let message = behind_marker.filter(|_| target == "ike").unwrap_or(payload);
    seeds.add(target, name, shape(message, target), cut(message, MAX_SEED));
    if target == "ike" && behind_marker.is_some() {
        seeds.add("nat_t", name, shape(payload, "nat_t"), cut(payload, 256));
    }
}

fn stream(bytes: &[u8], name: &str, seeds: &mut Seeds) {
    let spoken = sniff::tcp(bytes);
    seeds.add("sniff", name, format!("tcp {spoken:?}"), cut(bytes, 128));
    let target = match spoken {
        spoken if spoken.is_tls() => "tls",
        Spoken::HttpRequest | Spoken::HttpResponse => "http",
        Spoken::Smtp => "smtp",
        Spoken::Syslog | Spoken::SyslogOctetCounted => "syslog",
        Spoken::IkeTcp => "ike_tcp",
        _ => return,
    };
    seeds.add(target, name, format!("{spoken:?} {}", bytes.len().ilog2()), cut(bytes, MAX_STREAM));
    if target == "tls"
        && let Some(der) = (0..bytes.len()).map(|at| &bytes[at..]).find(|der| Certificate::parse(der).is_some())
    {
        let len = (0..=der.len()).find(|len| Certificate::parse(&der[..*len]).is_some()).unwrap_or(der.len());
        seeds.add("certificate", name, format!("{}", len / 64), der[..len].to_vec());
    }
}

/// Messages of one shape take the same ways through a parser.
fn shape(message: &[u8], target: &str) -> String {
    let told: &[usize] = match target {
        "ike" => &[16, 17, 18, 19],
        "dns" => &[2, 3, 7],
        "dtls" => &[0, 13],
        "nat_t" => &[22],
        _ => &[0],
    };
    let bytes: Vec<_> = told.iter().map(|at| message.get(*at)).collect();
    format!("{bytes:?} {}", message.len().max(1).ilog2())
}

fn cut(bytes: &[u8], len: usize) -> Vec<u8> {
    bytes[..len.min(bytes.len())].to_vec()
}

#[derive(Default)]
struct Seeds {
    shapes: BTreeSet<(&'static str, String)>,
    files: BTreeMap<(&'static str, String), Vec<u8>>,
}

impl Seeds {
    /// Keeps the first of its shape.
    fn add(&mut self, target: &'static str, from: &str, shape: String, bytes: Vec<u8>) {
        let count = self.shapes.iter().filter(|(of, _)| *of == target).count();
        if count < MAX_SEEDS && self.shapes.insert((target, shape)) {
            self.files.insert((target, format!("from-{from}-{count}")), bytes);
        }
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        for target in self.files.keys().map(|(target, _)| folder.join(target)).collect::<BTreeSet<_>>() {
            fs::create_dir_all(&target)?;
            for old in fs::read_dir(&target)? {
                let old = old?;
                if old.file_name().to_string_lossy().starts_with("from-") {
                    fs::remove_file(old.path())?;
                }
            }
        }
        self.files.iter().try_for_each(|((target, name), bytes)| fs::write(folder.join(target).join(name), bytes))
    }
}
