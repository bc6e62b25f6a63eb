//! The windows of a display, in their order, and what becomes of each event.

use super::atoms::Atoms;
use super::fit::Fit;
use super::order::{Area, Managed, Size, raise};
use super::root;
use super::strip::{Click, Strip};
use super::traits::{Stand, Traits};
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Allow, AtomEnum, ButtonIndex, ButtonPressEvent, CONFIGURE_NOTIFY_EVENT,
    ChangeWindowAttributesAux, ClientMessageEvent, ConfigWindow, ConfigureNotifyEvent,
    ConfigureRequestEvent, ConfigureWindowAux, ConnectionExt, EventMask, GrabMode, InputFocus,
    KeyButMask, MapState, ModMask, PropMode, StackMode, Window,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// `WM_STATE` (ICCCM 4.1.3.1).
const WITHDRAWN: u32 = 0;
const NORMAL: u32 = 1;
/// `_NET_WM_MOVERESIZE_MOVE` (EWMH).
const MOVE: u32 = 8;
/// The line around a dialog.
const LINE: u32 = 0x0080_8088;

/// A dialog that is being moved: where the pointer was, and the window.
#[derive(Debug, Clone, Copy)]
struct Drag {
    window: Window,
    x: i32,
    y: i32,
    from: Area,
}

/// The window manager of one display.
#[derive(Debug)]
pub(crate) struct Manager {
    connection: RustConnection,
    atoms: Atoms,
    root: Window,
    /// How large the display is.
    display: Size,
    /// From the lowest to the highest.
    windows: Vec<Managed>,
    drag: Option<Drag>,
    fit: Option<Fit>,
    strip: Strip,
}

impl Manager {
    /// Takes the display over, with the windows that are there.
    pub(crate) fn new(connection: RustConnection, fitting: bool) -> Result<Self, ReplyOrIdError> {
        let atoms = Atoms::new(&connection)?.reply()?;
        let screen = connection.setup().roots.first().ok_or(ConnectionError::UnknownError)?;
        let root = screen.root;
        let size = Size { width: screen.width_in_pixels, height: screen.height_in_pixels };
        root::take(&connection, root)?;
        root::announce(&connection, &atoms, root)?;
        let strip = Strip::new(&connection, root)?;
        let fit = fitting.then(|| Fit::new(&connection, size)).flatten();
        let mut manager = Self {
            connection,
            atoms,
            root,
            display: size,
            windows: Vec::new(),
            drag: None,
            fit,
            strip,
        };
        manager.tell_work_area()?;
        let there = manager.connection.query_tree(root)?.reply()?.children;
        for window in there {
            let Ok(found) = manager.connection.get_window_attributes(window)?.reply() else {
                continue;
            };
            if !found.override_redirect && found.map_state != MapState::UNMAPPED {
                manager.manage(window)?;
            }
        }
        manager.connection.flush()?;
        Ok(manager)
    }

    /// Serves until the display ends.
    pub(crate) fn run(&mut self) -> Result<(), ReplyOrIdError> {
        loop {
            let event = self.connection.wait_for_event()?;
            self.handle(&event)?;
            while let Some(event) = self.connection.poll_for_event()? {
                self.handle(&event)?;
            }
            self.connection.flush()?;
        }
    }

    fn set(
        &self,
        window: Window,
        name: u32,
        kind: u32,
        value: &[u32],
    ) -> Result<(), ReplyOrIdError> {
        self.connection.change_property32(PropMode::REPLACE, window, name, kind, value)?;
        Ok(())
    }

    fn handle(&mut self, event: &Event) -> Result<(), ReplyOrIdError> {
        match event {
            Event::MapRequest(event) => self.manage(event.window),
            Event::UnmapNotify(event) => self.forget(event.window, true),
            Event::DestroyNotify(event) => self.forget(event.window, false),
            Event::ConfigureRequest(event) => self.configure(event),
            Event::ConfigureNotify(event) if event.window == self.root => {
                self.display = Size { width: event.width, height: event.height };
                self.fit.iter_mut().for_each(|fit| fit.resized(self.display));
                self.refit()
            }
            Event::ClientMessage(event) => self.message(event),
            Event::ButtonPress(event) if event.event == self.strip.window => {
                match self.strip.click(event.event_x) {
                    Some(Click::Raise(window)) => self.activate(window),
                    Some(Click::Close(window)) => self.close(window),
                    None => Ok(()),
                }
            }
            Event::ButtonPress(event) => self.press(event),
            Event::Expose(event) if event.window == self.strip.window => {
                Ok(self.strip.draw(&self.connection)?)
            }
            Event::PropertyNotify(event) => {
                let named = [self.atoms._NET_WM_NAME, AtomEnum::WM_NAME.into()];
                if named.contains(&event.atom) {
                    self.strip.rename(&self.connection, &self.atoms, event.window)?;
                }
                Ok(())
            }
            Event::MotionNotify(event) => self.drag_to(event.root_x.into(), event.root_y.into()),
            Event::ButtonRelease(event) => {
                if self.drag.take().is_some() {
                    self.connection.ungrab_pointer(event.time)?;
                }
                Ok(())
            }
            // Windows come and go while we speak of them; an error about one that is gone says nothing.
            _ => Ok(()),
        }
    }

