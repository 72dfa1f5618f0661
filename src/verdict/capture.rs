//! One capture, judged: every flow has its place, every pair its verdict, and the sums add up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::claims::{self, Claim, Claimed, Roles, ServiceClaim};
use super::context::Context;
use super::judgement::Judgement;
use super::pair::{self, PairFlow, PairVerdict, TransportVerdict};
use super::silence::MIN_ATTEMPTS;
use super::{Scope, dns, ipsec, unexpected};
use crate::analysis::Analysis;
use crate::decode::Reason;
use crate::profile::protocol_name;
use crate::report::{Accounted, Background, Cause, FrameRef, IcmpErrors, Limits, Totals, Undecoded, Unexpected};

/// What was said of one capture.
#[derive(Clone, Debug)]
pub struct CaptureVerdict {
    pub(super) input: usize,
    pub(super) pairs: Vec<PairVerdict>,
    pub(super) unexpected: Vec<Unexpected>,
    pub(super) background: BTreeMap<String, Background>,
    pub(super) icmp_errors: Vec<IcmpErrors>,
    pub(super) totals: Totals,
    pub(super) limits: Limits,
    pub(super) notes: Vec<String>,
}

/// Judges one capture; `input` is its place among the report's inputs.
pub fn judge(scope: &Scope, analysis: &Analysis, input: usize) -> CaptureVerdict {
    let flows = analysis.flows();
    let context = Context::new(scope, analysis, &flows);
    let claimed = claims::claim(&context);
    let mut pairs = pairs(&context, &claimed);
    pairs.extend(dns::pairs(&context, &pairs));
    let mut background: BTreeMap<String, Background> = BTreeMap::new();
    let mut add = |kind: &str, flows: u64, packets: u64| {
        if packets > 0 {
            let one = background.entry(kind.to_owned()).or_insert_with(|| Background {
                kind: kind.to_owned(),
                flows: 0,
                packets: 0,
            });
            one.flows += flows;
            one.packets += packets;
        }
    };
    let mut accounted = Accounted::default();
    for one in &claimed {
        let packets = one.flow.packets_total();
        match &one.claim {
            Claim::Service(_) => accounted.services += packets,
            Claim::Unexpected => accounted.unexpected += packets,
            Claim::Background(kind) => {
                accounted.background += packets;
                add(kind, 1, packets);
            }
        }
    }
    add("arp", 0, analysis.counts.arp);
    accounted.background += analysis.counts.arp;
    let (unexpected, unlisted_unexpected) = unexpected::group(&context, &claimed, input);
    CaptureVerdict {
        input,
        pairs,
        unexpected,
        background,
        icmp_errors: icmp_errors(&claimed, input),
        totals: totals(analysis, accounted, input),
        limits: Limits {
            evicted_flows: analysis.evicted.flows,
            evicted_evidence: analysis.evicted.evidence,
            unlisted_unexpected,
            dropped_names: analysis.dropped_names,
            orphan_fragments: analysis.orphan_fragments,
            dropped_messages: flows.iter().filter_map(ipsec::ike_log).map(|log| log.dropped).sum(),
            dropped_fragments: analysis.dropped_fragments,
            ..Limits::default()
        },
        notes: notes(&context),
    }
}

/// Groups of ICMP errors that a report has: a scan makes as many as it has targets.
const MAX_ICMP_GROUPS: usize = 64;

/// Who sent an error, what it says, and the server, protocol and port that it is about.
type IcmpKey<'a> = (IpAddr, &'a str, IpAddr, u8, u16);

