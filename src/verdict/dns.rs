//! Names that did not resolve, or resolved to a filter: the service was attempted, and no packet of it could follow.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::context::Context;
use super::judgement::Judgement;
use super::pair::{PairFacts, PairVerdict};
use super::silence::{MIN_ATTEMPTS, MIN_SPAN, count};
use super::tcp::{self, merge};
use crate::flow::{FlowView, Lookup, Mark, Marks};
use crate::profile::{Host, Service, Speaks};
use crate::report::{Attribution, Cause, Confidence};

/// Addresses that DNS filters answer with in place of a blocked name: the vendor's own block portal, and OpenDNS's.
const SINKHOLES: [&str; 8] = [
    "208.91.112.55",
    "146.112.61.104",
    "146.112.61.105",
    "146.112.61.106",
    "146.112.61.107",
    "146.112.61.108",
    "146.112.61.109",
    "146.112.61.110",
];

const NOT_FOUND: u8 = 3;
const DNS_PORT: u16 = 53;
const TCP: u8 = 6;

/// A pair for each client and service whose name led nowhere. `known` are the pairs that packets made: where one of them works, the
/// client had the address from elsewhere.
pub(super) fn pairs(context: &Context<'_>, known: &[PairVerdict]) -> Vec<PairVerdict> {
    let mut by_name: BTreeMap<(IpAddr, &str), Vec<&Lookup>> = BTreeMap::new();
    for lookup in context.analysis.lookups.iter().filter(|lookup| matches!(lookup.record_type, 1 | 28)) {
        by_name.entry((lookup.client, lookup.name.as_str())).or_default().push(lookup);
    }
    let mut pairs = Vec::new();
    for ((client, name), lookups) in by_name {
        let services = services_of(context, name);
        if services.is_empty() || context.scope.is_client(client) == Some(false) {
            continue;
        }
        let by_answers = judge(context, client, name, &lookups).map(|judgement| (judgement, false));
        let over_tcp = || Some((cut_and_no_tcp(context, client, name, &lookups)?, true));
        let Some((judgement, dns_over_tcp)) = by_answers.or_else(over_tcp) else { continue };
        let asked = merge(lookups.iter().map(|lookup| &lookup.asked));
        let answered = merge(lookups.iter().map(|lookup| &lookup.answered));
        let Some(first) = asked.first().into_iter().chain(answered.first()).min() else { continue };
        let last = asked.last().into_iter().chain(answered.last()).max().unwrap_or(first);
        for service in services {
            let works = |pair: &&PairVerdict| pair.service == service && pair.client == client && pair.works();
            if known.iter().any(|pair| works(&pair)) {
                continue;
            }
            pairs.push(PairVerdict {
                service,
                client,
                moved_to: Vec::new(),
                server: None,
                proxy: None,
                server_name: Some(name.to_owned()),
                attribution: Attribution::Name,
                candidates: vec![service],
                judgement: judgement.clone(),
                about: None,
                transports: Vec::new(),
                first,
                last,
                facts: PairFacts { dns_over_tcp, ..PairFacts::default() },
            });
        }
    }
    pairs
}

/// The services that a name stands for: those of the role that the site file gives it, else those of the vendor's own name.
fn services_of(context: &Context<'_>, name: &str) -> Vec<usize> {
    let (scope, services) = (context.scope, &context.scope.profile.services);
    let roles: Vec<&str> = scope
        .site
        .servers
        .iter()
        .filter(|server| matches!(&server.host, Host::Name(pattern) if pattern.matches(name)))
        .map(|server| server.role.as_str())
        .collect();
    let of = |wanted: &dyn Fn(&Service) -> bool| -> Vec<usize> {
        services.iter().enumerate().filter(|(_, service)| wanted(service)).map(|(index, _)| index).collect()
    };
    if !roles.is_empty() {
        return of(&|service| service.roles.iter().any(|role| roles.contains(&role.as_str())));
    }
    of(&|service| !service.is_confined(&scope.site) && service.has_name(name))
}

