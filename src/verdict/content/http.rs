//! HTTP (RFC 9110): an answer that does not come from the wanted server.

use std::net::IpAddr;

use crate::analysis::{domain_of, host_of};
use crate::flow::FlowView;
use crate::proto::http::{Request, Response};
use crate::proto::sniff::Spoken;
use crate::report::{Cause, Confidence};
use crate::text;
use crate::verdict::context::Context;
use crate::verdict::judgement::Judgement;

/// What the first answer says: a portal's redirect, a proxy's demand, a filter's page.
pub(super) fn judge(context: &Context<'_>, flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let http = flow.app()?.http.as_ref();
    let Some((response, at)) = http.and_then(|http| http.response.as_ref()) else {
        return cut_short(context, flow, target);
    };
    let asked = http.and_then(|http| http.request.as_ref());
    let Some((cause, what, confidence)) = verdict(context, asked.map(|(request, _)| request), response) else {
        let may_be_anybodys = matches!(response.status, 301..=303 | 307 | 308 | 403 | 451 | 503) && !response.complete;
        return may_be_anybodys.then(|| cut_short(context, flow, target)).flatten();
    };
    let mut judgement = Judgement::of(cause, format!("{target} was asked for an update, and {what}"))
        .citing_one(*at, format!("HTTP {}", response.status));
    if let Some((_, asked)) = asked {
        judgement = judgement.citing_one(*asked, "HTTP request");
    }
    let reason = "what stands in for the server answers in its name; that it is not the server is read from its answer";
    Some(if confidence == Confidence::High { judgement } else { judgement.at_most(confidence, reason) })
}

/// Whoever stands in for the server answers as well: where the capture cut status or headers, nothing tells who it was.
fn cut_short(context: &Context<'_>, flow: &FlowView<'_>, target: &str) -> Option<Judgement> {
    let said = flow.spoken(flow.client_side().other());
    let first = flow.tcp()?.half(flow.client_side().other()).first_data?;
    let is_cut = context.analysis.info.truncated_packets > 0
        && matches!(said, None | Some(Spoken::Unknown | Spoken::HttpResponse));
    is_cut.then(|| {
        let story = format!(
            "{target} answered, and the capture does not hold what: its packets were cut within the head of the HTTP response"
        );
        Judgement::of(Cause::SnaplenTooShort, story).citing_one(first, "first answer, cut")
    })
}

fn verdict(
    context: &Context<'_>,
    request: Option<&Request>,
    response: &Response,
) -> Option<(Cause, String, Confidence)> {
    let profile = &context.scope.profile;
    let host = request.and_then(|request| request.host.as_deref()).map(host_of);
    let is_vendor = host.as_deref().is_some_and(|host| profile.is_vendor_name(host));
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
                || profile.is_vendor_name(&elsewhere)
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

/// Whether two names share their last two labels.
fn is_sibling(host: Option<&str>, other: &str) -> bool {
    let domain = |name: &str| (name.contains('.') && name.parse::<IpAddr>().is_err()).then(|| domain_of(name));
    host.and_then(domain).is_some_and(|domain_of_host| Some(domain_of_host) == domain(other))
}

/// The host of an absolute address; none of a path, which stays on the same host.
fn host_of_location(location: &str) -> Option<String> {
    let rest = location.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(host_of(authority.rsplit('@').next()?))
}

#[cfg(test)]
mod tests {
    use super::{host_of_location, is_sibling, verdict};
    use crate::proto::http::{Request, Response};
    use crate::report::{Cause, Confidence};
    use crate::verdict::content::tests::empty;

    #[test]
    fn a_location_has_a_host_or_stays() {
        for (location, host) in [
            ("http://portal.example.com/login?u=http://other.example/", Some("portal.example.com")),
            ("HTTPS://Portal.Example.COM.:8443", Some("portal.example.com")),
            ("http://user:secret@portal.example.com/", Some("portal.example.com")),
            ("http://[2001:db8::1]:1000/x", Some("2001:db8::1")),
            ("http://10.0.0.1?redirect", Some("10.0.0.1")),
            ("/login", None),
            ("login.html", None),
        ] {
            assert_eq!(host_of_location(location).as_deref(), host, "{location}");
        }
    }

    #[test]
    fn siblings_share_their_domain() {
        assert!(is_sibling(Some("update.example.com"), "www.example.com"));
        assert!(is_sibling(Some("example.com"), "www.example.com"));
        assert!(!is_sibling(Some("update.example.com"), "update.example.net"));
        assert!(!is_sibling(Some("192.0.2.1"), "198.51.2.1"), "addresses have no domain");
        assert!(!is_sibling(Some("localhost"), "localhost"), "one label is no domain");
        assert!(!is_sibling(None, "www.example.com"));
    }

    fn asked(host: &str) -> Request {
        let request = format!("GET /fdsupdate HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Request::parse(request.as_bytes()).unwrap()
    }

    fn answered(head: &str) -> Response {
        Response::parse(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn what_an_answer_to_the_vendors_host_says() {
        for (head, expected) in [
            ("200 OK\r\nContent-Type: application/octet-stream", None),
            ("200 OK\r\nContent-Type: text/html", Some((Cause::BlockPage, Confidence::Medium))),
            ("403 No\r\nContent-Type: text/html; charset=utf-8", Some((Cause::BlockPage, Confidence::High))),
            ("403 No\r\nContent-Type: application/json", None),
            ("404 Not Found\r\nContent-Type: text/html", None),
            ("302 Found\r\nLocation: http://10.0.0.1/login", Some((Cause::CaptivePortal, Confidence::High))),
            ("302 Found\r\nLocation: https://update.fortiguard.net/", None),
            ("302 Found\r\nLocation: https://support.fortinet.com/", None),
            ("302 Found\r\nLocation: /elsewhere", None),
            ("302 Found", None),
            ("407 No\r\nProxy-Authenticate: Basic", Some((Cause::ProxyRequired, Confidence::High))),
            ("511 Network Authentication Required", Some((Cause::CaptivePortal, Confidence::High))),
        ] {
            let said = empty(|context| verdict(context, Some(&asked("update.fortiguard.net")), &answered(head)));
            assert_eq!(said.map(|(cause, _, confidence)| (cause, confidence)), expected, "{head}");
        }
    }

    #[test]
    fn what_an_answer_to_another_host_says_is_less_sure() {
        for (head, expected) in [
            ("200 OK\r\nContent-Type: text/html", None),
            ("403 No\r\nContent-Type: text/html", Some((Cause::BlockPage, Confidence::Medium))),
            ("301 Moved\r\nLocation: https://fmg.example.com/", None),
            ("301 Moved\r\nLocation: https://www.example.com/", None),
            (
                "307 Elsewhere\r\nLocation: https://portal.example.net/",
                Some((Cause::CaptivePortal, Confidence::Medium)),
            ),
        ] {
            let said = empty(|context| verdict(context, Some(&asked("fmg.example.com:80")), &answered(head)));
            assert_eq!(said.map(|(cause, _, confidence)| (cause, confidence)), expected, "{head}");
        }
    }
}
