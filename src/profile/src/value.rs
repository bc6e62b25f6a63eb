//! The value of one option, and whether it may be one.
//!
//! Every value passes [`check`] before it enters a [`Layer`](crate::Layer), whether it was read
//! from a file, given on the command line or chosen in the window.

use crate::bus::{Access, Rule};
use crate::calls;
use crate::context::Context;
use crate::i18n::{Message, N_};
use crate::nearest::nearest;
use crate::net;
use crate::options::{
    BusPreset, Choice, DBUS_PRESETS, DEVICE_CLASSES, Kind, Opt, dbus_preset, device_class,
};
use crate::path::{AbsPath, PathError};
use crate::policy::{Device, SystemCall, Variable};
use crate::size::size;
use std::path::Path;

/// A value as written in a profile. Choices and sizes are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl Value {
    /// The value of an option that no layer names.
    #[must_use]
    pub fn default_of(option: &Opt) -> Self {
        match option.default {
            "[]" => Self::List(Vec::new()),
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            text => match (option.kind, text.parse()) {
                (Kind::Number { .. }, Ok(number)) => Self::Number(number),
                _ => Self::Text(text.trim_matches('"').to_owned()),
            },
        }
    }

    /// The text, or nothing for other types.
    #[must_use]
    pub fn as_text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// The list, or nothing for other types.
    #[must_use]
    pub fn as_list(&self) -> &[String] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// The number; 0 for other types and for what does not fit.
    #[must_use]
    pub fn as_number(&self) -> u32 {
        if let Self::Number(number) = self { u32::try_from(*number).unwrap_or(0) } else { 0 }
    }

    /// Whether it is `true`.
    #[must_use]
    pub fn as_bool(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// As a person would write it on one line: `none`, `true`, `~/a, ~/b`.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Bool(on) => on.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(list) => list.join(", "),
        }
    }
}

/// Something wrong with a value; for a list, in which of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The entry, counted from 0.
    pub(crate) entry: Option<usize>,
    /// What is wrong.
    pub(crate) message: Message,
}

/// What is wrong with `value` as a value of `option`; paths are judged by their form alone.
pub(crate) fn check(option: &Opt, value: &Value) -> Vec<Flaw> {
    let single = |message| vec![Flaw { entry: None, message }];
    let each = |list: &[String], judge: &dyn Fn(&str) -> Option<Message>| {
        let judged = list.iter().enumerate().filter_map(|(entry, text)| {
            let message = if text.contains('\0') { Some(nul(option)) } else { judge(text) };
            message.map(|message| Flaw { entry: Some(entry), message })
        });
        judged.collect()
    };
    match (option.kind, value) {
        (_, Value::Text(text)) if text.contains('\0') => single(nul(option)),
        (Kind::Text, Value::Text(_)) | (Kind::Switch(_), Value::Bool(_)) => Vec::new(),
        (Kind::Choice(choices), Value::Text(text)) => {
            choice(option, choices, text).map(single).unwrap_or_default()
        }
        (Kind::Size, Value::Text(text)) => size(text).err().map(single).unwrap_or_default(),
        (Kind::Number { min, max }, Value::Number(number)) => {
            number_out_of(option, *number, min, max).map(single).unwrap_or_default()
        }
        (Kind::Command, Value::List(list)) => match list.first() {
            Some(program) if program.is_empty() => single(
                Message::new(N_(
                    "the first entry of “{key}” is the program, and must not be empty",
                ))
                .with("key", option.key),
            ),
            _ => each(list, &|_| None),
        },
        (Kind::Paths(_), Value::List(list)) => {
            // Whose home it is does not matter to the form.
            let home = AbsPath::root().join("home/user").unwrap_or_else(|_| AbsPath::root());
            let anyone = Context { home, user: "user".to_owned() };
            each(list, &|text| path(option.key, text, &anyone).err())
        }
        (Kind::Devices, Value::List(list)) => each(list, &|text| device(text).err()),
        (Kind::Environment, Value::List(list)) => each(list, &|text| variable(text).err()),
        (Kind::Calls, Value::List(list)) => each(list, &|text| system_call(text).err()),
        (Kind::BusRules(_, access), Value::List(list)) => {
            each(list, &|text| Rule::parse(access, text).err())
        }
        (Kind::NetworkRules(verdict), Value::List(list)) => {
            each(list, &|text| net::Rule::parse(verdict, text).err())
        }
        (Kind::Bridge, Value::Text(text)) if text.is_empty() => Vec::new(),
        (Kind::Bridge, Value::Text(text)) => {
            net::Bridge::parse(text).err().map(single).unwrap_or_default()
        }
        (Kind::OwnAddresses, Value::List(list)) => {
            each(list, &|text| net::OwnAddress::parse(text).err())
        }
        (Kind::Routers, Value::List(list)) => {
            each(list, &|text| net::Zone::parse_router(text).err())
        }
        (Kind::BusPresets, Value::List(list)) => each(list, &|text| bus_preset(text).err()),
        _ => single(wrong_type(option)),
    }
}

