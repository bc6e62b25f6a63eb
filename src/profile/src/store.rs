//! The profiles of this machine: where they lie, and reading them layer by layer.
//!
//! Writing is in [`crate::save`]. Reading one profile touches only the files of that profile: a
//! launch does not pay for a thousand others.

use crate::context::{Context, ContextError};
use crate::error::{Error, Errors};
use crate::i18n::{Message, N_};
use crate::layer::{Layer, Origin};
use crate::nearest::nearest;
use crate::profile::Profile;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// More than any profile needs: a larger file is not one.
const MAX_SIZE: u64 = 1 << 20;

/// The directories that profiles are read from, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Profiles that came with Arkose or with an app.
    shipped: PathBuf,
    /// The administrator's overrides.
    system: PathBuf,
    /// The user's own and the user's overrides.
    user: PathBuf,
}

/// A profile in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name in the store.
    pub id: String,
    /// What it is called; the id when it has no name.
    pub name: String,
    /// What it is for; may be empty.
    pub summary: String,
    /// The desktop entry of the app that it confines.
    pub app: Option<String>,
    /// Where its weakest layer lies: [`Origin::Shipped`] for one that was not made by hand.
    pub origin: Origin,
    /// Whether the user has an override of it.
    pub overridden: bool,
    /// What is wrong with it; it cannot be launched then.
    pub error: Option<Errors>,
}

/// Why a profile could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It can be read but not used.
    #[error("{0}")]
    Wrong(Errors),
    /// There is none of that name, or its file cannot be read.
    #[error("{message}")]
    Missing {
        /// What was looked for, in a sentence.
        message: Message,
        /// What the system said.
        #[source]
        source: Option<std::io::Error>,
    },
}

impl LoadError {
    /// The sentence, in the language of `translate`.
    #[must_use]
    pub fn translated(&self, translate: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Wrong(errors) => errors.translated(translate),
            Self::Missing { message, .. } => message.translated(translate),
        }
    }
}

impl Store {
    /// The standard directories: `/usr/share/arkose/profiles` (or where Arkose was installed; the
    /// variable `ARKOSE_PROFILES` names another), `/etc/arkose/profiles` and the user's.
    ///
    /// # Errors
    /// When the environment does not say where the home directory is.
    pub fn open() -> Result<Self, ContextError> {
        Ok(Self::of(&Context::current()?))
    }

    /// The standard directories for a person who is already known.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        let shipped =
            std::env::var_os("ARKOSE_PROFILES").map(PathBuf::from).filter(|dir| dir.is_absolute());
        let installed = || {
            Path::new(option_env!("ARKOSE_DATADIR").unwrap_or("/usr/share")).join("arkose/profiles")
        };
        Self {
            shipped: shipped.unwrap_or_else(installed),
            system: "/etc/arkose/profiles".into(),
            user: context.profiles_dir(),
        }
    }

    /// Other directories, for tests and for packages that check their profiles.
    #[must_use]
    pub fn with_dirs(
        shipped: impl Into<PathBuf>,
        system: impl Into<PathBuf>,
        user: impl Into<PathBuf>,
    ) -> Self {
        Self { shipped: shipped.into(), system: system.into(), user: user.into() }
    }

    /// The directory of the user's own profiles and overrides; it may not exist yet.
    #[must_use]
    pub fn user_dir(&self) -> &Path {
        &self.user
    }

    /// The directories, the weakest first; those that do not exist are among them.
    #[must_use]
    pub fn dirs(&self) -> [&Path; 3] {
        [&self.shipped, &self.system, &self.user]
    }

    /// Every profile, sorted by id. One that is wrong is listed with its error.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        self.ids().into_iter().map(|id| self.listed(id)).collect()
    }

    /// The names of all profiles.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<String> {
        let files = self
            .dirs()
            .into_iter()
            .filter_map(|dir| std::fs::read_dir(dir).ok())
            .flatten()
            .flatten();
        let names = files.filter_map(|file| file.file_name().into_string().ok());
        names
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .filter(|id| is_id(id))
            .collect()
    }

    fn listed(&self, id: String) -> Listed {
        let (profile, error) = match self.load_id(&id) {
            Ok(profile) => (profile, None),
            Err(LoadError::Wrong(errors)) => (Profile::new(&*id, Vec::new()), Some(errors)),
            Err(LoadError::Missing { message, .. }) => {
                let error = Error { file: None, place: None, message };
                (Profile::new(&*id, Vec::new()), Some(error.into()))
            }
        };
        let weakest =
            self.files(&id).into_iter().find(|origin| origin.file().is_some_and(Path::exists));
        Listed {
            name: profile.name(),
            summary: profile.value("summary").as_text().to_owned(),
            app: profile.app(),
            origin: weakest.unwrap_or_else(|| Origin::User(self.user_override(&id))),
            overridden: self.user_override(&id).exists(),
            error,
            id,
        }
    }

    /// A profile by its id, or from the file when it is written as a path (with a `/`) or ends in
    /// `.toml` or `.conf`. A `.conf` is one of the original Arkose.
    ///
    /// # Errors
    /// When there is none, or it is wrong.
    pub fn load(&self, id_or_path: impl AsRef<OsStr>) -> Result<Profile, LoadError> {
        let name = id_or_path.as_ref();
        match name.to_str().filter(|id| is_id(id)) {
            Some(id) => self.load_id(id),
            None if is_path(name) => load_file(Path::new(name)),
            None => {
                let message = Message::new(N_(
                    "“{id}” cannot be the name of a profile; a name has no “/” and does not begin with “-” or “.”",
                ));
                Err(LoadError::Missing {
                    message: message.with("id", name.to_string_lossy()),
                    source: None,
                })
            }
        }
    }

    fn load_id(&self, id: &str) -> Result<Profile, LoadError> {
        let (mut layers, mut errors) = (Vec::new(), Errors::default());
        for origin in self.files(id) {
            let Some(text) = origin.file().and_then(|file| read_regular(file).transpose()) else {
                continue;
            };
            match Layer::parse(&text?, origin) {
                Ok(layer) => layers.push(layer),
                Err(wrong) => errors.0.extend(wrong.0),
            }
        }
        if !errors.0.is_empty() {
            return Err(LoadError::Wrong(errors));
        }
        if layers.is_empty() {
            let ids = self.ids();
            let message = match nearest(id, ids.iter().map(String::as_str)) {
                Some(near) => {
                    Message::new(N_("there is no profile “{id}”; did you mean “{near}”?"))
                        .with("near", near)
                }
                None => Message::new(N_(
                    "there is no profile “{id}”; `arkose profile list` shows those there are",
                )),
            };
            return Err(LoadError::Missing { message: message.with("id", id), source: None });
        }
        Ok(Profile::new(id, layers))
    }

    /// The files that a profile may have, the weakest first.
    fn files(&self, id: &str) -> [Origin; 3] {
        let name = format!("{id}.toml");
        [
            Origin::Shipped(self.shipped.join(&name)),
            Origin::System(self.system.join(&name)),
            Origin::User(self.user.join(&name)),
        ]
    }

    /// The directory of the user's files; it may not exist.
    pub(crate) fn user_directory(&self) -> &Path {
        &self.user
    }

    /// The file of the user's override; it may not exist.
    #[must_use]
    pub fn user_override(&self, id: &str) -> PathBuf {
        self.user.join(format!("{id}.toml"))
    }
}

