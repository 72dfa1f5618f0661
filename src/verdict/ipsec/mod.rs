//! The IPsec service as a whole: which of IKE, NAT-T, native ESP and IKE in TCP carried it, or at which step it stopped.
//!
//! A pair's messages and ESP are gathered over all ports ([`conversation`]) and sorted into one ladder per IKE SA ([`sa`]). Where protected
//! traffic went both ways, the question is how it ended ([`ended`]) and what it suffered ([`degraded`]); else it is how far
//! the last attempt came ([`v2`], [`v1`], [`silent`], [`esp`]), and last what each port shows by itself ([`ways`]).

mod conversation;
mod degraded;
mod ended;
mod esp;
mod ladder;
mod moved;
mod sa;
mod silent;
mod sizes;
mod v1;
mod v2;
mod ways;

pub(super) use conversation::{ike_log, is_ipsec};
pub(super) use moved::{addresses, moves};

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::advice::better_capture;
use super::context::Context;
use super::judgement::Judgement;
use super::pair::PairFlow;
use crate::flow::Marks;
use crate::profile::Speaks;
use crate::proto::ike::exchange::v2::CREATE_CHILD_SA;
use crate::proto::ike::payload::kind::v2 as payload;
use crate::report::{Cause, Confidence, Encapsulation, Verdict};
use conversation::{Conversation, Traffic};
use sa::IkeSa;

/// What the transports of one client and gateway amount to, and the pair as a whole.
pub(super) struct Ipsec {
    pub(super) pair: Judgement,
    /// By index into the service's transports.
    pub(super) transports: BTreeMap<usize, Judgement>,
    /// The transport that the pair's judgement is about.
    pub(super) about: Option<usize>,
    pub(super) encapsulation: Option<Encapsulation>,
}

/// How far one attempt came.
struct Outcome {
    judgement: Judgement,
    way: Speaks,
    /// Whether earlier attempts do not matter any more: it failed for certain, or it is up.
    settled: bool,
}

impl Outcome {
    /// How far an SA came that the gateway answered; none where that is nothing yet.
    fn of(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>) -> Option<Self> {
        if sa.is_v2() { v2::outcome(conversation, sa) } else { v1::outcome(conversation, sa) }
    }

    fn settled(judgement: Judgement, way: Speaks) -> Self {
        Outcome { judgement, way, settled: true }
    }

    /// It says little; an earlier attempt may say more.
    fn open(judgement: Judgement, way: Speaks) -> Self {
        Outcome { judgement, way, settled: false }
    }

    /// The same silence under the name that it has at this step, where the gateway answers on the port and ignores this message alone.
    fn ignored_means(self, cause: Cause) -> Self {
        match self.judgement.cause {
            Some(Cause::IkeMessageUnanswered) => Outcome { judgement: silent::reworded(self.judgement, cause), ..self },
            _ => self,
        }
    }

    /// The set-up stops behind an answer of the gateway, and the capture does not show why.
    fn unfinished(conversation: &Conversation<'_, '_>, story: &str, answered: &Marks, way: Speaks) -> Self {
        let end = answered.last().map(|last| conversation.aftermath(last));
        let story = [Some(story.to_owned()), end].into_iter().flatten().collect::<Vec<_>>().join("; ");
        let judgement = Judgement::of(Cause::TunnelIdle, story).citing(answered, "answer of the gateway");
        let remedy =
            format!("capture until the client reports success or failure: {}", better_capture(conversation.client));
        let judgement = judgement.likely("the capture ends, or is cut, before the set-up is complete").remedy(remedy);
        Outcome::open(judgement, way)
    }

    /// IKE is up, and no protected traffic went both ways.
    fn up(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>, way: Speaks) -> Self {
        Outcome::used(conversation, way).unwrap_or_else(|| Outcome::idle(conversation, sa, way))
    }

    /// What ended the tunnel, or protected traffic that went one way.
    fn used(conversation: &Conversation<'_, '_>, way: Speaks) -> Option<Self> {
        if let Some((judgement, way)) = ended::judge(conversation) {
            return Some(Outcome::settled(judgement, way));
        }
        let natively = conversation.esp(Speaks::Esp);
        if !natively.out.is_empty() || !natively.back.is_empty() {
            return Some(Outcome::settled(esp::native(conversation), Speaks::Esp));
        }
        esp::no_return(conversation, way)
    }

