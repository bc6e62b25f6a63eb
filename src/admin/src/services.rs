//! Where services of the host listen that an app reaches only with an option of its own. What a cap
//! on that option takes away must not come back as a path.

use crate::caps::{Caps, Closed};
use crate::file::PATH;
use crate::judge::{Denied, allows_bus};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::{AbsPath, Place, Policy, Wayland, XServer};
use std::path::Path;

/// Where X servers listen.
const X: &str = "/tmp/.X11-unix";
/// Where the system's bus listens.
const SYSTEM_BUS: &str = "/run/dbus";

/// The directories of services that the caps do not allow, for what a policy binds.
pub(crate) fn closed(caps: &Caps) -> Vec<Closed> {
    let runtime = format!("/run/user/{}", caps.uid);
    let without = |key: &str, value: &str| {
        caps.words(key).filter(|(words, _)| !words.contains(&value)).map(|(_, place)| place)
    };
    let found: [(&'static str, &str, Option<Place>); 5] = [
        ("xserver", X, without("xserver", "direct")),
        ("wayland", &runtime, without("wayland", "direct")),
        (
            "dbus",
            &runtime,
            caps.words("dbus")
                .filter(|(words, _)| !allows_bus(words, true))
                .map(|(_, place)| place),
        ),
        (
            "dbus",
            SYSTEM_BUS,
            caps.words("dbus")
                .filter(|(words, _)| !allows_bus(words, false))
                .map(|(_, place)| place),
        ),
        (
            "pulseaudio",
            &runtime,
            caps.switch("pulseaudio").filter(|(on, _)| !on).map(|(_, place)| place),
        ),
    ];
    let closed = found.into_iter().filter_map(|(key, path, place)| {
        Some(Closed { path: AbsPath::new(path).ok()?, shown: path.to_owned(), key, place: place? })
    });
    closed.collect()
}

impl Caps {
    /// Whether a socket of the host may be given to the app beside what its policy binds: that of a
    /// known service only with the option that grants the service, any other to an app that has some.
    ///
    /// # Errors
    /// When it may not.
    pub fn may_connect(&self, real: &AbsPath, policy: &Policy) -> Result<(), Denied> {
        self.may_reach(real)?;
        let path = real.as_path();
        let x = policy.xserver != XServer::None;
        let wayland = policy.wayland == Wayland::Direct;
        let sound = policy.pulseaudio;
        let any = x || wayland || sound || policy.dbus.session() || policy.dbus.system();
        let below = path.strip_prefix(format!("/run/user/{}", self.uid)).ok();
        let name = below.and_then(|below| below.components().next());
        let name = name.map(|name| name.as_os_str().to_string_lossy());
        let (key, granted) = match name.as_deref() {
            _ if path.starts_with(X) => ("xserver", x),
            _ if path.starts_with(SYSTEM_BUS) => ("dbus", policy.dbus.system()),
            Some("bus") => ("dbus", policy.dbus.session()),
            Some("pulse") => ("pulseaudio", sound),
            Some(name) if name.starts_with("pipewire-") => ("pulseaudio", sound),
            Some(name) if name.starts_with("wayland-") => ("wayland", wayland),
            _ => ("", any),
        };
        // Without a cap on the service its socket is one as any other.
        let caps = ["xserver", "wayland", "dbus", "pulseaudio"].into_iter();
        let cap =
            caps.filter(|cap| key.is_empty() || key == *cap).find_map(|cap| self.section.get(cap));
        let Some(cap) = cap.filter(|_| !granted) else { return Ok(()) };
        let place = Some(cap.place);
        let message = Message::new(N_(
            "the socket “{path}” goes only to an app whose policy grants the service behind it ({file})",
        ))
        .with("path", path_text(path))
        .with("file", PATH);
        Err(Denied { key, place, message })
    }
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
