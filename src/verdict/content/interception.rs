//! Whether a certificate is that of somebody on the way.

use crate::proto::tls::Certificate;
use crate::verdict::context::Context;

/// Products that open TLS connections on the way, as they call their authority.
const SELLERS: [&str; 24] = [
    "fortinet_ca_ssl",
    "fortinet_ca_untrusted",
    "fortigate ca",
    "zscaler",
    "netskope",
    "blue coat",
    "bluecoat",
    "palo alto",
    "cisco umbrella",
    "forcepoint",
    "websense",
    "mcafee web gateway",
    "skyhigh",
    "sophos",
    "barracuda",
    "watchguard",
    "sonicwall",
    "check point",
    "iboss",
    "contentkeeper",
    "smoothwall",
    "mitmproxy",
    "squid",
    "trend micro",
];

/// Authorities that browsers trust, and the vendor's own: a vendor's name under another one is not the vendor.
const PUBLIC: [&str; 26] = [
    "fortinet",
    "digicert",
    "let's encrypt",
    "internet security research group",
    "sectigo",
    "comodo",
    "usertrust",
    "globalsign",
    "entrust",
    "amazon",
    "google trust services",
    "godaddy",
    "go daddy",
    "starfield",
    "identrust",
    "microsoft",
    "verisign",
    "symantec",
    "thawte",
    "geotrust",
    "rapidssl",
    "quovadis",
    "certum",
    "actalis",
    "ssl.com",
    "buypass",
];

/// One private authority over this many unrelated names is a filter's.
const UNRELATED: usize = 3;

/// Why a certificate presented for `name` is not the server's; none where nothing says so. A private authority alone is normal.
pub(super) fn proof(context: &Context<'_>, certificate: &Certificate, name: Option<&str>) -> Option<String> {
    let issuer = certificate.issuer.to_lowercase();
    if let Some(seller) = SELLERS.iter().find(|seller| issuer.contains(*seller)) {
        return Some(format!("its issuer is that of a product that opens connections on the way ({seller})"));
    }
    if PUBLIC.iter().any(|public| issuer.contains(public)) {
        return None;
    }
    let vendor = name.filter(|name| context.scope.profile.is_vendor_name(name));
    if let Some(vendor) = vendor {
        return Some(format!(
            "it is for {vendor}, a name of the vendor, and its issuer is no public authority and not the vendor's"
        ));
    }
    let domains = context.domains_under(&certificate.issuer);
    (domains >= UNRELATED).then(|| format!("the same private issuer signed certificates for {domains} unrelated names"))
}

#[cfg(test)]
mod tests {
    use super::proof;
    use crate::proto::tls::Certificate;
    use crate::time::Timestamp;
    use crate::verdict::content::tests::empty;

    fn issued_by(issuer: &str) -> Certificate {
        Certificate {
            subject: "CN=update.fortiguard.net".to_owned(),
            issuer: issuer.to_owned(),
            organisation: None,
            organisational_unit: None,
            common_name: None,
            self_signed: false,
            not_before: Timestamp::default(),
            not_after: Timestamp::default(),
            hosts: Vec::new(),
            addresses: Vec::new(),
            has_more_names: false,
        }
    }

    fn is_proved(issuer: &str, name: Option<&str>) -> bool {
        empty(|context| proof(context, &issued_by(issuer), name)).is_some()
    }

    #[test]
    fn sellers_of_interception_whatever_the_name() {
        for issuer in [
            "C=US, O=Fortinet, OU=Certificate Authority, CN=Fortinet_CA_SSL",
            "CN=FortiGate CA, O=Fortinet Ltd.",
            "C=US, O=Zscaler Inc., CN=Zscaler Intermediate Root CA",
            "CN=mitmproxy, O=mitmproxy",
        ] {
            assert!(is_proved(issuer, None) && is_proved(issuer, Some("vpn.example.com")), "{issuer}");
        }
    }

    #[test]
    fn a_private_authority_is_a_stranger_only_for_the_vendors_names() {
        let private = "O=Example, CN=Example Root CA";
        assert!(is_proved(private, Some("update.fortiguard.net")));
        assert!(!is_proved(private, Some("vpn.example.com")) && !is_proved(private, None));
        assert!(!is_proved(private, Some("fortiguard.net.example.com")));
    }

    #[test]
    fn public_authorities_and_the_vendors_own_are_nobody_on_the_way() {
        for issuer in [
            "C=US, O=DigiCert Inc, CN=DigiCert TLS RSA SHA256 2020 CA1",
            "C=US, O=Let's Encrypt, CN=R11",
            "C=US, ST=California, L=Sunnyvale, O=Fortinet, OU=Certificate Authority, CN=support",
        ] {
            assert!(!is_proved(issuer, Some("update.fortiguard.net")), "{issuer}");
        }
    }
}
