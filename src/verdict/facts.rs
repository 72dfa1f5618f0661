//! What the report says of a pair besides its verdict.

use std::net::SocketAddr;

use super::ipsec::ike_log;
use super::pair::{PairFacts, PairFlow};
use crate::flow::{FlowView, IkeMessage, TlsFacts};
use crate::profile::Speaks;
use crate::proto::ike::notify_name;
use crate::proto::tls::{alert_name, version_name};
use crate::report::{Ike, Nat, Tls};

/// Notifies and vendor IDs that a report lists.
const MAX_LISTED: usize = 16;

/// Reads the facts off a pair's flows.
pub(super) fn of(flows: &[PairFlow<'_>]) -> PairFacts {
    PairFacts {
        rtt_ms: flows
            .iter()
            .filter_map(|flow| flow.flow.tcp()?.rtt)
            .min()
            .map(|rtt| (rtt.as_millis_f64() * 1e3).round() / 1e3),
        nat: nat(flows),
        encapsulation: None,
        cleartext: flows.iter().any(is_cleartext),
        tls: flows.iter().find_map(|flow| Some(tls(flow.flow.app()?.tls.as_ref()?))),
        ike: ike(flows),
        dns_over_tcp: false,
    }
}

/// TCP segments and IKE messages that were sent again.
pub(super) fn retransmissions(flow: &FlowView<'_>) -> u64 {
    let tcp = flow.tcp().map_or(0, |tcp| {
        [crate::decode::Side::Low, crate::decode::Side::High].map(|side| tcp.half(side).retransmitted).iter().sum()
    });
    let ike = ike_log(flow)
        .map_or(0, |log| log.messages().iter().map(|message| message.sent.count().saturating_sub(1)).sum::<u64>());
    tcp + ike
}

/// Whether anyone on the path can read what was sent.
fn is_cleartext(flow: &PairFlow<'_>) -> bool {
    let spoken = flow.flow.spoken(flow.client_side);
    match flow.speaks {
        Speaks::Http | Speaks::Smtp => spoken.is_some_and(|spoken| !spoken.is_tls()),
        Speaks::Syslog => true,
        _ => false,
    }
}

fn tls(facts: &TlsFacts) -> Tls {
    let hello = facts.client_hello.as_ref();
    Tls {
        version: facts.server_hello.as_ref().map(|hello| version_name(hello.version).to_owned()),
        server_name: hello.and_then(|hello| hello.server_name.clone()),
        alpn: facts.server_hello.as_ref().and_then(|hello| hello.alpn.clone()),
        certificate_subject: facts.certificate.as_ref().map(|certificate| certificate.subject.clone()),
        certificate_issuer: facts.certificate.as_ref().map(|certificate| certificate.issuer.clone()),
        alert: facts.alert.as_ref().map(|(alert, _, _)| alert_name(alert.description).into_owned()),
    }
}

fn messages<'f, 'a: 'f>(flows: &'f [PairFlow<'a>]) -> impl Iterator<Item = (&'f PairFlow<'a>, &'a IkeMessage)> {
    flows.iter().flat_map(|flow| {
        ike_log(&flow.flow).into_iter().flat_map(|log| log.messages()).map(move |message| (flow, message))
    })
}

fn ike(flows: &[PairFlow<'_>]) -> Option<Ike> {
    let mut found = Ike::default();
    for (flow, message) in messages(flows) {
        let header = &message.header;
        found.version.get_or_insert_with(|| if header.is_v1() { "1" } else { "2" }.to_owned());
        for kind in &message.clear.notifies {
            let name = notify_name(header.version, *kind).into_owned();
            if found.notifies.len() < MAX_LISTED && !found.notifies.contains(&name) {
                found.notifies.push(name);
            }
        }
        for vendor in &message.clear.vendor_ids {
            if found.vendor_ids.len() < MAX_LISTED && !found.vendor_ids.iter().any(|known| known == vendor) {
                found.vendor_ids.push(vendor.clone().into_owned());
            }
        }
        // What the gateway chose outweighs what the client offered.
        if let Some(proposal) = &message.clear.proposal
            && (found.proposal.is_none() || message.side != flow.client_side)
        {
            found.proposal = Some(proposal.clone());
        }
    }
    found.version.is_some().then_some(found)
}

/// Who is behind NAT: the hashes in IKE_SA_INIT against the addresses that the capture shows (RFC 7296, 2.23). What each end
/// says of the other is believed; a sender may forge the hash of its own address to force encapsulation.
fn nat(flows: &[PairFlow<'_>]) -> Option<Nat> {
    let (mut client, mut server) = (None, None);
    for (flow, message) in messages(flows) {
        let address = |side| {
            let (ip, port) = flow.flow.endpoints.side(side);
            SocketAddr::new(ip, port)
        };
        let to = address(message.side.other());
        let Some(matches) = message.clear.nat_detection.destination_matches(&message.header, to) else { continue };
        if message.side == flow.client_side {
            server.get_or_insert(!matches);
        } else {
            client.get_or_insert(!matches);
        }
    }
    match (client?, server?) {
        (false, false) => Some(Nat::None),
        (true, false) => Some(Nat::Client),
        (false, true) => Some(Nat::Server),
        (true, true) => Some(Nat::Both),
    }
}
