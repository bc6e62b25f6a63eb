//! Reading the TOML of a profile into a [`Layer`], with the place of everything that is wrong.

use crate::error::{Error, Errors, Place};
use crate::i18n::{Message, N_};
use crate::layer::{Layer, Origin};
use crate::nearest::nearest;
use crate::options::{Kind, OPTIONS, Opt, option};
use crate::value::{Value, check, wrong_type};
use std::cell::Cell;
use std::ops::Range;
use toml_edit::{Document, Item, TableLike};

pub(crate) fn read(text: &str, origin: Origin) -> Result<Layer, Errors> {
    let mut reader = Reader {
        text,
        layer: Layer::new(origin),
        errors: Errors::default(),
        last: Cell::new((0, START)),
    };
    match Document::parse(text) {
        Ok(document) => reader.table(document.as_table(), ""),
        Err(error) => {
            // The first line says what is wrong; the rest, where there is one, what was expected.
            let why = error.message().trim().replace('\n', "; ");
            reader.fail(
                error.span(),
                Message::new(N_("this is not valid TOML: {why}")).with("why", why),
            );
        }
    }
    reader.errors.0.sort_by_key(|error| error.place);
    reader.errors.or(reader.layer)
}

const START: Place = Place { line: 1, column: 1 };

struct Reader<'a> {
    text: &'a str,
    layer: Layer,
    errors: Errors,
    /// Where a place was last asked for, and which it was: most are asked for in the order of the
    /// text, and a list may be long.
    last: Cell<(usize, Place)>,
}

impl Reader<'_> {
    /// Reads a table; `prefix` is its name and a dot, or empty for the document.
    fn table(&mut self, table: &dyn TableLike, prefix: &str) {
        for (name, item) in table.iter() {
            let span = || table.key(name).and_then(|key| key.span()).or_else(|| item.span());
            let key = format!("{prefix}{name}");
            let inner = format!("{key}.");
            if let Some(option) = option(&key).filter(|_| !name.contains('.')) {
                match item.as_value() {
                    Some(value) => self.value(option, value, span()),
                    None => self.fail(span(), wrong_type(option)),
                }
            } else if !name.contains('.')
                && OPTIONS.iter().any(|option| option.key.starts_with(&inner))
            {
                match item.as_table_like() {
                    Some(table) => self.table(table, &inner),
                    None => self.fail(
                        span(),
                        Message::new(N_(
                            "“{key}” is a table; write it as [{key}], with its keys below",
                        ))
                        .with("key", key),
                    ),
                }
            } else if item.is_table_like() && !item.is_value() {
                self.fail(span(), unknown_table(&key));
            } else {
                self.fail(span(), unknown_key(name, prefix));
            }
        }
    }

    fn value(
        &mut self,
        option: &'static Opt,
        written: &toml_edit::Value,
        span: Option<Range<usize>>,
    ) {
        let place = written.span().or(span);
        let mut entries = Vec::new();
        let value = match (option.kind, written) {
            (_, toml_edit::Value::Boolean(on)) => Some(Value::Bool(*on.value())),
            (_, toml_edit::Value::String(text)) => Some(Value::Text(text.value().clone())),
            (Kind::Size, toml_edit::Value::Integer(number)) => {
                Some(Value::Text(number.value().to_string()))
            }
            (Kind::Number { .. }, toml_edit::Value::Integer(number)) => {
                Some(Value::Number(*number.value()))
            }
            (_, toml_edit::Value::Array(array)) => {
                entries = array.iter().map(|entry| self.place(entry.span())).collect();
                array
                    .iter()
                    .map(|entry| entry.as_str().map(str::to_owned))
                    .collect::<Option<_>>()
                    .map(Value::List)
            }
            _ => None,
        };
        let Some(value) = value else {
            // Of a list, the entry that is not a text.
            let wrong =
                written.as_array().and_then(|array| array.iter().find(|entry| !entry.is_str()));
            return self.fail(wrong.and_then(toml_edit::Value::span).or(place), wrong_type(option));
        };
        let flaws = check(option, &value);
        if flaws.is_empty() {
            let place = self.place(place);
            return self.layer.place(option, value, Some(place), entries, false);
        }
        for flaw in flaws {
            let entry = flaw.entry.and_then(|entry| entries.get(entry)).copied();
            let at = entry.unwrap_or_else(|| self.place(place.clone()));
            self.fail_at(at, flaw.message);
        }
    }

    fn fail(&mut self, span: Option<Range<usize>>, message: Message) {
        let place = self.place(span);
        self.fail_at(place, message);
    }

    fn fail_at(&mut self, place: Place, message: Message) {
        let file = self.layer.origin.file().map(Into::into);
        self.errors.0.push(Error { file, place: Some(place), message });
    }

    fn place(&self, span: Option<Range<usize>>) -> Place {
        let end = span.map_or(0, |span| span.start).min(self.text.len());
        let (start, mut place) =
            Some(self.last.get()).filter(|(at, _)| *at <= end).unwrap_or((0, START));
        for c in self.text.get(start..end).unwrap_or_default().chars() {
            place = match c {
                '\n' => Place { line: place.line + 1, column: 1 },
                _ => Place { column: place.column + 1, ..place },
            };
        }
        self.last.set((end, place));
        place
    }
}

