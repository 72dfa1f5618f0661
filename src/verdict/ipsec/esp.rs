//! ESP that goes one way only.

use super::Outcome;
use super::conversation::Conversation;
use crate::decode::Side;
use crate::flow::{EspLog, Mark};
use crate::profile::Speaks;
use crate::report::{Cause, Confidence};
use crate::time::Span;
use crate::verdict::icmp;
use crate::verdict::judgement::Judgement;
use crate::verdict::silence::MIN_ATTEMPTS;

/// ESP must have gone unanswered for this long, while the capture could have shown an answer: less is a slow inner host.
const PATIENCE: Span = Span::from_secs(10);

/// Names that a capture taken on a FortiGate bears in its section and interface blocks.
const FORTIGATE_MARKS: [&str; 3] = ["fortigate", "fortios", "fortinet"];

/// Native ESP, IP protocol 50.
pub(super) fn native(conversation: &Conversation<'_, '_>) -> Judgement {
    let esp = conversation.esp(Speaks::Esp);
    if esp.is_two_way() {
        return Judgement::seen("ESP went both ways".to_owned())
            .citing(&esp.out, "ESP of the client")
            .citing(&esp.back, "ESP of the gateway");
    }
    if let Some(judgement) = icmp::judge(&conversation.views(Speaks::Esp), &conversation.target(Speaks::Esp)) {
        return judgement;
    }
    let (marks, story, note) = if esp.back.is_empty() {
        (&esp.out, "goes out and none comes back", "ESP of the client")
    } else {
        (&esp.back, "comes in and none goes out", "ESP of the gateway")
    };
    let (client, server) = (conversation.client, conversation.server);
    if let Some(why) = offload(conversation, Speaks::Esp) {
        let story = format!(
            "ESP between {client} and {server} {story}, and {why}: its network processor hides packets from a capture"
        );
        return Judgement::of(Cause::OffloadSuspected, story).citing(marks, note);
    }
    if let Some(proof) = conversation.context.health.one_sided(client) {
        let story = format!(
            "ESP between {client} and {server} {story}, and the capture lacks one direction of other traffic too"
        );
        return Judgement::of(Cause::OneSidedCapture, story)
            .citing(marks, note)
            .citing(proof, "acts on a packet that the capture lacks");
    }
    let ike = conversation.answers(Speaks::Ike);
    let waited =
        marks.first().zip(ike.last().max(marks.last())).map(|(first, last): (Mark, Mark)| last.time - first.time);
    if !ike.is_empty() && marks.count() >= MIN_ATTEMPTS && waited.is_some_and(|waited| waited >= PATIENCE) {
        let story = format!(
            "native ESP between {client} and {server} {story}: {} packets over {}, while IKE is answered",
            marks.count(),
            marks.span()
        );
        return Judgement::of(Cause::EspNoReply, story)
            .citing(marks, note)
            .citing(&ike, "IKE of the gateway")
            .at_most(Confidence::Medium, "a silent host behind the gateway looks the same from here");
    }
    let story =
        format!("native ESP between {client} and {server} {story}; that is too little to tell{}", oddity(conversation));
    Judgement::of(Cause::StartedMidFlow, story).citing(marks, note)
}

/// What no packet of a security association has: an SPI below 256 (RFC 4303, 2.1), or none. Empty where there is nothing of it.
fn oddity(conversation: &Conversation<'_, '_>) -> String {
    let logs = || conversation.esp_logs(Speaks::Esp).map(|(_, log)| log);
    let reserved = logs().flat_map(EspLog::spis).find(|spi| spi.is_reserved());
    let cut: u64 = logs().map(|log| log.cut(Side::Low).count() + log.cut(Side::High).count()).sum();
    let mut words = String::new();
    if let Some(spi) = reserved {
        words.push_str(&format!("; its SPI {} is a reserved one, which no tunnel has", spi.spi));
    }
    match cut {
        0 => {}
        1 => words.push_str("; one packet is cut before its SPI and number"),
        _ => words.push_str(&format!("; {cut} packets are cut before their SPI and number")),
    }
    words
}

/// ESP in UDP or TCP goes out and none comes back, while IKE is answered: no port is blocked.
pub(super) fn no_return(conversation: &Conversation<'_, '_>, way: Speaks) -> Option<Outcome> {
    let esp = conversation.esp(way);
    let (marks, story, note) = match (esp.out.is_empty(), esp.back.is_empty()) {
        (false, true) => (&esp.out, "goes out and none comes back", "ESP of the client"),
        (true, false) => (&esp.back, "comes in and none goes out", "ESP of the gateway"),
        _ => return None,
    };
    let (client, server) = (conversation.client, conversation.server);
    let (cause, end) = match offload(conversation, way) {
        Some(why) => {
            (Cause::OffloadSuspected, format!("and {why}: its network processor hides packets from a capture"))
        }
        None => (Cause::TunnelNoReturnTraffic, "though IKE is answered on the same port".to_owned()),
    };
    let story = format!("ESP between {client} and {server} {story}, {end}");
    let judgement =
        Judgement::of(cause, story).citing(marks, note).citing(&conversation.answers(way), "packet of the gateway");
    Some(Outcome::settled(judgement, way))
}

/// What says that the capture was taken on a FortiGate and lacks ESP packets that were sent: its sequence numbers jump.
fn offload(conversation: &Conversation<'_, '_>, way: Speaks) -> Option<String> {
    let missing: u64 = conversation.esp_logs(way).flat_map(|(_, log)| log.spis()).map(|spi| spi.missing()).sum();
    let taken_on = conversation.context.analysis.info.origin_words().find(|words| {
        let words = words.to_ascii_lowercase();
        FORTIGATE_MARKS.iter().any(|mark| words.contains(mark))
    })?;
    (missing > 0).then(|| format!("the capture ({taken_on}) lacks {missing} ESP packets by their numbers"))
}
