//! `arkose profile`: profiles listed, shown, checked, made, converted, changed and put back.

use crate::request::{assign, layer};
use crate::say::{Failure, answer, answer_json, gettext, note, translated};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::options::{OPTIONS, option};
use arkose_profile::text::visible;
use arkose_profile::{
    Context, Layer, LoadError, Origin, Profile, Store, Value, conf, load_file, to_toml, typed,
};
use clap::ArgMatches;
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Does what the nested subcommand asks for.
///
/// # Errors
/// When it cannot be done.
pub(crate) fn profile(matches: &ArgMatches) -> Result<u8, Failure> {
    let context = Context::current()?;
    let store = Store::of(&context);
    let Some((name, matches)) = matches.subcommand() else { return Ok(crate::say::FAILED) };
    let json = matches.try_get_one::<bool>("json").ok().flatten() == Some(&true);
    match name {
        "list" => list(&store, json),
        "check" => check(&store, &context, matches),
        "new" => new(&store, &context, matches),
        "convert" => convert(&store, argument(matches, "what")),
        "show" => show(&store.load(argument(matches, "id"))?, json),
        "diff" => diff(&store.load(argument(matches, "id"))?, json),
        "set" => set(&store, &context, matches),
        _ => reset(&store, matches),
    }
}

fn argument<'a>(matches: &'a ArgMatches, name: &str) -> &'a OsStr {
    matches.get_one::<OsString>(name).map_or(OsStr::new(""), OsString::as_os_str)
}

fn list(store: &Store, json: bool) -> Result<u8, Failure> {
    let list = store.list();
    if json {
        let entry = |one: &arkose_profile::Listed| {
            json!({
                "id": one.id,
                "name": one.name,
                "summary": one.summary,
                "app": one.app,
                "origin": one.origin.word(),
                "file": one.origin.file().map(|file| file.to_string_lossy()),
                "overridden": one.overridden,
                "error": one.error.as_ref().map(|errors| errors.translated(&gettext)),
            })
        };
        return answer_json(&list.iter().map(entry).collect()).map(|()| 0);
    }
    let width = |text: &str| text.chars().count();
    let widest = list.iter().map(|one| width(&one.id)).max().unwrap_or(0);
    let mut text = String::new();
    for one in &list {
        let what = match &one.error {
            Some(_) => translated(
                &Message::new(N_("has errors: arkose profile check {id}")).with("id", &one.id),
            ),
            None if one.summary.is_empty() => one.name.clone(),
            None => one.summary.clone(),
        };
        let space = " ".repeat(widest - width(&one.id).min(widest) + 2);
        text.push_str(&format!("{}{space}{}\n", one.id, visible(what.as_bytes())));
    }
    answer(&text).map(|()| 0)
}

/// The effective value of every option, and where it comes from, for programs.
pub(crate) fn values(profile: &Profile) -> serde_json::Value {
    let entry = |option: &arkose_profile::options::Opt| {
        let origin = profile.origin(option.key);
        let value = match profile.value(option.key) {
            Value::Bool(on) => json!(on),
            Value::Number(number) => json!(number),
            Value::Text(text) => json!(text),
            Value::List(list) => json!(list),
        };
        let file = origin.file().map(|file| file.to_string_lossy());
        (option.key.to_owned(), json!({ "value": value, "origin": origin.word(), "file": file }))
    };
    OPTIONS.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
}

/// The effective values, as a profile that could be launched as it is.
fn show(profile: &Profile, json: bool) -> Result<u8, Failure> {
    if json {
        let values = values(profile);
        return answer_json(&json!({ "id": profile.id, "values": values })).map(|()| 0);
    }
    for message in &profile.notes {
        note(message);
    }
    let (mut text, mut table) = (String::new(), "");
    for tables in [false, true] {
        for option in OPTIONS.iter().filter(|option| option.key.contains('.') == tables) {
            if let Some((inner, _)) =
                option.key.rsplit_once('.').filter(|(inner, _)| *inner != table)
            {
                text.push_str(&format!("\n[{inner}]\n"));
                table = inner;
            }
            let mut one = Layer::launch();
            one.set(option.key, profile.value(option.key))?;
            let origin = visible(translated(&profile.origin(option.key).title()).as_bytes());
            let line = to_toml(&one);
            let line = line.lines().filter(|line| !line.starts_with('[') && !line.is_empty());
            text.push_str(&format!("{}  # {origin}\n", line.collect::<Vec<_>>().join("\n")));
        }
    }
    answer(&text).map(|()| 0)
}

