//! What can be wrong with a profile, and where.

use crate::i18n::Message;
use crate::text::visible;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A place in a text; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One thing that is wrong. `Display` is `FILE:LINE:COLUMN: message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file; `None` when the value was given for this launch only.
    pub file: Option<PathBuf>,
    /// Where in the file.
    pub place: Option<Place>,
    /// What is wrong and what would be right.
    pub message: Message,
}

impl Error {
    /// The sentence with its place, in the language of `translate`.
    #[must_use]
    pub fn translated(&self, translate: &dyn Fn(&str) -> String) -> String {
        let message = self.message.translated(translate);
        match (&self.file, self.place) {
            (Some(file), Some(Place { line, column })) => {
                format!("{}:{line}:{column}: {message}", visible(file.as_os_str().as_bytes()))
            }
            (Some(file), None) => {
                format!("{}: {message}", visible(file.as_os_str().as_bytes()))
            }
            (None, _) => message,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.translated(&|text| text.to_owned()))
    }
}

impl std::error::Error for Error {}

/// Everything that is wrong, one line each; never empty when returned as an error.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Errors(pub Vec<Error>);

impl Errors {
    /// `Ok(value)` when nothing is wrong.
    ///
    /// # Errors
    /// Itself, when something is.
    pub fn or<T>(self, value: T) -> Result<T, Errors> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// One sentence a line, in the language of `translate`.
    #[must_use]
    pub fn translated(&self, translate: &dyn Fn(&str) -> String) -> String {
        let lines: Vec<_> = self.0.iter().map(|error| error.translated(translate)).collect();
        lines.join("\n")
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.translated(&|text| text.to_owned()))
    }
}

impl std::error::Error for Errors {}
