//! The screen: no X server, one of the app's own, and the host's.

use arkose_tests::machine::with_way;
use arkose_tests::wait::{self, LAUNCH, Lines};
use arkose_tests::{Arkose, Display, Running, Via, both_ways};
use std::io::Write as _;
use std::process::{Child, Stdio};

/// A window of the host with a name that a sandbox could find.
fn host_window(display: &Display) -> Child {
    let child = display
        .host("xeyes")
        .args(["-geometry", "80x60+1100+700"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(wait::until(LAUNCH, || display.windows().contains("xeyes")), "{}", display.windows());
    child
}

fn close(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

// Keycodes as every X server has them for a US keyboard, as xinput prints them.
const KEY_A: &str = "detail: 38";
const KEY_B: &str = "detail: 56";
const KEY_C: &str = "detail: 54";

/// Types "a" on the host, with the pointer where no window of a sandbox is, so that the key goes to
/// nobody's window.
fn press_on_host(display: &Display) {
    let typed =
        display.host("xdotool").args(["mousemove", "1279", "799", "key", "a"]).status().unwrap();
    assert!(typed.success());
}

/// Types "a" on the host until the host's own listener has heard it.
fn type_on_host(display: &Display) {
    let mut listener = display
        .host("stdbuf")
        .args(["-oL", "xinput", "test-xi2", "--root"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = Lines::of(listener.stdout.take().unwrap());
    lines.nudge_until(KEY_A, || press_on_host(display));
    close(listener);
}

/// A listener inside, and keys typed inside as they are asked for.
fn listener_inside(call: Arkose) -> (Running, Lines) {
    let mut running =
        call.shell("stdbuf -oL xinput test-xi2 --root & while read key; do xdotool key $key; done; kill $!").start();
    let lines = running.lines();
    (running, lines)
}

/// Types a key inside until the listener inside has heard it: it listens, and heard all before.
fn type_inside(running: &mut Running, lines: &mut Lines, key: &str, detail: &str) {
    let stdin = running.stdin.as_mut().unwrap();
    lines.nudge_until(detail, || {
        writeln!(stdin, "{key}").unwrap();
        stdin.flush().unwrap();
    });
}

/// Root could not be handed a screen of somebody else's; nobody has to be asked for this one either.
#[test]
fn root_inside_with_a_screen_is_made_by_the_user() {
    with_way(Via::User, "root_inside_with_a_screen", |_| {
        let display = Display::start();
        let call = Arkose::call(["run", "--runas", "root", "--xserver", "isolated"]);
        let seen = display.give(call).shell("id -u; xset q >/dev/null && echo open").prints();
        assert_eq!(seen, "0\nopen");
    });
}

both_ways! {
    fn without_an_x_server_no_window_can_be_opened(via) {
        let display = Display::start();
        let script = format!("echo \"[$DISPLAY$XAUTHORITY]\"; DISPLAY={} xwininfo -root && echo open; ls -A /tmp/.X11-unix 2>/dev/null; true", display.variable("DISPLAY"));
        let seen = display.give(Arkose::run(via).option("xserver", "none")).shell(&script).prints();
        assert_eq!(seen, "[]");
    }

    fn an_isolated_screen_shows_no_window_of_the_host(via) {
        let display = Display::start();
        let eyes = host_window(&display);
        let seen = display.give(Arkose::run(via).option("xserver", "isolated")).command(["xwininfo", "-root", "-tree"]).prints();
        close(eyes);
        assert!(seen.contains("Root window"), "{seen}");
        assert!(!seen.contains("xeyes"), "{seen}");
    }

    fn the_hosts_own_screen_cannot_be_reached_from_an_isolated_one(via) {
        let display = Display::start();
        let host = display.variable("DISPLAY");
        let cookie = display.variable("XAUTHORITY");
        let script = format!("DISPLAY={host} XAUTHORITY={cookie} xwininfo -root >/dev/null 2>&1 && [ \"$DISPLAY\" != {host} ] && echo open; echo end");
        let seen = display.give(Arkose::run(via).option("xserver", "isolated").option("network", "direct")).shell(&script).prints();
        assert_eq!(seen, "end");
    }

    fn an_isolated_window_appears_on_the_hosts_screen_and_goes(via) {
        let display = Display::start();
        let count = || display.windows().lines().filter(|line| line.contains("0x")).count();
        let before = count();
        let mut running = display.give(Arkose::run(via).option("xserver", "isolated"))
            .shell("xeyes & until xwininfo -name xeyes >/dev/null 2>&1; do :; done; echo shown; read line; kill $!").start();
        running.lines().expect_line("shown");
        assert!(count() > before, "{}", display.windows());
        assert_eq!(running.finish().code(), 0);
        assert!(wait::until(LAUNCH, || count() == before), "{}", display.windows());
    }

    fn keys_typed_on_the_host_are_not_heard_on_an_isolated_screen(via) {
        let display = Display::start();
        let (mut running, mut lines) = listener_inside(display.give(Arkose::run(via).option("xserver", "isolated")));
        type_inside(&mut running, &mut lines, "b", KEY_B);
        type_on_host(&display);
        type_inside(&mut running, &mut lines, "c", KEY_C);
        drop(running.stdin.take());
        let heard = lines.rest();
        assert!(!heard.iter().any(|line| line.contains(KEY_A)), "{heard:?}");
        let _ = running.finish();
    }

    fn keys_typed_on_the_host_are_heard_on_a_direct_screen(via) {
        let display = Display::start();
        let (running, mut lines) = listener_inside(display.give(Arkose::run(via).option("xserver", "direct")));
        // Not with a listener on the host: a screen has room for one.
        lines.nudge_until(KEY_A, || press_on_host(&display));
        let _ = running.finish();
    }

    fn a_direct_screen_shows_the_hosts_windows(via) {
        let display = Display::start();
        let eyes = host_window(&display);
        let seen = display.give(Arkose::run(via).option("xserver", "direct")).command(["xwininfo", "-root", "-tree"]).prints();
        close(eyes);
        assert!(seen.contains("xeyes"), "{seen}");
    }

    fn a_direct_screen_leaves_the_users_cookie_file_outside(via) {
        let display = Display::start();
        let seen = display.give(Arkose::run(via).option("xserver", "direct")).shell("echo $XAUTHORITY").prints();
        assert_ne!(seen, display.variable("XAUTHORITY"));
    }
}
