//! Which service a flow belongs to, and what says so. See section 1 of the product's description: strongest first are the
//! user's servers, the payload, names, and the port alone.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::context::Context;
use super::payload;
use super::proxy;
use super::signs::Signs;
use crate::decode::{Endpoints, Side};
use crate::flow::FlowView;
use crate::profile::{Host, Selector, Service, Speaks};
use crate::proto::sniff::Spoken;
use crate::report::{Attribution, Cause, Confidence};

/// Where a flow belongs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Claim<'a> {
    /// One service, or several that nothing separates.
    Service(Box<ServiceClaim>),
    /// Nothing explains it.
    Unexpected,
    /// Everyday traffic of a kind.
    Background(&'a str),
}

/// The services that a flow may belong to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ServiceClaim {
    /// Service and transport, as indexes into the profile.
    pub(super) candidates: Vec<(usize, usize)>,
    pub(super) attribution: Attribution,
    /// Why the claim itself is unsure.
    pub(super) doubt: Option<&'static str>,
    /// Whether the server is only one of several that may be the service's, and does not work.
    pub(super) unidentified: bool,
}

/// Client and server of a flow, as far as the whole capture tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties<'a> {
    endpoints: &'a Endpoints,
    pub(super) client_side: Side,
}

impl Parties<'_> {
    pub(super) fn client(&self) -> IpAddr {
        self.endpoints.side(self.client_side).0
    }

    pub(super) fn server(&self) -> IpAddr {
        self.endpoints.side(self.client_side.other()).0
    }

    pub(super) fn server_port(&self) -> u16 {
        self.endpoints.side(self.client_side.other()).1
    }
}

/// A flow with its parties and its claim.
pub(super) struct Claimed<'a> {
    pub(super) flow: &'a FlowView<'a>,
    pub(super) parties: Parties<'a>,
    pub(super) claim: Claim<'a>,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const ESP: u8 = 50;

/// Finds the place of every flow.
pub(super) fn claim<'a>(context: &Context<'a>) -> Vec<Claimed<'a>> {
    let roles = Roles::of(context);
    let initiators = ike_initiators(context, &roles);
    let shared = SharedPorts::of(context);
    let flows: Vec<(&FlowView<'a>, Parties<'a>)> =
        context.flows.iter().map(|flow| (flow, parties(context, flow, &initiators, &shared))).collect();
    let signs = Signs::of(context, &flows);
    let mut claimed: Vec<Claimed<'a>> = flows
        .into_iter()
        .map(|(flow, parties)| Claimed { flow, parties, claim: claim_one(context, &roles, &signs, flow, parties) })
        .collect();
    point_at_dead_servers(context, &roles, &signs, &mut claimed);
    claimed
}

/// Where nothing tells which of several TLS servers is the gateway, those that do not work are pointed out.
fn point_at_dead_servers(context: &Context<'_>, roles: &Roles, signs: &Signs, claimed: &mut [Claimed<'_>]) {
    if signs.found_gateway() || !signs.has_several_sites(GATEWAY_PORT) {
        return;
    }
    let mut pairs: BTreeMap<(IpAddr, IpAddr), Vec<FlowView<'_>>> = BTreeMap::new();
    for one in claimed.iter().filter(|one| is_anonymous_tls(one)) {
        pairs.entry((one.parties.client(), one.parties.server())).or_default().push(*one.flow);
    }
    // A browser that leaves a connection unused is no refusal: what an anonymous server suffered must be beyond doubt.
    pairs.retain(|_, flows| {
        let judgement = super::tcp::judge(context, flows, GATEWAY_PORT, Speaks::Tls);
        let is_guess = judgement.cause == Some(Cause::CertificateRefused) && judgement.confidence < Confidence::High;
        judgement.verdict.is_bad() && !is_guess
    });
    for one in claimed.iter_mut().filter(|one| is_anonymous_tls(one)) {
        if !pairs.contains_key(&(one.parties.client(), one.parties.server())) {
            continue;
        }
        let mut candidates = candidates(context, roles, one.flow, one.parties);
        candidates.retain(|candidate| offers_gateway(context, std::slice::from_ref(candidate)));
        if !candidates.is_empty() {
            let attribution = Attribution::Port;
            one.claim =
                Claim::Service(Box::new(ServiceClaim { candidates, attribution, doubt: None, unidentified: true }));
        }
    }
}

