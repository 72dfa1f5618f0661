//! How far an IKEv2 SA came, and what ended its set-up (RFC 7296). What is encrypted is judged by exchange, message id, the kind of
//! the first payload, which stands in clear, and size.

use super::conversation::{Conversation, Sent};
use super::sa::{Exchange, IkeSa};
use super::silent;
use super::{Outcome, sizes};
use crate::flow::Marks;
use crate::profile::Speaks;
use crate::proto::ike::exchange::v2::{CREATE_CHILD_SA, IKE_AUTH, IKE_SA_INIT, INFORMATIONAL};
use crate::proto::ike::payload::kind::v2 as payload;
use crate::proto::ike::{Suite, group_name, notify, notify_name};
use crate::report::{Cause, Confidence};
use crate::time::Span;
use crate::verdict::judgement::Judgement;
use crate::verdict::tcp;

/// A client that refuses the gateway does so at once (measured: 5 ms); this allows for a slow certificate check.
const REFUSAL: Span = Span::from_secs(10);

/// A client that is asked for EAP answers with its identity at once, by itself (RFC 3748, 5.1); one that is silent for longer was not asked.
const EAP_BEGINS: Span = Span::from_secs(3);

/// A gateway that asks again for the cookie which it was just given: twice may be a change of its secret, three times is a loop.
const COOKIE_ROUNDS: usize = 3;

/// A client that was asked for another group brings it at once (RFC 7296, 1.2); one that has not by now will not.
const RETRY: Span = Span::from_secs(3);

/// What an SA that the gateway answered amounts to; none where that is nothing yet.
pub(super) fn outcome(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>) -> Option<Outcome> {
    if let Some(judgement) = refused_in_clear(conversation, sa).or_else(|| cookie_loop(conversation, sa)) {
        return Some(Outcome::settled(judgement, sa.messages.last()?.speaks));
    }
    let exchanges = sa.exchanges();
    let set_up: Vec<&Exchange<'_>> = exchanges
        .iter()
        .filter(|exchange| exchange.by_client && exchange.kind != INFORMATIONAL && exchange.kind != CREATE_CHILD_SA)
        .collect();
    let last = set_up.last()?;
    let way = last.way()?;
    if !last.is_answered() || last.awaits_another_round() {
        return Some(silent::unanswered(conversation, &last.label(), &last.requests, &last.sent(), way));
    }
    if let Some(judgement) =
        silent::not_accepted(conversation, &last.requests, &last.responses, &last.sent(), &last.answered())
    {
        return Some(Outcome::settled(judgement, way));
    }
    if last.kind == IKE_AUTH {
        return Some(authentication(conversation, sa, &exchanges, last, way));
    }
    let target = conversation.target(way);
    let story = format!("{target} answered {}, and the client did not go on", last.label());
    Some(Outcome::unfinished(conversation, &story, &last.answered(), way))
}

/// IKE_AUTH was answered: accepted, refused, or with another round of EAP.
fn authentication(
    conversation: &Conversation<'_, '_>,
    sa: &IkeSa<'_>,
    exchanges: &[Exchange<'_>],
    last: &Exchange<'_>,
    way: Speaks,
) -> Outcome {
    let server = conversation.server;
    let Some(first_payload) = last.answers() else {
        let story = format!("the answer of {server} to {} was captured too short to tell what it is", last.label());
        let judgement = Judgement::of(Cause::SnaplenTooShort, story).citing(&last.answered(), "answer, cut");
        return Outcome::open(judgement, way);
    };
    let login = Login::of(conversation, sa, exchanges, last);
    let refused = login
        .refused()
        .or_else(|| broken_off_by_client(conversation, exchanges, last, login.after_eap(), first_payload));
    if let Some(judgement) = refused {
        let judgement =
            judgement.citing(&login.rounds, "IKE_AUTH request: EAP").citing(&opening(exchanges), "IKE_AUTH");
        return Outcome::settled(judgement, way);
    }
    let waits = match first_payload {
        payload::EAP => Some("its last EAP message was not answered"),
        // The gateway's own authentication, before EAP begins.
        payload::ID_R if login.after_eap() => Some("it authenticated itself, and the client did not go on"),
        _ => None,
    };
    if let Some(what) = waits {
        let story = format!("{server} waits for the user's login: {what}");
        return Outcome::unfinished(conversation, &story, &last.answered(), way);
    }
    login.child_refused(way).unwrap_or_else(|| Outcome::up(conversation, sa, way))
}

/// The answer to the last IKE_AUTH, and what may stand in it.
struct Login<'l, 'c, 'a> {
    conversation: &'l Conversation<'c, 'a>,
    exchanges: &'l [Exchange<'a>],
    last: &'l Exchange<'a>,
    /// The client's EAP messages.
    rounds: Marks,
    suite: Option<Suite>,
    /// The most bytes of payloads that the answer may hold.
    content: Option<usize>,
}

