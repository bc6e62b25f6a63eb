//! What is asked of the network of a running sandbox, where it is filtered: what went where, and which rules
//! hold; and other rules for it.

use super::Running;
use super::processes::Process;
use super::talk::Talk;
use crate::network::ask_file;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::net::{Change, Rule, Rules, Verdict};
use arkose_profile::text::visible;
use serde_json::{Value, json};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

pub use crate::network::{Destination, Families, Sum, Traffic};

/// How long a supervisor may take to answer: many rules take a while to be loaded.
const ANSWER: Duration = Duration::from_secs(20);

/// Why the network of a sandbox gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Its network is not filtered.
    NotFiltered,
    /// A service of this computer can be reached only when the launch has a rule for one.
    HostAtLaunch,
    /// There is no such rule that could go.
    Missing(String),
    /// Its supervisor says nothing.
    Silent,
    /// Nobody counts what goes where.
    NotCounted,
    /// Something else, in the words of who could not do it.
    Failed(String),
}

impl NoAnswer {
    /// The sentence.
    #[must_use]
    pub fn message(&self) -> Message {
        match self {
            Self::NotFiltered => Message::new(N_(
                "the network of this app is not filtered: it has no rules, and what goes where is not counted",
            )),
            Self::HostAtLaunch => Message::new(N_(
                "services of this computer can be opened to a running app only if a rule of its launch opened one",
            )),
            Self::Missing(rule) => {
                Message::new(N_("no rule “{rule}” holds, and nothing was changed"))
                    .with("rule", rule)
            }
            Self::Silent => Message::new(N_("the sandbox does not answer")),
            Self::NotCounted => Message::new(N_("what the app sends is not counted here")),
            Self::Failed(why) => {
                Message::new(N_("the rules were not changed: {why}")).with("why", why)
            }
        }
    }

    /// What is wrong by the words of an answer.
    fn of(answer: &Value) -> Option<Self> {
        let why = answer.get("error")?.as_str().unwrap_or_default();
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(match text("code") {
            "not-filtered" => Self::NotFiltered,
            "host-at-launch" => Self::HostAtLaunch,
            "missing" => Self::Missing(visible(text("rule").as_bytes())),
            _ => Self::Failed(visible(why.as_bytes())),
        })
    }
}

impl Running {
    /// What its app sent where, and received.
    ///
    /// # Errors
    /// When that is not known.
    pub fn traffic(&self) -> Result<Traffic, NoAnswer> {
        let mut talk = self.ask_network(&json!({ "ask": "traffic" }), None)?;
        let answer = answer(&mut talk)?;
        answer.get("traffic").and_then(Traffic::read).ok_or(NoAnswer::NotCounted)
    }

    /// The rules that hold for it now.
    ///
    /// # Errors
    /// When there are none.
    pub fn rules(&self) -> Result<Rules, NoAnswer> {
        let mut talk = self.ask_network(&json!({ "ask": "rules" }), None)?;
        let mut rules = Rules::default();
        loop {
            let part = answer(&mut talk)?;
            let verdict = part.get("default").and_then(Value::as_str).and_then(Verdict::parse);
            rules.default = verdict.ok_or(NoAnswer::Silent)?;
            let list = part.get("list").cloned().unwrap_or_default();
            let list: Vec<Rule> = serde_json::from_value(list).map_err(|_| NoAnswer::Silent)?;
            rules.list.extend(list);
            if part.get("more").and_then(Value::as_bool) != Some(true) {
                return Ok(rules);
            }
        }
    }

    /// Changes them, until it ends: what was let through and is refused now is cut off.
    ///
    /// # Errors
    /// When nothing was changed.
    pub fn change_rules(&self, change: &Change) -> Result<(), NoAnswer> {
        let file = ask_file(change).map_err(|error| NoAnswer::Failed(error.to_string()))?;
        let mut talk = self.ask_network(&json!({ "ask": "change-rules" }), Some(&file))?;
        answer(&mut talk).map(drop)
    }

    fn ask_network(&self, request: &Value, file: Option<&OwnedFd>) -> Result<Talk, NoAnswer> {
        if Process::is_stopped(self.facts.supervisor) {
            return Err(NoAnswer::Silent);
        }
        self.ask(request, file.map(OwnedFd::as_fd)).map_err(|_| NoAnswer::Silent)
    }
}

fn answer(talk: &mut Talk) -> Result<Value, NoAnswer> {
    let answer = talk.line(Instant::now() + ANSWER).ok_or(NoAnswer::Silent)?;
    NoAnswer::of(&answer).map_or(Ok(answer), Err)
}
