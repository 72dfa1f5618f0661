//! Everything of IKE and ESP between one client and one gateway, over all ports and ways of travelling.

use std::borrow::Cow;
use std::net::IpAddr;

use super::sa::IkeSa;
use crate::decode::Side;
use crate::flow::{EspLog, FlowView, IkeLog, IkeMessage, Mark, Marks};
use crate::profile::Speaks;
use crate::proto::ike::{exchange_name, notify};
use crate::report::Cause;
use crate::time::Span;
use crate::verdict::context::Context;
use crate::verdict::judgement::Judgement;
use crate::verdict::pair::PairFlow;
use crate::verdict::silence::{self, Unanswered};
use crate::verdict::tcp;

/// Each end of a set-up goes on at once where no user is asked; what has not come within this time is more than late.
const PROMPT: Span = Span::from_secs(3);

/// One client's IKE and ESP with one gateway.
pub(super) struct Conversation<'c, 'a> {
    pub(super) context: &'c Context<'a>,
    pub(super) client: IpAddr,
    pub(super) server: IpAddr,
    pub(super) flows: &'c [PairFlow<'a>],
    /// Every IKE message, in order of its first sending.
    pub(super) messages: Vec<Sent<'a>>,
    /// The same by IKE SA, in order of their first message.
    pub(super) sas: Vec<IkeSa<'a>>,
}

/// An IKE message and the way that it went.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) message: &'a IkeMessage,
    pub(super) from_client: bool,
    pub(super) speaks: Speaks,
    /// The client's port: behind a NAT it tells one client from another.
    pub(super) client_port: u16,
}

impl<'a> Sent<'a> {
    /// Its frames, repetitions included.
    pub(super) fn marks(&self) -> &'a Marks {
        &self.message.sent
    }

    /// The kind of its first encrypted payload.
    pub(super) fn inner(&self) -> Option<u8> {
        self.message.clear.first_inner
    }

    /// The error that it tells in clear, the first one where there are several.
    pub(super) fn error(&self) -> Option<u16> {
        self.message.clear.notifies.iter().copied().find(|kind| notify::is_error(*kind))
    }

    /// Whether it was first sent after `mark`.
    pub(super) fn is_after(&self, mark: Mark) -> bool {
        self.marks().first().is_some_and(|first| first > mark)
    }

    /// `IKE_AUTH`, `Main mode`.
    pub(super) fn name(&self) -> Cow<'static, str> {
        exchange_name(self.message.header.version, self.message.header.exchange)
    }

    /// `IKE_AUTH request`, `Main mode message`.
    pub(super) fn label(&self) -> String {
        let header = &self.message.header;
        let what = match (header.is_v2(), header.is_response()) {
            (true, true) => "response",
            (true, false) => "request",
            (false, _) => "message",
        };
        format!("{} {what}", self.name())
    }
}

/// ESP each way, the client's first.
pub(super) struct Traffic {
    pub(super) out: Marks,
    pub(super) back: Marks,
}

impl Traffic {
    pub(super) fn is_two_way(&self) -> bool {
        !self.out.is_empty() && !self.back.is_empty()
    }
}

