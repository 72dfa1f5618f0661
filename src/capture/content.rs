//! What a file is, by its first bytes. Names prove nothing: a `.pcap` that holds pcapng is the rule.

use std::path::Path;

use super::pcap;
use crate::text;

/// How many bytes it takes to tell: the longest way in is the marker of an ETL trace, at byte 72.
pub(super) const HEAD_LEN: usize = 128;

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Capture(Container),
    Gzip,
    Foreign(Foreign),
    Unknown,
}

/// The captures that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Pcap,
    Pcapng,
}

/// What is recognised only to say what to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) name: &'static str,
    remedy: Remedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// Unpack with this command, which takes the file as its last argument and writes to standard output.
    Unpack(&'static str),
    /// Wireshark's editcap reads it.
    Editcap,
    /// Text.
    Sniffer,
    /// Traces of Windows.
    Etl,
}

/// The section header block of pcapng, the same in either byte order.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

impl Content {
    /// What a file that begins with `head` is.
    pub(super) fn of(head: &[u8]) -> Content {
        if pcap::is_pcap(head) {
            Content::Capture(Container::Pcap)
        } else if head.starts_with(&SECTION_HEADER) {
            Content::Capture(Container::Pcapng)
        } else if head.starts_with(&[0x1f, 0x8b]) {
            Content::Gzip
        } else {
            Foreign::of(head).map_or(Content::Unknown, Content::Foreign)
        }
    }
}

/// First bytes, what they are, and what to do.
const MAGICS: [(&[u8], &str, Remedy); 15] = [
    (b"\x28\xb5\x2f\xfd", "zstd data", Remedy::Unpack("zstd -dc")),
    (b"\x04\x22\x4d\x18", "lz4 data", Remedy::Unpack("lz4 -dc")),
    (b"\x02\x21\x4c\x18", "lz4 data", Remedy::Unpack("lz4 -dc")),
    (b"\xfd7zXZ\0", "xz data", Remedy::Unpack("xz -dc")),
    (b"BZh", "bzip2 data", Remedy::Unpack("bzip2 -dc")),
    (b"\x1f\x9d", "compress data", Remedy::Unpack("gzip -dc")),
    (b"PK\x03\x04", "a zip archive", Remedy::Unpack("unzip -p")),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", Remedy::Unpack("7z x -so")),
    (b"snoop\0\0\0", "a snoop capture", Remedy::Editcap),
    (b"GMBU", "a Microsoft Network Monitor 2 capture", Remedy::Editcap),
    (b"RTSS", "a Microsoft Network Monitor 1 capture", Remedy::Editcap),
    (b"TRSNIFF data", "a Sniffer (DOS) capture", Remedy::Editcap),
    (b"XCP\0", "a NetXRay or Sniffer (Windows) capture", Remedy::Editcap),
    (b"\x7fver", "an OmniPeek capture", Remedy::Editcap),
    (b"iptrace ", "an AIX iptrace capture", Remedy::Editcap),
];

impl Foreign {
    fn of(head: &[u8]) -> Option<Foreign> {
        if let Some((_, name, remedy)) = MAGICS.iter().find(|(magic, ..)| head.starts_with(magic)) {
            return Some(Foreign { name, remedy: *remedy });
        }
        // Skippable frames, which zstd and lz4 share: 0x184D2A50 to 5F, little-endian.
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] = head {
            return Some(Foreign { name: "zstd or lz4 data", remedy: Remedy::Unpack("zstd -dc") });
        }
        // A WMI buffer header of 72 bytes, then the marker of a system header, 0xC001xxxx or 0xC002xxxx.
        if let Some([_, _, 1 | 2, 0xc0]) = head.get(72..76) {
            return Some(Foreign { name: "a Windows event trace (ETL)", remedy: Remedy::Etl });
        }
        is_text(head).then_some(Foreign { name: "text", remedy: Remedy::Sniffer })
    }

    /// What to do with the file at `path`.
    pub(super) fn remedy(self, path: &Path) -> String {
        let file = quoted(path);
        match self.remedy {
            Remedy::Unpack(command) => format!("unpack it: {command} {file} | portproof check -"),
            Remedy::Editcap => format!("convert it: editcap -F pcapng {file} converted.pcapng"),
            Remedy::Etl => format!(
                "convert it: pktmon etl2pcap {file} --out converted.pcapng, or etl2pcapng {file} converted.pcapng"
            ),
            Remedy::Sniffer => format!(
                "a log of FortiOS \"diagnose sniffer packet\" at verbosity 3 or 6 becomes a capture with \
                 fgt2eth.pl -in {file} -out converted.pcap, another hex dump with text2pcap"
            ),
        }
    }
}

