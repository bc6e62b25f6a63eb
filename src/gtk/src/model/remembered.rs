//! What the window remembers: which profiles a launcher starts without asking.
//!
//! It is kept in `$XDG_CONFIG_HOME/arkose/window.toml`. With each profile stands a fingerprint of
//! what it allowed when the user said “don't ask”; a profile that allows something else since then
//! is asked about again.

use arkose_profile::Policy;
use gtk::glib;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, Table, value};

/// The table in `window.toml`.
const TABLE: &str = "launch-directly";

/// The file with what is remembered.
#[derive(Debug, Clone)]
pub struct Remembered {
    file: PathBuf,
}

impl Remembered {
    /// In the user's configuration directory.
    #[must_use]
    pub fn open() -> Self {
        Self::at(glib::user_config_dir().join("arkose/window.toml"))
    }

    /// In a file of any place.
    #[must_use]
    pub fn at(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }

    /// Whether a launcher starts this profile without asking, as long as it allows what it did.
    #[must_use]
    pub fn launches_directly(&self, profile: &str, fingerprint: &str) -> bool {
        let document = self.read();
        let known = document.get(TABLE).and_then(|table| table.get(profile));
        known.and_then(Item::as_str) == Some(fingerprint)
    }

    /// Whether anything is remembered of this profile.
    #[must_use]
    pub fn knows(&self, profile: &str) -> bool {
        self.read().get(TABLE).is_some_and(|table| table.get(profile).is_some())
    }

    /// Starts this profile without asking from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn launch_directly(&self, profile: &str, fingerprint: &str) -> Result<(), glib::Error> {
        self.change(|table| drop(table.insert(profile, value(fingerprint))))
    }

    /// Asks again from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn ask(&self, profile: &str) -> Result<(), glib::Error> {
        self.change(|table| drop(table.remove(profile)))
    }

    fn read(&self) -> DocumentMut {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        text.parse().unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut Table)) -> Result<(), glib::Error> {
        let mut document = self.read();
        let table = document.entry(TABLE).or_insert_with(|| Item::Table(Table::new()));
        if let Some(table) = table.as_table_mut() {
            change(table);
        }
        let dir = self.file.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(dir).map_err(|error| {
            glib::Error::new(gtk::gio::IOErrorEnum::Failed, &format!("{}: {error}", dir.display()))
        })?;
        glib::file_set_contents(&self.file, document.to_string().as_bytes())
    }
}

/// What a policy allows, in a few characters; it changes when the policy does.
#[must_use]
pub fn fingerprint(policy: &Policy) -> Option<String> {
    let bytes = serde_json::to_vec(policy).ok()?;
    let digest = glib::compute_checksum_for_data(glib::ChecksumType::Sha256, &bytes)?;
    Some(digest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_changed_is_asked_about_again() {
        let dir = std::env::temp_dir().join(format!("arkose-window-{}", std::process::id()));
        let remembered = Remembered::at(dir.join("window.toml"));
        assert!(!remembered.launches_directly("a b", "one"));
        remembered.launch_directly("a b", "one").unwrap();
        remembered.launch_directly("c", "two").unwrap();
        assert!(remembered.launches_directly("a b", "one"));
        assert!(!remembered.launches_directly("a b", "two"));
        remembered.ask("a b").unwrap();
        assert!(!remembered.knows("a b") && remembered.knows("c"));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
