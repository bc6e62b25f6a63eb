//! The window manager of an isolated display, as apps see it.

use crate::isolated::xephyr;
use crate::place::{Place, connect, cookie, need, window};
use crate::{Skip, Test};
use arkose_session::display::Display;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use x11rb::connection::Connection;
use x11rb::properties::WmSizeHints;
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConfigureWindowAux, ConnectionExt,
    EventMask, PropMode, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

pub(crate) const TESTS: &[(&str, Test)] = &[
    (
        "a_main_window_fills_the_display_and_follows_it",
        a_main_window_fills_the_display_and_follows_it,
    ),
    ("a_small_app_has_a_small_display_that_grows", a_small_app_has_a_small_display_that_grows),
    ("a_dialog_keeps_its_size_and_has_the_focus_until_it_closes", a_dialog_keeps_its_size),
    ("a_second_main_window_gets_a_strip_to_reach_the_first", a_second_main_window_gets_a_strip),
    ("a_window_that_is_asked_to_come_up_comes_up", a_window_that_is_asked_to_come_up_comes_up),
];

/// An app on an isolated display that watches what becomes of windows.
struct App {
    connection: RustConnection,
    root: Window,
}

type Geometry = (i16, i16, u16, u16);

impl App {
    fn new(display: &dyn Display) -> Self {
        let grant = display.grant();
        let connection = connect(grant.sockets[0].source.as_path(), Some(cookie(grant))).unwrap();
        let root = connection.setup().roots[0].root;
        let app = Self { connection, root };
        let events = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::PROPERTY_CHANGE;
        let watch = ChangeWindowAttributesAux::new().event_mask(events);
        app.connection.change_window_attributes(root, &watch).unwrap();
        // Windows that are there before the window manager are not asked for; wait for it.
        let check = app.atom("_NET_SUPPORTING_WM_CHECK");
        app.until("a window manager", || app.words(root, check, AtomEnum::WINDOW).len() == 1);
        app
    }

    /// Looks again after each event until something holds.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        while !holds() {
            if self.connection.poll_for_event().unwrap().is_none() {
                let mut fds = [PollFd::new(self.connection.stream().as_fd(), PollFlags::POLLIN)];
                let ready = poll(&mut fds, PollTimeout::from(5000_u16)).unwrap();
                assert_eq!(ready, 1, "never: {what}");
            }
        }
    }

    fn atom(&self, name: &str) -> u32 {
        self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    fn words(&self, window: Window, name: u32, kind: AtomEnum) -> Vec<u32> {
        let reply = self
            .connection
            .get_property(false, window, name, kind, 0, 64)
            .unwrap()
            .reply()
            .unwrap();
        reply.value32().map(Iterator::collect).unwrap_or_default()
    }

    fn geometry(&self, window: Window) -> Geometry {
        let found = self.connection.get_geometry(window).unwrap().reply().unwrap();
        (found.x, found.y, found.width, found.height)
    }

    fn whole(&self) -> Geometry {
        self.geometry(self.root)
    }

    fn focused(&self) -> Window {
        self.connection.get_input_focus().unwrap().reply().unwrap().focus
    }

    /// The highest window of this app; the strip of tabs does not count.
    fn top(&self) -> Option<Window> {
        let setup = self.connection.setup();
        let own = |window: &Window| window & !setup.resource_id_mask == setup.resource_id_base;
        let all = self.connection.query_tree(self.root).unwrap().reply().unwrap().children;
        all.into_iter().rfind(own)
    }

    fn dialog(&self, of: Window, width: u16, height: u16) -> Window {
        let window = self.connection.generate_id().unwrap();
        let class = x11rb::protocol::xproto::WindowClass::INPUT_OUTPUT;
        let aux = x11rb::protocol::xproto::CreateWindowAux::new();
        self.connection
            .create_window(0, window, self.root, 0, 0, width, height, 0, class, 0, &aux)
            .unwrap();
        let name = AtomEnum::WM_TRANSIENT_FOR;
        self.connection
            .change_property32(PropMode::REPLACE, window, name, AtomEnum::WINDOW, &[of])
            .unwrap();
        self.connection.map_window(window).unwrap();
        self.connection.sync().unwrap();
        window
    }
}

fn a_main_window_fills_the_display_and_follows_it() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = xephyr(&place.host());
    let app = App::new(&*display);
    let main = window(&app.connection, "main", 200, 100);
    app.until("it fills the display", || app.geometry(main) == app.whole());
    app.until("it has the focus", || app.focused() == main);
    let before = app.whole();
    // The user makes the window on the host larger.
    let host = place.client();
    let outer = host
        .query_tree(host.setup().roots[0].root)
        .unwrap()
        .reply()
        .unwrap()
        .children
        .into_iter()
        .find(|window| {
            let found = host.get_geometry(*window).unwrap().reply().unwrap();
            (found.width, found.height) == (before.2, before.3)
        })
        .unwrap();
    host.configure_window(outer, &ConfigureWindowAux::new().width(900).height(700)).unwrap();
    host.sync().unwrap();
    app.until("it follows", || app.geometry(main) == (0, 0, 900, 700));
    Ok(())
}

