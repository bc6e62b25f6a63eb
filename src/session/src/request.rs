//! The request to the helper: the policy, what the services add, and the files that make a machine
//! of its own.

use crate::environment;
use crate::failure::{LaunchError, NO_PRIVATE_HOME, NO_PROFILE_FOR_HOME};
use crate::grant::Grant;
use crate::host::Host;
use crate::light::Places;
use crate::spec::LaunchSpec;
use arkose_profile::{AbsPath, Access, Home as HomeMode, Network, PathError, RunAs, Walls};
use arkose_protocol::{
    Bytes, GeneratedFile, Home, HostMount, HostNetwork, PrivateHome, Request, Terminal, VERSION,
};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Where programs find out whom to ask for names.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What belongs to one launch beside its spec.
pub(crate) struct Launch<'a> {
    pub(crate) spec: &'a LaunchSpec,
    pub(crate) host: &'a Host,
    pub(crate) id: &'a str,
    pub(crate) terminal: Option<Terminal>,
    /// With light walls, the app's places on the host.
    pub(crate) light: Option<&'a Places>,
}

/// Makes the request; makes the private home when there is none yet.
pub(crate) fn build<'g>(
    launch: &Launch<'_>,
    grants: impl Iterator<Item = &'g Grant>,
    network: HostNetwork,
) -> Result<Request, LaunchError> {
    let Launch { spec, host, id, terminal, light } = launch;
    let uid = app_uid(spec, host);
    let hostname = hostname(spec, id);
    let mut mounts = resolver(spec);
    mounts.extend(spec.files.iter().map(|file| HostMount {
        source: file.source.clone(),
        dest: file.dest.clone(),
        read_only: file.read_only,
    }));
    let private = private_home(spec, host)?;
    let mut files = Vec::new();
    let mut variables = Vec::new();
    let mut shown = &spec.home;
    match light {
        None => {
            files = machine_files(&hostname);
            files.extend(resolver_file(spec));
        }
        Some(places) => {
            shown = private.as_ref().map_or_else(|| places.home(), |private| &private.path);
            mounts.extend(places.granted(spec.policy.home));
            variables = places.variables(shown)?;
        }
    }
    for grant in grants {
        mounts.extend(grant.sockets.iter().map(|socket| HostMount {
            source: socket.source.clone(),
            dest: socket.dest.clone(),
            read_only: false,
        }));
        mounts.extend(grant.directories.iter().map(|(source, dest)| HostMount {
            source: source.clone(),
            dest: dest.clone(),
            read_only: false,
        }));
        files.extend(grant.files.iter().map(|file| GeneratedFile {
            dest: file.dest.clone(),
            mode: file.mode,
            content: Bytes(file.content.clone()),
        }));
        variables.extend(grant.env.iter().cloned());
    }
    let env = environment::build(
        host,
        &spec.policy,
        shown.as_path().as_os_str(),
        uid,
        terminal.is_some(),
        &variables,
    );
    Ok(Request {
        version: VERSION,
        policy: spec.policy.clone(),
        argv: spec.command.iter().map(|word| Bytes(word.as_bytes().to_vec())).collect(),
        env: env.into_iter().map(Bytes).collect(),
        cwd: directory(spec),
        hostname,
        home: Home { path: spec.home.clone(), private },
        mounts,
        files,
        hidden: hidden(spec, host)?,
        terminal: *terminal,
        host: network,
        linger: spec.linger,
    })
}

/// The name of the machine inside. Apps write it into the locks in their home: one that is kept has
/// a machine of one name.
fn hostname(spec: &LaunchSpec, id: &str) -> String {
    /// Room for the prefix within the 63 characters of a label (RFC 1035).
    const MOST: usize = 56;
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    match (&spec.hostname, &spec.profile) {
        (Some(name), _) => name.clone(),
        (None, Some(profile)) if spec.policy.home == HomeMode::Private => {
            format!("arkose-{}", profile.chars().map(plain).take(MOST).collect::<String>())
        }
        (None, _) => format!("arkose-{id}"),
    }
}

