//! Flows that nothing explains, by client, server, protocol and port.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::claims::{Claim, Claimed};
use super::context::Context;
use super::{payload, tcp};
use crate::flow::Mark;
use crate::profile::{Service, Speaks, Transport, protocol_name};
use crate::proto::sniff::Spoken;
use crate::report::{FrameRef, Unexpected};

/// Groups in a report: more than anyone reads, and few enough for a table of some 30 MB in JSON.
const MAX_LISTED: usize = 50_000;

/// Groups the flows that nothing explains, in order of their first frame, as `claimed` is; and how many groups are not among
/// them, for there are too many: of these the answered ones stay. A scan makes as many groups as flows: none has memory of its own before it
/// goes into the report.
pub(super) fn group(context: &Context<'_>, claimed: &[Claimed<'_>], input: usize) -> (Vec<Unexpected>, u64) {
    let unexplained: Vec<&Claimed<'_>> = claimed.iter().filter(|one| one.claim == Claim::Unexpected).collect();
    let key_at = |at: u32| unexplained.get(at as usize).map(|one| key(one));
    let hasher = RandomState::default();
    // Groups by the place of their first flow, and every flow's place behind that of the first of its group.
    let mut groups: HashTable<u32> = HashTable::new();
    let mut members: Vec<(u32, u32)> = Vec::with_capacity(unexplained.len());
    for at in (0..).take(unexplained.len()) {
        let key = key_at(at);
        let group =
            groups.entry(hasher.hash_one(key), |&first| key_at(first) == key, |&first| hasher.hash_one(key_at(first)));
        members.push((*group.or_insert(at).get(), at));
    }
    members.sort_unstable();
    let all = || members.chunk_by(|one, next| one.0 == next.0);
    let is_answered = |members: &[(u32, u32)]| {
        let mut flows = members.iter().filter_map(|(_, at)| unexplained.get(*at as usize));
        flows.any(|one| one.flow.is_two_way())
    };
    let answered: Vec<bool> = all().map(is_answered).collect();
    let mut answered_left = MAX_LISTED;
    let mut silent_left = MAX_LISTED.saturating_sub(answered.iter().filter(|answered| **answered).count());
    let listed = all().zip(answered).filter_map(|(members, is_answered)| {
        let left = if is_answered { &mut answered_left } else { &mut silent_left };
        let is_listed = *left > 0;
        *left = left.saturating_sub(1);
        is_listed.then_some(members)
    });
    let mut reports = Vec::with_capacity(groups.len().min(MAX_LISTED));
    reports.extend(listed.filter_map(|members| {
        let flows: Vec<&Claimed<'_>> =
            members.iter().filter_map(|(_, at)| unexplained.get(*at as usize).copied()).collect();
        report(context, &flows, input)
    }));
    let unlisted = groups.len().saturating_sub(reports.len()) as u64;
    (reports, unlisted)
}

/// What the flows of a group have in common: client, server, protocol and the server's port.
fn key(one: &Claimed<'_>) -> (IpAddr, IpAddr, u8, u16) {
    (one.parties.client(), one.parties.server(), one.flow.protocol(), one.parties.server_port())
}

fn report(context: &Context<'_>, flows: &[&Claimed<'_>], input: usize) -> Option<Unexpected> {
    let (client, server, protocol, port) = key(flows.first()?);
    let first = flows.iter().map(|one| one.flow.first()).min()?;
    let last = flows.iter().map(|one| one.flow.last()).max()?;
    let sum = |of: &dyn Fn(&Claimed<'_>) -> u64| flows.iter().map(|one| of(one)).sum();
    Some(Unexpected {
        client,
        server,
        server_name: context.names.name(server).map(Box::from),
        protocol: protocol_name(protocol),
        port: matches!(protocol, 6 | 17).then_some(port),
        state: state(context, flows),
        hint: hint(context, flows, protocol, port).map(String::into_boxed_str),
        flows: flows.len() as u64,
        packets_out: sum(&|one| one.flow.packets(one.parties.client_side)),
        packets_in: sum(&|one| one.flow.packets(one.parties.client_side.other())),
        bytes_out: sum(&|one| one.flow.bytes(one.parties.client_side)),
        bytes_in: sum(&|one| one.flow.bytes(one.parties.client_side.other())),
        first_frame: at(input, first),
        last_frame: at(input, last),
        first_time: first.time,
        last_time: last.time,
    })
}

fn at(input: usize, mark: Mark) -> FrameRef {
    FrameRef { input, frame: mark.frame }
}

/// The best state of the group: what was established once is open.
fn state(context: &Context<'_>, flows: &[&Claimed<'_>]) -> &'static str {
    const FROM_BEST: [&str; 7] = ["established", "closed", "reset", "answered", "refused", "unanswered", "one-way"];
    let states = flows.iter().map(|one| match one.flow.protocol() {
        6 => match tcp::state(one.flow, one.parties.client_side) {
            // What the capture cannot show did not fail to come.
            "unanswered" if context.health.one_sided(one.parties.client()).is_some() => "one-way",
            state => state,
        },
        _ if one.flow.is_two_way() => "answered",
        _ if one.flow.icmp_total() > 0 => "refused",
        _ => "one-way",
    });
    states.min_by_key(|state| FROM_BEST.iter().position(|known| known == state)).unwrap_or("one-way")
}

