//! What a run judges against: the table, the site file, and what the user said on the command line.

use std::net::IpAddr;

use crate::flow::PortHints;
use crate::profile::{Known, Ports, Profile, Selector, Site, Speaks};
use crate::report::{Vantage, Verdict};

/// What captures are judged against.
#[derive(Debug)]
pub struct Scope {
    /// The table, with the site's customised ports.
    pub profile: Profile,
    /// What the user says of their network.
    pub site: Site,
    /// Everyday traffic and port names.
    pub known: Known,
    /// Where the captures were taken, as the user says.
    pub vantage: Vantage,
    /// What makes the outcome worse besides what always does.
    pub fail_on: Vec<FailOn>,
    /// Whether an inconclusive outcome has exit status 0.
    pub allow_inconclusive: bool,
}

/// What `--fail-on` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// Any unexpected flow.
    Unexpected,
    /// A degraded service.
    Degraded,
    /// An inconclusive service.
    Inconclusive,
}

impl FailOn {
    /// The verdict that it names; none for unexpected flows.
    pub fn verdict(self) -> Option<Verdict> {
        match self {
            FailOn::Unexpected => None,
            FailOn::Degraded => Some(Verdict::Degraded),
            FailOn::Inconclusive => Some(Verdict::Inconclusive),
        }
    }
}

impl Scope {
    /// A scope of the table as the site file customises it.
    pub fn new(profile: Profile, site: Site) -> Self {
        Scope {
            profile: profile.with_site(&site),
            site,
            known: Known::load(),
            vantage: Vantage::Unknown,
            fail_on: Vec::new(),
            allow_inconclusive: false,
        }
    }

    /// The ports that matter to the trackers.
    pub fn hints(&self) -> PortHints {
        let mut hints = PortHints::default();
        for transport in self.profile.services.iter().flat_map(|service| &service.transports) {
            for selector in &transport.selectors {
                add(&mut hints, *selector, transport.speaks);
            }
        }
        // A server's own port counts for every service of its role, whatever is spoken there.
        for (server, port) in self.site.servers.iter().filter_map(|server| Some((server, server.port?))) {
            for service in self.profile.services.iter().filter(|service| service.is_offered_by(&server.role)) {
                for transport in &service.transports {
                    match transport.protocol() {
                        Some(6) => add(&mut hints, Selector::Tcp(Ports::one(port)), transport.speaks),
                        Some(17) => add(&mut hints, Selector::Udp(Ports::one(port)), transport.speaks),
                        _ => {}
                    }
                }
            }
        }
        hints
    }

    /// Whether the address is one of the user's clients; none where the user does not say.
    pub fn is_client(&self, address: IpAddr) -> Option<bool> {
        let networks = &self.site.clients;
        (!networks.is_empty()).then(|| networks.iter().any(|network| network.contains(&address)))
    }
}

fn add(hints: &mut PortHints, selector: Selector, speaks: Speaks) {
    match selector {
        Selector::Tcp(ports) => hints.add_tcp(ports.first, ports.last),
        Selector::Udp(ports) if matches!(speaks, Speaks::Ike | Speaks::NatT) => hints.add_ike(ports.first, ports.last),
        Selector::Udp(ports) => hints.add_udp(ports.first, ports.last),
        Selector::Proto(_) | Selector::IkeTcpPrefix => {}
    }
}
