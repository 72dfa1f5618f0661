//! The profile as the site has it: ports that were customised.

use super::{CustomPorts, Ports, Profile, Selector, Service, Site, Transport};

impl Profile {
    /// With the site's `[ports]` in place of its own. A server's own port is not applied here, since it counts at that
    /// host only. The text and its SHA-256 remain those of the table.
    pub fn with_site(mut self, site: &Site) -> Profile {
        for service in &mut self.services {
            let custom = site.ports.iter().filter(|custom| custom.service == service.id);
            // What is said of the whole service first, so that what is said of one transport stands.
            let (whole, single): (Vec<_>, Vec<_>) = custom.partition(|custom| custom.transport.is_none());
            service.customise(whole.into_iter().chain(single));
        }
        self
    }
}

impl Service {
    fn customise<'a>(&mut self, ports: impl Iterator<Item = &'a CustomPorts>) {
        let mut replaced: Vec<(usize, Vec<Selector>)> = Vec::new();
        for custom in ports {
            for (index, transport) in self.transports.iter_mut().enumerate() {
                let named = custom.transport.as_ref().is_none_or(|id| *id == transport.id);
                if named && transport.replace(&custom.selectors) {
                    replaced.retain(|(other, _)| *other != index);
                    replaced.push((index, custom.selectors.clone()));
                }
            }
        }
        for (index, transport) in self.transports.iter_mut().enumerate() {
            let itself = replaced.iter().any(|(other, _)| *other == index);
            let leader = replaced.iter().find(|(other, _)| Some(*other) == transport.same_port_as);
            if let (false, Some((_, selectors))) = (itself, leader) {
                let protocol = transport.protocol();
                let same: Vec<Selector> = selectors.iter().filter_map(|selector| on(*selector, protocol)).collect();
                transport.replace(&same);
            }
        }
    }
}

impl Transport {
    /// The IP protocol that it travels on; none where it matches nothing.
    pub fn protocol(&self) -> Option<u8> {
        self.selectors.first().map(|selector| selector.protocol())
    }

    /// Puts those of its own protocol in the place of its ports; whether there was one. A prefix that is looked for on
    /// any port is no port, and stays.
    fn replace(&mut self, selectors: &[Selector]) -> bool {
        let own = self.protocol();
        let mut new: Vec<Selector> =
            selectors.iter().copied().filter(|selector| Some(selector.protocol()) == own).collect();
        if new.is_empty() {
            return false;
        }
        let prefix = self.selectors.iter().copied().find(|selector| *selector == Selector::IkeTcpPrefix);
        new.extend(prefix.filter(|prefix| !new.contains(prefix)));
        self.selectors = new;
        true
    }
}

/// The same ports on another protocol.
fn on(selector: Selector, protocol: Option<u8>) -> Option<Selector> {
    let ports: Ports = match selector {
        Selector::Tcp(ports) | Selector::Udp(ports) => ports,
        Selector::Proto(_) | Selector::IkeTcpPrefix => return None,
    };
    match protocol? {
        6 => Some(Selector::Tcp(ports)),
        17 => Some(Selector::Udp(ports)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Profile, Site};

    fn ports(site: &str, service: &str) -> Vec<String> {
        let profile = Profile::builtin(Profile::DEFAULT).unwrap();
        let site = Site::parse("site.toml", site, &profile).unwrap();
        let profile = profile.with_site(&site);
        let transports = &profile.service(service).unwrap().transports;
        transports
            .iter()
            .map(|one| one.selectors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn nothing_said_changes_nothing() {
        assert_eq!(ports("", "ssl-vpn"), ["tcp/443", "udp/443"]);
        let profile = Profile::builtin(Profile::DEFAULT).unwrap();
        assert_eq!(profile.clone().with_site(&Site::default()), profile);
    }

    #[test]
    fn ports_replace_those_of_the_service() {
        assert_eq!(
            ports("[ports]\ntelemetry = [\"tcp/8014\", \"tcp/9000-9001\"]", "telemetry"),
            ["tcp/8014 tcp/9000-9001"]
        );
        assert_eq!(ports("[ports]\ntelemetry = [\"tcp/8014\"]", "fsso"), ["tcp/8001"]);
    }

    #[test]
    fn dtls_has_the_port_of_tls() {
        assert_eq!(ports("[ports]\nssl-vpn = [\"tcp/10443\"]", "ssl-vpn"), ["tcp/10443", "udp/10443"]);
        assert_eq!(ports("[ports]\nssl-vpn.tls = [\"tcp/10443\"]", "ssl-vpn"), ["tcp/10443", "udp/10443"]);
        assert_eq!(ports("[ports]\nssl-vpn.dtls = [\"udp/10443\"]", "ssl-vpn"), ["tcp/443", "udp/10443"]);
        assert_eq!(ports("[ports]\nssl-vpn = [\"tcp/1\", \"udp/2\"]", "ssl-vpn"), ["tcp/1", "udp/2"]);
    }

    #[test]
    fn what_is_said_of_a_transport_stands() {
        let site = "[ports]\n\"ipsec-vpn.nat-t\" = [\"udp/4600\"]\nipsec-vpn = [\"udp/600\"]";
        assert_eq!(ports(site, "ipsec-vpn"), ["udp/600", "proto/50", "udp/4600", "tcp/4500 iketcp"]);
    }

    #[test]
    fn the_iketcp_prefix_stays() {
        let site = "[ports]\nipsec-vpn.ike-tcp = [\"tcp/443\"]";
        assert_eq!(ports(site, "ipsec-vpn"), ["udp/500", "proto/50", "udp/4500", "tcp/443 iketcp"]);
    }
}