/// The uid of the app, inside.
pub(crate) fn app_uid(spec: &LaunchSpec, host: &Host) -> u32 {
    if spec.policy.runas == RunAs::Root { 0 } else { host.uid() }
}

fn directory(spec: &LaunchSpec) -> Option<AbsPath> {
    spec.directory.clone().or_else(|| AbsPath::new(std::env::current_dir().ok()?).ok())
}

/// Where the system's resolver keeps what `/etc/resolv.conf` points to.
fn resolver(spec: &LaunchSpec) -> Vec<HostMount> {
    let file = (spec.policy.network == Network::Direct)
        .then(|| Path::new(RESOLV_CONF).canonicalize().ok())
        .flatten()
        .filter(|path| path.starts_with("/run"))
        .and_then(|path| AbsPath::new(path).ok());
    file.into_iter()
        .map(|path| HostMount { source: path.clone(), dest: path, read_only: true })
        .collect()
}

/// With a network that has rules, the app asks for names where its sandbox's own resolver listens; what else
/// the host's file says is kept, such as the domains to look in.
fn resolver_file(spec: &LaunchSpec) -> Option<GeneratedFile> {
    if spec.policy.network != Network::Filtered {
        return None;
    }
    let file = Path::new(RESOLV_CONF);
    // Where it is a link, what it leads to is missing inside.
    let dest = AbsPath::new(file.canonicalize().ok()?).ok()?;
    let said = std::fs::read_to_string(file).unwrap_or_default();
    let kept =
        |line: &&str| ["search ", "domain ", "options "].iter().any(|key| line.starts_with(key));
    let mut content = "nameserver 127.0.0.1\n".to_owned();
    for line in said.lines().filter(kept) {
        content.push_str(line);
        content.push('\n');
    }
    Some(GeneratedFile { dest, mode: 0o444, content: Bytes(content.into_bytes()) })
}

/// A machine id of its own, and a host name that can be resolved; only where the host has such files.
fn machine_files(hostname: &str) -> Vec<GeneratedFile> {
    let machine = format!("{}\n", random_machine_id());
    let mut files = Vec::new();
    let mut add = |path: &str, content: String| {
        let plain = Path::new(path).symlink_metadata().is_ok_and(|meta| meta.is_file());
        if let (true, Ok(dest)) = (plain, AbsPath::new(path)) {
            files.push(GeneratedFile { dest, mode: 0o444, content: Bytes(content.into_bytes()) });
        }
    };
    add("/etc/machine-id", machine.clone());
    add("/var/lib/dbus/machine-id", machine);
    add("/etc/hostname", format!("{hostname}\n"));
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    add("/etc/hosts", format!("{}\n127.0.1.1\t{hostname}\n", hosts.trim_end()));
    files
}

/// 32 hexadecimal digits (machine-id(5)).
fn random_machine_id() -> String {
    let mut bytes = [0u8; 16];
    // The kernel's generator is ready long before a user can log in; a short answer is not fatal here.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where Arkose keeps private homes.
pub(crate) fn data_dir(spec: &LaunchSpec, host: &Host) -> PathBuf {
    let data = host.path("XDG_DATA_HOME").map(|path| path.as_path().to_owned());
    data.unwrap_or_else(|| spec.home.as_path().join(".local/share")).join("arkose")
}

/// The directory on the host that holds the profile's private home, made when it is missing. Below
/// the data directory no symbolic link is followed: what is there may be an app's work.
fn private_home(spec: &LaunchSpec, host: &Host) -> Result<Option<PrivateHome>, LaunchError> {
    if spec.policy.home != HomeMode::Private {
        return Ok(None);
    }
    let profile = spec.profile.as_ref().ok_or_else(|| LaunchError::plain(NO_PROFILE_FOR_HOME))?;
    let failed = |cause: std::io::Error| LaunchError::because(NO_PRIVATE_HOME, cause);
    let data = data_dir(spec, host);
    make_private(&data)?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut directory = rustix::fs::openat(CWD, &data, flags - OFlags::NOFOLLOW, Mode::empty())
        .map_err(|errno| failed(errno.into()))?;
    for name in ["homes", profile] {
        match rustix::fs::mkdirat(&directory, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        directory = rustix::fs::openat(&directory, name, flags, Mode::empty())
            .map_err(|errno| failed(errno.into()))?;
    }
    let wrong = |_| LaunchError::plain(NO_PRIVATE_HOME);
    let path = AbsPath::new(data.join("homes").join(profile)).map_err(wrong)?;
    Ok(Some(PrivateHome { data: AbsPath::new(&data).map_err(wrong)?, path }))
}

fn make_private(path: &Path) -> Result<(), LaunchError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| LaunchError::because(NO_PRIVATE_HOME, error))
}