impl<'l, 'c, 'a> Login<'l, 'c, 'a> {
    fn of(
        conversation: &'l Conversation<'c, 'a>,
        sa: &IkeSa<'a>,
        exchanges: &'l [Exchange<'a>],
        last: &'l Exchange<'a>,
    ) -> Self {
        let is_round = |exchange: &&Exchange<'a>| {
            exchange.by_client && exchange.kind == IKE_AUTH && exchange.asks() == Some(payload::EAP)
        };
        let rounds = exchanges.iter().filter(is_round).filter_map(Exchange::began).collect();
        let suite = sa.suite();
        let content = suite.and_then(|suite| last.answer_content(&suite));
        Login { conversation, exchanges, last, rounds, suite, content }
    }

    fn after_eap(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Whether the answer is too small for a child; none where its size does not tell.
    fn lacks_child(&self) -> Option<bool> {
        sizes::lacks_child(self.content?, &self.suite?, self.after_eap())
    }

    /// An error in place of the gateway's authentication.
    fn refused(&self) -> Option<Judgement> {
        if !self.last.is_answered_by_notify() || self.lacks_child() == Some(false) {
            return None;
        }
        let server = self.conversation.server;
        let (cause, what) = if self.after_eap() {
            (Cause::IkeEapFailed, format!("after {} rounds of EAP ", self.rounds.count()))
        } else {
            (Cause::IkeAuthRefused, String::new())
        };
        let (label, size) = (self.last.label(), answer_len(self.last));
        Some(
            Judgement::of(cause, format!("{server} {what}answered {label} with an encrypted error of {size} bytes"))
                .by(Some(server))
                .citing(&self.last.answered(), "IKE_AUTH response: error, encrypted")
                .citing(&self.last.sent(), &label)
                .at_most(
                    Confidence::Medium,
                    "the reason is encrypted; that it is a refusal shows in the kind of its first payload, which is in clear, and in its size",
                ),
        )
    }

    /// The gateway accepted the login, and its answer has no room for a tunnel.
    fn child_refused(&self, way: Speaks) -> Option<Outcome> {
        let has_child = self.exchanges.iter().any(|one| one.kind == CREATE_CHILD_SA && !one.is_answered_by_notify());
        if self.lacks_child() != Some(true) || has_child || self.conversation.last_esp_back().is_some() {
            return None;
        }
        let (server, size) = (self.conversation.server, answer_len(self.last));
        let went_on = self.exchanges.iter().any(|one| one.began() > self.last.began());
        let stays_silent = self.last.answered_at().is_some_and(|at| self.conversation.goes_on(at, EAP_BEGINS));
        if !self.after_eap() && !went_on && !stays_silent {
            // A gateway that has a shared key of its own and wants EAP of the user answers with as little.
            let story = format!(
                "{server} authenticated itself with {size} bytes, too few for a tunnel: it refused one, or waits for the user's login"
            );
            return Some(Outcome::unfinished(self.conversation, &story, &self.last.answered(), way));
        }
        let no_address = self.after_eap()
            && self.content.zip(self.suite).and_then(|(content, suite)| sizes::lacks_address(content, &suite))
                == Some(true);
        let (cause, what) = if no_address {
            (Cause::IkeNoAddress, "an address for the tunnel")
        } else {
            (Cause::IkeChildRefused, "a child SA")
        };
        let story = format!(
            "{server} accepted the login, but its answer of {size} bytes is too small to hold {what}: IKE is up, the tunnel was refused"
        );
        let judgement = Judgement::of(cause, story)
            .by(Some(server))
            .citing(&self.last.answered(), "IKE_AUTH response: accepted, without a child")
            .citing(&self.last.sent(), &self.last.label())
            .at_most(
                Confidence::Medium,
                "computed from the negotiated algorithms: the answer is encrypted and does not say why",
            );
        Some(Outcome::settled(judgement, way))
    }
}

