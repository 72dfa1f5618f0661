//! What a cause means for the reader: the likely reason, and what to do. One entry a cause; no cause is left out.

use crate::report::Cause;

/// The words for a cause.
pub(super) struct Advice {
    /// What is likely behind it.
    pub(super) likely: String,
    /// What to do.
    pub(super) remedy: String,
}

/// What a piece of advice speaks of.
pub(super) struct About<'a> {
    pub(super) client: &'a str,
    pub(super) server: &'a str,
    /// `udp/4500`, `tcp/8013`, `ESP (IP protocol 50)`.
    pub(super) port: &'a str,
    /// The device that did it.
    pub(super) suspect: Option<&'a str>,
}

/// The words for a cause.
pub(super) fn advice(cause: Cause, about: &About<'_>) -> Advice {
    let About { client, server, port, suspect } = about;
    let by = suspect.unwrap_or(server);
    let (likely, remedy) = match cause {
        Cause::IkeNoReply => (
            format!("a filter between {client} and {server} drops {port}, or the gateway does not listen there"),
            format!(
                "allow udp/500, udp/4500 and ESP to {server} in both directions; see whether the packets arrive: \
                 diagnose sniffer packet any 'host {client} and (port 500 or port 4500)' 4 0 l"
            ),
        ),
        Cause::NatTNoReply => (
            format!("a filter or a NAT device between {client} and {server} drops udp/4500, while udp/500 passes"),
            format!("allow udp/4500 to {server} in both directions (and forward it, where the gateway is behind a NAT), or let the client use IKE over TCP"),
        ),
        Cause::IkeFragmentsLost => (
            format!("the path between {client} and {server} loses large or fragmented packets"),
            "on the gateway: config vpn ipsec phase1-interface, set fragmentation enable; lower fragmentation-mtu; or send a shorter certificate chain".to_owned(),
        ),
        Cause::EspNoReply => (
            format!("a filter between {client} and {server} drops IP protocol 50"),
            format!("allow IP protocol 50 to and from {server}, or force encapsulation in UDP: config vpn ipsec phase1-interface, set nattraversal forced"),
        ),
        Cause::EspInUdpOneWay => (
            format!("a filter between {client} and {server} drops udp/4500 one way"),
            format!("allow udp/4500 to {server} in both directions"),
        ),
        Cause::SynNoReply => (
            format!("a filter between {client} and {server} drops {port}, or the host is down"),
            format!("allow {port} from {client} to {server}; make sure that the server is up and that its answers are routed back"),
        ),
        Cause::ReplyNotAccepted => (
            format!("the answers of {server} do not reach the program on {client}: a host firewall, a filter behind the capture point, or a wrong checksum"),
            format!("look at the firewall of {client} itself, and at the interface that the answers come in on"),
        ),
        Cause::UdpNoReply => (
            format!("a filter between {client} and {server} drops {port}, or the service does not run"),
            format!("allow {port} from {client} to {server} and back, or switch the service to TCP"),
        ),
        Cause::ConnectionRefused => (
            format!("nothing listens on {port} of {server}, or a rule there rejects the connection"),
            format!("start the service on {server}, or correct the port that the client is set to"),
        ),
        Cause::ResetInjected => (
            format!("a firewall or intrusion prevention system between {client} and {server} ends the connection in the server's name"),
            format!("allow {port} from {client} to {server} on the devices between them, and exempt it from inspection"),
        ),
        Cause::IcmpAdminProhibited => (
            format!("{by} filters {port} and says so"),
            format!("allow {port} from {client} to {server} on {by}"),
        ),
        Cause::IcmpPortUnreachable => (
            format!("nothing listens on {port} of {server}, or {by} rejects it"),
            format!("start the service on {server} and check the port that it is set to; where {by} is a filter, allow {port} there"),
        ),
        Cause::IcmpHostUnreachable => (
            format!("{by} is the last router and gets no answer from {server}: the host is down, or its address is wrong"),
            format!("make sure that {server} is up and is the right address"),
        ),
        Cause::IcmpNetUnreachable => (
            format!("{by} has no route to {server}"),
            format!("give {by} a route to {server}, or correct the address that the client is set to"),
        ),
        Cause::IcmpProtocolUnreachable => (
            format!("{by} does not accept IP protocol 50"),
            "allow ESP there, or force encapsulation in UDP: config vpn ipsec phase1-interface, set nattraversal forced".to_owned(),
        ),
        Cause::IcmpTtlExceeded => (
            format!("the packets to {server} go round between routers until {by} gives them up"),
            format!("correct the routes to {server} on {by} and its neighbours; a full tunnel must not route the gateway's own address into itself"),
        ),
        Cause::PathMtu => (
            format!("the path between {client} and {server} takes only smaller packets, and the sender does not learn it"),
            "let ICMP \"fragmentation needed\" pass, or lower the MTU or the TCP MSS".to_owned(),
        ),
        Cause::PayloadDropped => (
            format!("a filter between {client} and {server} lets the connection open and drops what it carries"),
            format!("exempt {server} {port} from content filtering on the devices between them"),
        ),
        Cause::DnsFailure => (
            "the name does not resolve".to_owned(),
            "correct the name, or give the client a resolver that it reaches over udp/53 and tcp/53".to_owned(),
        ),
        Cause::IkeNoProposalChosen => (
            "client and gateway share no encryption, integrity and group".to_owned(),
            "make phase 1 of both ends agree: show vpn ipsec phase1-interface (proposal, dhgrp)".to_owned(),
        ),
        Cause::IkeInvalidKe => (
            "client and gateway share no Diffie-Hellman group".to_owned(),
            "set a common dhgrp in phase 1 of both ends".to_owned(),
        ),
        Cause::IkeAuthRefused => (
            "the gateway did not accept the client's key, certificate, identity or login".to_owned(),
            "see the gateway's reason: diagnose debug application ike -1; diagnose debug enable; compare pre-shared key, peer ID and EAP settings".to_owned(),
        ),
        Cause::IkeCookieLoop => (
            format!("{server} sees the client's cookies come from another address each time (a NAT with several addresses), or is under load and keeps none"),
            format!("make the NAT in front of {client} keep one outside address per client; on the gateway see: diagnose vpn ike status"),
        ),
        Cause::IkeAuthRejectedByClient => (
            format!("{client} does not trust the certificate of {server}, or its identity is not the one that the client expects"),
            format!("give {client} the authority's certificate, and make the name in the gateway's certificate or its local ID the one that the client is set to"),
        ),
        Cause::IkeEapFailed => (
            "the user's name or password is wrong, the user is in no group of the VPN, or client and gateway share no EAP method".to_owned(),
            "see the reason on the gateway: diagnose debug application ike -1; diagnose debug application fnbamd -1; diagnose debug enable".to_owned(),
        ),
        Cause::IkeChildRefused => (
            "client and gateway share no phase 2 proposal, or the traffic selectors do not fit".to_owned(),
            "compare phase 2 of both ends: show vpn ipsec phase2-interface (proposal, pfs, dhgrp, src-subnet, dst-subnet); for dial-up leave the selectors at 0.0.0.0/0".to_owned(),
        ),
        Cause::IkeNoAddress => (
            format!("{server} has no free address for the tunnel, or mode config is off"),
            "on the gateway: show vpn ipsec phase1-interface (mode-cfg, ipv4-start-ip, ipv4-end-ip); enlarge the range, or free stale addresses: diagnose vpn ike gateway list".to_owned(),
        ),
        Cause::Ikev1Phase1Stalled => (
            format!("{server} dropped the key exchange, or a device on the path drops its larger packet"),
            format!("see whether the message arrives: diagnose sniffer packet any 'host {client} and port 500' 4 0 l; then diagnose debug application ike -1"),
        ),
        Cause::Ikev1XauthFailed => (
            "the user's name or password is wrong, or the user is in no group of the VPN".to_owned(),
            "see the reason on the gateway: diagnose debug application fnbamd -1; diagnose debug enable; check authusrgrp of the phase 1".to_owned(),
        ),
        Cause::Ikev1Phase2Unanswered => (
            "client and gateway share no phase 2 proposal, the selectors do not fit, or no policy uses the tunnel".to_owned(),
            "compare phase 2 of both ends: show vpn ipsec phase2-interface (proposal, pfs, dhgrp, selectors), and make sure that a policy uses the tunnel's interface".to_owned(),
        ),
        Cause::IkeInvalidSpi => (
            format!("{server} restarted or cleared the tunnel, and the client has not noticed"),
            "reconnect the client; on both ends switch dead peer detection on (set dpd on-idle), so that this ends by itself".to_owned(),
        ),
        Cause::IkeRekeyFailed => (
            "the two ends disagree on perfect forward secrecy, its group, or the lifetime: the first tunnel comes up without them".to_owned(),
            "make pfs, dhgrp and keylifeseconds of phase 2 agree: show vpn ipsec phase2-interface; see the reason: diagnose debug application ike -1".to_owned(),
        ),
        Cause::ClosedByGateway => (
            format!("an administrator, an idle or authentication timeout, or a changed configuration on {server} ended the tunnel"),
            format!("look at the VPN events of {server} for that minute; see idle-timeout and auth-timeout there"),
        ),
        Cause::NatMappingChanged => (
            "the NAT device forgot the client's mapping or was restarted, and the gateway does not follow the client's new port".to_owned(),
            "send NAT keepalives more often (set keepalive 5 in phase 1), raise the UDP timeout of the NAT device for udp/4500, and let both ends use MOBIKE".to_owned(),
        ),
        Cause::LargePacketsLost => (
            format!("the path between {client} and {server} takes only smaller packets than the tunnel sends"),
            "lower the MTU of the tunnel interface or clamp the TCP MSS (set tcp-mss-sender and tcp-mss-receiver in the policy); let ICMP \"fragmentation needed\" pass".to_owned(),
        ),
        Cause::OffloadSuspected => (
            "the capture was taken on a FortiGate whose network processor forwards the tunnel's packets past the capture point".to_owned(),
            "capture beside the FortiGate, or for the time of the test: config vpn ipsec phase1-interface, set npu-offload disable".to_owned(),
        ),
        Cause::IkeMessageUnanswered => (
            format!("{server} ignores this message, or a filter that reads IKE drops it"),
            "see whether the gateway receives it: diagnose debug application ike -1; diagnose debug enable".to_owned(),
        ),
        Cause::IkeVersionMismatch => (
            "one end speaks IKEv1, the other IKEv2".to_owned(),
            "set the same ike-version in phase 1 of both ends".to_owned(),
        ),
        Cause::Ikev1PskMismatch => (
            "the pre-shared keys differ, or another phase 1 with the same interface matched first".to_owned(),
            "set the same pre-shared key at both ends; tell several dial-up phase 1 apart by peer ID in aggressive mode".to_owned(),
        ),
        Cause::TlsClosedEarly => (
            format!("{server} does not speak TLS on {port}, or does not serve this client"),
            format!("check which service listens on {port} of {server}, and its log"),
        ),
        Cause::TlsNoReply => (
            format!("{server} took the first message and did not answer: the service hangs, or a filter drops its answers"),
            format!("look at the service on {server} {port}; capture there to see whether it answers"),
        ),
        Cause::WrongService => (
            format!("another program answers on {port} of {server}"),
            format!("correct the port at the client, or free {port} on {server} for the service"),
        ),
        Cause::ServerReset => (
            format!("{server} ended the connection itself"),
            format!("look at the service's log on {server}; an unregistered client is often turned away like this"),
        ),
        Cause::ConnectedIdle => (
            "the client was not registered, or the service behind the port hangs".to_owned(),
            format!("look at the service's log on {server}, and at the client's registration"),
        ),
        Cause::PathLost => (
            format!("the path between {client} and {server} broke, or the server went down"),
            "see whether the client's own network changed at that time; look at the gateway and at the devices between for the same minute".to_owned(),
        ),
        Cause::SessionReset => (
            "the service was restarted, or a device on the path dropped the session".to_owned(),
            format!("look at the log of {server} and of the firewalls between for that moment"),
        ),
        Cause::DtlsBlocked => (
            format!("a filter drops udp/443 to {server}, or a port forward covers TCP only"),
            format!("allow {port} to {server} in both directions, and forward it where a VIP is used"),
        ),
        Cause::UdpBlockedTcpUsed => (
            format!("a filter drops UDP between {client} and the server; the client turned to TCP"),
            format!("allow {port} in both directions, or set the client to TCP for good"),
        ),
        Cause::AddressFamilyBlocked => (
            "one of IPv4 and IPv6 does not reach the service".to_owned(),
            "route and allow both, or publish only the address family that works".to_owned(),
        ),
        Cause::Recovered => (
            "the fault was gone before the capture ended".to_owned(),
            "nothing now; if it comes back, capture from before the first attempt".to_owned(),
        ),
        Cause::PacketLoss => (
            "the path loses packets".to_owned(),
            "look for a full or faulty link between client and server".to_owned(),
        ),
        Cause::OneSidedCapture => (
            "the capture point sees one direction, or a capture filter left one out".to_owned(),
            better_capture(client),
        ),
        Cause::StartedMidFlow => (
            "the connection was set up before the capture began".to_owned(),
            format!("start the capture first, then connect: {}", better_capture(client)),
        ),
        Cause::SingleAttempt => (
            "the capture ends before it can be told".to_owned(),
            format!("capture for at least 30 s of attempts: {}", better_capture(client)),
        ),
        Cause::CaptureDropped => (
            "the capturing machine was too slow".to_owned(),
            format!("capture with a filter and a larger buffer: {}", better_capture(client)),
        ),
        Cause::SnaplenTooShort => ("the packets were cut".to_owned(), better_capture(client)),
        Cause::TunnelIdle => (
            "nothing used the tunnel, or the capture has no traffic of it".to_owned(),
            "send something through the tunnel while capturing, such as a ping to an inner host".to_owned(),
        ),
        Cause::TunnelNoReturnTraffic => (
            "an inner host does not answer, a policy on the gateway drops the traffic, or a filter on the path reads content".to_owned(),
            format!("ping an inner host that answers; on the gateway: diagnose vpn tunnel list, diagnose debug flow for {client}"),
        ),
        Cause::ServerNotIdentified => (
            "some of the servers on tcp/443 do not work, and nothing tells whether one of them is the gateway".to_owned(),
            format!("name it: portproof check --server gateway={server} ..."),
        ),
        Cause::TlsIntercepted => (
            format!("a filter between {client} and {server} opens encrypted connections and presents a certificate of its own"),
            format!("exempt {server} and the vendor's names (*.fortinet.com, *.fortinet.net, *.fortiguard.com, *.fortiguard.net) from deep inspection"),
        ),
        Cause::BlockPage => (
            "a web filter or an application control on the way answers in the server's name".to_owned(),
            format!("allow the vendor's update names on {port} in the filter; see its log for {client} at that minute"),
        ),
        Cause::CaptivePortal => (
            format!("{client} has not logged in to the network that it is in"),
            "log in to the portal in a browser first; FortiClient's option implied_SPDO_timeout leaves time for that before it blocks other traffic".to_owned(),
        ),
        Cause::ProxyRequired => (
            format!("the network of {client} lets nothing out but through its proxy, and the proxy asks for a login"),
            "give FortiClient the proxy and its login (EMS: System Settings, Proxy), or allow the vendor's names without a login".to_owned(),
        ),
        Cause::DnsSinkhole => (
            format!("{by} filters names: it answers with an address that leads nowhere, or to its block page"),
            format!("allow the name in the DNS filter of {by}, or let {client} ask another resolver"),
        ),
        Cause::TlsRefused => (
            format!("client and server share no TLS version or cipher, or {server} does not serve the name that the client asks for"),
            "compare both ends: on a FortiGate ssl-min-proto-ver, ssl-max-proto-ver and algorithm (config vpn ssl settings); update an old client".to_owned(),
        ),
        Cause::CertificateRefused => (
            format!("the certificate of {server} is expired, is for another name, or comes from an authority that {client} does not trust"),
            format!("look at it: openssl s_client -connect {server}:PORT -servername NAME; renew it, set the client to the name that it is for, or give {client} its authority"),
        ),
        Cause::ClientCertificateMissing => (
            format!("{client} has no certificate that {server} accepts: it is not registered, or its certificate was revoked or removed"),
            format!("register {client} with the EMS again, or give its user the certificate that the gateway asks for"),
        ),
        Cause::SslVpnLoginRefused => (
            "the user's name, password or token is wrong, or the user is in no group of the portal".to_owned(),
            "see the reason on the gateway: diagnose debug application sslvpn -1; diagnose debug application fnbamd -1; diagnose debug enable".to_owned(),
        ),
        Cause::SslVpnRefused => (
            "the portal of the user has no tunnel mode, a host check failed, or no address or session is free".to_owned(),
            "on the gateway: show vpn ssl web portal (tunnel-mode, ip-pools, host-check); diagnose debug application sslvpn -1".to_owned(),
        ),
        Cause::SmtpRefused => (
            format!("{server} does not take mail from {client}: its sender, its recipient or its address is not allowed"),
            format!("see the text of the reply above; allow {client} to relay on {server}, or set the mail server that FortiClient is to use"),
        ),
    };
    Advice { likely, remedy }
}

/// The command that takes a better capture on the client.
pub(super) fn better_capture(client: impl std::fmt::Display) -> String {
    format!("tcpdump -i any -s 0 -w capture.pcap 'host {client}'")
}
