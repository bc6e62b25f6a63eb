//! The socket to the supervisor, on descriptor 0. Neither reading nor writing waits in the main loop.

use crate::model::{self, Line, Lines};
use arkose_session::questions::Decision;
use gtk::glib;
use gtk::{gio, prelude::*};
use std::cell::{Cell, RefCell};
use std::os::fd::AsFd;
use std::rc::Rc;

/// How much is read at a time, in bytes.
const CHUNK: usize = 16 * 1024;

/// How many bytes of answers may wait for a supervisor that does not read.
const MOST_WAITING: usize = 64 * 1024;

/// Why a conversation cannot go on. Whatever it is, it means no to all that is open.
#[derive(Debug)]
pub(super) enum Broken {
    /// The socket is none, or does not work.
    Socket(String),
    /// What came is no line of a supervisor.
    Malformed,
}

impl From<glib::Error> for Broken {
    fn from(error: glib::Error) -> Self {
        Self::Socket(error.message().to_owned())
    }
}

/// The prompter's end of the socket.
pub(super) struct Connection {
    stream: gio::SocketConnection,
    /// Answers that are not written yet.
    waiting: RefCell<Vec<u8>>,
    writing: Cell<bool>,
    /// Hears that nothing can be written any more.
    broken: Box<dyn Fn(Broken)>,
}

impl Connection {
    /// Takes the socket that is descriptor 0.
    pub(super) fn of_descriptor_0(broken: impl Fn(Broken) + 'static) -> Result<Rc<Self>, Broken> {
        let descriptor = std::io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| Broken::Socket(error.to_string()))?;
        let stream = gio::Socket::from_fd(descriptor)?.connection_factory_create_connection();
        Ok(Rc::new(Self {
            stream,
            waiting: RefCell::default(),
            writing: Cell::new(false),
            broken: Box::new(broken),
        }))
    }

    /// Reads until the supervisor closes its end; `heard` gets every line, and may refuse it.
    pub(super) async fn listen(
        &self,
        heard: impl Fn(Line) -> Result<(), ()>,
    ) -> Result<(), Broken> {
        let input = self.stream.input_stream();
        let mut lines = Lines::default();
        loop {
            let bytes = input.read_bytes_future(CHUNK, glib::Priority::DEFAULT).await?;
            if bytes.is_empty() {
                return Ok(());
            }
            for line in lines.feed(&bytes).ok_or(Broken::Malformed)? {
                let line = Line::parse(&line).ok_or(Broken::Malformed)?;
                heard(line).map_err(|()| Broken::Malformed)?;
            }
        }
    }

    /// Answers a question; `scope` is what the answer is about, where that could be chosen.
    pub(super) fn answer(self: &Rc<Self>, question: u64, decision: Decision, scope: Option<&str>) {
        self.waiting.borrow_mut().extend(model::answer(question, decision, scope).bytes());
        if self.waiting.borrow().len() > MOST_WAITING {
            return (self.broken)(Broken::Socket("the supervisor does not read".to_owned()));
        }
        if !self.writing.replace(true) {
            let connection = self.clone();
            glib::spawn_future_local(async move { connection.write().await });
        }
    }

    async fn write(&self) {
        let output = self.stream.output_stream();
        loop {
            let bytes = self.waiting.take();
            if bytes.is_empty() {
                return self.writing.set(false);
            }
            let written = output.write_all_future(bytes, glib::Priority::DEFAULT).await;
            match written {
                Ok((_, _, None)) => {}
                Ok((_, _, Some(error))) | Err((_, error)) => return (self.broken)(error.into()),
            }
        }
    }
}
