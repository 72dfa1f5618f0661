//! UDP services: those that answer, and the one that never does.

use std::net::IpAddr;

use super::content;
use super::context::Context;
use super::icmp;
use super::judgement::Judgement;
use super::loss::is_heavy_loss;
use super::silence::{self, MIN_ATTEMPTS, MIN_SPAN, Unanswered, count};
use super::tcp::{merge, socket};
use crate::decode::Side;
use crate::flow::{FlowView, Marks};
use crate::report::{Cause, Confidence, Verdict};

/// What the flows of one client to one port of one server amount to. `client` tells the client's side of each.
pub(super) fn judge(context: &Context<'_>, flows: &[(FlowView<'_>, Side)], port: u16, one_way: bool) -> Judgement {
    let Some((first, side)) = flows.first() else { return Judgement::not_seen() };
    let (client, server) = (first.endpoints.side(*side).0, first.endpoints.side(side.other()).0);
    let target = format!("{} over UDP", socket(server, port));
    let views: Vec<FlowView<'_>> = flows.iter().map(|(flow, _)| *flow).collect();
    let sent = merge(flows.iter().filter_map(|(flow, side)| Some(&flow.udp()?.half(*side).packets)));
    let received = merge(flows.iter().filter_map(|(flow, side)| Some(&flow.udp()?.half(side.other()).packets)));
    let icmp = icmp::judge(&views, &target);
    if received.is_empty() {
        if let Some(judgement) = icmp {
            return judgement;
        }
        if one_way {
            return Judgement::seen(format!(
                "{} sent to {target}, no error came back",
                silence::count(sent.count(), "message")
            ))
            .at_most(Confidence::Medium, "one-way by nature: nothing in the capture can show that the messages arrived")
            .citing(&sent, "message");
        }
        let asked = Unanswered {
            client,
            request: "request",
            target: &target,
            sent: &sent,
            interface: first.interface(),
            cause: Cause::UdpNoReply,
        };
        return silence::judge(context, &asked);
    }
    if sent.is_empty() {
        let story = format!("only packets from {target} are in the capture");
        return Judgement::of(Cause::OneSidedCapture, story).citing(&received, "packet of the server");
    }
    // A handshake that came about on another flow outweighs one that was refused.
    let refused = flows.iter().map(|(flow, _)| content::refused_datagram(flow, &target)).collect::<Option<Vec<_>>>();
    if let Some(judgement) = refused.and_then(|refused| refused.into_iter().next()) {
        return judgement;
    }
    if let Some(judgement) = not_accepted(flows, &target, client, &sent, &received) {
        return judgement;
    }
    answered(context, flows, &target, &sent, &received, icmp)
}

/// The same request again and again, although each was answered: the answer does not reach the client.
fn not_accepted(
    flows: &[(FlowView<'_>, Side)],
    target: &str,
    client: IpAddr,
    sent: &Marks,
    received: &Marks,
) -> Option<Judgement> {
    let same = merge(flows.iter().filter_map(|(flow, side)| Some(&flow.udp()?.half(*side).same)));
    // Each request three times on average: what is repeated once or twice was only slow.
    let distinct = sent.count().saturating_sub(same.count()).max(1);
    let again_and_again = same.count() + distinct >= MIN_ATTEMPTS * distinct;
    if !again_and_again || sent.span() < MIN_SPAN || received.count() + 1 < sent.count() {
        return None;
    }
    let story = format!(
        "{client} sent {} to {target} {} times over {} although each was answered ({} answers): they do not reach the program",
        count(distinct, "request"),
        sent.count(),
        sent.span(),
        received.count()
    );
    Some(
        Judgement::of(Cause::ReplyNotAccepted, story)
            .citing(sent, "request")
            .citing(received, "answer")
            .at_most(Confidence::Medium, "a client that asks the same on purpose looks alike"),
    )
}

/// The service answered. Does it still do so at the end?
fn answered(
    context: &Context<'_>,
    flows: &[(FlowView<'_>, Side)],
    target: &str,
    sent: &Marks,
    received: &Marks,
    icmp: Option<Judgement>,
) -> Judgement {
    let last_answer = received.last();
    let since = |marks: &Marks| marks.first().zip(last_answer).is_some_and(|(first, answer)| first.time > answer.time);
    let silent: Vec<&(FlowView<'_>, Side)> =
        flows.iter().filter(|(flow, side)| flow.udp().is_some_and(|udp| since(&udp.half(*side).unanswered))).collect();
    let unanswered = merge(silent.iter().filter_map(|(flow, side)| Some(&flow.udp()?.half(*side).unanswered)));
    if let (Some(refused), false) = (icmp, unanswered.is_empty()) {
        return refused;
    }
    if unanswered.count() >= MIN_ATTEMPTS
        && unanswered.span() >= MIN_SPAN
        && let Some((flow, side)) = silent.first()
    {
        let story = format!(
            "{target} answered before, then {} over {} and nothing came back",
            silence::count(unanswered.count(), "request"),
            unanswered.span()
        );
        let asked = Unanswered {
            client: flow.endpoints.side(*side).0,
            request: "request",
            target,
            sent: &unanswered,
            interface: flow.interface(),
            cause: Cause::PathLost,
        };
        let judgement = silence::judge(context, &asked);
        if judgement.verdict == Verdict::Interrupted {
            let judgement = Judgement { story, ..judgement };
            return judgement.citing_one(last_answer.unwrap_or(flow.first()), "last answer");
        }
    }
    let missing = sent.count().saturating_sub(received.count());
    if is_heavy_loss(missing, sent.count()) && context.health.dropped < missing {
        let works = format!("{target} answers, but {missing} of {} requests stayed without an answer", sent.count());
        if flows.len() == 1 {
            return Judgement::seen(works)
                .at_most(Confidence::Medium, "requests and answers are not told apart by content")
                .citing(sent, "request")
                .citing(received, "answer");
        }
    }
    Judgement::seen(format!("{target} answered: {} out, {} in", sent.count(), received.count()))
        .citing(sent, "request")
        .citing(received, "answer")
}
