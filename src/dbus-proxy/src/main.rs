//! `arkose-dbus-proxy`: stands between an app and the message buses.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match arkose_dbus_proxy::run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("arkose-dbus-proxy: {error}");
            ExitCode::from(125)
        }
    }
}
