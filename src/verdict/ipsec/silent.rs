//! A message of a running set-up that is not answered, or answered in vain: what that is depends on the port, its size and what else
//! passed.

use super::Outcome;
use super::conversation::{Conversation, Sent, esp_log};
use crate::decode::{Fate, Unreachable};
use crate::flow::{Mark, Marks};
use crate::profile::Speaks;
use crate::report::{Cause, Confidence, Verdict};
use crate::time::Span;
use crate::verdict::icmp;
use crate::verdict::judgement::Judgement;
use crate::verdict::silence::{MIN_ATTEMPTS, MIN_SPAN};

/// A message of this many bytes does not pass a path that only takes small packets: with IP, UDP and encapsulation it exceeds
/// the least MTU of IPv6 (1,280).
const LARGE: u32 = 1_200;

/// A fragment that is missing for this long will not come: those of one datagram leave together.
const LATE: Span = Span::from_secs(1);

/// Why large messages that nothing answers do not make a blocked port certain.
const LARGE_ONLY: &str =
    "the message is large and nothing small was tried on that port: lost fragments would look the same";

/// Silence on udp/4500 of a gateway that answers elsewhere: what speaks for it, and what else it may be.
pub(super) fn on_nat_t(conversation: &Conversation<'_, '_>, judgement: Judgement) -> Judgement {
    let judgement = match conversation.answers(Speaks::Ike).last() {
        Some(last) => judgement.citing_one(last, "the same gateway answers on udp/500"),
        None => judgement,
    };
    let mut tried = conversation.messages.iter().filter(|sent| sent.from_client && sent.speaks == Speaks::NatT);
    if tried.all(is_large) { judgement.at_most(Confidence::Medium, LARGE_ONLY) } else { judgement }
}

