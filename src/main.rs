//! The `portproof` command.

fn main() -> std::process::ExitCode {
    portproof::cli::run()
}