fn a_small_app_has_a_small_display_that_grows() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = xephyr(&place.host());
    let app = App::new(&*display);
    let largest = app.whole();
    let small = window(&app.connection, "small", 200, 100);
    app.until("a small display", || app.whole() == (0, 0, 320, 240));
    app.until("all of it is the window's", || app.geometry(small) == app.whole());
    // What the host shows is as small.
    let host = place.client();
    let outer = host.query_tree(host.setup().roots[0].root).unwrap().reply().unwrap().children;
    let sizes = outer.iter().map(|window| host.get_geometry(*window).unwrap().reply().unwrap());
    assert!(sizes.into_iter().any(|found| (found.width, found.height) == (320, 240)));
    app.dialog(small, 500, 300);
    app.until("a larger display", || app.whole() == (0, 0, 640, 400));
    window(&app.connection, "large", 5000, 5000);
    app.until("the largest display", || app.whole() == largest);
    Ok(())
}

fn a_dialog_keeps_its_size() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = xephyr(&place.host());
    let app = App::new(&*display);
    let main = window(&app.connection, "main", 200, 100);
    let dialog = app.dialog(main, 300, 200);
    let middle = |width: u16, height: u16| {
        let (_, _, all, high) = app.whole();
        let half = |whole: u16, part: u16| i16::try_from((whole - part) / 2).unwrap();
        (half(all, width), half(high, height), width, height)
    };
    app.until("it is in the middle", || app.geometry(dialog) == middle(300, 200));
    app.until("it has the focus", || app.focused() == dialog);
    assert_eq!(app.top(), Some(dialog));
    app.connection.destroy_window(dialog).unwrap();
    app.connection.sync().unwrap();
    app.until("the main window has the focus again", || app.focused() == main);

    // A window that cannot change its size is not made to.
    let fixed = window(&app.connection, "fixed", 120, 80);
    app.connection.unmap_window(fixed).unwrap();
    let hints =
        WmSizeHints { min_size: Some((120, 80)), max_size: Some((120, 80)), ..Default::default() };
    hints.set_normal_hints(&app.connection, fixed).unwrap();
    app.connection
        .configure_window(fixed, &ConfigureWindowAux::new().width(120).height(80))
        .unwrap();
    app.connection.map_window(fixed).unwrap();
    app.connection.sync().unwrap();
    app.until("it keeps its size", || app.geometry(fixed) == middle(120, 80));
    Ok(())
}

fn a_second_main_window_gets_a_strip() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = xephyr(&place.host());
    let app = App::new(&*display);
    let first = window(&app.connection, "first", 500, 400);
    app.until("the first has all of the display", || app.geometry(first) == app.whole());
    let grant = display.grant();
    let other = connect(grant.sockets[0].source.as_path(), Some(cookie(grant))).unwrap();
    let second = window(&other, "second", 500, 400);
    let below = || {
        let (_, _, width, height) = app.whole();
        (0, 22, width, height - 22)
    };
    app.until("both are below the strip", || {
        app.geometry(first) == below() && app.geometry(second) == below()
    });
    app.until("the second has the focus", || app.focused() == second);
    // A click into the left half of the strip, by the pointer of the user on the host.
    let host = place.client();
    let click = |x: i16, y: i16| {
        let root = host.setup().roots[0].root;
        let none = x11rb::NONE;
        host.warp_pointer(none, root, 0, 0, 0, 0, x, y).unwrap();
        for kind in [4, 5] {
            host.xtest_fake_input(kind, 1, x11rb::CURRENT_TIME, none, 0, 0, 0).unwrap();
        }
        host.sync().unwrap();
    };
    click(10, 5);
    app.until("the first has the focus", || app.focused() == first);
    let (_, _, width, _) = app.whole();
    click(i16::try_from(width).unwrap() - 5, 5);
    app.until("the second was asked to close", || {
        // It takes no part in WM_DELETE_WINDOW, so that its app is closed with it.
        app.connection.get_geometry(second).unwrap().reply().is_err()
    });
    Ok(())
}

fn a_window_that_is_asked_to_come_up_comes_up() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = xephyr(&place.host());
    let app = App::new(&*display);
    let first = window(&app.connection, "first", 200, 100);
    app.until("the first has the focus", || app.focused() == first);
    let second = window(&app.connection, "second", 200, 100);
    app.until("the second has the focus", || app.focused() == second);
    let active = app.atom("_NET_ACTIVE_WINDOW");
    let message = ClientMessageEvent::new(32, first, active, [1, 0, 0, 0, 0]);
    let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
    app.connection.send_event(false, app.root, mask, message).unwrap();
    app.connection.sync().unwrap();
    app.until("the first is on top", || app.top() == Some(first) && app.focused() == first);
    assert_eq!(app.words(app.root, active, AtomEnum::WINDOW), [first]);
    Ok(())
}
