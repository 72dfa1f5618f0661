//! Arguments as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::profile::ProfileCommand;
use crate::profile::Profile;
use crate::render::Format;

/// Proves, from packets, which of the ports that FortiClient needs are really open.
#[derive(Debug, Parser)]
#[command(name = "portproof", version, about, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge captures: which required services are seen, blocked, failed or absent
    Check(CheckArgs),
    /// What a cause code means: the evidence for it, what it is not, how to confirm it and how to mend it
    Explain(ExplainArgs),
    /// The tables of required services
    Profile {
        #[command(subcommand)]
        command: ProfileCommand,
    },
}

/// Exit status: 0 compliant, 1 not compliant or inconclusive, 2 usage or an input that cannot be read.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 compliant; 1 not compliant, or inconclusive; 2 a mistake in the arguments or in a \
                        file of yours, or an input that could not be read."
)]
pub(super) struct CheckArgs {
    /// Capture files (pcap or pcapng, also in gzip), directories, or - for standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub(super) captures: Vec<PathBuf>,

    /// The table of required services: a built-in profile, or a file
    #[arg(long, value_name = "ID|FILE", default_value = Profile::DEFAULT, help_heading = "What is expected")]
    pub(super) profile: String,
    /// What you say of your network: servers, clients, ports, allowed flows
    #[arg(long, value_name = "FILE", help_heading = "What is expected")]
    pub(super) site: Option<PathBuf>,
    /// A server of a role, as gateway=203.0.113.10 or ems=ems.example.com:8013
    #[arg(long, value_name = "ROLE=HOST[:PORT]", help_heading = "What is expected")]
    pub(super) server: Vec<String>,
    /// A network that clients are in
    #[arg(long, value_name = "CIDR", help_heading = "What is expected")]
    pub(super) client: Vec<String>,
    /// Services that must be shown to work, or all
    #[arg(long, value_name = "ID,...|all", value_delimiter = ',', help_heading = "What is expected")]
    pub(super) require: Vec<String>,
    /// What makes the outcome non-compliant besides what always does
    #[arg(long, value_name = "KIND,...", value_delimiter = ',', value_enum, help_heading = "What is expected")]
    pub(super) fail_on: Vec<FailOnArg>,
    /// Outcomes that end with status 0 besides compliant
    #[arg(long, value_name = "OUTCOME", value_enum, help_heading = "What is expected")]
    pub(super) allow: Vec<AllowArg>,
    /// Where the captures were taken
    #[arg(long, value_name = "PLACE", value_enum, help_heading = "What is expected")]
    pub(super) vantage: Option<VantageArg>,

    /// How to print the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table", help_heading = "Output")]
    pub(super) format: Format,
    /// Write the report to a file as well, in the format of its ending: .json .jsonl .csv .txt; may be given again; - is standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub(super) output: Vec<PathBuf>,
    /// Leave out the SHA-256 of the inputs
    #[arg(long, help_heading = "Output")]
    pub(super) no_hash: bool,
    /// Make two runs over the same inputs print the same bytes
    #[arg(long, help_heading = "Output")]
    pub(super) reproducible: bool,
    /// Show more: every service, pair and transport
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(super) verbose: u8,
    /// Show only the outcome
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub(super) quiet: bool,
    /// Colours in the table
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "Output")]
    pub(super) color: ColorArg,

    /// Threads that read and analyse; the report does not depend on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Work")]
    pub(super) jobs: Option<u16>,
    /// What the flows of a capture may take, as 512MB or 2GiB. Beyond, flows are given up, those of no table port first, and the
    /// report says so
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "192MB", help_heading = "Work")]
    pub(super) memory: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0; 2 where a code is not known.")]
pub(super) struct ExplainArgs {
    /// Codes as reports name them, such as nat-t-no-reply
    #[arg(value_name = "CODE", required_unless_present = "list")]
    pub(super) codes: Vec<String>,
    /// List every code with its class and its meaning in one line
    #[arg(long, conflicts_with = "codes")]
    pub(super) list: bool,
    /// Colours and bold headings
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    pub(super) color: ColorArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOnArg {
    Unexpected,
    Degraded,
    Inconclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AllowArg {
    Inconclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum VantageArg {
    Client,
    Gateway,
    Mirror,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    Auto,
    Always,
    Never,
}

/// 16 MB: less leaves no room for the flows of one busy second.
const LEAST_MEMORY: u64 = 16_000_000;

/// Bytes as typed: a number with kB, MB, GB, KiB, MiB, GiB or nothing behind it.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("", 1),
    ];
    let (number, unit) =
        UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit))).unwrap_or((text, 1));
    let bytes = number.trim_end().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match bytes {
        Some(bytes) if bytes >= LEAST_MEMORY => Ok(bytes),
        Some(_) => Err("at least 16MB are needed".to_owned()),
        None => Err("a size is a number with kB, MB, GB, KiB, MiB or GiB behind it, as 512MB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("192MB"), Ok(192_000_000));
        assert_eq!(size("2 GiB"), Ok(2 << 30));
        assert_eq!(size("16000000"), Ok(16_000_000));
        for wrong in ["15MB", "MB", "many", "1.5GB", "-1GB", "99999999999999999999GB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
