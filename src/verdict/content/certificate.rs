//! What a certificate that a client refused shows against itself (RFC 5280, RFC 9525). Whom the client trusts never shows, and of the chain
//! only the server's own certificate is read.

use crate::flow::FlowView;
use crate::profile::Host;
use crate::proto::tls::{Alert, Certificate};
use crate::time::{Span, Timestamp};
use crate::verdict::context::Context;

/// SSL is of 1995: a capture that is older has a clock that does not tell the date.
const NO_DATE: Timestamp = Timestamp(788_918_400_000_000_000);

/// Names of a certificate that are said.
const SAID: usize = 3;

const CERTIFICATE_REVOKED: u8 = 44;
const CERTIFICATE_EXPIRED: u8 = 45;
const UNKNOWN_CA: u8 = 48;

/// A certificate as it was presented.
pub(super) struct Presented<'a> {
    pub(super) certificate: &'a Certificate,
    /// The host that the client asked for, as far as that is known.
    pub(super) asked: Option<String>,
    /// When it was presented, by the capture's clock.
    pub(super) at: Timestamp,
}

impl<'a> Presented<'a> {
    pub(super) fn of(context: &Context<'_>, flow: &FlowView<'a>) -> Option<Self> {
        let facts = flow.app()?.tls.as_ref()?;
        let certificate = facts.certificate.as_ref()?;
        let at = facts.flight_done.unwrap_or(flow.first()).time;
        let sni = facts.client_hello.as_ref().and_then(|hello| hello.server_name.clone());
        Some(Presented { certificate, asked: sni.or_else(|| named_by_site(context, flow)), at })
    }

    /// Whose it is, and what is wrong with it, to stand behind a story.
    pub(super) fn story(&self) -> String {
        let Certificate { subject, issuer, self_signed, .. } = self.certificate;
        let whose = if *self_signed {
            format!("its self-signed certificate is for \"{subject}\"")
        } else {
            format!("its certificate is for \"{subject}\", issued by \"{issuer}\"")
        };
        let faults: String = self.faults().iter().map(|fault| format!("; it {fault}")).collect();
        format!("; {whose}{faults}")
    }

    /// Why the client refuses it, where the certificate or the client's alert tells more than that it does.
    pub(super) fn likely(&self, alert: Option<&Alert>, client: &str) -> Option<String> {
        let description = alert.map(|alert| alert.description);
        let is_valid = self.has_date() && self.wrong_date().is_none();
        let why = match description {
            Some(CERTIFICATE_REVOKED) => "the certificate was revoked by its issuer".to_owned(),
            Some(CERTIFICATE_EXPIRED) if is_valid => format!(
                "by the capture's clock the certificate is valid until {}: the clock of {client} is wrong, or a certificate above it in the \
                 chain has expired",
                date(self.certificate.not_after)
            ),
            Some(UNKNOWN_CA) => self.untrusted(client),
            _ if !self.faults().is_empty() => format!("the certificate {}", self.faults().join(", and ")),
            _ if self.certificate.self_signed => self.untrusted(client),
            _ if is_valid && self.is_for_asked() == Some(true) => {
                format!("the certificate's dates and names are right, so {}", self.untrusted(client))
            }
            _ => return None,
        };
        Some(why)
    }

    /// That it is out of date, though nobody refused it for that.
    pub(super) fn accepted(&self) -> Option<String> {
        self.wrong_date().map(|fault| format!("its certificate {fault}, and the client accepted it"))
    }

    fn untrusted(&self, client: &str) -> String {
        if self.certificate.self_signed {
            format!("the certificate is self-signed: {client} accepts it only where it was installed as trusted")
        } else {
            format!(
                "{client} does not trust the issuer \"{}\", or the server does not send the certificates between",
                self.certificate.issuer
            )
        }
    }

    /// Whether its dates or its names are wrong: reason enough to refuse it.
    pub(super) fn has_fault(&self) -> bool {
        !self.faults().is_empty()
    }

    /// What is wrong with it, each to stand behind "it".
    fn faults(&self) -> Vec<String> {
        [self.wrong_date(), self.wrong_host()].into_iter().flatten().collect()
    }

    fn has_date(&self) -> bool {
        self.at >= NO_DATE
    }

    /// RFC 5280, 4.1.2.5: both ends of the validity are part of it.
    fn wrong_date(&self) -> Option<String> {
        let (from, until) = (self.certificate.not_before, self.certificate.not_after);
        if !self.has_date() {
            return None;
        }
        let is_late = self.at >= until + Span::from_secs(1);
        let late = || format!("expired on {}", date(until));
        is_late.then(late).or_else(|| (self.at < from).then(|| format!("is not valid before {}", date(from))))
    }

    fn is_for_asked(&self) -> Option<bool> {
        self.certificate.is_for(self.asked.as_deref()?)
    }

    fn wrong_host(&self) -> Option<String> {
        let asked = self.asked.as_deref().filter(|_| self.is_for_asked() == Some(false))?;
        let addresses = self.certificate.addresses.iter().map(ToString::to_string);
        let mut names: Vec<String> = self.certificate.hosts.iter().cloned().chain(addresses).collect();
        let more = names.len().saturating_sub(SAID);
        names.truncate(SAID);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        Some(match names.as_slice() {
            [] => format!("names no host, and the client asked for {asked}"),
            names => format!("is for {}{more}, and the client asked for {asked}", names.join(", ")),
        })
    }
}

