//! The original's command lines, in both of their grammars.

use super::{context, words};
use arkose_cli::original::parse;
use arkose_profile::{Profile, explain};

/// Tries one command line; a NUL byte ends each word.
pub fn try_one(bytes: &[u8]) {
    let words = words(bytes);
    let original = match parse(&words) {
        Ok(original) => original,
        Err(failure) => return assert!(!failure.sentence.contains(char::is_control)),
    };
    // The command is among the words, or a line for a shell.
    let lines = original.command.first().is_some_and(|shell| shell == "/bin/sh");
    assert!(lines || words.ends_with(&original.command), "{:?}", original.command);
    let profile = Profile::new("", vec![original.layer]);
    if let Ok(policy) = profile.policy(&context()) {
        let _ = explain::explain(&profile, &policy, &context(), &|text| text.to_owned());
    }
}
