//! Translation: setting it up, and filling sentences that have values in them.

use crate::config;
use arkose_profile::i18n::Message;
use gettextrs::{bind_textdomain_codeset, bindtextdomain, textdomain};

/// Takes the user's language; where that fails, the window speaks English.
pub(crate) fn init() {
    // GTK takes the locale of the environment before it looks for a display. Whether there is one
    // shows when the application starts.
    let _ = gtk::init();
    let dir = std::env::var_os("ARKOSE_LOCALEDIR").unwrap_or_else(|| config::LOCALE_DIR.into());
    let bound = bindtextdomain(config::GETTEXT_DOMAIN, dir)
        .and_then(|_| bind_textdomain_codeset(config::GETTEXT_DOMAIN, "UTF-8"))
        .and_then(|_| textdomain(config::GETTEXT_DOMAIN));
    if let Err(error) = bound {
        gtk::glib::g_warning!("arkose", "no translations: {error}");
    }
}

/// Translates a message id that was marked elsewhere with `N_`.
pub(crate) fn tr(message: &str) -> String {
    // An empty id would give the header of the catalogue.
    if message.is_empty() { String::new() } else { gettextrs::gettext(message) }
}

/// A translated sentence with `{name}` replaced by the value of `name`; mark `sentence` with `N_`.
pub(crate) fn say(sentence: &'static str, values: &[(&'static str, &str)]) -> String {
    fill(sentence, values).translated(&tr)
}

/// A translated sentence about `count` things, with `{count}` among its places. `xgettext` knows
/// the name.
pub(crate) fn ngettext(one: &'static str, many: &'static str, count: usize) -> String {
    let number = u32::try_from(count).unwrap_or(u32::MAX);
    fill(many, &[("count", &count.to_string())])
        .translated(&|_| gettextrs::ngettext(one, many, number))
}

fn fill(sentence: &'static str, values: &[(&'static str, &str)]) -> Message {
    values.iter().fold(Message::new(sentence), |message, (name, value)| message.with(name, value))
}

/// With its first letter in upper case: for a phrase that stands alone on the screen.
pub(crate) fn sentence_case(phrase: &str) -> String {
    let mut letters = phrase.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
