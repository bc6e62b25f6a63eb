//! What the processes of a control group use, and which of its limits they have met.

use super::group::{Group, read};
use super::hierarchy;
use arkose_protocol::Struck;
use std::time::Duration;

/// What a sandbox uses at one moment; what the kernel does not tell is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// The most that it has been.
    pub memory_peak: Option<u64>,
    /// Processes and threads, the sandbox's first among them.
    pub processes: Option<u64>,
    /// Processor time of all of them since the launch, also of those that have ended.
    pub processor: Option<Duration>,
}

impl Usage {
    /// What a sandbox with limits uses, by its first process as it is seen from here; nothing when it
    /// is in no control group of its own.
    #[must_use]
    pub fn of(first: i32) -> Option<Self> {
        let groups = hierarchy::groups_of(first);
        let read = |name: &str| {
            let mut texts = groups.iter().map(|group| std::fs::read_to_string(group.join(name)));
            texts.find_map(Result::ok)
        };
        let number = |names: [&str; 2]| {
            names.into_iter().find_map(|name| read(name)?.trim().parse::<u64>().ok())
        };
        let used = || read("cpu.stat").and_then(|text| field(&text, "usage_usec"));
        (!groups.is_empty()).then(|| Self {
            memory: number(["memory.current", "memory.usage_in_bytes"]),
            memory_peak: number(["memory.peak", "memory.max_usage_in_bytes"]),
            processes: number(["pids.current", "pids.current"]),
            processor: used().map(Duration::from_micros),
        })
    }
}

impl Group {
    /// Which limits were met; it can be asked until the group is removed.
    #[must_use]
    pub fn struck(&self) -> Struck {
        let any = |names: &[&str], event: &str| {
            let mut texts = names.iter().flat_map(|name| self.each(name));
            texts.any(|text| field(&text, event).is_some_and(|count| count > 0))
        };
        Struck {
            memory: any(&["memory.events", "memory.oom_control"], "oom_kill"),
            processes: any(&["pids.events"], "max"),
        }
    }

    /// That file of every hierarchy; of the inner directories as well, for some kernels count an
    /// event where the process was and others where the limit is.
    fn each<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        let directories = self.0.iter().flat_map(|part| [&part.outer, &part.inner]);
        directories.filter_map(move |directory| read(directory, name))
    }
}

/// The number behind a word, in lines of `WORD NUMBER`.
fn field(text: &str, word: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == word)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "low 0\nmax 12\noom 3\noom_kill 1\noom_group_kill 0\n";
        assert_eq!(field(text, "oom_kill"), Some(1));
        assert_eq!(field(text, "oom"), Some(3));
        assert_eq!(field(text, "kill"), None);
        assert_eq!(field("max\nmax x", "max"), None);
    }
}
