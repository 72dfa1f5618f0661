//! Signs that tell a service from the web and mail that share its port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::claims::Parties;
use super::context::Context;
use super::payload;
use crate::decode::Side;
use crate::flow::{FlowView, NameSource};
use crate::proto::sniff::Spoken;
use crate::report::Attribution;

/// What the capture as a whole says of servers.
pub(super) struct Signs {
    gateways: BTreeMap<IpAddr, Attribution>,
    /// Sites contacted, by port group.
    sites: BTreeMap<Crowd, BTreeSet<String>>,
    /// Of the names of each address those that a service or the vendor goes by: shared addresses have thousands of others.
    telling: BTreeMap<IpAddr, Vec<(String, Attribution)>>,
    /// Addresses with a name of the vendor.
    vendors: BTreeSet<IpAddr>,
    /// Address and port that a search for devices went out from (UPnP Device Architecture 2.0, 1.3): their answers come there, from any
    /// port.
    searched: BTreeSet<(IpAddr, u16)>,
}

/// Where searches for devices go to (SSDP).
const SEARCH: u16 = 1900;

const UDP: u8 = 17;

/// Ports whose sites count together: TLS and QUIC or DTLS on 443 are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crowd(u16);

impl Signs {
    pub(super) fn of(context: &Context<'_>, flows: &[(&FlowView<'_>, Parties<'_>)]) -> Self {
        let mut signs = Signs {
            gateways: BTreeMap::new(),
            sites: BTreeMap::new(),
            telling: BTreeMap::new(),
            vendors: BTreeSet::new(),
            searched: BTreeSet::new(),
        };
        signs.read_names(context);
        let mut speaks_tls = BTreeSet::new();
        let mut speaks_dtls = BTreeSet::new();
        for (flow, parties) in flows {
            if flow.protocol() == UDP && parties.server_port() == SEARCH && parties.server().is_multicast() {
                let client = parties.client_side;
                signs.searched.insert(flow.endpoints.side(client));
            }
            let spoken = flow.spoken(parties.client_side);
            let pair = (parties.client(), parties.server());
            if answered_ike(flow, parties) {
                signs.gateways.insert(parties.server(), Attribution::Payload);
            }
            if payload::factory_unit(flow).as_deref() == Some("gateway") {
                signs.gateways.insert(parties.server(), Attribution::Payload);
            }
            if !context.scope.profile.is_crowded(flow.protocol(), parties.server_port()) {
                continue;
            }
            match spoken {
                Some(Spoken::TlsClient) => _ = speaks_tls.insert(pair),
                Some(Spoken::Dtls) if !payload::is_anyconnect(flow) => _ = speaks_dtls.insert(pair),
                _ => {}
            }
            if sni(flow).is_some_and(|name| name.parse::<IpAddr>().is_ok()) {
                signs.gateways.entry(parties.server()).or_insert(Attribution::Payload);
            }
            let site = context.names.name(parties.server()).map_or_else(|| parties.server().to_string(), str::to_owned);
            signs.sites.entry(Crowd(parties.server_port())).or_default().insert(site);
        }
        for (_, server) in speaks_tls.intersection(&speaks_dtls) {
            signs.gateways.entry(*server).or_insert(Attribution::Payload);
        }
        signs
    }

    fn read_names(&mut self, context: &Context<'_>) {
        let profile = &context.scope.profile;
        for (address, names) in context.names.iter() {
            for name in names {
                let vendor = profile.is_vendor_name(&name.name);
                if vendor {
                    self.vendors.insert(address);
                }
                if vendor || profile.services.iter().any(|service| service.has_name(&name.name)) {
                    self.telling.entry(address).or_default().push((name.name.clone(), attribution(name.source)));
                }
            }
        }
    }

    /// What says that a server is the gateway, if anything does.
    pub(super) fn is_gateway(&self, server: IpAddr) -> Option<Attribution> {
        self.gateways.get(&server).copied()
    }

