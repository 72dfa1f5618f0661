//! The text of a site file, and what `--server` and `--client` are given -> a site, or mistakes in words.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portproof::profile::{Endpoint, NamePattern, Profile, Selector, Server, Site, parse_network};
use portproof::verdict::Scope;
use portproof_fuzz::assert_visible_lines;

static PROFILE: LazyLock<Profile> = LazyLock::new(|| Profile::builtin("forticlient").expect("it is built in"));

fuzz_target!(|text: &str| {
    let _ = Site::looks_like(text);
    match Site::parse("fuzz.toml", text, &PROFILE) {
        Ok(site) => {
            let roles = PROFILE.roles();
            assert!(site.servers.iter().all(|server| roles.contains(&server.role.as_str())));
            assert!(site.clients.iter().all(|network| *network == network.trunc()));
            assert!(site.require.iter().all(|id| id == "all" || PROFILE.service(id).is_some()));
            let _ = Scope::new(PROFILE.clone(), site).hints();
        }
        Err(mistakes) => {
            let words = mistakes.to_string();
            assert!(!words.is_empty());
            assert_visible_lines(&words);
        }
    }
    // What is written back is read as the same.
    if let Ok(selector) = text.parse::<Selector>() {
        assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
    }
    if let Ok(network) = parse_network(text) {
        assert_eq!(parse_network(&network.to_string()), Ok(network));
    }
    let _ = (text.parse::<Endpoint>(), text.parse::<NamePattern>(), Server::parse_argument(text, &PROFILE));
});
