//! The private directory of one sandbox on the host, `$XDG_RUNTIME_DIR/arkose/ID`, made when it is first needed.
//!
//! Everything below it is reached from a held directory descriptor and never through a link. It goes
//! with its owner; a killed owner is followed by a cleaner process that waits for exactly that, and
//! whatever both leave behind is swept by the next that makes a directory, or lists them. What portals
//! look for beside it is a link into it, which goes in the same ways.

use crate::error::{Error, Kind};
use crate::guard;
use crate::host::Host;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, Flock, FlockArg, OFlag, openat, readlinkat, renameat};
use nix::sys::signal::SigSet;
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmodat, fstat, fstatat, mkdirat};
use nix::unistd::{Uid, UnlinkatFlags, symlinkat, unlinkat};
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitCode, Stdio};
use std::time::{Duration, SystemTime};

/// The name of the directory of all sandboxes.
const ARKOSE: &str = "arkose";
/// Where portals look for those whom `/.flatpak-info` names, beside [`ARKOSE`].
const INSTANCES: &str = ".flatpak";
/// What they read there, and the directory of a sandbox's that it lies in.
const INSTANCE: (&str, &str) = ("portal", "bwrapinfo.json");
/// How deep is descended into a directory that is removed; each level holds a descriptor.
const DEPTH: u32 = 64;
/// How many directories of others a launch looks at: with many sandboxes it is not to be slow.
const LOOKED_AT: usize = 16;
/// A directory that is empty may be one that its owner has not locked yet, for this long.
const YOUNG: Duration = Duration::from_secs(10);

/// How often a killed owner's directory is removed: what the owner had started dies a moment later,
/// and may write until then.
const DYING: u32 = 15;
/// The time between two of them.
const LOOK: Duration = Duration::from_millis(20);

/// A new sandbox id: eight characters of lower-case base 32, 40 random bits.
///
/// # Errors
/// When the kernel gives no random bytes.
pub fn new_id() -> Result<String, Error> {
    let mut bits = random::<5>()?.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    Ok((0..8)
        .filter_map(|_| {
            let letter = b"abcdefghijklmnopqrstuvwxyz234567".get(usize::try_from(bits & 31).ok()?);
            bits >>= 5;
            letter.map(|letter| char::from(*letter))
        })
        .collect())
}

/// Random bytes of the kernel.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    let failed = || Error::new(Kind::Internal).value("getrandom");
    // Up to 256 bytes come whole once the kernel's pool is ready.
    match rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty()) {
        Ok(length) if length == N => Ok(bytes),
        Ok(_) => Err(failed()),
        Err(errno) => Err(failed().because(errno)),
    }
}

/// The place of one sandbox: its id, and its directory once something asks for it.
#[derive(Debug)]
pub struct Runtime {
    id: String,
    host: Host,
    made: OnceCell<Made>,
}

/// The directory and who cleans up behind us.
#[derive(Debug)]
struct Made {
    path: PathBuf,
    base: OwnedFd,
    /// The directory itself, locked as long as its owner lives.
    dir: Flock<OwnedFd>,
    cleaner: Option<(Child, ChildStdin)>,
}

impl Runtime {
    /// A new id; nothing is made yet.
    ///
    /// # Errors
    /// When the kernel gives no random bytes.
    pub fn new(host: &Host) -> Result<Self, Error> {
        Ok(Self { id: new_id()?, host: host.clone(), made: OnceCell::new() })
    }

    /// The sandbox's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The directory, made now when it is not there yet: mode 0700, empty, this sandbox's own.
    ///
    /// # Errors
    /// When there is no runtime directory, or it is not the user's alone.
    pub fn dir(&self) -> Result<&Path, Error> {
        Ok(&self.made()?.path)
    }

