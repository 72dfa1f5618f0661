//! TCP reachability: does a connection open, does each side hear the other, and who ends it.

use std::net::IpAddr;

use super::attempts::{Episode, RACE, fold, spanning};
use super::content;
use super::context::Context;
use super::icmp;
use super::judgement::Judgement;
use super::loss::is_heavy_loss;
use super::resets::{forged, given_up, refusal};
use super::silence::{self, MIN_ATTEMPTS, MIN_SPAN, Unanswered, count};
use super::stall::{self, Stall};
use crate::decode::{Side, TcpFlags, Unreachable};
use crate::flow::{FlowView, Half, Mark, Marks, Reset, Tcp};
use crate::profile::Speaks;
use crate::report::{Cause, Confidence, Verdict};
use crate::time::Span;

/// A client that waited this long for an answer and got none was not merely aborting.
pub(super) const PATIENCE: Span = Span::from_secs(3);

/// A connection on which nobody says anything for this long is idle, not slow: TLS clients speak at once.
const IDLE: Span = Span::from_secs(5);

/// A connection that was used within this time of its reset was alive.
const ALIVE: Span = Span::from_secs(10);

/// A segment of this many bytes is full-size on a path whose MTU is at least IPv6's least (1,280), less IP and TCP headers.
const FULL_SIZE: u32 = 1_200;

