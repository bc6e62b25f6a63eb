//! Holding what is asked for against what is allowed.

use crate::caps::{Caps, Closed};
use crate::devices::{cover, cover_opened};
use crate::file::PATH;
use crate::keys::{
    ACTIONS, BIND_ROOTS, DEVICES, KEYS, Key, Kind, MAX_MEMORY, MAX_PROCESSES, NETWORK, OFF_LIMITS,
    RUNAS_ROOT, ZONES,
};
use crate::parse::{Setting, Value};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::size::human_size;
use arkose_profile::{AbsPath, Device, Network, Place, Policy, RunAs};
use std::path::Path;

/// Which of polkit's two actions the helper was started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To run an app as the caller.
    Launch,
    /// To run an app as root of its sandbox.
    Admin,
}

/// Something that the administrator does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The key that forbids it; empty where it is not one key.
    pub key: &'static str,
    /// Where that key stands.
    pub place: Option<Place>,
    pub(crate) message: Message,
}

impl Denied {
    /// The sentence, with the file and the line.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }
}

/// Whether a list of buses has the session's, or the system's.
pub(crate) fn allows_bus(words: &[&str], session: bool) -> bool {
    words.contains(&"both") || words.contains(&if session { "session" } else { "system" })
}

/// Whether a list of networks has that one, or one that reaches all that it reaches.
fn allows_network(words: &[&str], network: Network) -> bool {
    match network {
        Network::None => true,
        Network::Filtered => words.contains(&"filtered") || words.contains(&"direct"),
        Network::Direct => words.contains(&"direct"),
    }
}

/// What of a policy is not allowed by these caps, or without any.
#[must_use]
pub fn judge(caps: Option<&Caps>, policy: &Policy, action: Option<Action>) -> Vec<Denied> {
    match caps {
        Some(caps) => caps.judge(policy, action),
        None => judge_zone(None, policy).into_iter().collect(),
    }
}

/// Bridges are the administrator's: a network that is not named is joined by nobody.
fn judge_zone(caps: Option<&Caps>, policy: &Policy) -> Option<Denied> {
    let bridge = policy.zone.as_ref()?.bridge();
    let setting = caps.and_then(|caps| caps.section.get(ZONES));
    if let Some(Setting { value: Value::Bridges(allowed), .. }) = setting
        && allowed.contains(bridge)
    {
        return None;
    }
    let message = N_(
        "the administrator has not allowed to join apps to the network bridge “{bridge}”; zones = [\"{bridge}\"] below [default] in {file} would",
    );
    let message = Message::new(message).with("bridge", bridge.as_str()).with("file", PATH);
    Some(Denied { key: ZONES, place: setting.map(|setting| setting.place), message })
}

impl Caps {
    /// What of a policy is not allowed; `action` is what the helper is asked for, where it is.
    #[must_use]
    pub fn judge(&self, policy: &Policy, action: Option<Action>) -> Vec<Denied> {
        KEYS.iter()
            .filter_map(|key| self.section.get(key.name).map(|setting| (key, setting)))
            .flat_map(|(key, setting)| self.judge_key(key, setting, policy, action))
            .chain(judge_zone(Some(self), policy))
            .collect()
    }

