//! The types of `portproof.report.v1`.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Background, Cause, IcmpErrors, Ike, Limits, Tls};
use crate::time::Timestamp;

/// The `schema` field of every report.
pub const SCHEMA: &str = "portproof.report.v1";

/// A whole report.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// The program.
    pub tool: Tool,
    /// The table of required ports that was judged against.
    pub profile: ProfileRef,
    /// The answer to the run as a whole.
    pub outcome: Outcome,
    /// Every input, in the order of its first packet; frame references point into this list.
    pub inputs: Vec<Input>,
    /// Counts over all inputs.
    pub totals: Totals,
    /// Every service of the profile, in its order.
    pub services: Vec<Service>,
    /// What is wrong or worth knowing: worst verdict first, then profile order.
    pub findings: Vec<Finding>,
    /// Flows that nothing in the table, the site file or the list of background traffic explains.
    pub unexpected: Vec<Unexpected>,
    /// Everyday traffic that no table port requires.
    pub background: Vec<Background>,
    /// ICMP errors by who sent them, what they say, and what they are about: the most frequent first.
    pub icmp_errors: Vec<IcmpErrors>,
    /// Every bound that was hit, so that absence is not taken for proof.
    pub limits: Limits,
    /// What this capture cannot show, in sentences.
    pub notes: Vec<String>,
}

/// The program that wrote the report.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Tool {
    /// Always `portproof`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Which table was judged against.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ProfileRef {
    /// The profile's identifier.
    pub id: String,
    /// The profile's own version (not the vendor's).
    pub version: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of the profile's text, in hexadecimal.
    pub sha256: String,
}

/// The answer to the run as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// What is required works, and nothing attempted fails.
    Compliant,
    /// A service is blocked, failed or interrupted, or what is required was not shown to work.
    NonCompliant,
    /// Something attempted could not be judged, or nothing could.
    Inconclusive,
}

/// One capture as it was given.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Input {
    /// The path as given; `-` for standard input.
    pub path: String,
    /// SHA-256 of the file as given, before decompression; null where no hash was asked for.
    pub sha256: Option<String>,
    /// The container; null where it was not recognised.
    pub format: Option<Format>,
    /// What it was packed with.
    pub compression: Option<Compression>,
    /// Where the capture was taken.
    pub vantage: Vantage,
    /// The link types of its interfaces, each once.
    pub link_types: Vec<String>,
    /// Records read.
    pub packets: u64,
    /// Bytes on the wire of these records.
    pub bytes: u64,
    /// The earliest packet.
    pub first_time: Option<Timestamp>,
    /// The latest packet.
    pub last_time: Option<Timestamp>,
    /// Packets captured shorter than they were on the wire.
    pub truncated_packets: u64,
    /// What the capture itself reports as lost; null where it does not say.
    pub dropped_packets: Option<u64>,
    /// Where the file is damaged.
    pub damage: Vec<Damage>,
    /// Why the file could not be read at all.
    pub error: Option<String>,
}

/// The container of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The classic libpcap file.
    Pcap,
    /// The block-structured successor.
    Pcapng,
}

/// What a capture was packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// RFC 1952.
    Gzip,
}

/// Where a capture was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Vantage {
    /// On the endpoint.
    Client,
    /// On the gateway or server.
    Gateway,
    /// Between them, on a mirror port or a router.
    Mirror,
    /// Not said, and not to be inferred.
    #[default]
    Unknown,
}

/// A place where a file is damaged. What stood before it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Damage {
    /// Byte offset in the (decompressed) file.
    pub offset: u64,
    /// The number that the unreadable record would have had.
    pub frame: u64,
    /// A stable kebab-case word for what is wrong.
    pub kind: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Counts over all inputs. Totals by protocol count the innermost IP packet, duplicates included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Totals {
    pub packets: u64,
    /// Any IPv4 or IPv6, also cut or bogus.
    pub ip_packets: u64,
    pub undecoded_packets: u64,
    pub duplicate_packets: u64,
    pub flows: u64,
    /// First fragments and whole packets only.
    pub tcp_packets: u64,
    /// First fragments and whole packets only.
    pub udp_packets: u64,
    /// ICMP 3, 11, 12 and ICMPv6 1 to 4.
    pub icmp_errors: u64,
    /// IP protocol 50.
    pub esp_packets: u64,
    /// On 500, on 4500 behind the non-ESP marker, and in TCP.
    pub ike_packets: u64,
    /// ESP in UDP 4500.
    pub nat_t_esp_packets: u64,
    pub nat_t_keepalives: u64,
    /// Each record in exactly one place.
    pub accounted: Accounted,
    /// Why packets could not be decoded, with the first that shows it.
    pub undecoded: Vec<Undecoded>,
}

