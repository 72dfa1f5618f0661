//! A tunnel that carried traffic, or an IKE SA that was up, and does not at the end of the capture.

use super::conversation::{Conversation, Sent, esp_log};
use super::sa::{Exchange, IkeSa};
use super::silent;
use crate::flow::{Mark, Marks};
use crate::profile::Speaks;
use crate::proto::ike::exchange::v1::{INFORMATIONAL as INFORMATIONAL_V1, QUICK};
use crate::proto::ike::exchange::v2::{CREATE_CHILD_SA, INFORMATIONAL};
use crate::proto::ike::notify;
use crate::proto::ike::notify_name;
use crate::proto::ike::payload::kind::v2 as payload;
use crate::report::{Cause, Confidence, Verdict};
use crate::time::Span;
use crate::verdict::judgement::Judgement;
use crate::verdict::pair::PairFlow;
use crate::verdict::silence::{MIN_ATTEMPTS, MIN_SPAN};
use crate::verdict::tcp;

/// A tunnel that says nothing for this long after what ended it was in use is dead, not slow: liveness checks and inner requests
/// come every few seconds.
const QUIET: Span = Span::from_secs(3);

/// A tunnel without traffic for this long may have met an idle timeout.
const IDLE: Span = Span::from_secs(5);

/// Data without an answer for this long, where data were answered before, are lost: 40 % loss was measured to give one-way
/// stretches of 5 to 10 s.
const DATA_PATIENCE: Span = Span::from_secs(10);
const DATA_ATTEMPTS: u64 = 8;

/// What ended the tunnel; none where it lives as far as the capture shows.
pub(super) fn judge(conversation: &Conversation<'_, '_>) -> Option<(Judgement, Speaks)> {
    let end = Ended { conversation, last_back: conversation.last_esp_back() };
    if conversation.is_stuck() {
        return end.state_lost();
    }
    end.nat_mapping_changed()
        .or_else(|| end.state_lost())
        .or_else(|| end.rekey_failed())
        .or_else(|| end.rekey_failed_v1())
        .or_else(|| end.closed_by_gateway())
        .or_else(|| end.closed_by_gateway_v1())
        .or_else(|| end.path_lost())
        .or_else(|| end.data_lost())
}

struct Ended<'l, 'c, 'a> {
    conversation: &'l Conversation<'c, 'a>,
    /// The gateway's last ESP packet.
    last_back: Option<Mark>,
}

impl<'a> Ended<'_, '_, 'a> {
    /// Whether no ESP of the gateway came after `mark`.
    fn no_esp_after(&self, mark: Mark) -> bool {
        self.last_back.is_none_or(|back| back < mark)
    }

    /// Whether no later IKE SA was answered: the client did not come back.
    fn no_later_sa(&self, mark: Mark) -> bool {
        !self.conversation.sas.iter().any(|sa| {
            sa.is_answered() && sa.begins_here() && sa.messages.first().is_some_and(|first| first.is_after(mark))
        })
    }

    /// The gateway says in clear that it does not know the SA (RFC 7296, 1.5 and 2.21.4; RFC 2408, 3.14.1).
    fn state_lost(&self) -> Option<(Judgement, Speaks)> {
        let unknown = |sent: &Sent<'a>| {
            let header = &sent.message.header;
            let kinds = &sent.message.clear.notifies;
            let lost = |kind: &u16| match header.is_v2() {
                true => matches!(*kind, notify::v2::INVALID_IKE_SPI | notify::v2::INVALID_SPI),
                false => matches!(*kind, notify::v1::INVALID_COOKIE | notify::v1::INVALID_SPI),
            };
            kinds.iter().find(|kind| lost(kind)).copied()
        };
        let told: Vec<(&Sent<'a>, u16)> = self
            .conversation
            .messages
            .iter()
            .filter(|sent| !sent.from_client)
            .filter_map(|sent| Some((sent, unknown(sent)?)))
            .collect();
        let (first, kind) = *told.first()?;
        let at = first.marks().first()?;
        if !self.no_esp_after(at) || !self.no_later_sa(at) || self.closed_by_client_before(at) {
            return None;
        }
        let server = self.conversation.server;
        let name = notify_name(first.message.header.version, kind);
        let marks = tcp::merge(told.iter().map(|(sent, _)| sent.marks()));
        let story = format!(
            "{}{server} answered {} times in clear with {name}: it no longer knows this SA",
            self.worked(),
            marks.count()
        );
        let judgement = Judgement::of(Cause::IkeInvalidSpi, story)
            .by(Some(server))
            .citing(&marks, &format!("{name}, in clear"))
            .citing(&self.last_of_tunnel(), "last ESP of the gateway");
        Some((judgement, first.speaks))
    }

