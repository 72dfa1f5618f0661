//! A service whose connections carry a tunnel: in TLS nobody sees whether a login or a tunnel was refused, but what a connection amounts to
//! shows in how long it lasts and what it carries.

use super::context::Context;
use super::judgement::Judgement;
use super::pair::PairFlow;
use super::resets::forged;
use super::tcp::{PATIENCE, socket};
use crate::flow::{FlowView, Mark, Marks, Reset, Tcp};
use crate::profile::{Service, Speaks};
use crate::proto::sniff::Spoken;
use crate::report::{Attribution, Cause, Confidence, Verdict};
use crate::time::Span;

/// A login page, the answer to a login and the settings of a portal, certificates with them, are less. What a tunnel carries is not bounded.
const PORTAL: u64 = 16 << 10;

/// Adds what connections without a tunnel tell to what was said of them. `flows` are those of a client and a server, in order.
pub(super) fn explain(
    context: &Context<'_>,
    service: &Service,
    flows: &[PairFlow<'_>],
    attribution: Attribution,
    judgement: Judgement,
) -> Judgement {
    let has_tunnel = service.transports.iter().any(|transport| transport.speaks == Speaks::Dtls);
    if !has_tunnel || flows.iter().any(|flow| flow.speaks != Speaks::Tls) {
        return judgement;
    }
    // What only its port makes the gateway may be any web server that is short of connections.
    if attribution != Attribution::Port
        && let Some(refused) = refused(context, flows, &judgement)
    {
        return refused;
    }
    match portal_only(flows).filter(|_| judgement.verdict == Verdict::Seen) {
        Some(words) => Judgement { story: format!("{}; {words}", judgement.story), ..judgement },
        None => judgement,
    }
}

/// A TLS connection that was closed by its client before it could have carried a tunnel.
struct PortalVisit {
    lasted: Span,
    /// Bytes of TCP payload from the server.
    bytes: u64,
}

impl PortalVisit {
    fn of(flow: &FlowView<'_>) -> Option<Self> {
        let tcp = flow.tcp().filter(|tcp| tcp.saw_opening() && !tcp.has_gaps())?;
        let (ours, theirs) = (tcp.half(flow.client_side()), tcp.half(flow.client_side().other()));
        let spoke_tls = flow.spoken(flow.client_side()) == Some(Spoken::TlsClient);
        let reset = tcp.resets().iter().find(|reset| reset.side == flow.client_side()).map(|reset| reset.mark);
        let end = [ours.fin, reset].into_iter().flatten().min()?;
        let lasted = end.time - flow.first().time;
        // A capture without times measures nothing.
        let is_short =
            lasted > Span(0) && lasted < PATIENCE && ours.payload_bytes < PORTAL && theirs.payload_bytes < PORTAL;
        (spoke_tls && theirs.data_packets > 0 && is_short)
            .then_some(PortalVisit { lasted, bytes: theirs.payload_bytes })
    }
}

/// What to say where every connection was a visit to the portal. A person who just opens it in a browser leaves the same.
fn portal_only(flows: &[PairFlow<'_>]) -> Option<String> {
    let visits: Option<Vec<PortalVisit>> = flows.iter().map(|flow| PortalVisit::of(&flow.flow)).collect();
    let visits = visits?;
    let longest = visits.iter().map(|visit| visit.lasted).max()?;
    let most = visits.iter().map(|visit| visit.bytes).max()?;
    let kilobytes = most as f64 / 1e3;
    let what = match visits.len() {
        1 => format!(
            "its only connection lasted {longest}, with {kilobytes:.1} kB from the server, and does not look like a tunnel"
        ),
        many => format!(
            "of its {many} connections, the longest {longest} and none with more than {kilobytes:.1} kB from the server, none looks like a \
             tunnel"
        ),
    };
    Some(format!(
        "{what} (whether a login or a tunnel was refused is encrypted; the FortiGate tells: diagnose debug application sslvpn -1)"
    ))
}

/// The portal was visited, and the connections that the client opened next were reset by the gateway, at the SYN or before it said anything.
fn refused(context: &Context<'_>, flows: &[PairFlow<'_>], judgement: &Judgement) -> Option<Judgement> {
    // What else was found outweighs this; that a gateway refuses what it took before is what this explains.
    if !matches!(judgement.cause, None | Some(Cause::ClosedByGateway | Cause::ServerReset)) {
        return None;
    }
    let turned_away = |flow: &PairFlow<'_>| Some((flow.flow.first(), reset_by_server(context, &flow.flow)?.mark));
    let resets: Vec<(Mark, Mark)> = flows.iter().filter_map(turned_away).collect();
    let (first_refused, _) = *resets.first()?;
    let visits: Vec<&PairFlow<'_>> = flows.iter().filter(|flow| PortalVisit::of(&flow.flow).is_some()).collect();
    let said = visits.iter().filter_map(|flow| last_data(&flow.flow)).max()?;
    if visits.len() + resets.len() != flows.len() || said > first_refused {
        return None;
    }
    let (client, flow) = (flows.first()?.flow.client().0, flows.first()?.flow);
    let target = socket(flow.server().0, flow.server().1);
    let times =
        if resets.len() == 1 { "connection was".to_owned() } else { format!("{} connections were", resets.len()) };
    let story = format!(
        "{target} answered {client} in {} short connection{}, and the next {times} reset by it before it said anything: the portal works and \
         the tunnel does not",
        visits.len(),
        if visits.len() == 1 { "" } else { "s" }
    );
    let marks: Marks = resets.iter().map(|(_, reset)| *reset).collect();
    let openings: Marks = resets.iter().map(|(opening, _)| *opening).collect();
    let judgement = Judgement::of(Cause::SslVpnRefused, story)
        .by(Some(flow.server().0))
        .citing(&marks, "RST of the gateway")
        .citing(&openings, "SYN")
        .citing_one(said, "last data of the portal's connections");
    Some(judgement.at_most(
        Confidence::Medium,
        "what the connections are for is encrypted; that they follow the portal's and are reset at once tells",
    ))
}

fn last_data(flow: &FlowView<'_>) -> Option<Mark> {
    let tcp = flow.tcp()?;
    tcp.half(flow.client_side()).last_data.max(tcp.half(flow.client_side().other()).last_data)
}

/// The gateway's own reset of a connection on which it never said anything.
fn reset_by_server(context: &Context<'_>, flow: &FlowView<'_>) -> Option<Reset> {
    let tcp: &Tcp = flow.tcp().filter(|tcp| tcp.saw_opening())?;
    let server = flow.client_side().other();
    let reset = *tcp.resets().first().filter(|reset| reset.side == server)?;
    let is_own = forged(context, flow, tcp, &reset).is_none() && context.ttls(flow.server().0).contains(&reset.ttl);
    (is_own && tcp.half(server).data_packets == 0).then_some(reset)
}