/// Where each record went; adds up to [`Totals::packets`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Accounted {
    pub services: u64,
    pub unexpected: u64,
    pub background: u64,
    pub icmp_errors: u64,
    pub duplicates: u64,
    pub filtered: u64,
    pub not_ip: u64,
    pub undecoded: u64,
    /// Packets of flows given up for lack of memory.
    pub evicted: u64,
}

impl Accounted {
    /// The sum of all places.
    pub fn sum(&self) -> u64 {
        self.services
            + self.unexpected
            + self.background
            + self.icmp_errors
            + self.duplicates
            + self.filtered
            + self.not_ip
            + self.undecoded
            + self.evicted
    }
}

/// One reason for which packets could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Undecoded {
    /// A stable kebab-case word.
    pub reason: String,
    /// How many.
    pub packets: u64,
    /// The first that shows it.
    pub first_frame: FrameRef,
}

/// A frame of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct FrameRef {
    /// Index into [`Report::inputs`].
    pub input: usize,
    /// 1-based, counting every record in the file, as Wireshark does.
    pub frame: u64,
}

/// What is said of a service, a transport or a pair. Ordered from good to bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No packet of it.
    #[default]
    NotSeen,
    /// A transport that the working ones make unnecessary.
    NotNeeded,
    /// It works.
    Seen,
    /// It works, on a fallback or badly.
    Degraded,
    /// Packets, but this capture cannot support a verdict.
    Inconclusive,
    /// It worked in this capture, and does not at its end.
    Interrupted,
    /// The two ends talked and did not agree, or an end is at fault.
    Failed,
    /// Something refused it, swallowed it, or stood in for it.
    Blocked,
}

impl Verdict {
    /// Every verdict, from good to bad.
    pub const ALL: [Verdict; 8] = [
        Verdict::NotSeen,
        Verdict::NotNeeded,
        Verdict::Seen,
        Verdict::Degraded,
        Verdict::Inconclusive,
        Verdict::Interrupted,
        Verdict::Failed,
        Verdict::Blocked,
    ];

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::NotSeen => "not-seen",
            Verdict::NotNeeded => "not-needed",
            Verdict::Seen => "seen",
            Verdict::Degraded => "degraded",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Interrupted => "interrupted",
            Verdict::Failed => "failed",
            Verdict::Blocked => "blocked",
        }
    }

    /// Whether the service was shown to work.
    pub fn works(self) -> bool {
        matches!(self, Verdict::Seen | Verdict::Degraded)
    }

    /// Whether the service was shown not to work.
    pub fn is_bad(self) -> bool {
        matches!(self, Verdict::Blocked | Verdict::Failed | Verdict::Interrupted)
    }
}

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

/// What ties a flow to a service, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Attribution {
    /// The user named the server's address.
    Address,
    /// The payload is the service's own.
    Payload,
    /// TLS SNI, HTTP Host, or the name that was asked for.
    Name,
    /// A DNS answer in the same capture.
    Dns,
    /// The port alone.
    Port,
    /// The port, which services share, and nothing separates them.
    SharedPort,
}

impl Attribution {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Attribution::Address => "address",
            Attribution::Payload => "payload",
            Attribution::Name => "name",
            Attribution::Dns => "dns",
            Attribution::Port => "port",
            Attribution::SharedPort => "shared-port",
        }
    }
}

/// One service of the profile.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Service {
    /// The service's identifier.
    pub id: String,
    /// The vendor's name for it.
    pub name: String,
    /// What it is used for, in the vendor's words.
    pub usage: String,
    /// `outgoing`: from the endpoint.
    pub direction: String,
    /// Named by `--require` or `[require]`.
    pub required: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Its one root cause.
    pub cause: Option<Cause>,
    /// How sure it is.
    pub confidence: Option<Confidence>,
    /// Why not surer.
    pub confidence_reason: Option<String>,
    /// What ties the packets to the service.
    pub attribution: Option<Attribution>,
    /// The services that the packets may belong to.
    pub candidates: Vec<String>,
    /// Every transport of the service, in the profile's order.
    pub transports: Vec<Transport>,
    /// Every client and server that used or tried the service, by client and server address.
    pub pairs: Vec<Pair>,
    /// Indexes into [`Report::findings`].
    pub findings: Vec<usize>,
    /// One line for people: what was on the wire.
    pub summary: String,
    /// From the site file's `[audit]`.
    pub business_need: Option<String>,
    /// From the site file's `[audit]`.
    pub approval: Option<String>,
}