impl<'c, 'a> Conversation<'c, 'a> {
    pub(super) fn of(context: &'c Context<'a>, client: IpAddr, server: IpAddr, flows: &'c [PairFlow<'a>]) -> Self {
        let mut messages: Vec<Sent<'a>> = flows
            .iter()
            .flat_map(|pair_flow| {
                let (client, speaks) = (pair_flow.client_side, pair_flow.speaks);
                let client_port = pair_flow.flow.endpoints.side(client).1;
                ike_log(&pair_flow.flow).into_iter().flat_map(IkeLog::messages).map(move |message| Sent {
                    message,
                    from_client: message.side == client,
                    speaks,
                    client_port,
                })
            })
            .collect();
        messages.sort_by_key(|sent| sent.marks().first());
        let sas = IkeSa::all(&messages);
        Conversation { context, client, server, flows, messages, sas }
    }

    /// ESP of one way of travelling.
    pub(super) fn esp(&self, speaks: Speaks) -> Traffic {
        let of = |wanted: fn(Side) -> Side| {
            tcp::merge(self.esp_logs(speaks).flat_map(|(flow, log)| log.packets(wanted(flow.client_side))))
        };
        Traffic { out: of(|client| client), back: of(Side::other) }
    }

    /// The ESP of each flow of one way of travelling.
    pub(super) fn esp_logs(&self, speaks: Speaks) -> impl Iterator<Item = (&'c PairFlow<'a>, &'a EspLog)> {
        self.flows
            .iter()
            .filter(move |flow| flow.speaks == speaks)
            .filter_map(|flow| Some((flow, esp_log(&flow.flow)?)))
    }

    /// Frames of the gateway on a way of travelling.
    pub(super) fn answers(&self, speaks: Speaks) -> Marks {
        let ike = self.messages.iter().filter(|sent| !sent.from_client && sent.speaks == speaks);
        let mut all = tcp::merge(ike.map(Sent::marks));
        all.extend(&self.esp(speaks).back);
        all
    }

    /// IKE messages of the client on a way of travelling.
    pub(super) fn sent_by_client(&self, speaks: Speaks) -> Marks {
        tcp::merge(self.messages.iter().filter(|sent| sent.from_client && sent.speaks == speaks).map(Sent::marks))
    }

    /// The last ESP packet of the gateway, whatever its way.
    pub(super) fn last_esp_back(&self) -> Option<Mark> {
        self.flows
            .iter()
            .filter_map(|flow| esp_log(&flow.flow)?.packets(flow.client_side.other()).filter_map(Marks::last).max())
            .max()
    }

    /// The first ESP packet of the gateway, whatever its way.
    pub(super) fn first_esp_back(&self) -> Option<Mark> {
        self.flows
            .iter()
            .filter_map(|flow| esp_log(&flow.flow)?.packets(flow.client_side.other()).filter_map(Marks::first).min())
            .min()
    }

    /// The last ESP packet of either end.
    pub(super) fn last_esp(&self) -> Option<Mark> {
        let logs = self.flows.iter().filter_map(|flow| esp_log(&flow.flow));
        logs.flat_map(|log| [Side::Low, Side::High].into_iter().flat_map(|side| log.packets(side)))
            .filter_map(Marks::last)
            .max()
    }

    /// The last packet of the gateway of any kind.
    pub(super) fn last_of_server(&self) -> Option<Mark> {
        let ike = self.messages.iter().filter(|sent| !sent.from_client).filter_map(|sent| sent.marks().last()).max();
        ike.max(self.last_esp_back())
    }

    /// ESP packets of the client since the gateway last sent one.
    pub(super) fn esp_unanswered(&self) -> Marks {
        let logs = self.flows.iter().filter_map(|flow| Some((flow, esp_log(&flow.flow)?)));
        let last_back = self.last_esp_back();
        tcp::merge(
            logs.map(|(flow, log)| &log.side(flow.client_side).unanswered)
                .filter(|marks| last_back.is_none_or(|back| marks.first().is_some_and(|first| first > back))),
        )
    }

    /// Whether a TCP stream could not be read to its end, so that silence in it proves nothing.
    pub(super) fn is_stuck(&self) -> bool {
        let apps = self.flows.iter().filter(|flow| flow.speaks == Speaks::IkeTcp).filter_map(|flow| flow.flow.app());
        apps.into_iter().any(|app| [Side::Low, Side::High].iter().any(|side| app.is_stuck(*side)))
    }

    /// Judges a request of the client that nothing answered; `cause` is what it is if it is a block.
    pub(super) fn silence(&self, request: &str, target: &str, sent: &Marks, cause: Cause) -> Judgement {
        let interface = self.interface();
        silence::judge(self.context, &Unanswered { client: self.client, request, target, sent, interface, cause })
    }

    /// Whether the capture goes on for `patience` after `mark`: what did not happen within it did not happen.
    pub(super) fn goes_on(&self, mark: Mark, patience: Span) -> bool {
        self.context.horizon() - mark.time >= patience
    }

    /// What the capture holds behind `mark`, the last step that it shows of a set-up.
    pub(super) fn aftermath(&self, mark: Mark) -> String {
        let is_cut = self.context.analysis.info.damage.iter().any(|damage| damage.frame > mark.frame);
        let after = self.context.horizon() - mark.time;
        match after {
            _ if is_cut && after < PROMPT => "the file is damaged behind that".to_owned(),
            Span(0) => "the capture ends there".to_owned(),
            _ if after < PROMPT => format!("the capture ends {after} later"),
            _ => format!("nothing more of it follows in the remaining {after} of the capture"),
        }
    }

    pub(super) fn index_of(&self, speaks: Speaks) -> Option<usize> {
        self.flows.iter().find(|flow| flow.speaks == speaks).map(|flow| flow.transport)
    }

    pub(super) fn views(&self, speaks: Speaks) -> Vec<FlowView<'a>> {
        self.flows.iter().filter(|flow| flow.speaks == speaks).map(|flow| flow.flow).collect()
    }

    fn interface(&self) -> u8 {
        self.flows.first().map_or(0, |flow| flow.flow.interface())
    }

    /// `203.0.113.10 on udp/4500`.
    pub(super) fn target(&self, speaks: Speaks) -> String {
        let port = self.flows.iter().find(|flow| flow.speaks == speaks).map_or(0, |flow| flow.port);
        match speaks {
            Speaks::Esp => format!("{} over ESP", self.server),
            Speaks::IkeTcp => tcp::socket(self.server, port),
            _ => format!("{} on udp/{port}", self.server),
        }
    }
}

/// Whether a flow carried IKE or ESP.
pub(in crate::verdict) fn is_ipsec(flow: &FlowView<'_>) -> bool {
    ike_log(flow).is_some() || esp_log(flow).is_some()
}

/// The IKE messages of a flow, in UDP or TCP.
pub(in crate::verdict) fn ike_log<'a>(flow: &FlowView<'a>) -> Option<&'a IkeLog> {
    flow.udp().and_then(|udp| udp.ike.as_deref()).or_else(|| flow.app()?.ike.as_deref())
}

/// The ESP of a flow, native, in UDP or in TCP.
pub(in crate::verdict) fn esp_log<'a>(flow: &FlowView<'a>) -> Option<&'a EspLog> {
    flow.esp().or_else(|| flow.udp()?.esp.as_deref()).or_else(|| flow.app()?.esp.as_deref())
}
