//! Between the user's terminal and the app's own: bytes both ways, the window's size, and the
//! terminal's settings, which are always put back.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{self, LocalFlags, SetArg, Termios};
use nix::unistd::{getpgrp, read, tcgetpgrp, write};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How much may wait on its way; a reader that is slower than its writer holds the writer up.
const BUFFER: usize = 16 * 1024;

/// The user's terminal.
#[derive(Debug)]
pub(crate) struct Console {
    input: OwnedFd,
    output: OwnedFd,
    /// Whether it is the app's alone. In a pipeline it is shared with the other programs there, and
    /// keeps its settings: `arkose run ls | less`.
    whole: bool,
    /// Its settings before they were changed, while they are.
    saved: Option<Termios>,
}

impl Console {
    /// The terminal among the standard descriptors, and which of them are that terminal.
    pub(crate) fn find() -> Option<(Self, [bool; 3])> {
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let fds = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let is_terminal = fds.map(|fd| termios::tcgetattr(fd).is_ok());
        let [first, second, _] = is_terminal;
        let any = fds.iter().zip(is_terminal).find(|(_, is)| *is).map(|(fd, _)| *fd)?;
        let [stdin, ..] = fds;
        let input = if first { stdin } else { any };
        // What is written goes where output goes; a terminal of input alone serves as well.
        let output =
            fds.iter().zip(is_terminal).skip(1).find(|(_, is)| *is).map_or(any, |(fd, _)| *fd);
        let own = |fd: BorrowedFd<'_>| fd.try_clone_to_owned().ok();
        let (input, output) = (own(input)?, own(output)?);
        Some((Self { input, output, whole: first && second, saved: None }, is_terminal))
    }

    /// Rows and columns; what a terminal has that does not say.
    pub(crate) fn size(&self) -> (u16, u16) {
        match rustix::termios::tcgetwinsize(&self.output) {
            Ok(size) if size.ws_row > 0 && size.ws_col > 0 => (size.ws_row, size.ws_col),
            _ => (24, 80),
        }
    }

    /// Whether keys typed there are meant for this process.
    pub(crate) fn in_foreground(&self) -> bool {
        tcgetpgrp(&self.input) == Ok(getpgrp())
    }

    /// Hands every key on as it is; does nothing in the background.
    pub(crate) fn make_raw(&mut self) {
        if !self.whole || self.saved.is_some() || !self.in_foreground() {
            return;
        }
        if let Ok(settings) = termios::tcgetattr(&self.input) {
            let mut raw = settings.clone();
            termios::cfmakeraw(&mut raw);
            if termios::tcsetattr(&self.input, SetArg::TCSADRAIN, &raw).is_ok() {
                self.saved = Some(settings);
            }
        }
    }

    /// Gives the app's terminal the settings of this one, but no echo where this one echoes itself.
    fn lend_settings(&self, master: &OwnedFd) {
        if let Ok(mut settings) = termios::tcgetattr(&self.input) {
            if !self.whole {
                settings.local_flags.remove(LocalFlags::ECHO);
            }
            // Settings that the app's terminal cannot have leave it with the kernel's.
            let _ = termios::tcsetattr(master, SetArg::TCSANOW, &settings);
        }
    }

    /// Puts the terminal's settings back.
    pub(crate) fn restore(&mut self) {
        if let Some(settings) = self.saved.take() {
            let _ = termios::tcsetattr(&self.input, SetArg::TCSADRAIN, &settings);
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.restore();
    }
}

/// The user's terminal and the app's, connected.
#[derive(Debug)]
pub(crate) struct Relay {
    console: Console,
    master: OwnedFd,
    typed: VecDeque<u8>,
    shown: VecDeque<u8>,
    /// Whether the app's side has nothing more to say.
    ended: bool,
    /// Whether the user's side has nothing more to type.
    silent: bool,
    /// Whether what is typed is meant for this process.
    listening: bool,
}

/// What of a relay is waited for.
pub(crate) struct Wanted {
    /// Input of the user's terminal.
    pub(crate) input: bool,
    /// Output of the app's terminal.
    pub(crate) output: bool,
    /// Room for more input in the app's terminal.
    pub(crate) room: bool,
}

impl Relay {
    /// Connects them and makes the user's terminal raw.
    pub(crate) fn new(mut console: Console, master: OwnedFd) -> Result<Self, Errno> {
        let flags = OFlag::from_bits_truncate(fcntl(&master, FcntlArg::F_GETFL)?);
        fcntl(&master, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        console.lend_settings(&master);
        console.make_raw();
        Ok(Self {
            listening: console.in_foreground(),
            console,
            master,
            typed: VecDeque::new(),
            shown: VecDeque::new(),
            ended: false,
            silent: false,
        })
    }

    pub(crate) fn input(&self) -> BorrowedFd<'_> {
        self.console.input.as_fd()
    }

    pub(crate) fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    pub(crate) fn wanted(&self) -> Wanted {
        let listening = self.listening && !self.silent && !self.ended;
        Wanted {
            input: listening && self.typed.len() < BUFFER,
            output: !self.ended,
            room: !self.typed.is_empty() && !self.ended,
        }
    }

    /// Takes what the user typed.
    pub(crate) fn take_input(&mut self) {
        let mut buffer = [0; BUFFER];
        match read(&self.console.input, &mut buffer) {
            Ok(0) | Err(Errno::EIO) => self.silent = true,
            Ok(length) => self.typed.extend(buffer.iter().take(length)),
            Err(_) => {}
        }
        self.pass_input();
    }

    /// Gives the app what was typed, as far as it has room for it.
    pub(crate) fn pass_input(&mut self) {
        while !self.typed.is_empty() {
            let (bytes, _) = self.typed.as_slices();
            match write(&self.master, bytes) {
                Ok(length) => drop(self.typed.drain(..length)),
                Err(_) => return,
            }
        }
    }

    /// Shows what the app wrote.
    pub(crate) fn pass_output(&mut self) {
        let mut buffer = [0; BUFFER];
        match read(&self.master, &mut buffer) {
            // No process has the app's terminal open any more.
            Ok(0) | Err(Errno::EIO) => self.ended = true,
            Ok(length) => {
                self.shown.extend(buffer.iter().take(length));
                self.show();
            }
            Err(_) => {}
        }
    }

    fn show(&mut self) {
        while !self.shown.is_empty() {
            let (bytes, _) = self.shown.as_slices();
            match write(&self.console.output, bytes) {
                Ok(length) => drop(self.shown.drain(..length)),
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                // The terminal is gone; the signal that says so comes by itself.
                Err(_) => self.shown.clear(),
            }
        }
    }

    /// Shows all that is left, after the app has ended.
    pub(crate) fn finish(&mut self) {
        while !self.ended && self.has_output() {
            self.pass_output();
        }
    }

    fn has_output(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// Gives the app's terminal the size of the user's; the kernel tells the app.
    pub(crate) fn resize(&self) {
        if let Ok(size) = rustix::termios::tcgetwinsize(&self.console.output) {
            let _ = rustix::termios::tcsetwinsize(&self.master, size);
        }
    }

    /// Before this process stops, and after it goes on.
    pub(crate) fn pause(&mut self) {
        self.console.restore();
    }

    pub(crate) fn resume(&mut self) {
        self.console.make_raw();
        self.listening = self.console.in_foreground();
        self.resize();
    }
}
