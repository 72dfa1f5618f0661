//! The text of a profile -> a table of required ports, or mistakes in words.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portproof::profile::{Profile, Site};
use portproof::verdict::Scope;
use portproof_fuzz::assert_visible_lines;

fuzz_target!(|text: &str| {
    let profile = match Profile::parse("fuzz.toml", text) {
        Ok(profile) => profile,
        Err(mistakes) => {
            let words = mistakes.to_string();
            assert!(!words.is_empty());
            assert_visible_lines(&words);
            assert_eq!(Profile::parse("fuzz.toml", text).map_err(|again| again.to_string()).err(), Some(words));
            return;
        }
    };
    assert_eq!(profile.text, text);
    assert_eq!(profile.sha256.len(), 64);
    for service in &profile.services {
        assert!(!service.transports.is_empty() && !service.sufficient.is_empty());
        let known = |index: &usize| *index < service.transports.len();
        assert!(service.sufficient.iter().all(|set| !set.is_empty() && set.iter().all(known)));
        assert!(service.transports.iter().all(|one| one.same_port_as.as_ref().is_none_or(known)));
        assert_eq!(profile.service(&service.id).map(|one| &one.id), Some(&service.id), "identifiers stand once");
        for transport in &service.transports {
            assert!(!transport.selectors.is_empty());
            assert_eq!(service.transport(&transport.id).map(|one| &one.id), Some(&transport.id));
            let mut protocols = transport.selectors.iter().map(|selector| selector.protocol());
            assert!(protocols.all(|protocol| transport.protocol() == Some(protocol)), "one transport, one protocol");
        }
    }
    let _ = Scope::new(profile, Site::default()).hints();
});
