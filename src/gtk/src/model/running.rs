//! The sandboxes that run, as the window shows them: read from the registry, by whoever started them.

use arkose_profile::options::Risk;
use arkose_profile::text::visible;
use arkose_session::host::Host;
use arkose_session::running::{self, Processes};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long an app may take to end that is asked to.
const GRACE: Duration = Duration::from_secs(5);

/// A sandbox at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// What the app is called.
    pub name: String,
    /// The stored profile that it was launched from.
    pub profile: Option<String>,
    /// What was started.
    pub command: String,
    /// Milliseconds since the beginning of 1970.
    pub since: u64,
    /// How long it has run.
    pub elapsed: Duration,
    /// What its processes hold in memory, in bytes.
    pub memory: u64,
    /// Processor time since its start.
    pub processor: Duration,
    /// How many processes there are.
    pub processes: usize,
    /// Whether root has built it.
    pub by_root: bool,
    /// Whether its walls are light ones.
    pub light: bool,
}

/// Every one that runs, the oldest first. It reads files, and is no work for the main loop.
#[must_use]
pub fn all() -> Vec<Seen> {
    let running = running::list(&Host::current());
    if running.is_empty() {
        return Vec::new();
    }
    let processes = Processes::now();
    running.iter().map(|one| seen(one, &processes)).collect()
}

fn seen(one: &running::Running, processes: &Processes) -> Seen {
    let facts = &one.facts;
    let inside = processes.of(facts);
    // A control group counts better: what is shared once, and those that have ended.
    let usage = one.usage().unwrap_or_default();
    let memory = || inside.iter().map(|(_, process)| process.memory).sum();
    let processor = || inside.iter().map(|(_, process)| process.cpu).sum();
    let words: Vec<_> = facts.command.iter().map(|word| visible(word.as_bytes())).collect();
    Seen {
        id: facts.id.clone(),
        name: visible(facts.name.as_bytes()),
        profile: facts.profile.clone().filter(|_| facts.stored),
        command: words.join(" "),
        since: facts.since,
        elapsed: one.elapsed(),
        memory: usage.memory.unwrap_or_else(memory),
        processor: usage.processor.unwrap_or_else(processor),
        processes: inside.len(),
        by_root: facts.way == "helper",
        light: facts.walls == arkose_profile::Walls::Light.as_str(),
    }
}

/// What an app may reach: whether it can, how open that is, and the sentence.
pub type Reach = Vec<(bool, Risk, String)>;

/// What the supervisor of a sandbox says that the app may reach; nothing when it does not answer.
#[must_use]
pub fn reach(id: &str) -> Option<(Risk, Reach)> {
    let told = running::find(&Host::current(), id).ok()?.about()?;
    let policy = told.get("policy")?;
    let risk = |value: &serde_json::Value, key: &str| {
        let word = value.get(key)?.as_str()?;
        [Risk::Contained, Risk::Partial, Risk::Open].into_iter().find(|risk| risk.word() == word)
    };
    let line = |line: &serde_json::Value| {
        let text = visible(line.get("text")?.as_str()?.as_bytes());
        Some((line.get("can")?.as_bool()?, risk(line, "risk")?, text))
    };
    let mut lines: Reach = policy.get("lines")?.as_array()?.iter().filter_map(line).collect();
    lines.sort_by_key(|(can, risk, _)| std::cmp::Reverse((*can, *risk)));
    Some((risk(policy, "level")?, lines))
}

/// A socket from which its log of the message buses comes.
///
/// # Errors
/// When it has ended, or does not answer.
pub fn log(id: &str, all: bool) -> io::Result<OwnedFd> {
    let one = running::find(&Host::current(), id).map_err(|_| io::ErrorKind::NotFound)?;
    one.log_socket(true, all).map_err(io::Error::other)
}

/// Ends one and waits until it is gone; one that has ended already is no mistake.
///
/// # Errors
/// When it does not end.
pub fn stop(id: &str) -> Result<(), arkose_session::LaunchError> {
    match running::find(&Host::current(), id) {
        Ok(one) => one.stop(GRACE)?.wait(),
        Err(_) => Ok(()),
    }
}

/// Hours, minutes and seconds.
#[must_use]
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How much of one processor was used between two moments, in per cent.
#[must_use]
pub fn share(before: &Seen, now: &Seen) -> u64 {
    let used = now.processor.saturating_sub(before.processor).as_millis();
    let passed = now.elapsed.saturating_sub(before.elapsed).as_millis().max(1);
    u64::try_from(used * 100 / passed).unwrap_or(u64::MAX)
}
