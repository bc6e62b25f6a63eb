//! What can go wrong with a service of the host, as one sentence and the command that mends it.
//!
//! The sentence is a pattern marked for translation and its values, so that the window and the
//! command line translate where they show; `Display` gives it in English.

use arkose_profile::i18n::N_;
use arkose_profile::text::visible;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;

/// Why a service of the host cannot be granted.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message(&|text| text.to_owned()))]
pub struct Error {
    kind: Kind,
    values: Vec<String>,
    #[source]
    cause: Option<io::Error>,
}

/// What went wrong; in brackets what the values of the sentence are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Neither X nor Wayland on the host.
    NoDisplay,
    /// `DISPLAY` is not understood [its value].
    BadDisplay,
    /// `DISPLAY` names a server over the network [its value].
    RemoteDisplay,
    /// The socket of the host's X server is missing [display].
    NoXSocket,
    /// The host's X server listens on an abstract socket only [display].
    AbstractXServer,
    /// The host's X server does not accept us [display].
    XRefused,
    /// No program that makes an isolated display is installed.
    NoNestedServer,
    /// The chosen program for an isolated display is not installed [program].
    NotInstalled,
    /// A program did not get ready in time [program].
    TooSlow,
    /// A program ended while starting [program, its last words].
    Ended,
    /// A program ended without a word [program].
    EndedSilently,
    /// A program runs and is of no use [program, what it says].
    Broken,
    /// A program cannot be started [program].
    CannotStart,
    /// The launch is to end before it has begun.
    GivenUp,
    /// The server of an isolated display is gone [program].
    DisplayGone,
    /// Every display number is taken.
    NoDisplayNumber,
    /// `WAYLAND_DISPLAY` is not set.
    NoWayland,
    /// The compositor's socket is missing [path].
    NoWaylandSocket,
    /// No sound server [path].
    NoSound,
    /// `PULSE_SERVER` names no local server [its value].
    RemoteSound,
    /// No session bus.
    NoSessionBus,
    /// The bus's socket is missing [path].
    NoBusSocket,
    /// A bus address is not understood [address].
    BadBusAddress,
    /// A bus listens on an abstract socket only [address].
    AbstractBus,
    /// A bus is not reached through a local socket [address].
    RemoteBus,
    /// The proxy between an app and its buses is not installed.
    NoProxy,
    /// That proxy has ended before the app.
    BusGone,
    /// What carries packets out of a filtered network is not installed.
    NoUplink,
    /// What resolves names for one is not installed.
    NoNetworkProgram,
    /// One of the two has ended before the app [why].
    NetworkGone,
    /// The bridge of a zone is not there yet [its name].
    Awaited,
    /// A zone without root's helper.
    ZoneByUser,
    /// What carries packets out of one does not serve root.
    RootNetwork,
    /// Portals would not know the app as one that is confined [why].
    NoIdentity,
    /// No accessibility bus.
    NoAccessibility,
    /// An answer could not be written into a profile [the profile].
    NotKept,
    /// There is no runtime directory [path].
    NoRuntimeDir,
    /// The runtime directory is not the user's alone [path].
    UnsafeRuntimeDir,
    /// Something below the runtime directory cannot be made [path].
    CannotCreate,
    /// The app was ended for want of memory [its limit].
    OutOfMemory,
    /// A process of the app was ended for want of memory [its limit].
    ShortOfMemory,
    /// The app was refused a further process [its limit].
    TooManyProcesses,
    /// The kernel refuses something that it should not [what].
    Internal,
}

