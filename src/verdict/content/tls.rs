//! TLS and DTLS handshakes that did not succeed (RFC 8446, RFC 5246, RFC 6347). What is encrypted is judged by record type, order and
//! length: in TLS 1.3 an alert has 19 bytes, a Finished 53 or 69.

use super::certificate::Presented;
use super::interception;
use crate::flow::{FlowView, Mark, Tcp, TlsFacts};
use crate::proto::sniff::Spoken;
use crate::proto::tls::{Alert, alert_name};
use crate::report::{Cause, Confidence};
use crate::time::Span;
use crate::verdict::context::Context;
use crate::verdict::judgement::Judgement;

/// A client that refuses the server does so at once; one that opened the connection ahead of need closes it much later.
const REFUSAL: Span = Span::from_secs(5);

/// The length of an encrypted alert in TLS 1.3: two bytes, the content type and a tag of 16 (RFC 8446, 5.2).
const ALERT_RECORD: u16 = 19;

/// A client that sent this many segments with data got through the handshake, which takes two or three.
const CARRIES_DATA: u64 = 6;

const UNRECOGNIZED_NAME: u8 = 112;
const CERTIFICATE_REQUIRED: u8 = 116;
const TLS_1_2: u16 = 0x0303;

/// What a handshake says against the connection.
pub(super) fn judge(context: &Context<'_>, flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let (facts, tcp) = (flow.app()?.tls.as_ref()?, flow.tcp()?);
    let name = facts.client_hello.as_ref().and_then(|hello| hello.server_name.as_deref());
    let handshake = Handshake { flow, facts, tcp, target, presented: Presented::of(context, flow) };
    let intercepted = facts
        .certificate
        .as_ref()
        .and_then(|certificate| Some((interception::proof(context, certificate, name)?, certificate)));
    if let Some((why, certificate)) = intercepted {
        let story = format!("{target} presented a certificate issued by \"{}\": {why}", certificate.issuer);
        let judgement = handshake.citing(
            Judgement::of(Cause::TlsIntercepted, story),
            facts.flight_done,
            "certificate of somebody else",
        );
        return Some(
            handshake
                .citing(judgement, handshake.client_end(), "the client ends the connection")
                .at_most(Confidence::Medium, "read from the names in the certificate"),
        );
    }
    handshake
        .refused_by_server()
        .or_else(|| handshake.refused_by_client())
        .or_else(|| handshake.refused_after_handshake())
}

/// A handshake that the snaplen cut: where hardly anything went over the connection, nobody can say whether it succeeded.
pub(super) fn unread(flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let (app, tcp) = (flow.app()?, flow.tcp()?);
    let (ours, theirs) = (tcp.half(flow.client_side()), tcp.half(flow.client_side().other()));
    let is_cut = app.is_cut(flow.client_side()) || app.is_cut(flow.client_side().other());
    let is_read = app.tls.as_ref().is_some_and(|tls| tls.client.protected.records > 1);
    if !is_cut || is_read || ours.data_packets >= CARRIES_DATA {
        return None;
    }
    let story = format!("{target} answered, but the handshake was captured too short to tell whether it succeeded");
    let judgement = Judgement::of(Cause::SnaplenTooShort, story);
    let first = [(ours.first_data, "ClientHello"), (theirs.first_data, "answer of the server, cut")];
    Some(
        first
            .into_iter()
            .filter_map(|(mark, note)| Some((mark?, note)))
            .fold(judgement, |judgement, (mark, note)| judgement.citing_one(mark, note)),
    )
}

/// A DTLS server that answered with an alert before any handshake came about.
pub(in crate::verdict) fn refused_datagram(flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let facts = flow.app()?.tls.as_ref()?;
    let (alert, side, mark) = facts.alert.as_ref()?;
    let is_refusal = *side != flow.client_side() && facts.server_hello.is_none() && !alert.is_close();
    is_refusal.then(|| {
        let story = format!("{target} ended the handshake with the alert {}", alert_name(alert.description));
        Judgement::of(Cause::TlsRefused, story).by(Some(flow.server().0)).citing_one(*mark, "alert of the server")
    })
}

