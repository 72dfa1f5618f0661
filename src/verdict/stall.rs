//! An end that takes no more data: it advertises a receive window of 0 and goes on acknowledging (RFC 9293, 3.8.6.1). Nothing on the path
//! does that: the program there does not read.

use super::judgement::Judgement;
use super::silence::{MIN_SPAN, count};
use crate::decode::Side;
use crate::flow::{FlowView, Marks, Tcp};
use crate::report::Cause;

/// A window that was closed and not opened again.
pub(super) struct Stall<'a> {
    pub(super) side: Side,
    /// The packets that say so.
    said: &'a Marks,
}

impl<'a> Stall<'a> {
    /// The end that takes no data, of which the other one could see it for long.
    pub(super) fn of(tcp: &'a Tcp) -> Option<Self> {
        [Side::Low, Side::High].into_iter().find_map(|side| {
            let closed = tcp.half(side).closed.as_ref().filter(|closed| closed.reopened.is_none())?;
            (closed.said.span() >= MIN_SPAN).then_some(Stall { side, said: &closed.said })
        })
    }
}

/// Adds to what is said of a connection that an end of it takes no data, where that explains how it went on.
pub(super) fn explain(flow: &FlowView<'_>, tcp: &Tcp, judgement: Judgement) -> Judgement {
    let Some(stall) = Stall::of(tcp) else { return judgement };
    let ended = matches!(
        judgement.cause,
        Some(
            Cause::ConnectedIdle | Cause::TlsNoReply | Cause::TlsClosedEarly | Cause::ServerReset | Cause::SessionReset
        )
    );
    if !ended && judgement.cause.is_some() {
        return judgement;
    }
    let address = flow.endpoints.side(stall.side).0;
    let (first, last) = (stall.said.first(), stall.said.last());
    let frames = first
        .zip(last)
        .map_or_else(String::new, |(first, last)| format!(" (frames {} to {})", first.frame, last.frame));
    let story = format!(
        "{}; {address} takes no more data: it closed its receive window and said so {} over {}{frames}",
        judgement.story,
        count(stall.said.count(), "time"),
        stall.said.span()
    );
    let judgement = Judgement { story, ..judgement }.citing(stall.said, "receive window 0");
    if !ended {
        return judgement;
    }
    let suspect = judgement.suspect.unwrap_or(address);
    judgement.by(Some(suspect)).likely(format!(
        "the program on {address} does not read what is sent to it: it hangs or is overloaded; nothing on the path stops the connection"
    ))
}