/// The ICMP errors that quote flows, as far as the flows kept them, the most frequent first.
fn icmp_errors(claimed: &[Claimed<'_>], input: usize) -> Vec<IcmpErrors> {
    let mut groups: BTreeMap<IcmpKey<'_>, (u64, u64)> = BTreeMap::new();
    for one in claimed {
        let records = one.flow.icmp();
        let (server, port) = (one.parties.server(), one.parties.server_port());
        for (at, record) in records.iter().enumerate() {
            let key = (record.message.from, record.message.meaning().name(), server, one.flow.protocol(), port);
            let (packets, first) = groups.entry(key).or_insert((0, record.mark.frame));
            // Those that were not kept came after the last one that was, and mostly say the same.
            let more = if at + 1 == records.len() { one.flow.icmp_total() - records.len() as u64 } else { 0 };
            *packets += 1 + more;
            *first = record.mark.frame.min(*first);
        }
    }
    let group = |((from, says, server, protocol, port), (packets, frame)): (_, _)| IcmpErrors {
        from,
        says: str::to_owned(says),
        server,
        protocol: protocol_name(protocol).into_owned(),
        port: matches!(protocol, 6 | 17).then_some(port),
        packets,
        first_frame: FrameRef { input, frame },
    };
    let mut all: Vec<IcmpErrors> = groups.into_iter().map(group).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.packets));
    all.truncate(MAX_ICMP_GROUPS);
    all
}

/// Service, client, server.
type PairKey = (usize, IpAddr, IpAddr);
type Grouped<'a> = BTreeMap<PairKey, (Vec<PairFlow<'a>>, ServiceClaim)>;

/// Joins what a client sent from several addresses within one IKE SA, under the address that it began with.
fn join_moved(grouped: &mut Grouped<'_>) {
    let mut moves: Vec<(PairKey, PairKey)> = Vec::new();
    let mut gateways: BTreeMap<(usize, IpAddr), Vec<PairKey>> = BTreeMap::new();
    for (key, _) in grouped.iter().filter(|(_, (flows, _))| flows.iter().any(|flow| ipsec::is_ipsec(&flow.flow))) {
        gateways.entry((key.0, key.2)).or_default().push(*key);
    }
    for keys in gateways.values().filter(|keys| keys.len() > 1) {
        let clients: Vec<&[PairFlow<'_>]> =
            keys.iter().map(|key| grouped.get(key).map_or(&[][..], |(flows, _)| flows)).collect();
        let moved = ipsec::moves(&clients).into_iter();
        moves.extend(moved.filter_map(|(later, earlier)| Some((*keys.get(later)?, *keys.get(earlier)?))));
    }
    for (later, earlier) in moves {
        // A client that moved twice is already under its first address, or will be found there.
        if let Some((flows, claim)) = grouped.remove(&later) {
            match grouped.get_mut(&earlier) {
                Some((all, _)) => {
                    all.extend(flows);
                    all.sort_by_key(|flow| flow.flow.first());
                }
                None => {
                    grouped.insert(later, (flows, claim));
                }
            }
        }
    }
}

/// Every client and server of every service, judged.
fn pairs(context: &Context<'_>, claimed: &[Claimed<'_>]) -> Vec<PairVerdict> {
    let mut grouped: Grouped<'_> = BTreeMap::new();
    for one in claimed {
        let Claim::Service(claim) = &one.claim else { continue };
        for &(service, transport) in &claim.candidates {
            let Some(speaks) =
                context.scope.profile.services.get(service).and_then(|service| service.transports.get(transport))
            else {
                continue;
            };
            let key = (service, one.parties.client(), one.parties.server());
            let (flows, best) = grouped.entry(key).or_insert_with(|| (Vec::new(), (**claim).clone()));
            // The strongest tie of any flow is that of the pair.
            if claim.attribution < best.attribution {
                *best = (**claim).clone();
            }
            flows.push(PairFlow {
                flow: *one.flow,
                client_side: one.parties.client_side,
                transport,
                speaks: speaks.speaks,
                port: one.parties.server_port(),
            });
        }
    }
    join_moved(&mut grouped);
    let grouped: Vec<_> = grouped.into_iter().collect();
    grouped
        .into_iter()
        .filter_map(|((index, client, server), (flows, claim))| {
            let service = context.scope.profile.services.get(index)?;
            let verdict = pair::judge(context, index, service, client, server, &flows, &claim)?;
            Some(if claim.unidentified { not_identified(verdict) } else { verdict })
        })
        .collect()
}