/// The crowded port that a gateway without a sign may hide on.
const GATEWAY_PORT: u16 = 443;

fn is_anonymous_tls(one: &Claimed<'_>) -> bool {
    one.flow.protocol() == TCP && one.parties.server_port() == GATEWAY_PORT && one.claim == Claim::Background("web")
}

fn claim_one<'a>(
    context: &Context<'a>,
    roles: &Roles,
    signs: &Signs,
    flow: &FlowView<'_>,
    parties: Parties<'_>,
) -> Claim<'a> {
    let scope = context.scope;
    if signs.answers_search(flow) {
        return Claim::Background("ssdp");
    }
    let everyday = || match scope.known.background(flow.protocol(), parties.server_port()) {
        // Browsers speak QUIC there.
        Some(_) if flow.spoken(parties.client_side) == Some(Spoken::Dtls) => Claim::Background("dtls"),
        Some(kind) => Claim::Background(kind),
        None => unexpected(context, flow, parties),
    };
    if let Some((host, port)) = proxy::tunnel(flow) {
        let claim = proxy::claim(context, &host, port);
        return claim.map_or(Claim::Background("web"), |claim| Claim::Service(Box::new(claim)));
    }
    let on_port = candidates(context, roles, flow, parties);
    if on_port.is_empty() {
        return everyday();
    }
    if is_wrong_direction(context, parties) {
        return Claim::Unexpected;
    }
    let crowded = scope.profile.is_crowded(flow.protocol(), parties.server_port());
    let is_confined = |service: usize| {
        scope
            .profile
            .services
            .get(service)
            .is_some_and(|service| service.is_confined(&scope.site) && roles.resolves(service))
    };
    let names_role =
        |service: usize| scope.profile.services.get(service).is_some_and(|service| service.is_confined(&scope.site));
    let named_port = on_port.iter().any(|(service, _)| names_role(*service));
    let nothing_fits = || if crowded && !named_port { everyday() } else { unexpected(context, flow, parties) };

    let fitting: Vec<(usize, usize)> = on_port
        .iter()
        .copied()
        .filter(|&(service, transport)| {
            speaks(context, service, transport).is_some_and(|speaks| payload::fits(speaks, flow, parties.client_side))
        })
        .collect();
    if fitting.is_empty() {
        return nothing_fits();
    }
    let claimed = |candidates: Vec<(usize, usize)>, attribution| {
        let unresolved = candidates.iter().any(|(service, _)| names_role(*service) && !is_confined(*service));
        let doubt = "the site file names the server, but no address in this capture has that name";
        Claim::Service(Box::new(ServiceClaim {
            candidates,
            attribution,
            doubt: unresolved.then_some(doubt),
            unidentified: false,
        }))
    };

    let named: Vec<(usize, usize)> =
        fitting.iter().copied().filter(|(service, _)| roles.offers(context, parties.server(), *service)).collect();
    if !named.is_empty() {
        // The role that the service names first wins over one that may offer it too.
        let own: Vec<_> = named
            .iter()
            .copied()
            .filter(|(service, _)| roles.offers_first(context, parties.server(), *service))
            .collect();
        let named = if own.is_empty() { named } else { own };
        let exact = by_payload(context, flow, &named);
        return claimed(if exact.is_empty() { named } else { exact }, Attribution::Address);
    }
    let open: Vec<(usize, usize)> = fitting.into_iter().filter(|(service, _)| !is_confined(*service)).collect();
    if open.is_empty() {
        return unexpected(context, flow, parties);
    }
    let by_payload = by_payload(context, flow, &open);
    if !by_payload.is_empty() {
        return claimed(by_payload, Attribution::Payload);
    }
    if let Some((by_name, attribution)) = signs.by_name(context, flow, parties, &open) {
        return claimed(by_name, attribution);
    }
    if !crowded {
        let attribution = if open.len() > 1 { Attribution::SharedPort } else { Attribution::Port };
        return claimed(open, attribution);
    }
    if let Some(attribution) = signs.is_gateway(parties.server()).filter(|_| offers_gateway(context, &open)) {
        return claimed(open, attribution);
    }
    if signs.is_vendor(parties.server()) {
        return Claim::Background("vendor");
    }
    // Whoever named the gateway did not mean a site with another name.
    let other_name = named_port && context.names.name(parties.server()).is_some();
    if !other_name && signs.is_only_site(context, flow, parties, &open) {
        let attribution = if open.len() > 1 { Attribution::SharedPort } else { Attribution::Port };
        let doubt = "the port is a crowded one; that no other site was contacted on it is the only sign";
        return Claim::Service(Box::new(ServiceClaim {
            candidates: open,
            attribution,
            doubt: Some(doubt),
            unidentified: false,
        }));
    }
    nothing_fits()
}