struct Handshake<'f, 'a> {
    flow: &'f FlowView<'a>,
    facts: &'f TlsFacts,
    tcp: &'f Tcp,
    target: &'f str,
    presented: Option<Presented<'f>>,
}

impl Handshake<'_, '_> {
    fn citing(&self, judgement: Judgement, mark: Option<Mark>, note: &str) -> Judgement {
        mark.into_iter().fold(judgement, |judgement, mark| judgement.citing_one(mark, note))
    }

    /// Where the client ended the connection: its FIN or its reset. A reset that acknowledges nothing does not end it: the client's host no
    /// longer knew the connection.
    fn client_end(&self) -> Option<Mark> {
        let client = self.flow.client_side();
        let reset = self.tcp.resets().iter().find(|reset| reset.side == client && !reset.bare).map(|reset| reset.mark);
        [self.tcp.half(client).fin, reset].into_iter().flatten().min()
    }

    /// Whether both ends finished a handshake up to TLS 1.2: who does not accept a certificate does not come that far, or closes just
    /// as a check does that had what it wanted (RFC 5246, 7.2.1, 7.4.9).
    fn is_finished_by_both(&self) -> bool {
        let (client, server) = (self.facts.client.protected, self.facts.server.protected);
        !self.is_1_3() && client.change_cipher_spec && server.change_cipher_spec
    }

    fn server_end(&self) -> Option<Mark> {
        let server = self.flow.client_side().other();
        let reset = self.tcp.resets().iter().find(|reset| reset.side == server).map(|reset| reset.mark);
        [self.tcp.half(server).fin, reset].into_iter().flatten().min()
    }

    fn is_1_3(&self) -> bool {
        self.facts.server_hello.as_ref().is_some_and(|hello| hello.version > TLS_1_2)
    }

    /// An alert of the server in clear.
    fn refused_by_server(&self) -> Option<Judgement> {
        let server = self.flow.server().0;
        let Some((alert, mark)) = &self.facts.server.alert else {
            let cut = self.flow.spoken(self.flow.client_side().other()) == Some(Spoken::TlsAlert);
            return cut.then(|| {
                let story = format!("{} ended the handshake with an alert, which the capture cut", self.target);
                let judgement = Judgement::of(Cause::TlsRefused, story)
                    .by(Some(server))
                    .at_most(Confidence::Medium, "the alert's description was not captured");
                self.citing(
                    judgement,
                    self.tcp.half(self.flow.client_side().other()).first_data,
                    "alert of the server, cut",
                )
            });
        };
        if alert.is_close() || is_warning(alert) {
            return None;
        }
        let name = alert_name(alert.description);
        let wants_certificate = alert.description == CERTIFICATE_REQUIRED
            || self.facts.certificate_request && self.facts.no_client_certificate;
        let (cause, story) = if wants_certificate {
            (
                Cause::ClientCertificateMissing,
                format!("{} asked for a client certificate, got none and ended the handshake ({name})", self.target),
            )
        } else {
            (
                Cause::TlsRefused,
                format!("{} ended the handshake with the alert {name}{}", self.target, self.offer(alert)),
            )
        };
        let judgement = Judgement::of(cause, story).by(Some(server)).citing_one(*mark, format!("alert {name}"));
        Some(self.citing(judgement, self.tcp.half(self.flow.client_side()).first_data, "ClientHello"))
    }

    /// What the client offered, where the alert is about that.
    fn offer(&self, alert: &Alert) -> String {
        let name = self.facts.client_hello.as_ref().and_then(|hello| hello.server_name.as_deref());
        match (alert.description, name) {
            (UNRECOGNIZED_NAME, Some(name)) => format!("; the client asked for {name}"),
            _ => String::new(),
        }
    }