    /// A click raises a window and then is the app's; with Alt it takes a dialog, which has no bar to
    /// take it by.
    fn press(&mut self, event: &ButtonPressEvent) -> Result<(), ReplyOrIdError> {
        self.activate(event.event)?;
        let alt = event.state.contains(KeyButMask::MOD1) && event.detail == 1;
        let dialog = self.get(event.event).is_some_and(|it| it.traits.stand == Stand::Dialog);
        let next = if alt && dialog { Allow::ASYNC_POINTER } else { Allow::REPLAY_POINTER };
        self.connection.allow_events(next, event.time)?;
        match alt && dialog {
            true => self.drag(event.event, event.root_x.into(), event.root_y.into()),
            false => Ok(()),
        }
    }

    /// What of the display windows have.
    fn room(&self) -> Size {
        let height = self.display.height.saturating_sub(self.strip.height());
        Size { height, ..self.display }
    }

    fn tell_work_area(&self) -> Result<(), ReplyOrIdError> {
        let (room, top) = (self.room(), self.strip.height());
        root::tell_work_area(&self.connection, &self.atoms, self.root, room, top)
    }

    fn position(&self, window: Window) -> Option<usize> {
        self.windows.iter().position(|managed| managed.window == window)
    }

    fn get(&self, window: Window) -> Option<&Managed> {
        self.windows.iter().find(|managed| managed.window == window)
    }

    /// Takes a window on, shows it and gives it the focus.
    fn manage(&mut self, window: Window) -> Result<(), ReplyOrIdError> {
        if self.get(window).is_some() {
            self.connection.map_window(window)?;
            return self.activate(window);
        }
        let Ok(found) = self.connection.get_geometry(window)?.reply() else { return Ok(()) };
        let traits = Traits::of(&self.connection, &self.atoms, window);
        if let Some(fit) = &mut self.fit {
            let wanted = Size { width: found.width, height: found.height };
            // A server that will not keeps its size; one that is gone is noticed soon enough.
            if let Ok(Some(size)) = fit.suit(&self.connection, self.root, wanted) {
                self.display = size;
                self.refit()?;
            }
        }
        if traits.stand == Stand::Main {
            let before = self.strip.height();
            self.strip.add(&self.connection, &self.atoms, window)?;
            self.strip_changed(before)?;
        }
        let area = match traits.stand {
            Stand::Main => self.room().whole(),
            Stand::Dialog => self.room().centred(found.width, found.height),
        };
        if traits.stand == Stand::Main {
            let state =
                [self.atoms._NET_WM_STATE_MAXIMIZED_VERT, self.atoms._NET_WM_STATE_MAXIMIZED_HORZ];
            self.set(window, self.atoms._NET_WM_STATE, AtomEnum::ATOM.into(), &state)?;
        }
        self.set(window, self.atoms._NET_FRAME_EXTENTS, AtomEnum::CARDINAL.into(), &[0; 4])?;
        self.set(window, self.atoms.WM_STATE, self.atoms.WM_STATE, &[NORMAL, x11rb::NONE])?;
        let line = u32::from(traits.stand == Stand::Dialog);
        let border = ConfigureWindowAux::new().border_width(line);
        self.connection.configure_window(window, &border)?;
        let colour = ChangeWindowAttributesAux::new()
            .border_pixel(LINE)
            .event_mask(EventMask::PROPERTY_CHANGE);
        self.connection.change_window_attributes(window, &colour)?;
        // A click raises and focuses, and then is the app's.
        self.connection.grab_button(
            false,
            window,
            EventMask::BUTTON_PRESS,
            GrabMode::SYNC,
            GrabMode::ASYNC,
            x11rb::NONE,
            x11rb::NONE,
            ButtonIndex::ANY,
            ModMask::ANY,
        )?;
        self.windows.push(Managed { window, traits, area });
        self.list()?;
        self.place(window, area)?;
        self.connection.map_window(window)?;
        self.activate(window)
    }

