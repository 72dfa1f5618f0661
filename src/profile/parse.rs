//! Reading a profile. The keys are explained at the top of `builtin/forticlient.toml`.

use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::toml::{self, Section, Text, Value};
use super::{Mistakes, NamePattern, Profile, ProfileError, Selector, Service, Speaks, Transport};

const PROFILE_KEYS: [&str; 6] = ["id", "version", "title", "crowded", "vendor_names", "services"];
const SERVICE_KEYS: [&str; 11] = [
    "id",
    "name",
    "usage",
    "customised_by",
    "source",
    "one_way",
    "roles",
    "also_roles",
    "names",
    "transports",
    "sufficient",
];
const TRANSPORT_KEYS: [&str; 5] = ["id", "speaks", "optional", "same_port_as", "match"];

/// What can be spoken, by the word for it.
const SPEAKS: [(&str, Speaks); 12] = [
    ("tls", Speaks::Tls),
    ("dtls", Speaks::Dtls),
    ("http", Speaks::Http),
    ("smtp", Speaks::Smtp),
    ("syslog", Speaks::Syslog),
    ("oftp", Speaks::Oftp),
    ("fsso", Speaks::Fsso),
    ("rating", Speaks::Rating),
    ("ike", Speaks::Ike),
    ("esp", Speaks::Esp),
    ("nat-t", Speaks::NatT),
    ("ike-tcp", Speaks::IkeTcp),
];

impl Profile {
    /// Parses the text of a profile; `name` is what mistakes call the file.
    pub fn parse(name: &str, text: &str) -> Result<Profile, ProfileError> {
        let mut mistakes = Mistakes::none(name, text);
        let profile = toml::parse(text, &mut mistakes).and_then(|document| {
            let section = Section::open("a profile", document.get_ref(), 0..0).with_keys(&PROFILE_KEYS, &mut mistakes);
            profile(&section, text, &mut mistakes)
        });
        Ok(mistakes.or(profile)?)
    }
}

impl Speaks {
    /// The word for it in a profile.
    pub fn word(self) -> &'static str {
        SPEAKS.iter().find(|(_, speaks)| *speaks == self).map_or("", |(word, _)| word)
    }

    /// The IP protocol that can carry it; none for syslog, which either TCP or UDP carries.
    fn carrier(self) -> Option<(u8, &'static str)> {
        match self {
            Speaks::Syslog => None,
            Speaks::Tls | Speaks::Http | Speaks::Smtp | Speaks::Oftp | Speaks::Fsso | Speaks::IkeTcp => {
                Some((6, "tcp/PORT"))
            }
            Speaks::Dtls | Speaks::Rating | Speaks::Ike | Speaks::NatT => Some((17, "udp/PORT")),
            Speaks::Esp => Some((50, "proto/50")),
        }
    }
}

fn profile(section: &Section<'_>, text: &str, mistakes: &mut Mistakes) -> Option<Profile> {
    let id = identifier(section, mistakes);
    let version = section.required_text("version", mistakes);
    let title = section.required_text("title", mistakes);
    let crowded = selectors(&section.texts("crowded", mistakes), mistakes);
    let vendor_names = names(&section.texts("vendor_names", mistakes), mistakes);
    let rows = section
        .required("services", mistakes)
        .map(|value| value.sections("a service", "tables: `[[services]]`", mistakes))
        .unwrap_or_default();
    let mut services: Vec<Service> = Vec::new();
    for row in rows {
        let row = row.with_keys(&SERVICE_KEYS, mistakes);
        let id = identifier(&row, mistakes);
        if let Some(id) = &id {
            unique(id, services.iter().map(|service| service.id.as_str()), "service", mistakes);
        }
        services.extend(service(&row, id, mistakes));
    }
    Some(Profile {
        id: id?.text.to_owned(),
        version: version?.text.to_owned(),
        title: title?.text.to_owned(),
        sha256: Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect(),
        text: text.to_owned(),
        crowded,
        vendor_names,
        services,
    })
}

