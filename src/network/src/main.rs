//! `arkose-network`: resolves names for an app, and tells what it may not reach.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match arkose_network::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("arkose-network: {error}");
            ExitCode::from(125)
        }
    }
}
