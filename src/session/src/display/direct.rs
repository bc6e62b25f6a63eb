//! Direct access to the host's X server: its socket, and the one cookie that it asks for.
//!
//! Whoever reaches it sees every window and every key; the private authority file keeps the cookies
//! of other displays out, and nothing more.

use super::name::{LocalDisplay, socket_path};
use super::number::Number;
use super::screen::{Screen, host_cookie};
use super::{Display, x_grant};
use crate::error::{Error, Kind};
use crate::grant::{Grant, Inside};
use crate::host::Host;
use std::os::fd::BorrowedFd;

/// The host's X server, under a number of the sandbox's own.
#[derive(Debug)]
pub(crate) struct Direct {
    grant: Grant,
    // With the host's number, a client in the host's network namespace would try the server's abstract
    // socket, be forbidden to connect, and not look for the file.
    _number: Number,
}

impl Direct {
    pub(crate) fn start(host: &Host, inside: &Inside) -> Result<Self, Error> {
        let display = LocalDisplay::of(host)?;
        // Says at once, and in plain words, what the app would say in its own.
        Screen::of(host, display)?;
        let number = Number::reserve()?;
        let kind = match socket_path(display.number).exists() {
            true => Kind::NoXSocket,
            false => Kind::AbstractXServer,
        };
        let cookie = host_cookie(host, display);
        let grant = x_grant(
            inside,
            display.number,
            LocalDisplay { number: number.get(), screen: display.screen },
            cookie.as_ref(),
            kind,
        )?;
        Ok(Self { grant, _number: number })
    }
}

impl Display for Direct {
    fn backend(&self) -> &'static str {
        "direct"
    }

    fn grant(&self) -> &Grant {
        &self.grant
    }

    fn watched(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    fn ended(&mut self) -> Option<Error> {
        None
    }

    fn stop(&mut self) {}
}
