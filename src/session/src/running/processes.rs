//! What runs in a sandbox, by `/proc`: every process that descends from the sandbox's first one, which
//! collects those whose parents have ended.

use crate::facts::Facts;
use arkose_profile::Walls;
use nix::unistd::{SysconfVar, sysconf};
use std::collections::HashMap;
use std::time::Duration;

/// One process (proc_pid_stat(5)).
#[derive(Debug, Clone)]
pub struct Process {
    /// Its id, outside.
    pub pid: i32,
    /// Its parent's.
    pub parent: i32,
    /// What it calls itself; from inside.
    pub name: String,
    /// Its state, as the letter of `/proc`.
    pub state: char,
    /// Resident memory, in bytes; what it shares with others counts.
    pub memory: u64,
    /// Processor time that it and its ended children have used.
    pub cpu: Duration,
}

/// Every process that can be seen at one moment.
#[derive(Debug)]
pub struct Processes {
    by_parent: HashMap<i32, Vec<Process>>,
}

impl Processes {
    /// Looks at all of them once, for any number of sandboxes.
    #[must_use]
    pub fn now() -> Self {
        let mut by_parent: HashMap<i32, Vec<Process>> = HashMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(process) = pid.and_then(Process::read) {
                by_parent.entry(process.parent).or_default().push(process);
            }
        }
        by_parent.values_mut().for_each(|children| children.sort_by_key(|child| child.pid));
        Self { by_parent }
    }

    /// Those of a sandbox but for its first one, and how deep each is below that; parents come before
    /// their children.
    #[must_use]
    pub fn of(&self, sandbox: &Facts) -> Vec<(usize, &Process)> {
        let mut found = Vec::new();
        // An id may be another's by now.
        if !Process::is_first(sandbox) {
            return found;
        }
        if sandbox.walls == Walls::Light.as_str() {
            // A second process of ours stands between the first one and the app.
            for child in self.by_parent.get(&sandbox.first).into_iter().flatten() {
                self.collect(child.pid, 0, &mut found);
            }
        } else {
            self.collect(sandbox.first, 0, &mut found);
        }
        found
    }

    /// Those that descend from a process, parents before their children.
    pub(crate) fn below(&self, first: i32) -> Vec<&Process> {
        let mut found = Vec::new();
        self.collect(first, 0, &mut found);
        found.into_iter().map(|(_, process)| process).collect()
    }

    fn collect<'a>(&'a self, parent: i32, depth: usize, found: &mut Vec<(usize, &'a Process)>) {
        // Deeper than any real one; /proc is read while it changes.
        if depth > 1000 {
            return;
        }
        for child in self.by_parent.get(&parent).into_iter().flatten() {
            found.push((depth, child));
            self.collect(child.pid, depth + 1, found);
        }
    }
}

impl Process {
    /// The process with that id.
    #[must_use]
    pub fn read(pid: i32) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold anything, parentheses too; it is at most 64 bytes.
        let stat = String::from_utf8_lossy(&stat);
        let (name, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
        let ticks: u64 = (11..15).filter_map(number).sum();
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            name: name.split_once('(')?.1.to_owned(),
            state: fields.first()?.chars().next()?,
            memory: number(21)?.saturating_mul(system(SysconfVar::PAGE_SIZE, 4096)),
            cpu: Duration::from_millis(
                ticks.saturating_mul(1000) / system(SysconfVar::CLK_TCK, 100).max(1),
            ),
        })
    }

    /// Its program and arguments, NUL after each; nothing for one that cannot be looked into or has
    /// ended. A process can write anything there.
    #[must_use]
    pub fn command_line(&self) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default()
    }

    /// Whether it waits to be continued.
    pub(super) fn is_stopped(pid: i32) -> bool {
        Self::read(pid).is_some_and(|process| process.state == 'T')
    }

    /// Whether it has not ended.
    pub(super) fn runs(pid: i32) -> bool {
        Self::read(pid).is_some_and(|process| !matches!(process.state, 'Z' | 'X'))
    }

    /// Whether the first process of a sandbox has not ended; when its parent collects it is not ours
    /// to say. It is the first of a pid namespace below ours, or a child of the supervisor. A warden whose
    /// supervisor was killed has nothing left to be known by but its name.
    pub(super) fn is_first(sandbox: &Facts) -> bool {
        let path = format!("/proc/{}/status", sandbox.first);
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = |name| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let nested = line("NSpid:").unwrap_or_default().split_whitespace().skip(1).last();
        let ours = line("PPid:") == Some(&sandbox.supervisor.to_string());
        let ended = line("State:").is_none_or(|state| state.starts_with(['Z', 'X']));
        let warden =
            sandbox.walls == Walls::Light.as_str() && line("Name:") == Some("arkose-warden");
        !ended && (ours || nested == Some("1") || warden)
    }
}

fn system(variable: SysconfVar, usual: u64) -> u64 {
    let value = sysconf(variable).ok().flatten();
    value.and_then(|value| u64::try_from(value).ok()).unwrap_or(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen_below_its_parent() {
        let own = std::process::id().cast_signed();
        let process = Process::read(own).unwrap();
        assert!(process.memory > 100_000, "{process:?}");
        assert!(Processes::now().by_parent[&process.parent].iter().any(|one| one.pid == own));
    }
}
