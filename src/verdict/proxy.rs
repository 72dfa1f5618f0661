//! Connections through an explicit proxy (CONNECT, RFC 9110 section 9.3.6): the service is named in the request, and the port between
//! client and proxy is not the service's.

use std::net::IpAddr;

use super::claims::ServiceClaim;
use super::context::Context;
use super::judgement::Judgement;
use super::pair::PairFlow;
use crate::analysis::host_of;
use crate::flow::{FlowView, Mark};
use crate::profile::{Host, Service};
use crate::report::{Attribution, Cause, Confidence};
use crate::text;

const TCP: u8 = 6;

/// The host and port that the client asked a proxy for; none where it did not.
pub(super) fn tunnel(flow: &FlowView<'_>) -> Option<(String, u16)> {
    let (request, _) = flow.app()?.http.as_ref()?.request.as_ref()?;
    if request.method != "CONNECT" {
        return None;
    }
    let (_, port) = request.target.rsplit_once(':')?;
    Some((host_of(&request.target), port.parse().ok()?))
}

/// The services that a tunnel to `host` and `port` may belong to, by the user's servers, the vendor's names, or a port that little else
/// uses.
pub(super) fn claim(context: &Context<'_>, host: &str, port: u16) -> Option<ServiceClaim> {
    let (profile, site) = (&context.scope.profile, &context.scope.site);
    let on_port: Vec<(usize, usize)> = profile
        .services
        .iter()
        .enumerate()
        .flat_map(|(service, of)| {
            of.transports.iter().enumerate().map(move |(transport, way)| (service, transport, way))
        })
        .filter(|(_, _, way)| way.selectors.iter().any(|selector| selector.matches(TCP, port)))
        .map(|(service, transport, _)| (service, transport))
        .collect();
    let of = |wanted: &dyn Fn(&Service) -> bool| -> Vec<(usize, usize)> {
        on_port.iter().copied().filter(|(service, _)| profile.services.get(*service).is_some_and(wanted)).collect()
    };
    let roles: Vec<&str> = site
        .servers
        .iter()
        .filter(|server| match &server.host {
            Host::Name(pattern) => pattern.matches(host),
            Host::Address(address) => host.parse::<IpAddr>() == Ok(*address),
        })
        .map(|server| server.role.as_str())
        .collect();
    let named = of(&|service| roles.iter().any(|role| service.is_offered_by(role)));
    let own = of(&|service| !service.is_confined(site) && service.has_name(host));
    let vendor = profile.is_vendor_name(host);
    let cloud = of(&|service| vendor && !service.is_confined(site) && service.is_offered_by("fortiguard"));
    let by_name = [named, own, cloud].into_iter().find(|candidates| !candidates.is_empty());
    let (candidates, attribution) = by_name.map(|candidates| (candidates, Attribution::Name)).or_else(|| {
        let open = of(&|service| !service.is_confined(site));
        (!profile.is_crowded(TCP, port) && !open.is_empty()).then_some((open, Attribution::Port))
    })?;
    Some(ServiceClaim { candidates, attribution, doubt: None, unidentified: false })
}

/// What the proxy made of the client's requests; none where these are no tunnels.
pub(super) fn judge(flows: &[PairFlow<'_>]) -> Option<Judgement> {
    let last = flows.iter().rfind(|flow| answer(&flow.flow).is_some()).or(flows.last())?;
    let (host, port) = tunnel(&last.flow)?;
    let proxy = last.flow.server().0;
    let (asked, status) = (last.flow.app()?.http.as_ref()?.request.as_ref()?.1, answer(&last.flow));
    let target = text::visible(&format!("{host}:{port}")).into_owned();
    let judgement = match status {
        None => {
            Judgement::of(Cause::SingleAttempt, format!("the proxy {proxy} was asked for {target} and did not answer"))
        }
        Some((200..=299, _)) => Judgement::seen(format!("the proxy {proxy} opened a tunnel to {target}"))
            .at_most(Confidence::Medium, "what goes through the proxy's tunnel is not followed further"),
        Some((status @ (403 | 407), _)) => {
            let wants = if status == 407 { "asks for a login" } else { "does not allow it" };
            Judgement::of(
                Cause::ProxyRequired,
                format!("the proxy {proxy} was asked for {target} and {wants} ({status})"),
            )
            .by(Some(proxy))
        }
        Some((status, _)) => Judgement::of(
            Cause::SingleAttempt,
            format!("the proxy {proxy} could not open a tunnel to {target} ({status})"),
        ),
    };
    let told = flows.iter().filter_map(|flow| answer(&flow.flow));
    let judgement = told
        .fold(judgement, |judgement, (status, mark)| judgement.citing_one(mark, format!("HTTP {status} of the proxy")));
    Some(judgement.citing_one(asked, "CONNECT"))
}

fn answer(flow: &FlowView<'_>) -> Option<(u16, Mark)> {
    let (response, mark) = flow.app()?.http.as_ref()?.response.as_ref()?;
    Some((response.status, *mark))
}