impl Error {
    /// An error without values.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, values: Vec::new(), cause: None }
    }

    /// Adds a value of the sentence, with control characters made visible.
    #[must_use]
    pub fn value(mut self, value: impl AsRef<OsStr>) -> Self {
        self.values.push(visible(value.as_ref().as_bytes()));
        self
    }

    /// Adds what the system said.
    #[must_use]
    pub fn because(mut self, cause: impl Into<io::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The sentence, translated.
    #[must_use]
    pub fn message(&self, translate: &dyn Fn(&str) -> String) -> String {
        fill(&translate(self.kind.pattern()), &self.values)
    }

    /// The command that mends it, where there is one.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let text = match self.kind {
            Kind::NoNestedServer => "sudo apt install xserver-xephyr",
            Kind::Broken | Kind::NotInstalled => {
                return self
                    .values
                    .first()
                    .and_then(|program| package(program))
                    .map(|package| format!("sudo apt install {package}"));
            }
            Kind::NoProxy | Kind::NoNetworkProgram => "sudo ./dev install",
            Kind::ZoneByUser => "arkose run --via helper …",
            Kind::NoUplink => "sudo apt install passt",
            Kind::NoSound => "systemctl --user start pipewire-pulse.socket",
            Kind::NoSessionBus => "dbus-run-session -- arkose …",
            Kind::NoRuntimeDir => "sudo apt install libpam-systemd",
            Kind::UnsafeRuntimeDir => {
                return self.values.first().map(|path| format!("chmod 700 '{path}'"));
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// The Debian package that has a program.
fn package(program: &str) -> Option<&'static str> {
    match program {
        "Xephyr" => Some("xserver-xephyr"),
        "Xvfb" => Some("xvfb"),
        "Xwayland" => Some("xwayland"),
        "xpra" => Some("xpra python3-pil python3-gi-cairo"),
        "python3-gi-cairo" => Some("python3-gi-cairo"),
        _ => None,
    }
}

impl Kind {
    /// The sentence, with `{0}` and `{1}` for its values.
    fn pattern(self) -> &'static str {
        match self {
            Self::NoDisplay => {
                N_("There is no X server: neither DISPLAY nor WAYLAND_DISPLAY is set")
            }
            Self::BadDisplay => {
                N_("DISPLAY is “{0}”, which does not name an X server of this machine")
            }
            Self::RemoteDisplay => N_(
                "The X server “{0}” is reached over the network and cannot be passed into a sandbox; use the isolated X server",
            ),
            Self::NoXSocket => N_("No X server answers at “{0}”"),
            Self::AbstractXServer => N_(
                "The X server “{0}” has no socket file that could be passed into a sandbox; use the isolated X server",
            ),
            Self::XRefused => N_("The X server “{0}” does not let this user in"),
            Self::NoNestedServer => N_("No program for an isolated X server is installed"),
            Self::NotInstalled => N_("The program {0} is not installed"),
            Self::TooSlow => N_("{0} was not ready within fifteen seconds"),
            Self::Ended => N_("{0} ended while it was starting: {1}"),
            Self::EndedSilently => N_("{0} ended while it was starting"),
            Self::Broken => N_("{0} does not work on this machine: {1}"),
            Self::CannotStart => N_("{0} cannot be started"),
            Self::GivenUp => N_("The launch was given up"),
            Self::DisplayGone => N_("The isolated X server ({0}) has ended"),
            Self::NoDisplayNumber => N_("No display number is free for an isolated X server"),
            Self::NoWayland => N_("There is no Wayland compositor: WAYLAND_DISPLAY is not set"),
            Self::NoWaylandSocket => N_("No Wayland compositor has a socket at {0}"),
            Self::NoSound => N_("No sound server has a socket at {0}"),
            Self::RemoteSound => {
                N_("PULSE_SERVER is “{0}”, which does not name a sound server of this machine")
            }
            Self::NoSessionBus => {
                N_("There is no session bus: DBUS_SESSION_BUS_ADDRESS is not set")
            }
            Self::NoBusSocket => N_("No message bus has a socket at {0}"),
            Self::BadBusAddress => N_("The bus address “{0}” is not understood"),
            Self::AbstractBus => {
                N_("The bus “{0}” has no socket file that could be passed into a sandbox")
            }
            Self::RemoteBus => N_("The bus “{0}” is not reached through a socket of this machine"),
            Self::NoProxy => N_("Arkose's D-Bus proxy is not installed"),
            Self::BusGone => {
                N_("Arkose's D-Bus proxy has ended: the app reaches no message bus any more")
            }
            Self::NoUplink => {
                N_("The program pasta is not installed, which is a filtered network's way out")
            }
            Self::NoNetworkProgram => N_("Arkose's program for filtered networks is not installed"),
            Self::NetworkGone => N_("{0}: the app reaches no network any more, and is ended"),
            Self::Awaited => N_("Waiting for the network bridge {0}"),
            Self::ZoneByUser => N_(
                "Only root's helper can join an app to a network bridge, and it was not to be used",
            ),
            Self::RootNetwork => {
                N_("A filtered network's way out serves ordinary users, and not root")
            }
            Self::NoIdentity => {
                N_("The app goes without portals: they could not tell that it is confined ({0})")
            }
            Self::NoAccessibility => {
                N_("The app goes without the accessibility bus: none is there yet")
            }
            Self::NotKept => N_(
                "The answer could not be written into the profile “{0}”, and holds for this launch",
            ),
            Self::NoRuntimeDir => {
                N_("There is no runtime directory at {0}; it is made when a user logs in")
            }
            Self::UnsafeRuntimeDir => {
                N_("The runtime directory {0} is not a directory of this user alone")
            }
            Self::CannotCreate => N_("{0} cannot be created"),
            Self::OutOfMemory => N_("The app reached its memory limit of {0} and was ended"),
            Self::ShortOfMemory => {
                N_("The app reached its memory limit of {0}, and some of its processes were ended")
            }
            Self::TooManyProcesses => N_("The app reached its limit of {0} processes"),
            Self::Internal => N_("The system refuses a basic call ({0})"),
        }
    }
}

/// Puts values into `{0}`, `{1}`; what a value holds is not looked at again.
pub(crate) fn fill(pattern: &str, values: &[String]) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let value = after
            .split_once('}')
            .and_then(|(index, tail)| Some((values.get(index.parse::<usize>().ok()?)?, tail)));
        match value {
            Some((value, tail)) => {
                text.push_str(value);
                rest = tail;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_once_and_made_visible() {
        let error = Error::new(Kind::Ended).value("Xephyr").value("{0}\x1b[2J");
        assert_eq!(error.to_string(), "Xephyr ended while it was starting: {0}\\x1b[2J");
    }

    #[test]
    fn a_translation_may_turn_the_order() {
        let error = Error::new(Kind::Ended).value("A").value("B");
        assert_eq!(error.message(&|_| "{1} – {0}".to_owned()), "B – A");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let remedy = |program| Error::new(Kind::NotInstalled).value(program).remedy();
        assert_eq!(remedy("Xephyr").as_deref(), Some("sudo apt install xserver-xephyr"));
        assert_eq!(remedy("other"), None);
    }
}
