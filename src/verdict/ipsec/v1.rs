//! How far an IKEv1 SA came, and what ended its set-up (RFC 2408, RFC 2409; XAUTH and mode config by their drafts). Nearly all of
//! it is encrypted: who spoke, in which exchange, and who did not, is what tells.

use super::conversation::{Conversation, Sent};
use super::sa::IkeSa;
use super::silent;
use super::{Outcome, sizes};
use crate::flow::{Mark, Marks};
use crate::profile::Speaks;
use crate::proto::ike::exchange::v1::{AGGRESSIVE, INFORMATIONAL, MAIN, QUICK, TRANSACTION};
use crate::proto::ike::payload::kind::v1 as payload;
use crate::proto::ike::{notify, notify_name};
use crate::report::{Cause, Confidence};
use crate::time::Span;
use crate::verdict::judgement::Judgement;
use crate::verdict::silence::MIN_ATTEMPTS;
use crate::verdict::tcp;

/// A client whose XAUTH was accepted goes on at once, in one round trip; this is far beyond any.
const GOES_ON: Span = Span::from_secs(1);

const ENCRYPTED: &str = "all of it is encrypted; who spoke in which exchange, and who did not, tells";

/// What an SA that the gateway answered amounts to; none where that is nothing yet.
pub(super) fn outcome(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>) -> Option<Outcome> {
    let ladder = Ladder { conversation, sa };
    let last_way = sa.messages.last()?.speaks;
    if let Some(judgement) = ladder.refused_in_clear() {
        return Some(Outcome::settled(judgement, sa.messages.iter().find(|sent| !sent.from_client)?.speaks));
    }
    if ladder.any(true, QUICK) || ladder.any(false, QUICK) {
        return Some(ladder.phase_2(last_way));
    }
    if ladder.any(true, TRANSACTION) || ladder.any(false, TRANSACTION) {
        return Some(ladder.login(last_way));
    }
    if ladder.any(true, AGGRESSIVE) { Some(ladder.aggressive(last_way)) } else { ladder.main_mode() }
}

struct Ladder<'l, 'c, 'a> {
    conversation: &'l Conversation<'c, 'a>,
    sa: &'l IkeSa<'a>,
}

