//! The closed list of causes. A code belongs to one class, and its class is the verdict.

use schemars::JsonSchema;
use serde::Serialize;

use super::Verdict;

macro_rules! causes {
    ($( $verdict:ident { $( $name:ident = $code:literal, $line:literal; )* } )*) => {
        /// Why a service does not simply work: a stable kebab-case code. A code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        pub enum Cause {
            $( $( #[doc = $line] #[serde(rename = $code)] $name, )* )*
        }

        impl Cause {
            /// Every cause, in the order of the published list.
            pub const ALL: &[Cause] = &[ $( $( Cause::$name, )* )* ];

            /// The code as it stands in reports and as users type it.
            pub fn code(self) -> &'static str {
                match self { $( $( Cause::$name => $code, )* )* }
            }

            /// What the cause means, in one line.
            pub fn in_one_line(self) -> &'static str {
                match self { $( $( Cause::$name => $line, )* )* }
            }

            /// The class of the cause.
            pub fn verdict(self) -> Verdict {
                match self { $( $( Cause::$name => Verdict::$verdict, )* )* }
            }

            /// The page about the cause, in Markdown.
            pub(super) fn page(self) -> &'static str {
                match self { $( $( Cause::$name => include_str!(concat!("pages/", $code, ".md")), )* )* }
            }
        }
    };
}

