//! A further command in a sandbox that runs. No namespace is entered and no right is gained for it: a
//! fork of the first process, which was in every namespace and had given up every right before the
//! app began, starts it through the very steps that made the app.

use crate::error::{Error, Result};
use crate::init::{self, Setup};
use crate::serve;
use crate::sys;
use crate::wall::Wall;
use arkose_profile::Walls;
use arkose_protocol::Event;
use std::os::fd::{AsFd as _, OwnedFd};

/// Runs as a fork of the first process, stays until the command has ended, and tells over `socket`
/// what becomes of it.
pub(crate) fn accompany(setup: &Setup<'_>, wall: &Wall, socket: &OwnedFd) -> ! {
    // The supervisor's socket is the first process's; here is nothing to be said over it.
    if sys::put_in_place(setup.channel.as_fd(), socket).is_ok()
        && let Err(error) = enter(setup, wall)
    {
        let _ = setup.channel.send_event(&Event::Failed(error.into_failure()));
    }
    sys::exit(0)
}

fn enter(setup: &Setup<'_>, wall: &Wall) -> Result<()> {
    let received = setup.channel.receive_entry();
    let (entry, stdio) = received.map_err(|error| Error::new(error.to_string()))?;
    let request = entry.in_place_of_the_app(setup.request);
    serve::check(&request)?;
    let Setup { channel, plan, caller, caps, inside, .. } = *setup;
    // In a tree of its own this process cannot see where on the host they lie, and so is not asked.
    let judged = caps.filter(|_| plan.walls == Walls::Light);
    serve::check_stdio(&request, &stdio, plan.way, judged)?;
    let (request, id_map, gate, outlet) = (&request, None, None, None);
    let own = Setup { channel, request, plan, caller, caps, inside, id_map, gate, outlet };
    // What enters lets nobody else in.
    init::live(&own, stdio, wall, 0, None)
}
