//! A tunnel that works, but on a fallback, late, or badly.

use super::Carrier;
use super::conversation::{Conversation, esp_log};
use crate::decode::Side;
use crate::flow::{Mark, Marks};
use crate::profile::Speaks;
use crate::report::{Cause, Confidence};
use crate::time::Span;
use crate::verdict::judgement::Judgement;
use crate::verdict::loss::is_heavy_loss;
use crate::verdict::silence::{MIN_ATTEMPTS, MIN_SPAN};
use crate::verdict::tcp;

/// Lost large packets are sent again within a minute (RFC 6298's longest clock); farther apart they are different ones.
const RETRY_CLOCK: Span = Span::from_secs(60);

/// What is wrong with a tunnel that carries traffic; none where it simply works.
pub(super) fn judge(conversation: &Conversation<'_, '_>, carrier: &Carrier, story: &str) -> Option<Judgement> {
    tcp_for_udp(conversation, carrier, story)
        .or_else(|| recovered(conversation, carrier, story))
        .or_else(|| large_packets_lost(conversation, carrier, story))
        .or_else(|| packet_loss(conversation, story))
}

fn tcp_for_udp(conversation: &Conversation<'_, '_>, carrier: &Carrier, story: &str) -> Option<Judgement> {
    let silent = [Speaks::Ike, Speaks::NatT].iter().all(|speaks| conversation.answers(*speaks).is_empty());
    let tried = conversation.messages.iter().any(|sent| sent.from_client && sent.speaks != Speaks::IkeTcp);
    (carrier.speaks == Speaks::IkeTcp && tried && silent).then(|| {
        Judgement::of(Cause::UdpBlockedTcpUsed, format!("IKE over UDP got no answer; {story}"))
            .citing(&conversation.sent_by_client(Speaks::Ike), "IKE over UDP")
            .citing(&conversation.sent_by_client(Speaks::NatT), "IKE over UDP")
            .citing(&carrier.traffic.back, "ESP of the gateway")
    })
}

/// An attempt that was given up before one that worked.
fn recovered(conversation: &Conversation<'_, '_>, carrier: &Carrier, story: &str) -> Option<Judgement> {
    let first_back = carrier.traffic.back.first()?;
    let given_up =
        conversation.sas.iter().filter(|sa| !sa.is_answered()).flat_map(|sa| sa.from(true)).find(|sent| {
            let marks = sent.marks();
            marks.count() >= MIN_ATTEMPTS
                && marks.span() >= MIN_SPAN
                && marks.last().is_some_and(|last| last.time < first_back.time)
        })?;
    let sent = given_up.marks();
    let story = format!(
        "a first attempt was sent {} times over {} without an answer and given up; then {story}",
        sent.count(),
        sent.span()
    );
    Some(
        Judgement::of(Cause::Recovered, story)
            .citing(sent, &given_up.label())
            .citing(&carrier.traffic.back, "ESP of the gateway"),
    )
}

/// Large ESP packets that are sent again on a clock and never answered, among small ones that are.
fn large_packets_lost(conversation: &Conversation<'_, '_>, carrier: &Carrier, story: &str) -> Option<Judgement> {
    conversation.esp_logs(carrier.speaks).find_map(|(flow, log)| {
        [flow.client_side, flow.client_side.other()].into_iter().find_map(|side: Side| {
            let facts = log.side(side);
            let lost = &facts.large_unanswered;
            let small_after = |last: Mark| {
                log.from(side.other()).filter_map(|spi| spi.packets.last()).any(|answer| answer > last)
            };
            let on_a_clock = lost.count() > 1 && lost.span().0 / (lost.count() as i64 - 1) <= RETRY_CLOCK.0;
            let is_lost = facts.large_answered == 0 && lost.count() >= MIN_ATTEMPTS && on_a_clock && lost.last().is_some_and(small_after);
            is_lost.then(|| {
                let whose = if side == flow.client_side { conversation.client } else { conversation.server };
                let story = format!(
                    "{} large packets that {whose} sent into the tunnel over {} were never answered, while small ones were; {story}",
                    lost.count(),
                    lost.span()
                );
                Judgement::of(Cause::LargePacketsLost, story)
                    .citing(lost, "large ESP packet without an answer")
                    .at_most(Confidence::Medium, "what is inside is encrypted; an inner host that does not answer large packets looks the same")
            })
        })
    })
}

/// Requests of either end that had to be sent again.
fn packet_loss(conversation: &Conversation<'_, '_>, story: &str) -> Option<Judgement> {
    let requests = conversation.messages.iter().filter(|sent| !sent.message.header.is_response());
    let (mut sent, mut repeated, mut frames) = (0, 0, Vec::new());
    for request in requests {
        let marks = request.marks();
        sent += marks.count();
        repeated += marks.count() - 1;
        if marks.count() > 1 {
            frames.push(marks.cited().skip(1).collect::<Marks>());
        }
    }
    let missing: u64 = conversation
        .flows
        .iter()
        .filter_map(|flow| Some((flow.client_side.other(), esp_log(&flow.flow)?)))
        .flat_map(|(server, log)| log.from(server))
        .map(|spi| spi.missing())
        .sum();
    is_heavy_loss(repeated, sent).then(|| {
        let gaps = if missing == 0 {
            String::new()
        } else {
            format!(", and {missing} of the gateway's ESP packets are missing by their numbers")
        };
        Judgement::of(Cause::PacketLoss, format!("{repeated} of {sent} IKE requests were repetitions{gaps}; {story}"))
            .citing(&tcp::merge(frames.iter()), "request sent again")
    })
}
