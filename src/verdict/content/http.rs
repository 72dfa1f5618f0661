//! HTTP (RFC 9110): an answer that does not come from the wanted server.

use std::net::IpAddr;

use crate::analysis::host_of;
use crate::flow::FlowView;
use crate::proto::http::{Request, Response};
use crate::proto::sniff::Spoken;
use crate::report::{Cause, Confidence};
use crate::text;
use crate::verdict::context::Context;
use crate::verdict::judgement::Judgement;

/// What the first answer says: a portal's redirect, a proxy's demand, a filter's page.
pub(super) fn judge(context: &Context<'_>, flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let Some(http) = &flow.app()?.http else { return cut_short(context, flow, target) };
    let (response, at) = http.response.as_ref()?;
    let request = http.request.as_ref().map(|(request, _)| request);
    let (cause, what, confidence) = verdict(context, request, response)?;
    let mut judgement = Judgement::of(cause, format!("{target} was asked for an update, and {what}"))
        .citing_one(*at, format!("HTTP {}", response.status));
    if let Some((_, asked)) = &http.request {
        judgement = judgement.citing_one(*asked, "HTTP request");
    }
    let reason = "what stands in for the server answers in its name; that it is not the server is read from its answer";
    Some(if confidence == Confidence::High { judgement } else { judgement.at_most(confidence, reason) })
}

/// Whoever stands in for the server answers as well: where the capture cut the status, nothing tells who it was.
fn cut_short(context: &Context<'_>, flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let said = flow.spoken(flow.client_side().other());
    let first = flow.tcp()?.half(flow.client_side().other()).first_data?;
    let is_cut = context.analysis.info.truncated_packets > 0 && matches!(said, None | Some(Spoken::Unknown));
    is_cut.then(|| {
        let story = format!(
            "{target} answered, and the capture does not hold what: its packets were cut before the HTTP status"
        );
        Judgement::of(Cause::SnaplenTooShort, story).citing_one(first, "first answer, cut")
    })
}

fn verdict(
    context: &Context<'_>,
    request: Option<&Request>,
    response: &Response,
) -> Option<(Cause, String, Confidence)> {
    let host = request.and_then(|request| request.host.as_deref()).map(host_of);
    let is_vendor = host.as_deref().is_some_and(|host| is_vendor(context, host));
    let is_page =
        response.content_type.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
    match response.status {
        407 => {
            let wants = response
                .proxy_authenticate
                .as_deref()
                .map_or_else(String::new, |wants| format!(" ({})", text::visible(wants)));
            Some((Cause::ProxyRequired, format!("a proxy on the way asks for a login{wants}"), Confidence::High))
        }
        511 => Some((Cause::CaptivePortal, "a portal on the way asks for a login (511)".to_owned(), Confidence::High)),
        301..=303 | 307 | 308 => {
            let location = response.location.as_deref()?;
            let elsewhere = host_of_location(location)?;
            // The vendor's own redirects, and those of one host to its own encrypted port, are no portal's.
            if Some(elsewhere.as_str()) == host.as_deref()
                || is_vendor_name(context, &elsewhere)
                || is_sibling(host.as_deref(), &elsewhere)
            {
                return None;
            }
            let what = format!("a redirect to {} came back ({})", text::visible(location), response.status);
            Some((Cause::CaptivePortal, what, if is_vendor { Confidence::High } else { Confidence::Medium }))
        }
        403 | 451 | 503 if is_page => {
            let what = format!("a web page with status {} came back", response.status);
            Some((Cause::BlockPage, what, if is_vendor { Confidence::High } else { Confidence::Medium }))
        }
        200 if is_page && is_vendor => {
            Some((Cause::BlockPage, "a web page came back in place of the update".to_owned(), Confidence::Medium))
        }
        _ => None,
    }
}

fn is_vendor(context: &Context<'_>, host: &str) -> bool {
    is_vendor_name(context, host)
}

fn is_vendor_name(context: &Context<'_>, name: &str) -> bool {
    context.scope.profile.vendor_names.iter().any(|pattern| pattern.matches(name))
}

/// Whether two names share their last two labels.
fn is_sibling(host: Option<&str>, other: &str) -> bool {
    let domain = |name: &str| -> Option<String> {
        if name.parse::<IpAddr>().is_ok() {
            return None;
        }
        let labels: Vec<&str> = name.rsplit('.').take(2).collect();
        (labels.len() == 2).then(|| labels.join("."))
    };
    host.and_then(domain).is_some_and(|domain_of_host| Some(domain_of_host) == domain(other))
}

/// The host of an absolute address; none of a path, which stays on the same host.
fn host_of_location(location: &str) -> Option<String> {
    let rest = location.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(host_of(authority.rsplit('@').next()?))
}
