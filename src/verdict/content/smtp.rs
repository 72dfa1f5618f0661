//! Mail submission (RFC 5321): what the server refuses.

use crate::flow::FlowView;
use crate::report::Cause;
use crate::text;
use crate::verdict::judgement::Judgement;

/// A 4xx or 5xx to the greeting, the sender or the recipient, where no message was taken.
pub(super) fn judge(flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let facts = flow.app()?.smtp.as_ref()?;
    let (code, words, refused) = facts.refusals.first().filter(|_| !facts.took_message)?;
    let tcp = flow.tcp()?;
    let goes_on = tcp.half(flow.client_side().other()).last_data.is_some_and(|last| last > *refused);
    if goes_on && tcp.has_gaps() {
        let story = format!(
            "{target} answered {code} {}, and the capture lacks some of the conversation: it may have taken a message later",
            text::visible(words)
        );
        return Some(Judgement::of(Cause::OneSidedCapture, story).citing_one(*refused, format!("SMTP reply {code}")));
    }
    let what = if *code < 500 { "for now" } else { "for good" };
    let story = format!("{target} refused {what}: {code} {}", text::visible(words));
    let judgement = Judgement::of(Cause::SmtpRefused, story).by(Some(flow.server().0));
    let told = facts.refusals.iter().map(|(code, _, mark)| (*mark, format!("SMTP reply {code}")));
    Some(told.fold(judgement, |judgement, (mark, note)| judgement.citing_one(mark, note)))
}

/// Adds what the server refused besides the message that it took: a sender or a recipient that the client then replaced.
pub(in crate::verdict) fn with_refusals(judgement: Judgement, flow: &FlowView<'_>) -> Judgement {
    let facts = flow.app().and_then(|app| app.smtp.as_ref());
    let Some((facts, (code, words, mark))) = facts.and_then(|facts| Some((facts, facts.refusals.first()?))) else {
        return judgement;
    };
    if !facts.took_message {
        return judgement;
    }
    let story =
        format!("{}; it took a message, and refused something else: {code} {}", judgement.story, text::visible(words));
    Judgement { story, ..judgement }.citing_one(*mark, format!("SMTP reply {code}"))
}
