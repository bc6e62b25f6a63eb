//! From a request to a plan.

use super::{Otherwise, Plan, Step, Way, absolute, devices, light, system};
use crate::error::{Error, Result};
use crate::host::Host;
use arkose_profile::{AbsPath, Access, DBus, Home, Network, Policy, Root, RunAs, Walls};
use arkose_protocol::Request;
use std::collections::BTreeSet;
use std::path::Path;

/// Directories that every sandbox has of its own.
const DIRECTORIES: [(&str, u32); 13] = [
    ("/boot", 0o755),
    ("/dev", 0o755),
    ("/home", 0o755),
    ("/media", 0o755),
    ("/mnt", 0o755),
    ("/proc", 0o555),
    ("/root", 0o700),
    ("/run", 0o755),
    ("/run/lock", 0o1777),
    ("/run/user", 0o755),
    ("/srv", 0o755),
    ("/sys", 0o555),
    ("/tmp", 0o1777),
];

/// Makes the plan; `uid` is the app's, inside.
///
/// # Errors
/// When the request asks for what cannot be.
pub fn make(request: &Request, host: &impl Host, way: Way, uid: u32) -> Result<Plan> {
    let policy = &request.policy;
    let own_network = policy.network != Network::Direct;
    if policy.runas == RunAs::Root && policy.dbus != DBus::None {
        return Err(Error::new(
            "an app that runs as root would speak on the host's bus with root's authority",
        ));
    }
    // In one of its own it could mount control groups, whose files are root's of the machine.
    if policy.runas == RunAs::Root && policy.user_namespaces && way == Way::Helper {
        return Err(Error::new("an app can run as root or make user namespaces, and not both"));
    }
    if policy.walls == Walls::Light {
        return light::make(request, host, way);
    }
    let mut steps = Vec::new();
    for (path, mode) in DIRECTORIES {
        steps.push(Step::Directory { dest: absolute(path)?, mode, owned: false });
    }
    let runtime = absolute(&format!("/run/user/{uid}"))?;
    steps.push(Step::Directory { dest: runtime, mode: 0o700, owned: true });
    steps.extend(system::steps(host, way, policy));
    // All that is the system's own comes before the first mount that a user has a say in.
    steps.extend(devices::steps(host, &policy.devices)?);
    steps.push(Step::Processes);
    // A fresh sysfs belongs to a network namespace, and only its owner may mount it.
    steps.push(Step::Sysfs { fresh: own_network || way == Way::Helper });
    steps.push(Step::Scratch { dest: absolute("/var/tmp")?, mode: 0o1777 });
    steps.extend(real_places(request, host)?);
    steps.extend(paths(request, host, way)?);
    steps.extend(services(request)?);
    Ok(Plan {
        way,
        walls: Walls::Full,
        own_network,
        as_root: policy.runas == RunAs::Root,
        copied_for_root: policy.runas == RunAs::Root && policy.root == Root::Cow,
        user_namespaces: policy.user_namespaces,
        denied_calls: policy.denied_calls.clone(),
        size: size(policy),
        home: request.home.path.clone(),
        private_home: (policy.home == Home::Private).then(|| request.home.path.clone()),
        writable: writable(request),
        steps,
    })
}

/// What is written to copies is held in memory, and counts to its limit: an app that fills all that
/// it can write finds it full before it is ended.
fn size(policy: &Policy) -> u64 {
    if policy.cow_size == 0 { policy.limits.memory / 2 } else { policy.cow_size }
}

fn home(request: &Request) -> Result<Step> {
    let path = request.home.path.clone();
    Ok(match request.policy.home {
        Home::Empty => Step::Scratch { dest: path, mode: 0o700 },
        Home::Cow => copy(path),
        Home::Direct => {
            Step::Bind { source: path.clone(), dest: path, read_only: false, of_user: true }
        }
        Home::Private => {
            let private =
                request.home.private.clone().ok_or_else(|| {
                    Error::new("the request names no directory for the private home")
                })?;
            Step::PrivateHome { data: private.data, source: private.path, dest: path }
        }
    })
}

fn copy(path: AbsPath) -> Step {
    Step::Overlay {
        lower: path.clone(),
        dest: path,
        of_user: true,
        otherwise: Otherwise::Refused,
        read_only: false,
    }
}

/// The home and the rules for single paths: parents first, so that a rule for a child holds inside
/// its parent, and the home before a rule for the very same directory.
fn paths(request: &Request, host: &impl Host, way: Way) -> Result<Vec<Step>> {
    refuse_own(&request.home.path, "cannot be a home directory")?;
    let mut rules = vec![(request.home.path.clone(), home(request)?)];
    for rule in &request.policy.paths {
        refuse_own(
            &rule.path,
            "cannot be shared or hidden as a whole; name what is needed below it",
        )?;
        let (dest, source) = (rule.path.clone(), rule.path.clone());
        let step = match rule.access {
            Access::Bind => Step::Bind { source, dest, read_only: false, of_user: true },
            Access::BindReadOnly => Step::Bind { source, dest, read_only: true, of_user: true },
            Access::Cow => copy(source),
            Access::Restrict => Step::Hide { dest, always: false },
        };
        rules.push((rule.path.clone(), step));
    }
    if way == Way::Helper {
        // Before a rule for the very same place.
        let mut covered = covered(&rules, host);
        covered.append(&mut rules);
        rules = covered;
    }
    rules.sort_by(|(a, _), (b, _)| a.cmp(b));
    let writable = writable(request).into_iter().collect();
    let mut held: BTreeSet<AbsPath> = rules.iter().map(|(path, _)| path.clone()).collect();
    let mut steps = Vec::new();
    for (path, step) in rules {
        // What may be moved is no safer for being elsewhere at the next launch.
        if !matches!(step, Step::Bind { read_only: false, .. }) {
            for dest in movable(&path, &writable)? {
                if held.insert(dest.clone()) {
                    steps.push(Step::Pin { dest });
                }
            }
        }
        steps.push(step);
    }
    Ok(steps)
}

