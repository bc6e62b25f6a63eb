//! The catalogue of translations: a `.mo` file, as `msgfmt` makes it.
//!
//! Read by ourselves and not by the C library: there the language is a setting of the whole process
//! that no safe call changes, and one that must be installed in the system besides.

use std::path::Path;

/// A `.mo` file in memory. What is damaged in it is not translated.
#[derive(Debug)]
pub struct Catalogue {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Catalogue {
    /// The catalogue of the language that the environment names; `None` for English.
    #[must_use]
    pub fn open(dir: &Path, variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"))?;
        if matches!(plain(&locale), "C" | "POSIX") {
            return None;
        }
        // LANGUAGE is a list, and comes before the locale.
        let listed = set("LANGUAGE").unwrap_or_default();
        let wanted =
            listed.split(':').chain([locale.as_str()]).map(plain).filter(|name| !name.is_empty());
        for name in wanted {
            let short = name.split('_').next().unwrap_or(name);
            if matches!(short, "en" | "C") {
                return None;
            }
            let found =
                [name, short].into_iter().filter(|name| !name.contains('/')).find_map(|name| {
                    Self::read(std::fs::read(dir.join(name).join("LC_MESSAGES/arkose.mo")).ok()?)
                });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// A catalogue of the bytes of a file; `None` when they do not begin like one.
    #[must_use]
    pub fn read(bytes: Vec<u8>) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            [0xde, 0x12, 0x04, 0x95] => false,
            [0x95, 0x04, 0x12, 0xde] => true,
            _ => return None,
        };
        Some(Self { bytes, big_endian })
    }

    /// The translation of a message id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&str> {
        let (count, ids, texts) = (self.number(8)?, self.number(12)?, self.number(16)?);
        // The ids are sorted.
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.string(ids, middle)?;
            // The id of a plural is followed by a NUL byte and the plural.
            let found = found.split(|byte| *byte == 0).next().unwrap_or_default();
            match found.cmp(id.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let text = self.string(texts, middle)?.split(|byte| *byte == 0).next()?;
                    return std::str::from_utf8(text).ok().filter(|text| !text.is_empty());
                }
            }
        }
        None
    }

    /// The string with that number in a table of lengths and offsets.
    fn string(&self, table: usize, number: usize) -> Option<&[u8]> {
        let entry = table.checked_add(number.checked_mul(8)?)?;
        let (length, start) = (self.number(entry)?, self.number(entry.checked_add(4)?)?);
        self.bytes.get(start..start.checked_add(length)?)
    }

    fn number(&self, at: usize) -> Option<usize> {
        let bytes: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let number =
            if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        usize::try_from(number).ok()
    }
}

/// A locale without its encoding: `fr_CA` of `fr_CA.UTF-8@euro`.
fn plain(locale: &str) -> &str {
    locale.split(['.', '@']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A catalogue as `msgfmt` lays it out.
    fn made(entries: &[(&str, &str)]) -> Vec<u8> {
        let (mut bytes, mut strings) = (Vec::<u8>::new(), Vec::<u8>::new());
        let (count, tables) = (entries.len(), 28 + entries.len() * 16);
        let mut lines = |text: &dyn Fn(&(&str, &str)) -> String| {
            let mut table = Vec::new();
            for entry in entries {
                let text = text(entry);
                table.extend(
                    [text.len(), tables + strings.len()].map(|n| u32::try_from(n).unwrap()),
                );
                strings.extend(text.as_bytes().iter().chain(&[0]));
            }
            table
        };
        let (ids, texts) = (lines(&|entry| entry.0.to_owned()), lines(&|entry| entry.1.to_owned()));
        let head =
            [0x9504_12de, 0, count, 28, 28 + count * 8, 0, 0].map(|n| u32::try_from(n).unwrap());
        for number in head.into_iter().chain(ids).chain(texts) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn texts_are_found() {
        let all = [("", "Language: fr\n"), ("a\0as", "un\0des"), ("b", ""), ("cé", "ç")];
        let catalogue = Catalogue::read(made(&all)).unwrap();
        assert_eq!(catalogue.get("a"), Some("un"));
        assert_eq!(catalogue.get("cé"), Some("ç"));
        for missing in ["b", "d", "aa", "0"] {
            assert_eq!(catalogue.get(missing), None);
        }
    }

    #[test]
    fn a_damaged_file_translates_nothing() {
        let whole = made(&[("a", "b"), ("c", "d")]);
        for end in 0..whole.len() {
            if let Some(catalogue) = Catalogue::read(whole[..end].to_vec()) {
                assert!(catalogue.get("c").is_none_or(|text| text == "d"));
            }
        }
        let mut wild = whole;
        wild[8..28].fill(0xff);
        assert_eq!(Catalogue::read(wild).unwrap().get("a"), None);
    }

    #[test]
    fn the_environment_names_the_language() {
        let dir = std::env::temp_dir().join(format!("arkose-catalogue-{}", std::process::id()));
        let place = dir.join("fr/LC_MESSAGES");
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("arkose.mo"), made(&[("a", "un")])).unwrap();
        let found = |set: &[(&str, &str)]| {
            let variable = |name: &str| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            Catalogue::open(&dir, variable).is_some()
        };
        assert!(found(&[("LANG", "fr_CA.UTF-8")]));
        assert!(found(&[("LANG", "de_DE.UTF-8"), ("LANGUAGE", "de:fr")]));
        assert!(found(&[("LC_ALL", ""), ("LC_MESSAGES", "fr"), ("LANG", "C")]));
        assert!(!found(&[("LC_ALL", "C.UTF-8"), ("LANGUAGE", "fr")]));
        assert!(!found(&[("LANG", "fr_FR.UTF-8"), ("LANGUAGE", "en:fr")]));
        assert!(!found(&[("LANG", "../fr")]));
        assert!(!found(&[]));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
