//! The table of required services, as it is after parsing.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// A table of required services.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Kebab-case identifier, `forticlient`.
    pub id: String,
    /// The table's own version (not the vendor's).
    pub version: String,
    /// A title for people.
    pub title: String,
    /// SHA-256 of [`Profile::text`], in hexadecimal.
    pub sha256: String,
    /// The TOML that it was read from, for `profile export`; a site file's ports do not change it.
    pub text: String,
    /// Ports that much else uses: traffic there counts for a service only with a sign.
    pub crowded: Vec<Selector>,
    /// Names of the vendor's own hosts.
    pub vendor_names: Vec<NamePattern>,
    /// The services, in the table's order.
    pub services: Vec<Service>,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Kebab-case identifier, `ipsec-vpn`.
    pub id: String,
    /// The vendor's name for it.
    pub name: String,
    /// What it is used for, in the vendor's words.
    pub usage: String,
    /// Where the vendor lets its port be changed, `GUI`; none for `N/A`.
    pub customised_by: Option<String>,
    /// Document and product version that the row was read in.
    pub source: String,
    /// Whether the service never answers, as syslog over UDP.
    pub one_way: bool,
    /// Roles whose servers offer the service, `ems`. Naming one of them confines the service to named servers.
    pub roles: Vec<String>,
    /// Roles whose servers may offer it too, `gateway` for telemetry. A named one is recognised, but confines nothing:
    /// whoever names the gateway has said nothing of where the EMS is.
    pub also_roles: Vec<String>,
    /// Host names that belong to this service alone.
    pub names: Vec<NamePattern>,
    /// The ways it can travel.
    pub transports: Vec<Transport>,
    /// Sets of transports that suffice, as indexes into `transports`; the first is the usual one.
    pub sufficient: Vec<Vec<usize>>,
}

/// One way that a service can travel.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    /// Kebab-case identifier, `nat-t`.
    pub id: String,
    /// What is spoken there.
    pub speaks: Speaks,
    /// Whether it is used only where it was switched on.
    pub optional: bool,
    /// The transport whose port numbers it shares, as an index into the service's: DTLS has those of TLS.
    pub same_port_as: Option<usize>,
    /// What it matches; the first is the usual one. All are of one IP protocol.
    pub selectors: Vec<Selector>,
}

/// The protocol that a transport carries, by which its payload is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Speaks {
    Tls,
    Dtls,
    Http,
    Smtp,
    Syslog,
    /// The vendor's log and file transfer, in TLS or bare.
    Oftp,
    Fsso,
    /// URL rating over UDP: opaque requests and answers.
    Rating,
    Ike,
    Esp,
    NatT,
    IkeTcp,
}

/// What a transport, an allow rule or a list of ports matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Selector {
    /// `tcp/8013`, `tcp/1024-5000`.
    Tcp(Ports),
    /// `udp/500`.
    Udp(Ports),
    /// `proto/50`: an IP protocol.
    Proto(u8),
    /// `iketcp`: any TCP connection that opens with the `IKETCP` prefix (RFC 8229, RFC 9329).
    IkeTcpPrefix,
}

/// An inclusive range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Profile {
    /// The service with this identifier.
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    /// Every role that a service names, sorted, each once.
    pub fn roles(&self) -> Vec<&str> {
        let roles: BTreeSet<&str> = self.services.iter().flat_map(Service::every_role).collect();
        roles.into_iter().collect()
    }

    /// The transports that a protocol and server port match, with their services.
    pub fn transports_on(&self, protocol: u8, port: u16) -> impl Iterator<Item = (&Service, &Transport)> {
        let all = self.services.iter().flat_map(|service| service.transports.iter().map(move |one| (service, one)));
        all.filter(move |(_, transport)| transport.selectors.iter().any(|selector| selector.matches(protocol, port)))
    }

    /// Whether a host is one of the vendor's own.
    pub fn is_vendor_name(&self, name: &str) -> bool {
        self.vendor_names.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether the protocol and server port are crowded.
    pub fn is_crowded(&self, protocol: u8, port: u16) -> bool {
        self.crowded.iter().any(|selector| selector.matches(protocol, port))
    }
}

impl Service {
    /// Its roles, and then those that may offer it too.
    pub fn every_role(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().chain(&self.also_roles).map(String::as_str)
    }

    /// Whether a server of this role may offer the service.
    pub fn is_offered_by(&self, role: &str) -> bool {
        self.every_role().any(|own| own == role)
    }

    /// Whether a host name belongs to this service alone.
    pub fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether the site names a role that the service is confined to: then only servers of [`Service::every_role`]
    /// that the site names count, and the same port elsewhere is unexpected.
    pub fn is_confined(&self, site: &Site) -> bool {
        self.roles.iter().any(|role| site.is_named(role))
    }