fn judge(context: &Context<'_>, client: IpAddr, name: &str, lookups: &[&Lookup]) -> Option<Judgement> {
    let addresses: Vec<IpAddr> = lookups.iter().flat_map(|lookup| lookup.addresses.iter().copied()).collect();
    let answered = merge(lookups.iter().map(|lookup| &lookup.answered));
    let asked = merge(lookups.iter().map(|lookup| &lookup.asked));
    let resolver = lookups.first()?.resolver;
    if !addresses.is_empty() {
        let address = addresses.first()?;
        let sunk = addresses.iter().all(is_sinkhole);
        return sunk.then(|| {
            let story = format!("{resolver} answered that {name} has the address {address}, which no server has");
            cited(Judgement::of(Cause::DnsSinkhole, story), &asked, &answered).by(Some(resolver))
        });
    }
    let failed = lookups
        .iter()
        .filter_map(|lookup| lookup.response_code)
        .filter(|code| *code != 0)
        .max_by_key(|code| *code == NOT_FOUND);
    if let Some(code) = failed {
        let story = format!("{resolver} answered that {name} {}", meaning(code));
        return Some(cited(Judgement::of(Cause::DnsFailure, story), &asked, &answered));
    }
    let silent = answered.is_empty() && asked.count() >= MIN_ATTEMPTS && asked.span() >= MIN_SPAN;
    if !silent || context.health.one_sided(client).is_some() {
        return None;
    }
    let story =
        format!("{client} asked {} for {name} over {} and got no answer", count(asked.count(), "time"), asked.span());
    let judgement = cited(Judgement::of(Cause::DnsFailure, story), &asked, &answered);
    let (from, to): (Mark, Mark) = (asked.first()?, asked.last()?);
    let witnesses = context.witnesses(client, 0, from.time, to.time);
    Some(match witnesses.first() {
        Some(witness) => judgement.citing_one(*witness, format!("witness: a packet that reached {client}")),
        None => judgement
            .at_most(Confidence::Medium, "no other packet to the client shows that the capture could hold an answer"),
    })
}

/// Every answer was cut, and over TCP the resolver cannot be reached: RFC 7766 asks of both that they can speak it. That a client does not
/// try TCP at all says nothing of the network.
fn cut_and_no_tcp(context: &Context<'_>, client: IpAddr, name: &str, lookups: &[&Lookup]) -> Option<Judgement> {
    if lookups.iter().any(|lookup| !lookup.addresses.is_empty()) {
        return None;
    }
    let resolver = lookups.first()?.resolver;
    let (cut, others): (Vec<&Lookup>, Vec<&Lookup>) = lookups
        .iter()
        .copied()
        .partition(|lookup| !lookup.truncated.is_empty() && lookup.truncated.count() == lookup.answered.count());
    let truncated = merge(cut.iter().map(|lookup| &lookup.truncated));
    let from = truncated.first()?;
    let is_to_resolver = |flow: &&FlowView<'_>| {
        flow.protocol() == TCP
            && flow.client().0 == client
            && flow.server() == (resolver, DNS_PORT)
            && flow.last() > from
    };
    let flows: Vec<FlowView<'_>> = context.flows.iter().filter(is_to_resolver).copied().collect();
    // Only whether TCP gets through is asked: what it carries is opaque here.
    let over_tcp = tcp::judge(context, &flows, DNS_PORT, Speaks::Rating);
    if !over_tcp.verdict.is_bad() {
        return None;
    }
    let story = format!(
        "{resolver} answered for {name} only with the start of its answer (TC), the rest is to be asked for over TCP; there {}",
        over_tcp.story
    );
    let judgement = Judgement::of(Cause::DnsFailure, story).citing(&truncated, "DNS answer, truncated");
    let asked = merge(lookups.iter().map(|lookup| &lookup.asked));
    let mut judgement = cited(judgement, &asked, &merge(others.iter().map(|lookup| &lookup.answered)));
    judgement.total += over_tcp.total;
    judgement.cited.extend(over_tcp.cited);
    (judgement.confidence, judgement.reason, judgement.suspect) =
        (over_tcp.confidence, over_tcp.reason, over_tcp.suspect);
    Some(judgement.likely(
        "a filter lets DNS over UDP through and not over TCP, which the client needs for answers that do not fit a datagram (RFC 7766)",
    ))
}

fn cited(judgement: Judgement, asked: &Marks, answered: &Marks) -> Judgement {
    judgement.citing(answered, "DNS answer").citing(asked, "DNS question")
}

/// RFC 1035 section 4.1.1.
fn meaning(code: u8) -> String {
    match code {
        1 => "cannot be asked for like this (FORMERR)".to_owned(),
        2 => "could not be looked up (SERVFAIL)".to_owned(),
        NOT_FOUND => "does not exist (NXDOMAIN)".to_owned(),
        5 => "may not be asked for (REFUSED)".to_owned(),
        code => format!("could not be resolved (response code {code})"),
    }
}

/// Addresses at which no server can be: none, the asking host itself, and those of known filters.
fn is_sinkhole(address: &IpAddr) -> bool {
    address.is_unspecified() || address.is_loopback() || SINKHOLES.iter().any(|known| known.parse() == Ok(*address))
}
