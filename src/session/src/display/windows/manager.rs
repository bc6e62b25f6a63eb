//! The windows of a display, in their order, and what becomes of each event.

use super::atoms::Atoms;
use super::fit::Fit;
use super::order::{Area, Managed, Size, raise};
use super::traits::{Stand, Traits};
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Allow, AtomEnum, ButtonIndex, ButtonPressEvent, CONFIGURE_NOTIFY_EVENT,
    ChangeWindowAttributesAux, ClientMessageEvent, ConfigWindow, ConfigureNotifyEvent,
    ConfigureRequestEvent, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask, GrabMode,
    InputFocus, KeyButMask, MapState, ModMask, PropMode, StackMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// `WM_STATE` (ICCCM 4.1.3.1).
const WITHDRAWN: u32 = 0;
const NORMAL: u32 = 1;
/// `_NET_WM_MOVERESIZE_MOVE` (EWMH).
const MOVE: u32 = 8;
/// The pointer shape `left_ptr` of the font `cursor`.
const LEFT_POINTER: u16 = 68;
/// A neutral ground where no window is.
const GROUND: u32 = 0x0030_3034;
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
    size: Size,
    /// From the lowest to the highest.
    windows: Vec<Managed>,
    drag: Option<Drag>,
    fit: Option<Fit>,
}

impl Manager {
    /// Takes the display over, with the windows that are there.
    pub(crate) fn new(connection: RustConnection, fitting: bool) -> Result<Self, ReplyOrIdError> {
        let atoms = Atoms::new(&connection)?.reply()?;
        let screen = connection.setup().roots.first().ok_or(ConnectionError::UnknownError)?;
        let root = screen.root;
        let size = Size { width: screen.width_in_pixels, height: screen.height_in_pixels };
        let fit = fitting.then(|| Fit::new(&connection, size)).flatten();
        let mut manager =
            Self { connection, atoms, root, size, windows: Vec::new(), drag: None, fit };
        manager.take_root()?;
        manager.announce()?;
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

    /// Becomes the window manager, gives the ground a colour and the pointer a shape.
    fn take_root(&self) -> Result<(), ReplyOrIdError> {
        let events = EventMask::SUBSTRUCTURE_REDIRECT
            | EventMask::SUBSTRUCTURE_NOTIFY
            | EventMask::STRUCTURE_NOTIFY;
        let taken = ChangeWindowAttributesAux::new().event_mask(events);
        self.connection.change_window_attributes(self.root, &taken)?.check()?;
        let (font, cursor) = (self.connection.generate_id()?, self.connection.generate_id()?);
        self.connection.open_font(font, b"cursor")?;
        let (shape, mask) = (LEFT_POINTER, LEFT_POINTER + 1);
        let white = u16::MAX;
        self.connection
            .create_glyph_cursor(cursor, font, font, shape, mask, 0, 0, 0, white, white, white)?;
        self.connection.close_font(font)?;
        let look = ChangeWindowAttributesAux::new().cursor(cursor).background_pixel(GROUND);
        self.connection.change_window_attributes(self.root, &look)?;
        self.connection.clear_area(false, self.root, 0, 0, 0, 0)?;
        Ok(())
    }

    /// Says that there is a window manager and what it does (EWMH, “Root Window Properties”).
    fn announce(&self) -> Result<(), ReplyOrIdError> {
        let own = self.connection.generate_id()?;
        let aux = CreateWindowAux::new().override_redirect(1);
        self.connection.create_window(
            0,
            own,
            self.root,
            -1,
            -1,
            1,
            1,
            0,
            WindowClass::INPUT_ONLY,
            0,
            &aux,
        )?;
        for window in [own, self.root] {
            self.set(window, self.atoms._NET_SUPPORTING_WM_CHECK, AtomEnum::WINDOW.into(), &[own])?;
        }
        self.connection.change_property8(
            PropMode::REPLACE,
            own,
            self.atoms._NET_WM_NAME,
            self.atoms.UTF8_STRING,
            b"Arkose",
        )?;
        self.set(
            self.root,
            self.atoms._NET_SUPPORTED,
            AtomEnum::ATOM.into(),
            &self.atoms.supported(),
        )?;
        self.work_area()
    }

    fn work_area(&self) -> Result<(), ReplyOrIdError> {
        let area = [0, 0, u32::from(self.size.width), u32::from(self.size.height)];
        self.set(self.root, self.atoms._NET_WORKAREA, AtomEnum::CARDINAL.into(), &area)
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
                self.size = Size { width: event.width, height: event.height };
                self.fit.iter_mut().for_each(|fit| fit.resized(self.size));
                self.refit()
            }
            Event::ClientMessage(event) => self.message(event),
            Event::ButtonPress(event) => self.press(event),
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
                self.size = size;
                self.refit()?;
            }
        }
        let area = match traits.stand {
            Stand::Main => self.size.whole(),
            Stand::Dialog => self.size.centred(found.width, found.height),
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
        let colour = ChangeWindowAttributesAux::new().border_pixel(LINE);
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
        match self.windows.last().map(|managed| managed.window) {
            Some(next) => self.activate(next),
            None => self.focus_nothing(),
        }
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
                (area.x, area.y) = (event.x, event.y);
            } else if asked(ConfigWindow::WIDTH) || asked(ConfigWindow::HEIGHT) {
                area = self.size.centred(area.width, area.height);
            }
            area = self.size.kept_in(area);
        }
        self.place(event.window, area)
    }

    /// Puts a window somewhere and tells it where it is, also when that is where it was.
    fn place(&mut self, window: Window, area: Area) -> Result<(), ReplyOrIdError> {
        if let Some(managed) = self.windows.iter_mut().find(|managed| managed.window == window) {
            managed.area = area;
        }
        let aux = ConfigureWindowAux::new()
            .x(i32::from(area.x))
            .y(i32::from(area.y))
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
            y: area.y,
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
                Stand::Main => (managed.window, self.size.whole()),
                Stand::Dialog => (managed.window, self.size.kept_in(managed.area)),
            })
            .collect();
        for (window, area) in places {
            self.place(window, area)?;
        }
        self.work_area()
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
        let area = self.size.kept_in(Area { x, y, ..drag.from });
        self.place(drag.window, area)
    }
}
