//! A further command in a sandbox that runs: what `arkose enter` does while the command lives. It is
//! the supervisor of that command alone, with the same terminal, pipes and signals; the sandbox has
//! its own.

use crate::events::Events;
use crate::failure::{CANNOT_SUPERVISE, LaunchError, NOT_ENTERED};
use crate::helper::Helper;
use crate::host::Host;
use crate::running::Running;
use crate::services::Services;
use crate::streams::{Pump, Streams};
use crate::supervisor::{Session, State, watch_signals};
use crate::terminal::Console;
use arkose_profile::AbsPath;
use arkose_protocol::{Bytes, Channel, Entry, ProtocolError, Terminal};
use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

impl Running {
    /// Runs a command in the sandbox, waits for it, and gives the exit status that a shell would. An
    /// empty command stands for the user's shell.
    ///
    /// # Errors
    /// When the command could not be started, or the sandbox ended before it.
    pub fn enter(&self, mut command: Vec<OsString>) -> Result<u8, LaunchError> {
        let host = Host::current();
        if command.is_empty() {
            command.push(host.var("SHELL").map_or_else(|| "/bin/sh".into(), OsString::from));
        }
        let mut signals =
            watch_signals().map_err(|errno| LaunchError::because(CANNOT_SUPERVISE, errno))?;
        let console = Console::find();
        let terminal = console
            .as_ref()
            .map(|(console, replaces)| Terminal { replaces: *replaces, size: console.size() });
        let channel = self.door()?;
        let pumps = self.send(&channel, entry(&host, &command, terminal))?;
        let session = Session {
            channel,
            helper: Helper::Elsewhere,
            pumps,
            signals: &mut signals,
            services: &mut Services::default(),
            launch: None,
            listing: None,
            limits: None,
            console: console.map(|(console, _)| console),
            relay: None,
            state: State::default(),
        };
        session.accompany(&command, &mut Events::to(None), &self.facts.id).0
    }

    /// Sends the command and its standard descriptors, and gives what is to be passed on for it.
    fn send(&self, channel: &Channel, entry: Entry) -> Result<Vec<Pump>, LaunchError> {
        // As at the launch: an app that root made root gets nothing that it could own.
        let owned = self.facts.way == "helper" && self.facts.runas == "root";
        let streams = if owned {
            let replaced = entry.terminal.map_or([false; 3], |terminal| terminal.replaces);
            let streams = Streams::piped(replaced)
                .map_err(|error| LaunchError::because(CANNOT_SUPERVISE, error))?;
            Some(streams)
        } else {
            None
        };
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let stdio = match &streams {
            None => [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()],
            Some(streams) => streams.given.each_ref().map(OwnedFd::as_fd),
        };
        channel.send_entry(&entry, stdio).map_err(|error| match error {
            ProtocolError::Io(_) => LaunchError::plain(NOT_ENTERED),
            error => error.into(),
        })?;
        Ok(streams.map(|streams| streams.pumps).unwrap_or_default())
    }
}

/// The command, where this process is, and what the terminal is like.
fn entry(host: &Host, command: &[OsString], terminal: Option<Terminal>) -> Entry {
    let named = ["TERM", "COLORTERM"].into_iter().filter(|_| terminal.is_some());
    let set = named.filter_map(|name| Some((name, host.var(name)?)));
    let variable = |(name, value): (&str, &std::ffi::OsStr)| {
        Bytes([name.as_bytes(), b"=", value.as_bytes()].concat())
    };
    Entry {
        argv: command.iter().map(|word| Bytes(word.as_bytes().to_vec())).collect(),
        env: set.map(variable).collect(),
        cwd: std::env::current_dir().ok().and_then(|directory| AbsPath::new(directory).ok()),
        terminal,
    }
}
