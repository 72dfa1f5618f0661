//! The table of required services, as it is after parsing.

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
    /// SHA-256 of the text that it was read from, in hexadecimal.
    pub sha256: String,
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
    /// Roles whose servers offer the service, `gateway`.
    pub roles: Vec<String>,
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
    /// What it matches; the first is the usual one.
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
