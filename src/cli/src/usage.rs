//! Help, completions, and what is said of a call that is not understood.

use crate::commands;
use crate::say::{Failure, answer};
use arkose_profile::i18n::{Message, N_};
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The help of the whole, or of the subcommand that is named.
///
/// # Errors
/// When there is no such subcommand, or the help cannot be written.
pub(crate) fn help(words: &[OsString]) -> Result<u8, Failure> {
    let Some(name) = words.first() else {
        return answer(&commands::tree().render_long_help().to_string()).map(|()| 0);
    };
    let mut arguments = words.to_vec();
    arguments.push("--help".into());
    let name = name.to_string_lossy();
    if commands::names().any(|known| known == name) {
        return answer(&rendered(&name, arguments.get(1..).unwrap_or_default())).map(|()| 0);
    }
    let message = Message::new(N_("there is no subcommand “{name}”")).with("name", &name);
    Err(Failure::new(&message).mended_by("arkose --help"))
}

/// What clap prints for these arguments of a subcommand when its texts are filled in.
fn rendered(name: &str, arguments: &[OsString]) -> String {
    let Some(grammar) = commands::command(name, true) else { return String::new() };
    let grammar = grammar.bin_name(format!("arkose {name}")).no_binary_name(true);
    match grammar.try_get_matches_from(arguments) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// The sentence for a call that does not follow the grammar; the help when that was asked for.
///
/// # Errors
/// Always, but for the help.
pub(crate) fn complain(
    name: &str,
    arguments: &[OsString],
    error: &clap::Error,
) -> Result<u8, Failure> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return answer(&rendered(name, arguments)).map(|()| 0);
    }
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let arg = context(ContextKind::InvalidArg);
    let arg = arg.split([' ', '=']).next().unwrap_or_default();
    let value = context(ContextKind::InvalidValue);
    let message = match error.kind() {
        ErrorKind::UnknownArgument => match context(ContextKind::SuggestedArg) {
            near if near.is_empty() => Message::new(N_("there is no option “{option}”")),
            near => Message::new(N_("there is no option “{option}”; did you mean “{near}”?"))
                .with("near", near),
        },
        ErrorKind::InvalidValue if value.is_empty() => Message::new(N_("“{option}” needs a value")),
        ErrorKind::NoEquals => Message::new(N_("“{option}” takes its value behind a “=”")),
        ErrorKind::InvalidValue => {
            Message::new(N_("“{option}” cannot be “{value}”; it takes one of: {values}"))
                .with("values", context(ContextKind::ValidValue))
        }
        ErrorKind::ValueValidation => Message::new(N_("“{option}” cannot be “{value}”")),
        ErrorKind::ArgumentConflict => Message::new(N_("“{option}” is given twice")),
        ErrorKind::MissingRequiredArgument => {
            Message::new(N_("{what} is missing")).with("what", context(ContextKind::InvalidArg))
        }
        ErrorKind::InvalidSubcommand => Message::new(N_("there is no subcommand “{name}”"))
            .with("name", context(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingSubcommand => Message::new(N_("a subcommand is missing")),
        _ => {
            let text = error.to_string();
            let first =
                text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Message::new("{what}").with("what", first)
        }
    };
    let message = message.with("option", arg).with("value", value);
    Err(Failure::new(&message).mended_by(format!("arkose {name} --help")))
}

/// Prints the completions for a shell.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn completions(shell: &str) -> Result<u8, Failure> {
    use clap_complete::Shell;
    let mut tree: Command = commands::tree();
    let mut text = Vec::new();
    let shell: Shell = shell.parse().unwrap_or(Shell::Bash);
    clap_complete::generate(shell, &mut tree, "arkose", &mut text);
    answer(&String::from_utf8_lossy(&text)).map(|()| 0)
}

/// The subcommand that a word was meant to be.
pub(crate) fn nearest_command(word: &str) -> Option<&'static str> {
    arkose_profile::nearest(word, commands::names())
}

/// Whether a word names a program that can be found.
pub(crate) fn is_program(word: &str) -> bool {
    if word.contains('/') {
        return true;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(Path::new(OsStr::new(word))).is_file())
}
