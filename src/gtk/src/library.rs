//! Reading and writing profiles away from the main loop, with a way to take each writing back.

use crate::i18n::tr;
use crate::model::shipped;
use arkose_profile::i18n::N_;
use arkose_profile::{Context, Layer, Listed, LoadError, Profile, SaveError, Store};
use arkose_session::questions::Lasting;
use gio_unix::DesktopAppInfo;
use gtk::gio::prelude::*;
use gtk::{gio, glib};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

/// What a file held before it was written.
#[derive(Debug, Clone)]
pub(crate) struct Backup {
    file: PathBuf,
    bytes: Option<Vec<u8>>,
}

/// Why something could not be read or written, in a sentence and with what the system said.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    /// The sentence.
    pub(crate) sentence: String,
    /// What the system said; may be empty.
    pub(crate) cause: String,
    /// The file it is about, where it is about one.
    pub(crate) file: Option<PathBuf>,
}

impl From<SaveError> for Trouble {
    fn from(error: SaveError) -> Self {
        let cause = error.source.map(|cause| cause.to_string()).unwrap_or_default();
        Self { sentence: error.message.translated(&tr), cause, file: None }
    }
}

impl From<LoadError> for Trouble {
    fn from(error: LoadError) -> Self {
        let sentence = error.translated(&tr);
        let (cause, file) = match error {
            LoadError::Missing { source, .. } => (source.map(|cause| cause.to_string()), None),
            LoadError::Wrong(errors) => (None, errors.0.into_iter().find_map(|error| error.file)),
        };
        Self { sentence, cause: cause.unwrap_or_default(), file }
    }
}

impl From<String> for Trouble {
    fn from(sentence: String) -> Self {
        Self { sentence, cause: String::new(), file: None }
    }
}

/// A profile for the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// What the store says of it.
    pub(crate) listed: Listed,
    /// The icon of its app, as `gio::Icon` writes it.
    pub(crate) icon: Option<String>,
}

/// Every profile, sorted by name for the user's language.
pub(crate) async fn list() -> Result<Vec<Shown>, Trouble> {
    in_thread(|store| {
        let mut profiles: Vec<_> =
            store.list().into_iter().map(|listed| shipped::listed(listed, &tr)).collect();
        profiles
            .sort_by_cached_key(|profile| glib::CollationKey::from(profile.name.to_lowercase()));
        let shown = |listed: Listed| {
            // Desktop entries are files, too: they are read here and not while drawing.
            let app = listed.app.as_deref().and_then(DesktopAppInfo::new);
            let icon = app.and_then(|app| app.icon()).and_then(|icon| IconExt::to_string(&icon));
            Shown { listed, icon: icon.map(Into::into) }
        };
        Ok(profiles.into_iter().map(shown).collect())
    })
    .await
}

/// One profile, by its id or its file.
pub(crate) async fn load(profile: OsString) -> Result<Profile, Trouble> {
    in_thread(move |store| Ok(store.load(&profile)?)).await
}

/// Writes settings into the user's override, and takes others out.
pub(crate) async fn save(
    id: String,
    set: Layer,
    drop: Vec<&'static str>,
) -> Result<Backup, Trouble> {
    in_thread(move |store| {
        let backup = back_up(store, &id);
        store.save_override(&id, &set, &drop)?;
        Ok(backup)
    })
    .await
}

/// Writes a rule into the user's override.
pub(crate) async fn allow(id: String, rule: Lasting) -> Result<Backup, Trouble> {
    in_thread(move |store| {
        let backup = back_up(store, &id);
        arkose_session::questions::keep_rule(&id, &rule).map_err(|error| Trouble {
            sentence: tr(N_("The rule could not be kept.")),
            cause: error.to_string(),
            file: None,
        })?;
        Ok(backup)
    })
    .await
}

/// Removes the user's file.
pub(crate) async fn reset(id: String) -> Result<Backup, Trouble> {
    in_thread(move |store| {
        let backup = back_up(store, &id);
        store.reset(&id)?;
        Ok(backup)
    })
    .await
}

/// Profiles that name no program: what a new profile may begin with.
pub(crate) async fn presets() -> Result<Vec<Profile>, Trouble> {
    in_thread(|store| {
        let profiles = store.ids().into_iter().filter_map(|id| store.load(&id).ok());
        Ok(profiles.filter(|profile| profile.command().is_empty()).collect())
    })
    .await
}

/// Makes a profile of the user's and says its id.
pub(crate) async fn create(name: String, layer: Layer) -> Result<String, Trouble> {
    in_thread(move |store| {
        let taken = store.ids();
        let id = crate::model::free_id(&name, |id| taken.contains(id));
        let id = id.unwrap_or_else(|| format!("profile-{}", taken.len() + 1));
        store.create(&id, &layer)?;
        Ok(id)
    })
    .await
}

/// Brings a file back to what it was.
pub(crate) async fn restore(backup: Backup) -> Result<(), Trouble> {
    in_thread(move |_| {
        let done = match &backup.bytes {
            Some(bytes) => {
                glib::file_set_contents(&backup.file, bytes).map_err(|error| error.to_string())
            }
            None => match std::fs::remove_file(&backup.file) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error.to_string()),
                _ => Ok(()),
            },
        };
        let sentence = tr(N_("This could not be taken back."));
        done.map_err(|cause| Trouble { sentence, cause, file: None })
    })
    .await
}

fn back_up(store: &Store, id: &str) -> Backup {
    let file = store.user_override(id);
    let bytes = std::fs::read(&file).ok();
    Backup { file, bytes }
}

async fn in_thread<T: Send + 'static>(
    work: impl FnOnce(&Store) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let work = move || {
        let context = Context::current().map_err(|error| error.0.translated(&tr))?;
        work(&Store::of(&context))
    };
    let done = gio::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(tr(N_("The profiles could not be read.")).into()))
}
