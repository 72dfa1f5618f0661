//! How ports, names, servers and networks are written, in files and on the command line.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

use super::known::protocol_number;
use super::mistakes::nearest_or_all;
use super::{Host, NamePattern, Ports, Profile, Selector, Server};

/// A word that does not have the form it must have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{title}: {expected}{}", help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())]
pub struct Malformed {
    /// What is wrong.
    pub title: String,
    /// What was expected.
    pub expected: String,
    /// What would be right, where that can be guessed.
    pub help: Option<String>,
}

impl Malformed {
    fn new(title: impl Into<String>, expected: &str) -> Self {
        Malformed { title: title.into(), expected: expected.to_owned(), help: None }
    }

    fn or_rather(self, right: impl std::fmt::Display) -> Self {
        Malformed { help: Some(format!("write `{right}`")), ..self }
    }
}

/// A host with the port of its own that may follow it: `vpn.example.com`, `203.0.113.10:10443`, `[2001:db8::1]:443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address or name.
    pub host: Host,
    /// The port, where one is given.
    pub port: Option<u16>,
}

impl Server {
    /// Parses what `--server` is given, `ROLE=HOST[:PORT]`. The error is for people.
    pub fn parse_argument(argument: &str, profile: &Profile) -> Result<Server, String> {
        let (role, endpoint) = argument
            .split_once('=')
            .ok_or_else(|| format!("`{argument}` names no role: write ROLE=HOST[:PORT], as in gateway=203.0.113.10"))?;
        if !profile.roles().contains(&role) {
            let hint = nearest_or_all(role, profile.roles());
            return Err(format!("profile `{}` has no role `{role}`; {hint}", profile.id));
        }
        let Endpoint { host, port } = endpoint.parse().map_err(|malformed: Malformed| malformed.to_string())?;
        Ok(Server { role: role.to_owned(), host, port })
    }
}

/// A network (`10.20.0.0/16`) or a single address.
pub fn parse_network(text: &str) -> Result<IpNet, Malformed> {
    let malformed = || {
        Malformed::new(
            format!("`{text}` is not a network"),
            "expected an address with a prefix length, as `10.20.0.0/16`",
        )
    };
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = text.parse().map_err(|_| {
        let whole = text.parse::<Host>().is_ok_and(|host| matches!(host, Host::Name(_)));
        if whole { Malformed { help: Some("names cannot stand here".to_owned()), ..malformed() } } else { malformed() }
    })?;
    if network == network.trunc() {
        Ok(network)
    } else {
        let title = format!("`{text}` is an address within a network");
        Err(Malformed::new(title, "expected the network's own address").or_rather(network.trunc()))
    }
}

impl FromStr for Ports {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (Some(first), Some(last)) = (port(first), port(last)) else {
            return Err(Malformed::new(
                format!("`{text}` is not a port"),
                "expected 1 to 65535, or a range as `1024-5000`",
            ));
        };
        if first > last {
            let title = format!("`{text}` runs backwards");
            return Err(
                Malformed::new(title, "expected the lower port first").or_rather(Ports { first: last, last: first })
            );
        }
        Ok(Ports { first, last })
    }
}

impl FromStr for Selector {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let lower = text.to_ascii_lowercase();
        match lower.split_once('/') {
            Some(("tcp", ports)) => ports.parse().map(Selector::Tcp),
            Some(("udp", ports)) => ports.parse().map(Selector::Udp),
            Some(("proto", "6")) => Err(needs_ports(text, "tcp")),
            Some(("proto", "17")) => Err(needs_ports(text, "udp")),
            Some(("proto", number)) => number.parse().map(Selector::Proto).map_err(|_| {
                Malformed::new(
                    format!("`{text}` is not an IP protocol"),
                    "expected a number from 0 to 255, as `proto/50`",
                )
            }),
            None if lower == "iketcp" => Ok(Selector::IkeTcpPrefix),
            _ => Err(not_a_selector(text, &lower)),
        }
    }
}