/// Prints what is wrong, a line each; the status is 1 when anything is.
fn check(store: &Store, context: &Context, matches: &ArgMatches) -> Result<u8, Failure> {
    let named: Vec<OsString> =
        matches.get_many::<OsString>("what").unwrap_or_default().cloned().collect();
    let all = if named.is_empty() {
        store.ids().into_iter().map(OsString::from).collect()
    } else {
        named
    };
    let mut text = String::new();
    for what in &all {
        let checked =
            store.load(what).and_then(|profile| profile.policy(context).map_err(LoadError::Wrong));
        if let Err(error) = checked {
            text.push_str(&error.translated(&gettext));
            if let Some(source) = std::error::Error::source(&error) {
                text.push_str(&format!(" ({source})"));
            }
            text.push('\n');
        }
    }
    answer(&text).map(|()| u8::from(!text.is_empty()))
}

fn new(store: &Store, context: &Context, matches: &ArgMatches) -> Result<u8, Failure> {
    let id = text(argument(matches, "id"))?;
    let mut settings = Layer::launch();
    if let Some(from) = matches.get_one::<OsString>("from") {
        let from = store.load(from)?;
        for option in OPTIONS.iter().filter(|option| *from.origin(option.key) != Origin::Default) {
            settings.set(option.key, from.value(option.key))?;
        }
    }
    let command = matches.get_many::<OsString>("command").unwrap_or_default();
    let command =
        command.map(|word| text(word).map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
    if !command.is_empty() {
        settings.set("command", Value::List(command))?;
    }
    // The flags add to the lists of what is copied.
    let profile = Profile::new(id, vec![settings]).with_layer(layer(matches)?);
    profile.policy(context)?;
    let mut settings = Layer::launch();
    for option in OPTIONS.iter().filter(|option| *profile.origin(option.key) != Origin::Default) {
        settings.set(option.key, profile.value(option.key))?;
    }
    store.create(id, &settings)?;
    answer(&format!("{}\n", store.user_override(id).display())).map(|()| 0)
}

/// A `.conf` as TOML, anything else as a `.conf`. What is lost is said on standard error, and in
/// the TOML as comments.
fn convert(store: &Store, what: &OsStr) -> Result<u8, Failure> {
    let is_conf = Path::new(what).extension().is_some_and(|ending| ending == "conf");
    if is_conf {
        let profile = load_file(Path::new(what))?;
        let mut text = String::new();
        for message in &profile.notes {
            note(message);
            text.push_str(&format!("# {}\n", translated(message)));
        }
        let toml: String = profile.layers().iter().map(to_toml).collect();
        return answer(&(text + &toml)).map(|()| 0);
    }
    let profile = store.load(what)?;
    let mut settings = Layer::launch();
    for option in OPTIONS.iter().filter(|option| *profile.origin(option.key) != Origin::Default) {
        settings.set(option.key, profile.value(option.key))?;
    }
    let (text, lost) = conf::write(&settings);
    for message in &lost {
        note(message);
    }
    answer(&text).map(|()| 0)
}

fn diff(profile: &Profile, json: bool) -> Result<u8, Failure> {
    let changes = profile.changes();
    if json {
        let plain = |value: &Value| match value {
            Value::Bool(on) => json!(on),
            Value::Number(number) => json!(number),
            Value::Text(text) => json!(text),
            Value::List(list) => json!(list),
        };
        let entry = |change: &arkose_profile::Change| json!({ "key": change.key, "before": plain(&change.before), "after": plain(&change.after) });
        return answer_json(&changes.iter().map(entry).collect()).map(|()| 0);
    }
    let mut text = String::new();
    for change in changes {
        let line = |sign: char, value: &Value| {
            format!("{sign} {} = {}\n", change.key, visible(value.plain().as_bytes()))
        };
        if change.before == change.after {
            text.push_str(&line(' ', &change.after));
        } else {
            text.push_str(&line('-', &change.before));
            text.push_str(&line('+', &change.after));
        }
    }
    answer(&text).map(|()| 0)
}

fn set(store: &Store, context: &Context, matches: &ArgMatches) -> Result<u8, Failure> {
    let id = text(argument(matches, "id"))?;
    // What is read here must not be changed by another before it is written.
    let held = store.hold()?;
    let profile = store.load(id)?;
    let mut settings = Layer::launch();
    for setting in matches.get_many::<OsString>("setting").unwrap_or_default() {
        match entries(setting) {
            Some(change) => change_list(&mut settings, &profile, &change)?,
            None => assign(&mut settings, setting)??,
        }
    }
    let mut dropped = Vec::new();
    for key in matches.get_many::<OsString>("unset").unwrap_or_default() {
        let key = text(key)?;
        match option(key) {
            Some(option) => dropped.push(option.key),
            None => {
                return Err(Layer::launch()
                    .set(key, Value::Bool(false))
                    .err()
                    .unwrap_or_default()
                    .into());
            }
        }
    }
    if settings.is_empty() && dropped.is_empty() {
        let message = Message::new(N_("nothing to change: name settings as KEY=VALUE"));
        return Err(Failure::new(&message).mended_by("arkose profile set --help"));
    }
    // What could not be launched is not saved.
    let mut layers = profile.layers().to_vec();
    for layer in layers.iter_mut().filter(|layer| matches!(layer.origin, Origin::User(_))) {
        for key in &dropped {
            layer.unset(key);
        }
    }
    layers.push(settings.clone());
    Profile::new(id, layers).policy(context)?;
    held.save_override(id, &settings, &dropped)?;
    Ok(0)
}

/// Entries that are to be put into a list, or taken out of it.
struct Entries<'a> {
    key: &'a str,
    value: &'a str,
    add: bool,
}