fn nul(option: &Opt) -> Message {
    Message::new(N_("“{key}” must not contain a NUL byte")).with("key", option.key)
}

/// What type of value the option takes.
pub(crate) fn wrong_type(option: &Opt) -> Message {
    let pattern = match option.kind {
        Kind::Switch(_) => N_("“{key}” must be true or false, without quotes"),
        Kind::Text | Kind::Choice(_) | Kind::Bridge => N_("“{key}” must be a text in quotes"),
        Kind::Size => N_("“{key}” must be a size in quotes, like \"500M\""),
        Kind::Number { .. } => N_("“{key}” must be a whole number, without quotes"),
        Kind::Command => N_("“{key}” must be a list of texts, like [\"program\", \"argument\"]"),
        Kind::Paths(_) => N_("“{key}” must be a list of paths, like [\"~/Documents\", \"/srv\"]"),
        Kind::Devices => {
            N_("“{key}” must be a list of devices, like [\"video\", \"/dev/ttyUSB0\"]")
        }
        Kind::Environment => {
            N_("“{key}” must be a list of variables, like [\"LANG\", \"EDITOR=vi\"]")
        }
        Kind::Calls => N_("“{key}” must be a list of system calls, like [\"ptrace\", \"chroot\"]"),
        Kind::BusRules(_, Access::Call | Access::Broadcast) => N_(
            "“{key}” must be a list of rules, like [\"org.example.App=org.example.Interface.*\"]",
        ),
        Kind::BusRules(..) => {
            N_("“{key}” must be a list of names on the bus, like [\"org.example.App\"]")
        }
        Kind::NetworkRules(_) => {
            N_("“{key}” must be a list of targets, like [\"example.org:443\", \"lan\"]")
        }
        Kind::OwnAddresses => {
            N_("“{key}” must be a list of addresses, like [\"192.168.5.20/24\", \"fd00:5::20/64\"]")
        }
        Kind::Routers => {
            N_("“{key}” must be a list of addresses, like [\"192.168.5.1\", \"fe80::1\"]")
        }
        Kind::BusPresets => {
            N_("“{key}” must be a list of presets, like [\"notifications\", \"tray\"]")
        }
    };
    Message::new(pattern).with("key", option.key)
}

fn number_out_of(option: &Opt, number: i64, min: u32, max: u32) -> Option<Message> {
    if (i64::from(min)..=i64::from(max)).contains(&number) {
        return None;
    }
    let message =
        Message::new(N_("“{key}” cannot be {value}; it takes a number from {min} to {max}"));
    let message = message.with("key", option.key).with("value", number.to_string());
    Some(message.with("min", min.to_string()).with("max", max.to_string()))
}

fn choice(option: &Opt, choices: &[Choice], text: &str) -> Option<Message> {
    if choices.iter().any(|choice| choice.value == text) {
        return None;
    }
    let values: Vec<_> = choices.iter().map(|choice| choice.value).collect();
    let message = match nearest(text, values.iter().copied()) {
        Some(near) => Message::new(N_(
            "“{key}” cannot be “{value}”; it takes one of: {values}. Did you mean “{near}”?",
        ))
        .with("near", near),
        None => Message::new(N_("“{key}” cannot be “{value}”; it takes one of: {values}")),
    };
    Some(message.with("key", option.key).with("value", text).with("values", values.join(", ")))
}

