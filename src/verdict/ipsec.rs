//! The IPsec service as a whole: which of IKE, NAT-T, native ESP and IKE in TCP carried it, or which of them stops.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::context::Context;
use super::icmp;
use super::judgement::Judgement;
use super::pair::PairFlow;
use super::silence::{self, MIN_ATTEMPTS, MIN_SPAN, Unanswered};
use super::tcp;
use crate::decode::Side;
use crate::flow::{EspLog, FlowView, IkeLog, IkeMessage, Mark, Marks};
use crate::profile::Speaks;
use crate::proto::ike::payload::kind;
use crate::proto::ike::{exchange, exchange_name, notify};
use crate::report::{Cause, Confidence, Encapsulation, Verdict};
use crate::time::Span;

/// A message of this many bytes does not pass a path that only takes small packets: with IP, UDP and encapsulation it exceeds
/// the least MTU of IPv6 (1,280).
const LARGE: u32 = 1_200;

/// Native ESP must have gone unanswered for this long: less is a slow inner host.
const ESP_PATIENCE: Span = Span::from_secs(10);

/// What the transports of one client and gateway amount to, and the pair as a whole.
pub(super) struct Ipsec {
    pub(super) pair: Judgement,
    /// By the way of travelling.
    pub(super) transports: BTreeMap<usize, Judgement>,
    /// The transport that the pair's judgement is about.
    pub(super) about: Option<usize>,
    pub(super) encapsulation: Option<Encapsulation>,
}

/// One client's IKE and ESP with one gateway.
struct Conversation<'c, 'a> {
    context: &'c Context<'a>,
    client: IpAddr,
    server: IpAddr,
    flows: &'c [PairFlow<'a>],
    /// Every IKE message, in order of its first sending.
    messages: Vec<Message<'a>>,
}

#[derive(Clone, Copy)]
struct Message<'a> {
    message: &'a IkeMessage,
    from_client: bool,
    speaks: Speaks,
}

/// Packets each way, the client's first.
struct Traffic {
    out: Marks,
    back: Marks,
}

impl Traffic {
    fn is_two_way(&self) -> bool {
        !self.out.is_empty() && !self.back.is_empty()
    }
}

/// Judges one client and one gateway.
pub(super) fn judge(context: &Context<'_>, client: IpAddr, server: IpAddr, flows: &[PairFlow<'_>]) -> Ipsec {
    let conversation = Conversation::of(context, client, server, flows);
    let native = conversation.esp(Speaks::Esp);
    let in_udp = conversation.esp(Speaks::NatT);
    let in_tcp = conversation.esp(Speaks::IkeTcp);
    let encapsulation =
        [(&in_udp, Encapsulation::Udp), (&native, Encapsulation::Native), (&in_tcp, Encapsulation::Tcp)]
            .into_iter()
            .filter(|(traffic, _)| !traffic.out.is_empty() || !traffic.back.is_empty())
            .max_by_key(|(traffic, _)| (traffic.is_two_way(), traffic.out.count() + traffic.back.count()))
            .map(|(_, encapsulation)| encapsulation);
    let mut transports: BTreeMap<usize, Judgement> = BTreeMap::new();
    for pair_flow in flows {
        transports
            .entry(pair_flow.transport)
            .or_insert_with(|| conversation.transport(pair_flow.speaks, pair_flow.port));
    }
    let (pair, about) = conversation.whole(&native, &in_udp, &in_tcp, &transports);
    // What the pair as a whole shows of a transport outweighs what the transport shows by itself.
    if let Some(transport) = about.and_then(|about| transports.get_mut(&about))
        && (transport.verdict == Verdict::Blocked && pair.verdict != Verdict::Blocked)
    {
        *transport = pair.clone();
    }
    Ipsec { pair, transports, about, encapsulation }
}

