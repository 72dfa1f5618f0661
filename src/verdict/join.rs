//! One report of all that was judged.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Scope;
use super::capture::CaptureVerdict;
use super::finding::{self, port_words};
use super::outcome::outcome;
use super::pair::{PairVerdict, TransportVerdict};
use super::service::{self, ServiceVerdict};
use crate::flow::Mark;
use crate::profile;
use crate::report::{
    Accounted, Background, Confidence, Finding, FrameRef, IcmpErrors, Input, Limits, Pair, ProfileRef, Report, SCHEMA,
    Service, Severity, Tool, Totals, Transport, Unexpected, Verdict,
};

/// A pair with the input that its verdict comes from.
struct Chosen {
    input: usize,
    pair: PairVerdict,
}

/// Makes the report. `inputs` are all that were given, `verdicts` those of the ones that could be read.
pub fn join(scope: &Scope, inputs: Vec<Input>, verdicts: Vec<CaptureVerdict>) -> Report {
    let mut totals = Totals::default();
    let mut limits = Limits::default();
    let mut notes: Vec<String> = Vec::new();
    let mut background: BTreeMap<String, Background> = BTreeMap::new();
    let mut unexpected: Vec<Unexpected> = Vec::new();
    let mut icmp_errors: Vec<IcmpErrors> = Vec::new();
    let mut best: BTreeMap<(usize, IpAddr, Option<IpAddr>), Chosen> = BTreeMap::new();
    for verdict in verdicts {
        add_totals(&mut totals, verdict.totals);
        add_limits(&mut limits, &verdict.limits);
        for note in verdict.notes {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        icmp_errors.extend(verdict.icmp_errors);
        for (kind, more) in verdict.background {
            let known = background.entry(kind).or_insert_with(|| Background { flows: 0, packets: 0, ..more.clone() });
            known.flows += more.flows;
            known.packets += more.packets;
        }
        // One capture may have very many: they are moved, not copied.
        if unexpected.is_empty() {
            unexpected = verdict.unexpected;
        } else {
            unexpected.extend(verdict.unexpected);
        }
        for pair in verdict.pairs {
            let key = (pair.service, pair.client, pair.server);
            let better = best.get(&key).is_none_or(|known| pair.judgement.weight() > known.pair.judgement.weight());
            if better {
                best.insert(key, Chosen { input: verdict.input, pair });
            }
        }
    }
    icmp_errors.sort_by_key(|one| std::cmp::Reverse(one.packets));
    unexpected.sort_unstable_by_key(|one| (one.first_frame, one.client, one.server));
    let mut findings = Findings::default();
    let services = scope
        .profile
        .services
        .iter()
        .enumerate()
        .map(|(index, service)| {
            let pairs: Vec<&Chosen> = best.values().filter(|chosen| chosen.pair.service == index).collect();
            service_report(scope, service, &pairs, &mut findings)
        })
        .collect::<Vec<_>>();
    let (findings, services) = findings.sorted(services);
    Report {
        schema: SCHEMA,
        tool: Tool { name: "portproof", version: env!("CARGO_PKG_VERSION") },
        profile: ProfileRef {
            id: scope.profile.id.clone(),
            version: scope.profile.version.clone(),
            title: scope.profile.title.clone(),
            sha256: scope.profile.sha256.clone(),
        },
        outcome: outcome(scope, &services, unexpected.len()),
        inputs,
        totals,
        services,
        findings,
        unexpected,
        background: background.into_values().collect(),
        icmp_errors,
        limits,
        notes,
    }
}

/// Every service without any packet.
#[cfg(test)]
pub(super) fn empty_services(scope: &Scope) -> Vec<Service> {
    let mut findings = Findings::default();
    scope.profile.services.iter().map(|service| service_report(scope, service, &[], &mut findings)).collect()
}

fn service_report(scope: &Scope, service: &profile::Service, pairs: &[&Chosen], findings: &mut Findings) -> Service {
    let verdicts: Vec<&PairVerdict> = pairs.iter().map(|chosen| &chosen.pair).collect();
    let said = service::join(&verdicts);
    let audit = scope.site.audit(&service.id);
    let pairs: Vec<Pair> = pairs.iter().map(|chosen| pair_report(scope, service, chosen, &said, findings)).collect();
    let ids = |indexes: &[usize]| {
        indexes
            .iter()
            .filter_map(|index| scope.profile.services.get(*index))
            .map(|service| service.id.clone())
            .collect()
    };
    let mut own: Vec<usize> = pairs.iter().flat_map(|pair| pair.findings.iter().copied()).collect();
    own.sort_unstable();
    Service {
        id: service.id.clone(),
        name: service.name.clone(),
        usage: service.usage.clone(),
        direction: "outgoing".to_owned(),
        required: scope.site.requires(&service.id),
        verdict: said.verdict,
        cause: said.cause,
        confidence: said.confidence,
        confidence_reason: said.reason.clone(),
        attribution: said.attribution,
        candidates: ids(&said.candidates),
        transports: service
            .transports
            .iter()
            .map(|transport| service_transport(transport, said.verdict, &pairs))
            .collect(),
        findings: own,
        pairs,
        summary: said.summary,
        business_need: audit.and_then(|audit| audit.business_need.clone()),
        approval: audit.and_then(|audit| audit.approval.clone()),
    }
}

/// A transport over all pairs of its service: the worst that was said of it, unless the service works by another way.
fn service_transport(transport: &profile::Transport, service: Verdict, pairs: &[Pair]) -> Transport {
    let used: Vec<&Transport> =
        pairs.iter().flat_map(|pair| &pair.transports).filter(|used| used.id == transport.id).collect();
    let (protocol, port) = protocol_and_port(transport, None);
    let worst = used.iter().max_by_key(|used| used.verdict);
    let unused = if service.works() { Verdict::NotNeeded } else { Verdict::NotSeen };
    // A fallback that works makes what failed before it the exception: the transport that works is what the service has.
    let best = used.iter().filter(|used| used.verdict.works()).max_by_key(|used| used.verdict);
    let shown = if service.works() { best.or(worst) } else { worst };
    Transport {
        id: transport.id.clone(),
        protocol,
        port,
        verdict: shown.map_or(unused, |shown| shown.verdict),
        cause: shown.and_then(|shown| shown.cause),
        flows: used.iter().map(|used| used.flows).sum(),
        packets_out: used.iter().map(|used| used.packets_out).sum(),
        packets_in: used.iter().map(|used| used.packets_in).sum(),
        bytes_out: used.iter().map(|used| used.bytes_out).sum(),
        bytes_in: used.iter().map(|used| used.bytes_in).sum(),
        first_frame: used.iter().filter_map(|used| used.first_frame).min(),
        last_frame: used.iter().filter_map(|used| used.last_frame).max(),
        first_time: used.iter().filter_map(|used| used.first_time).min(),
        last_time: used.iter().filter_map(|used| used.last_time).max(),
        retransmissions: used.iter().map(|used| used.retransmissions).sum(),
    }
}

fn pair_report(
    scope: &Scope,
    service: &profile::Service,
    chosen: &Chosen,
    said: &ServiceVerdict,
    findings: &mut Findings,
) -> Pair {
    let Chosen { input, pair } = chosen;
    let judgement = &pair.judgement;
    let found = finding::of(scope, pair, *input, said).map(|finding| {
        // What a fallback made good is worth a warning, not an error.
        let severity = match said.verdict {
            Verdict::Seen => Severity::Info,
            verdict if verdict.works() => finding.severity.min(Severity::Warning),
            _ => finding.severity,
        };
        findings.add(Finding { severity, ..finding }, pair)
    });
    let facts = pair.facts.clone();
    Pair {
        client: pair.client,
        server: pair.server,
        server_name: pair.server_name.clone(),
        verdict: judgement.verdict,
        cause: judgement.cause,
        confidence: Some(judgement.confidence),
        confidence_reason: judgement.reason.clone(),
        attribution: pair.attribution,
        transports: pair.transports.iter().filter_map(|used| pair_transport(service, used, *input)).collect(),
        first_time: Some(pair.first.time),
        last_time: Some(pair.last.time),
        retransmissions: pair.retransmissions(),
        rtt_ms: facts.rtt_ms,
        nat: facts.nat,
        encapsulation: facts.encapsulation,
        cleartext: facts.cleartext,
        tls: facts.tls,
        ike: facts.ike,
        findings: found.into_iter().collect(),
        summary: judgement.story.clone(),
    }
}

fn pair_transport(service: &profile::Service, used: &TransportVerdict, input: usize) -> Option<Transport> {
    let transport = service.transports.get(used.transport)?;
    let (protocol, port) = protocol_and_port(transport, Some(used.port));
    Some(Transport {
        id: transport.id.clone(),
        protocol,
        port,
        verdict: used.judgement.verdict,
        cause: used.judgement.cause,
        flows: used.flows,
        packets_out: used.packets[0],
        packets_in: used.packets[1],
        bytes_out: used.bytes[0],
        bytes_in: used.bytes[1],
        first_frame: Some(FrameRef { input, frame: used.first.frame }),
        last_frame: Some(FrameRef { input, frame: used.last.frame }),
        first_time: Some(used.first.time),
        last_time: Some(used.last.time),
        retransmissions: used.retransmissions,
    })
}

/// `("udp", 4500)`, `("esp", null)`.
fn protocol_and_port(transport: &profile::Transport, port: Option<u16>) -> (String, Option<u16>) {
    match transport.selectors.first() {
        Some(profile::Selector::Proto(number)) => (profile::protocol_name(*number).into_owned(), None),
        first => {
            let words = port_words(transport, port);
            let protocol = words.split('/').next().unwrap_or("tcp").to_owned();
            (protocol, port.or_else(|| first.and_then(|selector| selector.port())))
        }
    }
}

/// Findings as they are made, before they are put in order.
#[derive(Default)]
struct Findings {
    all: Vec<(Rank, Finding)>,
}

/// What puts findings in order: of a service the one that it goes by comes first.
type Rank = (Verdict, std::cmp::Reverse<usize>, Confidence, Mark);

impl Findings {
    fn add(&mut self, finding: Finding, pair: &PairVerdict) -> usize {
        let (verdict, confidence, last) = pair.rank();
        self.all.push(((verdict, std::cmp::Reverse(pair.service), confidence, last), finding));
        self.all.len() - 1
    }

    /// Worst verdict first, then in profile order, then the surest and the latest; the indexes in the services follow.
    fn sorted(self, mut services: Vec<Service>) -> (Vec<Finding>, Vec<Service>) {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(self.all.get(*at).map(|(rank, finding)| (finding.severity, *rank))));
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            if let Some(slot) = place.get_mut(*old) {
                *slot = new;
            }
        }
        let follow = |indexes: &mut Vec<usize>| {
            for index in indexes.iter_mut() {
                *index = place.get(*index).copied().unwrap_or(*index);
            }
            indexes.sort_unstable();
        };
        for service in &mut services {
            follow(&mut service.findings);
            service.pairs.iter_mut().for_each(|pair| follow(&mut pair.findings));
        }
        let mut all: Vec<Option<Finding>> = self.all.into_iter().map(|(_, finding)| Some(finding)).collect();
        let findings = order.iter().filter_map(|at| all.get_mut(*at)?.take()).collect();
        (findings, services)
    }
}

