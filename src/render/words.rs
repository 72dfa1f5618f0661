//! The report's enums and numbers as people read them.

use crate::render::layout::thousands;
use crate::report::{Nat, Report, Service, Transport, Vantage, Verdict};

/// A verdict in running text: `not seen`.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotSeen => "not seen",
        Verdict::NotNeeded => "not needed",
        other => other.name(),
    }
}

/// The contract's word.
pub(super) fn vantage(vantage: Vantage) -> &'static str {
    match vantage {
        Vantage::Client => "client",
        Vantage::Gateway => "gateway",
        Vantage::Mirror => "mirror",
        Vantage::Unknown => "unknown",
    }
}

/// The contract's word.
pub(super) fn nat(nat: Nat) -> &'static str {
    match nat {
        Nat::Client => "client",
        Nat::Server => "server",
        Nat::Both => "both",
        Nat::None => "none",
    }
}

/// `tcp/8013`; `esp` where there is no port.
pub(super) fn protocol_port(protocol: &str, port: Option<u16>) -> String {
    port.map_or_else(|| protocol.to_owned(), |port| format!("{protocol}/{port}"))
}

/// The port that a transport of a service was used on, as its pairs say: the table's own, where they used several. `tcp/10443`.
pub(super) fn used_port(service: &Service, transport: &Transport) -> String {
    let used = service.pairs.iter().flat_map(|pair| &pair.transports).filter(|used| used.id == transport.id);
    let mut ports: Vec<Option<u16>> = used.map(|used| used.port).collect();
    ports.sort_unstable();
    ports.dedup();
    protocol_port(&transport.protocol, if let [one] = ports.as_slice() { *one } else { transport.port })
}

/// Whether a packet of the transport was seen.
pub(super) fn used(transport: &Transport) -> bool {
    transport.packets_out > 0 || transport.packets_in > 0
}

/// How many services got each verdict, bad ones first: `1 blocked, 1 seen, 10 not seen`.
pub(super) fn tally(report: &Report) -> Vec<String> {
    let count = |wanted: Verdict| report.services.iter().filter(|service| service.verdict == wanted).count();
    let counted = Verdict::ALL.into_iter().rev().map(|wanted| (wanted, count(wanted)));
    counted
        .filter(|&(_, count)| count > 0)
        .map(|(wanted, count)| format!("{} {}", thousands(count as u64), verdict(wanted)))
        .collect()
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and_list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
