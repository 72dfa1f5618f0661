//! The ladder of a finding about TCP or UDP: what opened the conversation, what each side said first, and how it ended.

use std::net::IpAddr;

use super::judgement::{Judgement, Rung};
use super::pair::PairFlow;
use crate::decode::Side;
use crate::flow::{FlowView, Mark, Marks};
use crate::proto::sniff::Spoken;
use crate::proto::tls::{alert_name, version_name};
use crate::report::Verdict;

/// Rungs of a ladder: a conversation is told by its opening and its end.
const MAX_RUNGS: usize = 16;

/// Draws the last conversation that the judgement cites. `flows` are those of its transport.
pub(super) fn draw(flows: &[&PairFlow<'_>], judgement: &Judgement) -> Vec<Rung> {
    let cites = |flow: &FlowView<'_>| {
        let own = judgement.cited.iter().filter(|cited| !cited.note.starts_with("witness"));
        own.map(|cited| cited.mark).any(|mark| mark >= flow.first() && mark <= flow.last())
    };
    let Some(flow) = flows.iter().rfind(|flow| cites(&flow.flow)) else { return Vec::new() };
    let mut ladder = Ladder { client: flow.client_side, flow: &flow.flow, rungs: Vec::new() };
    if flow.flow.tcp().is_some() {
        ladder.tcp();
    } else {
        ladder.udp();
    }
    ladder.icmp();
    ladder.finish(judgement)
}

struct Ladder<'f, 'a> {
    client: Side,
    flow: &'f FlowView<'a>,
    rungs: Vec<Rung>,
}

impl Ladder<'_, '_> {
    fn ends(&self, side: Side) -> (IpAddr, IpAddr) {
        (self.flow.endpoints.side(side).0, self.flow.endpoints.side(side.other()).0)
    }

    fn add(&mut self, mark: Option<Mark>, side: Side, label: impl Into<String>, note: Option<String>) {
        let (from, to) = self.ends(side);
        if let Some(mark) = mark {
            self.rungs.push(Rung { mark: Some(mark), from, to, label: label.into(), note });
        }
    }

    /// The first of several that are the same.
    fn add_marks(&mut self, marks: &Marks, side: Side, label: &str) {
        let count = marks.count();
        let last = marks.last().map_or(0, |last| last.frame);
        let note = (count > 1).then(|| format!("{count} times, last frame {last}"));
        self.add(marks.first(), side, label, note);
    }

    fn tcp(&mut self) {
        let Some(tcp) = self.flow.tcp() else { return };
        for side in [self.client, self.client.other()] {
            let half = tcp.half(side);
            self.add_marks(&half.opening, side, if side == self.client { "SYN" } else { "SYN-ACK" });
            let (label, note) = self.said(side);
            self.add(half.first_data, side, label, note);
            self.add_marks(&half.repeats, side, "data again");
            self.add(half.fin, side, "FIN", None);
        }
        for reset in tcp.resets() {
            self.add(Some(reset.mark), reset.side, "RST", Some(format!("TTL {}", reset.ttl)));
        }
        let Some(app) = self.flow.app() else { return };
        if let Some(tls) = &app.tls {
            self.add(
                tls.flight_done,
                self.client.other(),
                "handshake",
                tls.certificate.as_ref().map(|one| one.subject.clone()),
            );
            for (end, side) in [(&tls.client, self.client), (&tls.server, self.client.other())] {
                if let Some((alert, mark)) = &end.alert {
                    self.add(Some(*mark), side, "alert", Some(alert_name(alert.description).into_owned()));
                }
            }
        }
        for (code, text, mark) in app.smtp.iter().flat_map(|smtp| &smtp.refusals) {
            self.add(Some(*mark), self.client.other(), format!("SMTP {code}"), Some(text.clone()));
        }
    }

    /// What a side's first data are.
    fn said(&self, side: Side) -> (String, Option<String>) {
        let app = self.flow.app();
        let tls = app.and_then(|app| app.tls.as_ref());
        let http = app.and_then(|app| app.http.as_ref());
        match self.flow.spoken(side) {
            Some(Spoken::TlsClient) => {
                let name = tls.and_then(|tls| tls.client_hello.as_ref()?.server_name.clone());
                ("ClientHello".to_owned(), name)
            }
            Some(Spoken::TlsServer) => {
                let version = tls.and_then(|tls| Some(version_name(tls.server_hello.as_ref()?.version).to_owned()));
                ("ServerHello".to_owned(), version)
            }
            Some(Spoken::HttpRequest) => {
                let request = http.and_then(|http| http.request.as_ref()).map(|(request, _)| request);
                let method = request.map_or("request", |request| request.method.as_str());
                (format!("HTTP {method}"), request.and_then(|request| request.host.clone()))
            }
            Some(Spoken::HttpResponse) => {
                let response = http.and_then(|http| http.response.as_ref()).map(|(response, _)| response);
                let status = response.map_or_else(|| "answer".to_owned(), |response| response.status.to_string());
                (format!("HTTP {status}"), response.and_then(|response| response.location.clone()))
            }
            Some(Spoken::Unknown | Spoken::Text) | None => ("data".to_owned(), None),
            Some(spoken) => (spoken.name().to_owned(), None),
        }
    }

    fn udp(&mut self) {
        let Some(udp) = self.flow.udp() else { return };
        for side in [self.client, self.client.other()] {
            self.add_marks(&udp.half(side).packets, side, if side == self.client { "request" } else { "answer" });
        }
    }

    fn icmp(&mut self) {
        for record in self.flow.icmp() {
            let (to, _) = self.ends(record.side);
            let note = Some(record.message.meaning().name().to_owned());
            self.rungs.push(Rung {
                mark: Some(record.mark),
                from: record.message.from,
                to,
                label: "ICMP".to_owned(),
                note,
            });
        }
    }

    fn finish(mut self, judgement: &Judgement) -> Vec<Rung> {
        self.rungs.sort_by_key(|rung| rung.mark);
        self.rungs.dedup_by(|later, earlier| later.mark == earlier.mark && later.label == earlier.label);
        self.rungs.truncate(MAX_RUNGS);
        let (server, client) = self.ends(self.client.other());
        let silent = !self.rungs.iter().any(|rung| rung.from == server);
        if silent
            && matches!(judgement.verdict, Verdict::Blocked | Verdict::Inconclusive)
            && self.flow.icmp().is_empty()
        {
            let label = if self.flow.tcp().is_some() { "SYN-ACK" } else { "answer" };
            self.rungs.push(Rung { mark: None, from: server, to: client, label: label.to_owned(), note: None });
        }
        self.rungs
    }
}
