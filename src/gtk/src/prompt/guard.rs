//! What keeps an answer from being given by somebody who did not mean to.
//!
//! A window can appear under a pointer that is about to click, and get the keys of somebody who was
//! typing elsewhere. So for a moment after what is shown has changed, no button can be pressed;
//! and keys do nothing until none has come for as long since the window has had them.

use gtk::glib;
use gtk::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Longer than a person needs to notice that the screen has changed, and than the pause in typing.
const MOMENT: Duration = Duration::from_millis(500);

/// Whether answers count.
pub(super) struct Guard {
    /// Hears when buttons may be pressed, and when not.
    changed: Box<dyn Fn(bool)>,
    waiting: RefCell<Option<glib::SourceId>>,
    /// Whether keys count.
    calm: Cell<bool>,
    keys_from: Cell<Instant>,
    /// When the last key was pressed, in milliseconds of the display's clock. By ours, keys that
    /// had to wait for a busy machine could seem to be apart.
    last_key: Cell<u32>,
}

impl Guard {
    /// A guard of `window`, on from when the window is shown.
    pub(super) fn new(
        window: &(impl IsA<gtk::Window> + IsA<gtk::Widget>),
        changed: impl Fn(bool) + 'static,
    ) -> Rc<Self> {
        let guard = Rc::new(Self {
            changed: Box::new(changed),
            waiting: RefCell::default(),
            calm: Cell::new(false),
            keys_from: Cell::new(Instant::now()),
            last_key: Cell::new(0),
        });
        let it = guard.clone();
        window.connect_map(move |_| it.start());
        let it = guard.clone();
        window.connect_is_active_notify(move |_| it.wait_for_calm());
        let keys = gtk::EventControllerKey::new();
        keys.set_propagation_phase(gtk::PropagationPhase::Capture);
        let it = guard.clone();
        keys.connect_key_pressed(move |keys, _, _, _| {
            if it.lets_key_through(keys.current_event_time()) {
                glib::Propagation::Proceed
            } else {
                glib::Propagation::Stop
            }
        });
        window.add_controller(keys);
        guard
    }

    /// What is shown has changed.
    pub(super) fn start(self: &Rc<Self>) {
        self.wait_for_calm();
        (self.changed)(false);
        let it = self.clone();
        let waiting = glib::timeout_add_local_once(MOMENT, move || {
            it.waiting.take();
            (it.changed)(true);
        });
        if let Some(before) = self.waiting.replace(Some(waiting)) {
            before.remove();
        }
    }

    fn lets_key_through(&self, pressed: u32) -> bool {
        let pause = pressed.wrapping_sub(self.last_key.replace(pressed));
        let paused = u128::from(pause) >= MOMENT.as_millis();
        if !self.calm.get() {
            if Instant::now() < self.keys_from.get() || !paused {
                self.wait_for_calm();
            } else {
                self.calm.set(true);
            }
        }
        self.calm.get()
    }

    fn wait_for_calm(&self) {
        self.calm.set(false);
        self.keys_from.set(Instant::now() + MOMENT);
    }
}