/// `KEY+=VALUE` and `KEY-=VALUE`.
fn entries(setting: &OsStr) -> Option<Entries<'_>> {
    let (key, value) = setting.to_str()?.split_once('=')?;
    let added = key.strip_suffix('+').map(|key| (key, true));
    let (key, add) = added.or_else(|| key.strip_suffix('-').map(|key| (key, false)))?;
    Some(Entries { key: key.trim(), value: value.trim(), add })
}

/// Changes the list as it is in effect, for a file names the whole of it.
fn change_list(
    settings: &mut Layer,
    profile: &Profile,
    change: &Entries<'_>,
) -> Result<(), Failure> {
    let Entries { key, value, add } = *change;
    let current = settings.get(key).cloned().unwrap_or_else(|| profile.value(key));
    let about = |pattern| Message::new(pattern).with("key", key).with("value", value);
    let Some(option) = option(key) else {
        return Ok(settings.set(key, Value::Text(String::new()))?);
    };
    let (Value::List(mut list), Value::List(named)) = (current, typed(option, value)) else {
        let message = about(N_("“{key}” has one value and no list of them; write {key}={value}"));
        return Err(Failure::new(&message));
    };
    for entry in named {
        let at = list.iter().position(|known| *known == entry);
        match (add, at) {
            (true, None) => list.push(entry),
            (true, Some(_)) => {}
            (false, Some(at)) => drop(list.remove(at)),
            (false, None) => {
                let message = Message::new(N_("“{value}” is not in “{key}”"));
                return Err(Failure::new(&message.with("key", key).with("value", entry))
                    .mended_by(format!("arkose profile show {}", profile.id)));
            }
        }
    }
    Ok(settings.set(key, Value::List(list))?)
}

fn reset(store: &Store, matches: &ArgMatches) -> Result<u8, Failure> {
    let id = text(argument(matches, "id"))?;
    let [shipped, system, user] = store.dirs().map(|dir| dir.join(format!("{id}.toml")));
    let own = user.exists() && !shipped.exists() && !system.exists();
    if own && !matches.get_flag("delete") {
        let message =
            Message::new(N_("“{id}” is yours alone: nothing would be left of it")).with("id", id);
        return Err(Failure::new(&message).mended_by(format!("arkose profile reset --delete {id}")));
    }
    if !user.exists() {
        // Says so when there is no such profile at all.
        store.load(id)?;
    }
    store.reset(id)?;
    Ok(0)
}

fn text(argument: &OsStr) -> Result<&str, Failure> {
    argument.to_str().ok_or_else(|| {
        let message = Message::new(N_("“{word}” is not text in UTF-8"));
        Failure::new(&message.with("word", argument.to_string_lossy()))
    })
}
