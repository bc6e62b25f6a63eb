//! Reading the file into rules, with the place of everything that is wrong. A file with any mistake
//! gives none at all.

use crate::devices::Allowed;
use crate::file::PATH;
use crate::keys::{GROUPS, KEYS, Key, Kind, USERS, find, near};
use crate::paths::Written;
use crate::people::People;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::net::Bridge;
use arkose_profile::{Error, Errors, Place, nearest, size};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeArray, DeTable, DeValue};

/// The administrator's rules, understood as a whole.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What holds where no rule says otherwise.
    pub(crate) default: Section,
    /// In the order of the file: the first that fits is the one that counts.
    pub(crate) rules: Vec<Rule>,
}

/// One `[[rule]]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    pub(crate) users: Vec<u32>,
    pub(crate) groups: Vec<u32>,
    pub(crate) section: Section,
}

/// The keys of `[default]`, or of a rule.
pub(crate) type Section = BTreeMap<&'static str, Setting>;

/// What a key was given, and where.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What a key was given.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Words(Vec<&'static str>),
    Switch(bool),
    Devices(Vec<Allowed>),
    Paths(Vec<(Written, Place)>),
    Bridges(Vec<Bridge>),
    Most(u64),
}

/// Where something stands in the text, in bytes.
type Span = Range<usize>;

impl Rules {
    /// Understands the text of the file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and column.
    pub fn parse(text: &str) -> Result<Self, Errors> {
        let mut reader = Reader { text, people: People::default(), errors: Errors::default() };
        let mut rules = Self { default: Section::new(), rules: Vec::new() };
        match DeTable::parse(text) {
            Ok(document) => reader.document(document.get_ref(), &mut rules),
            Err(error) => {
                let why = error.message().trim().replace('\n', "; ");
                let message = Message::new(N_("this is not valid TOML: {why}")).with("why", why);
                reader.fail(error.span().unwrap_or_default(), message);
            }
        }
        reader.errors.0.sort_by_key(|error| error.place);
        reader.errors.or(rules)
    }
}

struct Reader<'a> {
    text: &'a str,
    people: People,
    errors: Errors,
}

