//! Writing a `.conf` of a [`Layer`], and saying what it cannot hold.

use super::{bus, words};
use crate::bus::{Access, Bus};
use crate::i18n::{Message, N_};
use crate::layer::Layer;
use crate::net::Target;
use crate::options::OPTIONS;
use crate::policy::{DBus, Network};
use crate::size::size;
use crate::value::Value;

/// The text of a `.conf`, and what of the layer it cannot express. Without notes, reading it gives
/// the same settings again.
#[must_use]
pub fn write(layer: &Layer) -> (String, Vec<Message>) {
    let mut writer = Writer { layer, lines: Vec::new(), notes: Vec::new() };
    let name = layer.get("name").map(Value::as_text).unwrap_or_default();
    let fits = !name.is_empty()
        && name.trim() == name
        && !name.contains(|c: char| c == ']' || c.is_control());
    if !fits && !name.is_empty() {
        writer.lost("name");
    }
    writer.lines.push(format!("[{}]", if fits { name } else { "container" }));
    writer.command();
    writer.text("runas", "runas");
    writer.network();
    writer.text("xserver", "xserver");
    writer.text("dbus", "dbus");
    writer.bus_rules();
    if let Some(value) = layer.get("pulseaudio") {
        writer.line("pulseaudio", &value.plain());
    }
    writer.devices();
    writer.space();
    for (conf, key) in [
        ("mount_bind", "files.bind"),
        ("mount_cow", "files.cow"),
        ("mount_restrict", "files.restrict"),
    ] {
        if let Some(value) = layer.get(key) {
            writer.list(conf, key, value.as_list());
        }
    }
    writer.rest();
    let mut text = writer.lines.join("\n");
    text.push('\n');
    (text, writer.notes)
}

struct Writer<'a> {
    layer: &'a Layer,
    lines: Vec<String>,
    notes: Vec<Message>,
}