/// What it is or may be: a service in the wrong direction, what its certificate or payload shows, or what the port is known for.
fn hint(context: &Context<'_>, flows: &[&Claimed<'_>], protocol: u8, port: u16) -> Option<String> {
    let first = flows.first()?;
    let scope = context.scope;
    if scope.is_client(first.parties.client()) == Some(false) && scope.is_client(first.parties.server()) == Some(true) {
        return Some("towards a client: the table's services are outgoing".to_owned());
    }
    if let Some(own) = flows.iter().find_map(|one| factory_certificate(context, one)) {
        return Some(own);
    }
    let spoken = |is_wanted: &dyn Fn(Spoken) -> bool| {
        flows.iter().find_map(|one| {
            let client = one.parties.client_side;
            let both = [one.flow.spoken(client), one.flow.spoken(client.other())];
            both.into_iter().flatten().find(|spoken| is_wanted(*spoken))
        })
    };
    let known = spoken(&|spoken| !matches!(spoken, Spoken::Unknown | Spoken::Text));
    let on_port: Vec<(&Service, &Transport)> = scope.profile.transports_on(protocol, port).collect();
    if !on_port.is_empty() {
        return why_not(context, first, &on_port, known.or_else(|| spoken(&|spoken| spoken == Spoken::Text)));
    }
    match (known, scope.known.hint(protocol, port)) {
        (Some(spoken), Some(hint)) if is_own(hint, spoken.name()) => {
            Some(format!("{}, on its own port", spoken.name()))
        }
        (Some(spoken), Some(hint)) => Some(format!("{}, on the port of {hint}", spoken.name())),
        (Some(spoken), None) => Some(spoken.name().to_owned()),
        (None, hint) => hint.map(str::to_owned),
    }
}

/// Why a flow on a port of the table is none of the table's services.
fn why_not(
    context: &Context<'_>,
    one: &Claimed<'_>,
    on_port: &[(&Service, &Transport)],
    spoken: Option<Spoken>,
) -> Option<String> {
    let mut services: Vec<&str> = on_port.iter().map(|(service, _)| service.id.as_str()).collect();
    services.dedup();
    let services = services.join(" and ");
    let fits = |speaks| payload::fits(speaks, one.flow, one.parties.client_side);
    if on_port.iter().any(|(_, transport)| fits(transport.speaks)) {
        let named = on_port.iter().any(|(service, _)| service.is_confined(&context.scope.site));
        let elsewhere = if named { ", to a server that is not named for it" } else { "" };
        return Some(format!("port of {services}{elsewhere}"));
    }
    let what = match (spoken, on_port.first().map(|(_, transport)| transport.speaks)) {
        (Some(spoken), _) => spoken.name(),
        (None, Some(Speaks::Ike)) => "no valid IKE",
        (None, Some(Speaks::NatT)) => "neither IKE nor ESP",
        (None, _) => "another protocol",
    };
    Some(format!("{what}, on the port of {services}"))
}

/// Whether a hint is the name of what is spoken: `ssh`, `microsoft-ds (SMB)`.
fn is_own(hint: &str, spoken: &str) -> bool {
    hint.eq_ignore_ascii_case(spoken) || hint.contains(&format!("({spoken})"))
}

/// A server that shows a factory certificate of the vendor's, with what makes it one of the table's.
fn factory_certificate(context: &Context<'_>, one: &Claimed<'_>) -> Option<String> {
    let role = payload::factory_unit(one.flow)?;
    let certificate = one.flow.app()?.tls.as_ref()?.certificate.as_ref()?;
    let unit = certificate.organisational_unit.as_deref()?;
    let serial = certificate.common_name.iter().map(|name| format!(" {name}")).collect::<String>();
    let is_role = context.scope.profile.roles().contains(&role.as_str());
    let server = tcp::socket(one.parties.server(), one.parties.server_port());
    let option = if is_role { format!("; if it is yours: --server {role}={server}") } else { String::new() };
    Some(format!("{unit}{serial} by its certificate{option}"))
}
