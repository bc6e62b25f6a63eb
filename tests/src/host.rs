//! What a host is made of, as far as a sandbox could leave something on it: mounts, processes,
//! runtime and temporary files, sockets, ports, shared memory, interfaces, cgroups.

use crate::arkose::busy;
use crate::machine::machine;
use crate::scratch;
use crate::wait;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, waitpid};
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
        ports(&mut all);
        shared_memory(&mut all);
        // The directory of all sandboxes stays where it was made once; what is in it does not.
        let shared = machine().runtime.join("arkose");
        tree("/run".as_ref(), 5, &|path| path != shared, &mut all);
        for directory in
            ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/tmp/.X11-unix", "/tmp/.ICE-unix"]
        {
            // Others may use these at the same time; ours is what the test user owns or we name.
            tree(directory.as_ref(), 1, &ours, &mut all);
        }
        tree("/sys/class/net".as_ref(), 1, &|_| true, &mut all);
        // Whatever else runs has groups that come and go.
        tree("/sys/fs/cgroup".as_ref(), 6, &|path| path.is_dir() && ours(path), &mut all);
        tree(&machine().home, 6, &|_| true, &mut all);
        Self(all)
    }

    /// Waits until the host is as it was.
    ///
    /// # Panics
    ///
    /// Says what is left, or gone, when it is not so after a second.
    pub fn restored(&self) {
        if let Some(difference) = self.difference() {
            panic!("{difference}");
        }
    }

    /// What is left, or gone, when the host is not as it was within a second.
    #[must_use]
    pub fn difference(&self) -> Option<String> {
        let mut now = Self::take();
        let same = wait::until(GONE, || {
            now = Self::take();
            now == *self
        });
        let left: Vec<_> = now.0.difference(&self.0).collect();
        let gone: Vec<_> = self.0.difference(&now.0).collect();
        (!same).then(|| format!("left behind: {left:#?}\ngone: {gone:#?}"))
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

/// Whether any process is in another pid namespace than ours, or cleans up behind one that was killed.
pub(crate) fn has_sandboxes() -> bool {
    let mut all = BTreeSet::new();
    processes(&mut all);
    // `arkose` runs itself again by the name that /proc has for it.
    all.iter().any(|line| line.contains(SANDBOXED) || line.ends_with(" exe"))
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

/// What names of sockets have in them that may come from a sandbox, or from what serves one.
const SOCKETS: [&str; 6] = ["X11-unix", "ICE-unix", "arkose", "xpra", "chaos", "/run/user/"];

/// Sockets with such a name, also those without one in the file system.
fn sockets(all: &mut BTreeSet<String>) {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    for name in table.lines().filter_map(|line| line.split_whitespace().nth(7)) {
        if SOCKETS.iter().any(|part| name.contains(part)) {
            all.insert(format!("socket {name}"));
        }
    }
}

/// Ports on which the test user listens.
fn ports(all: &mut BTreeSet<String>) {
    /// `TCP_LISTEN` and, for what has no connection, `TCP_CLOSE` of net/tcp_states.h.
    const STATES: [(&str, &str); 4] =
        [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")];
    for (table, state) in STATES {
        let lines = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for fields in lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            let [_, address, _, its, _, _, _, uid, ..] = fields[..] else { continue };
            if its == state && uid == machine().uid.to_string() {
                all.insert(format!("port {table} {address}"));
            }
        }
    }
}

/// Shared memory, semaphores and queues of System V; those of POSIX are files.
fn shared_memory(all: &mut BTreeSet<String>) {
    for kind in ["shm", "sem", "msg"] {
        let table = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let number: Vec<_> = line.split_whitespace().take(3).collect();
            all.insert(format!("{kind} {}", number.join(" ")));
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
        if scratch::is_of_another(&path) {
            continue;
        }
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
    let all: Vec<_> =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| stat(&entry.path())).collect();
    let mut found = vec![(root, String::new())];
    let mut next = 0;
    while let Some((parent, _)) = found.get(next).cloned() {
        next += 1;
        let children = all.iter().filter(|process| process.parent == parent);
        found.extend(children.map(|process| (process.pid, process.name.clone())));
    }
    found.remove(0);
    found
}

/// What proc_pid_stat(5) says of a process.
struct Process {
    pid: Pid,
    name: String,
    zombie: bool,
    parent: Pid,
}

fn stat(directory: &Path) -> Option<Process> {
    let pid: i32 = directory.file_name()?.to_str()?.parse().ok()?;
    let stat = fs::read_to_string(directory.join("stat")).ok()?;
    let (name, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
    let name = name.split_once('(')?.1.to_owned();
    Some(Process {
        pid: Pid::from_raw(pid),
        name,
        zombie: state == "Z",
        parent: Pid::from_raw(parent),
    })
}

/// Makes this process the parent of all below it whose parent dies, as an init is, so that it
/// can [`reap`] them.
///
/// # Panics
///
/// When the kernel does not.
pub fn adopt() {
    set_child_subreaper(true).expect("a kernel with subreapers");
}

/// Collects those that died after their parent had. A thousand of them would be a burden for whoever
/// looks at all processes. No child of the test's own may be waiting to be collected.
pub fn reap() {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in all.filter_map(|entry| stat(&entry.path())) {
        if process.zombie && process.parent == Pid::this() {
            let _ = waitpid(process.pid, Some(WaitPidFlag::WNOHANG));
        }
    }
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