/// A flow that the table does not explain: allowed by the site file, or unexpected.
fn unexpected<'a>(context: &Context<'a>, flow: &FlowView<'_>, parties: Parties<'_>) -> Claim<'a> {
    let allowed = context.scope.site.allow.iter().any(|allow| {
        allow.flow.matches(flow.protocol(), parties.server_port())
            && (allow.to.is_empty() || allow.to.iter().any(|network| network.contains(&parties.server())))
    });
    if allowed {
        return Claim::Background("allowed");
    }
    match context.scope.known.background(flow.protocol(), parties.server_port()) {
        Some(kind) if !context.scope.profile.is_crowded(flow.protocol(), parties.server_port()) => {
            Claim::Background(kind)
        }
        _ if is_portless(flow) => Claim::Background("ip-fragment"),
        _ => Claim::Unexpected,
    }
}

/// Fragments whose first one is not in the capture: TCP or UDP without ports.
fn is_portless(flow: &FlowView<'_>) -> bool {
    matches!(flow.protocol(), TCP | UDP) && flow.endpoints.low.1 == 0 && flow.endpoints.high.1 == 0
}

/// A table port used towards one of the user's clients, from outside.
fn is_wrong_direction(context: &Context<'_>, parties: Parties<'_>) -> bool {
    context.scope.is_client(parties.client()) == Some(false) && context.scope.is_client(parties.server()) == Some(true)
}

/// Every service and transport that the flow's protocol and port match.
fn candidates(context: &Context<'_>, roles: &Roles, flow: &FlowView<'_>, parties: Parties<'_>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (s, service) in context.scope.profile.services.iter().enumerate() {
        for (t, transport) in service.transports.iter().enumerate() {
            let by_table = transport.selectors.iter().any(|selector| match selector {
                Selector::IkeTcpPrefix => flow.spoken(parties.client_side) == Some(Spoken::IkeTcp),
                other => other.matches(flow.protocol(), parties.server_port()),
            });
            let by_site = transport.protocol() == Some(flow.protocol())
                && transport.speaks != Speaks::IkeTcp
                && roles.has_own_port(service, parties.server(), parties.server_port());
            if by_table || by_site {
                found.push((s, t));
            }
        }
    }
    found
}

fn speaks(context: &Context<'_>, service: usize, transport: usize) -> Option<Speaks> {
    context.scope.profile.services.get(service)?.transports.get(transport).map(|transport| transport.speaks)
}

pub(super) fn offers_gateway(context: &Context<'_>, candidates: &[(usize, usize)]) -> bool {
    candidates.iter().any(|(service, _)| {
        context.scope.profile.services.get(*service).is_some_and(|service| service.is_offered_by("gateway"))
    })
}

/// The candidates whose own payload was read: IKE, ESP, and a factory certificate whose unit names a role.
fn by_payload(context: &Context<'_>, flow: &FlowView<'_>, candidates: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let is_ipsec = |speaks| matches!(speaks, Speaks::Ike | Speaks::NatT | Speaks::Esp | Speaks::IkeTcp);
    let ipsec: Vec<_> = candidates
        .iter()
        .copied()
        .filter(|&(service, transport)| speaks(context, service, transport).is_some_and(is_ipsec))
        .collect();
    if !ipsec.is_empty() {
        // On a port of the user's own both forms match; the marker tells which it is.
        let marked = payload::has_marker(flow);
        let wanted = if marked { Speaks::NatT } else { Speaks::Ike };
        let exact: Vec<_> = ipsec
            .iter()
            .copied()
            .filter(|&(service, transport)| speaks(context, service, transport) == Some(wanted))
            .collect();
        return if ipsec.len() > 1 && !exact.is_empty() { exact } else { ipsec };
    }
    let Some(unit) = payload::factory_unit(flow) else { return Vec::new() };
    candidates
        .iter()
        .copied()
        .filter(|(service, _)| {
            context.scope.profile.services.get(*service).is_some_and(|service| service.is_offered_by(&unit))
        })
        .collect()
}

