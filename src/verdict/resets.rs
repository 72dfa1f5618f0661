//! Who sent a reset: the server itself, or something between in its name.

use std::net::IpAddr;

use super::context::Context;
use super::judgement::Judgement;
use crate::flow::{FlowView, Marks, Reset, Tcp};
use crate::report::{Cause, Confidence};

/// What shows that a reset does not come from the server, or nothing.
pub(super) fn forged(context: &Context<'_>, flow: &FlowView<'_>, tcp: &Tcp, reset: &Reset) -> Option<String> {
    let theirs = tcp.half(reset.side);
    if let Some(later) = theirs.after_reset.first() {
        return Some(format!("the server goes on after it (frame {})", later.frame));
    }
    let own = flow.ttl(reset.side);
    if let Some(own) = own.filter(|own| *own != reset.ttl) {
        return Some(format!("its TTL is {}, that of the server's other packets is {own}", reset.ttl));
    }
    if reset.lacks_timestamps && own.is_none() {
        return Some("it lacks the timestamps that were negotiated".to_owned());
    }
    let too_soon = tcp.rtt.zip(reset.after_other).is_some_and(|(rtt, after)| after.0 > 0 && after.0 < rtt.0 / 4);
    (too_soon && context.ttls(flow.server().0).len() > 1)
        .then(|| "it came faster than the server can answer".to_owned())
}

/// SYNs that were answered by RST.
pub(super) fn refusal(
    context: &Context<'_>,
    refused: &[(&FlowView<'_>, Reset)],
    server: IpAddr,
    target: &str,
) -> Judgement {
    let resets: Marks = refused.iter().map(|(_, reset)| reset.mark).collect();
    let syns: Marks =
        refused.iter().filter_map(|(flow, _)| flow.tcp()?.half(flow.client_side()).opening.first()).collect();
    let known = context.ttls(server);
    let ttl = refused.first().map_or(0, |(_, reset)| reset.ttl);
    let times = if resets.count() == 1 { String::new() } else { format!(" ({} times)", resets.count()) };
    let faster = context
        .rtt(server)
        .zip(refused.first().and_then(|(_, reset)| reset.after_other))
        .filter(|(rtt, after)| after.0 > 0 && after.0 < rtt.0 / 4);
    let judgement = if !known.is_empty() && !known.contains(&ttl) {
        let known: Vec<String> = known.iter().map(u8::to_string).collect();
        let story = format!(
            "SYNs to {target} were answered by RST{times}, which the server did not send: TTL {ttl}, where its other packets \
             have {}",
            known.join(", ")
        );
        Judgement::of(Cause::ResetInjected, story)
            .likely("a firewall on the path rejects the connection in the server's name")
    } else if let Some((rtt, after)) = faster.filter(|_| known.is_empty()) {
        let story = format!(
            "SYNs to {target} were answered by RST{times} after {after}, faster than the server answers elsewhere ({rtt})"
        );
        Judgement::of(Cause::ResetInjected, story)
            .likely("a firewall on the path rejects the connection in the server's name")
    } else {
        let judgement =
            Judgement::of(Cause::ConnectionRefused, format!("{target} refused the connection: RST to the SYN{times}"))
                .by(Some(server));
        if known.is_empty() {
            judgement.at_most(
                Confidence::Medium,
                format!("no other packet of {server} is there to compare, so a device between may have sent the RST"),
            )
        } else {
            judgement
        }
    };
    judgement.citing(&resets, "RST to the SYN").citing(&syns, "SYN")
}

/// A reset of the client's host, which acknowledges nothing, in answer to the server's first data: the host no longer knew the
/// connection, so the answer proves nothing of the service.
pub(super) fn given_up(flow: &FlowView<'_>, tcp: &Tcp, target: &str) -> Option<Judgement> {
    let (ours, theirs) = (tcp.half(flow.client_side()), tcp.half(flow.client_side().other()));
    let reset = tcp.resets().first().filter(|reset| reset.side == flow.client_side() && reset.bare)?;
    let answered = theirs.first_data.filter(|answer| *answer < reset.mark)?;
    if ours.data_packets > 1 || ours.fin.is_some() || theirs.fin.is_some_and(|fin| fin < reset.mark) {
        return None;
    }
    let story = format!(
        "{target} answered the first message, but the client's host no longer knew the connection: the client had given it up, or \
         something ended it towards the client"
    );
    Some(
        Judgement::of(Cause::SingleAttempt, story)
            .citing_one(reset.mark, "RST of the client, which acknowledges nothing")
            .citing_one(answered, "answer of the server"),
    )
}
