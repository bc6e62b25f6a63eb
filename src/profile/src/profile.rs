//! A profile: its layers, the weakest first, and what they come to.

use crate::bus::{Bus, Buses, Rule};
use crate::context::Context;
use crate::error::Errors;
use crate::i18n::{Message, N_};
use crate::layer::{Layer, Origin};
use crate::net;
use crate::options::{Kind, OPTIONS, Opt, option};
use crate::policy::{
    Access, DBus, Home, Limits, Network, PathRule, Policy, Root, RunAs, Walls, Wayland, XServer,
};
use crate::size::size;
use crate::value::{self, Value};
use std::collections::HashSet;

/// What one app may reach, layer by layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the store; for one launched by its path, the file's name without its ending.
    pub id: String,
    /// What is to be said about it before it is launched: what its file asks for and cannot have.
    pub notes: Vec<Message>,
    layers: Vec<Layer>,
}

/// An option that the user's override sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its key.
    pub key: &'static str,
    /// The value without the override.
    pub before: Value,
    /// The value with it; it may be the same.
    pub after: Value,
}

/// The lists of paths, and what becomes of a path in each.
const PATH_LISTS: [(&str, Access); 4] = [
    ("files.bind", Access::Bind),
    ("files.bind-read-only", Access::BindReadOnly),
    ("files.cow", Access::Cow),
    ("files.restrict", Access::Restrict),
];

/// An entry of a list, the layer it comes from and its number there.
struct Entry<'a> {
    text: &'a str,
    layer: &'a Layer,
    number: usize,
}

impl Profile {
    /// A profile of these layers, the weakest first. Without any it is the built-in defaults.
    #[must_use]
    pub fn new(id: impl Into<String>, layers: Vec<Layer>) -> Self {
        Self { id: id.into(), notes: Vec::new(), layers }
    }

    /// Its layers, the weakest first.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The effective value of an option; an unknown key has an empty text.
    #[must_use]
    pub fn value(&self, key: &str) -> Value {
        let Some(option) = option(key) else { return Value::Text(String::new()) };
        match self.strongest(key) {
            Some(layer) if layer.adds(key) => Value::List(
                self.entries(key).into_iter().map(|entry| entry.text.to_owned()).collect(),
            ),
            Some(layer) => layer.get(key).cloned().unwrap_or_else(|| self.default_of(option)),
            None => self.default_of(option),
        }
    }

    /// The value of an option that no layer names. Light walls can copy nothing: there the system is
    /// to be read only, and whoever asks for them need not say so.
    fn default_of(&self, option: &Opt) -> Value {
        let light = || self.value("walls").as_text() == Walls::Light.as_str();
        if option.key == "files.root" && light() {
            return Value::Text(Root::ReadOnly.as_str().to_owned());
        }
        Value::default_of(option)
    }