    fn judge_key(
        &self,
        key: &Key,
        setting: &Setting,
        policy: &Policy,
        action: Option<Action>,
    ) -> Vec<Denied> {
        let no = |value: &str, allowed: &str| vec![denied(key, setting.place, value, allowed)];
        match (&setting.value, key.name) {
            (Value::Words(words), ACTIONS) => {
                let asked = action.map(|action| match action {
                    Action::Launch => "launch",
                    Action::Admin => "admin",
                });
                match asked.filter(|asked| !words.contains(asked)) {
                    Some(asked) => vec![denied_action(setting.place, asked)],
                    None => Vec::new(),
                }
            }
            (Value::Words(words), _) => {
                let value = choice(policy, key.name);
                let always = key.words().first().copied();
                let allowed = match value {
                    _ if key.name == NETWORK => allows_network(words, policy.network),
                    "both" => allows_bus(words, true) && allows_bus(words, false),
                    "session" | "system" => allows_bus(words, value == "session"),
                    value => Some(value) == always || words.contains(&value),
                };
                let mut list = words.clone();
                if list.is_empty() {
                    list.extend(always);
                }
                if allowed { Vec::new() } else { no(value, &list.join(", ")) }
            }
            (Value::Switch(false), RUNAS_ROOT) if policy.runas == RunAs::Root => no("root", "user"),
            (Value::Switch(false), "pulseaudio") if policy.pulseaudio => no("true", "false"),
            (Value::Switch(false), "user-namespaces") if policy.user_namespaces => {
                no("true", "false")
            }
            (Value::Devices(allowed), DEVICES) => {
                let refused = policy.devices.iter().filter(|device| !cover(allowed, device));
                refused.map(|device| denied_device(setting.place, &name_of(device))).collect()
            }
            (Value::Most(most), name) if *most > 0 => {
                let (asked, shown): (u64, fn(u64) -> String) = match name {
                    MAX_MEMORY => (policy.limits.memory, human_size),
                    MAX_PROCESSES => (policy.limits.processes.into(), |count| count.to_string()),
                    _ => (policy.cow_size, human_size),
                };
                // None at all is more than any.
                let within = (1..=*most).contains(&asked);
                if within { Vec::new() } else { no(&shown(asked), &shown(*most)) }
            }
            _ => Vec::new(),
        }
    }

    /// Whether a device may be granted, by the name that a profile has for it.
    #[cfg(feature = "explain")]
    pub(crate) fn may_ask_for(&self, device: &Device) -> bool {
        match self.section.get(DEVICES) {
            Some(Setting { value: Value::Devices(allowed), .. }) => cover(allowed, device),
            _ => true,
        }
    }

    /// Whether anything that lies at that real place may be reached at all.
    ///
    /// # Errors
    /// When it is off limits.
    pub fn may_reach(&self, real: &AbsPath) -> Result<(), Denied> {
        self.refuse_closed(real, |closed| closed.key == OFF_LIMITS)
    }

    /// Whether what lies at that real place may be bound, copied or given as a home.
    ///
    /// # Errors
    /// When it is off limits, or outside the roots.
    pub fn may_grant(&self, real: &AbsPath) -> Result<(), Denied> {
        self.refuse_closed(real, |_| true)?;
        let Some((roots, place)) = &self.roots else { return Ok(()) };
        if roots.iter().any(|root| root.contains(real)) {
            return Ok(());
        }
        let message = N_(
            "the administrator lets sandboxes reach only what lies in {roots} ({file}:{line}:{column})",
        );
        let roots: Vec<_> = roots.iter().map(ToString::to_string).collect();
        let message = at(Message::new(message), *place).with("roots", roots.join(", "));
        Err(Denied { key: BIND_ROOTS, place: Some(*place), message })
    }

    /// Whether what lies at that real place may be a private home: where Arkose keeps them, it may
    /// whatever the roots are.
    ///
    /// # Errors
    /// As for [`may_grant`](Self::may_grant).
    pub fn may_be_private_home(&self, real: &AbsPath) -> Result<(), Denied> {
        match &self.private_homes {
            Some(homes) if homes.contains(real) && homes != real => self.may_reach(real),
            _ => self.may_grant(real),
        }
    }