impl Writer<'_> {
    fn line(&mut self, conf: &str, text: &str) {
        self.lines.push(format!("{conf}={text}"));
    }

    fn text(&mut self, conf: &str, key: &'static str) {
        if let Some(value) = self.layer.get(key) {
            self.line(conf, value.as_text());
        }
    }

    /// A filtered network of the original is one that reaches the internet, and nothing local. What
    /// reaches anything else is written as none: reading it again must not open more.
    fn network(&mut self) {
        const ALLOW: &str = "network-rules.allow";
        let value = |key| self.layer.get(key).map(Value::plain).unwrap_or_default();
        let filtered = value("network") == Network::Filtered.as_str();
        let lists = ["network-rules.deny", "network-rules.ask"];
        let public = value(ALLOW) == Target::Public.to_string()
            && matches!(value("network-rules.default").as_str(), "" | "deny")
            && lists.into_iter().all(|key| value(key).is_empty())
            && value("network-rules.zone").is_empty();
        match (filtered, public) {
            (true, true) => return self.text("network", "network"),
            (true, false) => {
                self.line("network", Network::None.as_str());
                self.lost("network");
            }
            (false, _) => self.text("network", "network"),
        }
        if !value(ALLOW).is_empty() {
            self.lost(ALLOW);
        }
    }

    fn command(&mut self) {
        let Some(Value::List(command)) = self.layer.get("command") else { return };
        let line = match command.as_slice() {
            [] => String::new(),
            // What was read from a shell's line is that line again.
            [shell, flag, line]
                if shell == "/bin/sh" && flag == "-c" && words::split(line).is_none() =>
            {
                line.clone()
            }
            words => words::join(words),
        };
        match quoted(&line) {
            Some(line) => self.line("cmd", &line),
            None => self.lost("command"),
        }
    }

    fn devices(&mut self) {
        let Some(Value::List(devices)) = self.layer.get("devices") else { return };
        let (mut paths, mut video) = (Vec::new(), false);
        for device in devices {
            match device.as_str() {
                "video" => video = true,
                path if path.starts_with('/') => paths.push(path.to_owned()),
                class => {
                    let message = Message::new(N_(
                        "the device class “{class}” cannot be expressed; name its paths",
                    ));
                    self.notes.push(message.with("class", class));
                }
            }
        }
        self.line("video", if video { "true" } else { "false" });
        self.list("device", "devices", &paths);
    }

    /// The rules of the buses that are there: the original had one list for both.
    fn bus_rules(&mut self) {
        let dbus = self.layer.get("dbus").and_then(|value| DBus::parse(value.as_text()));
        let dbus = dbus.unwrap_or(DBus::None);
        let list = |bus: Bus, access| {
            let option = bus.option(access)?;
            self.layer.get(option.key).map(|value| (option.key, value.as_list()))
        };
        let mut lines = Vec::new();
        let mut lost = Vec::new();
        for access in [Access::Call, Access::Broadcast] {
            let (session, system) = (list(Bus::Session, access), list(Bus::System, access));
            let same = session.map(|(_, list)| list) == system.map(|(_, list)| list);
            for ((key, list), covered) in session
                .map(|list| (list, dbus.session()))
                .into_iter()
                .chain(system.map(|list| (list, dbus.system())))
            {
                let said: Option<Vec<_>> =
                    list.iter().map(|text| bus::lines(access, text)).collect();
                match said.filter(|_| covered && (same || dbus != DBus::Both)) {
                    Some(said) => lines.extend(said.into_iter().flatten()),
                    None if list.is_empty() => {}
                    None => lost.push(key),
                }
            }
        }
        let mut written: Vec<String> = Vec::new();
        for line in lines {
            if !written.contains(&line) {
                written.push(line);
            }
        }
        for key in lost {
            self.lost(key);
        }
        if !written.is_empty() {
            self.list("dbusproxy", "dbus-rules.session.call", &written);
        }
    }

    fn space(&mut self) {
        let Some(Value::Text(text)) = self.layer.get("limits.cow-size") else { return };
        match size(text) {
            Ok(0) => {}
            Ok(size) if size % (1 << 20) == 0 => self.line("fssize", &(size >> 20).to_string()),
            _ => self.lost("limits.cow-size"),
        }
    }

    fn list(&mut self, conf: &str, key: &'static str, list: &[String]) {
        let items: Option<Vec<String>> = list.iter().map(|item| item_of_list(item)).collect();
        match items.as_deref() {
            // The comma tells a list of one from a text.
            Some([one]) => self.line(conf, &format!("{one},")),
            Some(items) => self.line(conf, &items.join(", ")),
            None => self.lost(key),
        }
    }

    /// The settings that a `.conf` has no key for, unless they are what it means anyway.
    fn rest(&mut self) {
        for option in OPTIONS.iter().filter(|option| option.conf.is_none() && option.key != "name")
        {
            let value =
                self.layer.get(option.key).cloned().unwrap_or_else(|| Value::default_of(option));
            let meant = match option.key {
                "files.home" => Value::Text("cow".into()),
                _ => Value::default_of(option),
            };
            if value != meant {
                let message = Message::new(N_(
                    "“{key} = {value}” cannot be expressed: the original has no such key",
                ));
                self.notes.push(message.with("key", option.key).with("value", value.plain()));
            }
        }
    }

    fn lost(&mut self, key: &'static str) {
        let value = self.layer.get(key).map(Value::plain).unwrap_or_default();
        let message = Message::new(N_("“{key} = {value}” cannot be expressed in this format"));
        self.notes.push(message.with("key", key).with("value", value));
    }
}

/// A whole value in quotes that it does not hold itself.
fn quoted(text: &str) -> Option<String> {
    if text.contains(['\n', '\r']) || (text.contains('"') && text.contains('\'')) {
        let fence = ["\"\"\"", "'''"].into_iter().find(|fence| {
            let last = fence.chars().next().unwrap_or('"');
            !text.contains(fence) && !text.ends_with(last)
        })?;
        return (!text.contains('\r')).then(|| format!("{fence}{text}{fence}"));
    }
    Some(if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") })
}

/// An item of a list, in quotes where it needs them.
fn item_of_list(text: &str) -> Option<String> {
    if text.contains(['\n', '\r']) || (text.contains('"') && text.contains('\'')) {
        return None;
    }
    let bare = !text.is_empty() && text.trim() == text && !text.contains([',', '#', '"', '\'']);
    Some(if bare {
        text.to_owned()
    } else if text.contains('"') {
        format!("'{text}'")
    } else {
        format!("\"{text}\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_that_names_a_key_names_one_of_the_original() {
        for option in OPTIONS {
            assert!(
                option.conf.is_none_or(|conf| super::super::KEYS.contains(&conf)),
                "{}",
                option.key
            );
        }
    }
}
