//! One client and one server of one service: every transport that they used, and what it amounts to.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::claims::ServiceClaim;
use super::context::Context;
use super::facts;
use super::ipsec;
use super::judgement::Judgement;
use super::{ladder, proxy};
use super::{tcp, tunnel, udp};
use crate::decode::Side;
use crate::flow::{FlowView, Mark};
use crate::profile::{Service, Speaks};
use crate::report::{Attribution, Cause, Confidence, Encapsulation, Ike, Nat, Tls, Verdict};
use crate::time::Timestamp;

/// A flow of a pair.
#[derive(Clone, Copy)]
pub(super) struct PairFlow<'a> {
    pub(super) flow: FlowView<'a>,
    pub(super) client_side: Side,
    /// Index into the service's transports.
    pub(super) transport: usize,
    pub(super) speaks: Speaks,
    /// The server's port.
    pub(super) port: u16,
}

/// What was said of a pair.
#[derive(Clone, Debug)]
pub(super) struct PairVerdict {
    /// Index into the profile's services.
    pub(super) service: usize,
    pub(super) client: IpAddr,
    /// Further addresses that the client moved to within an IKE SA.
    pub(super) moved_to: Vec<IpAddr>,
    pub(super) server: Option<IpAddr>,
    /// The explicit proxy that the client went through.
    pub(super) proxy: Option<IpAddr>,
    pub(super) server_name: Option<String>,
    pub(super) attribution: Attribution,
    /// Indexes into the profile's services.
    pub(super) candidates: Vec<usize>,
    pub(super) judgement: Judgement,
    /// The transport that the judgement is about.
    pub(super) about: Option<usize>,
    pub(super) transports: Vec<TransportVerdict>,
    pub(super) first: Mark,
    pub(super) last: Mark,
    pub(super) facts: PairFacts,
}

/// What was said of one transport of a pair.
#[derive(Clone, Debug)]
pub(super) struct TransportVerdict {
    /// Index into the service's transports.
    pub(super) transport: usize,
    pub(super) port: u16,
    pub(super) judgement: Judgement,
    pub(super) flows: u64,
    pub(super) packets: [u64; 2],
    pub(super) bytes: [u64; 2],
    pub(super) first: Mark,
    pub(super) last: Mark,
    pub(super) retransmissions: u64,
    /// Whether some of it went in IP fragments, which have no ports but in the first.
    pub(super) has_fragments: bool,
}

/// What else is known of a pair.
#[derive(Clone, Debug, Default)]
pub(super) struct PairFacts {
    pub(super) rtt_ms: Option<f64>,
    pub(super) nat: Option<Nat>,
    pub(super) encapsulation: Option<Encapsulation>,
    pub(super) cleartext: bool,
    pub(super) tls: Option<Tls>,
    pub(super) ike: Option<Ike>,
    /// Whether a name led nowhere because the client could not ask for it over TCP.
    pub(super) dns_over_tcp: bool,
}