/// The client's own encrypted error right after the gateway's authentication: a first payload of kind notify where a good-order
/// close has delete.
fn broken_off_by_client(
    conversation: &Conversation<'_, '_>,
    exchanges: &[Exchange<'_>],
    last: &Exchange<'_>,
    after_eap: bool,
    first_payload: u8,
) -> Option<Judgement> {
    let answered = last.answered_at()?;
    let broken = exchanges.iter().find(|exchange| {
        exchange.by_client && exchange.kind == INFORMATIONAL && exchange.began().is_some_and(|began| began > answered)
    })?;
    let at = broken.began()?;
    let kind = broken.asks()?;
    let in_eap = after_eap && first_payload == payload::EAP;
    if at.time - answered.time > REFUSAL || !(kind == payload::NOTIFY || in_eap && kind == payload::DELETE) {
        return None;
    }
    let (client, server) = (conversation.client, conversation.server);
    let (cause, story) = if in_eap {
        (
            Cause::IkeEapFailed,
            format!("EAP with {server} ended without success: {client} broke off after the gateway's last EAP message"),
        )
    } else {
        (
            Cause::IkeAuthRejectedByClient,
            format!(
                "{server} authenticated itself, and {client} broke off at once with an encrypted error: it did not accept the gateway"
            ),
        )
    };
    Some(
        Judgement::of(cause, story)
            .citing(&broken.sent(), "INFORMATIONAL request of the client: error, encrypted")
            .citing(&last.answered(), "IKE_AUTH response")
            .citing(&last.sent(), &last.label())
            .at_most(Confidence::Medium, "the client's error is encrypted; its kind is in clear"),
    )
}

/// A refusal of the first exchange, which anyone can read, and which the client did not overcome.
fn refused_in_clear(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>) -> Option<Judgement> {
    // A gateway that speaks only IKEv1 answers with an informational of that version.
    let answers = || {
        sa.from(false).filter(|sent| {
            let header = &sent.message.header;
            header.is_v1() || matches!(header.exchange, IKE_SA_INIT | INFORMATIONAL) && sent.inner().is_none()
        })
    };
    let (refusal, kind) = answers().filter_map(|sent| Some((sent, sent.error()?))).last()?;
    // A group or a cookie that the client then sent, and that was accepted, made the refusal one step of many.
    let overcome = answers().any(|sent| sent.message.clear.ke_group.is_some() || sent.message.clear.suite.is_some())
        || sa
            .from(false)
            .any(|sent| sent.message.header.exchange != IKE_SA_INIT && sent.message.clear.first_inner.is_some());
    if overcome {
        return None;
    }
    if kind == notify::v2::INVALID_KE_PAYLOAD && may_bring_the_group(conversation, sa, refusal) {
        return None;
    }
    let server = conversation.server;
    let refusals = tcp::merge(answers().filter(|sent| sent.message.clear.notifies.contains(&kind)).map(Sent::marks));
    let name = notify_name(refusal.message.header.version, kind);
    let offered = sa.from(true).find_map(|sent| sent.message.clear.proposal.clone());
    let (cause, story) = match kind {
        notify::v2::INVALID_KE_PAYLOAD => {
            let wanted = refusal.message.clear.wanted_group;
            let named = |group: Option<u16>| group.map_or_else(String::new, |group| format!(" {}", group_name(group)));
            let mut tried = sa.from(true).filter_map(|sent| sent.message.clear.ke_group);
            let first = tried.next();
            let end = if tried.any(|group| Some(group) == wanted) {
                "refused it again when the client brought it"
            } else {
                "the client never brought it"
            };
            (
                Cause::IkeInvalidKe,
                format!(
                    "{server} refused the client's Diffie-Hellman group{}, asked for another{}, and {end}",
                    named(first),
                    named(wanted)
                ),
            )
        }
        notify::v2::INVALID_MAJOR_VERSION => {
            (Cause::IkeVersionMismatch, format!("{server} answered IKEv2 with {name}"))
        }
        notify::v2::AUTHENTICATION_FAILED => {
            (Cause::IkeAuthRefused, format!("{server} answered the first message with {name}"))
        }
        _ => {
            let words = offered.map_or_else(String::new, |words| format!("; the client offered {words}"));
            (Cause::IkeNoProposalChosen, format!("{server} answered the first message with {name}{words}"))
        }
    };
    let judgement = Judgement::of(cause, story)
        .by(Some(server))
        .citing(&refusals, &format!("{}: {name}", refusal.label()))
        .citing(&first_requests(sa), "IKE_SA_INIT request");
    Some(match kind {
        notify::v2::NO_PROPOSAL_CHOSEN
        | notify::v2::INVALID_KE_PAYLOAD
        | notify::v2::INVALID_MAJOR_VERSION
        | notify::v2::AUTHENTICATION_FAILED => judgement,
        _ => judgement.at_most(Confidence::Low, "the gateway's error has no code of its own; this is the nearest"),
    })
}

/// Whether the client's next request, with the group that it was asked for, is under way or may still come.
fn may_bring_the_group(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>, refusal: &Sent<'_>) -> bool {
    let Some(refused) = refusal.marks().last() else { return false };
    let brought = sa.from(true).filter(|sent| sent.message.clear.ke_group.is_some()).count() > 1;
    sa.from(true).any(|sent| sent.is_after(refused)) || !brought && !conversation.goes_on(refused, RETRY)
}

/// The gateway asks for a cookie again and again, although it gets it.
fn cookie_loop(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>) -> Option<Judgement> {
    let is_first = |sent: &&Sent<'_>| sent.message.header.exchange == IKE_SA_INIT;
    let challenges: Vec<&Sent<'_>> = sa.from(false).filter(is_first).filter(|sent| sent.message.clear.cookie).collect();
    let brought = sa.from(true).filter(is_first).filter(|sent| sent.message.clear.cookie).count();
    let accepted =
        sa.from(false).any(|sent| sent.message.clear.suite.is_some() || sent.message.clear.first_inner.is_some());
    if accepted || challenges.len() < COOKIE_ROUNDS || brought + 1 < COOKIE_ROUNDS {
        return None;
    }
    let asked: Marks = challenges.iter().filter_map(|sent| sent.marks().first()).collect();
    let server = conversation.server;
    let story = format!(
        "{server} asked for a cookie {} times and never accepted the one that the client brought",
        challenges.len()
    );
    Some(
        Judgement::of(Cause::IkeCookieLoop, story)
            .by(Some(server))
            .citing(&asked, "IKE_SA_INIT response: COOKIE")
            .citing(&first_requests(sa), "IKE_SA_INIT request"),
    )
}

fn first_requests(sa: &IkeSa<'_>) -> Marks {
    sa.from(true)
        .filter(|sent| sent.message.header.exchange == IKE_SA_INIT)
        .filter_map(|sent| sent.marks().first())
        .collect()
}

/// The first IKE_AUTH exchange.
fn opening(exchanges: &[Exchange<'_>]) -> Marks {
    exchanges
        .iter()
        .filter(|exchange| exchange.kind == IKE_AUTH)
        .take(1)
        .flat_map(|exchange| [exchange.began(), exchange.answered_at()])
        .flatten()
        .collect()
}

fn answer_len(exchange: &Exchange<'_>) -> u32 {
    exchange.responses.iter().map(|sent| sent.message.len).sum()
}