    /// Lets a window go that was hidden or destroyed; the highest one left gets the focus.
    fn forget(&mut self, window: Window, exists: bool) -> Result<(), ReplyOrIdError> {
        let Some(index) = self.position(window) else { return Ok(()) };
        self.windows.remove(index);
        self.drag = self.drag.filter(|drag| drag.window != window);
        if exists {
            self.set(window, self.atoms.WM_STATE, self.atoms.WM_STATE, &[WITHDRAWN, x11rb::NONE])?;
            self.connection.delete_property(window, self.atoms._NET_WM_STATE)?;
        }
        self.list()?;
        let before = self.strip.height();
        self.strip.remove(window);
        self.strip_changed(before)?;
        match self.windows.last().map(|managed| managed.window) {
            Some(next) => self.activate(next),
            None => self.focus_nothing(),
        }
    }

    /// Windows have less or more room when the strip has come or gone.
    fn strip_changed(&mut self, before: u16) -> Result<(), ReplyOrIdError> {
        if self.strip.height() == before { Ok(()) } else { self.refit() }
    }

    /// A window wants another place or size.
    fn configure(&mut self, event: &ConfigureRequestEvent) -> Result<(), ReplyOrIdError> {
        let asked = |what: ConfigWindow| event.value_mask.contains(what);
        let Some(managed) = self.get(event.window) else {
            // Not shown yet, or not ours to place.
            let granted = ConfigureWindowAux::from_configure_request(event);
            self.connection.configure_window(event.window, &granted)?;
            return Ok(());
        };
        let mut area = managed.area;
        if managed.traits.stand == Stand::Dialog {
            if asked(ConfigWindow::WIDTH) {
                area.width = event.width;
            }
            if asked(ConfigWindow::HEIGHT) {
                area.height = event.height;
            }
            if asked(ConfigWindow::X) && asked(ConfigWindow::Y) {
                (area.x, area.y) = (event.x, event.y.saturating_sub_unsigned(self.strip.height()));
            } else if asked(ConfigWindow::WIDTH) || asked(ConfigWindow::HEIGHT) {
                area = self.room().centred(area.width, area.height);
            }
            area = self.room().kept_in(area);
        }
        self.place(event.window, area)
    }

    /// Puts a window somewhere in the room and tells it where it is, also when that is where it was.
    fn place(&mut self, window: Window, area: Area) -> Result<(), ReplyOrIdError> {
        let y = area.y.saturating_add_unsigned(self.strip.height());
        if let Some(managed) = self.windows.iter_mut().find(|managed| managed.window == window) {
            managed.area = area;
        }
        let aux = ConfigureWindowAux::new()
            .x(i32::from(area.x))
            .y(i32::from(y))
            .width(u32::from(area.width))
            .height(u32::from(area.height));
        self.connection.configure_window(window, &aux)?;
        let event = ConfigureNotifyEvent {
            response_type: CONFIGURE_NOTIFY_EVENT,
            sequence: 0,
            event: window,
            window,
            above_sibling: x11rb::NONE,
            x: area.x,
            y,
            width: area.width,
            height: area.height,
            border_width: 0,
            override_redirect: false,
        };
        self.connection.send_event(false, window, EventMask::STRUCTURE_NOTIFY, event)?;
        Ok(())
    }

    /// The display has another size.
    fn refit(&mut self) -> Result<(), ReplyOrIdError> {
        let places: Vec<_> = self
            .windows
            .iter()
            .map(|managed| match managed.traits.stand {
                Stand::Main => (managed.window, self.room().whole()),
                Stand::Dialog => (managed.window, self.room().kept_in(managed.area)),
            })
            .collect();
        for (window, area) in places {
            self.place(window, area)?;
        }
        self.tell_work_area()
    }

    /// Raises a window with all that belongs to the same main window, and focuses it.
    fn activate(&mut self, window: Window) -> Result<(), ReplyOrIdError> {
        if self.get(window).is_none() {
            return Ok(());
        }
        raise(&mut self.windows, window);
        for managed in &self.windows {
            let top = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
            self.connection.configure_window(managed.window, &top)?;
        }
        self.strip.show(&self.connection, self.display, window)?;
        self.focus(window)
    }

    fn focus(&self, window: Window) -> Result<(), ReplyOrIdError> {
        let Some(managed) = self.get(window) else { return Ok(()) };
        if managed.traits.input {
            self.connection.set_input_focus(InputFocus::POINTER_ROOT, window, CURRENT_TIME)?;
        }
        if managed.traits.take_focus {
            self.tell(window, self.atoms.WM_TAKE_FOCUS)?;
        }
        self.set(self.root, self.atoms._NET_ACTIVE_WINDOW, AtomEnum::WINDOW.into(), &[window])
    }

    fn focus_nothing(&self) -> Result<(), ReplyOrIdError> {
        let focus = InputFocus::POINTER_ROOT;
        self.connection.set_input_focus(focus, u32::from(focus), CURRENT_TIME)?;
        self.set(self.root, self.atoms._NET_ACTIVE_WINDOW, AtomEnum::WINDOW.into(), &[x11rb::NONE])
    }

