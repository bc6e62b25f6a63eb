//! What is said to people: in their language, on standard error where it is not the answer itself.

use crate::catalogue::Catalogue;
use arkose_profile::i18n::Message;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::OnceLock;

/// The text in the language of the person. The catalogue is opened by the first text that is
/// shown: a launch that has nothing to say does not read it.
#[must_use]
pub fn gettext(text: &str) -> String {
    static CATALOGUE: OnceLock<Option<Catalogue>> = OnceLock::new();
    let catalogue = CATALOGUE.get_or_init(|| {
        let dir = std::env::var_os("ARKOSE_LOCALEDIR");
        let dir = dir.unwrap_or_else(|| {
            option_env!("ARKOSE_LOCALEDIR").unwrap_or("/usr/share/locale").into()
        });
        Catalogue::open(Path::new(&dir), |name| std::env::var(name).ok())
    });
    let translation = catalogue.as_ref().and_then(|catalogue| catalogue.get(text));
    translation.unwrap_or(text).to_owned()
}

/// A message in the language of the person.
#[must_use]
pub fn translated(message: &Message) -> String {
    message.translated(&gettext)
}

/// Writes an answer to standard output. A reader that went away has had enough: that is no error.
///
/// # Errors
/// When it cannot be written for another reason.
pub fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let done = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match done {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = Message::new(arkose_profile::i18n::N_("the answer could not be written"));
            Err(Failure::new(&message).because(error))
        }
        _ => Ok(()),
    }
}

/// Writes JSON on several lines.
///
/// # Errors
/// As for [`answer`].
pub fn answer_json(value: &serde_json::Value) -> Result<(), Failure> {
    answer(&format!("{value:#}\n"))
}

/// Says something beside the answer.
pub fn note(message: &Message) {
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(std::io::stderr(), "arkose: {}", translated(message));
}

/// Why Arkose could not do it: a sentence, its cause, and what mends it.
#[derive(Debug)]
pub struct Failure {
    /// What could not be done, translated.
    pub sentence: String,
    /// Why, one line each.
    pub causes: Vec<String>,
    /// The command that mends it, or an advice.
    pub remedy: Option<String>,
    /// The exit status.
    pub status: u8,
}

/// The exit status when Arkose could not do what was asked.
pub const FAILED: u8 = 125;

impl Failure {
    /// One that is not explained further.
    #[must_use]
    pub fn new(message: &Message) -> Self {
        Self { sentence: translated(message), causes: Vec::new(), remedy: None, status: FAILED }
    }

    /// With its cause.
    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        let text = cause.to_string();
        self.causes.extend(text.lines().map(|line| arkose_profile::text::visible(line.as_bytes())));
        self
    }

    /// With the command that mends it.
    #[must_use]
    pub fn mended_by(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Writes it to standard error: the sentence, its causes, the remedy, a line each.
    pub fn show(&self) {
        let mut err = std::io::stderr().lock();
        let lines = self.causes.iter().chain(&self.remedy);
        let _ = writeln!(err, "arkose: {}", self.sentence);
        for line in lines {
            let _ = writeln!(err, "  {line}");
        }
    }
}

impl From<arkose_profile::ContextError> for Failure {
    fn from(error: arkose_profile::ContextError) -> Self {
        Self::new(&error.0)
    }
}

impl From<arkose_profile::SaveError> for Failure {
    fn from(error: arkose_profile::SaveError) -> Self {
        let failure = Self::new(&error.message);
        match error.source {
            Some(source) => failure.because(source),
            None => failure,
        }
    }
}

impl From<arkose_profile::LoadError> for Failure {
    fn from(error: arkose_profile::LoadError) -> Self {
        match error {
            arkose_profile::LoadError::Wrong(errors) => errors.into(),
            arkose_profile::LoadError::Missing { message, source } => {
                let failure = Self::new(&message);
                match source {
                    Some(source) => failure.because(source),
                    None => failure,
                }
            }
        }
    }
}

impl From<arkose_profile::Errors> for Failure {
    /// A single error is the sentence itself; several get one above them.
    fn from(errors: arkose_profile::Errors) -> Self {
        let lines = errors.0.iter().map(|error| error.translated(&gettext));
        let mut lines: Vec<String> = lines.collect();
        let sentence = if lines.len() == 1 { lines.pop() } else { None };
        let several = || gettext(arkose_profile::i18n::N_("there are errors in the profile"));
        Self {
            sentence: sentence.unwrap_or_else(several),
            causes: lines,
            remedy: None,
            status: FAILED,
        }
    }
}