/// Client and server: as the flow says where it is certain, else as the pair's IKE says, else as the user's networks say, else as
/// payload and ports tell.
fn parties<'a>(
    context: &Context<'_>,
    flow: &'a FlowView<'_>,
    initiators: &BTreeMap<(IpAddr, IpAddr), IpAddr>,
    shared: &SharedPorts,
) -> Parties<'a> {
    let (low, high) = (flow.endpoints.low, flow.endpoints.high);
    let mut client_side = flow.client_side();
    let is_ipsec = flow.protocol() == ESP || flow.udp().is_some_and(crate::flow::Udp::is_ipsec);
    if is_ipsec {
        if let Some(client) = initiators.get(&(low.0.min(high.0), low.0.max(high.0))) {
            client_side = if *client == low.0 { Side::Low } else { Side::High };
        }
    } else if !flow.client_is_certain() {
        let known = (context.scope.is_client(low.0), context.scope.is_client(high.0));
        match known {
            (Some(true), Some(false)) => client_side = Side::Low,
            (Some(false), Some(true)) => client_side = Side::High,
            _ if flow.protocol() == TCP => {
                let server =
                    server_by_payload(flow).or_else(|| known_port(context, flow)).or_else(|| shared.server(flow));
                client_side = server.map_or(client_side, Side::other);
            }
            _ => {}
        }
    }
    Parties { endpoints: &flow.endpoints, client_side }
}

/// The side that speaks as a server does, or hears what a client says first.
fn server_by_payload(flow: &FlowView<'_>) -> Option<Side> {
    [Side::Low, Side::High].into_iter().find_map(|side| match flow.spoken(side)? {
        Spoken::TlsServer | Spoken::HttpResponse => Some(side),
        Spoken::TlsClient | Spoken::HttpRequest => Some(side.other()),
        _ => None,
    })
}

/// The side whose port is in the table, or else has a use, where the other's has none.
fn known_port(context: &Context<'_>, flow: &FlowView<'_>) -> Option<Side> {
    let scope = context.scope;
    let only = |is_its: &dyn Fn(u16) -> bool| {
        let is_its = |side| is_its(flow.endpoints.side(side).1);
        match (is_its(Side::Low), is_its(Side::High)) {
            (true, false) => Some(Side::Low),
            (false, true) => Some(Side::High),
            _ => None,
        }
    };
    only(&|port| scope.profile.transports_on(flow.protocol(), port).next().is_some())
        .or_else(|| only(&|port| scope.known.hint(flow.protocol(), port).is_some()))
}

/// How many connections each end has of the TCP connections whose opening is not in the capture: a client opens each from a port of its
/// own (RFC 6056), a server has all of them on one.
struct SharedPorts(BTreeMap<(IpAddr, u16), u32>);

impl SharedPorts {
    fn of(context: &Context<'_>) -> Self {
        let is_tcp = |flow: &&FlowView<'_>| flow.protocol() == TCP;
        let mut shared = SharedPorts(BTreeMap::new());
        for flow in context.flows.iter().filter(is_tcp).filter(|flow| !flow.client_is_certain()) {
            shared.0.entry(flow.client()).or_default();
            shared.0.entry(flow.server()).or_default();
        }
        if !shared.0.is_empty() {
            for flow in context.flows.iter().filter(is_tcp) {
                for end in [flow.client(), flow.server()] {
                    if let Some(count) = shared.0.get_mut(&end) {
                        *count += 1;
                    }
                }
            }
        }
        shared
    }

    /// The end of a connection that has others too, where the other end has none.
    fn server(&self, flow: &FlowView<'_>) -> Option<Side> {
        let is_shared = |side| self.0.get(&flow.endpoints.side(side)).is_some_and(|count| *count > 1);
        match (is_shared(Side::Low), is_shared(Side::High)) {
            (true, false) => Some(Side::Low),
            (false, true) => Some(Side::High),
            _ => None,
        }
    }
}

