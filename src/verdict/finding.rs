//! A judgement becomes a finding: what happened, what is likely behind it, what to do, and the frames that prove it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Scope;
use super::advice::{About, advice};
use super::judgement::Rung;
use super::pair::PairVerdict;
use super::service::ServiceVerdict;
use crate::profile::{Selector, Speaks, Transport};
use crate::report::{Evidence, Finding, Severity, Step, Verdict};

/// The finding of a pair; none where it simply works. Where the client's fallback made a failure good, the finding is that of the
/// service, and what the pair suffered is also seen.
pub(super) fn of(scope: &Scope, pair: &PairVerdict, input: usize, said: &ServiceVerdict) -> Option<Finding> {
    let judgement = &pair.judgement;
    let made_good = said.cause.filter(|_| judgement.verdict.is_bad() && said.verdict.works());
    let cause = made_good.or(judgement.cause)?;
    let service = scope.profile.services.get(pair.service)?;
    let transport = pair.about.and_then(|about| service.transports.get(about));
    let used = pair
        .about
        .and_then(|about| pair.transports.iter().find(|used| used.transport == about))
        .or(pair.transports.first());
    let client = pair.client.to_string();
    let server = pair.server.map_or_else(|| pair.server_name.clone().unwrap_or_default(), |server| server.to_string());
    let port = transport.map_or_else(String::new, |transport| port_words(transport, used.map(|used| used.port)));
    let suspect = judgement.suspect.map(|suspect| suspect.to_string());
    let words = advice(cause, &About { client: &client, server: &server, port: &port, suspect: suspect.as_deref() });
    Some(Finding {
        code: cause.code().to_owned(),
        severity: severity(judgement.verdict),
        service: service.id.clone(),
        transport: transport.map(|transport| transport.id.clone()),
        client: Some(pair.client),
        server: pair.server,
        server_name: pair.server_name.clone(),
        summary: if made_good.is_some() { said.summary.clone() } else { judgement.story.clone() },
        explanation: judgement.likely.clone().unwrap_or(words.likely),
        remedy: judgement.remedy.clone().unwrap_or(words.remedy),
        also_seen: made_good.and_then(|_| judgement.in_one_line()).into_iter().chain(judgement.also.clone()).collect(),
        confidence: judgement.confidence,
        confidence_reason: judgement.reason.clone(),
        suspect: judgement.suspect,
        evidence: judgement
            .evidence()
            .into_iter()
            .map(|cited| Evidence { input, frame: cited.mark.frame, time: Some(cited.mark.time), note: cited.note })
            .collect(),
        sequence: judgement.sequence.iter().map(|rung| step(rung, input)).collect(),
        evidence_total: judgement.total,
        display_filter: pair.server.or(pair.proxy).map_or_else(
            || lookup_filter(pair),
            |server| {
                let transports = pair
                    .transports
                    .iter()
                    .filter_map(|used| Some((service.transports.get(used.transport)?, used.port)));
                display_filter(pair, server, transports)
            },
        ),
    })
}

fn step(rung: &Rung, input: usize) -> Step {
    Step {
        input,
        frame: rung.mark.map(|mark| mark.frame),
        time: rung.mark.map(|mark| mark.time),
        from: rung.from.to_string(),
        to: rung.to.to_string(),
        label: rung.label.clone(),
        note: rung.note.clone(),
        missing: rung.mark.is_none(),
    }
}

fn severity(verdict: Verdict) -> Severity {
    match verdict {
        Verdict::Blocked | Verdict::Failed | Verdict::Interrupted => Severity::Error,
        Verdict::Degraded | Verdict::Inconclusive => Severity::Warning,
        Verdict::Seen | Verdict::NotSeen | Verdict::NotNeeded => Severity::Info,
    }
}

/// `udp/4500`, `ESP (IP protocol 50)`.
pub(super) fn port_words(transport: &Transport, port: Option<u16>) -> String {
    match (transport.selectors.first(), port) {
        (Some(Selector::Proto(50)), _) => "ESP (IP protocol 50)".to_owned(),
        (Some(Selector::Proto(number)), _) => format!("IP protocol {number}"),
        (_, Some(port)) => match transport.protocol() {
            Some(17) => format!("udp/{port}"),
            _ => format!("tcp/{port}"),
        },
        (Some(selector), None) => selector.to_string(),
        (None, None) => String::new(),
    }
}

/// Selects the look-ups of a name that led nowhere.
fn lookup_filter(pair: &PairVerdict) -> String {
    let address = if pair.client.is_ipv4() { "ip.addr" } else { "ipv6.addr" };
    let name = pair.server_name.as_deref().unwrap_or_default();
    let quoted: String =
        name.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter)).collect();
    let asked = format!("dns.qry.name == \"{quoted}\"");
    // What did not come about over TCP has no name.
    let asked = if pair.facts.dns_over_tcp { format!("({asked} || tcp.port == 53)") } else { asked };
    format!("{address} == {} && {asked}", pair.client)
}

/// Selects what went between client and server on these transports, and the ICMP errors that quote it: their quoted header
/// has the same addresses and ports. Wireshark finds ports only in the last fragment of a datagram, and only if all are there.
fn display_filter<'t>(
    pair: &PairVerdict,
    server: IpAddr,
    transports: impl Iterator<Item = (&'t Transport, u16)>,
) -> String {
    let (mut udp, mut tcp, mut parts) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (transport, port) in transports {
        match transport.speaks {
            Speaks::Esp => parts.push("esp".to_owned()),
            _ if transport.protocol() == Some(17) => _ = udp.insert(port),
            _ => _ = tcp.insert(port),
        }
    }
    parts.extend(tcp.iter().map(|port| format!("tcp.port == {port}")));
    parts.extend(udp.iter().map(|port| format!("udp.port == {port}")));
    let has_fragments = pair.transports.iter().any(|used| used.has_fragments);
    match pair.client {
        IpAddr::V4(_) if has_fragments => parts.push("ip.flags.mf == 1 || ip.frag_offset > 0".to_owned()),
        IpAddr::V6(_) if has_fragments => parts.push("ipv6.fraghdr".to_owned()),
        _ => {}
    }
    let address = if pair.client.is_ipv4() { "ip.addr" } else { "ipv6.addr" };
    let clients: Vec<String> =
        [pair.client].iter().chain(&pair.moved_to).map(|client| format!("{address} == {client}")).collect();
    let clients = if let [one] = clients.as_slice() { one.clone() } else { format!("({})", clients.join(" || ")) };
    let between = format!("{clients} && {address} == {server}");
    match parts.as_slice() {
        [] => between,
        [one] => format!("{between} && {one}"),
        several => format!("{between} && ({})", several.join(" || ")),
    }
}