impl Reader<'_> {
    fn document(&mut self, table: &DeTable<'_>, rules: &mut Rules) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("default", DeValue::Table(table)) => {
                    rules.default = self.section(table, None);
                }
                ("rule", DeValue::Array(array)) => {
                    for entry in array {
                        match entry.get_ref() {
                            DeValue::Table(table) => {
                                let rule = self.rule(table, entry.span());
                                rules.rules.push(rule);
                            }
                            _ => self.fail(entry.span(), not_a_rule()),
                        }
                    }
                }
                ("default", _) => {
                    let message =
                        N_("“default” is a table; write it as [default], with its keys below");
                    self.fail(key.span(), Message::new(message));
                }
                ("rule", _) => self.fail(key.span(), not_a_rule()),
                (name, _) => self.fail(key.span(), misplaced(name)),
            }
        }
    }

    fn rule(&mut self, table: &DeTable<'_>, span: Span) -> Rule {
        let mut rule = Rule::default();
        rule.section = self.section(table, Some(&mut (&mut rule.users, &mut rule.groups)));
        let named = |name| table.iter().any(|(key, _)| key.get_ref() == name);
        if !named(USERS) && !named(GROUPS) {
            let message = N_(
                "this rule does not say whom it is for; give it “users” or “groups”, or write its keys in [default]",
            );
            self.fail(span, Message::new(message));
        }
        rule
    }

    /// Reads the keys of a table; those that say whom a rule is for go to `whom`.
    fn section(
        &mut self,
        table: &DeTable<'_>,
        mut whom: Option<&mut (&mut Vec<u32>, &mut Vec<u32>)>,
    ) -> Section {
        let mut section = Section::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match (find(name), &mut whom) {
                (Some(key), _) => {
                    if let Some(read) = self.value(key, value.get_ref(), value.span()) {
                        let place = self.place(value.span());
                        section.insert(key.name, Setting { value: read, place });
                    }
                }
                (None, Some(whom)) if name == USERS => {
                    *whom.0 = self.ids(USERS, value.get_ref(), value.span());
                }
                (None, Some(whom)) if name == GROUPS => {
                    *whom.1 = self.ids(GROUPS, value.get_ref(), value.span());
                }
                (None, whom) => self.fail(key.span(), unknown_key(name, whom.is_some())),
            }
        }
        section
    }

    fn value(&mut self, key: &Key, value: &DeValue<'_>, span: Span) -> Option<Value> {
        match (key.kind, value) {
            (Kind::Switch, DeValue::Boolean(on)) => Some(Value::Switch(*on)),
            (Kind::Words(_) | Kind::Choices, DeValue::Array(array)) => {
                let words = key.words();
                self.each(key, array, |text| {
                    words
                        .iter()
                        .find(|word| **word == text)
                        .copied()
                        .ok_or_else(|| unknown_word(key.name, text, &words))
                })
                .map(|words| Value::Words(words.into_iter().map(|(word, _)| word).collect()))
            }
            (Kind::Devices, DeValue::Array(array)) => self
                .each(key, array, |text| Allowed::parse(text).ok_or_else(|| unknown_device(text)))
                .map(|devices| Value::Devices(devices.into_iter().map(|(one, _)| one).collect())),
            (Kind::Paths, DeValue::Array(array)) => {
                self.each(key, array, |text| Written::parse(key.name, text)).map(Value::Paths)
            }
            (Kind::Bridges, DeValue::Array(array)) => self
                .each(key, array, Bridge::parse)
                .map(|all| Value::Bridges(all.into_iter().map(|(one, _)| one).collect())),
            (Kind::Size, DeValue::String(text)) => match size::size(text) {
                Ok(bytes) => Some(Value::Most(bytes)),
                Err(message) => {
                    self.fail(span, message);
                    None
                }
            },
            (Kind::Count, DeValue::Integer(number)) => {
                let count = u32::from_str_radix(number.as_str(), number.radix());
                if count.is_err() {
                    self.fail(span, wrong_type(key));
                }
                count.ok().map(|count| Value::Most(count.into()))
            }
            _ => {
                self.fail(span, wrong_type(key));
                None
            }
        }
    }

    /// Reads each text of a list; nothing when any is wrong, all of which are told.
    fn each<T>(
        &mut self,
        key: &Key,
        array: &DeArray<'_>,
        read: impl Fn(&str) -> Result<T, Message>,
    ) -> Option<Vec<(T, Place)>> {
        let before = self.errors.0.len();
        let mut all = Vec::new();
        for entry in array {
            let read = match entry.get_ref() {
                DeValue::String(text) => read(text),
                _ => Err(wrong_type(key)),
            };
            match read {
                Ok(one) => all.push((one, self.place(entry.span()))),
                Err(message) => self.fail(entry.span(), message),
            }
        }
        (self.errors.0.len() == before).then_some(all)
    }

    /// Users or groups, by name or number.
    fn ids(&mut self, key: &'static str, value: &DeValue<'_>, span: Span) -> Vec<u32> {
        let DeValue::Array(array) = value else {
            self.fail(span, not_ids(key));
            return Vec::new();
        };
        let mut ids = Vec::new();
        for entry in array {
            let id = match entry.get_ref() {
                DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix())
                    // The last one stands for “none”.
                    .ok()
                    .filter(|id| *id != u32::MAX)
                    .ok_or_else(|| not_an_id(key, number.as_str())),
                DeValue::String(name) => self.named(key, name),
                _ => Err(not_ids(key)),
            };
            match id {
                Ok(id) => ids.push(id),
                Err(message) => self.fail(entry.span(), message),
            }
        }
        ids
    }

    fn named(&mut self, key: &'static str, name: &str) -> Result<u32, Message> {
        let users = key == USERS;
        let id = if users { self.people.user(name) } else { self.people.group(name) };
        id.ok_or_else(|| {
            let names = if users { self.people.users() } else { self.people.group_names() };
            let near = nearest(name, names).map(str::to_owned);
            let pattern = match (users, &near) {
                (true, Some(_)) => N_("there is no user “{name}” in /etc/passwd; did you mean “{near}”? Users from elsewhere are named by their number"),
                (true, None) => N_("there is no user “{name}” in /etc/passwd; users from elsewhere are named by their number"),
                (false, Some(_)) => N_("there is no group “{name}” in /etc/group; did you mean “{near}”? Groups from elsewhere are named by their number"),
                (false, None) => N_("there is no group “{name}” in /etc/group; groups from elsewhere are named by their number"),
            };
            Message::new(pattern).with("name", name).with("near", near.unwrap_or_default())
        })
    }

    fn fail(&mut self, span: Span, message: Message) {
        let place = Some(self.place(span));
        self.errors.0.push(Error { file: Some(PATH.into()), place, message });
    }

    fn place(&self, span: Span) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Place { line, column }
    }
}

