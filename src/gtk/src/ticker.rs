//! Doing something each second while somebody can see what comes of it, and only then.

use gtk::glib;
use gtk::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What changes on the screen by itself does so this often.
const PERIOD: Duration = Duration::from_secs(1);

/// Calls `tick` when `widget` comes to be on the screen, and each second until it is gone from there.
pub(crate) fn while_shown(widget: &impl IsA<gtk::Widget>, tick: impl Fn() + 'static) {
    let (tick, timer) = (Rc::new(tick), Rc::<RefCell<Option<glib::SourceId>>>::default());
    let started = timer.clone();
    widget.connect_map(move |widget| {
        tick();
        let (tick, widget) = (tick.clone(), widget.upcast_ref::<gtk::Widget>().downgrade());
        let source = glib::timeout_add_local(PERIOD, move || {
            if widget.upgrade().is_some_and(|widget| !is_minimised(&widget)) {
                tick();
            }
            glib::ControlFlow::Continue
        });
        if let Some(before) = started.replace(Some(source)) {
            before.remove();
        }
    });
    widget.connect_unmap(move |_| {
        if let Some(source) = timer.take() {
            source.remove();
        }
    });
}

fn is_minimised(widget: &gtk::Widget) -> bool {
    let surface = widget.native().and_then(|native| native.surface());
    let toplevel = surface.and_downcast::<gtk::gdk::Toplevel>();
    toplevel.is_some_and(|toplevel| toplevel.state().contains(gtk::gdk::ToplevelState::MINIMIZED))
}
