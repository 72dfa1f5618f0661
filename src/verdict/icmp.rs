//! What routers and hosts say of packets that they did not deliver.

use super::judgement::Judgement;
use crate::decode::Unreachable;
use crate::flow::{FlowView, IcmpRecord};
use crate::report::{Cause, Confidence};

/// Judges ICMP errors that quote packets of the client, on flows that did not work otherwise. Several flows are one attempt after
/// another at the same thing.
pub(super) fn judge(flows: &[FlowView<'_>], target: &str) -> Option<Judgement> {
    let records: Vec<(&FlowView<'_>, &IcmpRecord, Cause)> = flows
        .iter()
        .flat_map(|flow| flow.icmp().iter().map(move |record| (flow, record)))
        .filter(|(flow, record)| record.side == flow.client_side())
        .filter_map(|(flow, record)| Some((flow, record, cause(record.message.meaning())?)))
        .collect();
    let (flow, first, cause) = records.first()?;
    let from = first.message.from;
    let same: Vec<&IcmpRecord> = records
        .iter()
        .filter(|(_, record, other)| other == cause && record.message.from == from)
        .map(|(_, record, _)| *record)
        .collect();
    let server = flow.server().0;
    let by = if from == server { format!("{from}, the server itself,") } else { from.to_string() };
    let times = if same.len() == 1 { String::new() } else { format!(" ({} times)", same.len()) };
    let story = format!("{by} answered packets to {target} with ICMP \"{}\"{times}", first.message.meaning().name());
    let mut judgement = Judgement::of(*cause, story).by(Some(from));
    for record in &same {
        judgement = judgement.citing_one(record.mark, format!("ICMP from {from}: {}", record.message.meaning().name()));
    }
    judgement = judgement.citing_one(flow.first(), "a packet that was refused");
    if *cause == Cause::IcmpTtlExceeded && same.len() == 1 {
        judgement = judgement.at_most(Confidence::Medium, "a single report of a routing loop");
    }
    if *cause == Cause::IcmpPortUnreachable {
        judgement = judgement.likely(if from == server {
            format!("nothing listens on that port of {server}: the service is not running, or is set to another port")
        } else {
            format!("{from} is not the server: a filter there rejects the traffic")
        });
    }
    Some(judgement)
}

/// The cause that an error stands for; none for those that do not end a conversation. "Too big" is path MTU discovery at work.
fn cause(meaning: Unreachable) -> Option<Cause> {
    match meaning {
        Unreachable::Net => Some(Cause::IcmpNetUnreachable),
        Unreachable::Host => Some(Cause::IcmpHostUnreachable),
        Unreachable::Protocol => Some(Cause::IcmpProtocolUnreachable),
        Unreachable::Port => Some(Cause::IcmpPortUnreachable),
        Unreachable::AdminProhibited => Some(Cause::IcmpAdminProhibited),
        Unreachable::TtlExceeded => Some(Cause::IcmpTtlExceeded),
        Unreachable::TooBig | Unreachable::ReassemblyTimeout | Unreachable::Other => None,
    }
}

/// Whether an error ends the conversation that it quotes.
pub(super) fn ends_conversation(record: &IcmpRecord) -> bool {
    cause(record.message.meaning()).is_some()
}