    /// Where the effective value comes from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.strongest(key).map_or(&Origin::Default, |layer| &layer.origin)
    }

    /// The entries of a list, each with where it comes from.
    #[must_use]
    pub fn entries_with_origin(&self, key: &str) -> Vec<(&str, &Origin)> {
        self.entries(key).into_iter().map(|entry| (entry.text, &entry.layer.origin)).collect()
    }

    /// The same with one more layer, stronger than all it has.
    #[must_use]
    pub fn with_layer(&self, layer: Layer) -> Self {
        let mut profile = self.clone();
        profile.layers.push(layer);
        profile
    }

    /// The same without what was changed for this launch.
    #[must_use]
    pub fn without_launch(&self) -> Self {
        self.without(|origin| *origin == Origin::Launch)
    }

    /// The same without the user's override and what was changed for this launch.
    #[must_use]
    pub fn without_user(&self) -> Self {
        self.without(|origin| matches!(origin, Origin::User(_) | Origin::Launch))
    }

    /// What the user's override changes, in the order of the option table.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let (now, before) = (self.without_launch(), self.without_user());
        let overridden = |key: &str| matches!(now.origin(key), Origin::User(_));
        let keys = OPTIONS.iter().map(|option| option.key).filter(|key| overridden(key));
        keys.map(|key| Change { key, before: before.value(key), after: now.value(key) }).collect()
    }

    fn without(&self, drop: impl Fn(&Origin) -> bool) -> Self {
        let kept = self.layers.iter().filter(|layer| !drop(&layer.origin));
        Self { id: self.id.clone(), notes: self.notes.clone(), layers: kept.cloned().collect() }
    }

    /// What it is called in lists; its id when it has no name.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.value("name").as_text().to_owned();
        if name.is_empty() { self.id.clone() } else { name }
    }

    /// The program and its arguments, with `%f`, `%F`, `%u`, `%U` unfilled.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        self.value("command").as_list().to_vec()
    }

    /// The desktop entry of the app that it confines.
    #[must_use]
    pub fn app(&self) -> Option<String> {
        Some(self.value("app").as_text().to_owned()).filter(|app| !app.is_empty())
    }

    /// What the layers come to: validated, with every path expanded.
    ///
    /// # Errors
    /// Values that cannot be had together, a path in two lists, a path that needs a login name
    /// that is not known; each with the places it comes from.
    pub fn policy(&self, context: &Context) -> Result<Policy, Errors> {
        let mut errors = Errors::default();
        self.conflicts(&mut errors);
        let text = |key| self.value(key).as_text().to_owned();
        let policy = Policy {
            runas: RunAs::parse(&text("runas")).unwrap_or(RunAs::User),
            network: Network::parse(&text("network")).unwrap_or(Network::None),
            network_rules: self.network_rules(&mut errors),
            zone: self.zone(&mut errors),
            xserver: XServer::parse(&text("xserver")).unwrap_or(XServer::None),
            wayland: Wayland::parse(&text("wayland")).unwrap_or(Wayland::None),
            dbus: DBus::parse(&text("dbus")).unwrap_or(DBus::None),
            buses: self.buses(&mut errors),
            pulseaudio: self.value("pulseaudio").as_bool(),
            devices: self.each("devices", &mut errors, value::device),
            root: Root::parse(&text("files.root")).unwrap_or(Root::ReadOnly),
            home: Home::parse(&text("files.home")).unwrap_or(Home::Empty),
            paths: self.paths(context, &mut errors),
            environment: self.each("environment", &mut errors, value::variable),
            walls: Walls::parse(&text("walls")).unwrap_or(Walls::Full),
            user_namespaces: self.value("user-namespaces").as_bool(),
            denied_calls: self.each("system-calls.deny", &mut errors, value::system_call),
            cow_size: size(&text("limits.cow-size")).unwrap_or(1),
            limits: Limits {
                memory: size(&text("limits.memory")).unwrap_or(1),
                processes: self.value("limits.processes").as_number(),
                cpu_weight: self.value("limits.cpu-weight").as_number(),
            },
        };
        errors.or(policy)
    }

    /// The strongest layer that gives a value to the option.
    fn strongest(&self, key: &str) -> Option<&Layer> {
        self.layers.iter().rev().find(|layer| layer.get(key).is_some())
    }

    /// The entries of a list: those of the strongest layer that replaces, then those that add, each once.
    fn entries(&self, key: &str) -> Vec<Entry<'_>> {
        let sets = |layer: &&Layer| layer.get(key).is_some();
        let mut layers: Vec<_> = self.layers.iter().filter(sets).collect();
        if let Some(first) = layers.iter().rposition(|layer| !layer.adds(key)) {
            layers.drain(..first);
        }
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        for layer in layers {
            for (number, text) in
                layer.get(key).map(Value::as_list).unwrap_or_default().iter().enumerate()
            {
                if key == "command" || seen.insert(text) {
                    entries.push(Entry { text, layer, number });
                }
            }
        }
        entries
    }

    fn each<T: PartialEq>(
        &self,
        key: &str,
        errors: &mut Errors,
        read: impl Fn(&str) -> Result<T, Message>,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for one in self.read_each(key, errors, read) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    fn read_each<T>(
        &self,
        key: &str,
        errors: &mut Errors,
        read: impl Fn(&str) -> Result<T, Message>,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for Entry { text, layer, number } in self.entries(key) {
            match read(text) {
                Ok(one) => all.push(one),
                Err(message) => errors.0.push(layer.error(key, Some(number), message)),
            }
        }
        all
    }

    /// The rules for the buses that it covers, those of its presets among them.
    fn buses(&self, errors: &mut Errors) -> Buses {
        let covered = DBus::parse(self.value("dbus").as_text()).unwrap_or(DBus::None);
        let presets = self.each("dbus-presets", errors, value::bus_preset);
        let mut rules = |bus: Bus| {
            let mut rules = Vec::new();
            for option in OPTIONS {
                if let Kind::BusRules(of, access) = option.kind
                    && of == bus
                {
                    rules.extend(self.each(option.key, errors, |text| Rule::parse(access, text)));
                }
            }
            rules.extend(presets.iter().flat_map(|preset| preset.rules(bus)));
            rules
        };
        let (session, system) = (rules(Bus::Session), rules(Bus::System));
        let accessibility = rules(Bus::Accessibility);
        Buses {
            accessibility: Some(accessibility)
                .filter(|rules| covered.session() && !rules.is_empty()),
            portals: covered.session() && presets.iter().any(|preset| preset.portals),
            session: if covered.session() { session } else { Vec::new() },
            system: if covered.system() { system } else { Vec::new() },
        }
    }

    /// The rules of a filtered network; those of any other come to nothing, and have to be right.
    fn network_rules(&self, errors: &mut Errors) -> net::Rules {
        let mut list = Vec::new();
        for option in OPTIONS {
            if let Kind::NetworkRules(verdict) = option.kind {
                let read = |text: &str| net::Rule::parse(verdict, text);
                list.extend(self.read_each(option.key, errors, read));
            }
        }
        // Lists of what is refused are long at times.
        let mut seen = HashSet::new();
        list.retain(|rule| seen.insert(rule.clone()));
        if self.value("network").as_text() != Network::Filtered.as_str() {
            return net::Rules::default();
        }
        let default = net::Verdict::parse(self.value("network-rules.default").as_text());
        net::Rules { default: default.unwrap_or_default(), list }
    }

    /// The bridge of a filtered network, and what the app is called there; of any other network it comes to
    /// nothing, and has to be right.
    fn zone(&self, errors: &mut Errors) -> Option<net::Zone> {
        let addresses = self.each("network-rules.addresses", errors, net::OwnAddress::parse);
        let routers = self.each("network-rules.routers", errors, net::Zone::parse_router);
        let bridge = self.value("network-rules.zone");
        let filtered = self.value("network").as_text() == Network::Filtered.as_str();
        if !filtered || bridge.as_text().is_empty() {
            return None;
        }
        let zone = |bridge| {
            net::Zone::new(bridge, addresses, routers)
                .map_err(|message| ("network-rules.routers", message))
        };
        let bridge = net::Bridge::parse(bridge.as_text());
        let zone = bridge.map_err(|message| ("network-rules.zone", message)).and_then(zone);
        let wrong = |(key, message)| {
            errors.0.extend(self.strongest(key).map(|layer| layer.error(key, None, message)));
        };
        zone.map_err(wrong).ok()
    }

    /// The rules for paths, parents before children.
    fn paths(&self, context: &Context, errors: &mut Errors) -> Vec<PathRule> {
        let mut rules: Vec<(PathRule, &str, Entry<'_>)> = Vec::new();
        for (key, access) in PATH_LISTS {
            for entry in self.entries(key) {
                let path = match value::path(key, entry.text, context) {
                    Ok(path) => path,
                    Err(message) => {
                        errors.0.push(entry.layer.error(key, Some(entry.number), message));
                        continue;
                    }
                };
                match rules.iter().find(|(rule, ..)| rule.path == path) {
                    Some((rule, ..)) if rule.access == access => {}
                    Some((_, other, first)) => {
                        let message = Message::new(N_(
                            "“{path}” is in “{key}” and in “{other}” ({whence}); keep one of them",
                        ))
                        .with("path", entry.text)
                        .with("key", key)
                        .with("other", other)
                        .with_message("whence", first.layer.whence(other, Some(first.number)));
                        errors.0.push(entry.layer.error(key, Some(entry.number), message));
                    }
                    None => rules.push((PathRule { access, path }, key, entry)),
                }
            }
        }
        let mut rules: Vec<_> = rules.into_iter().map(|(rule, ..)| rule).collect();
        rules.sort_by(|a, b| a.path.cmp(&b.path));
        rules
    }

    fn conflicts(&self, errors: &mut Errors) {
        let carriers = OPTIONS.iter().filter(|option| !option.conflicts.is_empty());
        for (option, conflict) in
            carriers.flat_map(|option| option.conflicts.iter().map(move |c| (option, c)))
        {
            let (value, other) = (self.value(option.key), self.value(conflict.other));
            // A star stands for every value but that of an option that nobody names.
            let clash = |key: &str, value: &Value, wanted: &str| match value {
                _ if wanted == "*" => {
                    crate::options::option(key).is_some_and(|o| *value != Value::default_of(o))
                }
                Value::Bool(on) => on.to_string() == wanted,
                Value::Number(number) => number.to_string() == wanted,
                Value::Text(text) => text == wanted,
                Value::List(_) => false,
            };
            let others = conflict.other_values.iter();
            if !clash(option.key, &value, conflict.value)
                || !others.into_iter().any(|wanted| clash(conflict.other, &other, wanted))
            {
                continue;
            }
            let message = Message::new(N_("“{key} = {value}” ({whence}) cannot go with “{other} = {other_value}” ({other_whence}): {reason}"))
                .with("key", option.key)
                .with("value", value.plain())
                .with_message("whence", self.whence(option.key))
                .with("other", conflict.other)
                .with("other_value", other.plain())
                .with_message("other_whence", self.whence(conflict.other))
                .with_message("reason", Message::new(conflict.reason));
            // It is reported at the stronger of the two: that is the one that made the clash.
            let rank = |key: &str| self.layers.iter().rposition(|layer| layer.get(key).is_some());
            let key =
                if rank(conflict.other) > rank(option.key) { conflict.other } else { option.key };
            let error = self.strongest(key).map_or_else(
                || crate::Error { file: None, place: None, message: message.clone() },
                |layer| layer.error(key, None, message.clone()),
            );
            errors.0.push(error);
        }
    }

    fn whence(&self, key: &str) -> Message {
        self.strongest(key).map_or_else(|| Origin::Default.title(), |layer| layer.whence(key, None))
    }
}