    /// Whether a datagram goes where a search for devices came from, and looks like an answer as far as it was looked at.
    pub(super) fn answers_search(&self, flow: &FlowView<'_>) -> bool {
        let to = |side: Side| self.searched.contains(&flow.endpoints.side(side)) && flow.packets(side) == 0;
        let spoken = |side: Side| flow.spoken(side.other()).is_none_or(|spoken| spoken == Spoken::Text);
        flow.protocol() == UDP && [Side::Low, Side::High].into_iter().any(|side| to(side) && spoken(side))
    }

    /// Whether any server was found to be the gateway.
    pub(super) fn found_gateway(&self) -> bool {
        !self.gateways.is_empty()
    }

    /// Whether more than one site was contacted on a crowded port.
    pub(super) fn has_several_sites(&self, port: u16) -> bool {
        self.sites.get(&Crowd(port)).is_some_and(|sites| sites.len() > 1)
    }

    /// Whether a name of the server is the vendor's.
    pub(super) fn is_vendor(&self, server: IpAddr) -> bool {
        self.vendors.contains(&server)
    }

    /// The candidates that a name of the server stands for: the service's own names first, then, for what the vendor's cloud
    /// serves, any name of the vendor.
    pub(super) fn by_name(
        &self,
        context: &Context<'_>,
        flow: &FlowView<'_>,
        parties: Parties<'_>,
        candidates: &[(usize, usize)],
    ) -> Option<(Vec<(usize, usize)>, Attribution)> {
        let profile = &context.scope.profile;
        let asked = asked_name(flow);
        let known = self.telling.get(&parties.server()).into_iter().flatten();
        let names = asked
            .iter()
            .map(|name| (name.as_str(), Attribution::Name))
            .chain(known.map(|(name, attribution)| (name.as_str(), *attribution)));
        let mut by_vendor = None;
        for (name, attribution) in names {
            let own: Vec<_> = candidates
                .iter()
                .copied()
                .filter(|(service, _)| profile.services.get(*service).is_some_and(|service| service.has_name(name)))
                .collect();
            if !own.is_empty() {
                return Some((own, attribution));
            }
            if by_vendor.is_none() && profile.is_vendor_name(name) {
                let cloud: Vec<_> = candidates
                    .iter()
                    .copied()
                    .filter(|(service, _)| {
                        profile.services.get(*service).is_some_and(|service| service.is_offered_by("fortiguard"))
                    })
                    .collect();
                by_vendor = (!cloud.is_empty()).then(|| {
                    let attribution = if cloud.len() > 1 { Attribution::SharedPort } else { attribution };
                    (cloud, attribution)
                });
            }
        }
        by_vendor
    }

    /// Whether the server is the only site contacted on its crowded port, and nothing says that it is an ordinary one.
    pub(super) fn is_only_site(
        &self,
        context: &Context<'_>,
        flow: &FlowView<'_>,
        parties: Parties<'_>,
        candidates: &[(usize, usize)],
    ) -> bool {
        let alone = self.sites.get(&Crowd(parties.server_port())).is_some_and(|sites| sites.len() == 1);
        let gateway_port = super::claims::offers_gateway(context, candidates);
        // A gateway that showed itself elsewhere makes every other server on 443 background.
        if !alone || parties.server().is_loopback() || gateway_port && self.found_gateway() {
            return false;
        }
        let named = asked_name(flow).is_some_and(|name| name.parse::<IpAddr>().is_err())
            || !context.names.names(parties.server()).is_empty();
        parties.server_port() != 80 || !named
    }
}

/// What the client asked for in this flow: SNI or Host, without a port.
fn asked_name(flow: &FlowView<'_>) -> Option<String> {
    flow.app()?.server_name().map(crate::analysis::host_of)
}

fn sni<'a>(flow: &FlowView<'a>) -> Option<&'a str> {
    flow.app()?.tls.as_ref()?.client_hello.as_ref()?.server_name.as_deref()
}

fn answered_ike(flow: &FlowView<'_>, parties: &Parties<'_>) -> bool {
    let server = parties.client_side.other();
    flow.udp()
        .and_then(|udp| udp.ike.as_ref())
        .is_some_and(|ike| ike.messages().iter().any(|message| message.side == server))
}

fn attribution(source: NameSource) -> Attribution {
    match source {
        NameSource::Sni | NameSource::Host => Attribution::Name,
        NameSource::Dns | NameSource::CaptureFile => Attribution::Dns,
    }
}
