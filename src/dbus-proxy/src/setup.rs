//! What a proxy is to do: which buses, reached where, by which rules.
//!
//! It comes as options, named as those of `xdg-dbus-proxy`, or as the supervisor's first line of JSON.

use crate::events::Detail;
use crate::filter::Policy;
use arkose_profile::bus::{Access, Rule, Rules};
use serde::Deserialize;
use std::path::PathBuf;
use std::rc::Rc;
use thiserror::Error;

/// One bus.
#[derive(Debug)]
pub struct Bus {
    /// What is allowed there.
    pub policy: Rc<Policy>,
    /// Its address, as `unix:path=/run/dbus/system_bus_socket`.
    pub upstream: String,
    /// The socket to be made for apps.
    pub listen: PathBuf,
}

/// All of it.
#[derive(Debug)]
pub struct Setup {
    /// The buses.
    pub buses: Vec<Bus>,
    /// What is told.
    pub detail: Detail,
    /// The text of `/.flatpak-info`, by which portals know a confined app.
    pub identity: Option<String>,
    /// The number of a descriptor that says when to end, from `--fd`.
    pub ready_fd: Option<i32>,
    /// Whether the supervisor is at descriptor 0.
    pub control: bool,
}

/// Why a setup cannot be used.
#[derive(Debug, Error)]
pub enum BadSetup {
    /// The options.
    #[error("{0}: see the options of xdg-dbus-proxy")]
    Option(String),
    /// A rule.
    #[error("the rule {0}: {1}")]
    Rule(String, String),
    /// The supervisor's line.
    #[error("the first line is not what a supervisor says: {0}")]
    Line(#[from] serde_json::Error),
}

/// How the supervisor says it.
#[derive(Deserialize)]
struct Line {
    log: Option<Log>,
    identity: Option<String>,
    buses: Vec<BusLine>,
}

/// What a supervisor wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    /// What was refused or asked.
    Denied,
    /// Everything.
    All,
}

impl Log {
    pub(crate) fn detail(self) -> Detail {
        match self {
            Self::Denied => Detail::Denied,
            Self::All => Detail::All,
        }
    }
}

#[derive(Deserialize)]
struct BusLine {
    bus: String,
    upstream: String,
    listen: PathBuf,
    rules: Vec<RuleLine>,
}

#[derive(Deserialize)]
struct RuleLine {
    access: Access,
    rule: String,
}

fn rule(access: Access, text: &str) -> Result<Rule, BadSetup> {
    Rule::parse(access, text)
        .map_err(|error| BadSetup::Rule(format!("{access} {text}"), error.to_string()))
}

impl Setup {
    /// Reads the supervisor's line.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_line(line: &[u8]) -> Result<Self, BadSetup> {
        let line: Line = serde_json::from_slice(line)?;
        let mut buses = Vec::new();
        for bus in line.buses {
            let rules: Result<Vec<Rule>, BadSetup> =
                bus.rules.iter().map(|one| rule(one.access, &one.rule)).collect();
            // There every app is known by its unique name alone.
            let sloppy_names = bus.bus == "accessibility";
            let policy = Policy { bus: bus.bus, rules: Rules::new(rules?), sloppy_names };
            buses.push(Bus { policy: Rc::new(policy), upstream: bus.upstream, listen: bus.listen });
        }
        let detail = line.log.unwrap_or(Log::Denied).detail();
        Ok(Self { buses, detail, identity: line.identity, ready_fd: None, control: true })
    }

    /// Reads options.
    ///
    /// # Errors
    /// When they are none, with the one that is wrong.
    pub fn from_options(options: impl Iterator<Item = String>) -> Result<Self, BadSetup> {
        let mut setup = Self {
            buses: Vec::new(),
            detail: Detail::Nothing,
            identity: None,
            ready_fd: None,
            control: false,
        };
        let mut current: Option<Draft> = None;
        let mut options = options.peekable();
        while let Some(option) = options.next() {
            if let Some(fd) = option.strip_prefix("--fd=") {
                setup.ready_fd = Some(fd.parse().map_err(|_| BadSetup::Option(option.clone()))?);
            } else if option.starts_with("--") {
                let Some(draft) = &mut current else { return Err(BadSetup::Option(option)) };
                if option == "--log" {
                    setup.detail = Detail::All;
                } else {
                    draft.option(&option)?;
                }
            } else {
                let listen = options.next().ok_or_else(|| BadSetup::Option(option.clone()))?;
                setup.buses.extend(current.take().map(Draft::finished));
                current = Some(Draft::new(option, listen.into()));
            }
        }
        setup.buses.extend(current.map(Draft::finished));
        if setup.buses.is_empty() {
            return Err(BadSetup::Option("ADDRESS and PATH are missing".to_owned()));
        }
        Ok(setup)
    }
}

/// A bus whose options are read.
struct Draft {
    upstream: String,
    listen: PathBuf,
    filter: bool,
    sloppy_names: bool,
    rules: Vec<Rule>,
}

impl Draft {
    fn new(upstream: String, listen: PathBuf) -> Self {
        Self { upstream, listen, filter: false, sloppy_names: false, rules: Vec::new() }
    }

    fn option(&mut self, option: &str) -> Result<(), BadSetup> {
        match option {
            "--filter" => self.filter = true,
            "--sloppy-names" => self.sloppy_names = true,
            _ => {
                let wrong = || BadSetup::Option(option.to_owned());
                let rest = option.strip_prefix("--").ok_or_else(wrong)?;
                let (access, text) = rest.split_once('=').ok_or_else(wrong)?;
                self.rules.push(rule(Access::parse(access).ok_or_else(wrong)?, text)?);
            }
        }
        Ok(())
    }

    fn finished(self) -> Bus {
        let mut rules = self.rules;
        if !self.filter {
            // As without a filter: all but listening to others.
            rules.retain(|rule| rule.access == Access::Deny);
            rules.extend(Rule::parse(Access::Own, "*"));
        }
        let policy = Policy {
            bus: "session".to_owned(),
            rules: Rules::new(rules),
            sloppy_names: self.sloppy_names,
        };
        Bus { policy: Rc::new(policy), upstream: self.upstream, listen: self.listen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(list: &[&str]) -> Result<Setup, BadSetup> {
        Setup::from_options(list.iter().map(|text| (*text).to_owned()))
    }

    #[test]
    fn the_words_of_xdg_dbus_proxy_are_understood() {
        let setup = options(&[
            "--fd=3",
            "unix:path=/a",
            "/b",
            "--filter",
            "--talk=org.a.*",
            "--call=org.b.B=*@/x",
            "unix:path=/c",
            "/d",
        ])
        .unwrap();
        assert_eq!((setup.ready_fd, setup.buses.len()), (Some(3), 2));
        assert_eq!(setup.buses[0].policy.rules.iter().count(), 2);
        assert!(setup.buses[1].policy.rules.owns("org.x.Y"));
        for wrong in [
            &["--talk=org.a.A"][..],
            &["unix:path=/a"],
            &["a", "b", "--talk=?"],
            &["a", "b", "--x"],
            &[],
        ] {
            assert!(options(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_supervisors_line_is_understood() {
        let line = br#"{"app":"A","id":"x","profile":"p","log":"all","buses":[{"bus":"session",
            "upstream":"unix:path=/a","listen":"/b","rules":[{"access":"talk","rule":"org.a.A"}]}]}"#;
        let setup = Setup::from_line(line).unwrap();
        assert!(setup.control && setup.detail == Detail::All && setup.identity.is_none());
        assert!(setup.buses[0].policy.rules.talks(std::iter::once("org.a.A")));
    }
}
