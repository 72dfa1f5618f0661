//! Payload that cannot be the service is not the service, whatever the port.

use crate::decode::Side;
use crate::flow::FlowView;
use crate::profile::Speaks;
use crate::proto::sniff::Spoken;

/// What OpenSSL calls DTLS1_BAD_VER.
const DTLS_CISCO: u16 = 0x0100;

/// Whether the client's first payload can be of the protocol. Judged by the client alone: where it speaks the service and the
/// server does not, that is the service failing. What is not recognised, or was not captured, fits.
pub(super) fn fits(speaks: Speaks, flow: &FlowView<'_>, client: Side) -> bool {
    let spoken = flow.spoken(client);
    let first = match spoken {
        None | Some(Spoken::Unknown) => return fits_unrecognised(speaks, flow),
        Some(spoken) => spoken,
    };
    match speaks {
        Speaks::Tls => first.is_tls(),
        Speaks::Oftp => !matches!(first, Spoken::Syslog | Spoken::SyslogOctetCounted) && !is_foreign(first),
        Speaks::Fsso => !is_foreign(first) && first != Spoken::Text,
        Speaks::Http => !matches!(first, Spoken::IkeTcp | Spoken::Ssh | Spoken::Rdp | Spoken::Smb),
        Speaks::Smtp => matches!(first, Spoken::Smtp | Spoken::Text | Spoken::TlsClient),
        Speaks::Dtls => first == Spoken::Dtls && !is_anyconnect(flow),
        Speaks::Syslog => !matches!(first, Spoken::Quic | Spoken::Dtls | Spoken::Dns),
        Speaks::Rating => !matches!(first, Spoken::Quic | Spoken::Dtls | Spoken::Syslog),
        Speaks::IkeTcp => first == Spoken::IkeTcp,
        Speaks::Ike | Speaks::NatT => flow.udp().is_some_and(crate::flow::Udp::is_ipsec),
        Speaks::Esp => true,
    }
}

/// Whether a flow whose payload says nothing can be of the protocol.
fn fits_unrecognised(speaks: Speaks, flow: &FlowView<'_>) -> bool {
    match speaks {
        Speaks::Ike | Speaks::NatT => {
            flow.udp().is_none_or(|udp| udp.is_ipsec() || udp.junk.iter().all(crate::flow::Marks::is_empty))
        }
        Speaks::Dtls | Speaks::Syslog | Speaks::Rating => !flow.udp().is_some_and(crate::flow::Udp::is_ipsec),
        _ => true,
    }
}

/// Whether a DTLS client offers version 1.0 under Cisco's number: that of AnyConnect, which no FortiGate speaks.
pub(super) fn is_anyconnect(flow: &FlowView<'_>) -> bool {
    let hello = flow.app().and_then(|app| app.tls.as_ref()?.client_hello.as_ref());
    hello.is_some_and(|hello| hello.version == DTLS_CISCO)
}

/// Protocols of other products that are found on any port.
fn is_foreign(spoken: Spoken) -> bool {
    matches!(
        spoken,
        Spoken::HttpRequest
            | Spoken::HttpResponse
            | Spoken::Ssh
            | Spoken::Rdp
            | Spoken::Rsh
            | Spoken::Smb
            | Spoken::Smtp
            | Spoken::IkeTcp
    )
}

/// Whether IKE in the flow stands behind the non-ESP marker, or ESP in UDP without IKE is all there is.
pub(super) fn has_marker(flow: &FlowView<'_>) -> bool {
    let Some(udp) = flow.udp() else { return false };
    match &udp.ike {
        Some(ike) => ike.messages().iter().any(|message| message.marker),
        None => udp.esp.is_some() || udp.keepalives.iter().any(|marks| !marks.is_empty()),
    }
}

/// The organisational unit of a Fortinet factory certificate, in the form of a role: `OU=FortiAnalyzer` is `fortianalyzer`,
/// `OU=FortiGate` is `gateway`.
pub(super) fn factory_unit(flow: &FlowView<'_>) -> Option<String> {
    let certificate = flow.app()?.tls.as_ref()?.certificate.as_ref()?;
    if !certificate.organisation.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("Fortinet")) {
        return None;
    }
    let unit = certificate.organisational_unit.as_deref()?.to_ascii_lowercase();
    Some(if unit == "fortigate" { "gateway".to_owned() } else { unit })
}