/// Without SNI: the server's name or, where nothing else names it, its address, if the site file has it so.
fn named_by_site(context: &Context<'_>, flow: &FlowView<'_>) -> Option<String> {
    let server = flow.server().0;
    let hosts = || context.scope.site.servers.iter().map(|server| &server.host);
    let known = context.names.names(server);
    let is_named = |name: &str| hosts().any(|host| matches!(host, Host::Name(pattern) if pattern.matches(name)));
    if let Some(name) = known.iter().find(|name| is_named(&name.name)) {
        return Some(name.name.clone());
    }
    let by_address = known.is_empty() && hosts().any(|host| *host == Host::Address(server));
    by_address.then(|| server.to_string())
}

fn date(time: Timestamp) -> String {
    format!("{} UTC", time.to_second())
}

#[cfg(test)]
mod tests {
    use super::Presented;
    use crate::proto::tls::{Alert, Certificate};
    use crate::time::{Span, Timestamp};

    const CLIENT: &str = "10.0.0.2";

    fn certificate(issuer: &str) -> Certificate {
        let subject = "CN=vpn.example.com";
        Certificate {
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
            organisation: None,
            organisational_unit: None,
            common_name: Some("vpn.example.com".to_owned()),
            self_signed: issuer == subject,
            not_before: Timestamp::from_parts(1_750_000_000, 0),
            not_after: Timestamp::from_parts(1_760_000_000, 0),
            hosts: vec!["vpn.example.com".to_owned()],
            addresses: Vec::new(),
            has_more_names: false,
        }
    }

    fn shown<'a>(certificate: &'a Certificate, asked: Option<&str>, seconds: i64) -> (String, Presented<'a>) {
        let presented = Presented {
            certificate,
            asked: asked.map(str::to_owned),
            at: Timestamp::from_parts(seconds, 0) + Span::from_millis(999),
        };
        (presented.story(), presented)
    }

    #[test]
    fn both_ends_of_the_validity_are_part_of_it() {
        let certificate = certificate("CN=Example CA");
        for (seconds, fault) in [
            (1_749_999_999, Some("is not valid before 2025-06-15 15:06:40 UTC")),
            (1_750_000_000, None),
            (1_760_000_000, None),
            (1_760_000_001, Some("expired on 2025-10-09 08:53:20 UTC")),
            // The capture's clock starts at 1970: it tells no date.
            (3_600, None),
        ] {
            let (story, presented) = shown(&certificate, Some("vpn.example.com"), seconds);
            assert_eq!(presented.wrong_date().as_deref(), fault, "{seconds}");
            assert!(fault.is_none_or(|fault| story.ends_with(fault)), "{story}");
        }
    }

    #[test]
    fn the_name_asked_for_is_compared_where_it_is_known() {
        let mut certificate = certificate("CN=Example CA");
        let story = |certificate: &Certificate, asked| shown(certificate, asked, 1_755_000_000).0;
        let alone = "; its certificate is for \"CN=vpn.example.com\", issued by \"CN=Example CA\"";
        assert_eq!(story(&certificate, None), alone);
        assert_eq!(story(&certificate, Some("VPN.example.com")), alone);
        assert_eq!(
            story(&certificate, Some("203.0.113.10")),
            format!("{alone}; it is for vpn.example.com, and the client asked for 203.0.113.10")
        );
        certificate.hosts.extend(["a.example", "b.example", "c.example"].map(str::to_owned));
        assert_eq!(
            story(&certificate, Some("x.example")),
            format!(
                "{alone}; it is for vpn.example.com, a.example, b.example and 1 more, and the client asked for x.example"
            )
        );
        certificate.has_more_names = true;
        assert_eq!(story(&certificate, Some("x.example")), alone);
    }

    #[test]
    fn the_alert_and_the_certificate_together_tell_why() {
        let alert = |description| Alert { level: 2, description };
        let (private, own) = (certificate("CN=Example CA"), certificate("CN=vpn.example.com"));
        let why = |certificate, asked, seconds, alert: Option<Alert>| {
            shown(certificate, asked, seconds).1.likely(alert.as_ref(), CLIENT)
        };
        let right = Some("vpn.example.com");
        let (valid, late) = (1_755_000_000, 1_770_000_000);
        let says =
            |why: Option<String>, words: &str| assert!(why.as_ref().is_some_and(|why| why.contains(words)), "{why:?}");
        says(why(&private, right, late, Some(alert(45))), "the certificate expired on 2025-10-09");
        says(why(&private, right, valid, Some(alert(45))), "the clock of 10.0.0.2 is wrong");
        says(why(&private, right, valid, Some(alert(48))), "does not trust the issuer \"CN=Example CA\"");
        says(why(&private, Some("x.example"), valid, Some(alert(42))), "the certificate is for vpn.example.com");
        says(why(&own, right, valid, Some(alert(42))), "self-signed");
        says(why(&private, right, valid, None), "dates and names are right");
        // The name asked for is not known: it may be the wrong one.
        assert_eq!(why(&private, None, valid, None), None);
        assert_eq!(why(&private, right, 0, Some(alert(45))), None);
    }
}
