//! Names for addresses, from what the capture itself shows. No resolver is ever asked.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Analysis;
use crate::flow::{FlowView, Mark, NameSource};

/// A name of an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// Where it comes from.
    pub source: NameSource,
    /// The name, in lower case.
    pub name: String,
    /// The first frame that shows it; none for names that the file itself lists.
    pub mark: Option<Mark>,
}

/// Every name of every address.
#[derive(Clone, Debug, Default)]
pub struct NameBook {
    by_address: BTreeMap<IpAddr, Names>,
}

/// The names of an address, in order of their discovery, and the place of the best one.
#[derive(Clone, Debug, Default)]
struct Names {
    all: Vec<Name>,
    best: usize,
}

impl NameBook {
    /// Collects the names that an analysis shows.
    pub fn of(analysis: &Analysis, flows: &[FlowView<'_>]) -> Self {
        let mut book = NameBook::default();
        for lookup in &analysis.lookups {
            for address in &lookup.addresses {
                book.add(*address, NameSource::Dns, &lookup.name, lookup.answered.first());
            }
        }
        for flow in flows {
            let Some(app) = flow.app() else { continue };
            if let Some(name) = app.server_name() {
                let source = if app.tls.is_some() { NameSource::Sni } else { NameSource::Host };
                book.add(flow.server().0, source, name, Some(flow.first()));
            }
        }
        for (address, name) in &analysis.info.names {
            book.add(*address, NameSource::CaptureFile, name, None);
        }
        book
    }

    fn add(&mut self, address: IpAddr, source: NameSource, name: &str, mark: Option<Mark>) {
        let name = host_of(name);
        // An address is no name of itself; the bare fact that one was sent as SNI is read from the flow.
        if name.is_empty() || name.parse::<IpAddr>().is_ok() {
            return;
        }
        let names = self.by_address.entry(address).or_default();
        if names.all.iter().any(|known| known.name == name && known.source == source) {
            return;
        }
        if names.all.get(names.best).is_some_and(|best| (source, mark) < (best.source, best.mark)) {
            names.best = names.all.len();
        }
        names.all.push(Name { source, name, mark });
    }

    /// The names of an address, in order of their discovery.
    pub fn names(&self, address: IpAddr) -> &[Name] {
        self.by_address.get(&address).map_or(&[], |names| &names.all)
    }

    /// The best single name: what a client asked this address for, else what was looked up.
    pub fn name(&self, address: IpAddr) -> Option<&str> {
        let names = self.by_address.get(&address)?;
        names.all.get(names.best).map(|name| name.name.as_str())
    }

    /// Every address with its names.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &[Name])> {
        self.by_address.iter().map(|(address, names)| (*address, names.all.as_slice()))
    }
}

/// The host of an HTTP Host field or an SNI: without a port, in lower case, without a final dot.
pub(crate) fn host_of(name: &str) -> String {
    let name = name.trim();
    let host = match name.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None if name.matches(':').count() == 1 => name.split(':').next().unwrap_or(name),
        None => name,
    };
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// The last two labels of a name, the last one first: names that share them are mostly one owner's.
pub(crate) fn domain_of(name: &str) -> String {
    let labels: Vec<&str> = name.rsplit('.').take(2).collect();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::{domain_of, host_of};

    #[test]
    fn domains_are_the_last_two_labels() {
        assert_eq!(
            (domain_of("a.b.example.com"), domain_of("localhost")),
            ("com.example".to_owned(), "localhost".to_owned())
        );
    }

    #[test]
    fn hosts_lose_their_port_and_their_dot() {
        assert_eq!(host_of("Update.Example.COM:80"), "update.example.com");
        assert_eq!(host_of("vpn.example.com."), "vpn.example.com");
        assert_eq!(host_of("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(host_of("2001:db8::1"), "2001:db8::1");
    }
}