/// A path of a profile with `~`, `$HOME` and `$USER` replaced. `$HOME` stands for the home only at
/// the beginning, `$USER` for the name only as a whole component: any other `$` is a dollar.
pub(crate) fn path(key: &str, text: &str, context: &Context) -> Result<AbsPath, Message> {
    let about = |pattern| Message::new(pattern).with("key", key).with("path", text);
    let below = ["~", "$HOME"].iter().find_map(|prefix| {
        let rest = text.strip_prefix(prefix)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    });
    let parts = below.unwrap_or(text).split('/');
    if context.user.is_empty() && parts.clone().any(|part| part == "$USER") {
        return Err(about(N_(
            "“{path}” in “{key}” needs your login name, but the variable USER is not set",
        )));
    }
    let named: Vec<_> =
        parts.map(|part| if part == "$USER" { context.user.as_str() } else { part }).collect();
    let named = named.join("/");
    let path = match below {
        Some(_) => context.home.join(named.trim_start_matches('/')),
        None => AbsPath::new(&named),
    };
    let path = path.map_err(|error| match error {
        PathError::Relative if text.starts_with('~') => {
            about(N_("“{path}” in “{key}” is the home of someone else; write it from the root, beginning with /"))
        }
        PathError::Relative => about(N_("“{path}” in “{key}” is not an absolute path; begin it with / or ~/")),
        PathError::Parent => about(N_("“{path}” in “{key}” must not contain “..”")),
        PathError::Nul => about(N_("“{path}” in “{key}” must not contain a NUL byte")),
    })?;
    reserved(key, &path).map_or(Ok(path), |pattern| Err(about(pattern)))
}

/// Why a path that is Arkose's own to build cannot be in a list.
fn reserved(key: &str, path: &AbsPath) -> Option<&'static str> {
    let path = path.as_path();
    if path == Path::new("/") {
        return Some(N_(
            "“{path}” cannot be in “{key}”: “files.root” says what becomes of the whole system",
        ));
    }
    if path.starts_with("/dev") {
        return Some(N_("“{path}” cannot be in “{key}”: name it in “devices”"));
    }
    if path.starts_with("/proc") {
        return Some(N_("“{path}” cannot be in “{key}”: every app gets a /proc of its own"));
    }
    if path.starts_with("/sys") && matches!(key, "files.bind" | "files.cow") {
        return Some(N_("“{path}” cannot be in “{key}”: the app may only read /sys"));
    }
    None
}

/// A device of a profile.
pub(crate) fn device(text: &str) -> Result<Device, Message> {
    if device_class(text).is_some() {
        return Ok(Device::Class(text.to_owned()));
    }
    let names = || DEVICE_CLASSES.iter().map(|class| class.name);
    if text.starts_with('/') {
        let dev = |path: &AbsPath| path.as_path().starts_with("/dev") && path.as_path() != "/dev";
        return AbsPath::new(text).ok().filter(dev).map(Device::Path).ok_or_else(|| {
            Message::new(N_(
                "“{value}” is not the path of a device; it must lie below /dev, without “..”",
            ))
            .with("value", text)
        });
    }
    let message = match nearest(text, names()) {
        Some(near) => {
            Message::new(N_("there is no device class “{value}”; it can be: {values}, or a path below /dev. Did you mean “{near}”?")).with("near", near)
        }
        None => Message::new(N_("there is no device class “{value}”; it can be: {values}, or a path below /dev")),
    };
    Err(message.with("value", text).with("values", names().collect::<Vec<_>>().join(", ")))
}

/// A preset for the buses.
pub(crate) fn bus_preset(text: &str) -> Result<&'static BusPreset, Message> {
    dbus_preset(text).ok_or_else(|| {
        let names = || DBUS_PRESETS.iter().map(|preset| preset.name);
        let message = match nearest(text, names()) {
            Some(near) => Message::new(N_(
                "there is no D-Bus preset “{value}”; it can be: {values}. Did you mean “{near}”?",
            ))
            .with("near", near),
            None => Message::new(N_("there is no D-Bus preset “{value}”; it can be: {values}")),
        };
        message.with("value", text).with("values", names().collect::<Vec<_>>().join(", "))
    })
}

/// A system call of a profile, by its name.
pub(crate) fn system_call(text: &str) -> Result<SystemCall, Message> {
    if matches!(text, "execve" | "exit_group") {
        let pattern = N_("“{value}” cannot be refused: without it no app can be started or end");
        return Err(Message::new(pattern).with("value", text));
    }
    calls::find(text).ok_or_else(|| {
        let message = match nearest(text, calls::names()) {
            Some(near) => {
                Message::new(N_("there is no system call “{value}”; did you mean “{near}”?"))
                    .with("near", near)
            }
            None => Message::new(N_("there is no system call “{value}”")),
        };
        message.with("value", text)
    })
}

/// A variable of a profile: `NAME` or `NAME=VALUE`.
pub(crate) fn variable(text: &str) -> Result<Variable, Message> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        let message = Message::new(N_(
            "“{value}” is not a variable; write NAME or NAME=VALUE, the name in letters, digits and _",
        ));
        return Err(message.with("value", text));
    }
    Ok(Variable { name: name.to_owned(), value })
}