/// What to say of a key that is no option; `prefix` is the table it stands in and a dot, or empty.
pub(crate) fn unknown_key(name: &str, prefix: &str) -> Message {
    let full = format!("{prefix}{name}");
    // The right name in the wrong table: what follows a `[table]` line belongs to that table.
    let is_named = |key: &&str| key.rsplit('.').next() == Some(name);
    let elsewhere: Vec<&'static str> =
        OPTIONS.iter().map(|option| option.key).filter(is_named).collect();
    let table = |key: &&'static str| key.rsplit_once('.').map(|(table, _)| table);
    let message = match elsewhere.as_slice() {
        [] => None,
        [key] => Some(match table(key) {
            Some(table) => {
                Message::new(N_("“{key}” belongs in the table [{table}]")).with("table", table)
            }
            None => Message::new(N_(
                "“{key}” is not a key of [{table}]; write it above the first table",
            ))
            .with("table", prefix.trim_end_matches('.')),
        }),
        several => {
            let tables = several.iter().filter_map(table).map(|table| format!("[{table}]"));
            let tables = tables.collect::<Vec<_>>().join(", ");
            let message = N_("“{key}” belongs in one of the tables {tables}");
            Some(Message::new(message).with("tables", tables))
        }
    };
    if let Some(message) = message {
        return message.with("key", name);
    }
    let siblings = OPTIONS.iter().filter_map(|option| option.key.strip_prefix(prefix));
    let near = nearest(name, siblings).map(|near| format!("{prefix}{near}"));
    let near =
        near.or_else(|| nearest(&full, OPTIONS.iter().map(|option| option.key)).map(str::to_owned));
    match near {
        Some(near) => {
            Message::new(N_("there is no key “{key}”; did you mean “{near}”?")).with("near", near)
        }
        None => Message::new(N_("there is no key “{key}”")),
    }
    .with("key", full)
}

fn unknown_table(name: &str) -> Message {
    let tables =
        OPTIONS.iter().filter_map(|option| option.key.rsplit_once('.').map(|(table, _)| table));
    match nearest(name, tables) {
        Some(near) => {
            Message::new(N_("there is no table [{key}]; did you mean [{near}]?")).with("near", near)
        }
        None => Message::new(N_("there is no table [{key}]")),
    }
    .with("key", name)
}

/// A value as typed after `--set KEY=`: TOML where it is TOML of the right type, else the text itself.
#[must_use]
pub fn typed(option: &Opt, text: &str) -> Value {
    let parsed = Document::parse(format!("v = {text}")).ok().and_then(|document| {
        let value = document.get("v").and_then(Item::as_value)?;
        match value {
            toml_edit::Value::Boolean(on) => Some(Value::Bool(*on.value())),
            toml_edit::Value::String(text) => Some(Value::Text(text.value().clone())),
            toml_edit::Value::Array(array) => {
                let texts = array.iter().map(|entry| entry.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map(Value::List)
            }
            _ => None,
        }
    });
    let list = option.kind.is_list();
    match (option.kind, parsed) {
        (Kind::Switch(_), Some(value @ Value::Bool(_))) => value,
        (Kind::Number { .. }, _) => {
            text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Number)
        }
        (_, Some(value @ Value::List(_))) if list => value,
        (_, Some(value @ Value::Text(_))) if !list => value,
        (_, Some(Value::Text(text))) => Value::List(vec![text]),
        _ if list && text.is_empty() => Value::List(Vec::new()),
        _ if list => Value::List(vec![text.to_owned()]),
        _ => Value::Text(text.to_owned()),
    }
}