fn not_a_rule() -> Message {
    Message::new(N_("rules are tables of a list; write each as [[rule]], with its keys below"))
}

/// What stands above the first table, or in one that there is not.
fn misplaced(name: &str) -> Message {
    if KEYS.iter().any(|key| key.name == name) || [USERS, GROUPS].contains(&name) {
        let message = N_("“{key}” belongs in [default], or in a [[rule]]");
        return Message::new(message).with("key", name);
    }
    let message = match nearest(name, ["default", "rule"]) {
        Some("default") => N_("there is no table “{key}”; did you mean [default]?"),
        Some(_) => N_("there is no table “{key}”; did you mean [[rule]]?"),
        None => N_("there is no “{key}”; the file holds [default] and [[rule]]"),
    };
    Message::new(message).with("key", name)
}

fn unknown_key(name: &str, rule: bool) -> Message {
    if !rule && [USERS, GROUPS].contains(&name) {
        let message = N_("“{key}” belongs in a [[rule]]; [default] holds for everybody");
        return Message::new(message).with("key", name);
    }
    match near(name, rule) {
        Some(near) => {
            Message::new(N_("there is no key “{key}”; did you mean “{near}”?")).with("near", near)
        }
        None => Message::new(N_("there is no key “{key}”")),
    }
    .with("key", name)
}

fn unknown_word(key: &str, text: &str, words: &[&str]) -> Message {
    match nearest(text, words.iter().copied()) {
        Some(near) => Message::new(N_(
            "“{key}” cannot hold “{value}”; it can hold: {values}. Did you mean “{near}”?",
        ))
        .with("near", near),
        None => Message::new(N_("“{key}” cannot hold “{value}”; it can hold: {values}")),
    }
    .with("key", key)
    .with("value", text)
    .with("values", words.join(", "))
}

fn unknown_device(text: &str) -> Message {
    let classes: Vec<_> = Allowed::classes().collect();
    if text.starts_with('/') {
        let message = N_(
            "“{value}” is not the path of a device; it must lie below /dev, without “..”, and a “*” can only be its end",
        );
        return Message::new(message).with("value", text);
    }
    match nearest(text, classes.iter().copied()) {
        Some(near) => {
            Message::new(N_("there is no device class “{value}”; it can be: {values}, or a path below /dev. Did you mean “{near}”?")).with("near", near)
        }
        None => Message::new(N_("there is no device class “{value}”; it can be: {values}, or a path below /dev")),
    }
    .with("value", text)
    .with("values", classes.join(", "))
}

fn wrong_type(key: &Key) -> Message {
    let pattern = match key.kind {
        Kind::Switch => N_("“{key}” must be true or false, without quotes"),
        Kind::Words(_) | Kind::Choices => N_("“{key}” must be a list of texts, like [{values}]"),
        Kind::Devices => {
            N_("“{key}” must be a list of devices, like [\"video\", \"/dev/ttyUSB*\"]")
        }
        Kind::Paths => N_("“{key}” must be a list of paths, like [\"~/Documents\", \"/srv\"]"),
        Kind::Bridges => N_("“{key}” must be a list of network bridges, like [\"br0\"]"),
        Kind::Size => N_("“{key}” must be a size in quotes, like \"500M\""),
        Kind::Count => N_("“{key}” must be a whole number, like 512"),
    };
    let words: Vec<_> = key.words().iter().map(|word| format!("\"{word}\"")).collect();
    Message::new(pattern).with("key", key.name).with("values", words.join(", "))
}

fn not_ids(key: &str) -> Message {
    let message = N_("“{key}” must be a list of names and numbers, like [\"alice\", 1001]");
    Message::new(message).with("key", key)
}

fn not_an_id(key: &str, number: &str) -> Message {
    Message::new(N_("“{value}” in “{key}” is not the number of a user or a group"))
        .with("key", key)
        .with("value", number)
}