/// A server that does not work on a port where nothing tells whether it is the service's.
fn not_identified(pair: PairVerdict) -> PairVerdict {
    let story = format!(
        "{}; several servers on that port were contacted and nothing tells which of them is the service's",
        pair.judgement.story
    );
    let unsure = |proof: &Judgement| Judgement::of(Cause::ServerNotIdentified, story.clone()).citing_proof_of(proof);
    let judgement = unsure(&pair.judgement);
    let transports = pair
        .transports
        .into_iter()
        .map(|transport| TransportVerdict { judgement: unsure(&transport.judgement), ..transport })
        .collect();
    PairVerdict { judgement, transports, ..pair }
}

fn totals(analysis: &Analysis, accounted: Accounted, input: usize) -> Totals {
    let (counts, tracked) = (&analysis.counts, &analysis.tracked);
    Totals {
        packets: counts.packets,
        ip_packets: counts.ip,
        undecoded_packets: counts.undecoded_total(),
        duplicate_packets: tracked.duplicates,
        flows: analysis.flow_count(),
        tcp_packets: counts.tcp,
        udp_packets: counts.udp,
        icmp_errors: counts.icmp_errors,
        esp_packets: counts.esp,
        ike_packets: tracked.ike,
        nat_t_esp_packets: tracked.nat_t_esp,
        nat_t_keepalives: tracked.nat_t_keepalives,
        accounted: Accounted {
            icmp_errors: counts.icmp_errors - tracked.icmp_duplicates,
            duplicates: tracked.duplicates,
            not_ip: counts.not_ip,
            undecoded: counts.undecoded_total(),
            evicted: analysis.evicted.packets,
            ..accounted
        },
        undecoded: Reason::ALL
            .iter()
            .zip(&counts.undecoded)
            .filter(|(_, tally)| tally.count > 0)
            .map(|(reason, tally)| Undecoded {
                reason: reason.code().to_owned(),
                packets: tally.count,
                first_frame: FrameRef { input, frame: tally.first_frame },
            })
            .collect(),
    }
}

/// What this capture cannot show, in sentences.
fn notes(context: &Context<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let info = &context.analysis.info;
    for role in Roles::of(context).unresolved(context) {
        notes.push(format!("No address of this capture has the name that the site file gives to the role {role}; it is judged as if it were not named."));
    }
    for client in context.health.one_sided_clients() {
        notes.push(format!("For {client} one direction is missing: it acts on packets that the capture lacks, so nothing is called blocked for want of an answer."));
    }
    let lookups = &context.analysis.lookups;
    let asked: u64 = lookups.iter().map(|lookup| lookup.asked.count()).sum();
    if asked >= MIN_ATTEMPTS && lookups.iter().all(|lookup| lookup.answered.is_empty()) {
        let resolvers: BTreeSet<IpAddr> = lookups.iter().map(|lookup| lookup.resolver).collect();
        let whom = match resolvers.first() {
            Some(one) if resolvers.len() == 1 => one.to_string(),
            _ => format!("{} resolvers", resolvers.len()),
        };
        notes.push(format!("{asked} DNS questions to {whom}, and no DNS answer in the whole capture."));
    }
    if let Some(dropped) = info.dropped_packets().filter(|dropped| *dropped > 0) {
        notes.push(format!("The capture itself lost {dropped} packets."));
    }
    if context.health.evicted > 0 {
        notes.push(format!("{} flows of the table's ports were given up for lack of memory: what is not seen may have been there. Give more with --memory.", context.health.evicted));
    }
    if info.truncated_packets > 0 {
        notes.push(format!(
            "{} packets were captured shorter than they were; names and certificates may be missing.",
            info.truncated_packets
        ));
    }
    if let Some(frame) = info.first_disordered {
        let places = match info.disordered_packets {
            1 => "once".to_owned(),
            times => format!("in {times} places, first"),
        };
        notes.push(format!("Time runs backwards {places} at frame {frame}."));
    }
    notes
}