fn service(row: &Section<'_>, id: Option<Text<'_>>, mistakes: &mut Mistakes) -> Option<Service> {
    let name = row.required_text("name", mistakes);
    let usage = row.required_text("usage", mistakes);
    let source = row.required_text("source", mistakes);
    let customised_by = row.text("customised_by", mistakes).map(|text| text.text.to_owned());
    let one_way = row.flag("one_way", mistakes);
    let roles = words(&row.texts("roles", mistakes), "a role", mistakes);
    let also_roles = words(&row.texts("also_roles", mistakes), "a role", mistakes);
    let names = names(&row.texts("names", mistakes), mistakes);
    let transports = transports(row, mistakes);
    let sufficient = match row.value("sufficient") {
        Some(value) => sufficient(value, &transports, mistakes),
        None => (0..transports.len()).map(|index| vec![index]).collect(),
    };
    Some(Service {
        id: id?.text.to_owned(),
        name: name?.text.to_owned(),
        usage: usage?.text.to_owned(),
        customised_by,
        source: source?.text.to_owned(),
        one_way,
        roles,
        also_roles,
        names,
        transports,
        sufficient,
    })
}

fn transports(row: &Section<'_>, mistakes: &mut Mistakes) -> Vec<Transport> {
    const FORM: &str = "a list of tables: `[{ id = \"tls\", match = [\"tcp/443\"], speaks = \"tls\" }]`";
    let Some(list) = row.required("transports", mistakes) else { return Vec::new() };
    let sections = list.sections("a transport", FORM, mistakes);
    if sections.is_empty() && list.is_empty_list() {
        mistakes.add(list.span(), "no transport", "a service travels on at least one", None);
    }
    let mut transports: Vec<Transport> = Vec::new();
    for section in sections {
        let section = section.with_keys(&TRANSPORT_KEYS, mistakes);
        let id = identifier(&section, mistakes);
        if let Some(id) = &id {
            unique(id, transports.iter().map(|transport| transport.id.as_str()), "transport", mistakes);
        }
        let same_port_as = section.text("same_port_as", mistakes).and_then(|id| index(&id, &transports, mistakes));
        let optional = section.flag("optional", mistakes);
        let speaks = speaks(&section, mistakes);
        let selectors = matches(&section, speaks, mistakes);
        if let Some(id) = id {
            // Where what it speaks is a mistake it stays all the same, lest every mention of it be called unknown.
            let speaks = speaks.unwrap_or(Speaks::Tls);
            transports.push(Transport { id: id.text.to_owned(), speaks, optional, same_port_as, selectors });
        }
    }
    transports
}

fn speaks(section: &Section<'_>, mistakes: &mut Mistakes) -> Option<Speaks> {
    let word = section.required_text("speaks", mistakes)?;
    let known = SPEAKS.iter().find(|(known, _)| *known == word.text);
    if known.is_none() {
        mistakes.add_unknown(
            word.span,
            "protocol",
            word.text,
            "not one that can be recognised",
            SPEAKS.iter().map(|(word, _)| *word),
        );
    }
    known.map(|(_, speaks)| *speaks)
}