/// For each two hosts that speak IPsec: which of them is the client.
fn ike_initiators(context: &Context<'_>, roles: &Roles) -> BTreeMap<(IpAddr, IpAddr), IpAddr> {
    let mut initiators = BTreeMap::new();
    let mut guesses: BTreeMap<(IpAddr, IpAddr), (u8, IpAddr)> = BTreeMap::new();
    for flow in context.flows {
        if flow.protocol() != ESP && !flow.udp().is_some_and(crate::flow::Udp::is_ipsec) {
            continue;
        }
        let (low, high) = (flow.endpoints.low, flow.endpoints.high);
        let pair = (low.0.min(high.0), low.0.max(high.0));
        let client = flow.client().0;
        if flow.client_is_certain() {
            initiators.entry(pair).or_insert(client);
            continue;
        }
        // The surest sign of any flow counts: the user's word, a port of the client's own, a private address, who spoke first.
        let (sureness, guess) = if roles.is_server(low.0) || context.scope.is_client(high.0) == Some(true) {
            (3, high.0)
        } else if roles.is_server(high.0) || context.scope.is_client(low.0) == Some(true) {
            (3, low.0)
        } else if low.1 != high.1 && flow.protocol() == UDP {
            (2, client)
        } else if is_private(low.0) != is_private(high.0) {
            (1, if is_private(low.0) { low.0 } else { high.0 })
        } else {
            (0, client)
        };
        let known = guesses.entry(pair).or_insert((sureness, guess));
        if sureness > known.0 {
            *known = (sureness, guess);
        }
    }
    for (pair, (_, guess)) in guesses {
        initiators.entry(pair).or_insert(guess);
    }
    initiators
}

/// RFC 1918, RFC 6598 and RFC 4193: where endpoints are and public gateways are not.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.segments()[0] & 0xfe00 == 0xfc00,
    }
}

/// The user's servers, with their names resolved by the capture.
pub(super) struct Roles {
    servers: BTreeMap<IpAddr, Vec<RoleAt>>,
    /// Roles of which at least one server has an address.
    resolved: Vec<String>,
}

struct RoleAt {
    role: String,
    port: Option<u16>,
}

impl Roles {
    pub(super) fn of(context: &Context<'_>) -> Self {
        let mut roles = Roles { servers: BTreeMap::new(), resolved: Vec::new() };
        for server in &context.scope.site.servers {
            let mut add = |address: IpAddr| {
                let at = RoleAt { role: server.role.clone(), port: server.port };
                roles.servers.entry(address).or_default().push(at);
                if !roles.resolved.contains(&server.role) {
                    roles.resolved.push(server.role.clone());
                }
            };
            match &server.host {
                Host::Address(address) => add(*address),
                Host::Name(pattern) => {
                    for (address, names) in context.names.iter() {
                        if names.iter().any(|name| pattern.matches(&name.name)) {
                            add(address);
                        }
                    }
                }
            }
        }
        roles
    }

    /// Whether the site file names a server of one of the service's own roles that has an address here.
    fn resolves(&self, service: &Service) -> bool {
        service.roles.iter().any(|role| self.resolved.contains(role))
    }

    fn at(&self, server: IpAddr) -> &[RoleAt] {
        self.servers.get(&server).map_or(&[], Vec::as_slice)
    }

    fn is_server(&self, address: IpAddr) -> bool {
        self.servers.contains_key(&address)
    }

    fn offers(&self, context: &Context<'_>, server: IpAddr, service: usize) -> bool {
        let Some(service) = context.scope.profile.services.get(service) else { return false };
        self.at(server).iter().any(|at| service.is_offered_by(&at.role))
    }

    fn offers_first(&self, context: &Context<'_>, server: IpAddr, service: usize) -> bool {
        let Some(service) = context.scope.profile.services.get(service) else { return false };
        self.at(server).iter().any(|at| service.roles.contains(&at.role))
    }

    fn has_own_port(&self, service: &Service, server: IpAddr, port: u16) -> bool {
        self.at(server).iter().any(|at| at.port == Some(port) && service.roles.contains(&at.role))
    }

    /// Roles of the site file whose names match no address of the capture.
    pub(super) fn unresolved<'s>(&self, context: &Context<'s>) -> Vec<&'s str> {
        let mut roles: Vec<&str> = context.scope.site.servers.iter().map(|server| server.role.as_str()).collect();
        roles.sort_unstable();
        roles.dedup();
        roles.retain(|role| !self.resolved.iter().any(|resolved| resolved == role));
        roles
    }
}
