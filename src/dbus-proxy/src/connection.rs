//! One app's connection: its socket, one of its own to the bus, and what goes between them.
//!
//! Messages are looked at where they were read. What goes through unchanged is sent from there, as one
//! piece however many messages it is; a body that no rule looks at is never held.

use crate::auth::{self, Server};
use crate::fault::Fault;
use crate::fields::Header;
use crate::filter::{Filter, Policy, Shared, Verdict};
use crate::frame::Frame;
use crate::held::Held;
use crate::side::{PORTION, Received, Side};
use rustix::event::PollFlags;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long a handshake may take.
pub const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long what an app said last may take to reach the bus when the app is gone, or the other way round.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What is held of a message up to this size is moved to where the rest is read.
const SMALL: usize = 64 << 10;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The app.
    App,
    /// The bus.
    Bus,
}

/// How far a connection is.
#[derive(Debug)]
enum Phase {
    /// The bus has not answered.
    Greeting,
    /// The app is to begin.
    Handshake(Server),
    /// Messages, and whether descriptors may come with them.
    Messages(bool),
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    app: Side,
    bus: Side,
    phase: Phase,
    filter: Filter,
    held: Vec<Held>,
    /// When it is closed, unless it is further by then.
    deadline: Option<Instant>,
    /// The app's next message waits for what the proxy asked the bus.
    waits: bool,
}

impl Connection {
    /// Begins, with a socket of the app's and one that is connected to the bus.
    #[must_use]
    pub fn new(app: OwnedFd, bus: OwnedFd, policy: Rc<Policy>) -> Self {
        let mut bus = Side::new(bus);
        bus.out.push(&auth::greeting(rustix::process::geteuid().as_raw()));
        Self {
            app: Side::new(app),
            bus,
            phase: Phase::Greeting,
            filter: Filter::new(policy),
            held: Vec::new(),
            deadline: Some(Instant::now() + HANDSHAKE),
            waits: false,
        }
    }

    /// Which bus it is to.
    #[must_use]
    pub fn bus_name(&self) -> &str {
        self.filter.bus()
    }

