//! What files may say, and how their mistakes are shown. A mistake is a file in `tests/profiles/mistakes`, and beside
//! it the text that must be shown: a new case is two new files.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Host, Ports, Profile, Selector, Service, Site, Speaks};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/profiles")
}

fn forticlient() -> Profile {
    Profile::builtin(Profile::DEFAULT).unwrap()
}

fn mistakes(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let text = fs::read_to_string(path).unwrap();
    let error = match name.split_once('-').unwrap().0 {
        "site" => Site::parse(name, &text, &forticlient()).map(|_| ()).unwrap_err(),
        _ => Profile::parse(name, &text).map(|_| ()).unwrap_err(),
    };
    format!("{error}\n")
}

#[test]
fn mistakes_are_shown_where_they_stand() {
    let mut cases: Vec<PathBuf> =
        fs::read_dir(folder().join("mistakes")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    assert!(cases.len() >= 9);
    for case in cases {
        let shown = mistakes(&case);
        let expected = fs::read_to_string(case.with_extension("txt")).unwrap_or_default();
        assert_eq!(shown, expected, "{}\n{shown}", case.display());
    }
}

#[test]
fn a_mistake_looks_as_a_compiler_shows_it() {
    let error = Site::parse("site.toml", "[servers]\ngatway = [\"203.0.113.10\"]\n", &forticlient()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\
error: unknown role `gatway`
 --> site.toml:2:1
  |
2 | gatway = [\"203.0.113.10\"]
  | ^^^^^^ profile `forticlient` has no such role
  |
  = help: did you mean `gateway`?"
    );
}

#[test]
fn a_text_cut_anywhere_is_read_or_shown() {
    let profile = forticlient();
    let site = fs::read_to_string(folder().join("site.toml")).unwrap();
    for end in (0..site.len()).filter(|end| site.is_char_boundary(*end)) {
        if let Err(error) = Site::parse("site.toml", &site[..end], &profile) {
            assert!(error.to_string().starts_with("error: "), "{end}: {error}");
        }
    }
    let text = &profile.text[profile.text.find("\nid =").unwrap()..];
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        if let Err(error) = Profile::parse("mine.toml", &text[..end]) {
            assert!(error.to_string().starts_with("error: "), "{end}: {error}");
        }
    }
}

#[test]
fn the_site_file_says_what_it_says() {
    let profile = forticlient();
    let site = Site::load(&folder().join("site.toml"), &profile).unwrap();
    let servers: Vec<String> = site
        .servers
        .iter()
        .map(|server| format!("{} {} {}", server.role, server.host, server.port.unwrap_or(0)))
        .collect();
    assert_eq!(
        servers,
        [
            "gateway vpn.example.com 0",
            "gateway 203.0.113.10 10443",
            "gateway 2001:db8::10 10443",
            "ems 10.0.0.5 0",
            "fortianalyzer 10.0.0.20 0",
            "fortisandbox 10.0.0.30 0",
            "fortimanager 10.0.0.40 0",
            "fortiguard *.fortiguard.example 0",
        ]
    );
    let networks: Vec<String> = site.clients.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.20.0.0/16", "2001:db8:20::/48", "192.0.2.7/32"]);
    assert_eq!(site.require, ["ipsec-vpn", "telemetry"]);
    assert_eq!(site.ports.len(), 3);
    assert_eq!(site.ports[1].transport.as_deref(), Some("ike-tcp"));
    assert_eq!(site.ports[2].selectors, [Selector::Tcp(Ports { first: 8889, last: 8890 })]);
    assert_eq!(site.allow[0].flow, Selector::Tcp(Ports::one(3389)));
    assert_eq!(site.allow[0].reason.as_deref(), Some("helpdesk"));
    assert!(site.allow[1].to.is_empty());
    assert_eq!(site.audit("telemetry").unwrap().approval.as_deref(), Some("CHG-1024"));
    assert_eq!(site.audit("syslog"), None);
    assert!(site.is_named("gateway") && !site.is_named("syslog"));
    assert!(site.requires("telemetry") && !site.requires("syslog"));
}

#[test]
fn windows_files_are_read_too() {
    let profile = forticlient();
    let site = fs::read_to_string(folder().join("site.toml")).unwrap().replace('\n', "\r\n");
    assert_eq!(Site::parse("site.toml", &site, &profile).unwrap().servers.len(), 8);
    assert!(Site::parse("site.toml", &format!("\u{feff}{site}"), &profile).is_ok());
    let error = Site::parse("site.toml", "[servers]\r\ngatway = []\r\n", &profile).unwrap_err().to_string();
    assert!(error.contains(" --> site.toml:2:1\n"), "{error}");
    assert!(!error.contains('\r'), "{error}");
}

#[test]
fn the_table_is_the_vendors() {
    let profile = forticlient();
    let row = |service: &Service| {
        let transports = service.transports.iter().map(|transport| {
            let selectors: Vec<String> = transport.selectors.iter().map(ToString::to_string).collect();
            format!("{}:{}", transport.id, selectors.join("|"))
        });
        format!("{} {}", service.id, transports.collect::<Vec<_>>().join(" "))
    };
    let rows: Vec<String> = profile.services.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            "telemetry tls:tcp/8013",
            "syslog syslog:udp/514",
            "fortisandbox oftp:tcp/514",
            "ssl-vpn tls:tcp/443 dtls:udp/443",
            "fortianalyzer oftp:tcp/514",
            "ipsec-vpn ike:udp/500 esp:proto/50 nat-t:udp/4500 ike-tcp:tcp/4500|iketcp",
            "fsso fsso:tcp/8001",
            "fortiguard-rating tcp:tcp/8888 udp:udp/8888",
            "fortiguard-updates http:tcp/80",
            "fortiguard-cbbs http:tcp/80",
            "fortimanager-updates http:tcp/80",
            "fortiguard-submission smtp:tcp/25",
        ]
    );
    let ipsec = profile.service("ipsec-vpn").unwrap();
    assert_eq!(ipsec.sufficient, [vec![0, 1], vec![0, 2], vec![2], vec![3]]);
    assert_eq!(ipsec.transport("nat-t").unwrap().speaks, Speaks::NatT);
    assert_eq!(profile.service("telemetry").unwrap().sufficient, [vec![0]]);
    let one_way: Vec<&str> = profile.services.iter().filter(|row| row.one_way).map(|row| row.id.as_str()).collect();
    assert_eq!(one_way, ["syslog"]);
    assert_eq!(profile.sha256.len(), 64);
    assert!(profile.is_crowded(6, 443) && profile.is_crowded(17, 443) && !profile.is_crowded(6, 8013));
}

