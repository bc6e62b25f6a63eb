//! Reading a `.conf` into a [`Layer`].

use super::bus::{self, Trouble};
use super::ini::{self, Entry, Fault};
use super::{KEYS, words};
use crate::bus::{Access, Bus};
use crate::error::{Error, Errors, Place};
use crate::i18n::{Message, N_};
use crate::layer::{Layer, Origin};
use crate::nearest::nearest;
use crate::net::Target;
use crate::options::option;
use crate::policy::DBus;
use crate::value::{Value, check};

/// Reads one; beside the settings, what is to be said about them.
///
/// # Errors
/// Everything that is wrong with it, with line and column.
pub fn read(text: &str, origin: Origin) -> Result<(Layer, Vec<Message>), Errors> {
    let (section, entries, faults) = ini::parse(text);
    let mut reader = Reader {
        layer: Layer::new(origin),
        errors: Errors::default(),
        notes: Vec::new(),
        devices: Vec::new(),
        on_disk: None,
        bus: Vec::new(),
    };
    for fault in faults {
        reader.fault(fault);
    }
    if let Some(name) = section.filter(|name| !name.is_empty()) {
        reader.put("name", Value::Text(name), None, Vec::new());
    }
    reader.put("files.home", Value::Text("cow".into()), None, Vec::new());
    let mut seen: Vec<&str> = Vec::new();
    for entry in &entries {
        if seen.contains(&entry.key.as_str()) {
            reader.fail(
                entry.place,
                Message::new(N_("“{key}” is set twice")).with("key", &entry.key),
            );
        }
        seen.push(&entry.key);
        reader.entry(entry);
    }
    reader.finish();
    reader.errors.0.sort_by_key(|error| error.place);
    reader.errors.or((reader.layer, reader.notes))
}

struct Reader {
    layer: Layer,
    errors: Errors,
    notes: Vec<Message>,
    devices: Vec<(String, Place)>,
    /// Where it says that changes are to be held on disk.
    on_disk: Option<Place>,
    /// The lines for the D-Bus filter.
    bus: Vec<(String, Place)>,
}

impl Reader {
    fn entry(&mut self, entry: &Entry) {
        let place = entry.value.place;
        let single = match entry.value.single() {
            // A list is taken apart where it is needed.
            Err(_)
                if matches!(
                    &*entry.key,
                    "device" | "dbusproxy" | "mount_bind" | "mount_cow" | "mount_restrict"
                ) =>
            {
                String::new()
            }
            Err(fault) => return self.fault(fault),
            Ok(single) => single,
        };
        match entry.key.as_str() {
            "cmd" => {
                let command = words::split(&single).or_else(|| {
                    (!single.is_empty())
                        .then(|| vec!["/bin/sh".into(), "-c".into(), single.clone()])
                });
                self.put(
                    "command",
                    Value::List(command.unwrap_or_default()),
                    Some(place),
                    Vec::new(),
                );
            }
            "runas" | "xserver" | "dbus" if single.is_empty() => {}
            key @ ("runas" | "xserver" | "dbus") => {
                self.put(key, Value::Text(single), Some(place), Vec::new());
            }
            "network" if single == "filtered" => {
                self.put("network", Value::Text(single), Some(place), Vec::new());
                let public = Value::List(vec![Target::Public.to_string()]);
                self.put("network-rules.allow", public, Some(place), vec![place]);
            }
            "network" => {
                let value = match boolean(&single) {
                    Some(true) => "direct".to_owned(),
                    Some(false) => "none".to_owned(),
                    None => single,
                };
                self.put("network", Value::Text(value), Some(place), Vec::new());
            }
            "pulseaudio" => {
                if let Some(on) = self.boolean("pulseaudio", &single, place) {
                    self.put("pulseaudio", Value::Bool(on), Some(place), Vec::new());
                }
            }
            "video" => {
                if self.boolean("video", &single, place) == Some(true) {
                    self.devices.push(("video".into(), place));
                }
            }
            "device" => {
                let devices = self.list(entry);
                self.devices.extend(devices);
            }
            "dbusproxy" => self.bus = self.list(entry),
            "mount_bind" => self.binds(entry),
            "mount_cow" => self.paths("files.cow", entry),
            "mount_restrict" => self.paths("files.restrict", entry),
            "root" if single.is_empty() || single == "/" => {}
            "root" => self.fail(
                place,
                Message::new(N_("“root={value}” is not possible: the root is that of this system"))
                    .with("value", single),
            ),
            "fstype" => match single.as_str() {
                "ext4" => self.on_disk = Some(place),
                "tmpfs" | "" => {}
                _ => self.fail(
                    place,
                    Message::new(N_("“fstype” cannot be “{value}”; it takes one of: ext4, tmpfs"))
                        .with("value", single),
                ),
            },
            "fssize" if single.is_empty() => {}
            "fssize" => match single.parse::<u32>() {
                Ok(size) => self.put(
                    "limits.cow-size",
                    Value::Text(megabytes(size)),
                    Some(place),
                    Vec::new(),
                ),
                Err(_) => self.fail(
                    place,
                    Message::new(N_("“fssize” is a number of megabytes, not “{value}”"))
                        .with("value", single),
                ),
            },
            key => {
                let message = match nearest(key, KEYS) {
                    Some(near) => {
                        Message::new(N_("there is no key “{key}”; did you mean “{near}”?"))
                            .with("near", near)
                    }
                    None => Message::new(N_("there is no key “{key}”")),
                };
                self.fail(entry.place, message.with("key", key));
            }
        }
    }

