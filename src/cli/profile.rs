//! `portproof profile`: the tables of required services, listed, shown, checked and printed.
//!
//! Each function returns the text to print; nothing here prints.

use std::path::PathBuf;

use unicode_width::UnicodeWidthStr;

use crate::profile::{Profile, ProfileError, Service, Site};
use crate::text::visible;

/// A table narrower than this would break words; a terminal narrower than this is not one to read a table on.
const MIN_WIDTH: usize = 60;

/// What to do with profiles.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ProfileCommand {
    /// List the built-in profiles
    List,
    /// Show a profile as a table
    Show {
        /// A built-in profile, or a file
        #[arg(value_name = "ID|FILE", default_value = Profile::DEFAULT)]
        profile: String,
    },
    /// Check profiles and site files for mistakes
    Validate {
        /// Profiles or site files
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Take every file for a site file, instead of telling by its keys
        #[arg(long)]
        site: bool,
        /// The profile whose roles and services site files name
        #[arg(long, value_name = "ID|FILE", default_value = Profile::DEFAULT)]
        profile: String,
    },
    /// Print a profile's file, to make one of your own from it
    Export {
        /// A built-in profile, or a file
        #[arg(value_name = "ID|FILE", default_value = Profile::DEFAULT)]
        profile: String,
        /// Write it to this file
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// The built-in profiles, one a line.
pub fn list() -> String {
    let mut rows = vec![["PROFILE", "VERSION", "SERVICES", "TITLE"].map(str::to_owned)];
    for profile in Profile::builtins() {
        let default = if profile.id == Profile::DEFAULT { " (default)" } else { "" };
        let title = format!("{}{default}", profile.title);
        rows.push([profile.id, profile.version, profile.services.len().to_string(), title]);
    }
    aligned(&rows).concat()
}

/// The profile as a table, and below it what else is said of each service; at most `width` columns wide.
pub fn show(profile: &Profile, width: usize) -> String {
    let width = width.max(MIN_WIDTH);
    let mut out = wrapped(&format!("{} {}: {}", profile.id, profile.version, profile.title), 0, width);
    out += &wrapped(&format!("SHA-256: {}", profile.sha256), 0, width);
    out += &wrapped(&format!("crowded: {}", joined(&profile.crowded)), 0, width);
    out += &wrapped(&format!("vendor names: {}", joined(&profile.vendor_names)), 0, width);
    out.push('\n');
    out += &table(profile, width);
    for service in &profile.services {
        out += &format!("\n{}\n", service.id);
        for detail in details(service) {
            out += &wrapped(&detail, 2, width);
        }
    }
    out
}

/// What a sound file is; its mistakes otherwise. `as_site` takes it for a site file whatever its keys say; `profile`
/// has the roles and services that a site file may name.
pub fn validate(name: &str, text: &str, as_site: bool, profile: &Profile) -> Result<String, ProfileError> {
    let said = if as_site || Site::looks_like(text) {
        let site = Site::parse(name, text, profile)?;
        let parts = [
            counted(site.servers.len(), "server"),
            counted(site.clients.len(), "client network"),
            counted(site.ports.len(), "customised port"),
            counted(site.require.len(), "required service"),
            counted(site.allow.len(), "allow rule"),
        ];
        format!("a sound site file for profile `{}`: {}", profile.id, parts.join(", "))
    } else {
        let profile = Profile::parse(name, text)?;
        let transports = profile.services.iter().map(|service| service.transports.len()).sum();
        let parts = [counted(profile.services.len(), "service"), counted(transports, "transport")];
        format!("a sound profile, `{}` version {}: {}", profile.id, visible(&profile.version), parts.join(", "))
    };
    Ok(format!("{}: {said}\n", visible(name)))
}

/// The TOML that the profile was read from.
pub fn export(profile: &Profile) -> String {
    profile.text.clone()
}

/// A line for each transport. The roles are left out where they do not fit: they stand below too.
fn table(profile: &Profile, width: usize) -> String {
    let mut rows = vec![["SERVICE", "TRANSPORT", "MATCH", "ROLES"].map(str::to_owned)];
    for service in &profile.services {
        let mut first = (service.id.clone(), roles(service));
        for transport in &service.transports {
            let (id, roles) = std::mem::take(&mut first);
            let optional = if transport.optional { " (optional)" } else { "" };
            rows.push([id, format!("{}{optional}", transport.id), joined(&transport.selectors), roles]);
        }
    }
    let mut lines = aligned(&rows);
    if lines.iter().any(|line| line.trim_end().width() > width) {
        for [.., roles] in &mut rows {
            roles.clear();
        }
        lines = aligned(&rows);
    }
    lines.concat()
}

/// What is said of a service below the table.
fn details(service: &Service) -> Vec<String> {
    let mut details = vec![format!("{}: {}", service.name, service.usage)];
    if service.sufficient.len() > 1 {
        let id = |index: &usize| service.transports.get(*index).map_or("", |transport| transport.id.as_str());
        let sets = service.sufficient.iter().map(|set| set.iter().map(id).collect::<Vec<_>>().join(" with "));
        details.push(format!("needs: {}", sets.collect::<Vec<_>>().join(", or ")));
    }
    if service.every_role().next().is_some() {
        details.push(format!("roles: {}", roles(service)));
    }
    if !service.names.is_empty() {
        details.push(format!("names: {}", joined(&service.names)));
    }
    details.extend(service.customised_by.as_ref().map(|by| format!("customised by: {by}")));
    if service.one_way {
        details.push("one-way: nothing ever answers".to_owned());
    }
    details.push(format!("source: {}", service.source));
    details
}

fn roles(service: &Service) -> String {
    let also = service.also_roles.iter().map(|role| format!("also {role}"));
    service.roles.iter().cloned().chain(also).collect::<Vec<_>>().join(", ")
}

fn joined<T: ToString>(list: &[T]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Lines whose columns stand under each other, two spaces apart.
fn aligned<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| visible(cell).into_owned())).collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// The text broken between words; lines after the first are indented by two more.
fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let mut out = " ".repeat(indent);
    let mut column = indent;
    for (index, word) in visible(text).split(' ').enumerate() {
        if index > 0 && column + 1 + word.width() > width {
            column = indent + 2;
            out += "\n";
            out += &" ".repeat(column);
        } else if index > 0 {
            column += 1;
            out.push(' ');
        }
        column += word.width();
        out += word;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use unicode_width::UnicodeWidthStr;

    use super::{ProfileCommand, export, list, show, validate};
    use crate::profile::Profile;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: ProfileCommand,
    }

    fn default() -> Profile {
        Profile::builtin(Profile::DEFAULT).unwrap()
    }

    #[test]
    fn the_list_is_aligned() {
        assert_eq!(
            list(),
            "PROFILE          VERSION  SERVICES  TITLE\n\
             forticlient      1        12        FortiClient required services and ports (default)\n\
             forticlient-6.0  1        12        FortiClient 6.0.4 and older: required services and ports\n"
        );
    }

    #[test]
    fn a_profile_is_shown_in_full() {
        let shown = show(&default(), 100);
        let table = "
SERVICE                TRANSPORT           MATCH             ROLES
telemetry              tls                 tcp/8013          ems, also gateway
syslog                 syslog              udp/514           syslog
fortisandbox           oftp                tcp/514           fortisandbox
ssl-vpn                tls                 tcp/443           gateway
                       dtls (optional)     udp/443
fortianalyzer          oftp                tcp/514           fortianalyzer, also fortimanager
ipsec-vpn              ike                 udp/500           gateway
                       esp                 proto/50
                       nat-t               udp/4500
                       ike-tcp (optional)  tcp/4500, iketcp
";
        assert!(shown.contains(table), "{shown}");
        let details = "
ipsec-vpn
  Remote access - IPsec VPN: Establish VPN connection to the FortiGate
  needs: ike with esp, or ike with nat-t, or nat-t, or ike-tcp
  roles: gateway
  source: FortiClient 6.2.0 Administration Guide, Required services and ports; over TCP: FortiOS
    8.0.0 Administration Guide
";
        assert!(shown.contains(details), "{shown}");
        assert!(shown.starts_with("forticlient 1: FortiClient required services and ports\nSHA-256: "), "{shown}");
        assert!(shown.contains("  one-way: nothing ever answers\n"), "{shown}");
    }

    #[test]
    fn nothing_is_wider_than_asked() {
        for width in [75, 80, 100, 200] {
            for line in show(&default(), width).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn text_in_a_profile_moves_no_cursor() {
        let text = export(&default()).replace("name = \"SYSLOG\"", "name = \"\\u001b[2J\"");
        let profile = Profile::parse("evil.toml", &text).unwrap();
        assert!(!show(&profile, 80).contains('\u{1b}'));
    }

    #[test]
    fn what_is_exported_parses_to_the_same() {
        for profile in Profile::builtins() {
            assert_eq!(Profile::parse(&profile.id, &export(&profile)).unwrap(), profile);
        }
    }

    #[test]
    fn a_file_is_told_by_its_keys() {
        let profile = default();
        assert_eq!(
            validate("mine.toml", &export(&profile), false, &profile).unwrap(),
            "mine.toml: a sound profile, `forticlient` version 1: 12 services, 17 transports\n"
        );
        let site = "[servers]\nems = [\"10.0.0.5\"]\n[require]\nservices = [\"all\"]";
        assert_eq!(
            validate("site.toml", site, false, &profile).unwrap(),
            "site.toml: a sound site file for profile `forticlient`: 1 server, 0 client networks, 0 customised ports, \
             12 required services, 0 allow rules\n"
        );
        assert!(validate("empty.toml", "", false, &profile).is_err());
        assert!(validate("empty.toml", "", true, &profile).is_ok());
        let broken = "[servers]\nems = [\"10.0.0.5\"\n";
        assert!(validate("site.toml", broken, false, &profile).unwrap_err().to_string().contains("not TOML"));
    }

    #[test]
    fn arguments_have_their_defaults() {
        let parse = |line: &[&str]| Line::try_parse_from([&["profile"], line].concat()).map(|line| line.command);
        assert!(matches!(parse(&["show"]), Ok(ProfileCommand::Show { profile }) if profile == "forticlient"));
        assert!(
            matches!(parse(&["validate", "a", "b"]), Ok(ProfileCommand::Validate { files, site: false, .. }) if files.len() == 2)
        );
        assert!(matches!(parse(&["export", "-o", "x.toml"]), Ok(ProfileCommand::Export { output: Some(_), .. })));
        assert!(parse(&["validate"]).is_err());
    }
}
