//! One capture with all that judging it needs at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Scope;
use crate::analysis::{Analysis, Health, NameBook, domain_of};
use crate::decode::Side;
use crate::flow::{FlowView, Mark};
use crate::time::{Span, Timestamp};

/// A capture under judgement.
pub(super) struct Context<'a> {
    pub(super) scope: &'a Scope,
    pub(super) analysis: &'a Analysis,
    pub(super) flows: &'a [FlowView<'a>],
    pub(super) names: NameBook,
    pub(super) health: Health,
    /// Times to live of packets from an address that were no resets.
    ttls: BTreeMap<IpAddr, Vec<u8>>,
    /// The shortest round trip to a server.
    rtts: BTreeMap<IpAddr, Span>,
    /// The domains that an issuer's certificates were presented for; a self-signed one has no issuer.
    domains: BTreeMap<&'a str, BTreeSet<String>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(scope: &'a Scope, analysis: &'a Analysis, flows: &'a [FlowView<'a>]) -> Self {
        let mut ttls: BTreeMap<IpAddr, Vec<u8>> = BTreeMap::new();
        let mut rtts: BTreeMap<IpAddr, Span> = BTreeMap::new();
        let mut domains: BTreeMap<&'a str, BTreeSet<String>> = BTreeMap::new();
        for flow in flows {
            for side in [Side::Low, Side::High] {
                if let Some(ttl) = flow.ttl(side) {
                    let known = ttls.entry(flow.endpoints.side(side).0).or_default();
                    if !known.contains(&ttl) {
                        known.push(ttl);
                    }
                }
            }
            if let Some(rtt) = flow.tcp().and_then(|tcp| tcp.rtt) {
                let shortest = rtts.entry(flow.server().0).or_insert(rtt);
                *shortest = (*shortest).min(rtt);
            }
            if let Some((issuer, name)) = issued(flow) {
                domains.entry(issuer).or_default().insert(domain_of(name));
            }
        }
        Context {
            scope,
            analysis,
            flows,
            names: NameBook::of(analysis, flows),
            health: Health::of(analysis, flows),
            ttls,
            rtts,
            domains,
        }
    }

    /// The time of the last packet.
    pub(super) fn horizon(&self) -> Timestamp {
        self.analysis.horizon()
    }

    /// The times to live of packets that `address` sent and that were no resets, each once.
    pub(super) fn ttls(&self, address: IpAddr) -> &[u8] {
        self.ttls.get(&address).map_or(&[], Vec::as_slice)
    }

    /// The shortest round trip to a server that the capture shows.
    pub(super) fn rtt(&self, server: IpAddr) -> Option<Span> {
        self.rtts.get(&server).copied()
    }

    /// Over how many domains an issuer's certificates were presented.
    pub(super) fn domains_under(&self, issuer: &str) -> usize {
        self.domains.get(issuer).map_or(0, BTreeSet::len)
    }

    /// Packets to `client` on `interface` at `from` to `to`, or up to five seconds off, the nearest first.
    pub(super) fn witnesses(&self, client: IpAddr, interface: u8, from: Timestamp, to: Timestamp) -> Vec<Mark> {
        let reach = crate::flow::WITNESS_REACH;
        let mut witnesses = self.analysis.arrivals.witnesses(
            client,
            u16::from(interface),
            Timestamp(from.0.saturating_sub(reach.0)),
            to + reach,
        );
        let distance = |mark: &Mark| {
            if mark.time < from {
                from - mark.time
            } else if mark.time > to {
                mark.time - to
            } else {
                Span(0)
            }
        };
        witnesses.sort_by_key(|mark| (distance(mark), mark.frame));
        witnesses
    }
}

/// The issuer of a server's certificate and the name that the client asked for, where both were in clear.
fn issued<'a>(flow: &FlowView<'a>) -> Option<(&'a str, &'a str)> {
    let tls = flow.app()?.tls.as_ref()?;
    let certificate = tls.certificate.as_ref().filter(|certificate| !certificate.self_signed)?;
    Some((&certificate.issuer, tls.client_hello.as_ref()?.server_name.as_deref()?))
}
