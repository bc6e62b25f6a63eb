//! What the processes of a control group use, and which of its limits they have met.

use super::group::{Group, Part, read};
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

impl Group {
    /// What its processes use now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let number = |names: &[&str]| {
            let mut texts = names.iter().flat_map(|name| self.each(name, false));
            texts.find_map(|text| text.trim().parse().ok())
        };
        let used = self.each("cpu.stat", false).find_map(|text| field(&text, "usage_usec"));
        Usage {
            memory: number(&["memory.current", "memory.usage_in_bytes"]),
            memory_peak: number(&["memory.peak", "memory.max_usage_in_bytes"]),
            processes: number(&["pids.current"]),
            processor: used.map(Duration::from_micros),
        }
    }

    /// Which limits were met; it can be asked until the group is removed.
    #[must_use]
    pub fn struck(&self) -> Struck {
        let any = |names: &[&str], event: &str| {
            let mut texts = names.iter().flat_map(|name| self.each(name, true));
            texts.any(|text| field(&text, event).is_some_and(|count| count > 0))
        };
        Struck {
            memory: any(&["memory.events", "memory.oom_control"], "oom_kill"),
            processes: any(&["pids.events"], "max"),
        }
    }

    /// That file of every hierarchy; of the inner directories as well, for some kernels count an
    /// event where the process was and others where the limit is.
    fn each<'a>(&'a self, name: &'a str, inner: bool) -> impl Iterator<Item = String> + 'a {
        let directories =
            move |part: &'a Part| std::iter::once(&part.outer).chain(inner.then_some(&part.inner));
        self.0.iter().flat_map(directories).filter_map(move |directory| read(directory, name))
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
