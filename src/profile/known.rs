//! What everyday traffic looks like, and what an unexpected port is usually used for.

use std::borrow::Cow;
use std::str::FromStr;

use super::toml::{self, Entry, Section};
use super::{Mistakes, Selector};

/// The numbers and names of the IP protocols that a capture is likely to show (IANA, Protocol Numbers).
const PROTOCOLS: [(u8, &str); 20] = [
    (0, "hopopt"),
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipip"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "icmpv6"),
    (88, "eigrp"),
    (89, "ospf"),
    (97, "etherip"),
    (103, "pim"),
    (108, "ipcomp"),
    (112, "vrrp"),
    (115, "l2tp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// Everyday traffic and the names of ports, from `builtin/known.toml`.
#[derive(Clone, Debug, Default)]
pub struct Known {
    background: Vec<(Selector, String)>,
    hints: Vec<(Selector, String)>,
}

impl Known {
    /// The program's own list.
    pub fn load() -> Known {
        Known::parse("known.toml", include_str!("builtin/known.toml")).unwrap_or_default()
    }

    /// The kind of everyday traffic (`dns`, `web`) that this server port is, if it is one. `web` and `mail` are what
    /// crowded ports are where no sign makes them a service. ARP is no IP protocol, and is not found here.
    pub fn background(&self, protocol: u8, port: u16) -> Option<&str> {
        find(&self.background, protocol, port)
    }

    /// What this server port is usually used for: a hint, never a finding.
    pub fn hint(&self, protocol: u8, port: u16) -> Option<&str> {
        find(&self.hints, protocol, port).or_else(|| self.background(protocol, port))
    }

    fn parse(name: &str, text: &str) -> Result<Known, Mistakes> {
        let mut mistakes = Mistakes::none(name, text);
        let known = toml::parse(text, &mut mistakes).map(|document| {
            let section =
                Section::open("the list", document.get_ref(), 0..0).with_keys(&["background", "hints"], &mut mistakes);
            Known { background: background(&section, &mut mistakes), hints: hints(&section, &mut mistakes) }
        });
        mistakes.or(known)
    }
}

/// The name of an IP protocol; `proto/253` where it has none here, as an allow rule would have it.
pub fn protocol_name(protocol: u8) -> Cow<'static, str> {
    match PROTOCOLS.iter().find(|(number, _)| *number == protocol) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(format!("proto/{protocol}")),
    }
}

/// The number of an IP protocol.
pub(super) fn protocol_number(name: &str) -> Option<u8> {
    PROTOCOLS.iter().find(|(_, own)| *own == name).map(|(number, _)| *number)
}

fn find(list: &[(Selector, String)], protocol: u8, port: u16) -> Option<&str> {
    list.iter().find(|(selector, _)| selector.matches(protocol, port)).map(|(_, word)| word.as_str())
}

/// `dns = ["udp/53", "tcp/53"]`
fn background(section: &Section<'_>, mistakes: &mut Mistakes) -> Vec<(Selector, String)> {
    let mut background = Vec::new();
    for Entry { key, value } in entries(section, "background", mistakes) {
        for text in value.texts(mistakes) {
            background.extend(text.read(Selector::from_str, mistakes).map(|selector| (selector, key.text.to_owned())));
        }
    }
    background
}

/// `"tcp/22" = "ssh"`
fn hints(section: &Section<'_>, mistakes: &mut Mistakes) -> Vec<(Selector, String)> {
    let mut hints = Vec::new();
    for Entry { key, value } in entries(section, "hints", mistakes) {
        let word = value.text(mistakes).map(|word| word.text.to_owned());
        hints.extend(key.read(Selector::from_str, mistakes).zip(word));
    }
    hints
}

fn entries<'d>(section: &Section<'d>, key: &str, mistakes: &mut Mistakes) -> Vec<Entry<'d>> {
    let section = section.required(key, mistakes).and_then(|value| value.section("the list", "a table", mistakes));
    section.map(|section| section.entries).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Known, protocol_name, protocol_number};

    #[test]
    fn the_list_has_no_mistake() {
        let known = Known::parse("known.toml", include_str!("builtin/known.toml")).unwrap();
        assert!(known.hints.len() >= 60, "{}", known.hints.len());
        for (index, (selector, _)) in known.hints.iter().enumerate() {
            assert!(known.hints.iter().skip(index + 1).all(|(other, _)| other != selector), "{selector} stands twice");
        }
    }

    #[test]
    fn everyday_traffic_has_its_kind() {
        let known = Known::load();
        for (protocol, port, kind) in [
            (17, 53, "dns"),
            (6, 53, "dns"),
            (6, 853, "dns-over-tls"),
            (17, 67, "dhcp"),
            (17, 547, "dhcpv6"),
            (17, 123, "ntp"),
            (17, 5353, "mdns"),
            (17, 137, "netbios"),
            (17, 1900, "ssdp"),
            (1, 0, "icmp"),
            (2, 0, "igmp"),
            (58, 0, "icmpv6"),
            (6, 443, "web"),
            (17, 443, "web"),
            (6, 80, "web"),
            (6, 25, "mail"),
            (6, 465, "mail"),
            (6, 587, "mail"),
        ] {
            assert_eq!(known.background(protocol, port), Some(kind), "{protocol}/{port}");
        }
    }

    #[test]
    fn what_moves_files_or_opens_shells_is_not_everyday() {
        let known = Known::load();
        for port in [22, 23, 139, 389, 445, 3389, 5900, 8013, 8888, 514] {
            assert_eq!(known.background(6, port), None, "{port}");
        }
        assert_eq!(known.background(50, 0), None);
    }

    #[test]
    fn hints_name_ports() {
        let known = Known::load();
        assert_eq!(known.hint(6, 445), Some("microsoft-ds (SMB)"));
        assert_eq!(known.hint(6, 3389), Some("ms-wbt-server (RDP)"));
        assert_eq!(known.hint(17, 53), Some("dns"));
        assert_eq!(known.hint(6, 50001), None);
    }

    #[test]
    fn protocols_have_names_and_numbers() {
        assert_eq!(protocol_name(50), "esp");
        assert_eq!(protocol_name(253), "proto/253");
        assert_eq!(protocol_number("gre"), Some(47));
        assert_eq!(protocol_number("nonsense"), None);
    }
}