    /// The directory itself, made as by [`dir`](Self::dir).
    pub(crate) fn dir_fd(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.made()?.dir.as_fd())
    }

    fn made(&self) -> Result<&Made, Error> {
        if self.made.get().is_none() {
            let _ = self.made.set(Made::new(&self.host, &self.id)?);
        }
        self.made.get().ok_or_else(|| Error::new(Kind::Internal))
    }

    /// Writes a new file in the directory and gives its path.
    ///
    /// # Errors
    /// When the directory cannot be made, or something has that name already.
    pub fn write(&self, name: &str, mode: u32, content: &[u8]) -> Result<PathBuf, Error> {
        let made = self.made()?;
        let path = made.path.join(name);
        let failed = || Error::new(Kind::CannotCreate).value(&path);
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = openat(made.dir.as_fd(), name, flags, Mode::from_bits_truncate(mode))
            .map_err(|errno| failed().because(errno))?;
        File::from(fd).write_all(content).map_err(|error| failed().because(error))?;
        Ok(path)
    }

    /// Tells portals which process stands for the sandbox: its first one, as the host sees it. They look it
    /// up in whatever directory `/.flatpak-info` calls the instance (xdg-desktop-portal since 1.19).
    pub(crate) fn introduce(&self, first: i32) -> Result<(), Error> {
        let made = self.made()?;
        let (portal, info) = INSTANCE;
        let content = format!("{{\"child-pid\":{first}}}\n");
        self.replace(portal, info, content.as_bytes())
            .and_then(|()| link(made.base.as_fd(), &self.id, portal))
            .map_err(|errno| Error::new(Kind::CannotCreate).value(INSTANCES).because(errno))
    }

    /// Writes a file in a directory of ours, in the place of one that was there before.
    fn replace(&self, dir: &str, name: &str, content: &[u8]) -> Result<(), Errno> {
        let made = self.made().map_err(|_| Errno::ENOENT)?;
        made_or_there(mkdirat(made.dir.as_fd(), dir, Mode::S_IRWXU))?;
        let dir = open_dir(made.dir.as_fd(), OsStr::new(dir))?;
        let _ = unlinkat(&dir, name, UnlinkatFlags::NoRemoveDir);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let file = openat(&dir, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        File::from(file).write_all(content).map_err(|_| Errno::EIO)
    }

    /// Has a program ended with this process, however that ends: for programs to which the kernel may not
    /// do so, because they change their rights. It must be a child of this process.
    ///
    /// # Errors
    /// When there is nobody who could.
    pub(crate) fn take_along(&self, pid: u32) -> Result<(), Error> {
        let cannot = || Error::new(Kind::Internal).value("cleaner");
        let made = self.made()?;
        let (_, stdin) = made.cleaner.as_ref().ok_or_else(cannot)?;
        let start = start_of(pid).ok_or_else(cannot)?;
        let message = format!("{pid}\0{start}\0");
        // A pipe takes so little at once, and the cleaner reads all the time.
        rustix::io::write(stdin, message.as_bytes()).map_err(|errno| cannot().because(errno))?;
        Ok(())
    }

    /// Removes the directory; does nothing the second time.
    pub fn remove(&mut self) {
        let Some(made) = self.made.take() else { return };
        remove_sandbox(made.base.as_fd(), OsStr::new(&self.id));
        drop(made.dir);
        if let Some((mut cleaner, stdin)) = made.cleaner {
            // Its standard input ends, so it looks once more and ends.
            drop(stdin);
            drop(cleaner.wait());
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Made {
    fn new(host: &Host, id: &str) -> Result<Self, Error> {
        let (base, base_path) = base(host)?;
        sweep(base.as_fd(), LOOKED_AT);
        let path = base_path.join(id);
        let failed = |errno: Errno| Error::new(Kind::CannotCreate).value(&path).because(errno);
        // Before there is anything to clean up: a kill may come in between.
        let cleaner = start_cleaner(&base_path, id);
        mkdirat(&base, id, Mode::S_IRWXU).map_err(failed)?;
        let dir = open_dir(base.as_fd(), OsStr::new(id)).map_err(failed)?;
        // Whoever sweeps or lists has it for a moment at most.
        let dir = Flock::lock(dir, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno))?;
        Ok(Self { path, base, dir, cleaner })
    }
}

/// Starts the process that removes the directory should we be killed. Without it the next
/// sandbox's sweep does, so that failing to start it is no reason not to launch.
fn start_cleaner(base: &Path, id: &str) -> Option<(Child, ChildStdin)> {
    let mut command = guard::role("clean");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.current_dir("/");
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let mut message = base.as_os_str().as_bytes().to_vec();
    message.push(0);
    message.extend_from_slice(id.as_bytes());
    message.push(0);
    stdin.write_all(&message).ok()?;
    Some((child, stdin))
}

/// The role of the cleaner: waits for the end of its standard input, then removes the directory named there.
pub(crate) fn clean() -> ExitCode {
    // The signals that end a terminal's or a session's processes must not end the one that cleans up.
    let _ = SigSet::all().thread_set_mask();
    let mut message = Vec::new();
    if std::io::stdin().read_to_end(&mut message).is_err() {
        return ExitCode::FAILURE;
    }
    let mut parts = message.split(|byte| *byte == 0);
    let (Some(base), Some(id)) = (parts.next(), parts.next()) else { return ExitCode::FAILURE };
    end_all(parts);
    let id = OsStr::from_bytes(id);
    let Ok(base) = open_dir(AT_FDCWD, OsStr::from_bytes(base)) else { return ExitCode::SUCCESS };
    // An owner that was not killed has removed it itself.
    if fstatat(&base, id, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok() {
        for _ in 0..DYING {
            remove_sandbox(base.as_fd(), id);
            std::thread::sleep(LOOK);
        }
    }
    ExitCode::SUCCESS
}

/// Ends the programs that are named by pairs of a process id and the time of its start: by now there may be
/// another of that id.
fn end_all<'a>(mut parts: impl Iterator<Item = &'a [u8]>) {
    let number = |part: &[u8]| std::str::from_utf8(part).ok()?.parse::<u64>().ok();
    while let (Some(pid), Some(start)) = (parts.next(), parts.next()) {
        let (Some(pid), Some(start)) = (number(pid), number(start)) else { continue };
        let Some((raw, number)) = i32::try_from(pid).ok().zip(u32::try_from(pid).ok()) else {
            continue;
        };
        let Some(found) = rustix::process::Pid::from_raw(raw) else { continue };
        let flags = rustix::process::PidfdFlags::empty();
        let Ok(pidfd) = rustix::process::pidfd_open(found, flags) else { continue };
        // What is held now is what is looked at.
        if start_of(number) == Some(start) {
            let _ = rustix::process::pidfd_send_signal(&pidfd, rustix::process::Signal::KILL);
        }
    }
}

/// When a process was started, in ticks since the machine was (proc_pid_stat(5), field 22).
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // Its name, in parentheses, may have anything in it.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// The directory of all of the user's sandboxes, made when it is not there.
fn base(host: &Host) -> Result<(OwnedFd, PathBuf), Error> {
    let mut runtime = host.runtime();
    let mut parent = open_dir(AT_FDCWD, runtime.as_os_str());
    // root has often no runtime directory, but all of /run.
    if matches!(parent, Err(Errno::ENOENT))
        && host.path("XDG_RUNTIME_DIR").is_none()
        && Uid::effective().is_root()
    {
        runtime = PathBuf::from("/run");
        parent = open_dir(AT_FDCWD, runtime.as_os_str());
    } else if let Ok(fd) = &parent {
        check_private(fd.as_fd(), &runtime)?;
    }
    let parent = parent.map_err(|errno| match errno {
        Errno::ENOENT => Error::new(Kind::NoRuntimeDir).value(&runtime),
        errno => Error::new(Kind::UnsafeRuntimeDir).value(&runtime).because(errno),
    })?;
    let path = runtime.join(ARKOSE);
    match mkdirat(&parent, ARKOSE, Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(Error::new(Kind::CannotCreate).value(&path).because(errno)),
    }
    let base = open_dir(parent.as_fd(), OsStr::new(ARKOSE))
        .map_err(|errno| Error::new(Kind::UnsafeRuntimeDir).value(&path).because(errno))?;
    check_private(base.as_fd(), &path)?;
    Ok((base, path))
}

/// A directory of this user that nobody else may enter.
fn check_private(fd: BorrowedFd<'_>, path: &Path) -> Result<(), Error> {
    let failed = || Error::new(Kind::UnsafeRuntimeDir).value(path);
    let stat = fstat(fd).map_err(|errno| failed().because(errno))?;
    if stat.st_uid == Uid::effective().as_raw() && stat.st_mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(failed())
    }
}

pub(crate) fn open_dir(parent: BorrowedFd<'_>, name: &OsStr) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// The directory of all of the user's sandboxes, when there is one, after those that owners left
/// behind were removed; and its names.
pub(crate) fn all(host: &Host) -> Option<(OwnedFd, Vec<OsString>)> {
    let (base, _) = base(host).ok()?;
    sweep(base.as_fd(), usize::MAX);
    let names = names(base.as_fd());
    Some((base, names))
}

/// The directory of one sandbox, while its owner lives.
pub(crate) fn held(base: BorrowedFd<'_>, name: &OsStr) -> Option<OwnedFd> {
    let dir = open_dir(base, name).ok()?;
    match Flock::lock(dir, FlockArg::LockSharedNonblock) {
        Ok(_) => None,
        Err((dir, _)) => Some(dir),
    }
}

/// Removes directories of owners that are gone, those whose lock is free; looks at `most`.
fn sweep(base: BorrowedFd<'_>, most: usize) {
    for name in names(base).into_iter().take(most) {
        let Ok(dir) = open_dir(base, &name) else { continue };
        let Ok(lock) = Flock::lock(dir, FlockArg::LockExclusiveNonblock) else { continue };
        if !is_new(&lock) {
            remove_sandbox(base, &name);
        }
    }
}

/// Whether it may belong to somebody who is about to lock it.
fn is_new(dir: &OwnedFd) -> bool {
    let made = fstat(dir).ok().and_then(|stat| u64::try_from(stat.st_ctime).ok());
    let made = made.map(|made| SystemTime::UNIX_EPOCH + Duration::from_secs(made));
    let young = made.and_then(|made| made.elapsed().ok()).is_none_or(|age| age < YOUNG);
    young && names(dir.as_fd()).is_empty()
}

/// The directory that is beside that of all sandboxes and has the links for portals.
fn instances(base: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    let runtime = open_dir(base, OsStr::new(".."))?;
    open_dir(runtime.as_fd(), OsStr::new(INSTANCES))
}

/// Makes the link from there into a sandbox's directory. That of all instances stays: it is not ours.
fn link(base: BorrowedFd<'_>, id: &str, portal: &str) -> nix::Result<()> {
    let runtime = open_dir(base, OsStr::new(".."))?;
    made_or_there(mkdirat(&runtime, INSTANCES, Mode::S_IRWXU))?;
    let target = format!("../{ARKOSE}/{id}/{portal}");
    made_or_there(symlinkat(target.as_str(), instances(base)?, id))
}

fn made_or_there(made: nix::Result<()>) -> nix::Result<()> {
    match made {
        Err(Errno::EEXIST) => Ok(()),
        made => made,
    }
}

/// Removes the directory of one sandbox, and the link for portals if there is one: a directory of that name
/// is somebody else's.
fn remove_sandbox(base: BorrowedFd<'_>, id: &OsStr) -> bool {
    if let Ok(instances) = instances(base)
        && readlinkat(&instances, id).is_ok()
    {
        let _ = unlinkat(&instances, id, UnlinkatFlags::NoRemoveDir);
    }
    remove_child(base, id)
}

/// Removes what has this name in a directory, whatever it is, without following a link or leaving
/// the file system. An app may have made it deeper than anybody wants to descend: what lies too deep
/// is moved up and removed in the next round. Answers whether it is gone.
fn remove_child(parent: BorrowedFd<'_>, name: &OsStr) -> bool {
    let is_dir =
        |stat: FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
    let stat = match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(errno) => return errno == Errno::ENOENT,
    };
    if !is_dir(stat) {
        return unlinkat(parent, name, UnlinkatFlags::NoRemoveDir).is_ok();
    }
    if let Ok(top) = open_own_dir(parent, name) {
        let mut remover = Remover { top: top.as_fd(), device: stat.st_dev, moved: 0 };
        loop {
            let before = remover.moved;
            remover.empty(top.as_fd(), DEPTH);
            if remover.moved == before {
                break;
            }
        }
    }
    unlinkat(parent, name, UnlinkatFlags::RemoveDir).is_ok()
}

/// Empties a directory; what lies too deep goes into its uppermost one.
struct Remover<'a> {
    top: BorrowedFd<'a>,
    device: u64,
    moved: u64,
}

