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
    let vendor = name.filter(|name| context.scope.profile.vendor_names.iter().any(|pattern| pattern.matches(name)));
    if let Some(vendor) = vendor {
        return Some(format!(
            "it is for {vendor}, a name of the vendor, and its issuer is no public authority and not the vendor's"
        ));
    }
    let mut domains: Vec<String> = context
        .flows
        .iter()
        .filter_map(|flow| {
            let tls = flow.app()?.tls.as_ref()?;
            let presented = tls.certificate.as_ref()?;
            let name = tls.client_hello.as_ref()?.server_name.as_deref()?;
            (presented.issuer == certificate.issuer && !presented.self_signed).then(|| domain(name))
        })
        .collect();
    domains.sort_unstable();
    domains.dedup();
    (domains.len() >= UNRELATED)
        .then(|| format!("the same private issuer signed certificates for {} unrelated names", domains.len()))
}

fn domain(name: &str) -> String {
    let labels: Vec<&str> = name.rsplit('.').take(2).collect();
    labels.join(".")
}
