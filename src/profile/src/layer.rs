//! One layer of a profile: the settings that one file, or one launch, names.

use crate::error::{Error, Errors, Place};
use crate::i18n::{Message, N_};
use crate::options::{Opt, option};
use crate::value::{Value, check};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a setting comes from, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The option table.
    Default,
    /// A profile that came with Arkose or with an app.
    Shipped(PathBuf),
    /// The administrator's override.
    System(PathBuf),
    /// A profile launched by its path.
    File(PathBuf),
    /// The user's override.
    User(PathBuf),
    /// What the administrator lets nobody have, or everybody only so.
    Administrator(PathBuf),
    /// This launch only: the command line, or the window's “Launch with changes”.
    Launch,
}

impl Origin {
    /// The file, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Default | Self::Launch => None,
            Self::Shipped(file)
            | Self::System(file)
            | Self::File(file)
            | Self::User(file)
            | Self::Administrator(file) => Some(file),
        }
    }

    /// One word for programs: `default`, `shipped`, `system`, `file`, `user`, `administrator` or `launch`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Shipped(_) => "shipped",
            Self::System(_) => "system",
            Self::File(_) => "file",
            Self::User(_) => "user",
            Self::Administrator(_) => "administrator",
            Self::Launch => "launch",
        }
    }

    /// A few words for people.
    #[must_use]
    pub fn title(&self) -> Message {
        match self {
            Self::Default => Message::new(N_("default")),
            Self::Shipped(_) => Message::new(N_("shipped profile")),
            Self::System(_) => Message::new(N_("set by the administrator")),
            Self::File(file) => Message::new("{file}").with("file", file.to_string_lossy()),
            Self::User(_) => Message::new(N_("set by you")),
            Self::Administrator(file) => Message::new(N_("the administrator, in {file}"))
                .with("file", file.to_string_lossy()),
            Self::Launch => Message::new(N_("changed for this launch")),
        }
    }
}

/// A value and where in its file it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    value: Value,
    place: Option<Place>,
    /// Of the entries, for a list.
    entries: Vec<Place>,
    /// Whether the entries come after those of the weaker layers instead of replacing them.
    adds: bool,
}

/// The settings of one file or one launch. Every value in it is one that its option takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where they come from.
    pub origin: Origin,
    values: BTreeMap<&'static str, Setting>,
}

impl Layer {
    /// A layer that sets nothing.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self { origin, values: BTreeMap::new() }
    }

    /// A layer for this launch that sets nothing yet.
    #[must_use]
    pub fn launch() -> Self {
        Self::new(Origin::Launch)
    }

    /// Reads the TOML of a profile.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and column.
    pub fn parse(text: &str, origin: Origin) -> Result<Self, Errors> {
        crate::read::read(text, origin)
    }

    /// The value that this layer gives to an option.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).map(|setting| &setting.value)
    }

    /// Gives a value to an option; a list replaces the list of the weaker layers.
    ///
    /// # Errors
    /// When there is no such option, or it does not take that value.
    pub fn set(&mut self, key: &str, value: Value) -> Result<(), Errors> {
        self.put(key, value, false)
    }

    /// Adds entries to the list that the weaker layers give to an option.
    ///
    /// # Errors
    /// When there is no such option, it is not a list, or does not take these entries.
    pub fn add(&mut self, key: &str, entries: Vec<String>) -> Result<(), Errors> {
        self.put(key, Value::List(entries), true)
    }

    fn put(&mut self, key: &str, value: Value, adds: bool) -> Result<(), Errors> {
        let fail =
            |message| Error { file: self.origin.file().map(Into::into), place: None, message };
        let Some(option) = option(key) else {
            return Err(fail(crate::read::unknown_key(key, "")).into());
        };
        let flaws = check(option, &value).into_iter().map(|flaw| fail(flaw.message));
        Errors(flaws.collect()).or(())?;
        match self.values.get_mut(option.key).filter(|_| adds) {
            Some(Setting { value: Value::List(list), .. }) => {
                list.extend_from_slice(value.as_list());
            }
            _ => self.place(option, value, None, Vec::new(), adds),
        }
        Ok(())
    }

    /// Puts a value that was checked.
    pub(crate) fn place(
        &mut self,
        option: &Opt,
        value: Value,
        place: Option<Place>,
        entries: Vec<Place>,
        adds: bool,
    ) {
        let Some(key) = crate::options::option(option.key).map(|option| option.key) else { return };
        self.values.insert(key, Setting { value, place, entries, adds });
    }

    /// Leaves an option to the weaker layers. Says whether this layer had a value for it.
    pub fn unset(&mut self, key: &str) -> bool {
        self.values.remove(key).is_some()
    }

    /// What this layer sets, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.values.iter().map(|(key, setting)| (*key, &setting.value))
    }

    /// Whether it sets nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether its entries for an option come after those of the weaker layers.
    pub(crate) fn adds(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|setting| setting.adds)
    }

    /// An error about a value of this layer, or about one entry of a list.
    pub(crate) fn error(&self, key: &str, entry: Option<usize>, message: Message) -> Error {
        Error {
            file: self.origin.file().map(Into::into),
            place: self.place_of(key, entry),
            message,
        }
    }

    /// Where a value of this layer stands, for the middle of a sentence.
    pub(crate) fn whence(&self, key: &str, entry: Option<usize>) -> Message {
        match (self.origin.file(), self.place_of(key, entry)) {
            (Some(file), Some(Place { line, column })) => Message::new("{file}:{line}:{column}")
                .with("file", file.to_string_lossy())
                .with("line", line.to_string())
                .with("column", column.to_string()),
            _ => self.origin.title(),
        }
    }

    fn place_of(&self, key: &str, entry: Option<usize>) -> Option<Place> {
        let setting = self.values.get(key)?;
        entry.and_then(|entry| setting.entries.get(entry)).copied().or(setting.place)
    }
}
