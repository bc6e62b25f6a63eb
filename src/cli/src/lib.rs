//! The command line of Arkose.
//!
//! [`main`] finds out which subcommand is called, has only that one's grammar built, and does it.
//! Without a subcommand the command line is the original's ([`original`]).

#![forbid(unsafe_code)]

pub mod catalogue;
pub mod commands;
mod explain;
pub mod fill;
mod log;
mod network;
pub mod original;
mod profiles;
mod request;
mod run;
mod running;
pub mod say;
mod usage;
mod verify;

use arkose_profile::i18n::{Message, N_};
use clap::ArgMatches;
use say::Failure;
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what the arguments (without the program's name) ask for.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    match dispatch(arguments) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            failure.show();
            ExitCode::from(failure.status)
        }
    }
}

fn dispatch(mut arguments: Vec<OsString>) -> Result<u8, Failure> {
    let first = arguments.first().and_then(|first| first.to_str()).unwrap_or_default().to_owned();
    match first.as_str() {
        "" if arguments.is_empty() => {
            let message = Message::new(N_("nothing to do: name a subcommand or a command"));
            Err(Failure::new(&message).mended_by("arkose --help"))
        }
        "--help" | "help" => usage::help(arguments.get(1..).unwrap_or_default()),
        "--version" | "-V" => {
            say::answer(concat!("arkose ", env!("CARGO_PKG_VERSION"), "\n")).map(|()| 0)
        }
        name => match commands::command(name, false) {
            None => original_call(&arguments, name),
            Some(grammar) => {
                arguments.remove(0);
                match grammar.no_binary_name(true).try_get_matches_from(&arguments) {
                    Ok(matches) => subcommand(name, &matches),
                    Err(error) => usage::complain(name, &arguments, &error),
                }
            }
        },
    }
}

fn subcommand(name: &str, matches: &ArgMatches) -> Result<u8, Failure> {
    match name {
        "run" => run::start(request::run(matches)?),
        "launch" => run::start(request::launch(matches)?),
        "explain" => explain::explain(&request::described(matches)?, matches.get_flag("json")),
        "plan" => run::plan(request::plan(matches)?, matches.get_flag("json")),
        "verify" => verify::verify(request::verify(matches)?, matches.get_flag("json")),
        "profile" => profiles::profile(matches),
        "ps" => running::ps(matches),
        "info" => running::info(matches),
        "stop" => running::stop(matches),
        "log" => log::log(matches),
        "rules" => network::rules(matches),
        "enter" => running::enter(matches),
        "doctor" => run::report(matches.get_flag("json")),
        _ => usage::completions(matches.get_one::<String>("shell").map_or("", String::as_str)),
    }
}

/// A call without a subcommand. A word that is nearly one is taken for a typing error when there
/// is no such program.
fn original_call(arguments: &[OsString], first: &str) -> Result<u8, Failure> {
    let near = usage::nearest_command(first)
        .filter(|_| !first.starts_with('-') && !usage::is_program(first));
    if let Some(near) = near {
        let message = Message::new(N_("there is no subcommand “{name}”; did you mean “{near}”?"));
        return Err(Failure::new(&message.with("name", first).with("near", near))
            .mended_by("arkose --help"));
    }
    run::start(original::parse(arguments)?.into_launch()?)
}