    /// Whether the client itself had ended the SA: what the gateway says afterwards to late packets is no loss. In IKEv1 its delete is an
    /// informational like any other.
    fn closed_by_client_before(&self, mark: Mark) -> bool {
        let before = |sent: &Sent<'a>| sent.from_client && sent.marks().first().is_some_and(|first| first < mark);
        self.conversation.messages.iter().filter(|sent| before(sent)).any(|sent| {
            let header = &sent.message.header;
            let is_delete =
                header.exchange == INFORMATIONAL && sent.inner() == Some(payload::DELETE) && !header.is_response();
            let may_be_delete = header.is_v1()
                && header.exchange == INFORMATIONAL_V1
                && self.last_back.is_some_and(|back| sent.is_after(back));
            header.is_v2() && is_delete || may_be_delete
        })
    }

    /// The last CREATE_CHILD_SA failed, and the traffic ended after it. The old SAs live on until their lifetime, so traffic after
    /// the refusal does not disprove it.
    fn rekey_failed(&self) -> Option<(Judgement, Speaks)> {
        let (sa, exchanges) = self.last_v2()?;
        let children: Vec<&Exchange<'_>> =
            exchanges.iter().filter(|exchange| exchange.kind == CREATE_CHILD_SA).collect();
        let last = children.last()?;
        let (began, way) = (last.began()?, last.way()?);
        let refused: Vec<&&Exchange<'_>> =
            children.iter().filter(|exchange| exchange.is_answered_by_notify()).collect();
        let server = self.conversation.server;
        if !last.is_answered() && last.by_client {
            let sent = last.sent();
            let alive = self.last_back.is_some_and(|back| back > began);
            if sent.count() < MIN_ATTEMPTS || sent.span() < MIN_SPAN || !alive || !self.is_quiet() {
                return None;
            }
            let story = format!(
                "{}{} was sent {} times over {} without an answer, while ESP still came back; then the tunnel ended",
                self.worked(),
                last.label(),
                sent.count(),
                sent.span()
            );
            let judgement = Judgement::of(Cause::IkeRekeyFailed, story)
                .citing(&sent, "CREATE_CHILD_SA request")
                .citing(&self.last_of_tunnel(), "last ESP of the gateway")
                .at_most(
                    Confidence::Medium,
                    "whether the gateway ignored the rekey or a filter dropped it cannot be told from here",
                );
            return Some((judgement, way));
        }
        let deleted = exchanges.iter().any(|exchange| {
            exchange.kind == INFORMATIONAL
                && exchange.asks() == Some(payload::DELETE)
                && exchange.began().is_some_and(|at| at > began)
        });
        let unanswered = self.conversation.esp_unanswered();
        let tried_on = refused.len() >= 2 || deleted || unanswered.count() >= MIN_ATTEMPTS;
        if !last.is_answered_by_notify() || !tried_on || !self.is_quiet() || sa.last()? < began {
            return None;
        }
        let times = if refused.len() == 1 { "once".to_owned() } else { format!("{} times", refused.len()) };
        let answers = tcp::merge(refused.iter().map(|exchange| exchange.answered()).collect::<Vec<_>>().iter());
        let story = format!(
            "{}{server} refused the rekey {times} with an encrypted error, and the tunnel ended",
            self.worked()
        );
        let judgement = Judgement::of(Cause::IkeRekeyFailed, story)
            .by(Some(server))
            .citing(&answers, "CREATE_CHILD_SA response: error, encrypted")
            .citing(&last.sent(), "CREATE_CHILD_SA request")
            .citing(&self.last_of_tunnel(), "last ESP of the gateway")
            .at_most(
                Confidence::Medium,
                "the reason is encrypted; that it is a refusal shows in the kind of its first payload",
            );
        Some((judgement, way))
    }