/// What to do with a file that was packed with gzip twice.
pub(super) fn unpack_gzip(path: &Path) -> String {
    format!("unpack it: gzip -dc {} | portproof check -", quoted(path))
}

/// A path as it can be typed into a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = text::visible(&text);
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '\\' | ':' | '+' | ',' | '=');
    if text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Whether it is what a terminal wrote down: UTF-8, or UTF-16 with its mark, and of control characters only those
/// that terminals use.
fn is_text(head: &[u8]) -> bool {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let control =
        |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n' | 0x07 | 0x08 | 0x0c | 0x1b);
    // The head may end in the middle of a character.
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    head.len() >= 4 && utf8 && !head.iter().any(control)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Container, Content, HEAD_LEN};

    #[test]
    fn captures_are_known_by_their_first_bytes() {
        for magic in [
            [0xd4, 0xc3, 0xb2, 0xa1],
            [0xa1, 0xb2, 0xc3, 0xd4],
            [0x4d, 0x3c, 0xb2, 0xa1],
            [0xa1, 0xb2, 0x3c, 0x4d],
            [0x34, 0xcd, 0xb2, 0xa1],
            [0xa1, 0xb2, 0xcd, 0x34],
        ] {
            assert_eq!(Content::of(&magic), Content::Capture(Container::Pcap));
        }
        assert_eq!(Content::of(b"\x0a\x0d\x0d\x0a"), Content::Capture(Container::Pcapng));
        assert_eq!(Content::of(b"\x1f\x8b\x08"), Content::Gzip);
        assert_eq!(Content::of(&[0; HEAD_LEN]), Content::Unknown);
        assert_eq!(Content::of(b""), Content::Unknown);
    }

    #[test]
    fn foreign_formats_are_named_with_what_to_do() {
        let mut etl = [0; HEAD_LEN];
        etl[72..76].copy_from_slice(&[2, 0, 2, 0xc0]);
        for (head, name, remedy) in [
            (&b"\x28\xb5\x2f\xfd\x04"[..], "zstd data", "zstd -dc 'a b' | portproof check -"),
            (b"\x5e\x2a\x4d\x18\0", "zstd or lz4 data", "zstd -dc 'a b' | portproof check -"),
            (b"\x04\x22\x4d\x18", "lz4 data", "lz4 -dc"),
            (b"\xfd7zXZ\0", "xz data", "xz -dc"),
            (b"BZh91AY", "bzip2 data", "bzip2 -dc"),
            (b"PK\x03\x04", "a zip archive", "unzip -p"),
            (b"snoop\0\0\0\0\0\0\x02", "a snoop capture", "editcap -F pcapng 'a b' converted.pcapng"),
            (b"GMBU\0\x02", "a Microsoft Network Monitor 2 capture", "editcap"),
            (b"TRSNIFF data    \x1a", "a Sniffer (DOS) capture", "editcap"),
            (&etl, "a Windows event trace (ETL)", "etl2pcapng"),
            (b"0.951319 wan1 -- 10.0.0.1.22 -> 10.0.0.2.58129: psh 8 ack 3\r\n", "text", "fgt2eth.pl"),
            (b"\x1b]0;a@b\x07interfaces=[any]\r\n\xc3", "text", "fgt2eth.pl"),
            (b"\xff\xfef\0w\0", "text", "fgt2eth.pl"),
        ] {
            let Content::Foreign(foreign) = Content::of(head) else { panic!("{head:?}") };
            assert_eq!(foreign.name, name);
            let told = foreign.remedy(Path::new("a b"));
            assert!(told.contains(remedy), "{told}");
        }
    }

    #[test]
    fn bytes_without_a_meaning_are_unknown() {
        assert_eq!(Content::of(b"\x80\x81\x82\x83\x84"), Content::Unknown);
        assert_eq!(Content::of(b"text\0with a zero"), Content::Unknown);
    }
}
