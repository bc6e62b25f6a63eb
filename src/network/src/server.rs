//! The loop: one thread that waits for all sockets at once, and for nobody in particular.

use crate::confine;
use crate::control::{Control, Said};
use crate::doors::{Door, Doors};
use crate::hosts::Hosts;
use crate::log;
use crate::query::Query;
use crate::resolver::{Client, Resolver};
use crate::setup::Setup;
use crate::state::State;
use crate::walls::Walls;
use arkose_engine::network::Log;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use serde_json::json;
use std::os::fd::OwnedFd;
use std::time::Instant;
use thiserror::Error;

/// Why it does not run.
#[derive(Debug, Error)]
pub enum CannotServe {
    /// What the kernel refuses.
    #[error("the kernel refuses what the network needs: {0}")]
    Kernel(#[from] Errno),
    /// Its rights are to be given up first.
    #[error(transparent)]
    Rights(#[from] arkose_engine::Error),
}

/// What an event of the kernel's is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Supervisor,
    Log,
    Door(Door),
    Lookup(usize),
}

/// The running program.
#[derive(Debug)]
pub struct Server {
    control: Control,
    doors: Doors,
    log: Option<Log<OwnedFd>>,
    resolver: Resolver,
    state: State,
}

impl Server {
    /// Gives up what is not needed, and tells that it serves.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn start(setup: Setup, control: Control) -> Result<Self, CannotServe> {
        let Setup { descriptors, table, nameservers, hosts } = setup;
        let files = nameservers.path().into_iter().chain([hosts.as_path()]);
        confine::give_up_rights(&files.collect::<Vec<_>>())?;
        let walls = match descriptors.nfnetlink {
            Some(socket) => Walls::direct(socket, &table),
            None => Walls::by_helper(descriptors.steering),
        };
        let mut state = State::new(table, walls);
        state.events.line(&json!({ "ready": true }));
        Ok(Self {
            control,
            doors: Doors::new(descriptors.udp, descriptors.tcp)?,
            log: descriptors.nflog.map(Log::new),
            resolver: Resolver::new(nameservers, Hosts::new(hosts)),
            state,
        })
    }

    /// Serves until the supervisor is gone.
    ///
    /// # Errors
    /// When the kernel refuses to wait.
    pub fn run(mut self) -> Result<(), CannotServe> {
        loop {
            if self.control.tell(self.state.events.lines()).is_err() {
                return Ok(());
            }
            let deadline = self.deadline();
            let ready = self.wait(deadline)?;
            self.state.now = Instant::now();
            for token in ready {
                if !self.event(token) {
                    return Ok(());
                }
            }
            self.tick();
        }
    }

    /// Waits for what is wanted of all sockets, until `deadline` at most: what is ready.
    fn wait(&self, deadline: Option<Instant>) -> Result<Vec<Token>, Errno> {
        let timeout = deadline.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            // Rounded up, so that it has passed afterwards.
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos().min(998_999_999)) + 1_000_000,
            }
        });
        let (tokens, mut fds): (Vec<Token>, Vec<PollFd<'_>>) = self.wanted().unzip();
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Vec::new()),
            Err(errno) => return Err(errno),
        }
        let ready = tokens.into_iter().zip(fds.iter().map(PollFd::revents));
        Ok(ready.filter_map(|(token, flags)| (!flags.is_empty()).then_some(token)).collect())
    }

    /// Every socket, with what it is waited for.
    fn wanted(&self) -> impl Iterator<Item = (Token, PollFd<'_>)> {
        let mut of_supervisor = PollFlags::IN;
        of_supervisor.set(PollFlags::OUT, self.state.events.is_waiting());
        let supervisor = PollFd::new(self.control.socket(), of_supervisor);
        let log = self.log.iter().map(|log| (Token::Log, PollFd::new(log, PollFlags::IN)));
        let doors = self.doors.wanted();
        let doors =
            doors.map(|(door, socket, flags)| (Token::Door(door), PollFd::new(socket, flags)));
        let lookups = self.resolver.wanted();
        let lookups = lookups
            .map(|(index, socket, flags)| (Token::Lookup(index), PollFd::new(socket, flags)));
        let first = std::iter::once((Token::Supervisor, supervisor));
        first.chain(log).chain(doors).chain(lookups)
    }

    /// Whether the program goes on.
    fn event(&mut self, token: Token) -> bool {
        let now = self.state.now;
        match token {
            Token::Supervisor => return self.hear(),
            Token::Log => self.packets(),
            Token::Door(door) => {
                let asked = self.doors.ready(door, now);
                self.ask(asked);
            }
            Token::Lookup(index) => self.resolver.ready(index, &mut self.state, now),
        }
        self.answer();
        true
    }

    fn hear(&mut self) -> bool {
        let Some(lines) = self.control.said() else { return false };
        for said in lines {
            match said {
                Said::Given(given) => self.state.answered(&given),
                Said::Change { change } => {
                    let what = self.control.change();
                    self.state.change(change, what);
                }
                Said::Rules { rules } => self.state.tell_rules(rules),
                Said::Traffic { traffic } => self.state.traffic(traffic),
            }
        }
        self.answer();
        true
    }

    fn packets(&mut self) {
        let Some(log) = &self.log else { return };
        let heard = log::hear(log);
        for packet in &heard.packets {
            self.state.packet(packet);
        }
        self.state.events.lost(u64::from(heard.lost));
        if heard.over {
            self.log = None;
        }
    }

    fn ask(&mut self, asked: Vec<(Query, Client)>) {
        let now = self.state.now;
        for (query, client) in asked {
            self.resolver.ask(query, client, &mut self.state, now);
        }
    }

    /// Sends the answers there are, and takes questions that had to wait for that.
    fn answer(&mut self) {
        loop {
            let answers = self.resolver.answers();
            for (client, answer) in &answers {
                self.doors.answer(client, answer, self.state.now);
            }
            let more = self.doors.more(self.state.now);
            if answers.is_empty() && more.is_empty() {
                return;
            }
            self.ask(more);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let all = [self.resolver.deadline(), self.doors.deadline(), self.state.deadline()];
        all.into_iter().flatten().min()
    }

    fn tick(&mut self) {
        let now = self.state.now;
        self.resolver.tick(&mut self.state, now);
        self.answer();
        for client in self.doors.sweep(now) {
            self.resolver.forget(&client);
        }
        self.state.tick();
    }
}