    /// IKEv1: quick mode within a tunnel that worked, unanswered or refused, and the traffic ended after it.
    fn rekey_failed_v1(&self) -> Option<(Judgement, Speaks)> {
        let is_quick = |sent: &&Sent<'a>| sent.message.header.is_v1() && sent.message.header.exchange == QUICK;
        let quick = || self.conversation.messages.iter().filter(is_quick);
        let last = quick().rfind(|sent| sent.from_client)?;
        let at = last.marks().first()?;
        let answered =
            quick().any(|sent| !sent.from_client && sent.message.header.message_id == last.message.header.message_id);
        let worked_before = self.conversation.first_esp_back().is_some_and(|first| first < at);
        if answered || !worked_before || !self.is_quiet() || !self.no_later_sa(at) {
            return None;
        }
        let server = self.conversation.server;
        let refused: Marks = self
            .conversation
            .messages
            .iter()
            .filter(|sent| !sent.from_client && sent.is_after(at) && sent.message.header.exchange == INFORMATIONAL_V1)
            .filter_map(|sent| sent.marks().first())
            .collect();
        let sent = last.marks();
        let still_alive = self.last_back.is_some_and(|back| back > at);
        let unanswered = sent.count() >= MIN_ATTEMPTS && sent.span() >= MIN_SPAN && still_alive;
        if refused.is_empty() && !unanswered {
            return None;
        }
        let how = if refused.is_empty() { "did not answer" } else { "refused" };
        let story =
            format!("{}{server} {how} the quick mode that was to renew it, and the tunnel ended", self.worked());
        let judgement = Judgement::of(Cause::IkeRekeyFailed, story)
            .by(Some(server).filter(|_| !refused.is_empty()))
            .citing(sent, "quick mode message 1")
            .citing(&refused, "informational of the gateway")
            .citing(&self.last_of_tunnel(), "last ESP of the gateway")
            .at_most(Confidence::Medium, "all of it is encrypted");
        Some((judgement, last.speaks))
    }

