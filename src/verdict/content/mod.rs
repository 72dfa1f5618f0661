//! A connection that opened and carried data has not worked yet: what was said in it may be a refusal, or come from somebody else.

mod certificate;
mod http;
mod interception;
pub(super) mod smtp;
mod tls;

pub(super) use tls::refused_datagram;

use super::context::Context;
use super::judgement::Judgement;
use crate::flow::FlowView;
use crate::profile::Speaks;
use crate::proto::sniff::Spoken;
use crate::report::Cause;

/// What the content of a connection says against it; none where it says nothing, or all is well.
pub(super) fn judge(context: &Context<'_>, flow: &FlowView<'_>, speaks: Speaks, target: &str) -> Option<Judgement> {
    if let Some(judgement) = wrong_service(flow, speaks, target) {
        return Some(judgement);
    }
    match (speaks, flow.spoken(flow.client_side())) {
        (Speaks::IkeTcp, _) => None,
        (_, Some(Spoken::TlsClient)) => tls::judge(context, flow, target).or_else(|| tls::unread(flow, target)),
        (Speaks::Http, _) => http::judge(context, flow, target),
        (Speaks::Smtp, _) => smtp::judge(flow, target),
        _ => None,
    }
}

/// What is worth a word though the connection works: a certificate out of date that the client accepted.
pub(super) fn remark(context: &Context<'_>, flow: &FlowView<'_>) -> Option<String> {
    certificate::Presented::of(context, flow)?.accepted()
}

/// The client speaks the service, or waits for the server as the service asks, and the server speaks something else.
fn wrong_service(flow: &FlowView<'_>, speaks: Speaks, target: &str) -> Option<Judgement> {
    let (ours, theirs) = (flow.spoken(flow.client_side()), flow.spoken(flow.client_side().other())?);
    let expects_tls = ours == Some(Spoken::TlsClient);
    let is_tls = matches!(theirs, Spoken::TlsServer | Spoken::TlsAlert | Spoken::TlsRecord);
    let is_known = !matches!(theirs, Spoken::Unknown | Spoken::Text);
    let is_wrong = match speaks {
        Speaks::IkeTcp => false,
        _ if expects_tls => is_known && !is_tls,
        Speaks::Smtp => is_known && !matches!(theirs, Spoken::Smtp | Spoken::TlsServer | Spoken::TlsAlert),
        Speaks::Http => is_known && theirs != Spoken::HttpResponse && ours == Some(Spoken::HttpRequest),
        _ => false,
    };
    if !is_wrong {
        return None;
    }
    let server = flow.server().0;
    let tcp = flow.tcp()?;
    let expected = if expects_tls { "TLS" } else { speaks_name(speaks) };
    let judgement = Judgement::of(
        Cause::WrongService,
        format!("{target} answers with {} where {expected} was expected", theirs.name()),
    )
    .by(Some(server));
    let said = tcp.half(flow.client_side().other()).first_data;
    Some(said.into_iter().fold(judgement, |judgement, mark| judgement.citing_one(mark, "first message of the server")))
}

fn speaks_name(speaks: Speaks) -> &'static str {
    match speaks {
        Speaks::Smtp => "SMTP",
        Speaks::Http => "HTTP",
        _ => "another protocol",
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::Analysis;
    use crate::capture::CaptureInfo;
    use crate::decode::Counts;
    use crate::flow::Arrivals;
    use crate::profile::{Profile, Site};
    use crate::verdict::Scope;
    use crate::verdict::context::Context;

    /// What `read` makes of a capture without packets.
    pub(super) fn empty<T>(read: impl FnOnce(&Context<'_>) -> T) -> T {
        let scope = Scope::new(Profile::builtin(Profile::DEFAULT).unwrap(), Site::default());
        let analysis =
            Analysis::new(CaptureInfo::default(), Counts::default(), (0, 0), Arrivals::default(), Vec::new());
        read(&Context::new(&scope, &analysis, &[]))
    }
}