impl<'a> Ladder<'_, '_, 'a> {
    fn of(&self, client: bool, exchange: u8) -> impl Iterator<Item = &Sent<'a>> {
        self.sa.from(client).filter(move |sent| sent.message.header.exchange == exchange)
    }

    fn any(&self, client: bool, exchange: u8) -> bool {
        self.of(client, exchange).next().is_some()
    }

    fn marks(&self, client: bool, exchange: u8) -> Marks {
        tcp::merge(self.of(client, exchange).map(Sent::marks))
    }

    /// Informationals that the gateway encrypted, after `mark`.
    fn informed(&self, mark: Mark) -> Marks {
        let encrypted = |sent: &&Sent<'a>| sent.message.header.is_encrypted_v1() && sent.is_after(mark);
        tcp::merge(self.of(false, INFORMATIONAL).filter(encrypted).map(Sent::marks))
    }

    fn refused_in_clear(&self) -> Option<Judgement> {
        let server = self.conversation.server;
        let informational = self.of(false, INFORMATIONAL);
        let (refusal, kind) = informational.filter_map(|sent| Some((sent, sent.error()?))).last()?;
        let later = self.sa.from(false).any(|sent| {
            refusal.marks().last().is_some_and(|last| sent.is_after(last))
                && sent.message.header.exchange != INFORMATIONAL
        });
        let cause = match kind {
            notify::v1::NO_PROPOSAL_CHOSEN => Cause::IkeNoProposalChosen,
            notify::v1::INVALID_MAJOR_VERSION => Cause::IkeVersionMismatch,
            notify::v1::PAYLOAD_MALFORMED | notify::v1::AUTHENTICATION_FAILED => Cause::Ikev1PskMismatch,
            // State that the gateway lost is no refusal of a set-up.
            notify::v1::INVALID_COOKIE | notify::v1::INVALID_SPI => return None,
            _ => Cause::Ikev1Phase1Stalled,
        };
        if later || self.any(false, QUICK) {
            return None;
        }
        let name = notify_name(refusal.message.header.version, kind);
        let offered = self.sa.from(true).find_map(|sent| sent.message.clear.proposal.clone());
        let words = match (cause, offered) {
            (Cause::IkeNoProposalChosen, Some(words)) => format!("; the client offered {words}"),
            _ => String::new(),
        };
        Some(
            Judgement::of(cause, format!("{server} refused phase 1 with {name}{words}"))
                .by(Some(server))
                .citing(refusal.marks(), &format!("informational: {name}"))
                .citing(&self.set_up(), "phase 1 message of the client"),
        )
    }

    /// Phase 1 as far as the client sent it.
    fn set_up(&self) -> Marks {
        let phase_1 = |sent: &&Sent<'a>| matches!(sent.message.header.exchange, MAIN | AGGRESSIVE);
        tcp::merge(self.sa.from(true).filter(phase_1).map(Sent::marks))
    }

    /// Main mode: three messages each way, the last two encrypted and perhaps on another port.
    fn main_mode(&self) -> Option<Outcome> {
        let server = self.conversation.server;
        // By the first payload, which even a capture of the headers alone shows: SA in the first two messages, key exchange in the next.
        let step = |sent: &Sent<'a>| match sent.message.header.next_payload {
            _ if sent.message.header.is_encrypted_v1() => 3,
            payload::FRAGMENT => 3,
            payload::SA => 1,
            _ => 2,
        };
        let reached = |client: bool| self.of(client, MAIN).map(step).max().unwrap_or(0);
        let last: Vec<Sent<'a>> = self.of(true, MAIN).filter(|sent| step(sent) == reached(true)).copied().collect();
        let way = last.last()?.speaks;
        let sent = tcp::merge(last.iter().take(1).map(Sent::marks));
        if reached(false) >= reached(true) {
            let answers: Vec<Sent<'a>> =
                self.of(false, MAIN).filter(|sent| step(sent) == reached(true)).copied().collect();
            let answered = tcp::merge(answers.iter().take(1).map(Sent::marks));
            if let Some(judgement) = silent::not_accepted(self.conversation, &last, &answers, &sent, &answered) {
                return Some(Outcome::settled(judgement, way));
            }
            return Some(Outcome::used(self.conversation, way).unwrap_or_else(|| {
                let story = match 2 * reached(true) {
                    6 => format!("phase 1 with {server} is complete, and the client did not go on to phase 2"),
                    number => format!("{server} sent message {number} of main mode, and the client did not go on"),
                };
                let last = answers.iter().filter_map(|sent| sent.marks().last()).max();
                Outcome::unfinished(self.conversation, &story, &last.into_iter().collect(), way)
            }));
        }
        let number = 2 * reached(true) - 1;
        let label = format!("message {number} of main mode");
        let unanswered = || silent::unanswered(self.conversation, &label, &last, &sent, way);
        if number < 5 {
            return Some(unanswered().ignored_means(Cause::Ikev1Phase1Stalled));
        }
        let informed = self.informed(sent.first()?);
        if !informed.is_empty() {
            let story = format!(
                "{server} answered the client's authentication with an encrypted informational each time: it cannot read it"
            );
            let judgement = Judgement::of(Cause::Ikev1PskMismatch, story)
                .by(Some(server))
                .citing(&sent, "message 5 of main mode")
                .citing(&informed, "informational of the gateway, encrypted")
                .at_most(Confidence::Medium, ENCRYPTED);
            return Some(Outcome::settled(judgement, way));
        }
        // Small, and on a port where the gateway answered: it read the message, or tried to.
        Some(unanswered().ignored_means(Cause::Ikev1PskMismatch))
    }

    /// Aggressive mode: the gateway authenticates itself in message 2, the client in message 3.
    fn aggressive(&self, way: Speaks) -> Outcome {
        let (client, server) = (self.conversation.client, self.conversation.server);
        let second = self.marks(false, AGGRESSIVE);
        let is_third = |sent: &&Sent<'a>| sent.message.header.is_encrypted_v1();
        let third: Vec<Sent<'a>> = self.of(true, AGGRESSIVE).filter(is_third).copied().collect();
        let after_second = |sent: &&Sent<'a>| second.first().is_some_and(|second| sent.is_after(second));
        let refused = tcp::merge(self.of(true, INFORMATIONAL).filter(after_second).map(Sent::marks));
        if third.is_empty() && (!refused.is_empty() || second.count() >= MIN_ATTEMPTS) {
            let how = if refused.is_empty() {
                "never went on"
            } else {
                "answered with an encrypted informational instead of going on"
            };
            let story = format!(
                "{server} authenticated itself in message 2 of aggressive mode and {client} {how}: it could not verify it"
            );
            let judgement = Judgement::of(Cause::Ikev1PskMismatch, story)
                .citing(&second, "message 2 of aggressive mode")
                .citing(&refused, "informational of the client, encrypted")
                .at_most(Confidence::Medium, ENCRYPTED);
            return Outcome::settled(judgement, way);
        }
        let sent = tcp::merge(third.iter().take(1).map(Sent::marks));
        let third_way = third.last().map_or(way, |sent| sent.speaks);
        // The gateway repeats message 2 until it has message 3.
        let repeated = sent.first().is_some_and(|third| second.cited().filter(|mark| *mark > third).count() >= 2);
        if repeated && sent.count() >= MIN_ATTEMPTS {
            return silent::unanswered(self.conversation, "message 3 of aggressive mode", &third, &sent, third_way);
        }
        Outcome::used(self.conversation, third_way).unwrap_or_else(|| {
            let story = if third.is_empty() {
                format!("{server} sent message 2 of aggressive mode, and the client did not go on")
            } else {
                format!("phase 1 with {server} is complete, and the client did not go on to phase 2")
            };
            Outcome::unfinished(self.conversation, &story, &second, third_way)
        })
    }

    /// XAUTH and mode config, without quick mode.
    fn login(&self, way: Speaks) -> Outcome {
        let server = self.conversation.server;
        let asked = self.started_by(false);
        let pairs = asked.iter().filter(|id| self.has_both(**id)).count();
        let last = self.sa.last();
        let silence = last.is_some_and(|last| self.conversation.goes_on(last, GOES_ON));
        let all = tcp::merge([self.marks(false, TRANSACTION), self.marks(true, TRANSACTION)].iter());
        let closed = all.last().map(|last| self.informed(last)).unwrap_or_default();
        if self.started_by(true).is_empty() && (pairs >= 2 && silence || pairs >= 1 && !closed.is_empty()) {
            let story = format!(
                "{server} asked for the user's login (XAUTH) and gave its result, and the client did not go on to mode config or phase 2"
            );
            let judgement = Judgement::of(Cause::Ikev1XauthFailed, story)
                .by(Some(server))
                .citing(&all, "transaction (XAUTH)")
                .citing(&closed, "informational of the gateway, encrypted")
                .at_most(Confidence::Medium, ENCRYPTED);
            return Outcome::settled(judgement, way);
        }
        let waiting = self.of(true, TRANSACTION).find(|sent| !self.has_both(sent.message.header.message_id)).copied();
        if let Some(request) = waiting.filter(|request| request.marks().count() >= MIN_ATTEMPTS) {
            return silent::unanswered(
                self.conversation,
                "transaction request",
                &[request],
                request.marks(),
                request.speaks,
            );
        }
        let story = format!("phase 1 with {server} is up and the user's login is under way");
        Outcome::unfinished(self.conversation, &story, &all, way)
    }

    /// Quick mode, three messages of which the gateway sends the second.
    fn phase_2(&self, way: Speaks) -> Outcome {
        let server = self.conversation.server;
        let Some(first) = self.of(true, QUICK).next().copied() else {
            return Outcome::up(self.conversation, self.sa, way);
        };
        if self.any(false, QUICK) {
            return self.message_3_ignored(way).unwrap_or_else(|| Outcome::up(self.conversation, self.sa, way));
        }
        let sent = self.marks(true, QUICK);
        let Some(began) = first.marks().first() else { return Outcome::up(self.conversation, self.sa, way) };
        let refusals = self.informed(began);
        if let Some(judgement) = self.no_address(began, &refusals) {
            return Outcome::settled(judgement, way);
        }
        if !refusals.is_empty() {
            let story = format!(
                "{server} answered quick mode with an encrypted informational instead of its second message: phase 2 was refused"
            );
            let judgement = Judgement::of(Cause::Ikev1Phase2Unanswered, story)
                .by(Some(server))
                .citing(&sent, "quick mode message 1")
                .citing(&refusals, "informational of the gateway, encrypted")
                .at_most(Confidence::Medium, ENCRYPTED);
            return Outcome::settled(judgement, way);
        }
        silent::unanswered(self.conversation, "quick mode message 1", &[first], first.marks(), first.speaks)
            .ignored_means(Cause::Ikev1Phase2Unanswered)
    }

    /// The gateway sends message 2 of quick mode again after the client's message 3: it has no IPsec SA before it has that one (RFC 2409, 5.5).
    fn message_3_ignored(&self, way: Speaks) -> Option<Outcome> {
        let server = self.conversation.server;
        let second = self.of(false, QUICK).last()?;
        let id = second.message.header.message_id;
        let answered = second.marks().first()?;
        let is_third = |sent: &&Sent<'a>| sent.message.header.message_id == id && sent.is_after(answered);
        let third = tcp::merge(self.of(true, QUICK).filter(is_third).map(Sent::marks));
        let began = third.first()?;
        let again: Marks = second.marks().cited().filter(|mark| *mark > began).collect();
        // One may have crossed message 3 on the way.
        if again.count() < 2 || third.count() < MIN_ATTEMPTS || self.conversation.last_esp_back().is_some() {
            return None;
        }
        let story = format!(
            "{server} sent message 2 of quick mode again {} times after the client's message 3, which was sent {} times: it has no \
             IPsec SA, because message 3 does not reach it or is not accepted",
            again.count(),
            third.count()
        );
        let judgement = Judgement::of(Cause::Ikev1Phase2Unanswered, story)
            .citing(&third, "quick mode message 3")
            .citing(second.marks(), "quick mode message 2")
            .citing(&self.informed(began), "informational of the gateway, encrypted")
            .citing(&self.conversation.esp(way).out, "ESP of the client")
            .likely("a filter between the two drops message 3, or the gateway cannot verify it")
            .remedy(format!(
                "see whether message 3 arrives: diagnose sniffer packet any 'host {} and (port 500 or port 4500)' 4 0 l; then \
                 diagnose debug application ike -1; diagnose debug enable",
                self.conversation.client
            ))
            .at_most(Confidence::Medium, "whether message 3 was lost or not accepted cannot be told from here");
        Some(Outcome::settled(judgement, way))
    }

    /// A mode-config reply that is too short for an address, before phase 2 was refused.
    fn no_address(&self, quick_mode: Mark, refusals: &Marks) -> Option<Judgement> {
        let suite = self.sa.suite()?;
        let asked = self.started_by(true);
        let reply = self
            .of(false, TRANSACTION)
            .filter(|sent| asked.contains(&sent.message.header.message_id) && !sent.is_after(quick_mode))
            .last()?;
        let least = sizes::least_address_reply(&suite)?;
        if refusals.is_empty() || reply.message.len as usize >= least {
            return None;
        }
        let server = self.conversation.server;
        let story = format!(
            "{server} answered mode config with {} bytes, too few for an address (at least {least} here), and then refused phase 2",
            reply.message.len
        );
        Some(
            Judgement::of(Cause::IkeNoAddress, story)
                .by(Some(server))
                .citing(reply.marks(), "mode config reply without an address")
                .citing(refusals, "informational of the gateway, encrypted")
                .at_most(Confidence::Medium, "computed from the negotiated algorithms; the reply is encrypted"),
        )
    }

    /// Message ids of transactions that one end began.
    fn started_by(&self, client: bool) -> Vec<u32> {
        let mut seen: Vec<u32> = Vec::new();
        let mut started = Vec::new();
        for sent in self.sa.messages.iter().filter(|sent| sent.message.header.exchange == TRANSACTION) {
            let id = sent.message.header.message_id;
            if !seen.contains(&id) {
                seen.push(id);
                if sent.from_client == client {
                    started.push(id);
                }
            }
        }
        started
    }

    fn has_both(&self, id: u32) -> bool {
        [true, false]
            .iter()
            .all(|client| self.of(*client, TRANSACTION).any(|sent| sent.message.header.message_id == id))
    }
}
