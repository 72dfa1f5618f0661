//! What a report tells beside services, findings and unexpected flows.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::FrameRef;

/// ICMP errors of one sender that say the same of one server and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IcmpErrors {
    /// Who sent them.
    pub from: IpAddr,
    /// `host unreachable`, `administratively prohibited`, ...
    pub says: String,
    /// The server of the flows that they quote.
    pub server: IpAddr,
    /// Its IP protocol.
    pub protocol: String,
    /// Its port; null where the protocol has none.
    pub port: Option<u16>,
    /// How many there are.
    pub packets: u64,
    /// The first of them.
    pub first_frame: FrameRef,
}

/// Everyday traffic of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names are the contract's own")]
pub struct Background {
    pub kind: String,
    pub flows: u64,
    pub packets: u64,
}