    /// IKE is up, and nothing went through the tunnel.
    fn idle(conversation: &Conversation<'_, '_>, sa: &IkeSa<'_>, way: Speaks) -> Self {
        let opening = sa.messages.iter().take(6).filter_map(|sent| sent.marks().first()).collect();
        if let Some(delete) = sa.deleted_by_client() {
            let client = conversation.client;
            let story = format!(
                "{} answers IKE, and {client} deleted the SA itself; no protected traffic is in the capture",
                conversation.target(way)
            );
            let judgement = Judgement::of(Cause::TunnelIdle, story)
                .likely(format!("{client} or its user ended the tunnel before anything used it"))
                .citing(&delete, "INFORMATIONAL request of the client: DELETE")
                .citing(&opening, "IKE");
            return Outcome::settled(judgement, way);
        }
        let story = format!("{} answers IKE, and no protected traffic is in the capture", conversation.target(way));
        Outcome::settled(Judgement::of(Cause::TunnelIdle, story).citing(&opening, "IKE"), way)
    }
}

/// The way that carried protected traffic in both directions, the last one to do so.
struct Carrier {
    traffic: Traffic,
    speaks: Speaks,
}

/// Judges one client and one gateway.
pub(super) fn judge(context: &Context<'_>, client: IpAddr, server: IpAddr, flows: &[PairFlow<'_>]) -> Ipsec {
    let conversation = Conversation::of(context, client, server, flows);
    let mut transports: BTreeMap<usize, Judgement> = BTreeMap::new();
    for flow in flows {
        transports.entry(flow.transport).or_insert_with(|| ways::judge(&conversation, flow.speaks, flow.port));
    }
    let (mut pair, about) = whole(&conversation, &transports);
    // What the pair shows of a transport outweighs what the transport shows by itself.
    if let Some(transport) = about.and_then(|about| transports.get_mut(&about))
        && (pair.verdict.is_bad() || transport.verdict == Verdict::Blocked)
    {
        *transport = pair.clone();
    }
    pair.also = also_seen(&pair, &transports);
    if pair.cause.is_some() {
        pair.sequence = ladder::draw(&conversation, &pair);
    }
    Ipsec { pair, transports, about, encapsulation: encapsulation(&conversation) }
}

/// What other transports suffered from another cause.
pub(super) fn also_seen(pair: &Judgement, transports: &BTreeMap<usize, Judgement>) -> Vec<String> {
    let other = |judgement: &&Judgement| judgement.verdict.is_bad() && judgement.cause != pair.cause;
    transports.values().filter(other).filter_map(Judgement::in_one_line).collect()
}

/// The pair as a whole, and the transport that it is about.
fn whole(conversation: &Conversation<'_, '_>, transports: &BTreeMap<usize, Judgement>) -> (Judgement, Option<usize>) {
    let carrier = [Speaks::NatT, Speaks::Esp, Speaks::IkeTcp]
        .into_iter()
        .map(|speaks| Carrier { traffic: conversation.esp(speaks), speaks })
        .filter(|carrier| carrier.traffic.is_two_way())
        .max_by_key(|carrier| carrier.traffic.back.last());
    if let Some(carrier) = carrier {
        return carried(conversation, &carrier, transports);
    }
    if let Some((judgement, way)) = ways::unasked(conversation) {
        return (judgement, conversation.index_of(way));
    }
    let mut undecided: Option<Outcome> = None;
    for sa in conversation.sas.iter().rev().filter(|sa| sa.is_answered()) {
        let outcome = if sa.shows_set_up() {
            Outcome::of(conversation, sa)
        } else {
            Some(Outcome::up(conversation, sa, sa.messages.last().map_or(Speaks::Ike, |sent| sent.speaks)))
        };
        match outcome {
            Some(outcome) if outcome.settled => {
                return (outcome.judgement, conversation.index_of(outcome.way));
            }
            Some(outcome) => {
                undecided.get_or_insert(outcome);
            }
            None => {}
        }
    }
    let of = |speaks: Speaks| {
        let at = conversation.index_of(speaks)?;
        Some((transports.get(&at)?.clone(), Some(at)))
    };
    // Where TCP was tried last and cannot be judged, the silence of UDP before it is not the end of the story.
    let unread = of(Speaks::IkeTcp).filter(|(judgement, _)| judgement.cause == Some(Cause::SnaplenTooShort));
    if let Some(found) = unread {
        return found;
    }
    let order = [Speaks::Ike, Speaks::NatT, Speaks::Esp, Speaks::IkeTcp];
    let bad = order.into_iter().filter_map(of).find(|(judgement, _)| judgement.verdict.is_bad());
    bad.or_else(|| undecided.map(|outcome| (outcome.judgement, conversation.index_of(outcome.way))))
        .or_else(|| order.into_iter().find_map(of))
        .unwrap_or((Judgement::not_seen(), None))
}