    /// The gateway's own DELETE, without ESP of it afterwards. After a rekey or a move the gateway deletes the old child, which ends
    /// nothing.
    fn closed_by_gateway(&self) -> Option<(Judgement, Speaks)> {
        let (sa, exchanges) = self.last_v2()?;
        let deletes = |by_client: bool| {
            exchanges.iter().filter(move |exchange| {
                exchange.kind == INFORMATIONAL
                    && exchange.by_client == by_client
                    && exchange.asks() == Some(payload::DELETE)
            })
        };
        let delete = deletes(false).next_back()?;
        let at = delete.began()?;
        let before = |exchange: &Exchange<'_>| exchange.began().is_some_and(|began| began < at);
        let asked = deletes(true).any(before);
        let moved = exchanges.iter().any(|exchange| {
            before(exchange)
                && (exchange.kind == CREATE_CHILD_SA && exchange.is_answered() && !exchange.is_answered_by_notify()
                    || exchange.kind == INFORMATIONAL && exchange.by_client && exchange.asks() == Some(payload::NOTIFY))
        });
        let goes_on = self.conversation.goes_on(at, QUIET);
        // An SA of which the set-up is here and that nothing renewed has one child: with either of the two the tunnel is gone.
        let was_all = sa.begins_here() && !moved;
        let is_the_end = self.no_esp_after(at) && self.no_later_sa(at) && (goes_on || was_all);
        // The new child must be seen to fail: its first packets may only be waiting for their answers.
        let unanswered = self.conversation.esp_unanswered();
        let is_silent = unanswered.count() >= MIN_ATTEMPTS && unanswered.span() >= MIN_SPAN;
        if asked || !is_the_end || moved && !is_silent {
            return None;
        }
        let server = self.conversation.server;
        let idle = self.conversation.last_esp().map(|last| at.time - last.time).filter(|idle| *idle >= IDLE);
        let after = idle.map_or_else(String::new, |idle| format!(", after {idle} without traffic"));
        let unanswered = if delete.is_answered() { "" } else { "; the client's answer is not in the capture" };
        let story = format!("{}{server} deleted the SA without being asked to{after}{unanswered}", self.worked());
        let judgement = Judgement::of(Cause::ClosedByGateway, story)
            .by(Some(server))
            .citing(&delete.sent(), "INFORMATIONAL request of the gateway: DELETE")
            .citing(&self.last_of_tunnel(), "last ESP of the gateway");
        let judgement = if goes_on {
            judgement
        } else {
            judgement.at_most(Confidence::Medium, "the capture ends before the client could have come back")
        };
        Some((judgement, delete.way()?))
    }