/// What a transport matches: at least one selector, all of the protocol that can carry what is spoken.
fn matches(section: &Section<'_>, speaks: Option<Speaks>, mistakes: &mut Mistakes) -> Vec<Selector> {
    let Some(value) = section.required("match", mistakes) else { return Vec::new() };
    let texts = value.texts(mistakes);
    if value.is_empty_list() {
        mistakes.add(value.span(), "`match` is empty", "a transport needs a port or protocol", None);
    }
    let mut selectors = Vec::new();
    let mut carrier = speaks.and_then(Speaks::carrier).map(|(protocol, _)| protocol);
    for text in texts {
        let Some(selector) = text.read(Selector::from_str, mistakes) else { continue };
        let expected = *carrier.get_or_insert(selector.protocol());
        if selector == Selector::IkeTcpPrefix && speaks.is_some_and(|speaks| speaks != Speaks::IkeTcp) {
            mistakes.add(text.span, "`iketcp` is another protocol", "only what speaks `ike-tcp` opens with it", None);
        } else if selector.protocol() != expected {
            let (title, label) = match speaks.and_then(|speaks| speaks.carrier().map(|(_, form)| (speaks, form))) {
                Some((speaks, form)) => {
                    (format!("`{}` does not travel on `{selector}`", speaks.word()), format!("expected as `{form}`"))
                }
                None => ("one transport of two protocols".to_owned(), "expected in a transport of its own".to_owned()),
            };
            mistakes.add(text.span, title, label, None);
        } else {
            selectors.push(selector);
        }
    }
    selectors
}

fn sufficient(value: &Value<'_>, transports: &[Transport], mistakes: &mut Mistakes) -> Vec<Vec<usize>> {
    const FORM: &str = "a list of lists of transports: `[[\"ike\", \"esp\"], [\"nat-t\"]]`";
    let sets = value.list(FORM, mistakes);
    if value.is_empty_list() {
        mistakes.add(value.span(), "`sufficient` is empty", "then nothing could ever suffice", None);
    }
    let mut sufficient = Vec::new();
    for set in sets {
        let ids: Vec<Text<'_>> = set.list(FORM, mistakes).iter().filter_map(|id| id.text(mistakes)).collect();
        if set.is_empty_list() {
            mistakes.add(set.span(), "an empty set of transports", "nothing would suffice", None);
        }
        sufficient.push(ids.iter().filter_map(|id| index(id, transports, mistakes)).collect());
    }
    sufficient
}

/// The place of a transport among those of its service.
fn index(id: &Text<'_>, transports: &[Transport], mistakes: &mut Mistakes) -> Option<usize> {
    let index = transports.iter().position(|transport| transport.id == id.text);
    if index.is_none() {
        let known = transports.iter().map(|transport| transport.id.as_str());
        mistakes.add_unknown(id.span.clone(), "transport", id.text, "not one of this service, or only below", known);
    }
    index
}

fn selectors(texts: &[Text<'_>], mistakes: &mut Mistakes) -> Vec<Selector> {
    texts.iter().filter_map(|text| text.read(Selector::from_str, mistakes)).collect()
}

fn names(texts: &[Text<'_>], mistakes: &mut Mistakes) -> Vec<NamePattern> {
    texts.iter().filter_map(|text| text.read(NamePattern::from_str, mistakes)).collect()
}

fn words(texts: &[Text<'_>], what: &str, mistakes: &mut Mistakes) -> Vec<String> {
    texts.iter().filter(|text| is_kebab(text, what, mistakes)).map(|text| text.text.to_owned()).collect()
}

fn identifier<'d>(section: &Section<'d>, mistakes: &mut Mistakes) -> Option<Text<'d>> {
    section.required_text("id", mistakes).filter(|id| is_kebab(id, "an identifier", mistakes))
}

/// Identifiers stand in command lines, file names and CSV columns, where other characters would need quotes.
fn is_kebab(text: &Text<'_>, what: &str, mistakes: &mut Mistakes) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let good = text.text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.text.bytes().all(fits);
    if !good {
        let title = format!("`{}` is not {what}", text.text);
        mistakes.add(text.span.clone(), title, "expected small letters, digits and hyphens", None);
    }
    good
}

fn unique<'a>(id: &Text<'_>, mut before: impl Iterator<Item = &'a str>, what: &str, mistakes: &mut Mistakes) {
    if before.any(|other| other == id.text) {
        mistakes.add(
            id.span.clone(),
            format!("{what} `{}` stands twice", id.text),
            "expected another identifier",
            None,
        );
    }
}