/// A message, perhaps in fragments, that nothing answered. `sent` are all its sendings.
pub(super) fn unanswered(
    conversation: &Conversation<'_, '_>,
    request: &str,
    messages: &[Sent<'_>],
    sent: &Marks,
    way: Speaks,
) -> Outcome {
    let target = conversation.target(way);
    if let Some(judgement) = icmp::judge(&conversation.views(way), &target) {
        return Outcome::settled(judgement, way);
    }
    if let Some(judgement) = went_on(conversation, request, &target, sent) {
        return Outcome::open(judgement, way);
    }
    let passed = conversation.answers(way);
    let elsewhere = conversation.messages.iter().any(|sent| !sent.from_client && sent.speaks != way);
    let cause = match () {
        // Behind the loss: the parts that are missing here were sent.
        () if lacks_parts(messages) => Cause::IkeFragmentsLost,
        () if passed.is_empty() && way == Speaks::NatT && elsewhere => Cause::NatTNoReply,
        () if messages.iter().any(is_large) => Cause::IkeFragmentsLost,
        () if passed.is_empty() => Cause::IkeNoReply,
        () => Cause::IkeMessageUnanswered,
    };
    let too_big = too_big(conversation, way);
    let cause = if too_big.is_empty() || !messages.iter().any(is_large) { cause } else { Cause::IkeFragmentsLost };
    let mut judgement = conversation.silence(request, &target, sent, cause);
    if judgement.cause == Some(cause) {
        judgement = explained(conversation, judgement, cause, messages, &passed, &too_big);
    }
    if judgement.verdict == Verdict::Inconclusive {
        Outcome::open(judgement, way)
    } else {
        Outcome::settled(judgement, way)
    }
}

/// A client that sends ESP after the request has its answer: the capture lacks it.
fn went_on(conversation: &Conversation<'_, '_>, request: &str, target: &str, sent: &Marks) -> Option<Judgement> {
    let first = sent.first()?;
    let logs = conversation.flows.iter().filter_map(|flow| Some((flow.client_side, esp_log(&flow.flow)?)));
    let next = logs
        .flat_map(|(client, log)| log.from(client))
        .filter_map(|spi| spi.packets.first())
        .filter(|at| *at > first)
        .min()?;
    let dropped = conversation.context.health.dropped;
    let (cause, why) = if dropped > 0 {
        (Cause::CaptureDropped, format!("the capture itself lost {dropped} packets"))
    } else {
        (Cause::OneSidedCapture, "the capture lacks it".to_owned())
    };
    let story = format!("{request} to {target} has no answer here, yet the client went on as if it had one: {why}");
    Some(Judgement::of(cause, story).citing(sent, request).citing_one(next, "ESP of the client: it went on"))
}

/// What speaks for the cause, and what else it may be.
fn explained(
    conversation: &Conversation<'_, '_>,
    judgement: Judgement,
    cause: Cause,
    messages: &[Sent<'_>],
    passed: &Marks,
    too_big: &Marks,
) -> Judgement {
    match cause {
        Cause::NatTNoReply => on_nat_t(conversation, judgement),
        Cause::IkeFragmentsLost => {
            let size: u32 = messages.iter().map(|sent| sent.message.len).sum();
            let (parts, torn) = (messages.len(), lacks_parts(messages));
            let mut judgement = judgement;
            let how = match parts {
                _ if torn => "only some of its IKE fragments arrive here".to_owned(),
                1 => format!("{size} bytes; small messages were answered"),
                _ => format!("{size} bytes in {parts} IKE fragments; small messages were answered"),
            };
            judgement.story = format!("{}; {how}", judgement.story);
            if !too_big.is_empty() {
                judgement.story =
                    format!("{}, and a router says that the path takes only smaller packets", judgement.story);
            }
            judgement.citing(too_big, "ICMP: packet too big").citing(&first_and_last(passed), "a small packet passed")
        }
        Cause::IkeMessageUnanswered => judgement
            .citing(&first_and_last(passed), "the gateway answers on the same port")
            .at_most(Confidence::Medium, "the gateway ignores it, or a filter reads IKE; both look the same from here"),
        _ => judgement,
    }
}

/// A request that was answered each time and sent again all the same: the answer does not reach the client.
pub(super) fn not_accepted(
    conversation: &Conversation<'_, '_>,
    requests: &[Sent<'_>],
    answers: &[Sent<'_>],
    sent: &Marks,
    answered: &Marks,
) -> Option<Judgement> {
    if sent.count() < MIN_ATTEMPTS || sent.span() < MIN_SPAN || answered.count() + 1 < sent.count() {
        return None;
    }
    // A sending that an earlier answer came before shows that this answer was of no use.
    let first = answered.first()?;
    let again: Marks = sent.cited().filter(|mark| *mark > first).collect();
    if again.count() + 1 < MIN_ATTEMPTS {
        return None;
    }
    let (client, server) = (conversation.client, conversation.server);
    let label = requests.first()?.label();
    let torn = lost_fragments(conversation, false);
    let (cause, end) = if !torn.is_empty() {
        (Cause::IkeFragmentsLost, "its answer came in IP fragments of which some are missing")
    } else if lacks_parts(answers) {
        (Cause::IkeFragmentsLost, "its answer came in IKE fragments of which some are missing")
    } else {
        (Cause::ReplyNotAccepted, "the answer does not reach the program")
    };
    let story = format!(
        "{client} sent {label} {} times over {} although {server} answered {} times: {end}",
        sent.count(),
        sent.span(),
        answered.count()
    );
    Some(
        Judgement::of(cause, story)
            .citing(sent, &label)
            .citing(answered, "answer of the gateway")
            .citing(&torn, "fragment of a datagram that never became whole"),
    )
}

/// Whether a message in IKE fragments (RFC 7383) lacks some of them.
fn lacks_parts(messages: &[Sent<'_>]) -> bool {
    let parts = || messages.iter().filter_map(|sent| sent.message.clear.fragment);
    let mut numbers: Vec<u16> = parts().map(|part| part.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    parts().filter_map(|part| part.total).max().is_some_and(|total| numbers.len() < usize::from(total))
}

/// Fragments of datagrams of one end that never became whole. What may only be late at the end of the capture does not count.
fn lost_fragments(conversation: &Conversation<'_, '_>, from_client: bool) -> Marks {
    let horizon = conversation.context.horizon();
    conversation
        .flows
        .iter()
        .filter_map(|flow| Some((flow, flow.flow.fragments()?)))
        .flat_map(|(flow, log)| {
            let side = if from_client { flow.client_side } else { flow.client_side.other() };
            log.datagrams(Fate::Incomplete).filter(move |datagram| datagram.side == side)
        })
        .filter(|datagram| datagram.fragments.last().is_some_and(|last| horizon - last.time >= LATE))
        .flat_map(|datagram| datagram.fragments.cited())
        .collect()
}

/// The same silence under the name that it has in this place.
pub(super) fn reworded(judgement: Judgement, cause: Cause) -> Judgement {
    Judgement { verdict: cause.verdict(), cause: Some(cause), ..judgement }
}

fn is_large(sent: &Sent<'_>) -> bool {
    sent.message.len >= LARGE || sent.message.ip_fragmented || sent.message.clear.fragment.is_some()
}

/// ICMP errors that say the path takes only smaller packets.
fn too_big(conversation: &Conversation<'_, '_>, way: Speaks) -> Marks {
    conversation
        .flows
        .iter()
        .filter(|flow| flow.speaks == way)
        .flat_map(|flow| flow.flow.icmp().iter().filter(|record| record.side == flow.client_side))
        .filter(|record| record.message.meaning() == Unreachable::TooBig)
        .map(|record| record.mark)
        .collect()
}

fn first_and_last(marks: &Marks) -> Marks {
    let mut ends: Vec<Mark> = marks.first().into_iter().chain(marks.last()).collect();
    ends.dedup();
    ends.into_iter().collect()
}