    fn list(&self) -> Result<(), ReplyOrIdError> {
        let windows: Vec<u32> = self.windows.iter().map(|managed| managed.window).collect();
        self.set(self.root, self.atoms._NET_CLIENT_LIST, AtomEnum::WINDOW.into(), &windows)
    }

    /// A window asks for something (EWMH, “Root Window Messages”).
    fn message(&mut self, event: &ClientMessageEvent) -> Result<(), ReplyOrIdError> {
        if event.format != 32 {
            return Ok(());
        }
        let [first, second, third, ..] = event.data.as_data32();
        let atoms = self.atoms;
        match event.type_ {
            kind if kind == atoms._NET_ACTIVE_WINDOW => self.activate(event.window),
            kind if kind == atoms._NET_CLOSE_WINDOW => self.close(event.window),
            kind if kind == atoms._NET_WM_STATE => {
                let names = [second, third];
                if names.contains(&atoms._NET_WM_STATE_FULLSCREEN) {
                    self.fullscreen(event.window, first)
                } else {
                    Ok(())
                }
            }
            kind if kind == atoms._NET_WM_MOVERESIZE && third == MOVE => {
                self.drag(event.window, first.cast_signed(), second.cast_signed())
            }
            _ => Ok(()),
        }
    }

    /// Asks a window to close; one that cannot be asked is closed with its app.
    fn close(&self, window: Window) -> Result<(), ReplyOrIdError> {
        match self.get(window) {
            Some(managed) if managed.traits.delete => {
                self.tell(window, self.atoms.WM_DELETE_WINDOW)
            }
            Some(_) => {
                self.connection.kill_client(window)?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Sends a message of the protocols that a window takes part in.
    fn tell(&self, window: Window, what: u32) -> Result<(), ReplyOrIdError> {
        let message = ClientMessageEvent::new(
            32,
            window,
            self.atoms.WM_PROTOCOLS,
            [what, CURRENT_TIME, 0, 0, 0],
        );
        self.connection.send_event(false, window, EventMask::NO_EVENT, message)?;
        Ok(())
    }

    /// A main window fills the display anyway; what changes is what it is told. `action` is 0 to
    /// leave, 1 to enter, 2 to turn.
    fn fullscreen(&self, window: Window, action: u32) -> Result<(), ReplyOrIdError> {
        if self.get(window).is_none() {
            return Ok(());
        }
        let atoms = &self.atoms;
        let state: Vec<u32> = self
            .connection
            .get_property(false, window, atoms._NET_WM_STATE, AtomEnum::ATOM, 0, 64)?
            .reply()
            .ok()
            .and_then(|reply| reply.value32().map(Iterator::collect))
            .unwrap_or_default();
        let full = state.contains(&atoms._NET_WM_STATE_FULLSCREEN);
        let mut next: Vec<u32> =
            state.into_iter().filter(|name| *name != atoms._NET_WM_STATE_FULLSCREEN).collect();
        if action == 1 || (action == 2 && !full) {
            next.push(atoms._NET_WM_STATE_FULLSCREEN);
        }
        self.set(window, atoms._NET_WM_STATE, AtomEnum::ATOM.into(), &next)
    }

    /// A dialog is taken at a place, and from now on follows the pointer.
    fn drag(&mut self, window: Window, x: i32, y: i32) -> Result<(), ReplyOrIdError> {
        let Some(managed) = self.get(window) else { return Ok(()) };
        if managed.traits.stand != Stand::Dialog {
            return Ok(());
        }
        let from = managed.area;
        let events = EventMask::BUTTON_RELEASE | EventMask::BUTTON_MOTION;
        let grabbed = self.connection.grab_pointer(
            false,
            self.root,
            events,
            GrabMode::ASYNC,
            GrabMode::ASYNC,
            x11rb::NONE,
            x11rb::NONE,
            CURRENT_TIME,
        )?;
        if grabbed
            .reply()
            .is_ok_and(|reply| reply.status == x11rb::protocol::xproto::GrabStatus::SUCCESS)
        {
            self.drag = Some(Drag { window, x, y, from });
        }
        Ok(())
    }

    fn drag_to(&mut self, x: i32, y: i32) -> Result<(), ReplyOrIdError> {
        let Some(drag) = self.drag else { return Ok(()) };
        let moved = |from: i16, by: i32| {
            let to = i32::from(from).saturating_add(by).clamp(i16::MIN.into(), i16::MAX.into());
            i16::try_from(to).unwrap_or(from)
        };
        let x = moved(drag.from.x, x.saturating_sub(drag.x));
        let y = moved(drag.from.y, y.saturating_sub(drag.y));
        let area = self.room().kept_in(Area { x, y, ..drag.from });
        self.place(drag.window, area)
    }
}
