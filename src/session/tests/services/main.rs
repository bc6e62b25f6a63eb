//! The services of the host against real servers: Xvfb as the host's display, Xephyr, PulseAudio,
//! dbus-daemon. A test whose program is not installed is skipped with the reason printed.
#![allow(missing_docs, reason = "tests")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod backends;
mod ends;
mod isolated;
mod place;
mod servers;
mod windows;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// A test: done, or skipped with a reason.
type Test = fn() -> Result<(), Skip>;

/// Why a test cannot run here.
pub(crate) struct Skip(pub(crate) String);

fn main() -> ExitCode {
    if let Some(status) = arkose_session::guard::enter() {
        return status;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == ends::SUPERVISE) {
        return ends::supervise();
    }
    let tests: Vec<(&str, Test)> =
        [isolated::TESTS, windows::TESTS, backends::TESTS, ends::TESTS, servers::TESTS].concat();
    if args.iter().any(|arg| arg == "--list") {
        // A runner asks twice: for all, and for those that are ignored, of which there are none.
        if !args.iter().any(|arg| arg == "--ignored") {
            tests.iter().for_each(|(name, _)| println!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let (mut failed, mut skipped, mut passed) = (0, 0, 0);
    for (name, test) in tests {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(*filter)) {
            continue;
        }
        match catch_unwind(AssertUnwindSafe(test)) {
            Ok(Ok(())) => {
                println!("test {name} ... ok");
                passed += 1;
            }
            Ok(Err(Skip(reason))) => {
                println!("test {name} ... skipped: {reason}");
                skipped += 1;
            }
            Err(_) => {
                println!("test {name} ... FAILED");
                failed += 1;
            }
        }
    }
    println!("\ntest result: {passed} passed; {failed} failed; {skipped} skipped");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
