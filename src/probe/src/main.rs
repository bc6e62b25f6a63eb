//! `arkose-probe`: tries what it is told, a line of JSON each, and tells what came of it.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match arkose_probe::answer_all(std::io::stdin().lock(), std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("arkose-probe: {error}");
            ExitCode::FAILURE
        }
    }
}
