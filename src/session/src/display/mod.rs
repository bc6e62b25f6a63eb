//! The X display of a sandbox: the host's, or one of its own.
//!
//! An isolated display is an X server that only this sandbox has the cookie of, drawn on the host by
//! one of several programs behind one trait: [`Display`]. Which one is picked by what is there.

mod direct;
pub(crate) mod name;
mod nested;
mod number;
pub(crate) mod screen;
mod windows;
pub mod xauth;
mod xephyr;
mod xpra;
mod xwayland;

pub(crate) use windows::manage as manage_windows;

use crate::error::{Error, Kind};
use crate::grant::{Grant, Inside, SocketBind};
use crate::host::Host;
use crate::runtime::Runtime;
use arkose_profile::text::visible;
use name::{LocalDisplay, socket_path};
use std::os::fd::BorrowedFd;
use xauth::Cookie;

/// A display that a sandbox has; dropping it ends it and removes what it left.
pub trait Display: std::fmt::Debug {
    /// The program that draws it, or `direct`.
    fn backend(&self) -> &'static str;

    /// What the sandbox gets.
    fn grant(&self) -> &Grant;

    /// Descriptors to poll for reading; when one is readable, [`ended`](Self::ended) tells more.
    fn watched(&self) -> Vec<BorrowedFd<'_>>;

    /// Why the display is gone, if it is; also reaps what has ended.
    fn ended(&mut self) -> Option<Error>;

    /// Why more comfortable programs, though installed, were passed over; worth a line in a log.
    fn notes(&self) -> &[Error] {
        &[]
    }

    /// Keeps what [`notes`](Self::notes) gives.
    #[doc(hidden)]
    fn note(&mut self, _notes: Vec<Error>) {}

    /// Ends it within a second. Called after the app has ended; a second call does nothing.
    fn stop(&mut self);
}

/// Which program draws an isolated display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// What is there, the most comfortable first.
    #[default]
    Auto,
    /// Seamless windows on the host's X display.
    Xpra,
    /// One window on the host's X display.
    Xephyr,
    /// One window on the host's Wayland compositor.
    Xwayland,
}

impl Backend {
    /// Reads `auto`, `xpra`, `xephyr` or `xwayland`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "xpra" => Some(Self::Xpra),
            "xephyr" => Some(Self::Xephyr),
            "xwayland" => Some(Self::Xwayland),
            _ => None,
        }
    }
}

/// What an isolated display is made for.
#[derive(Debug)]
pub struct Request<'a> {
    /// The user's environment.
    pub host: &'a Host,
    /// Where things are inside.
    pub inside: &'a Inside,
    /// The title of the window, where the display is one: the app's name and a word that it is confined.
    pub title: &'a str,
    /// The sandbox's own directory on the host.
    pub runtime: &'a Runtime,
    /// Which program is to draw it.
    pub backend: Backend,
    /// Becomes readable when the launch is to end before it has begun.
    pub stop: Option<BorrowedFd<'a>>,
}

impl Request<'_> {
    /// The title, with nothing in it that a title bar would hide.
    fn title(&self) -> String {
        visible(self.title.as_bytes())
    }
}

/// Starts an isolated display and waits until it can be used.
///
/// # Errors
/// When no program for it is installed, or the host's display cannot be used.
pub fn isolated(request: &Request<'_>) -> Result<Box<dyn Display>, Error> {
    match request.backend {
        Backend::Auto => automatic(request),
        Backend::Xpra => xpra::start(request),
        Backend::Xephyr => xephyr::start(request),
        Backend::Xwayland => xwayland::start(request),
    }
}

/// Tries what this session can use, the most comfortable first.
fn automatic(request: &Request<'_>) -> Result<Box<dyn Display>, Error> {
    type Start = fn(&Request<'_>) -> Result<Box<dyn Display>, Error>;
    let host = request.host;
    let mut starts: Vec<Start> = Vec::new();
    if host.var("DISPLAY").is_some() {
        starts.extend([xpra::start as Start, xephyr::start]);
    }
    if host.var("WAYLAND_DISPLAY").is_some() {
        starts.push(xwayland::start);
    }
    if starts.is_empty() {
        return Err(Error::new(Kind::NoDisplay));
    }
    let (mut failures, mut missing) = (Vec::new(), None);
    for start in starts {
        match start(request) {
            Ok(mut display) => {
                display.note(failures);
                return Ok(display);
            }
            Err(error) if error.kind() == Kind::GivenUp => return Err(error),
            Err(error) if error.kind() == Kind::NotInstalled => missing = Some(error),
            Err(error) => failures.push(error),
        }
    }
    // What failed says more than what is not there; the last one would have been the simplest.
    match (failures.pop(), missing) {
        (Some(failure), _) => Err(failure),
        // On Wayland alone there is only one that could be installed.
        (None, Some(missing)) if host.var("DISPLAY").is_none() => Err(missing),
        (None, _) => Err(Error::new(Kind::NoNestedServer)),
    }
}

/// The host's own X display.
///
/// # Errors
/// When there is none on this machine, it does not let the user in, or it cannot be passed on.
pub fn direct(host: &Host, inside: &Inside) -> Result<Box<dyn Display>, Error> {
    Ok(Box::new(direct::Direct::start(host, inside)?))
}

/// The socket of display `source` under the name of `display` inside, with its cookie.
fn x_grant(
    inside: &Inside,
    source: u16,
    display: LocalDisplay,
    cookie: Option<&Cookie>,
    missing: Kind,
) -> Result<Grant, Error> {
    let mut grant = Grant::default();
    let socket = SocketBind::open(socket_path(source), socket_path(display.number), missing)?;
    grant.sockets.push(socket);
    grant.set("DISPLAY", display);
    if let Some(cookie) = cookie {
        let dest = inside.below_runtime(".Xauthority")?;
        grant.set("XAUTHORITY", &dest);
        grant.secret(&dest, cookie.file(display.number));
    }
    Ok(grant)
}
