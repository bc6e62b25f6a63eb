//! The private places of an app with light walls: it stays on the host's own system, and what a
//! sandbox with mounts would mount for it lies in a directory of its own below the runtime directory.

use crate::failure::{LIGHT_BY_HELPER, LIGHT_HOSTNAME, LaunchError, NO_LIGHT_PLACES};
use crate::host::Host;
use crate::runtime::Runtime;
use crate::spec::{LaunchSpec, Via};
use arkose_profile::{AbsPath, Access, DBus, Home, RunAs, Walls, Wayland, XServer};
use arkose_protocol::HostMount;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Where they are.
#[derive(Debug)]
pub(crate) struct Places {
    home: AbsPath,
    temporary: AbsPath,
    runtime: AbsPath,
}

/// What light walls cannot do, beside what a profile says.
fn check(spec: &LaunchSpec) -> Result<(), LaunchError> {
    if spec.via == Via::Helper {
        return Err(LaunchError::remedied(
            LIGHT_BY_HELPER,
            "arkose run --walls light --via user …",
        ));
    }
    if spec.hostname.is_some() {
        return Err(LaunchError::plain(LIGHT_HOSTNAME));
    }
    Ok(())
}

/// What launches without namespaces and without root. Copies there are none of; what is not copied can
/// be read.
pub(crate) const REMEDY: &str = "arkose run --walls light --root read-only …";

/// Whether this machine has light walls, and they could keep what a policy for full ones says, but for
/// a system whose changes are dropped.
pub(crate) fn could_keep(spec: &LaunchSpec) -> bool {
    let policy = &spec.policy;
    let copies = policy.paths.iter().any(|rule| rule.access == Access::Cow);
    let home = matches!(policy.home, Home::Empty | Home::Private);
    let sockets = policy.xserver != XServer::None
        || policy.wayland != Wayland::None
        || policy.dbus != DBus::None
        || policy.pulseaudio;
    let elsewhere = spec.hostname.is_some() || !spec.files.is_empty();
    let plain = policy.runas == RunAs::User && !policy.user_namespaces && policy.cow_size == 0;
    arkose_engine::has_scopes() && home && plain && !copies && !sockets && !elsewhere
}

impl Places {
    /// Makes them in the sandbox's own directory, where the policy has light walls. They go with it.
    pub(crate) fn make(spec: &LaunchSpec, runtime: &Runtime) -> Result<Option<Self>, LaunchError> {
        if spec.policy.walls == Walls::Full {
            return Ok(None);
        }
        check(spec)?;
        let places = Self::below(runtime.dir()?)?;
        for place in places.all() {
            std::fs::DirBuilder::new()
                .mode(0o700)
                .create(place)
                .map_err(|error| LaunchError::because(NO_LIGHT_PLACES, error))?;
        }
        Ok(Some(places))
    }

    /// Those that a launch would make, for one that is only planned.
    pub(crate) fn planned(
        spec: &LaunchSpec,
        host: &Host,
        id: &str,
    ) -> Result<Option<Self>, LaunchError> {
        if spec.policy.walls == Walls::Full {
            return Ok(None);
        }
        check(spec)?;
        Self::below(&host.runtime().join("arkose").join(id)).map(Some)
    }

    fn below(directory: &Path) -> Result<Self, LaunchError> {
        let wrong = |_| LaunchError::plain(NO_LIGHT_PLACES);
        let place = |name| AbsPath::new(directory.join(name)).map_err(wrong);
        Ok(Self { home: place("home")?, temporary: place("tmp")?, runtime: place("run")? })
    }

    fn all(&self) -> [&AbsPath; 3] {
        [&self.home, &self.temporary, &self.runtime]
    }

    /// The home directory of an app that has no other.
    pub(crate) fn home(&self) -> &AbsPath {
        &self.home
    }

    /// What of them the app is let into.
    pub(crate) fn granted(&self, home: Home) -> impl Iterator<Item = HostMount> {
        let own_home = home != Home::Private;
        let places = self.all().into_iter().skip(usize::from(!own_home));
        places.map(|place| HostMount {
            source: place.clone(),
            dest: place.clone(),
            read_only: false,
        })
    }

    /// How the app finds them.
    pub(crate) fn variables(&self, home: &AbsPath) -> Result<Vec<(String, String)>, LaunchError> {
        [("HOME", home), ("TMPDIR", &self.temporary), ("XDG_RUNTIME_DIR", &self.runtime)]
            .into_iter()
            .map(|(name, path)| {
                let text = path.as_path().to_str();
                let text = text.ok_or_else(|| LaunchError::plain(NO_LIGHT_PLACES))?;
                Ok((name.to_owned(), text.to_owned()))
            })
            .collect()
    }
}