impl FromStr for NamePattern {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || {
            Malformed::new(
                format!("`{text}` is not a host name"),
                "expected a name as `vpn.example.com` or `*.example.com`",
            )
        };
        let (below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        let name = name.strip_suffix('.').unwrap_or(name);
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            return Err(if host.is_empty() { malformed() } else { malformed().or_rather(host) });
        }
        if !name.is_ascii() {
            let help = "on the wire it is in its `xn--` form: write that".to_owned();
            return Err(Malformed { help: Some(help), ..malformed() });
        }
        // RFC 1123 2.1: no name ends in a label of digits, so that this is an address gone wrong.
        let is_address = name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        if is_address || name.len() > 253 || !name.split('.').all(is_label) {
            return Err(malformed());
        }
        Ok(NamePattern { name: name.to_ascii_lowercase(), below })
    }
}

impl FromStr for Host {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Host::Address(address.to_canonical()));
        }
        NamePattern::from_str(text).map(Host::Name).map_err(|malformed| Malformed {
            title: format!("`{text}` is neither an address nor a host name"),
            expected: "expected as `203.0.113.10`, `2001:db8::1`, `vpn.example.com`".to_owned(),
            ..malformed
        })
    }
}

impl FromStr for Endpoint {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let with_port = |host: Host, text: &str| match port(text) {
            Some(port) => Ok(Endpoint { host, port: Some(port) }),
            None => Err(Malformed::new(format!("`{text}` is not a port"), "expected 1 to 65535 after the colon")),
        };
        if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let host = address.parse::<Ipv6Addr>().map(|address| Host::Address(IpAddr::V6(address).to_canonical()));
            return match (host, rest.strip_prefix(':')) {
                (Ok(host), Some(port)) => with_port(host, port),
                (Ok(host), None) if rest.is_empty() => Ok(Endpoint { host, port: None }),
                _ => Err(Malformed::new(
                    format!("`{text}` is not a server"),
                    "expected an IPv6 address with a port, as `[2001:db8::1]:10443`",
                )),
            };
        }
        match text.split_once(':') {
            Some((host, port)) if !port.contains([':', '/']) => with_port(host.parse()?, port),
            _ => text.parse().map(|host| Endpoint { host, port: None }),
        }
    }
}

/// A port: digits alone (`u16` would take `+80`), and not 0, which no packet is sent to.
fn port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten().filter(|port| *port != 0)
}

/// A label of a host name (RFC 1123 2.1); an underscore is allowed, since resolvers allow it.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn needs_ports(text: &str, protocol: &str) -> Malformed {
    Malformed::new(format!("`{text}` says no port"), "expected a protocol and a port")
        .or_rather(format!("{protocol}/1-65535"))
}

/// With the form that was probably meant: `8013/tcp`, `tcp:8013`, `8013`, `esp`.
fn not_a_selector(text: &str, lower: &str) -> Malformed {
    let malformed = Malformed::new(
        format!("`{text}` is not a protocol and port"),
        "expected as `tcp/8013`, `udp/1024-5000`, `proto/50` or `iketcp`",
    );
    if let Some(number) = protocol_number(lower) {
        return match number {
            6 | 17 => malformed.or_rather(format!("{lower}/PORT")),
            _ => malformed.or_rather(Selector::Proto(number)),
        };
    }
    let protocol = ["tcp", "udp"].into_iter().find(|protocol| lower.starts_with(protocol) || lower.ends_with(protocol));
    let ports = lower.trim_matches(|c: char| !c.is_ascii_digit()).parse::<Ports>();
    match (protocol, ports) {
        (Some(protocol), Ok(ports)) => malformed.or_rather(format!("{protocol}/{ports}")),
        (None, Ok(ports)) => Malformed { help: Some(format!("write `tcp/{ports}` or `udp/{ports}`")), ..malformed },
        (_, Err(_)) => malformed,
    }
}
