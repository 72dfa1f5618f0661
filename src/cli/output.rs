//! Where reports go, and what is said of the run.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use super::args::{CheckArgs, ColorArg};
use crate::render::{self, Format, Style};
use crate::report::{Report, Run};
use crate::time::Timestamp;
use crate::verdict::Scope;

/// Columns where nothing says how wide the output is: fits a wide terminal, a ticket and a printed page.
const DEFAULT_WIDTH: usize = 100;

/// One place that the report goes to.
pub(super) struct Sink {
    pub(super) format: Format,
    /// None for standard output.
    pub(super) path: Option<PathBuf>,
}

/// Standard output, and every file that was asked for.
pub(super) fn sinks(arguments: &CheckArgs) -> anyhow::Result<Vec<Sink>> {
    let mut sinks = vec![Sink { format: arguments.format, path: None }];
    for path in arguments.output.iter().filter(|path| path.as_os_str() != "-") {
        let Some(format) = Format::from_path(path) else {
            bail!("cannot tell the format of {}: its name should end with .json, .jsonl, .csv or .txt", path.display());
        };
        sinks.push(Sink { format, path: Some(path.clone()) });
    }
    Ok(sinks)
}

impl Sink {
    /// Writes the report, and beside a CSV file its manifest.
    pub(super) fn write(&self, report: &Report, run: &Run, arguments: &CheckArgs) -> anyhow::Result<()> {
        let Some(path) = &self.path else {
            let mut out = BufWriter::new(io::stdout().lock());
            render::render(report, run, self.format, &style(arguments), &mut out)?;
            return Ok(out.flush()?);
        };
        let mut bytes = Vec::new();
        let style = Style { verbose: arguments.verbose, quiet: arguments.quiet, ..Style::default() };
        render::render(report, run, self.format, &style, &mut bytes)?;
        write(path, &bytes)?;
        if self.format == Format::Csv {
            let mut manifest = path.clone().into_os_string();
            manifest.push(".manifest.json");
            write(Path::new(&manifest), render::manifest(report, run, &bytes).as_bytes())?;
        }
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write the report to {}", path.display()))
}

/// The width of the terminal, `COLUMNS`, or a default.
pub(super) fn width() -> usize {
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal_size::terminal_size()
        .map(|(width, _)| usize::from(width.0))
        .filter(|_| io::stdout().is_terminal())
        .or_else(columns)
        .unwrap_or(DEFAULT_WIDTH)
}

/// Whether colours are wanted on standard output.
pub(super) fn colour(when: ColorArg) -> bool {
    // NO_COLOR (no-color.org): set to anything but nothing, it turns colours off.
    let unwanted = || {
        std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
    };
    match when {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => io::stdout().is_terminal() && !unwanted(),
    }
}

fn style(arguments: &CheckArgs) -> Style {
    Style {
        width: width(),
        colour: colour(arguments.color),
        symbols: io::stdout().is_terminal(),
        verbose: arguments.verbose,
        quiet: arguments.quiet,
    }
}

/// What is said of the run. Under `--reproducible` nothing in it depends on when or where it ran.
pub(super) fn describe(arguments: &CheckArgs, scope: &Scope, report: &Report) -> Run {
    let mut hasher = Sha256::new();
    hasher.update(&scope.profile.sha256);
    for input in &report.inputs {
        hasher.update(input.sha256.as_deref().unwrap_or(&input.path));
    }
    let mut command_line: Vec<String> = std::env::args().collect();
    let mut generated_at = None;
    if arguments.reproducible {
        if let Some(program) = command_line.first_mut() {
            *program = "portproof".to_owned();
        }
        command_line.iter().for_each(|argument| hasher.update(argument));
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        generated_at = Some(Timestamp::from_parts(now.as_secs() as i64, i64::from(now.subsec_nanos())));
        hasher.update(now.as_nanos().to_le_bytes());
        hasher.update(std::process::id().to_le_bytes());
        hasher.update(random().to_le_bytes());
    }
    let digest = hasher.finalize();
    Run {
        run_id: digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect(),
        command_line,
        generated_at,
        time_zone: "UTC: times are as the captures give them",
    }
}

fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
