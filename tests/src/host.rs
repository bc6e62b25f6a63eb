//! What a host is made of, as far as a sandbox could leave something on it: mounts, processes,
//! runtime and temporary files, X sockets, interfaces, cgroups.

use crate::arkose::busy;
use crate::machine::machine;
use crate::wait;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Within this time of its end nothing of a sandbox may be left.
const GONE: Duration = Duration::from_secs(1);

/// What is said of a process in a pid namespace of its own.
const SANDBOXED: &str = " in a sandbox";

/// What was there at one moment, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory(BTreeSet<String>);

impl Inventory {
    /// Looks at the host.
    #[must_use]
    pub fn take() -> Self {
        let mut all = BTreeSet::new();
        mounts(&mut all);
        processes(&mut all);
        sockets(&mut all);
        // The directory of all sandboxes stays where it was made once; what is in it does not.
        let shared = machine().runtime.join("arkose");
        tree("/run".as_ref(), 5, &|path| path != shared, &mut all);
        for directory in ["/tmp", "/var/tmp", "/dev/shm", "/tmp/.X11-unix"] {
            // Others may use these at the same time; ours is what the test user owns or we name.
            tree(directory.as_ref(), 1, &ours, &mut all);
        }
        tree("/sys/class/net".as_ref(), 1, &|_| true, &mut all);
        tree("/sys/fs/cgroup".as_ref(), 6, &|path| path.is_dir(), &mut all);
        tree(&machine().home, 6, &|_| true, &mut all);
        Self(all)
    }

    /// Waits until the host is as it was.
    ///
    /// # Panics
    ///
    /// Says what is left, or gone, when it is not so after a second.
    pub fn restored(&self) {
        let mut now = Self::take();
        wait::until(GONE, || {
            now = Self::take();
            now == *self
        });
        let left: Vec<_> = now.0.difference(&self.0).collect();
        let gone: Vec<_> = self.0.difference(&now.0).collect();
        assert!(left.is_empty() && gone.is_empty(), "left behind: {left:#?}\ngone: {gone:#?}");
    }
}

fn mounts(all: &mut BTreeSet<String>) {
    let table = fs::read_to_string("/proc/self/mountinfo").expect("the mount table");
    for line in table.lines() {
        // Mount and parent ids, device, root, and mount point.
        let fields: Vec<_> = line.split(' ').take(5).collect();
        all.insert(format!("mount {}", fields.join(" ")));
    }
}

/// Whether any process is in another pid namespace than ours.
pub(crate) fn has_sandboxes() -> bool {
    let mut all = BTreeSet::new();
    processes(&mut all);
    all.iter().any(|line| line.contains(SANDBOXED))
}

/// Processes of the test user, and those in another pid namespace than ours.
fn processes(all: &mut BTreeSet<String>) {
    let own = fs::read_link("/proc/self/ns/pid").expect("our own namespace");
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let path = entry.path();
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(owner) = entry.metadata().map(|metadata| metadata.uid()) else { continue };
        let elsewhere = fs::read_link(path.join("ns/pid")).is_ok_and(|namespace| namespace != own);
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        // A zombie holds nothing; when it goes is up to whoever reaps on this machine.
        if !i32::try_from(pid).is_ok_and(|pid| runs(Pid::from_raw(pid))) {
            continue;
        }
        let ours =
            owner == machine().uid.as_raw() || elsewhere || name.starts_with("arkose-helper");
        if ours {
            let place = if elsewhere { SANDBOXED } else { "" };
            all.insert(format!("process {pid} {}{place}", name.trim()));
        }
    }
}

/// X sockets, also those without a name in the file system.
fn sockets(all: &mut BTreeSet<String>) {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    for name in table.lines().filter_map(|line| line.split_whitespace().nth(7)) {
        if name.contains("X11-unix") || name.contains("arkose") {
            all.insert(format!("socket {name}"));
        }
    }
}

fn ours(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.contains("arkose") || name.starts_with(".X") || name.starts_with('X')
    });
    let owned =
        path.symlink_metadata().is_ok_and(|metadata| metadata.uid() == machine().uid.as_raw());
    named || owned
}

fn tree(
    directory: &Path,
    depth: usize,
    wanted: &dyn Fn(&Path) -> bool,
    all: &mut BTreeSet<String>,
) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if wanted(&path) {
            all.insert(format!("file {}", path.display()));
        }
        if depth > 1 && path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            tree(&path, depth - 1, wanted, all);
        }
    }
}

/// The processes below `root`, parents before their children, with their names.
///
/// # Panics
///
/// When `/proc` cannot be read.
#[must_use]
pub fn descendants(root: Pid) -> Vec<(Pid, String)> {
    let mut found = vec![(root, String::new())];
    let mut next = 0;
    while let Some((parent, _)) = found.get(next).cloned() {
        next += 1;
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some((name, rest)) = stat.rsplit_once(')') else { continue };
            if rest.split_whitespace().nth(1) == Some(&parent.to_string()) {
                found.push((Pid::from_raw(pid), name.split_once('(').unwrap().1.to_owned()));
            }
        }
    }
    found.remove(0);
    found
}

/// Whether that process still does anything; one that only waits to be reaped does not.
#[must_use]
pub fn runs(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Runs `body` while two names are swapped as fast as the kernel can.
pub fn while_swapped(one: &Path, other: &Path, body: impl FnOnce()) {
    /// Ends the swapping also when the body fails.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    // Who compares what lies on the host would see it.
    let _busy = busy();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // What is to be swapped may only come to be in time.
                let _ = renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE);
            }
        });
        let _done = Done(&done);
        body();
    });
}
