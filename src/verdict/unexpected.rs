//! Flows that nothing explains, by client, server, protocol and port.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::claims::Claimed;
use super::context::Context;
use super::tcp;
use crate::flow::Mark;
use crate::profile::protocol_name;
use crate::proto::sniff::Spoken;
use crate::report::{FrameRef, Unexpected};

/// Groups the flows that nothing explains, in order of their first frame.
pub(super) fn group(context: &Context<'_>, claimed: &[&Claimed<'_>], input: usize) -> Vec<Unexpected> {
    let mut groups: BTreeMap<(IpAddr, IpAddr, u8, u16), Vec<&Claimed<'_>>> = BTreeMap::new();
    for one in claimed {
        let key = (one.parties.client, one.parties.server, one.flow.protocol(), one.parties.server_port);
        groups.entry(key).or_default().push(one);
    }
    let mut all: Vec<Unexpected> = groups
        .into_iter()
        .filter_map(|((client, server, protocol, port), flows)| {
            let first = flows.iter().map(|one| one.flow.first()).min()?;
            let last = flows.iter().map(|one| one.flow.last()).max()?;
            let sum = |of: &dyn Fn(&Claimed<'_>) -> u64| flows.iter().map(|one| of(one)).sum();
            Some(Unexpected {
                client,
                server,
                server_name: context.names.name(server).map(str::to_owned),
                protocol: protocol_name(protocol).into_owned(),
                port: matches!(protocol, 6 | 17).then_some(port),
                state: state(&flows).to_owned(),
                hint: hint(context, &flows, protocol, port),
                flows: flows.len() as u64,
                packets_out: sum(&|one| one.flow.packets(one.parties.client_side)),
                packets_in: sum(&|one| one.flow.packets(one.parties.client_side.other())),
                bytes_out: sum(&|one| one.flow.bytes(one.parties.client_side)),
                bytes_in: sum(&|one| one.flow.bytes(one.parties.client_side.other())),
                first_frame: at(input, first),
                last_frame: at(input, last),
                first_time: Some(first.time),
                last_time: Some(last.time),
            })
        })
        .collect();
    all.sort_by_key(|one| one.first_frame);
    all
}

fn at(input: usize, mark: Mark) -> FrameRef {
    FrameRef { input, frame: mark.frame }
}

/// The best state of the group: what was established once is open.
fn state(flows: &[&Claimed<'_>]) -> &'static str {
    const FROM_BEST: [&str; 7] = ["established", "closed", "reset", "answered", "refused", "unanswered", "one-way"];
    let states = flows.iter().map(|one| match one.flow.protocol() {
        6 => tcp::state(one.flow, one.parties.client_side),
        _ if one.flow.is_two_way() => "answered",
        _ if one.flow.icmp_total() > 0 => "refused",
        _ => "one-way",
    });
    states.min_by_key(|state| FROM_BEST.iter().position(|known| known == state)).unwrap_or("one-way")
}

/// What it may be: a service in the wrong direction, what its payload shows, or what the port is known for.
fn hint(context: &Context<'_>, flows: &[&Claimed<'_>], protocol: u8, port: u16) -> Option<String> {
    let first = flows.first()?;
    let scope = context.scope;
    if scope.is_client(first.parties.client) == Some(false) && scope.is_client(first.parties.server) == Some(true) {
        return Some("towards a client: the table's services are outgoing".to_owned());
    }
    let spoken = flows.iter().find_map(|one| {
        let client = one.parties.client_side;
        [one.flow.spoken(client), one.flow.spoken(client.other())]
            .into_iter()
            .flatten()
            .find(|spoken| !matches!(spoken, Spoken::Unknown | Spoken::Text))
    });
    let known = scope.known.hint(protocol, port);
    match (spoken, known) {
        (Some(spoken), Some(known)) => Some(format!("{known}, speaks {}", spoken.name())),
        (Some(spoken), None) => Some(spoken.name().to_owned()),
        (None, known) => known.map(str::to_owned),
    }
}