/// Protected traffic went both ways.
fn carried(
    conversation: &Conversation<'_, '_>,
    carrier: &Carrier,
    transports: &BTreeMap<usize, Judgement>,
) -> (Judgement, Option<usize>) {
    let about = conversation.index_of(carrier.speaks);
    if let Some((judgement, way)) = ended::judge(conversation) {
        return (judgement, conversation.index_of(way));
    }
    let broken = about.and_then(|at| transports.get(&at)).filter(|judgement| judgement.verdict == Verdict::Interrupted);
    if let Some(judgement) = broken {
        return (judgement.clone(), about);
    }
    if let Some((judgement, way)) = another_client(conversation) {
        return (judgement, conversation.index_of(way));
    }
    let way = match carrier.speaks {
        Speaks::Esp => "natively",
        Speaks::IkeTcp => "in TCP",
        _ => "in UDP",
    };
    let (out, back) = (carrier.traffic.out.count(), carrier.traffic.back.count());
    let story = format!("the tunnel carries traffic: ESP {way}, {out} out, {back} in{}", history(conversation));
    if let Some(judgement) = degraded::judge(conversation, carrier, &story) {
        return (judgement, about);
    }
    let opening = conversation.messages.iter().take(6).filter_map(|sent| sent.marks().first()).collect();
    let seen = Judgement::seen(story)
        .citing(&opening, "IKE")
        .citing(&carrier.traffic.out, "ESP of the client")
        .citing(&carrier.traffic.back, "ESP of the gateway");
    let set_up = conversation.messages.iter().any(|sent| !sent.from_client);
    (if set_up { seen } else { seen.at_most(Confidence::Medium, "the set-up was not captured") }, about)
}

/// How often the tunnel was set up anew, and how often only its keys were renewed: empty where it was set up once. A rekey names the SA
/// that it renews in a notify before its own SA payload (RFC 7296, 1.3.3); without that it makes another child.
fn history(conversation: &Conversation<'_, '_>) -> String {
    let set_ups = conversation.sas.iter().filter(|sa| sa.is_answered() && sa.begins_here()).count();
    let exchanges = conversation.sas.iter().filter(|sa| sa.is_v2()).flat_map(IkeSa::exchanges);
    let rekeys = exchanges
        .filter(|one| one.kind == CREATE_CHILD_SA && one.asks() == Some(payload::NOTIFY))
        .filter(|one| one.is_answered() && !one.is_answered_by_notify())
        .count();
    let mut words = String::new();
    if set_ups > 1 {
        words.push_str(&format!("; set up {set_ups} times"));
    }
    match rekeys {
        0 => {}
        1 => words.push_str("; rekeyed once"),
        _ => words.push_str(&format!("; rekeyed {rekeys} times")),
    }
    words
}

/// A second client behind the same address, told by its port: it was refused for good while another one's tunnel works.
fn another_client(conversation: &Conversation<'_, '_>) -> Option<(Judgement, Speaks)> {
    let (failed, others): (Vec<_>, Vec<_>) = conversation
        .sas
        .iter()
        .filter(|sa| sa.is_answered() && sa.begins_here())
        .filter_map(|sa| Some((sa, Outcome::of(conversation, sa)?)))
        .partition(|(_, outcome)| outcome.judgement.verdict == Verdict::Failed);
    let working: BTreeSet<u16> = others.iter().flat_map(|(sa, _)| sa.client_ports()).collect();
    if working.is_empty() {
        return None;
    }
    let (_, refused) = failed.into_iter().rfind(|(sa, _)| sa.client_ports().all(|port| !working.contains(&port)))?;
    let story = format!("{}; another client behind the same address has a working tunnel", refused.judgement.story);
    Some((Judgement { story, ..refused.judgement }, refused.way))
}

fn encapsulation(conversation: &Conversation<'_, '_>) -> Option<Encapsulation> {
    [(Speaks::NatT, Encapsulation::Udp), (Speaks::Esp, Encapsulation::Native), (Speaks::IkeTcp, Encapsulation::Tcp)]
        .into_iter()
        .map(|(speaks, encapsulation)| (conversation.esp(speaks), encapsulation))
        .filter(|(traffic, _)| !traffic.out.is_empty() || !traffic.back.is_empty())
        .max_by_key(|(traffic, _)| (traffic.is_two_way(), traffic.out.count() + traffic.back.count()))
        .map(|(_, encapsulation)| encapsulation)
}
