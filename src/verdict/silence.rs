//! When silence is `blocked`, and when it is not.
//!
//! Absence proves nothing by itself. Silence becomes a verdict only where the client behaves as unanswered (the same request
//! three times over three seconds), the capture could have shown an answer, and the client does not go on as if it had one.

use std::net::IpAddr;

use super::context::Context;
use super::judgement::Judgement;
use crate::flow::Marks;
use crate::report::{Cause, Confidence};
use crate::time::Span;

/// Requests that a client must have sent. Two may be lost to a busy path; TCP stacks, IKE daemons and the rating client all
/// send a third.
pub(super) const MIN_ATTEMPTS: u64 = 3;

/// Time that they must span: no path answers later than that, and every stack has repeated by then.
pub(super) const MIN_SPAN: Span = Span::from_secs(3);

/// Witnesses that a finding cites.
const CITED_WITNESSES: usize = 2;

/// A request that nothing answered.
pub(super) struct Unanswered<'a> {
    pub(super) client: IpAddr,
    /// What was sent, `SYN` or `IKE_SA_INIT request`.
    pub(super) request: &'a str,
    /// Where to, `10.0.0.5:8013`.
    pub(super) target: &'a str,
    pub(super) sent: &'a Marks,
    pub(super) interface: u8,
    /// What it is, if it is a block.
    pub(super) cause: Cause,
}

/// Judges a request that nothing answered.
pub(super) fn judge(context: &Context<'_>, asked: &Unanswered<'_>) -> Judgement {
    let sent = asked.sent;
    let times = count(sent.count(), asked.request);
    // Before all else: what the capture lost explains a direction that is missing, and one attempt as well as many.
    if context.health.dropped >= sent.count() {
        return Judgement::of(
            Cause::CaptureDropped,
            format!(
                "{times} to {} and no answer in the file; but the capture itself lost {} packets, which may be the answers",
                asked.target, context.health.dropped
            ),
        )
        .citing(sent, asked.request);
    }
    if context.health.evicted > 0 {
        return Judgement::of(
            Cause::CaptureDropped,
            format!(
                "{times} to {} and no answer kept; but {} flows of the table's ports were given up for lack of memory, and the \
                 answers may be among them: give more with --memory",
                asked.target, context.health.evicted
            ),
        )
        .citing(sent, asked.request);
    }
    if let Some(proof) = context.health.one_sided(asked.client) {
        return Judgement::of(
            Cause::OneSidedCapture,
            format!(
                "{times} to {} and no answer in the file; but {} acts on packets that the file lacks, so an answer may be \
                 missing from it too",
                asked.target, asked.client
            ),
        )
        .citing(sent, asked.request)
        .citing(proof, "acts on a packet that the capture lacks");
    }
    if sent.count() < MIN_ATTEMPTS || sent.span() < MIN_SPAN {
        let over = if sent.count() > 1 { format!(" within {}", sent.span()) } else { String::new() };
        return Judgement::of(
            Cause::SingleAttempt,
            format!(
                "{times} to {}{over} and no answer until the capture ends: too little to tell a block from a loss",
                asked.target
            ),
        )
        .citing(sent, asked.request);
    }
    let story = format!("{times} to {} over {}, and nothing came back", asked.target, sent.span());
    with_witness(context, asked, Judgement::of(asked.cause, story).citing(sent, asked.request))
}

/// Adds the witnesses that the capture could have shown an answer, or says that there is none.
pub(super) fn with_witness(context: &Context<'_>, asked: &Unanswered<'_>, mut judgement: Judgement) -> Judgement {
    let (Some(first), Some(last)) = (asked.sent.first(), asked.sent.last()) else { return judgement };
    let mut witnesses = context.witnesses(asked.client, asked.interface, first.time, last.time);
    // Where client and server are one host, its own requests reach it.
    witnesses.retain(|witness| asked.sent.cited().all(|sent| sent != *witness));
    match witnesses.first() {
        None => judgement.at_most(
            Confidence::Medium,
            format!(
                "no other packet to {} near these attempts shows that the capture could hold an answer",
                asked.client
            ),
        ),
        Some(nearest) => {
            judgement
                .story
                .push_str(&format!("; other packets reached {} meanwhile (frame {})", asked.client, nearest.frame));
            for mark in witnesses.into_iter().take(CITED_WITNESSES) {
                judgement = judgement.citing_one(mark, format!("witness: a packet that reached {}", asked.client));
            }
            judgement
        }
    }
}

/// `1 SYN`, `5 SYNs`.
pub(super) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
