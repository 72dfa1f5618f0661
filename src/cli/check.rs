//! `portproof check`: resolve what was typed, read and judge every capture, write the reports.

use std::io::{self, Write};

use anyhow::{Context, bail};

use super::args::{AllowArg, CheckArgs, FailOnArg, VantageArg};
use super::{inputs, output};
use crate::profile::{Profile, Server, Site, parse_network};
use crate::render::Format;
use crate::report::Vantage;
use crate::verdict::{self, FailOn, Scope};

pub(super) fn run(arguments: &CheckArgs) -> anyhow::Result<u8> {
    let scope = scope(arguments)?;
    let sinks = output::sinks(arguments)?;
    let hash = !arguments.no_hash && sinks.iter().any(|sink| sink.format != Format::Table);
    if let Some(jobs) = arguments.jobs {
        rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(jobs))
            .build_global()
            .context("cannot start the readers")?;
    }
    let (inputs, verdicts) = inputs::judge_all(&arguments.captures, &scope, hash, arguments.memory);
    for input in &inputs {
        if let Some(error) = &input.error {
            writeln!(io::stderr(), "portproof: {}", crate::text::visible(error))?;
        }
    }
    let nothing_read = verdicts.is_empty();
    let report = verdict::join(&scope, inputs, verdicts);
    let run = output::describe(arguments, &scope, &report);
    for sink in &sinks {
        // A table of what could not be read says nothing that the messages above do not.
        if !(nothing_read && sink.format == Format::Table && sink.path.is_none()) {
            sink.write(&report, &run, arguments)?;
        }
    }
    let status = verdict::exit_status(&report, scope.allow_inconclusive);
    // The process ends: there is no use in giving the report's memory back piece by piece.
    std::mem::forget(report);
    Ok(status)
}

/// The table, the site file and the options, as one thing to judge against.
fn scope(arguments: &CheckArgs) -> anyhow::Result<Scope> {
    let profile = Profile::resolve(&arguments.profile)?;
    let mut site = match &arguments.site {
        Some(path) => Site::load(path, &profile)?,
        None => Site::default(),
    };
    for argument in &arguments.server {
        site.servers.push(Server::parse_argument(argument, &profile).map_err(anyhow::Error::msg)?);
    }
    for argument in &arguments.client {
        site.clients.push(parse_network(argument).map_err(|error| anyhow::anyhow!("--client {argument}: {error}"))?);
    }
    for id in &arguments.require {
        if id == "all" {
            site.require_all(&profile);
        } else if profile.service(id).is_some() {
            site.require.push(id.clone());
        } else {
            let known: Vec<&str> = profile.services.iter().map(|service| service.id.as_str()).collect();
            bail!(
                "--require {id}: the profile {} has no such service; it has {}, or say all",
                profile.id,
                known.join(", ")
            );
        }
    }
    let mut scope = Scope::new(profile, site);
    scope.vantage = match arguments.vantage {
        Some(VantageArg::Client) => Vantage::Client,
        Some(VantageArg::Gateway) => Vantage::Gateway,
        Some(VantageArg::Mirror) => Vantage::Mirror,
        None => Vantage::Unknown,
    };
    scope.allow_inconclusive = arguments.allow.contains(&AllowArg::Inconclusive);
    scope.fail_on = arguments
        .fail_on
        .iter()
        .map(|kind| match kind {
            FailOnArg::Unexpected => FailOn::Unexpected,
            FailOnArg::Degraded => FailOn::Degraded,
            FailOnArg::Inconclusive => FailOn::Inconclusive,
        })
        .collect();
    Ok(scope)
}