#[test]
fn roles_are_those_of_the_site_file() {
    let profile = forticlient();
    assert_eq!(
        profile.roles(),
        [
            "ems",
            "fortianalyzer",
            "fortiauthenticator",
            "fortiguard",
            "fortimanager",
            "fortisandbox",
            "gateway",
            "smtp",
            "syslog"
        ]
    );
}

#[test]
fn a_named_gateway_confines_the_vpn_alone() {
    let profile = forticlient();
    let site = Site::parse("site.toml", "servers.gateway = [\"203.0.113.10\"]", &profile).unwrap();
    let confined: Vec<&str> =
        profile.services.iter().filter(|row| row.is_confined(&site)).map(|row| row.id.as_str()).collect();
    assert_eq!(confined, ["ssl-vpn", "ipsec-vpn"]);
    let offered: Vec<&str> =
        profile.services.iter().filter(|row| row.is_offered_by("gateway")).map(|row| row.id.as_str()).collect();
    assert_eq!(offered, ["telemetry", "ssl-vpn", "ipsec-vpn", "fsso"]);
    let mut site = Site::default();
    site.require_all(&profile);
    assert_eq!(site.require.len(), 12);
}

#[test]
fn vendor_names_match_at_labels() {
    let profile = forticlient();
    let is_vendors = |name: &str| profile.vendor_names.iter().any(|pattern| pattern.matches(name));
    assert!(is_vendors("update.fortiguard.net") && is_vendors("FORTINET.com."));
    assert!(!is_vendors("notfortinet.com") && !is_vendors("fortinet.com.example.org") && !is_vendors(""));
}

#[test]
fn hosts_are_canonical() {
    let mapped: Host = "::ffff:203.0.113.10".parse().unwrap();
    assert_eq!(mapped, "203.0.113.10".parse().unwrap());
    let name: Host = "VPN.Example.COM.".parse().unwrap();
    assert_eq!(name.to_string(), "vpn.example.com");
}

#[test]
fn deep_nesting_is_a_mistake_and_no_crash() {
    let profile = forticlient();
    for opening in ["[", "{a=", "a."] {
        let text = format!("[servers]\nems = {}", opening.repeat(50_000));
        assert!(Site::parse("site.toml", &text, &profile).is_err());
        assert!(Site::parse("site.toml", &opening.repeat(50_000), &profile).is_err());
    }
}

/// A file that is sound, and then a few characters of it are not.
fn files() -> impl Strategy<Value = String> {
    let sound = prop::sample::select(vec![
        fs::read_to_string(folder().join("site.toml")).unwrap(),
        "[[services]]\nid = \"x\"\ntransports = [{ id = \"tls\", match = [\"tcp/443\"], speaks = \"tls\" }]\n"
            .to_owned(),
    ]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 0..6);
    (sound, changes).prop_map(|(text, changes)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, c) in changes {
            let at = at.index(chars.len());
            chars[at] = c;
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn whatever_the_text_mistakes_are_shown_in_plain_lines(text in prop_oneof![any::<String>(), files()]) {
        let profile = Profile::parse("any.toml", &text).map(|_| ()).map_err(|error| error.to_string());
        let site = Site::parse("any.toml", &text, &forticlient()).map(|_| ()).map_err(|error| error.to_string());
        for shown in [profile, site].into_iter().filter_map(Result::err) {
            prop_assert!(!shown.is_empty());
            prop_assert!(shown.lines().all(|line| crate::text::visible(line) == line), "{shown:?}");
        }
    }
}
