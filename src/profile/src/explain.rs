//! What the app can and cannot reach, in sentences drawn from the policy that will be enforced.
//!
//! The sentences come from the option table where it has them; those here are for lists, and for
//! settings that mean more together than alone (a shared `~/.config` is more than a shared path).

mod buses;
mod network;

use crate::context::Context;
use crate::i18n::{Message, N_};
use crate::layer::Origin;
use crate::options::{Choice, Kind, OPTIONS, Opt, Risk, device_class};
use crate::path::AbsPath;
use crate::policy::{Access, Device, Home, Limits, PathRule, Policy, RunAs, Walls};
use crate::profile::Profile;
pub use crate::size::human_size;
use crate::value;
pub use network::{default as network_default, sentence as network_rule};
use serde_json::json;

/// One thing that the app can or cannot do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The option it follows from.
    pub key: &'static str,
    /// How far it opens the sandbox.
    pub risk: Risk,
    /// Whether it says what the app can do, or what it cannot.
    pub can: bool,
    /// The sentence, translated; control characters in names are made visible.
    pub text: String,
    /// Where the setting comes from.
    pub origin: Origin,
    /// Whether it was asked for and is not allowed, so that nothing is launched.
    pub denied: bool,
}

/// Every line, in the order of the option table, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What the app can and cannot do.
    pub lines: Vec<Line>,
    /// The most open of them.
    pub level: Risk,
}

/// Places from which something is started as the person, relative to the home directory: who may
/// write there is not confined.
const STARTED_FROM: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".xsession",
    ".xsessionrc",
    ".xprofile",
    ".xinitrc",
    ".config/autostart",
    ".config/systemd",
    ".config/environment.d",
    ".config/fish",
    ".config/arkose",
    ".local/bin",
    ".local/share/applications",
    ".local/share/dbus-1",
    ".local/share/systemd",
    ".gitconfig",
    ".config/git",
    ".ssh",
    "bin",
];

/// Directories in which services of the host listen: what lies below them counts.
const SERVICES: &[&str] = &["/run", "/var/run", "/tmp/.X11-unix", "/tmp/.ICE-unix"];

/// How the directories begin in which agents and buses of a session listen.
const SESSION_SERVICES: &[&str] = &["/tmp/ssh-", "/tmp/dbus-"];

/// Explains a policy that came of this profile; `translate` turns a message id into the language shown.
#[must_use]
pub fn explain(
    profile: &Profile,
    policy: &Policy,
    context: &Context,
    translate: &dyn Fn(&str) -> String,
) -> Explanation {
    let mut teller = Teller { profile, policy, context, translate, lines: Vec::new() };
    for option in OPTIONS {
        teller.option(option);
    }
    Explanation::of(teller.lines)
}

impl Explanation {
    /// What these lines come to.
    #[must_use]
    pub fn of(lines: Vec<Line>) -> Self {
        let level = lines.iter().map(|line| line.risk).max().unwrap_or(Risk::Contained);
        Self { lines, level }
    }

    /// The lines about one option.
    pub fn about<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.key == key)
    }

    /// For programs: `level` (`contained`, `partly-open`, `open`) and `lines`, each with `key`,
    /// `risk`, `can`, `text`, `origin` and, where there is one, `file`. What the administrator does not
    /// allow is `denied`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let line = |line: &Line| {
            let mut object = json!({
                "key": line.key,
                "risk": line.risk.word(),
                "can": line.can,
                "text": line.text,
                "origin": line.origin.word(),
            });
            if let (Some(file), Some(object)) = (line.origin.file(), object.as_object_mut()) {
                object.insert("file".to_owned(), json!(file.to_string_lossy()));
            }
            if let (true, Some(object)) = (line.denied, object.as_object_mut()) {
                object.insert("denied".to_owned(), json!(true));
            }
            object
        };
        json!({ "level": self.level.word(), "lines": self.lines.iter().map(line).collect::<Vec<_>>() })
    }
}

struct Teller<'a> {
    profile: &'a Profile,
    policy: &'a Policy,
    context: &'a Context,
    translate: &'a dyn Fn(&str) -> String,
    lines: Vec<Line>,
}