/// Whether a text can be the name of a profile: of a file, and of nothing that a command line
/// or a shell reads as something else.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let fits = !text.is_empty() && text.len() <= 128 && !text.starts_with(['-', '.']);
    fits && !text.chars().any(|c| c == '/' || c.is_whitespace() || c.is_control())
        && !is_path(OsStr::new(text))
}

/// Whether a name means a file and not an id.
fn is_path(name: &OsStr) -> bool {
    let ending = Path::new(name).extension();
    name.as_encoded_bytes().contains(&b'/')
        || ending.is_some_and(|ending| ending == "toml" || ending == "conf")
}

/// Reads a profile from a file of any place; a name that ends in `.conf` is one of the original's.
///
/// # Errors
/// When it cannot be read, or is wrong.
pub fn load_file(path: &Path) -> Result<Profile, LoadError> {
    let text = read(path)?;
    let id = path.file_stem().unwrap_or_default().to_string_lossy();
    let (layer, notes) = if path.extension().is_some_and(|ending| ending == "conf") {
        crate::conf::read(&text, Origin::File(path.into())).map_err(LoadError::Wrong)?
    } else {
        (Layer::parse(&text, Origin::File(path.into())).map_err(LoadError::Wrong)?, Vec::new())
    };
    let mut profile = Profile::new(id, vec![layer]);
    profile.notes = notes;
    Ok(profile)
}

/// The text of a file that may not exist, and is nothing else than a file.
pub(crate) fn read_regular(path: &Path) -> Result<Option<String>, LoadError> {
    match std::fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        // A pipe in its place would hold up every launch.
        Ok(found) if !found.is_file() => Err(missing(path, N_("{path} is not a file"), None)),
        _ => read(path).map(Some),
    }
}

fn read(path: &Path) -> Result<String, LoadError> {
    let cannot = |error| missing(path, N_("the profile {path} cannot be read"), Some(error));
    let mut bytes = Vec::new();
    File::open(path).map_err(cannot)?.take(MAX_SIZE + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(missing(path, N_("{path} is too large to be a profile"), None));
    }
    String::from_utf8(bytes).map_err(|_| missing(path, N_("{path} is not a text in UTF-8"), None))
}

fn missing(path: &Path, pattern: &'static str, source: Option<std::io::Error>) -> LoadError {
    LoadError::Missing {
        message: Message::new(pattern).with("path", path.to_string_lossy()),
        source,
    }
}
