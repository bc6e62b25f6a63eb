//! The original Arkose's profiles (`.conf`).

use crate::error::Errors;
use crate::i18n::Message;
use crate::layer::{Layer, Origin};

/// Reads one; beside the settings, what is to be said about them.
///
/// # Errors
/// What is wrong with it, with line and column.
pub fn read(_text: &str, origin: Origin) -> Result<(Layer, Vec<Message>), Errors> {
    let message =
        Message::new(crate::i18n::N_("profiles of the original Arkose cannot be read yet"));
    Err(crate::Error { file: origin.file().map(Into::into), place: None, message }.into())
}