impl Remover<'_> {
    fn empty(&mut self, dir: BorrowedFd<'_>, depth: u32) {
        for name in names(dir) {
            let removed = unlinkat(dir, name.as_os_str(), UnlinkatFlags::NoRemoveDir)
                .or_else(|_| unlinkat(dir, name.as_os_str(), UnlinkatFlags::RemoveDir));
            if removed.is_ok() {
                continue;
            }
            let Ok(inner) = open_own_dir(dir, &name) else { continue };
            if !fstat(&inner).is_ok_and(|stat| stat.st_dev == self.device) {
                continue;
            }
            if let Some(depth) = depth.checked_sub(1) {
                self.empty(inner.as_fd(), depth);
                let _ = unlinkat(dir, name.as_os_str(), UnlinkatFlags::RemoveDir);
            } else {
                // A name that nobody can have guessed and taken.
                let Ok(above) = new_id() else { continue };
                if renameat(dir, name.as_os_str(), self.top, above.as_str()).is_ok() {
                    self.moved += 1;
                }
            }
        }
    }
}

/// Opens a directory of ours, also one that an app has closed to itself.
fn open_own_dir(parent: BorrowedFd<'_>, name: &OsStr) -> nix::Result<OwnedFd> {
    match open_dir(parent, name) {
        Err(Errno::EACCES) => {}
        opened => return opened,
    }
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let found = openat(parent, name, flags, Mode::empty())?;
    // By its descriptor: under its name there could be a link by now.
    let path = format!("/proc/self/fd/{}", found.as_raw_fd());
    fchmodat(AT_FDCWD, path.as_str(), Mode::S_IRWXU, FchmodatFlags::FollowSymlink)?;
    openat(&found, ".", flags - OFlag::O_PATH, Mode::empty())
}