    /// IKEv1 has no answers: a delete is an encrypted informational that nobody answers, after which both sides stop.
    fn closed_by_gateway_v1(&self) -> Option<(Judgement, Speaks)> {
        let back = self.last_back?;
        let informational = |sent: &&Sent<'a>| {
            sent.message.header.is_encrypted_v1() && sent.message.header.exchange == INFORMATIONAL_V1
        };
        let all = || self.conversation.messages.iter().filter(informational).filter(|sent| sent.is_after(back));
        let first = all().next().filter(|first| !first.from_client)?;
        let at = first.marks().first()?;
        let answered = all().any(|sent| sent.from_client);
        let client_goes_on = self.conversation.esp_unanswered().last().is_some_and(|last| last > at);
        if answered || client_goes_on || !self.no_later_sa(at) || !self.conversation.goes_on(at, QUIET) {
            return None;
        }
        let server = self.conversation.server;
        let told = tcp::merge(all().map(Sent::marks));
        let story = format!(
            "{}{server} sent an encrypted informational that nothing answers, and both sides stopped: it deleted the SA",
            self.worked()
        );
        let judgement = Judgement::of(Cause::ClosedByGateway, story)
            .by(Some(server))
            .citing(&told, "informational of the gateway, encrypted")
            .citing(&self.last_of_tunnel(), "last ESP of the gateway")
            .at_most(Confidence::Medium, "the informational is encrypted; that both sides stop at once tells");
        Some((judgement, first.speaks))
    }

    /// The client's packets come from another port than before, and the gateway goes on answering the old one.
    fn nat_mapping_changed(&self) -> Option<(Judgement, Speaks)> {
        let flows = || self.conversation.flows.iter().filter(|flow| flow.speaks == Speaks::NatT);
        let pairs = flows().flat_map(|old| flows().map(move |new| (old, new)));
        let (old, new, moved) = pairs
            .filter(|(old, new)| old.flow.endpoints.side(old.client_side) != new.flow.endpoints.side(new.client_side))
            .find_map(|(old, new)| Some((old, new, Moved::between(old, new)?)))?;
        let (was, is) = (origin(old, new), origin(new, old));
        let server = self.conversation.server;
        let story = format!(
            "the NAT gave the client {is} in place of {was} in the middle of the tunnel, and {server} still answers to {was}"
        );
        let judgement = Judgement::of(Cause::NatMappingChanged, story)
            .citing(&moved.sent, &format!("ESP of the client, now from {is}"))
            .citing(&moved.stale, &format!("the gateway still sends to {was}"))
            .citing(&moved.refused, "ICMP: the NAT has no such mapping any more");
        let judgement = match moved.before {
            Some(before) => judgement.citing_one(before, format!("last ESP of the client from {was}")),
            None => judgement.at_most(Confidence::Medium, "the capture began after the change"),
        };
        Some((judgement, Speaks::NatT))
    }

    /// The same request again and again at the end, after the gateway's last packet of any kind.
    fn path_lost(&self) -> Option<(Judgement, Speaks)> {
        let last_answer = self.conversation.last_of_server()?;
        let (message, since) = self.asked_again_since(last_answer)?;
        let target = self.conversation.target(message.speaks);
        let request = message.label();
        let judgement = self.conversation.silence(&request, &target, &since, Cause::PathLost);
        if judgement.verdict != Verdict::Interrupted {
            return None;
        }
        let story = format!(
            "both directions were alive until {}, then {request} was sent {} times over {} to {target} and nothing came back",
            last_answer.time.clock(),
            message.marks().count().max(since.count()),
            since.span()
        );
        // ESP that never came back, with IKE dead too, was no tunnel.
        if self.last_back.is_none() && self.conversation.esp(message.speaks).out.count() >= MIN_ATTEMPTS {
            let judgement = silent::reworded(judgement, Cause::EspInUdpOneWay);
            let story =
                format!("ESP in UDP went out to {target} and none ever came back, and {request} went unanswered too");
            let out = self.conversation.esp(message.speaks).out;
            return Some((Judgement { story, ..judgement }.citing(&out, "ESP of the client"), message.speaks));
        }
        Some((Judgement { story, ..judgement }.citing_one(last_answer, "last packet of the gateway"), message.speaks))
    }

    /// What the client asked again and again after `last_answer`. The liveness checks of IKEv1 (RFC 3706) are encrypted anew each time:
    /// there messages of one exchange and one length are the same request.
    fn asked_again_since(&self, last_answer: Mark) -> Option<(&Sent<'a>, Marks)> {
        let after =
            |sent: &Sent<'a>| -> Marks { sent.marks().cited().filter(|mark| mark.time > last_answer.time).collect() };
        let mine = || self.conversation.messages.iter().filter(|sent| sent.from_client);
        let repeated = mine().filter(|sent| sent.marks().count() >= MIN_ATTEMPTS).map(|sent| (sent, after(sent)));
        let checks =
            mine().filter(|sent| sent.message.header.is_v1() && sent.message.header.exchange == INFORMATIONAL_V1);
        let checks = checks.map(|sent| {
            let same = mine().filter(|other| {
                (other.message.header.exchange, other.message.len) == (sent.message.header.exchange, sent.message.len)
            });
            (sent, tcp::merge(same.map(after).collect::<Vec<_>>().iter()))
        });
        repeated
            .chain(checks)
            .filter(|(_, since)| since.count() >= MIN_ATTEMPTS && since.span() >= MIN_SPAN)
            .max_by_key(|(_, since)| since.last())
    }

    /// Data went both ways in step, then only out, and IKE says nothing.
    fn data_lost(&self) -> Option<(Judgement, Speaks)> {
        let back = self.last_back?;
        let (flow, log) = self.conversation.flows.iter().find_map(|flow| {
            let log = esp_log(&flow.flow)?;
            log.from(flow.client_side.other()).any(|spi| spi.packets.last() == Some(back)).then_some((flow, log))
        })?;
        let lost = self.conversation.esp_unanswered();
        let (out, received) = (log.packets_from(flow.client_side), log.packets_from(flow.client_side.other()));
        let answered = out.saturating_sub(lost.count());
        let in_step = received >= 4 && received * 5 >= answered * 4 && answered * 5 >= received * 4;
        let ike_alive = self.conversation.messages.iter().any(|sent| !sent.from_client && sent.is_after(back));
        if lost.count() < DATA_ATTEMPTS || lost.span() < DATA_PATIENCE || !in_step || ike_alive {
            return None;
        }
        let target = self.conversation.target(flow.speaks);
        let judgement = self.conversation.silence("ESP packet", &target, &lost, Cause::PathLost);
        let story = format!(
            "traffic went both ways in step until {}, then {} ESP packets over {} brought nothing back",
            back.time.clock(),
            lost.count(),
            lost.span()
        );
        (judgement.verdict == Verdict::Interrupted).then(|| {
            let judgement = Judgement { story, ..judgement }.citing_one(back, "last ESP of the gateway").at_most(
                Confidence::Medium,
                "no liveness check of IKE tells whether the gateway or an inner host is silent",
            );
            (judgement, flow.speaks)
        })
    }

    /// Whether the tunnel carried nothing back for a while before the capture ends.
    fn is_quiet(&self) -> bool {
        self.last_back.is_some_and(|back| self.conversation.goes_on(back, QUIET))
    }

    /// The last IKEv2 SA that the gateway answered, with its exchanges.
    fn last_v2(&self) -> Option<(&IkeSa<'a>, Vec<Exchange<'a>>)> {
        let sa = self.conversation.sas.iter().rfind(|sa| sa.is_v2() && sa.is_answered())?;
        Some((sa, sa.exchanges()))
    }

    fn last_of_tunnel(&self) -> Marks {
        self.last_back.into_iter().collect()
    }

    fn worked(&self) -> String {
        match self.last_back {
            Some(back) => format!("the tunnel carried traffic both ways until {}; ", back.time.clock()),
            None => "IKE was up; ".to_owned(),
        }
    }
}