/// Arkose's own directories and those from which programs start by themselves, wherever the app
/// would see them: what it wrote there would take effect outside.
fn hidden(spec: &LaunchSpec, host: &Host) -> Result<Vec<AbsPath>, LaunchError> {
    let mut hidden = Vec::new();
    if spec.policy.walls == Walls::Full && !shows_any(spec) {
        return Ok(hidden);
    }
    let config = host.config().unwrap_or_else(|| spec.home.as_path().join(".config"));
    let runtime = host.runtime().join("arkose");
    let served = [real(&runtime), runtime];
    let named = [config.join("arkose"), config.join("autostart"), data_dir(spec, host)];
    // Where a link leads there, the app may find it under its real name.
    let real = named.each_ref().map(|path| real(path));
    let mut paths: Vec<&PathBuf> = named.iter().chain(&real).chain(&served).collect();
    paths.sort();
    paths.dedup();
    if spec.policy.walls == Walls::Light {
        // They are not hidden but never given, also when they are not there yet.
        return Ok(paths.into_iter().filter_map(|path| AbsPath::new(path).ok()).collect());
    }
    for path in paths {
        let Some(path) = shown(spec, AbsPath::new(path))? else { continue };
        if writable(spec, &path) && path.as_path().symlink_metadata().is_err() {
            // Not there yet: made now, so that the app cannot make it.
            make_private(path.as_path())?;
        } else if served.iter().any(|served| served == path.as_path()) {
            // It comes with the first sandbox that is listed, perhaps this one, and an app that only
            // reads there could connect to what is in it. Without a directory above there is none.
            let _ = make_private(path.as_path());
        }
        if path.as_path().exists() {
            hidden.push(path);
        }
    }
    Ok(hidden)
}

/// The path without symbolic links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let (Ok(found), Ok(rest)) = (above.canonicalize(), path.strip_prefix(above)) {
            return found.join(rest);
        }
    }
    path.to_owned()
}

/// Whether the app would find any directory of the user's where it is on the host.
fn shows_any(spec: &LaunchSpec) -> bool {
    let home = matches!(spec.policy.home, HomeMode::Cow | HomeMode::Direct);
    home || spec.policy.paths.iter().any(|rule| rule.access != Access::Restrict)
}

/// The path, if the app would find the host's directory there.
fn shown(
    spec: &LaunchSpec,
    path: Result<AbsPath, PathError>,
) -> Result<Option<AbsPath>, LaunchError> {
    let Ok(path) = path else { return Ok(None) };
    let home =
        matches!(spec.policy.home, HomeMode::Cow | HomeMode::Direct) && spec.home.contains(&path);
    let shared = |rule: &arkose_profile::PathRule| {
        rule.access != Access::Restrict && (rule.path.contains(&path) || path.contains(&rule.path))
    };
    Ok((home || spec.policy.paths.iter().any(shared)).then_some(path))
}

fn writable(spec: &LaunchSpec, path: &AbsPath) -> bool {
    let home = spec.policy.home == HomeMode::Direct && spec.home.contains(path);
    home || spec
        .policy
        .paths
        .iter()
        .any(|rule| rule.access == Access::Bind && rule.path.contains(path))
}