    /// What follows from several keys together.
    fn finish(&mut self) {
        if !self.devices.is_empty() {
            let (devices, places) = std::mem::take(&mut self.devices).into_iter().unzip();
            self.put("devices", Value::List(devices), None, places);
        }
        if self.on_disk.is_some() {
            self.note(N_("“fstype=ext4” held changes on disk; they are held in memory now"));
            if self.layer.get("limits.cow-size").is_none() {
                self.put("limits.cow-size", Value::Text(megabytes(2048)), self.on_disk, Vec::new());
            }
        }
        self.bus_rules();
    }

    /// The rules of `dbusproxy`, on every bus that there is.
    fn bus_rules(&mut self) {
        let lines = std::mem::take(&mut self.bus);
        let dbus = self.layer.get("dbus").and_then(|value| DBus::parse(value.as_text()));
        let dbus = dbus.unwrap_or(DBus::None);
        if dbus == DBus::None {
            if !lines.is_empty() {
                self.note(N_("“dbusproxy” is not needed: the app gets no message bus"));
            }
            return;
        }
        if lines.is_empty() {
            self.note(N_("without “dbusproxy” the app can talk to nobody on its message bus"));
        }
        let texts: Vec<_> = lines.iter().map(|(text, _)| text.as_str()).collect();
        let mut lists: [(Access, Vec<String>); 2] =
            [(Access::Call, Vec::new()), (Access::Broadcast, Vec::new())];
        for (read, (line, place)) in bus::rules(&texts).into_iter().zip(&lines) {
            match read {
                Ok(rule) => {
                    let list = lists.iter_mut().find(|(access, _)| *access == rule.access);
                    let text = rule.to_string();
                    if let Some((_, list)) = list.filter(|(_, list)| !list.contains(&text)) {
                        list.push(text);
                    }
                }
                Err(Trouble::NoRule) => {
                    let message = Message::new(N_(
                        "the line “{line}” of “dbusproxy” has no exact equal among the rules, and is left out",
                    ));
                    self.notes.push(message.with("line", line));
                }
                Err(Trouble::NoLine) => {
                    let message = Message::new(N_(
                        "“{line}” is no line of “dbusproxy”; write direction;interface;path;member, the direction “outgoing” or “incoming”",
                    ));
                    self.fail(*place, message.with("line", line));
                }
            }
        }
        for (bus, covered) in [(Bus::Session, dbus.session()), (Bus::System, dbus.system())] {
            for (access, list) in &lists {
                let option = bus.option(*access).filter(|_| covered && !list.is_empty());
                if let Some(option) = option {
                    self.put(option.key, Value::List(list.clone()), None, Vec::new());
                }
            }
        }
    }

    /// `mount_bind`, which was also how devices were given before there was `device`.
    fn binds(&mut self, entry: &Entry) {
        let (devices, paths): (Vec<_>, Vec<_>) =
            self.list(entry).into_iter().partition(|(path, _)| path.starts_with("/dev/"));
        self.devices.extend(devices);
        let (paths, places) = paths.into_iter().unzip();
        self.put("files.bind", Value::List(paths), Some(entry.value.place), places);
    }

    fn paths(&mut self, key: &'static str, entry: &Entry) {
        let (paths, places) = self.list(entry).into_iter().unzip();
        self.put(key, Value::List(paths), Some(entry.value.place), places);
    }

    fn list(&mut self, entry: &Entry) -> Vec<(String, Place)> {
        match entry.value.list() {
            Ok(items) => items.into_iter().map(|item| (item.text, item.place)).collect(),
            Err(fault) => {
                self.fault(fault);
                Vec::new()
            }
        }
    }

    fn boolean(&mut self, key: &'static str, text: &str, place: Place) -> Option<bool> {
        let value = boolean(text);
        if value.is_none() {
            let message = Message::new(N_("“{key}” is true or false, not “{value}”"));
            self.fail(place, message.with("key", key).with("value", text));
        }
        value
    }

    fn put(&mut self, key: &str, value: Value, place: Option<Place>, entries: Vec<Place>) {
        let Some(option) = option(key) else { return };
        let flaws = check(option, &value);
        if flaws.is_empty() {
            self.layer.place(option, value, place, entries, false);
            return;
        }
        let start = Place { line: 1, column: 1 };
        for flaw in flaws {
            let entry = flaw.entry.and_then(|entry| entries.get(entry)).copied();
            self.fail(entry.or(place).unwrap_or(start), flaw.message);
        }
    }

    fn note(&mut self, pattern: &'static str) {
        self.notes.push(Message::new(pattern));
    }

    fn fault(&mut self, (place, pattern): Fault) {
        self.fail(place, Message::new(pattern));
    }

    fn fail(&mut self, place: Place, message: Message) {
        let file = self.layer.origin.file().map(Into::into);
        self.errors.0.push(Error { file, place: Some(place), message });
    }
}

fn megabytes(size: u32) -> String {
    if size == 0 { "0".to_owned() } else { format!("{size}M") }
}

/// As ConfigObj reads one; nothing written is false.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" | "" => Some(false),
        _ => None,
    }
}