impl Teller<'_> {
    fn say(
        &mut self,
        key: &'static str,
        risk: Risk,
        can: bool,
        message: &Message,
        origin: Option<Origin>,
    ) {
        let origin = origin.unwrap_or_else(|| self.profile.origin(key).clone());
        self.lines.push(Line {
            key,
            risk,
            can,
            text: message.translated(self.translate),
            origin,
            denied: false,
        });
    }

    fn can(&mut self, key: &'static str, risk: Risk, message: &Message) {
        self.say(key, risk, true, message, None);
    }

    fn cannot(&mut self, key: &'static str, pattern: &'static str) {
        self.say(key, Risk::Contained, false, &Message::new(pattern), None);
    }

    fn option(&mut self, option: &'static Opt) {
        match (option.key, option.kind) {
            // What it is called and what it starts is no right.
            (_, Kind::Text | Kind::Command) => {}
            (key, Kind::Choice(choices)) => self.choice(key, choices),
            (key, Kind::Switch(risk)) => {
                if self.profile.value(key).as_bool() {
                    self.can(key, risk, &Message::new(option.summary));
                } else {
                    self.switched_off(key);
                }
            }
            (key, Kind::Paths(risk)) => self.paths(key, risk),
            (key, Kind::Devices) => self.devices(key),
            (key, Kind::Environment) => self.environment(key),
            ("limits.memory", _) => self.memory(),
            ("limits.processes", _) => self.processes(),
            (_, Kind::Number { .. }) => self.processor(),
            (key, Kind::Calls) => self.calls(key),
            (key, Kind::BusRules(bus, access)) => self.bus_rules(key, bus, access),
            (key, Kind::BusPresets) => self.bus_presets(key),
            (key, Kind::NetworkRules(verdict)) => self.network_rules(key, verdict),
            (key, Kind::Bridge) => self.zone(key),
            (key, Kind::OwnAddresses | Kind::Routers) => self.in_zone(key),
            (key, Kind::Size) => self.space(key),
        }
    }

    fn choice(&mut self, key: &'static str, choices: &[Choice]) {
        let value = self.profile.value(key);
        let Some(choice) = choices.iter().find(|choice| choice.value == value.as_text()) else {
            return;
        };
        if key == "network-rules.default" {
            return self.network_default(key, choice);
        }
        // What is contained is mostly something that it cannot do, but for what it has of its own.
        let own = matches!(
            (key, choice.value),
            ("files.root", _)
                | ("files.home", "private")
                | ("xserver", "isolated")
                | ("dbus", "session" | "system" | "both")
        );
        let can = own || choice.risk != Risk::Contained;
        self.say(key, choice.risk, can, &Message::new(choice.summary), None);
        match (key, choice.value) {
            ("walls", "light") => self.light(key),
            ("dbus", _) => self.silent_buses(key),
            ("network", "filtered") => self.filtered_network(key),
            _ => {}
        }
    }

    /// What only mounts and namespaces could keep from the app, and what it goes without for that.
    fn light(&mut self, key: &'static str) {
        for pattern in [
            N_(
                "The app can tell of every path whether something is there, how large it is and whose.",
            ),
            N_(
                "The app can see the names and the arguments of all programs that run on this computer, and the name of the computer.",
            ),
        ] {
            self.can(key, Risk::Partial, &Message::new(pattern));
        }
        self.cannot(key, N_("The app cannot use local sockets, and so no service of your session or of the system."));
        self.cannot(key, N_("The app cannot change the permissions, the owner or the time of any file, its own among them."));
    }

    fn calls(&mut self, key: &'static str) {
        self.cannot(key, N_("The app cannot make system calls that act on the whole computer."));
        for (name, origin) in self.profile.entries_with_origin(key) {
            let message =
                Message::new(N_("The app cannot make the system call {name}.")).with("name", name);
            self.say(key, Risk::Contained, false, &message, Some(origin.clone()));
        }
    }

    fn switched_off(&mut self, key: &'static str) {
        let cards = self.policy.devices.contains(&Device::Class("sound".to_owned()));
        let message = match key {
            "pulseaudio" if cards => N_("The app cannot reach the sound server."),
            "pulseaudio" => N_("The app cannot play sound or record from the microphone."),
            "user-namespaces" => N_("The app cannot build sandboxes of its own."),
            _ => return,
        };
        self.cannot(key, message);
    }

    fn paths(&mut self, key: &'static str, risk: Risk) {
        let access = match key {
            "files.bind" => Access::Bind,
            "files.bind-read-only" => Access::BindReadOnly,
            "files.cow" => Access::Cow,
            _ => Access::Restrict,
        };
        let rules: Vec<&PathRule> =
            self.policy.paths.iter().filter(|rule| rule.access == access).collect();
        for rule in &rules {
            let (risk, pattern) = self.rule(rule, risk);
            let message = Message::new(pattern).with("path", rule.path.to_string());
            let origin = self.origin_of_path(key, &rule.path);
            self.say(key, risk, access != Access::Restrict, &message, origin);
        }
        if !rules.is_empty() {
            return;
        }
        match access {
            Access::Bind if self.policy.home == Home::Direct => {
                self.cannot(key, N_("The app cannot change any file outside your home directory."));
            }
            Access::Bind => {
                self.cannot(key, N_("The app cannot change any file of yours or of the system."));
            }
            Access::BindReadOnly => {
                self.cannot(key, N_("The app is given no path that it can only read."));
            }
            Access::Cow => self.cannot(key, N_("The app is given no other path as a copy.")),
            Access::Restrict if self.policy.runas == RunAs::Root => {
                let pattern = N_(
                    "The app can read every file of the system that whoever builds the sandbox can read, mostly the administrator: no path is hidden.",
                );
                self.can(key, Risk::Partial, &Message::new(pattern));
            }
            Access::Restrict => {
                let pattern = N_(
                    "The app can read what every user may read of the system: no path is hidden.",
                );
                self.can(key, Risk::Contained, &Message::new(pattern));
            }
        }
    }

    /// How far one rule opens the sandbox, and its sentence.
    fn rule(&self, rule: &PathRule, risk: Risk) -> (Risk, &'static str) {
        let path = rule.path.as_path();
        let text = path.to_string_lossy();
        let service = path == "/tmp"
            || SERVICES.iter().any(|dir| path.starts_with(dir))
            || SESSION_SERVICES.iter().any(|start| text.starts_with(start));
        match rule.access {
            Access::Restrict if self.policy.walls == Walls::Light => {
                (Risk::Contained, N_("The app can open nothing of {path}."))
            }
            Access::Restrict => (Risk::Contained, N_("The app finds {path} empty.")),
            // A socket can be connected to wherever it is visible, read-only or not.
            _ if service => {
                (Risk::Open, N_("The app can reach services of the host through {path}."))
            }
            Access::Cow => (
                risk,
                N_(
                    "The app can read {path}, and change a copy of it that is dropped when it ends.",
                ),
            ),
            Access::BindReadOnly => (risk, N_("The app can read {path}.")),
            Access::Bind if self.starts_programs(rule) => (
                Risk::Open,
                N_("The app can read and change {path}, and through it what is started as you."),
            ),
            Access::Bind => (risk, N_("The app can read and change {path}.")),
        }
    }

    /// Whether who can write to the path decides what the person runs: because it holds a whole
    /// home directory, or a place from which programs are started.
    fn starts_programs(&self, rule: &PathRule) -> bool {
        let home = &self.context.home;
        rule.path.contains(home)
            || STARTED_FROM.iter().filter_map(|place| home.join(place).ok()).any(|place| {
                let masked = self.policy.paths.iter().any(|other| {
                    other.access != Access::Bind
                        && rule.path.contains(&other.path)
                        && other.path.contains(&place)
                });
                !masked && (rule.path.contains(&place) || place.contains(&rule.path))
            })
    }

    fn devices(&mut self, key: &'static str) {
        let devices = &self.policy.devices;
        if devices.is_empty() {
            self.cannot(
                key,
                N_("The app cannot use cameras, the graphics card or any other device."),
            );
        }
        for device in devices {
            let (name, risk, message) = match device {
                Device::Class(name) => {
                    let Some(class) = device_class(name) else { continue };
                    (name.clone(), class.risk, Message::new(class.summary))
                }
                Device::Path(path) => {
                    let name = path.to_string();
                    let message =
                        Message::new(N_("The app can use the device {path}.")).with("path", &name);
                    (name, Risk::Partial, message)
                }
            };
            let origin = self.origin_of(key, |text| text == name);
            self.say(key, risk, true, &message, origin);
        }
        // A device is nobody's file: there is no translating its owner.
        if !devices.is_empty() && self.policy.runas == RunAs::Root {
            let message = N_(
                "The app can use the devices that it is given with the rights of whoever builds the sandbox, mostly the administrator.",
            );
            self.can(key, Risk::Open, &Message::new(message));
        }
    }

    fn environment(&mut self, key: &'static str) {
        let variables = &self.policy.environment;
        if variables.is_empty() {
            self.cannot(key, N_("The app cannot see your environment variables, but for the few that every app gets."));
        }
        for variable in variables {
            let (risk, message) = match &variable.value {
                Some(value) => {
                    let message =
                        Message::new(N_("The app finds the variable {name} set to “{value}”."));
                    (Risk::Contained, message.with("value", value))
                }
                None => (
                    Risk::Partial,
                    Message::new(N_("The app can see your value of the variable {name}.")),
                ),
            };
            let origin = self.origin_of(key, |text| text.split('=').next() == Some(&variable.name));
            self.say(key, risk, true, &message.with("name", &variable.name), origin);
        }
    }

    fn space(&mut self, key: &'static str) {
        let limit = self.policy.limits.memory;
        let message = match self.policy.cow_size {
            // They are no copies, and a limit of those says nothing about them.
            _ if self.policy.walls == Walls::Light => Message::new(N_(
                "The app can fill the runtime directory of your session with temporary files.",
            )),
            0 if limit > 0 => Message::new(N_(
                "The app can fill up to half of its {size} of memory with changes and temporary files.",
            ))
            .with("size", human_size(limit)),
            0 => Message::new(N_(
                "The app can fill up to half of the memory with changes and temporary files.",
            )),
            size => {
                Message::new(N_("The app can write at most {size} of changes and temporary files."))
                    .with("size", human_size(size))
            }
        };
        self.can(key, Risk::Contained, &message);
    }

    fn memory(&mut self) {
        let message = match self.policy.limits.memory {
            0 => Message::new(N_("The app can use as much memory as any program of yours.")),
            size => Message::new(N_(
                "The app can use at most {size} of memory, its changes and temporary files among it; it is ended when that is not enough.",
            ))
            .with("size", human_size(size)),
        };
        self.can("limits.memory", Risk::Contained, &message);
    }

    fn processes(&mut self) {
        let message = match self.policy.limits.processes {
            0 => Message::new(N_("The app can start as many processes as you may.")),
            number => Message::new(N_(
                "The app can have at most {number} processes and threads at a time.",
            ))
            .with("number", number.to_string()),
        };
        self.can("limits.processes", Risk::Contained, &message);
    }

    fn processor(&mut self) {
        let message = match self.policy.limits.cpu_weight {
            Limits::EVEN => Message::new(N_("The app shares the processor evenly with others.")),
            weight => Message::new(N_(
                "The app shares a busy processor with a weight of {weight} where others have 100.",
            ))
            .with("weight", weight.to_string()),
        };
        self.can("limits.cpu-weight", Risk::Contained, &message);
    }

    /// Where an entry of a list comes from: a launch may have added to what a file names.
    fn origin_of(&self, key: &str, same: impl Fn(&str) -> bool) -> Option<Origin> {
        let entries = self.profile.entries_with_origin(key);
        entries.into_iter().find(|(text, _)| same(text)).map(|(_, origin)| origin.clone())
    }

    fn origin_of_path(&self, key: &str, path: &AbsPath) -> Option<Origin> {
        self.origin_of(key, |text| {
            value::path(key, text, self.context).is_ok_and(|named| named == *path)
        })
    }
}