    /// The transport with this identifier.
    pub fn transport(&self, id: &str) -> Option<&Transport> {
        self.transports.iter().find(|transport| transport.id == id)
    }
}

impl Ports {
    /// A single port.
    pub const fn one(port: u16) -> Self {
        Ports { first: port, last: port }
    }

    /// Whether the port is in the range.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl Selector {
    /// Whether it matches the protocol and server port of a flow. [`Selector::IkeTcpPrefix`] is a matter of payload and never does.
    pub fn matches(self, protocol: u8, port: u16) -> bool {
        match self {
            Selector::Tcp(ports) => protocol == 6 && ports.contains(port),
            Selector::Udp(ports) => protocol == 17 && ports.contains(port),
            Selector::Proto(number) => protocol == number,
            Selector::IkeTcpPrefix => false,
        }
    }

    /// The IP protocol that it is about.
    pub fn protocol(self) -> u8 {
        match self {
            Selector::Tcp(_) | Selector::IkeTcpPrefix => 6,
            Selector::Udp(_) => 17,
            Selector::Proto(number) => number,
        }
    }

    /// The first port; none where it names no port.
    pub fn port(self) -> Option<u16> {
        match self {
            Selector::Tcp(ports) | Selector::Udp(ports) => Some(ports.first),
            Selector::Proto(_) | Selector::IkeTcpPrefix => None,
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Tcp(ports) => write!(f, "tcp/{ports}"),
            Selector::Udp(ports) => write!(f, "udp/{ports}"),
            Selector::Proto(number) => write!(f, "proto/{number}"),
            Selector::IkeTcpPrefix => f.write_str("iketcp"),
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Address(address) => address.fmt(f),
            Host::Name(name) => name.fmt(f),
        }
    }
}

/// A host name, or with a leading `*.` any name below a domain (and the domain itself).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamePattern {
    /// Lower case, without the `*.` and without a final dot.
    pub name: String,
    /// Whether names below it match too.
    pub below: bool,
}

impl NamePattern {
    /// Whether `name` matches; letter case and a final dot do not matter.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.eq_ignore_ascii_case(&self.name) {
            return true;
        }
        let Some(start) = name.len().checked_sub(self.name.len()) else { return false };
        self.below
            && name.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(&self.name))
            && name.get(..start).is_some_and(|head| head.ends_with('.'))
    }
}

/// What the user says of their own network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// The servers of each role, in the order of the file.
    pub servers: Vec<Server>,
    /// The networks that clients are in; empty where not said.
    pub clients: Vec<IpNet>,
    /// Services whose ports were customised.
    pub ports: Vec<CustomPorts>,
    /// Identifiers of the services that must work.
    pub require: Vec<String>,
    /// Flows that are known and allowed.
    pub allow: Vec<Allow>,
    /// Words for the auditor, by service.
    pub audit: Vec<Audit>,
}

impl Site {
    /// Whether a server of this role is named.
    pub fn is_named(&self, role: &str) -> bool {
        self.servers.iter().any(|server| server.role == role)
    }

    /// Whether this service must work.
    pub fn requires(&self, service: &str) -> bool {
        self.require.iter().any(|id| id == service)
    }

    /// Requires every service of the profile.
    pub fn require_all(&mut self, profile: &Profile) {
        self.require = profile.services.iter().map(|service| service.id.clone()).collect();
    }

    /// The words for the auditor on this service.
    pub fn audit(&self, service: &str) -> Option<&Audit> {
        self.audit.iter().find(|audit| audit.service == service)
    }
}

/// One server of a role.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// The role, `gateway`.
    pub role: String,
    /// Its address or name.
    pub host: Host,
    /// A port of its own, which counts for every service of the role at that host besides the table's.
    pub port: Option<u16>,
}

/// An address, or a name that only names in the capture can resolve.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Host {
    Address(IpAddr),
    Name(NamePattern),
}

/// Ports that replace the profile's for a service or one of its transports.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomPorts {
    /// The service.
    pub service: String,
    /// The transport; none for every transport of that protocol.
    pub transport: Option<String>,
    /// The ports.
    pub selectors: Vec<Selector>,
}

/// A flow that is known and allowed: it is not reported as unexpected.
#[derive(Clone, Debug, PartialEq)]
pub struct Allow {
    /// Protocol and port.
    pub flow: Selector,
    /// Where to; empty for anywhere.
    pub to: Vec<IpNet>,
    /// Why.
    pub reason: Option<String>,
}

/// Words for the auditor.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// The service.
    pub service: String,
    /// Why the service is needed.
    pub business_need: Option<String>,
    /// The approval's reference.
    pub approval: Option<String>,
}