/// What is mounted on the host below a directory that is copied, unless another rule says what shows there.
fn covered(rules: &[(AbsPath, Step)], host: &impl Host) -> Vec<(AbsPath, Step)> {
    let ruled: BTreeSet<&Path> = rules.iter().map(|(path, _)| path.as_path()).collect();
    let copies = rules.iter().filter(|(_, step)| matches!(step, Step::Overlay { .. }));
    let copies: BTreeSet<&AbsPath> = copies.map(|(path, _)| path).collect();
    let mut found = Vec::new();
    for path in copies {
        for step in system::covered_below(host, path) {
            let Step::Hide { dest, .. } = &step else { continue };
            let mut between =
                dest.as_path().ancestors().take_while(|above| *above != path.as_path());
            if !between.any(|above| ruled.contains(above)) {
                found.push((dest.clone(), step));
            }
        }
    }
    found
}

/// The directories above `path` that an app could move away, and make another: those below one that
/// it can change. The outermost comes first.
fn movable(path: &AbsPath, writable: &BTreeSet<AbsPath>) -> Result<Vec<AbsPath>> {
    let mut above: Vec<&Path> = path.as_path().ancestors().skip(1).collect();
    above.reverse();
    let mut below_writable = false;
    let mut found = Vec::new();
    for ancestor in above {
        let ancestor =
            AbsPath::new(ancestor).map_err(|error| Error::new(format!("“{path}” {error}")))?;
        let is_writable = writable.contains(&ancestor);
        if below_writable {
            found.push(ancestor);
        }
        below_writable |= is_writable;
    }
    Ok(found)
}

/// The directories of the host that the app can change.
pub(super) fn writable(request: &Request) -> Vec<AbsPath> {
    let home = (request.policy.home == Home::Direct).then(|| request.home.path.clone());
    let rules = request.policy.paths.iter().filter(|rule| rule.access == Access::Bind);
    home.into_iter().chain(rules.map(|rule| rule.path.clone())).collect()
}

/// What is the sandbox's own must stay so, or the host's sockets and processes would show.
pub(super) fn refuse_own(path: &AbsPath, message: &str) -> Result<()> {
    let whole = ["/", "/run", "/run/user"].iter().any(|own| path.as_path() == Path::new(own));
    let below = ["/dev", "/proc", "/sys"].iter().any(|own| path.as_path().starts_with(own));
    if whole || below {
        return Err(Error::new(format!("“{path}” {message}")));
    }
    Ok(())
}

/// The user's home and those of others where they really are, and wherever else the same file system
/// shows them, as `/sysroot` does where the system is an image of one.
pub(super) fn homes(request: &Request, host: &impl Host) -> Result<Vec<AbsPath>> {
    let mut homes = Vec::new();
    for home in system::HOMES {
        homes.push(absolute(home)?);
    }
    homes.push(request.home.path.clone());
    let mut real: Vec<AbsPath> = homes.iter().filter_map(|home| host.canonical(home)).collect();
    real.extend(real.iter().flat_map(|home| host.elsewhere(home)).collect::<Vec<_>>());
    Ok(real)
}

/// Whether a place is one of which the host's content is never shown.
fn is_own(place: &AbsPath) -> bool {
    let name = place.as_path().components().nth(1);
    name.is_some_and(|name| system::OWN.iter().any(|own| name.as_os_str() == *own))
}

/// Where symbolic links of the host lead from the places that are hidden to places that are not,
/// as where `/home` is a link to `/var/home`, and where homes show once more.
fn real_places(request: &Request, host: &impl Host) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut places = vec![request.home.path.clone()];
    for place in system::PERSONAL {
        places.push(absolute(place)?);
    }
    for place in places {
        let real = host.canonical(&place).filter(|real| *real != place);
        steps.extend(real.map(|dest| Step::Hide { dest, always: false }));
    }
    let shown = |place: &AbsPath| !is_own(place) && *place != request.home.path;
    let homes = homes(request, host)?.into_iter().filter(shown);
    for dest in homes {
        let step = Step::Hide { dest, always: false };
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    Ok(steps)
}

/// Arkose's own directories, then what the services need.
fn services(request: &Request) -> Result<Vec<Step>> {
    let message = "is the sandbox's own and cannot be replaced";
    let mut steps = Vec::new();
    let writable = writable(request).into_iter().collect();
    for path in &request.hidden {
        refuse_own(path, message)?;
        steps.extend(movable(path, &writable)?.into_iter().map(|dest| Step::Pin { dest }));
        steps.push(Step::Hide { dest: path.clone(), always: true });
    }
    for mount in &request.mounts {
        refuse_own(&mount.dest, message)?;
        refuse_own(&mount.source, "cannot be shared with the app")?;
        steps.push(Step::Service {
            source: mount.source.clone(),
            dest: mount.dest.clone(),
            read_only: mount.read_only,
        });
    }
    for (index, file) in request.files.iter().enumerate() {
        refuse_own(&file.dest, message)?;
        steps.push(Step::File { dest: file.dest.clone(), mode: file.mode, index });
    }
    Ok(steps)
}