impl<'c, 'a> Conversation<'c, 'a> {
    fn of(context: &'c Context<'a>, client: IpAddr, server: IpAddr, flows: &'c [PairFlow<'a>]) -> Self {
        let mut messages: Vec<Message<'a>> = flows
            .iter()
            .flat_map(|pair_flow| {
                let log = ike_log(&pair_flow.flow);
                let (client, speaks) = (pair_flow.client_side, pair_flow.speaks);
                log.into_iter().flat_map(IkeLog::messages).map(move |message| Message {
                    message,
                    from_client: message.side == client,
                    speaks,
                })
            })
            .collect();
        messages.sort_by_key(|message| message.message.sent.first());
        Conversation { context, client, server, flows, messages }
    }

    fn esp(&self, speaks: Speaks) -> Traffic {
        let of = |wanted: fn(Side) -> Side| {
            let spis = self.flows.iter().filter(|flow| flow.speaks == speaks).flat_map(|flow| {
                esp_log(&flow.flow)
                    .into_iter()
                    .flat_map(EspLog::spis)
                    .filter(move |spi| spi.side == wanted(flow.client_side))
            });
            tcp::merge(spis.map(|spi| &spi.packets))
        };
        Traffic { out: of(|client| client), back: of(Side::other) }
    }

    /// Frames of the gateway on a way of travelling.
    fn answers(&self, speaks: Speaks) -> Marks {
        let ike = self.messages.iter().filter(|message| !message.from_client && message.speaks == speaks);
        let mut all = tcp::merge(ike.map(|message| &message.message.sent));
        all.extend(&self.esp(speaks).back);
        all
    }

    /// What one way of travelling shows by itself.
    fn transport(&self, speaks: Speaks, port: u16) -> Judgement {
        let answers = self.answers(speaks);
        let target = self.target(speaks, port);
        let flows: Vec<FlowView<'a>> =
            self.flows.iter().filter(|flow| flow.speaks == speaks).map(|flow| flow.flow).collect();
        if speaks == Speaks::IkeTcp {
            let reached = tcp::judge(self.context, &flows, port);
            return if answers.is_empty() && reached.verdict.works() {
                Judgement::of(Cause::WrongService, format!("{target} answers with something that is not IKE"))
                    .at_most(Confidence::Medium, "the answer was not recognised")
                    .citing_one(
                        flows.first().map_or(Mark { frame: 0, time: self.context.horizon() }, FlowView::first),
                        "first packet",
                    )
            } else {
                reached
            };
        }
        if speaks == Speaks::Esp {
            return self.native_esp(&flows, &target);
        }
        let sent = self.sent_by_client(speaks);
        let esp = self.esp(speaks);
        if !answers.is_empty() {
            return Judgement::seen(format!("{target} answered"))
                .citing(&answers, "packet of the gateway")
                .citing(&sent, "packet of the client");
        }
        if let Some(judgement) = icmp::judge(&flows, &target) {
            return judgement;
        }
        if let Some((request, marks)) = self.most_repeated(speaks) {
            let cause = if speaks == Speaks::NatT && self.answered_elsewhere(speaks) {
                Cause::NatTNoReply
            } else {
                Cause::IkeNoReply
            };
            return self.unanswered(&request, &target, &marks, cause);
        }
        if !esp.out.is_empty() {
            let story =
                format!("ESP goes out to {target} and none comes back; IKE between the two is not in the capture");
            return Judgement::of(Cause::StartedMidFlow, story).citing(&esp.out, "ESP of the client");
        }
        let keepalives = tcp::merge(
            self.flows
                .iter()
                .filter(|flow| flow.speaks == speaks)
                .filter_map(|flow| Some(&flow.flow.udp()?.keepalives[flow.client_side.index()])),
        );
        Judgement::of(Cause::TunnelIdle, format!("only NAT keepalives go to {target}"))
            .citing(&keepalives, "NAT keepalive")
    }

    fn native_esp(&self, flows: &[FlowView<'_>], target: &str) -> Judgement {
        let esp = self.esp(Speaks::Esp);
        if esp.is_two_way() {
            return Judgement::seen("ESP went both ways".to_owned())
                .citing(&esp.out, "ESP of the client")
                .citing(&esp.back, "ESP of the gateway");
        }
        if let Some(judgement) = icmp::judge(flows, target) {
            return judgement;
        }
        let (marks, story, note) = if esp.back.is_empty() {
            (&esp.out, "goes out and none comes back", "ESP of the client")
        } else {
            (&esp.back, "comes in and none goes out", "ESP of the gateway")
        };
        let ike_alive = !self.answers(Speaks::Ike).is_empty();
        let (client, server) = (self.client, self.server);
        if let Some(proof) = self.context.health.one_sided(client) {
            return Judgement::of(Cause::OneSidedCapture, format!("ESP between {client} and {server} {story}, and the capture lacks one direction of other traffic too"))
                .citing(marks, note)
                .citing(proof, "acts on a packet that the capture lacks");
        }
        if ike_alive && marks.count() >= MIN_ATTEMPTS && marks.span() >= ESP_PATIENCE {
            return Judgement::of(
                Cause::EspNoReply,
                format!("native ESP between {client} and {server} {story} for {}, while IKE is answered", marks.span()),
            )
            .at_most(Confidence::Medium, "a silent host behind the gateway looks the same from here")
            .citing(marks, note);
        }
        Judgement::of(
            Cause::StartedMidFlow,
            format!("native ESP between {client} and {server} {story}; that is too little to tell"),
        )
        .citing(marks, note)
    }

    /// The pair as a whole, and the transport that it is about.
    fn whole(
        &self,
        native: &Traffic,
        in_udp: &Traffic,
        in_tcp: &Traffic,
        transports: &BTreeMap<usize, Judgement>,
    ) -> (Judgement, Option<usize>) {
        let carriers = [(in_udp, Speaks::NatT), (native, Speaks::Esp), (in_tcp, Speaks::IkeTcp)];
        let carrier = carriers
            .into_iter()
            .filter(|(traffic, _)| traffic.is_two_way())
            .max_by_key(|(traffic, _)| traffic.back.last());
        if let Some((traffic, speaks)) = carrier {
            let ended = self
                .index_of(speaks)
                .and_then(|at| transports.get(&at))
                .filter(|judgement| judgement.verdict == Verdict::Interrupted);
            let judgement = ended.cloned().unwrap_or_else(|| self.carried(traffic, speaks));
            return (judgement, self.index_of(speaks));
        }
        if let Some(judgement) = self.refused_in_clear() {
            return (judgement, self.index_of(Speaks::Ike));
        }
        let bad = |speaks: Speaks| {
            let at = self.index_of(speaks)?;
            let judgement = transports.get(&at)?;
            (judgement.verdict.is_bad()).then(|| (judgement.clone(), Some(at)))
        };
        let answered = |speaks: Speaks| !self.answers(speaks).is_empty();
        if answered(Speaks::NatT) {
            return (self.unfinished(Speaks::NatT, in_udp), self.index_of(Speaks::NatT));
        }
        if answered(Speaks::IkeTcp) {
            return (self.unfinished(Speaks::IkeTcp, in_tcp), self.index_of(Speaks::IkeTcp));
        }
        if answered(Speaks::Ike) {
            if let Some(judgement) = self.informed_of_mismatch() {
                return (judgement, self.index_of(Speaks::NatT));
            }
            if let Some(found) = bad(Speaks::NatT).or_else(|| bad(Speaks::Esp)) {
                return found;
            }
            // What the client tried last and could not be judged says more than what worked before it.
            for speaks in [Speaks::NatT, Speaks::Esp] {
                if let Some(at) = self.index_of(speaks)
                    && let Some(judgement) =
                        transports.get(&at).filter(|judgement| judgement.verdict == Verdict::Inconclusive)
                {
                    return (judgement.clone(), Some(at));
                }
            }
            return (self.unfinished(Speaks::Ike, native), self.index_of(Speaks::Ike));
        }
        let found =
            bad(Speaks::Ike).or_else(|| bad(Speaks::NatT)).or_else(|| bad(Speaks::Esp)).or_else(|| bad(Speaks::IkeTcp));
        found.unwrap_or_else(|| {
            let first = [Speaks::Ike, Speaks::NatT, Speaks::Esp, Speaks::IkeTcp].into_iter().find_map(|speaks| {
                let at = self.index_of(speaks)?;
                Some((transports.get(&at)?.clone(), Some(at)))
            });
            first.unwrap_or((Judgement::not_seen(), None))
        })
    }

    /// Protected traffic went both ways.
    fn carried(&self, traffic: &Traffic, speaks: Speaks) -> Judgement {
        let way = match speaks {
            Speaks::Esp => "natively",
            Speaks::IkeTcp => "in TCP",
            _ => "in UDP",
        };
        if let Some(lost) = self.lost_at_the_end() {
            return lost;
        }
        let story =
            format!("the tunnel carries traffic: ESP {way}, {} out, {} in", traffic.out.count(), traffic.back.count());
        let udp_answered = !self.answers(Speaks::Ike).is_empty() || !self.answers(Speaks::NatT).is_empty();
        let udp_tried = self.messages.iter().any(|message| message.from_client && message.speaks != Speaks::IkeTcp);
        if speaks == Speaks::IkeTcp && udp_tried && !udp_answered {
            return Judgement::of(Cause::UdpBlockedTcpUsed, format!("IKE over UDP got no answer; {story}"))
                .citing(&self.sent_by_client(Speaks::Ike), "IKE over UDP")
                .citing(&self.sent_by_client(Speaks::NatT), "IKE over UDP")
                .citing(&traffic.back, "ESP of the gateway");
        }
        if let Some(judgement) = self.recovered(traffic, &story) {
            return judgement;
        }
        let seen = Judgement::seen(story)
            .citing(&self.opening(), "IKE")
            .citing(&traffic.out, "ESP of the client")
            .citing(&traffic.back, "ESP of the gateway");
        if self.messages.iter().any(|message| !message.from_client) {
            seen
        } else {
            seen.at_most(Confidence::Medium, "the set-up was not captured")
        }
    }

    /// The same request again and again at the end, after the gateway's last packet of any kind.
    fn lost_at_the_end(&self) -> Option<Judgement> {
        let last_answer = self.flows.iter().filter_map(|flow| self.last_of_server(flow)).max()?;
        let (message, since) = self
            .messages
            .iter()
            .filter(|message| message.from_client)
            .filter_map(|message| {
                let since: Marks = message.message.sent.cited().filter(|mark| mark.time > last_answer.time).collect();
                (message.message.sent.count() >= MIN_ATTEMPTS && since.span() >= MIN_SPAN).then_some((message, since))
            })
            .max_by_key(|(_, since)| since.last())?;
        let target = self.target(message.speaks, self.port_of(message.speaks));
        let request = label(message.message);
        let story = format!(
            "the tunnel carried traffic both ways until {}, then {request} was sent {} times over {} to {target} and nothing came back",
            last_answer.time.clock(),
            message.message.sent.count(),
            since.span()
        );
        let asked = Unanswered {
            client: self.client,
            request: &request,
            target: &target,
            sent: &since,
            interface: self.interface(),
            cause: Cause::PathLost,
        };
        let judgement = silence::judge(self.context, &asked);
        (judgement.verdict == Verdict::Interrupted)
            .then(|| Judgement { story, ..judgement }.citing_one(last_answer, "last packet of the gateway"))
    }

    /// An attempt that was given up before one that worked.
    fn recovered(&self, traffic: &Traffic, story: &str) -> Option<Judgement> {
        let answered: Vec<u64> = self
            .messages
            .iter()
            .filter(|message| !message.from_client)
            .map(|message| message.message.header.initiator_spi)
            .collect();
        let first_back = traffic.back.first()?;
        let given_up = self.messages.iter().find(|message| {
            let sent = &message.message.sent;
            message.from_client
                && !answered.contains(&message.message.header.initiator_spi)
                && sent.count() >= MIN_ATTEMPTS
                && sent.span() >= MIN_SPAN
                && sent.last().is_some_and(|last| last.time < first_back.time)
        })?;
        let sent = &given_up.message.sent;
        Some(
            Judgement::of(
                Cause::Recovered,
                format!(
                    "a first attempt was sent {} times over {} without an answer and given up; then {story}",
                    sent.count(),
                    sent.span()
                ),
            )
            .citing(sent, &label(given_up.message))
            .citing(&traffic.back, "ESP of the gateway"),
        )
    }

    /// A refusal that anyone can read.
    fn refused_in_clear(&self) -> Option<Judgement> {
        let refusal = self.messages.iter().rev().filter(|message| !message.from_client).find_map(|message| {
            let clear = &message.message.clear;
            let cause = clear.notifies.iter().find_map(|kind| match *kind {
                notify::v2::NO_PROPOSAL_CHOSEN => Some(Cause::IkeNoProposalChosen),
                notify::v2::INVALID_MAJOR_VERSION => Some(Cause::IkeVersionMismatch),
                notify::v2::INVALID_KE_PAYLOAD if message.message.header.is_v2() => Some(Cause::IkeInvalidKe),
                _ => None,
            });
            let header = &message.message.header;
            let encrypted = header.is_v2()
                && header.is_response()
                && header.exchange == exchange::v2::IKE_AUTH
                && clear.first_inner == Some(kind::v2::NOTIFY);
            let cause = cause.or(encrypted.then_some(Cause::IkeAuthRefused))?;
            Some((message, cause))
        });
        let (message, cause) = refusal?;
        // Whatever the gateway accepted afterwards makes the refusal one step of many.
        let later = self.messages.iter().any(|other| {
            !other.from_client
                && other.message.sent.first() > message.message.sent.last()
                && other.message.header.exchange != exchange::v2::INFORMATIONAL
        });
        if later {
            return None;
        }
        let story = format!("{} answered with {}", self.server, label(message.message));
        let judgement = Judgement::of(cause, format!("{story}: {}", cause.in_one_line()))
            .by(Some(self.server))
            .citing(&message.message.sent, &label(message.message))
            .citing(&self.opening(), "IKE");
        Some(if cause == Cause::IkeAuthRefused {
            judgement.at_most(
                Confidence::Medium,
                "the reason is encrypted; that it is an error shows in the clear type of its first payload",
            )
        } else {
            judgement
        })
    }

    /// IKEv1: the gateway could not read message 5, which moved to another port, and says so on the old one.
    fn informed_of_mismatch(&self) -> Option<Judgement> {
        let fifth = self
            .messages
            .iter()
            .find(|message| message.from_client && message.speaks == Speaks::NatT && message.message.header.is_v1())?;
        let informed = self.messages.iter().filter(|message| {
            !message.from_client
                && message.message.header.exchange == exchange::v1::INFORMATIONAL
                && message.message.sent.first() > fifth.message.sent.first()
        });
        let replies = tcp::merge(informed.map(|message| &message.message.sent));
        (!replies.is_empty()).then(|| {
            Judgement::of(
                Cause::Ikev1PskMismatch,
                format!(
                    "{} answers each message of authentication with an encrypted informational: it cannot read it",
                    self.server
                ),
            )
            .at_most(Confidence::Medium, "the informational is encrypted")
            .by(Some(self.server))
            .citing(&fifth.message.sent, "message 5 of main mode")
            .citing(&replies, "informational of the gateway")
        })
    }

    /// IKE is answered, and no protected traffic goes both ways.
    fn unfinished(&self, speaks: Speaks, traffic: &Traffic) -> Judgement {
        let target = self.target(speaks, self.port_of(speaks));
        let last_answer = self.answers(speaks).last();
        let unanswered = self
            .messages
            .iter()
            .filter(|message| message.from_client && message.speaks == speaks)
            .filter(|message| {
                message.message.sent.last().zip(last_answer).is_some_and(|(sent, answer)| sent.time > answer.time)
            })
            .max_by_key(|message| message.message.sent.count());
        if let Some(message) = unanswered.filter(|message| message.message.sent.count() >= MIN_ATTEMPTS) {
            let large = message.message.len >= LARGE
                || message.message.ip_fragmented
                || message.message.clear.fragment.is_some();
            let cause = if large { Cause::IkeFragmentsLost } else { Cause::IkeMessageUnanswered };
            let request = label(message.message);
            let judgement = self.unanswered(&request, &target, &message.message.sent, cause);
            return judgement.at_most(Confidence::Medium, "other messages of the gateway passed on the same port");
        }
        if !traffic.out.is_empty() && traffic.back.is_empty() {
            let story = format!("ESP goes out to {} and none comes back, though IKE is answered", self.server);
            return Judgement::of(Cause::TunnelNoReturnTraffic, story)
                .citing(&traffic.out, "ESP of the client")
                .citing(&self.answers(speaks), "packet of the gateway");
        }
        let story = format!("{target} answers IKE, and no protected traffic is in the capture");
        Judgement::of(Cause::TunnelIdle, story).citing(&self.opening(), "IKE")
    }

    fn unanswered(&self, request: &str, target: &str, sent: &Marks, cause: Cause) -> Judgement {
        let asked = Unanswered { client: self.client, request, target, sent, interface: self.interface(), cause };
        let judgement = silence::judge(self.context, &asked);
        if judgement.cause != Some(Cause::NatTNoReply) {
            return judgement;
        }
        let answered = self.answers(Speaks::Ike);
        let judgement = judgement.citing_one(
            answered.last().unwrap_or(Mark { frame: 0, time: self.context.horizon() }),
            "the same gateway answers on udp/500",
        );
        let large = self
            .messages
            .iter()
            .any(|message| message.from_client && message.speaks == Speaks::NatT && message.message.len >= LARGE);
        if large {
            judgement.at_most(Confidence::Medium, "the messages there are large, so lost fragments would look the same")
        } else {
            judgement
        }
    }

    /// The message of the client that was sent most often on a way of travelling, with everything that it sent there.
    fn most_repeated(&self, speaks: Speaks) -> Option<(String, Marks)> {
        let mine = || self.messages.iter().filter(move |message| message.from_client && message.speaks == speaks);
        let most = mine().max_by_key(|message| (message.message.sent.count(), message.message.sent.span()))?;
        // A new attempt has a new SPI; that the client starts anew again and again is the same silence.
        let same_step = mine().filter(|message| {
            message.message.header.exchange == most.message.header.exchange
                && message.message.header.message_id == most.message.header.message_id
        });
        let marks = if most.message.sent.count() >= MIN_ATTEMPTS {
            tcp::merge(same_step.map(|message| &message.message.sent))
        } else {
            most.message.sent.clone()
        };
        Some((label(most.message), marks))
    }

    fn sent_by_client(&self, speaks: Speaks) -> Marks {
        tcp::merge(
            self.messages
                .iter()
                .filter(|message| message.from_client && message.speaks == speaks)
                .map(|message| &message.message.sent),
        )
    }

    /// The first messages of the first IKE SA, both ways.
    fn opening(&self) -> Marks {
        self.messages.iter().take(6).filter_map(|message| message.message.sent.first()).collect()
    }

    fn answered_elsewhere(&self, speaks: Speaks) -> bool {
        self.messages.iter().any(|message| !message.from_client && message.speaks != speaks)
    }

    fn last_of_server(&self, flow: &PairFlow<'_>) -> Option<Mark> {
        let server = flow.client_side.other();
        match (flow.flow.udp(), flow.flow.tcp()) {
            (Some(udp), _) => udp.half(server).packets.last(),
            (_, Some(tcp)) => tcp.half(server).last,
            _ => esp_log(&flow.flow)?.from(server).filter_map(|spi| spi.packets.last()).max(),
        }
    }

    fn index_of(&self, speaks: Speaks) -> Option<usize> {
        self.flows.iter().find(|flow| flow.speaks == speaks).map(|flow| flow.transport)
    }

    fn port_of(&self, speaks: Speaks) -> u16 {
        self.flows.iter().find(|flow| flow.speaks == speaks).map_or(0, |flow| flow.port)
    }

    fn interface(&self) -> u8 {
        self.flows.first().map_or(0, |flow| flow.flow.interface())
    }

    fn target(&self, speaks: Speaks, port: u16) -> String {
        match speaks {
            Speaks::Esp => format!("{} over ESP", self.server),
            Speaks::IkeTcp => tcp::socket(self.server, port),
            _ => format!("{} on udp/{port}", self.server),
        }
    }
}

/// `IKE_AUTH request`.
pub(super) fn label(message: &IkeMessage) -> String {
    let name = exchange_name(message.header.version, message.header.exchange);
    match (message.header.is_v2(), message.header.is_response()) {
        (true, true) => format!("{name} response"),
        (true, false) => format!("{name} request"),
        (false, _) => format!("{name} message"),
    }
}

/// The IKE messages of a flow, in UDP or TCP.
pub(super) fn ike_log<'a>(flow: &FlowView<'a>) -> Option<&'a IkeLog> {
    flow.udp().and_then(|udp| udp.ike.as_deref()).or_else(|| flow.app()?.ike.as_deref())
}

/// The ESP of a flow, native, in UDP or in TCP.
pub(super) fn esp_log<'a>(flow: &FlowView<'a>) -> Option<&'a EspLog> {
    flow.esp().or_else(|| flow.udp()?.esp.as_deref()).or_else(|| flow.app()?.esp.as_deref())
}