/// One transport of a service, or of a pair.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Transport {
    pub id: String,
    /// `tcp`, `udp`, `esp`, else the IP protocol's name.
    pub protocol: String,
    /// The server's port; null for ESP.
    pub port: Option<u16>,
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    pub flows: u64,
    pub packets_out: u64,
    pub packets_in: u64,
    /// Bytes of whole frames on the wire, client to server.
    pub bytes_out: u64,
    /// Bytes of whole frames on the wire, server to client.
    pub bytes_in: u64,
    pub first_frame: Option<FrameRef>,
    pub last_frame: Option<FrameRef>,
    pub first_time: Option<Timestamp>,
    pub last_time: Option<Timestamp>,
    /// For pairs: TCP segments or requests sent again.
    pub retransmissions: u64,
}

/// One client and one server of a service.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Pair {
    pub client: IpAddr,
    /// Null where no address is known: a name that did not resolve.
    pub server: Option<IpAddr>,
    pub server_name: Option<String>,
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    pub confidence: Option<Confidence>,
    pub confidence_reason: Option<String>,
    pub attribution: Attribution,
    /// What this pair used.
    pub transports: Vec<Transport>,
    pub first_time: Option<Timestamp>,
    pub last_time: Option<Timestamp>,
    pub retransmissions: u64,
    pub rtt_ms: Option<f64>,
    /// Who is behind NAT; null where the capture cannot tell.
    pub nat: Option<Nat>,
    pub encapsulation: Option<Encapsulation>,
    /// Whether the service's payload is readable by anyone on the path.
    pub cleartext: bool,
    pub tls: Option<Tls>,
    pub ike: Option<Ike>,
    pub findings: Vec<usize>,
    /// One line for people: what was on the wire.
    pub summary: String,
}

/// Who is behind a NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Nat {
    Client,
    Server,
    Both,
    None,
}

/// How ESP travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encapsulation {
    /// IP protocol 50.
    Native,
    /// RFC 3948.
    Udp,
    /// RFC 8229, RFC 9329.
    Tcp,
}

impl Encapsulation {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Encapsulation::Native => "native",
            Encapsulation::Udp => "udp",
            Encapsulation::Tcp => "tcp",
        }
    }
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// For `degraded` and `inconclusive`.
    Warning,
    /// For `blocked`, `failed` and `interrupted`.
    Error,
}

impl Severity {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// One thing that is wrong or worth knowing, with the frames that prove it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Finding {
    /// A [`Cause`] code, or the code of an info line.
    pub code: String,
    pub severity: Severity,
    pub service: String,
    pub transport: Option<String>,
    pub client: Option<IpAddr>,
    pub server: Option<IpAddr>,
    pub server_name: Option<String>,
    /// What happened, in one sentence.
    pub summary: String,
    /// The likely cause.
    pub explanation: String,
    /// What to do.
    pub remedy: String,
    /// What else went wrong, which the cause does not explain: each a code and a sentence.
    pub also_seen: Vec<String>,
    pub confidence: Confidence,
    pub confidence_reason: Option<String>,
    /// The device that did it, where the capture shows it.
    pub suspect: Option<IpAddr>,
    /// The first frames that prove it, and the last.
    pub evidence: Vec<Evidence>,
    /// The messages in order; one that never came has `missing`.
    pub sequence: Vec<Step>,
    /// How many frames bear on it, cited or not.
    pub evidence_total: u64,
    /// Selects the conversation in Wireshark.
    pub display_filter: String,
}

/// A frame that proves something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Evidence {
    pub input: usize,
    pub frame: u64,
    pub time: Option<Timestamp>,
    pub note: String,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Step {
    pub input: usize,
    /// Null where the message never came.
    pub frame: Option<u64>,
    pub time: Option<Timestamp>,
    pub from: String,
    pub to: String,
    pub label: String,
    pub note: Option<String>,
    pub missing: bool,
}

/// Flows of one client to one server port that nothing explains.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Unexpected {
    pub client: IpAddr,
    pub server: IpAddr,
    pub server_name: Option<Box<str>>,
    pub protocol: Cow<'static, str>,
    pub port: Option<u16>,
    /// `established`, `refused`, `unanswered`, `one-way`, ...
    pub state: &'static str,
    /// What it may be.
    pub hint: Option<Box<str>>,
    pub flows: u64,
    pub packets_out: u64,
    pub packets_in: u64,
    pub bytes_out: u64,
    pub bytes_in: u64,
    pub first_frame: FrameRef,
    pub last_frame: FrameRef,
    pub first_time: Timestamp,
    pub last_time: Timestamp,
}