    /// The client's alert in clear, or its end after a full flight of the server and no data (a Finished is not data).
    fn refused_by_client(&self) -> Option<Judgement> {
        let flight = self.facts.flight_done?;
        if let Some((alert, mark)) = &self.facts.client.alert
            && !alert.is_close()
            && *mark > flight
            && self.server_end().is_none_or(|end| *mark < end)
        {
            let name = alert_name(alert.description);
            let cause = if alert.is_about_certificate() { Cause::CertificateRefused } else { Cause::TlsRefused };
            let story = format!(
                "the client refused {} after its handshake messages with the alert {name}{}",
                self.target,
                self.story()
            );
            let judgement = Judgement::of(cause, story).citing_one(*mark, format!("alert {name} of the client"));
            return Some(self.explained(self.citing(judgement, Some(flight), "flight of the server"), Some(alert)));
        }
        if self.tcp.has_gaps() {
            return None;
        }
        let end = self.client_end()?;
        let sent = self.facts.client.protected;
        let without_data = if self.is_1_3() {
            sent.records <= 1
        } else {
            sent.records == 0 && (self.facts.certificate.is_some() || sent.alert.is_some())
        };
        let server_ended_first = self.server_end().is_some_and(|server| server < end);
        if !without_data || server_ended_first || end < flight || end.time - flight.time > REFUSAL {
            return None;
        }
        if self.is_finished_by_both() && !self.presented.as_ref().is_some_and(Presented::has_fault) {
            return None;
        }
        let how = match (self.is_1_3(), sent.records, sent.first_length, sent.alert) {
            (true, 1, ALERT_RECORD, _) | (false, _, _, Some(_)) => "sent an encrypted alert and closed the connection",
            (true, 1, _, _) => "finished the handshake and closed the connection without any data",
            _ => "closed the connection",
        };
        let story = format!(
            "{} sent its handshake messages, and the client {how}: it did not accept the server's certificate{}",
            self.target,
            self.story()
        );
        let judgement =
            Judgement::of(Cause::CertificateRefused, story).citing_one(end, "the client ends the connection").at_most(
                Confidence::Medium,
                "the client does not say why in clear; that it ends after the server's flight, without data, tells",
            );
        let judgement = self.citing(judgement, self.facts.client.last, "last record of the client");
        Some(self.explained(self.citing(judgement, Some(flight), "flight of the server"), None))
    }

    /// TLS 1.3: the handshake looks complete, the client even sends data, and all that the server says to it is one encrypted alert.
    fn refused_after_handshake(&self) -> Option<Judgement> {
        let (client, server) = (self.facts.client.protected, self.facts.server.protected);
        let after = server.records.saturating_sub(self.facts.server_flight);
        let alone = after == 1 && server.last_length == ALERT_RECORD && self.facts.server_flight > 0;
        let end = self.server_end()?;
        let left_before = self.client_end().zip(self.facts.server.last).is_some_and(|(left, alert)| left < alert);
        if self.tcp.has_gaps() || !self.is_1_3() || client.records == 0 || !alone || left_before {
            return None;
        }
        let story = format!(
            "{} ended the connection with an encrypted alert as its only answer after the handshake: it wants a client certificate that it did not get",
            self.target
        );
        let judgement = Judgement::of(Cause::ClientCertificateMissing, story)
            .by(Some(self.flow.server().0))
            .citing_one(end, "the server ends the connection")
            .at_most(
                Confidence::Medium,
                "the alert is encrypted; in TLS 1.3 a missing client certificate shows only like this",
            );
        Some(self.citing(judgement, self.facts.server.last, "encrypted alert of the server"))
    }

    /// Whose certificate was refused, where that is in clear.
    fn story(&self) -> String {
        self.presented.as_ref().map_or_else(String::new, Presented::story)
    }

    /// Why it was, as far as that shows.
    fn explained(&self, judgement: Judgement, alert: Option<&Alert>) -> Judgement {
        let client = self.flow.client().0.to_string();
        let about_certificate = judgement.cause == Some(Cause::CertificateRefused);
        match self.presented.as_ref().filter(|_| about_certificate).and_then(|shown| shown.likely(alert, &client)) {
            Some(likely) => judgement.likely(likely),
            None => judgement,
        }
    }
}

/// unrecognized_name may be a warning, after which the handshake goes on (RFC 6066, 3).
fn is_warning(alert: &Alert) -> bool {
    alert.level == 1 && alert.description == UNRECOGNIZED_NAME
}
