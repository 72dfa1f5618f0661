//! The start of a stream -> the head of an HTTP request or response.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::proto::http::{self, Request, Response};
use portproof_fuzz::{assert_kept, assert_visible, prefixes};

fuzz_target!(|stream: &[u8]| {
    let (request, response) = (Request::parse(stream), Response::parse(stream));
    assert_eq!((&request, &response), (&Request::parse(stream), &Response::parse(stream)));
    assert!(request.is_none() || (http::is_request(stream) && response.is_none()));
    assert!(response.is_none() || http::is_response(stream));
    let asked = request
        .iter()
        .flat_map(|one| [Some(&one.method), Some(&one.target), one.host.as_ref(), one.user_agent.as_ref()]);
    let answered = response.iter().flat_map(|one| {
        [&one.location, &one.server, &one.via, &one.proxy_authenticate, &one.content_type].map(Option::as_ref)
    });
    asked.chain(answered).flatten().for_each(|text| assert_visible(text));
    for prefix in prefixes(stream) {
        if let Some(cut) = Request::parse(prefix) {
            let whole = request.as_ref().expect("the whole is a request where its prefix is");
            assert_eq!(whole.method, cut.method);
            assert!(whole.target.starts_with(&cut.target), "{:?}, then {:?}", cut.target, whole.target);
            assert_kept(&whole.host, &cut.host);
            assert_kept(&whole.user_agent, &cut.user_agent);
            assert!(whole.complete || !cut.complete);
        }
        if let Some(cut) = Response::parse(prefix) {
            let whole = response.as_ref().expect("the whole is a response where its prefix is");
            assert_eq!(whole.status, cut.status);
            assert_kept(&whole.location, &cut.location);
            assert_kept(&whole.server, &cut.server);
            assert_kept(&whole.via, &cut.via);
            assert_kept(&whole.proxy_authenticate, &cut.proxy_authenticate);
            assert_kept(&whole.content_type, &cut.content_type);
            assert!(whole.complete || !cut.complete);
        }
    }
});
