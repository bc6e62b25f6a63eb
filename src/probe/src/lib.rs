//! The probe of `arkose verify`: what can be tried in a sandbox, and what came of it.
//!
//! The program runs as the app of a sandbox, and knows nothing of what is allowed there: it tries
//! each [`Trial`] and tells what it [`Found`]. Nothing of it changes what is there already: files
//! are opened without being truncated, new ones have names of their own, signals have no effect.

#![forbid(unsafe_code)]

pub mod calls;
mod trial;
mod tries;

pub use trial::{Found, Trial};

use std::io::{BufRead, Error, Write};

/// Tries it, here and now, as this process.
#[must_use]
pub fn answer(trial: &Trial) -> Found {
    tries::answer(trial)
}

/// Answers the trials of `input`, a line of JSON each, by a line of JSON each.
///
/// # Errors
/// When a line is no trial, or cannot be read or written.
pub fn answer_all(input: impl BufRead, mut output: impl Write) -> Result<(), Error> {
    for line in input.lines() {
        let trial: Trial = serde_json::from_str(&line?)?;
        let mut said = serde_json::to_vec(&answer(&trial))?;
        said.push(b'\n');
        output.write_all(&said)?;
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_answered_by_a_line() {
        let trials = [Trial::Read { path: "/dev/null".into() }, Trial::Signal { pid: 1 << 29 }];
        let lines: Vec<String> =
            trials.iter().map(|trial| serde_json::to_string(trial).unwrap()).collect();
        let mut said = Vec::new();
        answer_all(lines.join("\n").as_bytes(), &mut said).unwrap();
        let found: Vec<Found> = String::from_utf8(said)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(found, [Found::text(""), Found::Refused { error: "ESRCH".to_owned() }]);
    }

    #[test]
    fn what_is_no_trial_is_an_error() {
        for line in ["", "{}", "{\"try\":\"fly\"}", "{\"try\":\"read\"}"] {
            assert!(answer_all(format!("{line}\n").as_bytes(), Vec::new()).is_err(), "{line}");
        }
    }
}
