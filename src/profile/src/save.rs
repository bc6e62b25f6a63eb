//! Writing profiles: a user's override keeps its comments, its order and what is not understood.
//!
//! A file is replaced in one step: whoever reads it finds the old text or the new one.

use crate::i18n::{Message, N_};
use crate::layer::Layer;
use crate::options::OPTIONS;
use crate::store::{LoadError, Store, is_id, read_regular};
use crate::value::Value;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, value};

/// Why a profile was not written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SaveError {
    /// What failed, in a sentence.
    pub message: Message,
    /// What the system said.
    #[source]
    pub source: Option<std::io::Error>,
}

/// The user's profiles, held by this one: whoever else would change one waits.
#[derive(Debug)]
pub struct Held<'a> {
    store: &'a Store,
    /// The lock goes with the descriptor, also when this process is killed.
    _lock: File,
}

impl Held<'_> {
    /// As [`Store::save_override`].
    ///
    /// # Errors
    /// When the file holds no valid TOML, or cannot be written.
    pub fn save_override(&self, id: &str, set: &Layer, drop: &[&str]) -> Result<(), SaveError> {
        self.store.save_held(id, set, drop)
    }
}

impl Store {
    /// Keeps everybody else from changing the user's profiles: for who changes what it has read.
    ///
    /// # Errors
    /// When the directory cannot be made, or locked.
    pub fn hold(&self) -> Result<Held<'_>, SaveError> {
        let directory = self.user_directory();
        let lock = make_directory(directory)
            .and_then(|()| File::open(directory))
            .map_err(|source| cannot_write(directory, source))?;
        match lock.lock() {
            // A file system without locks: there it is as it would be without this one.
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            locked => locked.map_err(|source| cannot_write(directory, source))?,
        }
        Ok(Held { store: self, _lock: lock })
    }

    /// Writes settings into the user's override and takes others out; the rest of the file stays
    /// as it is. An override that then sets nothing and says nothing is removed.
    ///
    /// # Errors
    /// When the file holds no valid TOML, or cannot be written.
    pub fn save_override(&self, id: &str, set: &Layer, drop: &[&str]) -> Result<(), SaveError> {
        self.checked(id)?;
        self.hold()?.save_override(id, set, drop)
    }

    fn save_held(&self, id: &str, set: &Layer, drop: &[&str]) -> Result<(), SaveError> {
        let path = self.checked(id)?;
        let text = match read_regular(&path) {
            Ok(text) => text.unwrap_or_default(),
            Err(LoadError::Missing { message, source }) => {
                return Err(SaveError { message, source });
            }
            Err(LoadError::Wrong(_)) => String::new(),
        };
        let text = edited(&text, set, drop).ok_or_else(|| {
            let message = N_("{path} is not valid TOML and was left as it is; `arkose profile check {path}` says where");
            SaveError { message: Message::new(message).with("path", path.to_string_lossy()), source: None }
        })?;
        if text.trim().is_empty() {
            return self.reset(id);
        }
        write(&path, text.as_bytes(), true)
    }

    /// Removes the user's override; the profile is again what was shipped. A profile that only the
    /// user had is gone then.
    ///
    /// # Errors
    /// When the file cannot be removed. That there was none is no error.
    pub fn reset(&self, id: &str) -> Result<(), SaveError> {
        let path = self.checked(id)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let message = Message::new(N_("{path} could not be removed"));
                Err(SaveError {
                    message: message.with("path", path.to_string_lossy()),
                    source: Some(error),
                })
            }
            _ => Ok(()),
        }
    }

    /// Writes a new profile of the user's.
    ///
    /// # Errors
    /// When there is one of that name, the name cannot be one, or the file cannot be written.
    pub fn create(&self, id: &str, layer: &Layer) -> Result<(), SaveError> {
        let path = self.checked(id)?;
        if self.ids().contains(id) {
            let message = Message::new(N_("there is a profile “{id}” already")).with("id", id);
            return Err(SaveError { message, source: None });
        }
        write(&path, to_toml(layer).as_bytes(), false)
    }

    fn checked(&self, id: &str) -> Result<std::path::PathBuf, SaveError> {
        if is_id(id) {
            return Ok(self.user_override(id));
        }
        let message = N_(
            "“{id}” cannot be the name of a profile; a name has no “/” or space and does not begin with “-” or “.”",
        );
        Err(SaveError { message: Message::new(message).with("id", id), source: None })
    }
}

