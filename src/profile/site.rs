//! Reading a site file: where the servers are, what was customised, what must work, what is allowed.

use std::path::Path;
use std::str::FromStr;

use super::toml::{self, Entry, Section, Text, Value};
use super::{
    Allow, Audit, CustomPorts, Endpoint, Mistakes, Profile, ProfileError, Selector, Server, Service, Site, error,
    parse_network,
};

const KEYS: [&str; 6] = ["servers", "clients", "ports", "require", "allow", "audit"];

impl Site {
    /// Reads the site file at `path`; its roles and services are those of `profile`.
    pub fn load(path: &Path, profile: &Profile) -> Result<Site, ProfileError> {
        Site::parse(&path.display().to_string(), &error::read_text(path)?, profile)
    }

    /// Parses the text of a site file; `name` is what mistakes call the file.
    pub fn parse(name: &str, text: &str, profile: &Profile) -> Result<Site, ProfileError> {
        let mut mistakes = Mistakes::none(name, text);
        let site = toml::parse(text, &mut mistakes).map(|document| {
            let section = Section::open("a site file", document.get_ref(), 0..0).with_keys(&KEYS, &mut mistakes);
            site(&section, profile, &mut mistakes)
        });
        Ok(mistakes.or(site)?)
    }

    /// Whether a text has keys of a site file, and not the services that make a profile. It need not be sound.
    pub fn looks_like(text: &str) -> bool {
        let keys = toml::top_keys(text);
        keys.iter().any(|key| KEYS.contains(&key.as_str())) && !keys.iter().any(|key| key == "services")
    }
}

fn site(section: &Section<'_>, profile: &Profile, mistakes: &mut Mistakes) -> Site {
    let mut site = Site::default();
    for Entry { key, value } in &section.entries {
        match key.text {
            "servers" => site.servers = servers(value, profile, mistakes),
            "clients" => site.clients = clients(value, mistakes),
            "ports" => site.ports = ports(value, profile, mistakes),
            "require" => site.require = require(value, profile, mistakes),
            "allow" => site.allow = allow(value, mistakes),
            "audit" => site.audit = audit(value, profile, mistakes),
            _ => {}
        }
    }
    site
}

/// `gateway = ["vpn.example.com", "203.0.113.10:10443"]`
fn servers(value: &Value<'_>, profile: &Profile, mistakes: &mut Mistakes) -> Vec<Server> {
    let Some(section) = value.section("[servers]", "a table: `[servers]`", mistakes) else { return Vec::new() };
    let roles = profile.roles();
    let mut servers = Vec::new();
    for Entry { key, value } in section.entries {
        if !roles.contains(&key.text) {
            let label = format!("profile `{}` has no such role", profile.id);
            mistakes.add_unknown(key.span, "role", key.text, label, roles.iter().copied());
        }
        let endpoints = value.texts(mistakes);
        let endpoints = endpoints.iter().filter_map(|text| text.read(Endpoint::from_str, mistakes));
        servers.extend(endpoints.map(|Endpoint { host, port }| Server { role: key.text.to_owned(), host, port }));
    }
    servers
}

/// `networks = ["10.20.0.0/16"]`
fn clients(value: &Value<'_>, mistakes: &mut Mistakes) -> Vec<ipnet::IpNet> {
    let Some(section) = value.section("[clients]", "a table: `[clients]`", mistakes) else { return Vec::new() };
    networks(&section.with_keys(&["networks"], mistakes).texts("networks", mistakes), mistakes)
}

/// `ssl-vpn = ["tcp/10443"]`, `ssl-vpn.tls = [...]` or `"ssl-vpn.tls" = [...]`
fn ports(value: &Value<'_>, profile: &Profile, mistakes: &mut Mistakes) -> Vec<CustomPorts> {
    let Some(section) = value.section("[ports]", "a table: `[ports]`", mistakes) else { return Vec::new() };
    let mut ports = Vec::new();
    for Entry { key, value } in section.entries {
        let (id, transport) = key.text.split_once('.').map_or((key.text, None), |(id, rest)| (id, Some(rest)));
        let id = Text { text: id, span: key.span.clone() };
        let Some(service) = service(&id, profile, mistakes) else { continue };
        if let Some(transport) = transport {
            let transport = Text { text: transport, span: key.span };
            ports.extend(custom_ports(service, Some(&transport), &value, mistakes));
        } else if value.is_table() {
            let section = value.section("a service", "", mistakes);
            for Entry { key, value } in section.into_iter().flat_map(|section| section.entries) {
                ports.extend(custom_ports(service, Some(&key), &value, mistakes));
            }
        } else {
            ports.extend(custom_ports(service, None, &value, mistakes));
        }
    }
    ports
}

