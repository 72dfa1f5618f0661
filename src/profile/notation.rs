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
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = text.parse().map_err(|_| {
        let expected = "expected an address with a prefix length, as `10.20.0.0/16`";
        Malformed::new(format!("`{text}` is not a network"), expected)
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
            return Err(Malformed::new(format!("`{text}` runs backwards"), "expected the lower port first"));
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
        if text.parse::<IpNet>().is_ok() {
            let title = format!("`{text}` is a network");
            return Err(Malformed::new(title, "expected the addresses of its servers, one by one"));
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
    match (protocol, lower.trim_matches(|c: char| !c.is_ascii_digit()).parse::<Ports>()) {
        (Some(protocol), Ok(ports)) => malformed.or_rather(format!("{protocol}/{ports}")),
        (None, Ok(ports)) if ports.to_string() == lower => {
            Malformed { help: Some(format!("write `tcp/{ports}` or `udp/{ports}`")), ..malformed }
        }
        _ => malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, parse_network};
    use crate::profile::{NamePattern, Ports, Profile, Selector, Server};

    fn endpoint(text: &str) -> Result<(String, Option<u16>), String> {
        let endpoint: Result<Endpoint, _> = text.parse();
        endpoint.map(|endpoint| (endpoint.host.to_string(), endpoint.port)).map_err(|malformed| malformed.to_string())
    }

    #[test]
    fn selectors_are_shown_as_they_are_written() {
        for text in ["tcp/8013", "udp/500", "tcp/1024-5000", "proto/50", "proto/0", "iketcp", "tcp/1-65535"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
        assert_eq!("TCP/8013".parse(), Ok(Selector::Tcp(Ports::one(8013))));
    }

    #[test]
    fn a_selector_gone_wrong_says_what_would_be_right() {
        for (text, help) in [
            ("8013/tcp", Some("write `tcp/8013`")),
            ("tcp:8013", Some("write `tcp/8013`")),
            ("udp 500-510", Some("write `udp/500-510`")),
            ("8013", Some("write `tcp/8013` or `udp/8013`")),
            ("esp", Some("write `proto/50`")),
            ("udp", Some("write `udp/PORT`")),
            ("tcp/9-5", None),
            ("proto/17", Some("write `udp/1-65535`")),
            ("tcp/", None),
            ("tcp/0", None),
            ("tcp/65536", None),
            ("tcp/+80", None),
            ("tcp/1-2-3", None),
            ("tcp/-", None),
            ("proto/-1", None),
            ("proto/256", None),
            ("sctp/80", None),
            ("", None),
            ("/", None),
            ("ü/80", None),
        ] {
            assert_eq!(text.parse::<Selector>().unwrap_err().help.as_deref(), help, "{text}");
        }
    }

    #[test]
    fn endpoints_have_a_host_and_perhaps_a_port() {
        let some = |host: &str, port| Ok((host.to_owned(), port));
        assert_eq!(endpoint("vpn.example.com"), some("vpn.example.com", None));
        assert_eq!(endpoint("vpn.example.com:10443"), some("vpn.example.com", Some(10443)));
        assert_eq!(endpoint("*.example.com:443"), some("*.example.com", Some(443)));
        assert_eq!(endpoint("203.0.113.10"), some("203.0.113.10", None));
        assert_eq!(endpoint("203.0.113.10:443"), some("203.0.113.10", Some(443)));
        assert_eq!(endpoint("2001:db8::1"), some("2001:db8::1", None));
        assert_eq!(endpoint("::1"), some("::1", None));
        assert_eq!(endpoint("[2001:db8::1]"), some("2001:db8::1", None));
        assert_eq!(endpoint("[2001:db8::1]:443"), some("2001:db8::1", Some(443)));
    }

    #[test]
    fn endpoints_gone_wrong_are_refused() {
        for text in [
            "",
            ":443",
            "a:",
            "a:b",
            "a:0",
            "a:65536",
            "[::1",
            "[::1]x",
            "[10.0.0.1]:1",
            "fe80::1%eth0",
            "a b",
            "-a",
            "a..b",
            "*",
            "*.",
        ] {
            assert!(endpoint(text).is_err(), "{text}");
        }
        assert_eq!(endpoint("a:99999"), Err("`99999` is not a port: expected 1 to 65535 after the colon".to_owned()));
        assert!(endpoint("https://vpn.example.com/x").unwrap_err().ends_with("write `vpn.example.com`"));
    }

    #[test]
    fn names_have_labels_of_at_most_63() {
        assert!(format!("{}.example", "a".repeat(63)).parse::<NamePattern>().is_ok());
        assert!(format!("{}.example", "a".repeat(64)).parse::<NamePattern>().is_err());
        assert!(["a"; 128].join(".").parse::<NamePattern>().is_err());
        assert_eq!("*.Example.com.".parse::<NamePattern>().unwrap().to_string(), "*.example.com");
    }

    #[test]
    fn networks_are_written_by_their_own_address() {
        assert_eq!(parse_network("10.20.0.0/16").unwrap().to_string(), "10.20.0.0/16");
        assert_eq!(parse_network("2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
        assert_eq!(parse_network("10.20.1.7/16").unwrap_err().help.as_deref(), Some("write `10.20.0.0/16`"));
        assert!(parse_network("10.20.0.0/33").is_err());
        assert!(parse_network("").is_err());
    }

    #[test]
    fn an_argument_is_a_role_and_an_endpoint() {
        let profile = Profile::builtin(Profile::DEFAULT).unwrap();
        let server = Server::parse_argument("gateway=203.0.113.10:10443", &profile).unwrap();
        assert_eq!(
            (server.role.as_str(), server.host.to_string().as_str(), server.port),
            ("gateway", "203.0.113.10", Some(10443))
        );
        for (argument, error) in [
            ("203.0.113.10", "`203.0.113.10` names no role: write ROLE=HOST[:PORT], as in gateway=203.0.113.10"),
            ("gatway=203.0.113.10", "profile `forticlient` has no role `gatway`; did you mean `gateway`?"),
            ("gateway=203.0.113.10:x", "`x` is not a port: expected 1 to 65535 after the colon"),
        ] {
            assert_eq!(Server::parse_argument(argument, &profile), Err(error.to_owned()));
        }
        let error = Server::parse_argument("firewall=a", &profile).unwrap_err();
        assert!(error.contains("expected one of `ems`, `fortianalyzer`"), "{error}");
    }
}
