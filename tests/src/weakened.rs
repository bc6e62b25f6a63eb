//! The table of weaknesses, `tests/weakened.toml`: what is taken out of Arkose, one at a time, to see
//! that the tests which guard it fail.
//!
//! `./dev weakened` builds with each of them; the suite `weakened` sees that each can still be put in.

use std::fs;
use std::path::Path;
use toml_edit::{ArrayOfTables, DocumentMut, Table};

/// One promise broken on purpose.
#[derive(Debug)]
pub struct Weakness {
    /// What it is called, here and in `docs/threat-model.md`.
    pub name: String,
    /// What no longer holds, in a sentence.
    pub breaks: String,
    /// `SUITE::TEST`; of a test that is run both ways, without an ending, both have to fail.
    pub tests: Vec<String>,
    /// Whether the tests find it only when they win a race, and may be tried again.
    pub race: bool,
    /// What is changed in the sources.
    pub edits: Vec<Edit>,
}

/// A piece of a source file, and what stands there instead.
#[derive(Debug)]
pub struct Edit {
    /// Below the top of the tree.
    pub file: String,
    find: String,
    replace: String,
}

impl Weakness {
    /// Every weakness of the tree at `root`.
    ///
    /// # Panics
    ///
    /// When the table cannot be read.
    #[must_use]
    pub fn all(root: &Path) -> Vec<Self> {
        let path = root.join("tests/weakened.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let table: DocumentMut = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        tables(&table, "weakness").iter().map(Self::read).collect()
    }

    fn read(table: &Table) -> Self {
        let tests = table["tests"].as_array().expect("`tests` is a list");
        Self {
            name: text(table, "name"),
            breaks: text(table, "breaks"),
            tests: tests.iter().map(|test| test.as_str().expect("a name").to_owned()).collect(),
            race: table.get("race").and_then(toml_edit::Item::as_bool).unwrap_or(false),
            edits: tables(table, "edit").iter().map(Edit::read).collect(),
        }
    }

    /// Whether it is in the window or the prompter.
    #[must_use]
    pub fn is_in_window(&self) -> bool {
        self.edits.iter().any(|edit| edit.file.starts_with("src/gtk/"))
    }

    /// The suites and the tests in them that have to fail, as `(SUITE, TEST)`.
    pub fn guards(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tests.iter().map(|test| test.split_once("::").expect("SUITE::TEST"))
    }
}

impl Edit {
    fn read(table: &Table) -> Self {
        Self {
            file: text(table, "file"),
            find: text(table, "find"),
            replace: text(table, "replace"),
        }
    }

    /// The file's text with the weakness in it.
    ///
    /// # Errors
    /// When what is to be replaced is not there, or more than once.
    pub fn apply(&self, source: &str) -> Result<String, String> {
        match source.matches(&self.find).count() {
            1 => Ok(source.replacen(&self.find, &self.replace, 1)),
            count => Err(format!("{} has {count} times: {}", self.file, self.find)),
        }
    }
}

fn tables<'t>(table: &'t Table, key: &str) -> &'t ArrayOfTables {
    let found = table.get(key).and_then(toml_edit::Item::as_array_of_tables);
    found.unwrap_or_else(|| panic!("there is no [[{key}]] in {table}"))
}

fn text(table: &Table, key: &str) -> String {
    let found = table.get(key).and_then(toml_edit::Item::as_str);
    found.unwrap_or_else(|| panic!("there is no `{key}` in {table}")).to_owned()
}
