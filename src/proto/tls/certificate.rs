//! The server's certificate, which TLS up to 1.2 sends in clear.

use std::net::IpAddr;

use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate, X509Name};
use x509_parser::x509::AttributeTypeAndValue;

use crate::bytes::Reader;
use crate::text;

/// Shared hosters put hundreds of names into one certificate; a report shows a few, and matching looks at the first.
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
    /// Host names and addresses it is for (subjectAltName).
    pub names: Vec<String>,
}

impl Certificate {
    /// Reads a certificate in DER.
    pub fn parse(der: &[u8]) -> Option<Certificate> {
        let (_, x509) = X509Certificate::from_der(der).ok()?;
        let subject = x509.subject();
        Some(Certificate {
            subject: in_words(subject),
            issuer: in_words(x509.issuer()),
            organisation: subject.iter_organization().next().map(value),
            organisational_unit: subject.iter_organizational_unit().next().map(value),
            common_name: subject.iter_common_name().next().map(value),
            self_signed: subject.as_raw() == x509.issuer().as_raw(),
            names: alternative_names(&x509),
        })
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

fn alternative_names(x509: &X509Certificate<'_>) -> Vec<String> {
    let lists = x509.extensions().iter().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(list) => Some(list),
        _ => None,
    });
    let names = lists.flat_map(|list| &list.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(text::visible(name).into_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    });
    names.take(MAX_NAMES).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    v4().or_else(|_| v6()).ok()
}

#[cfg(test)]
pub(super) mod tests {
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
        assert_eq!(certificate.names, ["vpn.example.com", "192.0.2.1"]);
        assert!(!certificate.self_signed);
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
