//! The file format of Python's ConfigObj, as far as a profile uses it: sections, `key = value`,
//! comments with `#`, values bare or in quotes (three of a kind around several lines), and lists
//! separated by commas.

use crate::error::Place;
use crate::i18n::N_;

/// A line `key = value`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Text,
}

/// The text of a value, and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) place: Place,
    /// Whether it stood in three quotes, and is no list then.
    whole: bool,
}

/// One item of a list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) text: String,
    pub(super) place: Place,
}

/// A wrong line: where, and a message id.
pub(super) type Fault = (Place, &'static str);

/// The name of the section, and every entry. Faults do not end the reading.
pub(super) fn parse(text: &str) -> (Option<String>, Vec<Entry>, Vec<Fault>) {
    let (mut section, mut entries, mut faults) = (None, Vec::new(), Vec::new());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((number, line)) = lines.next() {
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let place = Place { line: number, column: indent + 1 };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            match rest.split_once(']') {
                Some((name, rest)) if rest.trim().is_empty() || rest.trim().starts_with('#') => {
                    if section.is_some() {
                        faults.push((
                            place,
                            N_("a profile has one section, and this is a second one"),
                        ));
                    }
                    section = Some(unquoted(name.trim()).to_owned());
                }
                _ => faults.push((place, N_("this is not a section; write it as [name]"))),
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            faults.push((place, N_("this line is neither a section nor “key=value”")));
            continue;
        };
        let before =
            key.chars().count() + 1 + value.chars().take_while(|c| c.is_whitespace()).count();
        let at = Place { line: number, column: place.column + before };
        let value = value.trim();
        let entry = |text: String, whole| Entry {
            key: unquoted(key.trim()).to_owned(),
            place,
            value: Text { text, place: at, whole },
        };
        let Some(fence) = ["\"\"\"", "'''"].into_iter().find(|fence| value.starts_with(fence))
        else {
            entries.push(entry(value.to_owned(), false));
            continue;
        };
        let mut inner = value.strip_prefix(fence).unwrap_or(value).to_owned();
        while !inner.contains(fence) {
            let Some((_, line)) = lines.next() else {
                faults.push((at, N_("these three quotes are never closed")));
                return (section, entries, faults);
            };
            inner.push('\n');
            inner.push_str(line);
        }
        let inner = inner.split_once(fence).map_or("", |(inner, _)| inner).to_owned();
        entries.push(entry(inner, true));
    }
    (section, entries, faults)
}

impl Text {
    /// As one value: quotes taken off, a comment cut off; commas stay.
    pub(super) fn single(&self) -> Result<String, Fault> {
        if self.whole {
            return Ok(self.text.clone());
        }
        let Some(quote) = self.text.chars().next().filter(|quote| matches!(quote, '"' | '\''))
        else {
            return Ok(self.text.split('#').next().unwrap_or_default().trim_end().to_owned());
        };
        let inner = self.text.get(1..).unwrap_or_default();
        let (inner, after) =
            inner.split_once(quote).ok_or((self.place, N_("this quote is never closed")))?;
        let after = after.trim_start();
        if !after.is_empty() && !after.starts_with('#') {
            return Err((
                self.place,
                N_("there is more behind the closing quote; quote the whole value"),
            ));
        }
        Ok(inner.to_owned())
    }

    /// As a list; an empty value is an empty one.
    pub(super) fn list(&self) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        if self.whole {
            items.push(Item { text: self.text.clone(), place: self.place });
            return Ok(items);
        }
        let mut rest = self.text.as_str();
        loop {
            rest = rest.trim_start();
            let done = self.text.len() - rest.len();
            let before = self.text.get(..done).unwrap_or_default().chars().count();
            let place = Place { line: self.place.line, column: self.place.column + before };
            let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''));
            if rest.is_empty() || rest.starts_with('#') {
                return Ok(items);
            } else if let Some(quote) = quote {
                let inner = rest.get(1..).unwrap_or_default();
                let (text, after) =
                    inner.split_once(quote).ok_or((place, N_("this quote is never closed")))?;
                items.push(Item { text: text.to_owned(), place });
                rest = after.trim_start();
            } else {
                let end = rest.find([',', '#']).unwrap_or(rest.len());
                let (text, after) = rest.split_at(end);
                // A comma without anything before it is how an empty list is written.
                if !text.trim().is_empty() {
                    items.push(Item { text: text.trim_end().to_owned(), place });
                }
                rest = after;
            }
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None if rest.is_empty() || rest.starts_with('#') => return Ok(items),
                None => return Err((place, N_("a comma is missing behind this quoted text"))),
            }
        }
    }
}

fn unquoted(text: &str) -> &str {
    let inner = |quote| text.strip_prefix(quote).and_then(|text: &str| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        let text =
            Text { text: text.to_owned(), place: Place { line: 1, column: 1 }, whole: false };
        text.list().unwrap().into_iter().map(|item| item.text).collect()
    }

    #[test]
    fn lists_are_read_as_configobj_reads_them() {
        for (text, items) in [
            ("", &[][..]),
            (",", &[]),
            ("/a", &["/a"]),
            ("/a,", &["/a"]),
            ("/a , /b c,/d # rest", &["/a", "/b c", "/d"]),
            ("\"/a, b\", '/c\"d', \"\"", &["/a, b", "/c\"d", ""]),
        ] {
            assert_eq!(list(text), items, "{text}");
        }
    }

    #[test]
    fn items_know_their_column() {
        let (_, entries, _) = parse("[x]\n  é = \"é, a\", b");
        let items = entries[0].value.list().unwrap();
        assert_eq!(items[0].place, Place { line: 2, column: 7 });
        assert_eq!(items[1].place, Place { line: 2, column: 15 });
    }

    #[test]
    fn single_values_keep_their_commas() {
        let (_, entries, faults) = parse("a=x -y 1,2 # c\nb='x # y'\nc=\"\"\"one\n'two'\"\"\"\n");
        assert!(faults.is_empty());
        let values: Vec<_> = entries.iter().map(|entry| entry.value.single().unwrap()).collect();
        assert_eq!(values, ["x -y 1,2", "x # y", "one\n'two'"]);
    }
}
