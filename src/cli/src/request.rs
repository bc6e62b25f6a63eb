//! From parsed arguments to what is to be launched: the profile with its launch layer, the policy,
//! and the command.

use crate::fill;
use crate::say::{Failure, translated};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::options::{Kind, OPTIONS, Opt, option};
use arkose_profile::{AbsPath, Context, Errors, Layer, Policy, Profile, Store, Value, typed};
use arkose_session::{SharedFile, Via};
use clap::ArgMatches;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Everything that is known about a launch before anything is done.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The profile, with what was changed for this launch.
    pub profile: Profile,
    /// What it comes to, with the files of this launch opened to it.
    pub policy: Policy,
    /// The program and its arguments, byte for byte.
    pub command: Vec<OsString>,
    /// Where it starts.
    pub chdir: Option<PathBuf>,
    /// The name that the computer has inside.
    pub hostname: Option<String>,
    /// Who builds the sandbox.
    pub via: Via,
    /// Where to report what happens.
    pub events: Option<i32>,
    /// Whether only errors are said.
    pub quiet: bool,
    /// Whether the sandbox lives on when the command has ended and programs it started have not.
    pub linger: bool,
    /// Single files of the host that appear at a place of their own.
    pub files: Vec<SharedFile>,
}

/// A profile and what it comes to, where nothing is launched.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    /// The profile, with what the options change.
    pub(crate) profile: Profile,
    /// What it comes to.
    pub(crate) policy: Policy,
    /// Whose it is.
    pub(crate) context: Context,
}

/// A launch that is to be held against what is told of it.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    /// The launch; its command does not matter.
    pub(crate) launch: Launch,
    /// Whose it is.
    pub(crate) context: Context,
}

/// `arkose run`.
pub(crate) fn run(matches: &ArgMatches) -> Result<Launch, Failure> {
    let context = Context::current()?;
    let described = describe(base(matches, &context, "profile")?, matches, context)?;
    launched(described, words(matches, "command"), matches)
}

/// `arkose launch`.
pub(crate) fn launch(matches: &ArgMatches) -> Result<Launch, Failure> {
    let context = Context::current()?;
    let mut described = describe(base(matches, &context, "id")?, matches, context)?;
    let template = described.profile.command();
    if template.is_empty() {
        let message = Message::new(N_("the profile “{id}” names no command"))
            .with("id", &described.profile.id);
        let file = format!("arkose run --profile {} COMMAND", described.profile.id);
        return Err(Failure::new(&message).mended_by(file));
    }
    let files = words(matches, "file");
    let read_only = matches.get_one::<String>("access").is_some_and(|access| access == "read-only");
    let opened = fill::open(&mut described.policy, &described.context, &files, read_only)?;
    let command = fill::command(&template, &opened.names)?;
    // Many desktop apps hand over to another process and end.
    Ok(Launch { linger: true, files: opened.files, ..launched(described, command, matches)? })
}

/// `arkose explain`.
pub(crate) fn described(matches: &ArgMatches) -> Result<Described, Failure> {
    let context = Context::current()?;
    let given = |name: &str| matches.get_one::<OsString>(name).is_some();
    if given("id") && given("profile") {
        return Err(Failure::new(&Message::new(N_(
            "name the profile once, with “--profile” or without it",
        ))));
    }
    let name = if given("id") { "id" } else { "profile" };
    describe(base(matches, &context, name)?, matches, context)
}

/// `arkose plan`: as `launch`, of a profile that need not name a command.
pub(crate) fn plan(matches: &ArgMatches) -> Result<Launch, Failure> {
    let described = described(matches)?;
    let command = described.profile.command().into_iter().map(OsString::from).collect();
    launched(described, command, matches)
}

/// `arkose verify`: as `plan`.
pub(crate) fn verify(matches: &ArgMatches) -> Result<Verified, Failure> {
    Ok(Verified { launch: plan(matches)?, context: Context::current()? })
}

/// The profile that the argument names; that of nothing at all without it.
fn base(matches: &ArgMatches, context: &Context, name: &str) -> Result<Profile, Failure> {
    match matches.get_one::<OsString>(name) {
        Some(name) => Ok(Store::of(context).load(name)?),
        None => Ok(Profile::new("", Vec::new())),
    }
}

fn describe(base: Profile, matches: &ArgMatches, context: Context) -> Result<Described, Failure> {
    let layer = layer(matches)?;
    let profile = if layer.is_empty() { base } else { base.with_layer(layer) };
    let policy = profile.policy(&context)?;
    Ok(Described { profile, policy, context })
}

fn launched(
    described: Described,
    command: Vec<OsString>,
    matches: &ArgMatches,
) -> Result<Launch, Failure> {
    let text = |name| matches.try_get_one::<String>(name).ok().flatten().map(String::as_str);
    let bytes = |name| matches.get_one::<OsString>(name);
    // Who wants one way for every launch, those from the window among them, says so once.
    let pinned = std::env::var("ARKOSE_VIA").ok();
    let via = text("via").or(pinned.as_deref()).and_then(Via::parse).unwrap_or_default();
    let hostname = bytes("hostname").map(|name| hostname(name)).transpose()?;
    let chdir = bytes("chdir").map(|dir| absolute(Path::new(dir))).transpose()?;
    let events = matches.try_get_one::<i32>("events").ok().flatten().copied();
    let quiet = matches.try_get_one::<bool>("quiet").ok().flatten() == Some(&true);
    let Described { profile, policy, .. } = described;
    Ok(Launch {
        profile,
        policy,
        command,
        chdir: chdir.map(|dir| dir.as_path().into()),
        hostname,
        via,
        events,
        quiet,
        linger: false,
        files: Vec::new(),
    })
}

