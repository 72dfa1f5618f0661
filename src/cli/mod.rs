//! The command line: arguments as typed, then resolved objects, then a command, then an exit status.

mod args;
mod check;
mod explain;
mod inputs;
mod output;
pub mod profile;
mod progress;
mod room;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use args::{Cli, Command};

/// Exit status for usage, a mistake in a file of the user's, or no input that could be read.
const STATUS_USAGE: u8 = 2;

/// Runs the program and gives its exit status.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with status 0, mistakes to stderr with status 2; a closed pipe is quiet.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(STATUS_USAGE));
        }
    };
    let done = match cli.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Profile { command } => profile_command(&command),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "portproof: {error:#}");
            ExitCode::from(STATUS_USAGE)
        }
    }
}

fn profile_command(command: &profile::ProfileCommand) -> anyhow::Result<u8> {
    use profile::ProfileCommand;
    let text = match command {
        ProfileCommand::List => profile::list(),
        ProfileCommand::Show { profile: id } => profile::show(&crate::profile::Profile::resolve(id)?, output::width()),
        ProfileCommand::Validate { files, site, profile: id } => return validate(files, *site, id),
        ProfileCommand::Export { profile: id, output: None } => profile::export(&crate::profile::Profile::resolve(id)?),
        ProfileCommand::Export { profile: id, output: Some(path) } => {
            let text = profile::export(&crate::profile::Profile::resolve(id)?);
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            return Ok(0);
        }
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(0)
}

/// Every file is checked, whatever is wrong with the ones before it.
fn validate(files: &[std::path::PathBuf], site: bool, id: &str) -> anyhow::Result<u8> {
    let table = crate::profile::Profile::resolve(id)?;
    let mut status = 0;
    for path in files {
        let checked = crate::profile::read_text(path)
            .and_then(|text| profile::validate(&path.display().to_string(), &text, site, &table));
        match checked {
            Ok(said) => io::stdout().write_all(said.as_bytes())?,
            Err(error) => {
                writeln!(io::stderr(), "portproof: {error}")?;
                status = STATUS_USAGE;
            }
        }
    }
    Ok(status)
}

/// Whether the reader of our output went away, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}