fn add_totals(all: &mut Totals, more: Totals) {
    all.packets += more.packets;
    all.ip_packets += more.ip_packets;
    all.undecoded_packets += more.undecoded_packets;
    all.duplicate_packets += more.duplicate_packets;
    all.flows += more.flows;
    all.tcp_packets += more.tcp_packets;
    all.udp_packets += more.udp_packets;
    all.icmp_errors += more.icmp_errors;
    all.esp_packets += more.esp_packets;
    all.ike_packets += more.ike_packets;
    all.nat_t_esp_packets += more.nat_t_esp_packets;
    all.nat_t_keepalives += more.nat_t_keepalives;
    all.undecoded.extend(more.undecoded);
    add_accounted(&mut all.accounted, &more.accounted);
}

fn add_accounted(all: &mut Accounted, more: &Accounted) {
    all.services += more.services;
    all.unexpected += more.unexpected;
    all.background += more.background;
    all.icmp_errors += more.icmp_errors;
    all.duplicates += more.duplicates;
    all.filtered += more.filtered;
    all.not_ip += more.not_ip;
    all.undecoded += more.undecoded;
    all.evicted += more.evicted;
}

fn add_limits(all: &mut Limits, more: &Limits) {
    all.evicted_flows += more.evicted_flows;
    all.evicted_evidence += more.evicted_evidence;
    all.unlisted_unexpected += more.unlisted_unexpected;
    all.dropped_names += more.dropped_names;
    all.dropped_messages += more.dropped_messages;
    all.dropped_streams += more.dropped_streams;
    all.orphan_fragments += more.orphan_fragments;
    all.dropped_fragments += more.dropped_fragments;
}
