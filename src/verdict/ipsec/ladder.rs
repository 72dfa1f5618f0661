//! The ladder of a finding: the messages of the IKE SAs in order, the tunnel's first and last packets each way, and what never came.

use super::conversation::{Conversation, Sent, esp_log};
use crate::flow::{Mark, SpiFacts};
use crate::proto::ike::payload::kind;
use crate::proto::ike::{notify, notify_name, payload_name};
use crate::report::Verdict;
use crate::verdict::judgement::{Judgement, Rung};

/// Rungs of a ladder: a set-up has ten, a failed one is told by its first and last steps.
const MAX_RUNGS: usize = 24;

/// Draws the conversation beside what was judged of it.
pub(super) fn draw(conversation: &Conversation<'_, '_>, judgement: &Judgement) -> Vec<Rung> {
    let (client, server) = (conversation.client, conversation.server);
    let ends = |from_client: bool| if from_client { (client, server) } else { (server, client) };
    let mut rungs: Vec<Rung> = Vec::new();
    for sent in &conversation.messages {
        let (from, to) = ends(sent.from_client);
        rungs.push(Rung { mark: sent.marks().first(), from, to, label: rung_label(sent), note: note(sent) });
    }
    for flow in conversation.flows {
        for spi in esp_log(&flow.flow).into_iter().flat_map(|log| log.spis()) {
            let (from, to) = ends(spi.side == flow.client_side);
            let note = esp_note(spi);
            rungs.push(Rung { mark: spi.packets.first(), from, to, label: format!("ESP {:08x}", spi.spi), note });
        }
        for record in flow.flow.icmp() {
            let (_, to) = ends(record.side != flow.client_side);
            let note = Some(record.message.meaning().name().to_owned());
            rungs.push(Rung {
                mark: Some(record.mark),
                from: record.message.from,
                to,
                label: "ICMP error".to_owned(),
                note,
            });
        }
    }
    rungs.sort_by_key(|rung| rung.mark);
    let mut rungs = shortened(rungs);
    rungs.extend(missing(conversation, judgement));
    rungs
}

/// The answer that never came, where the judgement is that of a silence.
fn missing(conversation: &Conversation<'_, '_>, judgement: &Judgement) -> Option<Rung> {
    if !matches!(judgement.verdict, Verdict::Blocked | Verdict::Failed | Verdict::Interrupted | Verdict::Inconclusive) {
        return None;
    }
    let last: Mark = conversation.last_of_server().unwrap_or(Mark { frame: 0, time: Default::default() });
    let waiting = conversation
        .messages
        .iter()
        .filter(|sent| sent.from_client && !sent.message.header.is_response())
        .filter(|sent| sent.marks().last().is_some_and(|at| at > last))
        .max_by_key(|sent| (sent.marks().count(), sent.marks().first()))?;
    let header = &waiting.message.header;
    let answered = conversation.messages.iter().filter(|sent| !sent.from_client).any(|sent| {
        let other = &sent.message.header;
        let same_step = (other.initiator_spi, other.exchange, other.message_id)
            == (header.initiator_spi, header.exchange, header.message_id);
        // The messages of IKEv1's phase 1 all have the same id.
        same_step && (header.is_v2() || waiting.marks().first().is_some_and(|asked| sent.is_after(asked)))
    });
    let label = waiting.label().replace(" request", " response").replace(" message", " answer");
    (!answered).then_some(Rung { mark: None, from: conversation.server, to: conversation.client, label, note: None })
}

fn rung_label(sent: &Sent<'_>) -> String {
    match &sent.message.clear.fragment {
        Some(part) => format!("{} part {}", sent.name(), part.number),
        None => sent.name().into_owned(),
    }
}

/// How many packets, and what their sequence numbers tell.
fn esp_note(spi: &SpiFacts) -> Option<String> {
    let (count, missing) = (spi.packets.count(), spi.missing());
    let until = spi.packets.last().filter(|_| count > 1)?.frame;
    let mut words = vec![format!("{count} packets until frame {until}")];
    if missing > 0 {
        words.push(format!("{missing} missing by their numbers"));
    }
    if spi.behind > 0 {
        words.push(format!("{} late or replayed", spi.behind));
    }
    Some(words.join(", "))
}

/// What is in clear and tells something, and how often it was sent.
fn note(sent: &Sent<'_>) -> Option<String> {
    let header = &sent.message.header;
    let clear = &sent.message.clear;
    let mut words: Vec<String> = Vec::new();
    let told = |kind: &&u16| notify::is_error(**kind) || clear.cookie && **kind == notify::v2::COOKIE;
    let errors = clear.notifies.iter().filter(told);
    words.extend(errors.map(|kind| notify_name(header.version, *kind).into_owned()));
    match clear.first_inner {
        Some(kind::v2::NOTIFY) if header.is_response() => words.push("error, encrypted".to_owned()),
        Some(0) => words.push("empty".to_owned()),
        Some(inner) => words.push(format!("{} first, encrypted", payload_name(header.version, inner))),
        None if header.is_encrypted_v1() => words.push("encrypted".to_owned()),
        None => {}
    }
    words.push(format!("{} bytes", sent.message.len));
    let count = sent.marks().count();
    if count > 1 {
        words.push(format!("sent {count} times, last frame {}", sent.marks().last().map_or(0, |last| last.frame)));
    }
    Some(words.join(", "))
}

/// The first and the last steps of a long story.
fn shortened(mut rungs: Vec<Rung>) -> Vec<Rung> {
    if rungs.len() > MAX_RUNGS {
        let tail = rungs.split_off(rungs.len() - MAX_RUNGS / 2);
        rungs.truncate(MAX_RUNGS / 2);
        let skipped = tail.first().and_then(|first| first.mark).map_or(0, |mark| mark.frame);
        if let Some(last) = rungs.last_mut() {
            let note = last.note.take().map_or_else(String::new, |note| format!("{note}; "));
            last.note = Some(format!("{note}steps until frame {skipped} left out"));
        }
        rungs.extend(tail);
    }
    rungs
}