/// What the options of a call set, as a layer.
///
/// # Errors
/// When one does not take its value; every such option is told.
pub(crate) fn layer(matches: &ArgMatches) -> Result<Layer, Failure> {
    let (mut layer, mut errors) = (Layer::launch(), Errors::default());
    let mut note = |done: Result<(), Errors>| errors.0.extend(done.err().unwrap_or_default().0);
    for setting in words(matches, "set") {
        note(assign(&mut layer, &setting)?);
    }
    for option in OPTIONS.iter().filter(|option| !option.flag.is_empty()) {
        let Ok(Some(values)) = matches.try_get_many::<OsString>(option.flag) else { continue };
        let values =
            values.map(|value| flag_value(option, value)).collect::<Result<Vec<_>, _>>()?;
        let done = if option.kind.is_list() {
            layer.add(option.key, values)
        } else {
            values.iter().try_for_each(|value| layer.set(option.key, typed_flag(option, value)))
        };
        note(done);
    }
    if errors.0.is_empty() { Ok(layer) } else { Err(errors.into()) }
}

/// `KEY=VALUE` into a layer. The outer failure is one of the form, the inner one of the value.
pub(crate) fn assign(layer: &mut Layer, setting: &OsStr) -> Result<Result<(), Errors>, Failure> {
    let Some((key, value)) = setting.to_str().and_then(|text| text.split_once('=')) else {
        let message =
            Message::new(N_("“{setting}” is not a setting; write KEY=VALUE, like network=none"));
        return Err(Failure::new(&message.with("setting", setting.to_string_lossy())));
    };
    let (key, value) = (key.trim(), value.trim());
    let value =
        option(key).map_or_else(|| Value::Text(value.to_owned()), |option| typed(option, value));
    Ok(layer.set(key, value))
}

fn typed_flag(option: &Opt, value: &str) -> Value {
    match (option.kind, value) {
        (Kind::Switch(_), "true") => Value::Bool(true),
        (Kind::Switch(_), "false") => Value::Bool(false),
        (Kind::Number { .. }, number) => {
            number.parse().map_or_else(|_| Value::Text(value.to_owned()), Value::Number)
        }
        _ => Value::Text(value.to_owned()),
    }
}

/// The value of a flag as a profile would have it. A path may be relative here: to the directory
/// of the call.
fn flag_value(option: &Opt, value: &OsStr) -> Result<String, Failure> {
    let Some(text) = value.to_str() else {
        let message = Message::new(N_(
            "“--{flag} {value}” is not text in UTF-8; name the directory above it instead",
        ));
        return Err(Failure::new(
            &message.with("flag", option.flag).with("value", value.to_string_lossy()),
        ));
    };
    let relative = matches!(option.kind, Kind::Paths(_))
        && !text.starts_with(['/', '~', '$'])
        && !text.is_empty();
    if !relative {
        return Ok(text.to_owned());
    }
    absolute(Path::new(text)).map(|path| path.as_path().to_string_lossy().into_owned())
}

/// A path of the command line from the root. Only where it has a `..` is it looked up: what `a/..`
/// is depends on what `a` links to.
pub(crate) fn absolute(path: &Path) -> Result<AbsPath, Failure> {
    let failed = |cause: &dyn std::fmt::Display| {
        let message = Message::new(N_("the path “{path}” leads nowhere"))
            .with("path", path.to_string_lossy());
        Failure::new(&message).because(cause)
    };
    let full = std::path::absolute(path).map_err(|error| failed(&error))?;
    AbsPath::new(&full).or_else(|_| {
        let real = std::fs::canonicalize(&full).map_err(|error| failed(&error))?;
        AbsPath::new(real).map_err(|error| failed(&error))
    })
}

fn hostname(name: &OsStr) -> Result<String, Failure> {
    let fits = |name: &&str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        (1..=63).contains(&name.len()) && !name.starts_with(['-', '.']) && name.chars().all(letters)
    };
    name.to_str().filter(fits).map(str::to_owned).ok_or_else(|| {
        let message = Message::new(N_("“{name}” cannot be the name of a computer; use at most 63 letters, digits, “-” and “.”"));
        Failure::new(&message.with("name", name.to_string_lossy()))
    })
}

fn words(matches: &ArgMatches, name: &str) -> Vec<OsString> {
    matches.try_get_many::<OsString>(name).ok().flatten().unwrap_or_default().cloned().collect()
}

impl Launch {
    /// Says what the profile asks for and cannot have.
    pub(crate) fn notes(&self) -> Vec<String> {
        if self.quiet { Vec::new() } else { self.profile.notes.iter().map(translated).collect() }
    }
}