/// What the connections of one client to one port of one server amount to.
pub(super) fn judge(context: &Context<'_>, flows: &[FlowView<'_>], port: u16, speaks: Speaks) -> Judgement {
    let Some(first) = flows.first() else { return Judgement::not_seen() };
    let (client, server) = (first.client().0, first.server().0);
    let target = socket(server, port);
    let mut episodes = Vec::new();
    let mut silent: Vec<&FlowView<'_>> = Vec::new();
    let mut refused: Vec<(&FlowView<'_>, Reset)> = Vec::new();
    let mut undelivered: Vec<FlowView<'_>> = Vec::new();
    for flow in flows {
        match connection(context, flow, &target, speaks) {
            Connection::Silent => silent.push(flow),
            Connection::Refused(reset) => refused.push((flow, reset)),
            Connection::Undelivered => undelivered.push(*flow),
            Connection::Judged(judgement) => {
                episodes.push(Episode { start: flow.first().time, end: flow.last().time, judgement });
            }
        }
    }
    if let Some(judgement) = icmp::judge(&undelivered, &target) {
        episodes.push(spanning(&undelivered.iter().collect::<Vec<_>>(), judgement));
    }
    if !refused.is_empty() {
        let judgement = refusal(context, &refused, server, &target);
        let flows: Vec<&FlowView<'_>> = refused.iter().map(|(flow, _)| *flow).collect();
        episodes.push(spanning(&flows, judgement));
    }
    episodes.extend(silence_before_and_after(context, &silent, &episodes, client, &target));
    fold(episodes, flows, &target)
}

/// What one connection shows.
enum Connection {
    /// SYNs and nothing else.
    Silent,
    /// SYNs, and an RST in the server's name.
    Refused(Reset),
    /// An ICMP error says that it did not arrive.
    Undelivered,
    /// It speaks for itself.
    Judged(Judgement),
}

fn connection(context: &Context<'_>, flow: &FlowView<'_>, target: &str, speaks: Speaks) -> Connection {
    let (client, server) = (flow.client_side(), flow.client_side().other());
    let Some(tcp) = flow.tcp() else { return Connection::Judged(Judgement::not_seen()) };
    let (ours, theirs) = (tcp.half(client), tcp.half(server));
    if theirs.data_packets > 0
        && let Some(judgement) = content::judge(context, flow, speaks, target)
    {
        return Connection::Judged(judgement);
    }
    if theirs.data_packets > 0 && ours.data_packets > 0 {
        return Connection::Judged(stall::explain(flow, tcp, worked(context, flow, tcp, speaks, target)));
    }
    if flow.icmp().iter().any(|record| record.side == client && icmp::ends_conversation(record)) {
        return Connection::Undelivered;
    }
    let reset = tcp.resets().iter().find(|reset| reset.side == server).copied();
    if theirs.last.is_none() {
        return match reset {
            Some(reset) if !ours.opening.is_empty() && ours.data_packets == 0 => Connection::Refused(reset),
            None if !ours.opening.is_empty() && ours.acks_of_unseen.is_empty() => Connection::Silent,
            _ => Connection::Judged(half_seen(context, flow, tcp, target)),
        };
    }
    if ours.opening.is_empty() && theirs.opening.is_empty() {
        return Connection::Judged(half_seen(context, flow, tcp, target));
    }
    if !tcp.is_open() && ours.data_packets == 0 {
        return Connection::Judged(answered_but_not_open(flow, tcp, target, reset));
    }
    Connection::Judged(stall::explain(flow, tcp, opened(context, flow, tcp, target, reset)))
}

/// Data went both ways. How did it end?
fn worked(context: &Context<'_>, flow: &FlowView<'_>, tcp: &Tcp, speaks: Speaks, target: &str) -> Judgement {
    let (client, server) = (flow.client_side(), flow.client_side().other());
    let (ours, theirs) = (tcp.half(client), tcp.half(server));
    let no_fin = ours.fin.is_none() && theirs.fin.is_none();
    let early = tcp
        .resets()
        .iter()
        .find(|reset| reset.side == server && theirs.first_data.is_some_and(|data| reset.mark < data));
    if let Some(reset) = early.filter(|reset| forged(context, flow, tcp, reset).is_some()) {
        return reset_before_data(context, flow, tcp, target, reset);
    }
    if let Some(judgement) = given_up(flow, tcp, target) {
        return judgement;
    }
    // A greeting is no answer: nothing that the client said was ever answered.
    let unheard = theirs.last_data.zip(ours.first_data).is_some_and(|(answer, asked)| answer < asked);
    if unheard && !ours.was_acknowledged() {
        let dropped = ours.first_data.map(|first| not_acknowledged(context, flow, tcp, target, first));
        if let Some(judgement) = dropped.filter(|judgement| judgement.cause == Some(Cause::PayloadDropped)) {
            let story = judgement.story.replacen("opened", "opened and the server greeted", 1);
            return Judgement { story, ..judgement };
        }
    }
    if unheard
        && no_fin
        && tcp.saw_opening()
        && let Some(reset) = tcp.resets().first().filter(|reset| reset.side == server)
    {
        return reset_before_data(context, flow, tcp, target, reset);
    }
    let last_data = ours.last_data.max(theirs.last_data);
    if let Some(reset) = tcp.resets().iter().find(|reset| reset.side == server)
        && no_fin
        && !tcp.resets().iter().any(|other| other.side == client && other.mark < reset.mark)
        && last_data.is_some_and(|data| reset.mark.time - data.time <= ALIVE)
        && (forged(context, flow, tcp, reset).is_some() || !tcp.has_gaps())
        && (forged(context, flow, tcp, reset).is_some()
            || !ours.repeats.is_empty()
            || is_cut_off(flow, tcp, reset)
            || stays_open(speaks))
    {
        let server_address = flow.server().0;
        let (story, suspect) = match forged(context, flow, tcp, reset) {
            Some(why) => (
                format!(
                    "the connection to {target} carried data both ways, then a reset in the server's name ended it that the server did not send: {why}"
                ),
                None,
            ),
            None => (
                format!("the connection to {target} carried data both ways, then the server reset it"),
                Some(server_address),
            ),
        };
        return Judgement::of(Cause::SessionReset, story)
            .by(suspect)
            .citing_one(reset.mark, "RST in the server's name")
            .citing_one(last_data.unwrap_or(reset.mark), "last data before it");
    }
    let answered_since = theirs.last.zip(ours.repeats.first()).is_some_and(|(last, repeat)| last.time > repeat.time);
    let pending_span = ours.pending.zip(ours.repeats.last()).map_or(Span(0), |(sent, last)| last.time - sent.time);
    if ours.repeats.count() + 1 >= MIN_ATTEMPTS
        && pending_span >= MIN_SPAN
        && !answered_since
        && tcp.resets().is_empty()
    {
        if let Some(judgement) = path_mtu(flow, tcp, target, pending_span) {
            return judgement;
        }
        let asked = Unanswered {
            client: flow.client().0,
            request: "data segment",
            target,
            sent: &ours.repeats,
            interface: flow.interface(),
            cause: Cause::PathLost,
        };
        let story = format!(
            "the connection to {target} carried data both ways, then the same data was sent {} times over {pending_span} and \
             nothing came back",
            ours.repeats.count() + 1
        );
        let judgement = Judgement::of(Cause::PathLost, story)
            .citing(&ours.repeats, "data sent again")
            .citing_one(theirs.last.unwrap_or(flow.first()), "last packet of the server");
        return silence::with_witness(context, &asked, judgement);
    }
    if let Some(judgement) = [ours, theirs].into_iter().find_map(|half| large_segments_lost(half, target)) {
        return judgement.citing_one(flow.first(), "first packet");
    }
    // Each direction by itself: a bulk transfer loses in one, and its acknowledgements would hide it.
    let lost = |half: &Half| half.retransmitted - half.spurious;
    let lossy = [ours, theirs].into_iter().find(|half| is_heavy_loss(lost(half), half.data_packets));
    if let Some(half) = lossy {
        let (repeated, segments) = (lost(half), half.data_packets);
        return Judgement::of(
            Cause::PacketLoss,
            format!("{target} works, but {repeated} of {segments} segments of one direction were sent again"),
        )
        .citing(&half.sent_again, "segment sent again")
        .citing_one(flow.first(), "first packet");
    }
    let remark = content::remark(context, flow).map_or_else(String::new, |remark| format!("; {remark}"));
    let judgement = Judgement::seen(format!("{target} answered, data went both ways{remark}"))
        .citing_one(flow.first(), "first packet")
        .citing_one(flow.last(), "last packet");
    let judgement = content::smtp::with_refusals(judgement, flow);
    if tcp.saw_opening() {
        judgement
    } else {
        judgement.at_most(Confidence::Medium, "the connection was opened before the capture began")
    }
}

/// A full-size segment that is sent again and again while smaller ones, or ICMP errors, come back: the path takes only smaller packets.
fn path_mtu(flow: &FlowView<'_>, tcp: &Tcp, target: &str, over: Span) -> Option<Judgement> {
    let client = flow.client_side();
    let ours = tcp.half(client);
    let too_big: Marks = flow
        .icmp()
        .iter()
        .filter(|record| record.side == client && record.message.meaning() == Unreachable::TooBig)
        .map(|record| record.mark)
        .collect();
    let small_passed = ours.sacked.filter(|_| ours.repeated_len >= FULL_SIZE);
    if too_big.is_empty() && small_passed.is_none() {
        return None;
    }
    let told = if too_big.is_empty() {
        "while a smaller one behind it was acknowledged"
    } else {
        "although a router says that the path takes only smaller packets"
    };
    let story = format!(
        "the connection to {target} opened and small segments pass, but one of {} bytes was sent {} times over {over} and never \
         acknowledged, {told}",
        ours.repeated_len,
        ours.repeats.count() + 1
    );
    let judgement = Judgement::of(Cause::PathMtu, story)
        .citing(&ours.repeats, "full-size segment sent again")
        .citing(&too_big, "ICMP: packet too big");
    Some(
        small_passed.into_iter().fold(judgement, |judgement, mark| {
            judgement.citing_one(mark, "acknowledges only what is behind it (SACK)")
        }),
    )
}

/// A full-size segment that was sent in vain until its sender tried a smaller one, which passed.
fn large_segments_lost(half: &Half, target: &str) -> Option<Judgement> {
    let shrunk = half.shrunk.as_ref()?;
    let sent = shrunk.repeats.count() + 1;
    let passed = shrunk.acknowledged?;
    if sent < MIN_ATTEMPTS || shrunk.large < FULL_SIZE || shrunk.small >= FULL_SIZE {
        return None;
    }
    let story = format!(
        "{target} works, but a segment of {} bytes was sent {sent} times and never acknowledged; the same data passed in segments \
         of {} bytes",
        shrunk.large, shrunk.small
    );
    let judgement = Judgement::of(Cause::LargePacketsLost, story)
        .citing(&shrunk.repeats, "full-size segment sent again")
        .citing_one(shrunk.mark, "the same data in a smaller segment")
        .citing_one(passed, "acknowledges it");
    Some(judgement.likely("the path takes only smaller packets, and the ICMP error that would say so does not arrive"))
}

/// Whether a reset cuts off a client that was still being served: it asked for something and had no answer yet.
fn is_cut_off(flow: &FlowView<'_>, tcp: &Tcp, reset: &Reset) -> bool {
    let (ours, theirs) = (tcp.half(flow.client_side()), tcp.half(flow.client_side().other()));
    ours.last_data
        .zip(theirs.last_data)
        .is_some_and(|(asked, answered)| asked > answered && asked.time < reset.mark.time)
}

/// Whether a connection of the service lasts as long as the client's session: a server that resets it ends that.
fn stays_open(speaks: Speaks) -> bool {
    speaks == Speaks::Fsso
}

/// Packets of one side only, or of a connection whose opening is not in the capture.
fn half_seen(context: &Context<'_>, flow: &FlowView<'_>, tcp: &Tcp, target: &str) -> Judgement {
    let ours = tcp.half(flow.client_side());
    let unseen = &ours.acks_of_unseen;
    let client = flow.client().0;
    if !flow.is_two_way() && (!unseen.is_empty() || context.health.one_sided(client).is_some()) {
        let story = format!("only packets to {target} are in the capture, and they acknowledge answers that it lacks");
        return Judgement::of(Cause::OneSidedCapture, story)
            .citing(unseen, "acknowledges what the capture lacks")
            .citing_one(flow.first(), "first packet");
    }
    let story = format!(
        "packets of a connection to {target} whose opening is not in the capture; it does not show data both ways"
    );
    Judgement::of(Cause::StartedMidFlow, story)
        .citing_one(flow.first(), "first packet")
        .citing_one(flow.last(), "last packet")
}

/// The server answered the SYN, and the client did not go on.
fn answered_but_not_open(flow: &FlowView<'_>, tcp: &Tcp, target: &str, reset: Option<Reset>) -> Judgement {
    let (ours, theirs) = (tcp.half(flow.client_side()), tcp.half(flow.client_side().other()));
    let answered_first = theirs
        .opening
        .first()
        .is_some_and(|answer| ours.opening.last().is_some_and(|syn| syn.time - answer.time >= MIN_SPAN));
    if ours.opening.count() >= MIN_ATTEMPTS && theirs.opening.count() >= 2 && answered_first {
        let story = format!(
            "{} to {target}, each answered by a SYN-ACK in the capture, and the client sends its SYN again as if it were not",
            count(ours.opening.count(), "SYN")
        );
        return Judgement::of(Cause::ReplyNotAccepted, story)
            .citing(&ours.opening, "SYN")
            .citing(&theirs.opening, "SYN-ACK");
    }
    if ours.opening.is_empty() && ours.last.is_none() {
        let story = format!("only the SYN-ACK of {target} is in the capture, and not the SYN that it answers");
        return Judgement::of(Cause::StartedMidFlow, story).citing(&theirs.opening, "SYN-ACK");
    }
    let client_reset = tcp.resets().iter().any(|reset| reset.side == flow.client_side());
    let story = match (client_reset, reset) {
        (true, _) => {
            format!("{target} accepted the connection and the client gave it up at once, as a port check does")
        }
        (false, Some(_)) => format!("{target} accepted the connection and reset it before the client answered"),
        (false, None) => format!("{target} accepted the connection; the capture does not show the client going on"),
    };
    Judgement::of(Cause::SingleAttempt, story).citing(&ours.opening, "SYN").citing(&theirs.opening, "SYN-ACK")
}

/// The connection opened, and the server never sent data.
fn opened(context: &Context<'_>, flow: &FlowView<'_>, tcp: &Tcp, target: &str, reset: Option<Reset>) -> Judgement {
    let (client, server) = (flow.client_side(), flow.client_side().other());
    let (ours, theirs) = (tcp.half(client), tcp.half(server));
    let client_end = ours.fin.or(tcp.resets().iter().find(|reset| reset.side == client).map(|reset| reset.mark));
    let end = |mark: Option<Mark>| mark.map_or(context.horizon(), |mark| mark.time);
    if let Some(reset) = reset.filter(|reset| client_end.is_none_or(|end| reset.mark < end)) {
        return reset_before_data(context, flow, tcp, target, &reset);
    }
    if !ours.acks_of_unseen.is_empty() || theirs.gap_bytes > 0 {
        let story = format!(
            "{target} answered, as the client's acknowledgements and its own numbers show, but the capture lacks the answer"
        );
        return Judgement::of(Cause::OneSidedCapture, story)
            .citing(&ours.acks_of_unseen, "acknowledges what the capture lacks")
            .citing_one(flow.last(), "last packet");
    }
    if Stall::of(tcp).is_some_and(|stall| stall.side == server) && !ours.was_acknowledged() {
        return Judgement::of(Cause::ConnectedIdle, format!("{target} accepted the connection and no data"))
            .citing(&ours.opening, "SYN")
            .citing(&theirs.opening, "SYN-ACK");
    }
    let Some(first_data) = ours.first_data else {
        let waited = end(client_end.or(theirs.fin)) - flow.first().time;
        let opened = Judgement::of(
            Cause::ConnectedIdle,
            format!("{target} accepted the connection and nothing followed for {waited}"),
        )
        .citing(&ours.opening, "SYN")
        .citing(&theirs.opening, "SYN-ACK");
        return if waited >= IDLE {
            opened.at_most(Confidence::Medium, "which side should have spoken is not known")
        } else {
            Judgement {
                verdict: Verdict::Inconclusive,
                cause: Some(Cause::SingleAttempt),
                story: if client_end.or(theirs.fin).is_some() {
                    format!("{target} accepted the connection, which was closed unused")
                } else {
                    format!("{target} accepted the connection, and the capture ends {waited} later without data")
                },
                ..opened
            }
        };
    };
    if !ours.was_acknowledged() {
        return not_acknowledged(context, flow, tcp, target, first_data);
    }
    if let Some(fin) = theirs.fin.filter(|fin| client_end.is_none_or(|end| *fin <= end)) {
        let story = format!("{target} acknowledged the first message and closed the connection without an answer");
        return Judgement::of(Cause::TlsClosedEarly, story)
            .by(Some(flow.server().0))
            .citing_one(first_data, "first message of the client")
            .citing_one(fin, "FIN of the server");
    }
    let waited = end(client_end) - ours.last_data.unwrap_or(first_data).time;
    let story = format!("{target} acknowledged the first message, and no answer followed for {waited}");
    let unanswered = Judgement::of(Cause::TlsNoReply, story)
        .citing_one(first_data, "first message of the client")
        .citing_one(flow.last(), "last packet");
    if waited >= PATIENCE {
        unanswered
    } else {
        Judgement { verdict: Verdict::Inconclusive, cause: Some(Cause::SingleAttempt), ..unanswered }
    }
}

/// The first message went out and nothing acknowledged it.
fn not_acknowledged(context: &Context<'_>, flow: &FlowView<'_>, tcp: &Tcp, target: &str, first: Mark) -> Judgement {
    let ours = tcp.half(flow.client_side());
    let mut sent: Marks = [first].into_iter().collect();
    sent.extend(&ours.repeats);
    let asked = Unanswered {
        client: flow.client().0,
        request: "first message",
        target,
        sent: &sent,
        interface: flow.interface(),
        cause: Cause::PayloadDropped,
    };
    let judgement = silence::judge(context, &asked);
    if judgement.cause == Some(Cause::PayloadDropped) {
        let story = judgement.story.replacen("first messages", "copies of the first message", 1);
        return Judgement { story: format!("the connection opened; {story}"), ..judgement }
            .likely("a filter on the path lets the connection open and drops what it carries, by content or by name");
    }
    judgement
}

/// The connection opened and was reset in the server's name before it answered the client.
fn reset_before_data(context: &Context<'_>, flow: &FlowView<'_>, tcp: &Tcp, target: &str, reset: &Reset) -> Judgement {
    let ours = tcp.half(flow.client_side());
    let after = if ours.data_packets > 0 { "after the client's first message" } else { "before anything was said" };
    let judgement = match forged(context, flow, tcp, reset) {
        Some(why) => Judgement::of(
            Cause::ResetInjected,
            format!("the connection to {target} opened; {after} a reset came in the server's name that the server did not send: {why}"),
        )
        .likely("something between client and server ends the connection: a filter that reads the first message, or an intrusion prevention system"),
        None => Judgement::of(Cause::ServerReset, format!("{target} accepted the connection and reset it {after}"))
            .by(Some(flow.server().0)),
    };
    let judgement = judgement.citing_one(reset.mark, "RST in the server's name");
    match ours.first_data {
        Some(data) => judgement.citing_one(data, "first message of the client"),
        None => judgement,
    }
}

/// Unanswered SYNs, as one statement for the time before the service worked and one for the time after.
fn silence_before_and_after(
    context: &Context<'_>,
    silent: &[&FlowView<'_>],
    episodes: &[Episode],
    client: IpAddr,
    target: &str,
) -> Vec<Episode> {
    let last_success =
        episodes.iter().filter(|episode| episode.judgement.verdict.works()).map(|episode| episode.start).max();
    let (before, after): (Vec<&FlowView<'_>>, Vec<&FlowView<'_>>) =
        silent.iter().partition(|flow| last_success.is_some_and(|success| flow.first().time <= success + RACE));
    [before, after]
        .into_iter()
        .filter(|flows| !flows.is_empty())
        .map(|flows| {
            let sent: Marks =
                merge(flows.iter().filter_map(|flow| Some(&flow.tcp()?.half(flow.client_side()).opening)));
            let asked = Unanswered {
                client,
                request: "SYN",
                target,
                sent: &sent,
                interface: flows.first().map_or(0, |flow| flow.interface()),
                cause: Cause::SynNoReply,
            };
            spanning(&flows, silence::judge(context, &asked))
        })
        .collect()
}

/// Joins lists of marks.
pub(super) fn merge<'m>(lists: impl Iterator<Item = &'m Marks>) -> Marks {
    let mut all = Marks::default();
    lists.for_each(|marks| all.extend(marks));
    all
}

/// `10.0.0.5:8013`, `[2001:db8::5]:8013`.
pub(super) fn socket(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

/// The state of a connection in a word, for flows that no service explains.
pub(super) fn state(flow: &FlowView<'_>, client: Side) -> &'static str {
    let (ours, theirs) = (flow.flags(client), flow.flags(client.other()));
    let accepted = theirs & TcpFlags::SYN != 0;
    let two_way = flow.is_two_way();
    match () {
        () if accepted && (ours | theirs) & TcpFlags::FIN != 0 => "closed",
        () if accepted && (ours | theirs) & TcpFlags::RST != 0 => "reset",
        () if accepted => "established",
        () if theirs & TcpFlags::RST != 0 && ours & TcpFlags::SYN != 0 => "refused",
        () if two_way => "established",
        () if ours & TcpFlags::SYN != 0 => "unanswered",
        () => "one-way",
    }
}