/// Judges one client and one server of one service. `flows` are in order of their first packet, and at least one.
pub(super) fn judge(
    context: &Context<'_>,
    service_index: usize,
    service: &Service,
    client: IpAddr,
    server: IpAddr,
    flows: &[PairFlow<'_>],
    claim: &ServiceClaim,
) -> Option<PairVerdict> {
    let first = flows.iter().map(|flow| flow.flow.first()).min()?;
    let last = flows.iter().map(|flow| flow.flow.last()).max()?;
    let is_ipsec =
        flows.iter().any(|flow| matches!(flow.speaks, Speaks::Ike | Speaks::NatT | Speaks::Esp | Speaks::IkeTcp));
    let mut facts = facts::of(flows);
    let tunnels: Option<Vec<(String, u16)>> = flows.iter().map(|flow| proxy::tunnel(&flow.flow)).collect();
    let tunnel = tunnels.and_then(|tunnels| tunnels.into_iter().next());
    let (judgement, about, mut by_transport) =
        if let Some(judgement) = tunnel.as_ref().and_then(|_| proxy::judge(flows)) {
            let about = flows.first().map(|flow| flow.transport);
            (judgement.clone(), about, about.into_iter().map(|about| (about, judgement.clone())).collect())
        } else if is_ipsec {
            let found = ipsec::judge(context, client, server, flows);
            facts.encapsulation = found.encapsulation;
            (found.pair, found.about, found.transports)
        } else {
            each_by_itself(context, service, flows, claim.attribution)
        };
    let transports = transports(flows, &mut by_transport);
    let judgement = match claim.doubt {
        Some(doubt) => judgement.at_most(Confidence::Medium, doubt),
        None => judgement,
    };
    let mut candidates: Vec<usize> = claim.candidates.iter().map(|(service, _)| *service).collect();
    candidates.dedup();
    Some(PairVerdict {
        service: service_index,
        client,
        moved_to: ipsec::addresses(flows, client),
        // Behind a proxy the server's address is not known; it has the name that was asked for.
        server: tunnel.is_none().then_some(server),
        proxy: tunnel.is_some().then_some(server),
        server_name: match tunnel {
            Some((host, _)) => Some(host),
            None => context.names.name(server).map(str::to_owned),
        },
        attribution: claim.attribution,
        candidates,
        judgement,
        about,
        transports,
        first,
        last,
        facts,
    })
}

/// Judges transports that do not depend on each other, and joins them.
fn each_by_itself(
    context: &Context<'_>,
    service: &Service,
    flows: &[PairFlow<'_>],
    attribution: Attribution,
) -> (Judgement, Option<usize>, BTreeMap<usize, Judgement>) {
    let mut grouped: BTreeMap<(usize, u16), Vec<&PairFlow<'_>>> = BTreeMap::new();
    for flow in flows {
        grouped.entry((flow.transport, flow.port)).or_default().push(flow);
    }
    let mut judged: BTreeMap<usize, Judgement> = BTreeMap::new();
    for ((transport, port), flows) in grouped {
        let speaks = flows.first().map_or(Speaks::Tls, |flow| flow.speaks);
        let judgement = if flows.iter().any(|flow| flow.flow.protocol() == 6) {
            let views: Vec<FlowView<'_>> = flows.iter().map(|flow| flow.flow).collect();
            tcp::judge(context, &views, port, speaks)
        } else {
            let views: Vec<_> = flows.iter().map(|flow| (flow.flow, flow.client_side)).collect();
            udp::judge(context, &views, port, service.one_way)
        };
        // Several ports of one transport: what works says most of it.
        let better = judged.get(&transport).is_none_or(|known| judgement.verdict.works() && !known.verdict.works());
        if better {
            judged.insert(transport, judgement);
        }
    }
    let (judgement, about) = join(service, &judged);
    let mut judgement = tunnel::explain(context, service, flows, attribution, judgement);
    if let Some(about) = about.filter(|_| judgement.cause == Some(Cause::SslVpnRefused)) {
        judged.insert(about, judgement.clone());
    }
    if let Some(about) = about.filter(|_| judgement.cause.is_some()) {
        let own: Vec<&PairFlow<'_>> = flows.iter().filter(|flow| flow.transport == about).collect();
        judgement.sequence = ladder::draw(&own, &judgement);
    }
    (judgement, about, judged)
}

/// What the transports of a pair say together: a sufficient set that works makes the failure of another one a fallback.
fn join(service: &Service, judged: &BTreeMap<usize, Judgement>) -> (Judgement, Option<usize>) {
    let works = |transport: &usize| judged.get(transport).is_some_and(|judgement| judgement.verdict.works());
    let carrier = service.sufficient.iter().find(|set| set.iter().all(works)).and_then(|set| set.last().copied());
    let worst = judged.iter().max_by_key(|(_, judgement)| (judgement.verdict, judgement.confidence));
    let Some((carrier, works)) = carrier.and_then(|carrier| Some((carrier, judged.get(&carrier)?))) else {
        return match worst {
            Some((transport, judgement)) => (judgement.clone(), Some(*transport)),
            None => (Judgement::not_seen(), None),
        };
    };
    let Some((failed, failure)) =
        judged.iter().find(|(transport, judgement)| **transport != carrier && judgement.verdict.is_bad())
    else {
        return (works.clone(), Some(carrier));
    };
    let is_dtls = service.transports.get(*failed).is_some_and(|transport| transport.speaks == Speaks::Dtls);
    let cause = if is_dtls { Cause::DtlsBlocked } else { Cause::UdpBlockedTcpUsed };
    let judgement = Judgement::of(cause, format!("{}; {}", failure.story, works.story))
        .by(failure.suspect)
        .citing_proof_of(failure)
        .citing_proof_of(works);
    (judgement, Some(*failed))
}

/// The transports of a pair with what they carried, in the profile's order.
fn transports(flows: &[PairFlow<'_>], judged: &mut BTreeMap<usize, Judgement>) -> Vec<TransportVerdict> {
    let mut all: BTreeMap<usize, TransportVerdict> = BTreeMap::new();
    for pair_flow in flows {
        let flow = &pair_flow.flow;
        let transport = all.entry(pair_flow.transport).or_insert_with(|| TransportVerdict {
            transport: pair_flow.transport,
            port: pair_flow.port,
            judgement: judged.remove(&pair_flow.transport).unwrap_or_else(Judgement::not_seen),
            flows: 0,
            packets: [0; 2],
            bytes: [0; 2],
            first: flow.first(),
            last: flow.last(),
            retransmissions: 0,
            has_fragments: false,
        });
        transport.flows += 1;
        for (at, side) in [pair_flow.client_side, pair_flow.client_side.other()].into_iter().enumerate() {
            transport.packets[at] += flow.packets(side);
            transport.bytes[at] += flow.bytes(side);
        }
        transport.first = transport.first.min(flow.first());
        transport.last = transport.last.max(flow.last());
        transport.retransmissions += facts::retransmissions(flow);
        transport.has_fragments |= flow.has_fragments();
    }
    all.into_values().collect()
}

impl PairVerdict {
    /// Retransmissions over all transports.
    pub(super) fn retransmissions(&self) -> u64 {
        self.transports.iter().map(|transport| transport.retransmissions).sum()
    }

    /// Connections that were tried and that nothing answered.
    pub(super) fn attempts_unanswered(&self) -> u64 {
        let silent = self.transports.iter().filter(|transport| transport.packets[1] == 0);
        silent.map(|transport| transport.flows).sum()
    }

    /// Which of several pairs stands for their service: the worst, the surest, the latest.
    pub(super) fn rank(&self) -> (Verdict, Confidence, Mark) {
        (self.judgement.verdict, self.judgement.confidence, self.last)
    }

    /// When it began.
    pub(super) fn start(&self) -> Timestamp {
        self.first.time
    }

    /// Whether the pair was shown to work.
    pub(super) fn works(&self) -> bool {
        self.judgement.verdict.works()
    }
}