/// The text of a profile with settings written into it and others taken out; the rest stays as it
/// is. `None` when it is not valid TOML.
#[must_use]
pub fn edited(text: &str, set: &Layer, drop: &[&str]) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    for key in drop {
        remove(document.as_table_mut(), key);
    }
    for (key, value) in set.iter() {
        put(&mut document, key, value);
    }
    Some(document.to_string())
}

/// A layer as the text of a profile, in the order of the option table.
#[must_use]
pub fn to_toml(layer: &Layer) -> String {
    let mut document = DocumentMut::new();
    // Keys before tables: what follows a table's line belongs to it.
    for tables in [false, true] {
        let options = OPTIONS.iter().filter(|option| option.key.contains('.') == tables);
        for option in options {
            if let Some(value) = layer.get(option.key) {
                put(&mut document, option.key, value);
            }
        }
    }
    document.to_string()
}

fn item(value_: &Value) -> Item {
    match value_ {
        Value::Bool(on) => value(*on),
        Value::Number(number) => value(*number),
        Value::Text(text) => value(text.as_str()),
        Value::List(list) => value(list.iter().map(String::as_str).collect::<Array>()),
    }
}

fn put(document: &mut DocumentMut, key: &str, new: &Value) {
    let (tables, name) = key.rsplit_once('.').unwrap_or(("", key));
    let Some(table) = table_of(document.as_table_mut(), tables) else { return };
    let mut item = item(new);
    // The comment behind a value, and the space before it, are the person's.
    if let (Some(old), Some(new)) = (table.get(name).and_then(Item::as_value), item.as_value_mut())
    {
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(name) {
        Some(old) => *old = item,
        None => drop(table.insert(name, item)),
    }
}

/// The table of that name (`a.b` is the table `b` in the table `a`), made where there is none; nothing
/// where a value stands in its place.
fn table_of<'t>(outer: &'t mut dyn TableLike, name: &str) -> Option<&'t mut dyn TableLike> {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    if first.is_empty() {
        return Some(outer);
    }
    let made = || {
        let mut table = Table::new();
        // A table that holds nothing but tables has no line of its own.
        table.set_implicit(!rest.is_empty());
        Item::Table(table)
    };
    table_of(outer.entry(first).or_insert_with(made).as_table_like_mut()?, rest)
}

/// Takes a setting out, and the tables that are empty then.
fn remove(table: &mut dyn TableLike, key: &str) {
    let Some((inner, rest)) = key.split_once('.') else {
        table.remove(key);
        return;
    };
    if let Some(found) = table.get_mut(inner).and_then(Item::as_table_like_mut) {
        remove(found, rest);
        if found.is_empty() {
            table.remove(inner);
        }
    }
}

fn cannot_write(path: &Path, source: std::io::Error) -> SaveError {
    let message = Message::new(N_("{path} could not be written"));
    SaveError { message: message.with("path", path.to_string_lossy()), source: Some(source) }
}

fn make_directory(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file beside its place and moves it there. With `replace` off an existing file is kept.
fn write(path: &Path, bytes: &[u8], replace: bool) -> Result<(), SaveError> {
    let cannot = |source| cannot_write(path, source);
    // Dotfiles are often links into a directory that is kept elsewhere: the link stays.
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let dir = real.parent().unwrap_or(Path::new("/"));
    make_directory(dir).map_err(cannot)?;
    let mut number = 0u32;
    let (temporary, mut file) = loop {
        let temporary = dir.join(format!(".{}.{}.{number}", std::process::id(), "arkose-new"));
        match OpenOptions::new().write(true).create_new(true).mode(0o644).open(&temporary) {
            Ok(file) => break (temporary, file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 100 => number += 1,
            Err(error) => return Err(cannot(error)),
        }
    };
    let mut finish = || {
        file.write_all(bytes)?;
        file.sync_all()?;
        if !replace {
            match std::fs::hard_link(&temporary, &real) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(error),
                // A filesystem without hard links: whether there was one was asked before.
                Err(_) => {}
            }
        }
        std::fs::rename(&temporary, &real)
    };
    let done = finish();
    if done.is_err() || !replace {
        drop(std::fs::remove_file(&temporary));
    }
    done.map_err(cannot)
}