    /// Whether a device that was opened at that real place may be granted.
    ///
    /// # Errors
    /// When it is off limits, or not among the devices.
    pub fn may_use(&self, real: &AbsPath) -> Result<(), Denied> {
        self.may_reach(real)?;
        match self.section.get(DEVICES) {
            Some(Setting { value: Value::Devices(allowed), place })
                if !cover_opened(allowed, real) =>
            {
                Err(denied_device(*place, &real.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// What is closed strictly below a real place, relative to it; parents come before children.
    #[must_use]
    pub fn closed_below<'a>(&'a self, real: &AbsPath) -> Vec<&'a Path> {
        let rest = |closed: &'a Closed| closed.path.as_path().strip_prefix(real).ok();
        let below = self.closed.iter().filter_map(rest).filter(|rest| !rest.as_os_str().is_empty());
        let mut below: Vec<_> = below.collect();
        below.sort();
        below.dedup();
        below
    }

    fn refuse_closed(
        &self,
        real: &AbsPath,
        counts: impl Fn(&Closed) -> bool,
    ) -> Result<(), Denied> {
        let mut closed = self.closed.iter().filter(|closed| counts(closed));
        let Some(closed) = closed.find(|closed| closed.path.contains(real)) else { return Ok(()) };
        let message = match closed.key {
            OFF_LIMITS => Message::new(N_(
                "the administrator lets no sandbox reach “{path}” ({file}:{line}:{column})",
            )),
            key => Message::new(N_(
                "services listen in “{path}” that “{key}” does not allow ({file}:{line}:{column})",
            ))
            .with("key", key),
        };
        let message = at(message, closed.place).with("path", &closed.shown);
        Err(Denied { key: closed.key, place: Some(closed.place), message })
    }
}

/// The value of the policy that a key caps.
fn choice(policy: &Policy, key: &str) -> &'static str {
    match key {
        NETWORK => policy.network.as_str(),
        "xserver" => policy.xserver.as_str(),
        "wayland" => policy.wayland.as_str(),
        "dbus" => policy.dbus.as_str(),
        _ => policy.home.as_str(),
    }
}

fn name_of(device: &Device) -> String {
    match device {
        Device::Class(name) => name.clone(),
        Device::Path(path) => path.to_string(),
    }
}

fn at(message: Message, place: Place) -> Message {
    let message = message.with("file", PATH).with("line", place.line.to_string());
    message.with("column", place.column.to_string())
}

fn denied(key: &Key, place: Place, value: &str, allowed: &str) -> Denied {
    let pattern = match key.kind {
        Kind::Size | Kind::Count => N_(
            "the administrator does not allow “{option} = {value}”: “{key}” is {allowed} ({file}:{line}:{column})",
        ),
        _ => N_(
            "the administrator does not allow “{option} = {value}”, only: {allowed} ({file}:{line}:{column})",
        ),
    };
    let message = Message::new(pattern).with("option", key.option).with("key", key.name);
    let message = at(message.with("value", value).with("allowed", allowed), place);
    Denied { key: key.name, place: Some(place), message }
}

fn denied_device(place: Place, device: &str) -> Denied {
    let message =
        N_("the administrator does not allow the device “{device}” ({file}:{line}:{column})");
    let message = at(Message::new(message).with("device", device), place);
    Denied { key: DEVICES, place: Some(place), message }
}

fn denied_action(place: Place, action: &str) -> Denied {
    let message = match action {
        "admin" => N_(
            "the administrator does not let you ask for sandboxes with an app that runs as root ({file}:{line}:{column})",
        ),
        _ => N_(
            "the administrator does not let you ask the helper for sandboxes ({file}:{line}:{column})",
        ),
    };
    Denied { key: ACTIONS, place: Some(place), message: at(Message::new(message), place) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_allowed_by_each_that_reaches_more() {
        let allowed = |words: &[&str]| {
            [Network::None, Network::Filtered, Network::Direct]
                .map(|one| allows_network(words, one))
        };
        assert_eq!(allowed(&[]), [true, false, false]);
        assert_eq!(allowed(&["none"]), [true, false, false]);
        assert_eq!(allowed(&["filtered"]), [true, true, false]);
        assert_eq!(allowed(&["direct"]), [true, true, true]);
        assert_eq!(allowed(&["none", "filtered", "direct"]), [true, true, true]);
    }
}