    /// Whether the app is known to the bus.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.filter.is_established()
    }

    /// One of the two sides.
    #[must_use]
    pub fn side(&self, end: End) -> &Side {
        match end {
            End::App => &self.app,
            End::Bus => &self.bus,
        }
    }

    fn side_mut(&mut self, end: End) -> &mut Side {
        match end {
            End::App => &mut self.app,
            End::Bus => &mut self.bus,
        }
    }

    /// When something is to be done although nothing came.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.held.iter().map(|held| held.deadline).chain(self.deadline).min()
    }

    /// What is to be watched for; nothing where the other side has enough.
    #[must_use]
    pub fn wanted(&self, end: End) -> PollFlags {
        let (side, other) = match end {
            End::App => (&self.app, &self.bus),
            End::Bus => (&self.bus, &self.app),
        };
        let reads = match (&self.phase, end) {
            (Phase::Greeting, End::App) => false,
            _ => !side.ended && !other.ended && !other.out.is_full() && !side.out.is_full(),
        };
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, reads && !(end == End::App && self.waits));
        wanted.set(PollFlags::OUT, !side.out.is_empty());
        wanted
    }

    /// Whether all has been said.
    #[must_use]
    pub fn is_over(&self) -> bool {
        (self.app.ended && self.bus.out.is_empty()) || (self.bus.ended && self.app.out.is_empty())
    }

    /// Does what there is to do for a side that is ready.
    ///
    /// # Errors
    /// When the connection has to be closed.
    pub fn serve(
        &mut self,
        end: End,
        ready: PollFlags,
        scratch: &mut Vec<u8>,
        shared: &mut Shared,
    ) -> Result<(), Fault> {
        // An end that hung up says so in being read or written, whatever it was watched for.
        let hung = ready.intersects(PollFlags::HUP | PollFlags::ERR);
        if self.wanted(end).contains(PollFlags::IN) && (hung || ready.contains(PollFlags::IN)) {
            self.read(end, scratch, shared)?;
        }
        self.send();
        Ok(())
    }

    /// Sends what waits on both sides.
    fn send(&mut self) {
        for side in [&mut self.app, &mut self.bus] {
            if !side.out.is_empty() && side.out.flush(&side.socket).is_err() {
                side.ended = true;
                side.out = crate::out::Out::default();
            }
        }
        if (self.app.ended || self.bus.ended) && self.deadline.is_none() {
            self.deadline = Some(Instant::now() + LAST_WORDS);
        }
    }

    fn read(&mut self, end: End, scratch: &mut Vec<u8>, shared: &mut Shared) -> Result<(), Fault> {
        let side = self.side_mut(end);
        // What is held is small and moves; what has to be whole is read on where it lies.
        let mut own = std::mem::take(&mut side.held);
        let begun = own.len();
        scratch.resize(SMALL + PORTION, 0);
        let moved = begun <= SMALL;
        if moved {
            scratch.iter_mut().zip(own.drain(..)).for_each(|(place, byte)| *place = byte);
        } else {
            own.resize(begun + PORTION, 0);
        }
        let space = if moved { &mut *scratch } else { &mut own };
        let received = side.receive(space.get_mut(begun..).unwrap_or_default())?;
        let length = match received {
            Received::Bytes(count) => begun + count,
            Received::Nothing | Received::End => {
                side.ended = received == Received::End;
                self.keep(end, own, scratch, 0..begun);
                return Ok(());
            }
        };
        if length < side.need {
            self.keep(end, own, scratch, 0..length);
            return Ok(());
        }
        let bytes = space.get(..length).unwrap_or_default();
        let used = self.process(end, bytes, shared)?;
        self.keep(end, own, scratch, used..length);
        if end == End::Bus { self.go_on(shared) } else { Ok(()) }
    }

    /// Keeps what could not be dealt with.
    fn keep(&mut self, end: End, mut own: Vec<u8>, scratch: &[u8], left: std::ops::Range<usize>) {
        let side = self.side_mut(end);
        if own.is_empty() {
            side.held = scratch.get(left).unwrap_or_default().to_vec();
        } else {
            own.truncate(left.end);
            own.drain(..left.start);
            own.shrink_to_fit();
            side.held = own;
        }
    }

    /// The bus has answered something: the app's messages that waited for it.
    fn go_on(&mut self, shared: &mut Shared) -> Result<(), Fault> {
        if !self.waits || !self.filter.is_synced() {
            return Ok(());
        }
        self.waits = false;
        let held = std::mem::take(&mut self.app.held);
        let used = self.process(End::App, &held, shared)?;
        let length = held.len();
        self.keep(End::App, held, &[], used..length);
        Ok(())
    }

    /// Deals with what came: how much of it is dealt with.
    fn process(&mut self, end: End, bytes: &[u8], shared: &mut Shared) -> Result<usize, Fault> {
        match (&mut self.phase, end) {
            (Phase::Greeting, End::App) => Ok(0),
            (Phase::Greeting, End::Bus) => match auth::answered(bytes)? {
                None => Ok(0),
                Some((greeting, used)) => {
                    self.phase = Phase::Handshake(Server::new(greeting));
                    Ok(used)
                }
            },
            (Phase::Handshake(_), End::Bus) => Err(Fault::Reply),
            (Phase::Handshake(server), End::App) => {
                let mut answer = Vec::new();
                let used = server.take(bytes, &mut answer)?;
                self.app.out.push(&answer);
                if !server.is_done() {
                    return if self.app.fds.is_empty() {
                        Ok(used)
                    } else {
                        Err(Fault::UnagreedFds)
                    };
                }
                self.phase = Phase::Messages(server.takes_fds());
                let rest = bytes.get(used..).unwrap_or_default();
                Ok(used + self.process(End::App, rest, shared)?)
            }
            (Phase::Messages(fds), _) => {
                let fds = *fds;
                self.messages(end, bytes, fds, shared)
            }
        }
    }

    /// Deals with messages, or parts of them.
    fn messages(
        &mut self,
        end: End,
        bytes: &[u8],
        fds: bool,
        shared: &mut Shared,
    ) -> Result<usize, Fault> {
        if !fds && !self.side_mut(end).fds.is_empty() {
            return Err(Fault::UnagreedFds);
        }
        let mut at = 0;
        // Where the piece begins that goes through as it is.
        let mut piece = 0;
        loop {
            let side = self.side_mut(end);
            if side.rest > 0 {
                let taken = side.rest.min(bytes.len() - at);
                side.rest -= taken;
                at += taken;
                let (passing, open) = (side.passing, side.rest > 0);
                if passing {
                    // Only a whole message may be followed by one of ours.
                    if !open {
                        self.through(end, bytes.get(piece..at).unwrap_or_default());
                        piece = at;
                    }
                    self.other(end).out.set_open(open);
                } else {
                    piece = at;
                }
                if open {
                    break;
                }
            }
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(frame) = Frame::scan(rest)? else { break };
            if rest.len() < frame.header {
                self.side_mut(end).need = frame.header;
                break;
            }
            let header = Header::parse(frame, rest)?;
            let here = rest.len().min(frame.total);
            let message = rest.get(..here).unwrap_or_default();
            if header.fds > 0 && !fds {
                return Err(Fault::UnagreedFds);
            }
            if self.side_mut(end).fds.len() < header.fds {
                return Err(Fault::MissingFds);
            }
            let verdict = match end {
                End::App => self.filter.outgoing(&header, message, shared)?,
                End::Bus => self.filter.incoming(&header, message, shared)?,
            };
            match verdict {
                // There is no more of it.
                Verdict::Need(need) if need <= message.len() || need > frame.total => {
                    return Err(Fault::Body);
                }
                Verdict::Need(need) => {
                    self.side_mut(end).need = need;
                    break;
                }
                Verdict::Wait => {
                    self.waits = true;
                    break;
                }
                _ => {}
            }
            let side = self.side_mut(end);
            side.need = 0;
            let descriptors = side.take_fds(header.fds)?;
            side.rest = frame.total - here;
            side.passing = matches!(verdict, Verdict::Pass | Verdict::Begin(_));
            let (passing, open) = (side.passing, side.rest > 0);
            if !passing || !descriptors.is_empty() {
                self.queue(end, bytes.get(piece..at).unwrap_or_default());
                piece = at;
            }
            at += here;
            if passing {
                self.other(end).out.attach(descriptors);
                self.other(end).out.set_open(open);
            } else {
                piece = at;
                self.instead(end, verdict, message, descriptors);
                continue;
            }
            if let Verdict::Begin(messages) = verdict {
                self.side_mut(end).insert_all(messages);
            }
        }
        self.through(end, bytes.get(piece..at).unwrap_or_default());
        // Descriptors come with the first bytes of their message.
        if at == bytes.len() && !self.side_mut(end).fds.is_empty() {
            return Err(Fault::StrayFds);
        }
        Ok(at)
    }

    /// What happens instead of a message going through.
    fn instead(&mut self, end: End, verdict: Verdict, message: &[u8], fds: Vec<OwnedFd>) {
        match verdict {
            // What is said instead has no descriptors.
            Verdict::Replace(other) => self.other(end).out.insert(other, Vec::new()),
            Verdict::Answer(answer) => self.side_mut(end).out.insert(answer, Vec::new()),
            Verdict::Follow(messages) => self.side_mut(end).insert_all(messages),
            Verdict::Hold(number) => self.held.push(Held::new(number, message, fds)),
            Verdict::Pass
            | Verdict::Begin(_)
            | Verdict::Drop
            | Verdict::Need(_)
            | Verdict::Wait => {}
        }
    }

    fn other(&mut self, end: End) -> &mut Side {
        match end {
            End::App => &mut self.bus,
            End::Bus => &mut self.app,
        }
    }

    /// Puts bytes behind what goes to the other side.
    fn queue(&mut self, end: End, bytes: &[u8]) {
        self.other(end).out.push(bytes);
    }

    /// Sends bytes to the other side, from where they lie if it takes them.
    fn through(&mut self, end: End, bytes: &[u8]) {
        let other = self.other(end);
        if !bytes.is_empty() && other.out.through(&other.socket, bytes).is_err() {
            other.ended = true;
        }
    }

    /// Questions were answered: their calls go on or are refused.
    pub fn answered(&mut self, numbers: &[u64], allow: bool) {
        self.release(allow, |held| numbers.contains(&held.number));
        self.send();
    }

    /// Time has passed: the questions that calls do not wait for any more, one for each call.
    ///
    /// # Errors
    /// When the connection has taken too long.
    pub fn tick(&mut self, now: Instant) -> Result<Vec<u64>, Fault> {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            if self.app.ended || self.bus.ended {
                self.app.ended = true;
                self.bus.out = crate::out::Out::default();
                return Ok(Vec::new());
            }
            if !self.filter.is_established() {
                return Err(Fault::Slow);
            }
            self.deadline = None;
        }
        let given_up = self.release(false, |held| held.deadline <= now);
        self.send();
        Ok(given_up)
    }

    /// The questions that its calls wait for, one for each call.
    pub fn questions(&self) -> impl Iterator<Item = u64> {
        self.held.iter().map(|held| held.number)
    }

    fn release(&mut self, allow: bool, which: impl Fn(&Held) -> bool) -> Vec<u64> {
        let (released, kept) = std::mem::take(&mut self.held).into_iter().partition(which);
        self.held = kept;
        let released: Vec<Held> = released;
        let mut numbers = Vec::new();
        for held in released {
            numbers.push(held.number);
            let Some(header) = held.header() else { continue };
            match self.filter.released(&header, &held.message, allow) {
                Some(answer) => self.app.out.insert(answer, Vec::new()),
                None if allow => self.bus.out.insert(held.message, held.fds),
                None => {}
            }
        }
        numbers
    }
}