/// The ports of a service or of one of its transports: each of a protocol that it travels on.
fn custom_ports(
    service: &Service,
    transport: Option<&Text<'_>>,
    value: &Value<'_>,
    mistakes: &mut Mistakes,
) -> Option<CustomPorts> {
    if let Some(id) = transport.filter(|id| service.transport(id.text).is_none()) {
        let known = service.transports.iter().map(|transport| transport.id.as_str());
        let label = format!("service `{}` has no such transport", service.id);
        mistakes.add_unknown(id.span.clone(), "transport", id.text, label, known);
        return None;
    }
    let id = transport.map(|id| id.text);
    let texts = value.texts(mistakes);
    if value.is_empty_list() {
        mistakes.add(value.span(), "no port", "expected at least one, as `tcp/10443`", None);
    }
    let mut selectors = Vec::new();
    for text in texts {
        let Some(selector) = text.read(Selector::from_str, mistakes) else { continue };
        let mut own = service.transports.iter().filter(|transport| id.is_none_or(|id| id == transport.id));
        if own.clone().any(|transport| transport.protocol() == Some(selector.protocol())) {
            selectors.push(selector);
        } else {
            let usual: Vec<String> = own
                .by_ref()
                .filter_map(|transport| transport.selectors.first().map(|usual| format!("`{usual}`")))
                .collect();
            let title = format!("`{}` does not travel on `{selector}`", service.id);
            mistakes.add(text.span, title, format!("in the profile it is {}", usual.join(", ")), None);
        }
    }
    Some(CustomPorts { service: service.id.clone(), transport: id.map(str::to_owned), selectors })
}

/// `services = ["ipsec-vpn", "telemetry"]` or `["all"]`
fn require(value: &Value<'_>, profile: &Profile, mistakes: &mut Mistakes) -> Vec<String> {
    let Some(section) = value.section("[require]", "a table: `[require]`", mistakes) else { return Vec::new() };
    let mut require: Vec<String> = Vec::new();
    for id in section.with_keys(&["services"], mistakes).texts("services", mistakes) {
        let services: Vec<&Service> = match id.text {
            "all" => profile.services.iter().collect(),
            _ => service(&id, profile, mistakes).into_iter().collect(),
        };
        require.extend(services.iter().map(|service| service.id.clone()));
    }
    require
}

/// `[[allow]]` with `flow`, and where wanted `to` and `reason`
fn allow(value: &Value<'_>, mistakes: &mut Mistakes) -> Vec<Allow> {
    let rules = value.sections("an allow rule", "tables: `[[allow]]`", mistakes);
    rules
        .into_iter()
        .filter_map(|rule| allow_rule(&rule.with_keys(&["flow", "to", "reason"], mistakes), mistakes))
        .collect()
}

fn allow_rule(rule: &Section<'_>, mistakes: &mut Mistakes) -> Option<Allow> {
    let to = networks(&rule.texts("to", mistakes), mistakes);
    let reason = rule.text("reason", mistakes).map(|reason| reason.text.to_owned());
    let text = rule.required_text("flow", mistakes)?;
    let flow = text.read(Selector::from_str, mistakes)?;
    if flow == Selector::IkeTcpPrefix {
        mistakes.add(text.span, "`iketcp` is no flow", "expected a protocol and port, as `tcp/3389`", None);
        return None;
    }
    Some(Allow { flow, to, reason })
}

/// `[audit.telemetry]` with `business_need` and `approval`
fn audit(value: &Value<'_>, profile: &Profile, mistakes: &mut Mistakes) -> Vec<Audit> {
    const FORM: &str = "a table: `[audit.SERVICE]`";
    let Some(section) = value.section("[audit]", FORM, mistakes) else { return Vec::new() };
    let mut audit = Vec::new();
    for Entry { key, value } in section.entries {
        let Some(service) = service(&key, profile, mistakes) else { continue };
        let Some(words) = value.section("[audit.SERVICE]", FORM, mistakes) else { continue };
        let words = words.with_keys(&["business_need", "approval"], mistakes);
        audit.push(Audit {
            service: service.id.clone(),
            business_need: words.text("business_need", mistakes).map(|text| text.text.to_owned()),
            approval: words.text("approval", mistakes).map(|text| text.text.to_owned()),
        });
    }
    audit
}

fn networks(texts: &[Text<'_>], mistakes: &mut Mistakes) -> Vec<ipnet::IpNet> {
    texts.iter().filter_map(|text| text.read(parse_network, mistakes)).collect()
}

fn service<'p>(id: &Text<'_>, profile: &'p Profile, mistakes: &mut Mistakes) -> Option<&'p Service> {
    let service = profile.service(id.text);
    if service.is_none() {
        let label = format!("profile `{}` has no such service", profile.id);
        let known = profile.services.iter().map(|service| service.id.as_str());
        mistakes.add_unknown(id.span.clone(), "service", id.text, label, known);
    }
    service
}
