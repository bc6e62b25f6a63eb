//! `arkose`: apps confined, from the command line.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(status) = arkose_session::guard::enter() {
        return status;
    }
    arkose_cli::main(std::env::args_os().skip(1).collect())
}
