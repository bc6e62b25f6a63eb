//! Catalogues of translations.

use arkose_cli::catalogue::Catalogue;

/// Tries one: an id up to the first NUL byte, then the file.
pub fn try_one(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
    let (id, file) = bytes.split_at(at);
    let Some(catalogue) = Catalogue::read(file.get(1..).unwrap_or_default().to_vec()) else {
        return;
    };
    let Ok(id) = std::str::from_utf8(id) else { return };
    for id in [id, "", "nothing to do: name a subcommand or a command"] {
        if let Some(text) = catalogue.get(id) {
            assert!(!text.is_empty() && !text.contains('\0'), "{text:?}");
        }
    }
}
