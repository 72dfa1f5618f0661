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
