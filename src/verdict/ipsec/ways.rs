//! What each way of travelling shows by itself: udp/500, udp/4500, IP protocol 50, TCP.

use super::conversation::{Conversation, Sent};
use super::{esp, silent};
use crate::flow::{FlowView, Mark, Marks, Tcp};
use crate::profile::Speaks;
use crate::proto::ike::Header;
use crate::proto::sniff::Spoken;
use crate::report::{Cause, Confidence};
use crate::verdict::icmp;
use crate::verdict::judgement::Judgement;
use crate::verdict::silence::MIN_ATTEMPTS;
use crate::verdict::tcp;

/// Judges one way of travelling; `port` is the server's.
pub(super) fn judge(conversation: &Conversation<'_, '_>, speaks: Speaks, port: u16) -> Judgement {
    match speaks {
        Speaks::IkeTcp => in_tcp(conversation, port),
        Speaks::Esp => esp::native(conversation),
        _ => in_udp(conversation, speaks),
    }
}

fn in_tcp(conversation: &Conversation<'_, '_>, port: u16) -> Judgement {
    let flows = conversation.views(Speaks::IkeTcp);
    let reached = tcp::judge(conversation.context, &flows, port, Speaks::IkeTcp);
    if !conversation.answers(Speaks::IkeTcp).is_empty() || !reached.verdict.works() {
        return reached;
    }
    let target = conversation.target(Speaks::IkeTcp);
    let answered = flows.iter().filter_map(|flow| flow.spoken(flow.client_side().other()));
    let is_known = answered.into_iter().any(|spoken| !matches!(spoken, Spoken::Unknown | Spoken::Text));
    let began_with_ike = |flow: &FlowView<'_>| {
        flow.tcp().is_some_and(Tcp::saw_opening) && flow.spoken(flow.client_side()) == Some(Spoken::IkeTcp)
    };
    let seen: Marks = flows.iter().map(FlowView::first).collect();
    if !flows.iter().any(began_with_ike) {
        let story = format!("a connection to {target} carries something that began before the capture did");
        return Judgement::of(Cause::StartedMidFlow, story).citing(&seen, "first packet");
    }
    let cut = conversation.context.analysis.info.truncated_packets > 0;
    if cut && !is_known {
        let story = format!("{target} answers, but its packets were captured too short to tell with what");
        return Judgement::of(Cause::SnaplenTooShort, story).citing(&seen, "first packet");
    }
    let has_gaps = flows.iter().filter_map(FlowView::tcp).any(Tcp::has_gaps);
    if has_gaps && !is_known {
        let story = format!(
            "{target} answers, but the capture lacks some of the connection, so that its messages cannot be told"
        );
        return Judgement::of(Cause::OneSidedCapture, story).citing(&seen, "first packet");
    }
    let said: Marks = flows.iter().filter_map(|flow| flow.tcp()?.half(flow.client_side().other()).first_data).collect();
    let first = flows.first().map_or(Mark { frame: 0, time: conversation.context.horizon() }, FlowView::first);
    Judgement::of(Cause::WrongService, format!("{target} answers with something that is not IKE"))
        .at_most(Confidence::Medium, "the answer was not recognised")
        .citing_one(first, "first packet")
        .citing(&said, "first data of the server")
}

fn in_udp(conversation: &Conversation<'_, '_>, speaks: Speaks) -> Judgement {
    if let Some((judgement, _)) = unasked(conversation) {
        return judgement;
    }
    let target = conversation.target(speaks);
    let answers = conversation.answers(speaks);
    if !answers.is_empty() {
        return Judgement::seen(format!("{target} answered"))
            .citing(&answers, "packet of the gateway")
            .citing(&conversation.sent_by_client(speaks), "packet of the client");
    }
    // Of ESP alone nobody knows which end is the client, and whether it worked before.
    let asked = conversation.messages.iter().any(|sent| sent.from_client && sent.speaks == speaks);
    if let Some(judgement) = icmp::judge(&conversation.views(speaks), &target).filter(|_| asked) {
        return judgement;
    }
    if let Some((request, marks)) = most_repeated(conversation, speaks) {
        return unanswered(conversation, speaks, &request, &target, &marks);
    }
    let out = conversation.esp(speaks).out;
    if !out.is_empty() {
        let story = format!("ESP goes out to {target} and none comes back; IKE between the two is not in the capture");
        return Judgement::of(Cause::StartedMidFlow, story).citing(&out, "ESP of the client");
    }
    let keepalives = tcp::merge(
        conversation
            .flows
            .iter()
            .filter(|flow| flow.speaks == speaks)
            .filter_map(|flow| Some(&flow.flow.udp()?.keepalives[flow.client_side.index()])),
    );
    Judgement::of(Cause::TunnelIdle, format!("only NAT keepalives go to {target}")).citing(&keepalives, "NAT keepalive")
}

/// IKE of the gateway alone: that it speaks does not show that it is heard, or what it answers.
pub(super) fn unasked(conversation: &Conversation<'_, '_>) -> Option<(Judgement, Speaks)> {
    let first = conversation.messages.first()?;
    let of_client = conversation.messages.iter().any(|sent| sent.from_client)
        || [Speaks::Esp, Speaks::NatT, Speaks::IkeTcp].iter().any(|way| !conversation.esp(*way).out.is_empty());
    if of_client {
        return None;
    }
    let server = conversation.server;
    let said = tcp::merge(conversation.messages.iter().map(Sent::marks));
    let is_part = |sent: &Sent<'_>| {
        sent.message.clear.fragment.is_some() && sent.message.header.message_id == first.message.header.message_id
    };
    // Between two messages of one end the other one spoke.
    let (cause, story) = if conversation.messages.len() == 1 || conversation.messages.iter().all(is_part) {
        let story = format!("only one {} of {server} is in the capture, and nothing of the client", first.label());
        (Cause::StartedMidFlow, story)
    } else {
        let story = format!("only messages of {server} are in the capture, and none of the client between them");
        (Cause::OneSidedCapture, story)
    };
    Some((Judgement::of(cause, story).citing(&said, "packet of the gateway"), first.speaks))
}

fn unanswered(
    conversation: &Conversation<'_, '_>,
    speaks: Speaks,
    request: &str,
    target: &str,
    sent: &Marks,
) -> Judgement {
    let elsewhere = conversation.messages.iter().any(|sent| !sent.from_client && sent.speaks != speaks);
    let cause = if speaks == Speaks::NatT && elsewhere { Cause::NatTNoReply } else { Cause::IkeNoReply };
    let judgement = conversation.silence(request, target, sent, cause);
    if judgement.cause == Some(Cause::NatTNoReply) { silent::on_nat_t(conversation, judgement) } else { judgement }
}

/// The message of the client that was sent most often on a way of travelling, with everything that it sent there.
fn most_repeated(conversation: &Conversation<'_, '_>, speaks: Speaks) -> Option<(String, Marks)> {
    let mine = || conversation.messages.iter().filter(move |sent| sent.from_client && sent.speaks == speaks);
    let most = mine().max_by_key(|sent| (sent.marks().count(), sent.marks().span()))?;
    // A new attempt has a new SPI; that the client starts anew again and again is the same silence.
    let step = |header: &Header| (header.exchange, header.message_id);
    let same_step = mine().filter(|sent| step(&sent.message.header) == step(&most.message.header));
    let marks = if most.marks().count() >= MIN_ATTEMPTS {
        tcp::merge(same_step.map(Sent::marks))
    } else {
        most.marks().clone()
    };
    Some((most.label(), marks))
}
