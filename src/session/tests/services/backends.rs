//! The other programs that draw an isolated display, and which one is picked.

use crate::place::{
    Place, Scratch, connect, cookie, file, inside, need, socket, titles, value, window,
};
use crate::{Skip, Test};
use arkose_session::display::{Backend, Display, Request, isolated};
use arkose_session::error::{Error, Kind};
use arkose_session::guard::guarded;
use arkose_session::host::Host;
use arkose_session::runtime::Runtime;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::xproto::ConnectionExt;

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("xpra_puts_the_windows_among_the_hosts", xpra_puts_the_windows_among_the_hosts),
    ("xpra_is_picked_where_it_is_installed", xpra_is_picked_where_it_is_installed),
    ("a_broken_xpra_is_passed_over_with_a_note", a_broken_xpra_is_passed_over_with_a_note),
    ("xwayland_serves_a_session_without_x", xwayland_serves_a_session_without_x),
    ("a_session_without_x_lacks_xwayland_only", a_session_without_x_lacks_xwayland_only),
];

fn start(host: &Host, runtime: &Runtime, backend: Backend) -> Result<Box<dyn Display>, Error> {
    let inside = inside();
    isolated(&Request {
        host,
        inside: &inside,
        title: "Test (confined)",
        runtime,
        backend,
        stop: None,
    })
}

/// What holds for each of them.
fn is_isolated(display: &dyn Display) {
    let grant = display.grant();
    let path = grant.sockets[0].source.as_path();
    assert!(connect(path, None).is_err());
    let client = connect(path, Some(cookie(grant))).unwrap();
    assert!(client.extension_information("MIT-SHM").unwrap().is_none());
    let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
    let listening = |line: &&str| {
        line.ends_with(&format!("@{}", path.display())) && line.contains(" 00010000 ")
    };
    assert_eq!(sockets.lines().find(listening), None);
}

fn xpra_puts_the_windows_among_the_hosts() -> Result<(), Skip> {
    need(&["xpra", "Xvfb"])?;
    let place = Place::new()?;
    let host = place.client();
    window(&host, "bank statement", 200, 100);
    let runtime = Runtime::new(&place.host()).unwrap();
    let mut display = start(&place.host(), &runtime, Backend::Xpra).unwrap();
    is_isolated(&*display);
    let path = display.grant().sockets[0].source.as_path().to_owned();
    let client = connect(&path, Some(cookie(display.grant()))).unwrap();
    let root = host.setup().roots[0].root;
    let events = x11rb::protocol::xproto::EventMask::SUBSTRUCTURE_NOTIFY;
    let watch = x11rb::protocol::xproto::ChangeWindowAttributesAux::new().event_mask(events);
    host.change_window_attributes(root, &watch).unwrap();
    window(&client, "own", 200, 100);
    while !titles(&host).iter().any(|title| title.contains("own") && title.contains("(confined)")) {
        host.wait_for_event().unwrap();
    }
    assert!(!titles(&client).contains(&"bank statement".to_owned()));
    display.stop();
    drop(display);
    assert!(!path.exists());
    drop(runtime);
    // Nothing is left in the runtime directory but the directory of all sandboxes.
    let left = std::fs::read_dir(place.scratch.0.join("arkose")).unwrap().count();
    assert_eq!(left, 0);
    Ok(())
}

fn xpra_is_picked_where_it_is_installed() -> Result<(), Skip> {
    need(&["xpra", "Xephyr"])?;
    let place = Place::new()?;
    let runtime = Runtime::new(&place.host()).unwrap();
    let display = start(&place.host(), &runtime, Backend::Auto).unwrap();
    assert_eq!((display.backend(), display.notes().len()), ("xpra", 0));
    assert_eq!(start(&place.host(), &runtime, Backend::Xephyr).unwrap().backend(), "Xephyr");
    Ok(())
}

fn a_broken_xpra_is_passed_over_with_a_note() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    // What xpra 3.1.3 says without python3-pil, and one that does not even start.
    let attached =
        "echo ' No module named PIL'; echo 'xpra is ready.'; echo 'Attached to x'; exec sleep 60";
    let rejected = "echo 'no such option' >&2; exit 1";
    for (script, sentence, kind) in
        [(attached, "No module named PIL", Kind::Broken), (rejected, "no such option", Kind::Ended)]
    {
        let bin = Scratch::new();
        let program = bin.0.join("xpra");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let host = place.host();
        let path = format!("{}:{}", bin.0.display(), std::env::var("PATH").unwrap());
        let host = Host::with(host.vars().chain([("PATH".as_ref(), path.as_ref())]));
        let runtime = Runtime::new(&host).unwrap();
        let display = start(&host, &runtime, Backend::Auto).unwrap();
        assert_eq!(display.backend(), "Xephyr");
        let notes: Vec<String> = display.notes().iter().map(ToString::to_string).collect();
        assert!(notes.len() == 1 && notes[0].contains(sentence), "{notes:?}");
        drop(display);
        let runtime = Runtime::new(&host).unwrap();
        assert_eq!(start(&host, &runtime, Backend::Xpra).unwrap_err().kind(), kind);
    }
    Ok(())
}

/// A session with a compositor and no X.
fn wayland(scratch: &Scratch) -> (Host, std::process::Child) {
    let dir = scratch.0.to_str().unwrap();
    let path = std::env::var("PATH").unwrap();
    let vars = [
        ("XDG_RUNTIME_DIR", dir),
        ("HOME", dir),
        ("PATH", &path),
        ("WAYLAND_DISPLAY", "wayland-5"),
    ];
    let compositor = guarded("weston")
        .args([
            "--backend=headless-backend.so",
            "--socket=wayland-5",
            "--idle-time=0",
            "--no-config",
        ])
        .env_clear()
        .envs(vars)
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    crate::place::appears(&scratch.0.join("wayland-5"));
    (Host::with(vars), compositor)
}

fn xwayland_serves_a_session_without_x() -> Result<(), Skip> {
    need(&["Xwayland", "weston"])?;
    let scratch = Scratch::new();
    let (host, mut compositor) = wayland(&scratch);
    let runtime = Runtime::new(&host).unwrap();
    let mut display = start(&host, &runtime, Backend::Auto).unwrap();
    assert_eq!(display.backend(), "Xwayland");
    is_isolated(&*display);
    let grant = display.grant();
    let path = grant.sockets[0].source.as_path().to_owned();
    let number = value(grant, "DISPLAY").unwrap()[1..].parse().unwrap();
    assert_eq!(path, socket(number));
    assert!(!file(grant, "XAUTHORITY").is_empty());
    let client = connect(&path, Some(cookie(grant))).unwrap();
    window(&client, "own", 200, 100);
    assert!(titles(&client).contains(&"own".to_owned()));
    drop(client);
    display.stop();
    drop(display);
    compositor.kill().unwrap();
    compositor.wait().unwrap();
    assert!(!Path::new(&path).exists());
    Ok(())
}

fn a_session_without_x_lacks_xwayland_only() -> Result<(), Skip> {
    let empty = Scratch::new();
    let host = Host::with([("PATH", empty.0.to_str().unwrap()), ("WAYLAND_DISPLAY", "wayland-5")]);
    let runtime = Runtime::new(&host).unwrap();
    let error = start(&host, &runtime, Backend::Auto).unwrap_err();
    assert_eq!(error.remedy().as_deref(), Some("sudo apt install xwayland"));
    Ok(())
}