/// A client whose packets come from another port or address than those that the gateway still answers to.
struct Moved {
    /// The client's last packet from the old one; none where the capture began later.
    before: Option<Mark>,
    /// Its packets from the new one.
    sent: Marks,
    /// The gateway's packets to the old one since then.
    stale: Marks,
    /// What the NAT says to them.
    refused: Marks,
}

impl Moved {
    fn between(old: &PairFlow<'_>, new: &PairFlow<'_>) -> Option<Moved> {
        let (client, server) = (old.client_side, old.client_side.other());
        let (log, new_log) = (esp_log(&old.flow)?, esp_log(&new.flow)?);
        if new_log.packets_from(new.client_side.other()) > 0 {
            return None;
        }
        let refused: Marks =
            old.flow.icmp().iter().filter(|record| record.side == server).map(|record| record.mark).collect();
        let same_spi = new_log.from(new.client_side).find_map(|spi| {
            let before = log.from(client).find(|known| known.spi == spi.spi)?.packets.last()?;
            (spi.packets.first()? > before).then(|| (Some(before), spi.packets.clone()))
        });
        // Where the change went before the capture, the NAT's refusals tell.
        let begun_later = || {
            let sent = tcp::merge(new_log.from(new.client_side).map(|spi| &spi.packets));
            (log.packets_from(client) == 0 && !refused.is_empty()).then_some((None, sent))
        };
        let (before, sent) = same_spi.or_else(begun_later)?;
        let since = before.and(sent.first());
        let all = &old.flow.udp()?.half(server).packets;
        let stale: Marks = all.cited().filter(|mark| since.is_none_or(|since| *mark > since)).collect();
        (sent.count() >= MIN_ATTEMPTS && !stale.is_empty()).then_some(Moved { before, sent, stale, refused })
    }
}

/// What tells where a flow comes from beside another one: the port, or the address too where that differs.
fn origin(flow: &PairFlow<'_>, beside: &PairFlow<'_>) -> String {
    let (address, port) = flow.flow.endpoints.side(flow.client_side);
    if address == beside.flow.endpoints.side(beside.client_side).0 {
        format!("port {port}")
    } else {
        tcp::socket(address, port)
    }
}
