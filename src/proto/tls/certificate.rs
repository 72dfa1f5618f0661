//! The server's certificate, which TLS up to 1.2 sends in clear.

use std::net::IpAddr;

use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate, X509Name};
use x509_parser::x509::AttributeTypeAndValue;

use crate::bytes::Reader;
use crate::text;
use crate::time::Timestamp;

/// Shared hosters put hundreds of names into one certificate; a report shows a few. Where there are more, none is said to be missing.
const MAX_NAMES: usize = 64;

/// A certificate, as far as it tells who presents it and who vouches for it. Nothing is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The subject's distinguished name: `C=US, O=Fortinet, OU=FortiGate, CN=FGT60F...`.
    pub subject: String,
    /// The issuer's.
    pub issuer: String,
    /// The subject's organisation (O).
    pub organisation: Option<String>,
    /// The subject's organisational unit (OU); in a factory certificate of Fortinet's it is the product.
    pub organisational_unit: Option<String>,
    /// The subject's common name (CN); in a factory certificate the serial number.
    pub common_name: Option<String>,
    /// Whether subject and issuer are the same name.
    pub self_signed: bool,
    /// The first second of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
    /// Host names that it is for: those of its subjectAltName, or, where that has none, its common names (RFC 6125, 6.4.4).
    pub hosts: Vec<String>,
    /// Addresses that it is for (subjectAltName).
    pub addresses: Vec<IpAddr>,
    /// Whether it has more names than were kept.
    pub has_more_names: bool,
}

impl Certificate {
    /// Reads a certificate in DER.
    pub fn parse(der: &[u8]) -> Option<Certificate> {
        let (_, x509) = X509Certificate::from_der(der).ok()?;
        let (subject, validity) = (x509.subject(), x509.validity());
        let (mut hosts, addresses, has_more_names) = alternative_names(&x509);
        if hosts.is_empty() {
            hosts = subject.iter_common_name().map(value).take(MAX_NAMES).collect();
        }
        Some(Certificate {
            subject: in_words(subject),
            issuer: in_words(x509.issuer()),
            organisation: subject.iter_organization().next().map(value),
            organisational_unit: subject.iter_organizational_unit().next().map(value),
            common_name: subject.iter_common_name().next().map(value),
            self_signed: subject.as_raw() == x509.issuer().as_raw(),
            not_before: Timestamp::from_parts(validity.not_before.timestamp(), 0),
            not_after: Timestamp::from_parts(validity.not_after.timestamp(), 0),
            hosts,
            addresses,
            has_more_names,
        })
    }

    /// Whether it is for the host that a client asked for (RFC 9525, 6.3 and 6.5): an address must stand among its addresses, a name
    /// among its names, of which `*` may stand for the whole left-most label. None where not all names were kept.
    pub fn is_for(&self, asked: &str) -> Option<bool> {
        let is_for = match asked.parse::<IpAddr>() {
            Ok(address) => self.addresses.contains(&address),
            Err(_) => self.hosts.iter().any(|host| is_same_host(host, asked)),
        };
        (is_for || !self.has_more_names).then_some(is_for)
    }
}

/// What a Certificate message says as far as it is there.
pub(super) enum Presented<'a> {
    /// The list is empty: there is no certificate to present.
    Nothing,
    /// The DER of the first certificate, the sender's own.
    Leaf(&'a [u8]),
    /// Its end is missing, or this is no Certificate message.
    Unreadable,
}

/// Reads a Certificate message of TLS up to 1.2: `length (3) | length (3), certificate | ...`, the sender's own first.
pub(super) fn presented(body: &[u8]) -> Presented<'_> {
    let mut reader = Reader::new(body);
    if reader.u24() == Some(0) {
        return Presented::Nothing;
    }
    let leaf = reader.u24().and_then(|len| reader.take(usize::try_from(len).ok()?));
    leaf.map_or(Presented::Unreadable, Presented::Leaf)
}

fn in_words(name: &X509Name<'_>) -> String {
    text::visible(&name.to_string()).into_owned()
}

fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    match attribute.as_str() {
        Ok(value) => text::visible(value).into_owned(),
        Err(_) => text::from_packet(attribute.as_slice()),
    }
}

/// Names and addresses of the subjectAltName, and whether there are more.
fn alternative_names(x509: &X509Certificate<'_>) -> (Vec<String>, Vec<IpAddr>, bool) {
    let lists = x509.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(list) => Some(list),
        _ => None,
    });
    let mut names = lists.flat_map(|list| &list.general_names);
    let (mut hosts, mut addresses) = (Vec::new(), Vec::new());
    for name in names.by_ref().take(MAX_NAMES) {
        match name {
            GeneralName::DNSName(name) => hosts.push(text::visible(name).into_owned()),
            GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
            _ => {}
        }
    }
    (hosts, addresses, names.next().is_some())
}

fn is_same_host(presented: &str, asked: &str) -> bool {
    let (presented, asked) = (without_final_dot(presented), without_final_dot(asked));
    match presented.strip_prefix("*.") {
        Some(parent) => {
            asked.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent))
        }
        None => presented.eq_ignore_ascii_case(asked),
    }
}

fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4().or_else(|_| v6()).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::{Certificate, Presented, presented};
    use crate::proto::laid_out::{at_every_cut, hex};

    /// Self-made with openssl, after the factory certificate of a FortiGate.
    pub(in crate::proto::tls) const FACTORY: &str = "
        30820230308201d6a0030201020214623f063d4d22a52b794f82375dee37e2a0a8e5b1300a06082a8648ce3d04030230
        52310b30090603550406130255533111300f060355040a0c08466f7274696e6574311e301c060355040b0c1543657274
        6966696361746520417574686f726974793110300e06035504030c07737570706f7274301e170d323631313234303930
        3332325a170d3336313132313039303332325a3078310b30090603550406130255533113301106035504080c0a43616c
        69666f726e69613112301006035504070c0953756e6e7976616c653111300f060355040a0c08466f7274696e65743112
        3010060355040b0c09466f727469476174653119301706035504030c10464754363046544b3030303030303030305930
        1306072a8648ce3d020106082a8648ce3d03010703420004213cc2704179badeae8c9766f677fa4f8f6ab45a3a9a2ad2
        049ab3404489bad6acc55f6eceb629f372300c95d31110497be924c06cece30e28c46d30a0aaa1c8a364306230200603
        551d1104193017820f76706e2e6578616d706c652e636f6d8704c0000201301d0603551d0e04160414859fc4a7ae3406
        d9f87e568b5746b6a61d0cc654301f0603551d23041830168014dea35b06dac2501ab7c45b741a5be4d52cf80c4e300a
        06082a8648ce3d0403020348003045022017a5e710cf59ad6647d629cad650d017d7285703a9d22eff5a2f87174a0d17
        81022100fe4c0967e9ab2809e5c9f7ad94242ff058dc1488c2a24f7f7bd48740404606a6";

    #[test]
    fn a_factory_certificate() {
        let certificate = Certificate::parse(&hex(FACTORY)).unwrap();
        assert_eq!(
            certificate.subject,
            "C=US, ST=California, L=Sunnyvale, O=Fortinet, OU=FortiGate, CN=FGT60FTK00000000"
        );
        assert_eq!(certificate.issuer, "C=US, O=Fortinet, OU=Certificate Authority, CN=support");
        assert_eq!(certificate.organisation.as_deref(), Some("Fortinet"));
        assert_eq!(certificate.organisational_unit.as_deref(), Some("FortiGate"));
        assert_eq!(certificate.common_name.as_deref(), Some("FGT60FTK00000000"));
        assert_eq!(certificate.hosts, ["vpn.example.com"]);
        assert_eq!(certificate.addresses, ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(certificate.not_before.to_second(), "2026-11-24 09:03:22");
        assert_eq!(certificate.not_after.to_second(), "2036-11-21 09:03:22");
        assert!(!certificate.self_signed && !certificate.has_more_names);
    }

    #[test]
    fn a_certificate_is_for_its_names_and_addresses_only() {
        let mut certificate = Certificate::parse(&hex(FACTORY)).unwrap();
        certificate.hosts = vec!["vpn.example.com".to_owned(), "*.example.net".to_owned()];
        for (asked, expected) in [
            ("VPN.Example.com.", true),
            ("www.example.com", false),
            ("a.example.net", true),
            ("a.b.example.net", false),
            ("example.net", false),
            (".example.net", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
        ] {
            assert_eq!(certificate.is_for(asked), Some(expected), "{asked}");
        }
        // A name that looks like an address stands for none.
        certificate.hosts.push("192.0.2.2".to_owned());
        assert_eq!(certificate.is_for("192.0.2.2"), Some(false));
        certificate.has_more_names = true;
        assert_eq!(certificate.is_for("www.example.com"), None);
        assert_eq!(certificate.is_for("vpn.example.com"), Some(true));
    }

    #[test]
    fn a_common_name_counts_only_where_no_other_name_does() {
        let der = hex(FACTORY);
        let san = hex("0603551d11");
        let at = der.windows(san.len()).position(|bytes| bytes == san).unwrap();
        // The same extension under a type that nobody knows.
        let mut without = der.clone();
        without[at + 4] = 0x7f;
        assert_eq!(Certificate::parse(&without).unwrap().hosts, ["FGT60FTK00000000"]);
        assert!(Certificate::parse(&der).unwrap().is_for("FGT60FTK00000000") == Some(false));
    }

    #[test]
    fn the_first_of_a_list_or_none() {
        assert!(matches!(presented(&hex("000000")), Presented::Nothing));
        let message = hex("00000a | leaf | 000003 010203 | its CA | 000001 ff");
        at_every_cut(&message, |cut| match presented(cut) {
            Presented::Leaf(leaf) => assert!(cut.len() >= 9 && leaf == [1, 2, 3]),
            Presented::Nothing => panic!("there is one"),
            Presented::Unreadable => assert!(cut.len() < 9),
        });
    }

    #[test]
    fn cut_at_every_length() {
        let der = hex(FACTORY);
        at_every_cut(&der, |cut| assert_eq!(Certificate::parse(cut).is_some(), cut.len() == der.len()));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = (Certificate::parse(&bytes), presented(&bytes));
        }

        #[test]
        fn one_byte_changed(at in 0usize..600, byte: u8) {
            let mut der = hex(FACTORY);
            let at = at % der.len();
            der[at] = byte;
            let _ = Certificate::parse(&der);
        }
    }
}