/// The names in a directory.
fn names(dir: BorrowedFd<'_>) -> Vec<OsString> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let Ok(mut dir) = Dir::openat(dir, ".", flags, Mode::empty()) else { return Vec::new() };
    dir.iter()
        .flatten()
        .map(|entry| entry.file_name().to_bytes().to_vec())
        .filter(|name| name != b"." && name != b"..")
        .map(OsString::from_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A private directory for one test, removed at its end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(mode: u32) -> Self {
            let path = std::env::temp_dir().join(format!("arkose-test-{}", new_id().unwrap()));
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Self(path)
        }

        fn host(&self) -> Host {
            Host::with([("XDG_RUNTIME_DIR", &self.0)])
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn ids_are_short_plain_and_different() {
        let (a, b) = (new_id().unwrap(), new_id().unwrap());
        assert_eq!(a.len(), 8);
        assert!(a.bytes().all(|c| c.is_ascii_lowercase() || (b'2'..=b'7').contains(&c)));
        assert_ne!(a, b);
    }

    #[test]
    fn removal_takes_the_tree_and_follows_no_link() {
        let scratch = Scratch::new(0o700);
        let outside = scratch.0.join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("kept"), "").unwrap();
        let base = open_dir(AT_FDCWD, scratch.0.as_os_str()).unwrap();
        std::fs::create_dir_all(scratch.0.join("gone/deep/er")).unwrap();
        symlink(&outside, scratch.0.join("gone/deep/link")).unwrap();
        remove_child(base.as_fd(), OsStr::new("gone"));
        assert!(!scratch.0.join("gone").exists());
        assert!(outside.join("kept").exists());
    }

    #[test]
    fn removal_takes_what_is_deep_and_what_is_closed() {
        let scratch = Scratch::new(0o700);
        let base = open_dir(AT_FDCWD, scratch.0.as_os_str()).unwrap();
        // Two chains, so that what is moved up must not meet a name that is there.
        for chain in ["gone/a", "gone/b"] {
            let deep: PathBuf =
                std::iter::once(chain).chain(std::iter::repeat_n("d", 200)).collect();
            std::fs::create_dir_all(scratch.0.join(&deep)).unwrap();
            std::fs::write(scratch.0.join(&deep).join("file"), "").unwrap();
        }
        std::fs::create_dir_all(scratch.0.join("gone/closed/inner")).unwrap();
        let closed = std::fs::Permissions::from_mode(0o300);
        std::fs::set_permissions(scratch.0.join("gone/closed"), closed).unwrap();
        assert!(remove_child(base.as_fd(), OsStr::new("gone")));
        assert!(!scratch.0.join("gone").exists());
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let scratch = Scratch::new(0o755);
        let error = base(&scratch.host()).unwrap_err();
        assert_eq!(error.kind(), Kind::UnsafeRuntimeDir);
    }

    #[test]
    fn a_planted_link_is_refused() {
        let scratch = Scratch::new(0o700);
        symlink("/", scratch.0.join(ARKOSE)).unwrap();
        assert_eq!(base(&scratch.host()).unwrap_err().kind(), Kind::UnsafeRuntimeDir);
    }

    #[test]
    fn who_is_introduced_to_portals_is_forgotten_with_its_directory() {
        let scratch = Scratch::new(0o700);
        let mut runtime = Runtime::new(&scratch.host()).unwrap();
        runtime.introduce(5).unwrap();
        runtime.introduce(77).unwrap();
        let link = scratch.0.join(INSTANCES).join(runtime.id());
        let told = std::fs::read_to_string(link.join("bwrapinfo.json")).unwrap();
        assert_eq!(told, "{\"child-pid\":77}\n");
        // That of another program.
        std::fs::create_dir(scratch.0.join(INSTANCES).join("1234")).unwrap();
        runtime.remove();
        assert!(link.symlink_metadata().is_err());
        assert!(scratch.0.join(INSTANCES).join("1234").exists());
    }

    #[test]
    fn a_process_is_known_by_its_start() {
        let start = |pid| start_of(pid).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(start(child.id()) >= start(std::process::id()));
        let other = format!("{}\0{}\0", child.id(), start(child.id()) + 1);
        end_all(other.as_bytes().split(|byte| *byte == 0));
        assert!(child.try_wait().unwrap().is_none());
        let named = format!("{}\0{}\0", child.id(), start(child.id()));
        end_all(named.as_bytes().split(|byte| *byte == 0));
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_sweep_takes_only_what_nobody_holds() {
        let scratch = Scratch::new(0o700);
        let (fd, path) = base(&scratch.host()).unwrap();
        std::fs::create_dir(path.join("held")).unwrap();
        std::fs::create_dir_all(path.join("stale/content")).unwrap();
        link(fd.as_fd(), "stale", "content").unwrap();
        std::fs::create_dir(path.join("not-locked-yet")).unwrap();
        let held = open_dir(fd.as_fd(), OsStr::new("held")).unwrap();
        let _lock = Flock::lock(held, FlockArg::LockExclusiveNonblock).unwrap();
        sweep(fd.as_fd(), usize::MAX);
        assert!(path.join("held").exists());
        assert!(path.join("not-locked-yet").exists());
        assert!(!path.join("stale").exists());
        assert_eq!(std::fs::read_dir(scratch.0.join(INSTANCES)).unwrap().count(), 0);
    }
}