causes! {
    Blocked {
        IkeNoReply = "ike-no-reply", "the first IKE message was sent repeatedly and nothing came back";
        NatTNoReply = "nat-t-no-reply", "IKE was answered on udp/500, then nothing came back on udp/4500";
        IkeFragmentsLost = "ike-fragments-lost", "the large IKE message does not get through, small ones do";
        EspNoReply = "esp-no-reply", "native ESP flows one way only while IKE is alive";
        EspInUdpOneWay = "esp-in-udp-one-way", "ESP in UDP flows one way only and IKE on the same pair is dead too";
        SynNoReply = "syn-no-reply", "TCP SYNs were repeated and nothing came back";
        ReplyNotAccepted = "reply-not-accepted", "every request is answered in the capture, and the client sends again as if it were not";
        UdpNoReply = "udp-no-reply", "a UDP service that answers did not";
        ConnectionRefused = "connection-refused", "the server itself answered the SYN with RST";
        ResetInjected = "reset-injected", "a reset that the server did not send";
        IcmpAdminProhibited = "icmp-admin-prohibited", "a filter said that it forbids the traffic";
        IcmpPortUnreachable = "icmp-port-unreachable", "nothing listens on that port, or a reject rule says so";
        IcmpHostUnreachable = "icmp-host-unreachable", "the last router cannot reach the host";
        IcmpNetUnreachable = "icmp-net-unreachable", "a router has no route to the server's network";
        IcmpProtocolUnreachable = "icmp-protocol-unreachable", "the device does not accept ESP";
        IcmpTtlExceeded = "icmp-ttl-exceeded", "the packets go round in a routing loop";
        PathMtu = "path-mtu", "small packets pass, full-size ones are sent again and again and never arrive";
        PayloadDropped = "payload-dropped", "TCP opens, the first message is never acknowledged";
        TlsIntercepted = "tls-intercepted", "a third party's certificate stands on the way";
        BlockPage = "block-page", "a filter answered with its own page";
        CaptivePortal = "captive-portal", "a portal redirects the client to its login page";
        ProxyRequired = "proxy-required", "a proxy refused, or an answer says that a proxy must be used";
        DnsSinkhole = "dns-sinkhole", "the name resolves to a block address";
    }
    Failed {
        DnsFailure = "dns-failure", "the name of the server did not resolve";
        IkeNoProposalChosen = "ike-no-proposal-chosen", "client and gateway share no cryptographic proposal";
        IkeInvalidKe = "ike-invalid-ke", "client and gateway share no Diffie-Hellman group";
        IkeCookieLoop = "ike-cookie-loop", "the gateway asks for cookies again and again";
        IkeAuthRefused = "ike-auth-refused", "the gateway refused authentication";
        IkeAuthRejectedByClient = "ike-auth-rejected-by-client", "the client did not accept the gateway's certificate or identity";
        IkeEapFailed = "ike-eap-failed", "user authentication ended without success";
        IkeChildRefused = "ike-child-refused", "IKE is up, the tunnel was refused";
        IkeNoAddress = "ike-no-address", "authenticated, but no tunnel address was given";
        IkeMessageUnanswered = "ike-message-unanswered", "a later IKE message is repeated and not answered";
        IkeVersionMismatch = "ike-version-mismatch", "IKEv1 meets IKEv2";
        Ikev1PskMismatch = "ikev1-psk-mismatch", "main mode stops at message 5, or aggressive mode after message 2";
        Ikev1Phase1Stalled = "ikev1-phase1-stalled", "IKEv1 phase 1 stops before the keys are proved";
        Ikev1XauthFailed = "ikev1-xauth-failed", "XAUTH was refused";
        Ikev1Phase2Unanswered = "ikev1-phase2-unanswered", "quick mode gets no answer, or a refusal";
        TlsRefused = "tls-refused", "the server ended the TLS handshake with an alert";
        CertificateRefused = "certificate-refused", "the client did not accept the server's certificate";
        ClientCertificateMissing = "client-certificate-missing", "the server wants a client certificate";
        TlsClosedEarly = "tls-closed-early", "the server closed after the ClientHello without an alert";
        TlsNoReply = "tls-no-reply", "the ClientHello was acknowledged and nothing follows";
        SslVpnLoginRefused = "ssl-vpn-login-refused", "the portal answered, the login did not succeed";
        SslVpnRefused = "ssl-vpn-refused", "the portal works, the tunnel does not";
        SmtpRefused = "smtp-refused", "the mail server answered with a refusal";
        WrongService = "wrong-service", "something else answers on that port";
        ServerReset = "server-reset", "the server ends with RST before the service was shown to work";
        ConnectedIdle = "connected-idle", "the connection opens and nothing follows";
    }
    Interrupted {
        PathLost = "path-lost", "both directions were alive, then the peer stops answering";
        IkeInvalidSpi = "ike-invalid-spi", "the gateway lost its state";
        IkeRekeyFailed = "ike-rekey-failed", "the tunnel died when its keys were to be renewed";
        ClosedByGateway = "closed-by-gateway", "the gateway ended the session without the client asking";
        SessionReset = "session-reset", "an established connection was reset";
        NatMappingChanged = "nat-mapping-changed", "the NAT gave the client another port and the gateway answers the old one";
    }
    Degraded {
        DtlsBlocked = "dtls-blocked", "DTLS gets nothing back, the tunnel runs over TLS";
        UdpBlockedTcpUsed = "udp-blocked-tcp-used", "the UDP transport failed, the TCP one of the same service works";
        AddressFamilyBlocked = "address-family-blocked", "one of IPv6 and IPv4 is silent, the other works";
        Recovered = "recovered", "an attempt was given up or an outage lasted 3 s or more, and it works at the end";
        PacketLoss = "packet-loss", "it works with heavy retransmission";
        LargePacketsLost = "large-packets-lost", "small packets pass, fragments or full-size packets do not";
    }
    Inconclusive {
        OneSidedCapture = "one-sided-capture", "the capture lacks one direction";
        OffloadSuspected = "offload-suspected", "a FortiGate capture that its network processor hides packets from";
        StartedMidFlow = "started-mid-flow", "the set-up happened before the capture began";
        SingleAttempt = "single-attempt", "one or two requests without reply, or less than 3 s of them";
        CaptureDropped = "capture-dropped", "the capture itself lost packets in the time that matters";
        SnaplenTooShort = "snaplen-too-short", "the bytes that would tell were not captured";
        TunnelIdle = "tunnel-idle", "keepalives only";
        TunnelNoReturnTraffic = "tunnel-no-return-traffic", "ESP goes out in UDP and none comes back, though IKE is answered";
        ServerNotIdentified = "server-not-identified", "several servers on tcp/443, none with a sign that it is the gateway";
    }
}

impl Cause {
    /// The cause of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Cause::ALL.iter().copied().find(|cause| cause.code() == code)
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn codes_are_unique_kebab_case_and_serialise_as_themselves() {
        let mut codes: Vec<_> = Cause::ALL.iter().map(|cause| cause.code()).collect();
        for cause in Cause::ALL {
            assert!(cause.code().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.code());
            assert_eq!(Cause::from_code(cause.code()), Some(*cause));
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Cause::ALL.len());
    }
}
