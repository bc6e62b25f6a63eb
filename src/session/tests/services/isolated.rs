//! An isolated display as its app and as the host see it.

use crate::place::{
    HOST_COOKIE, Place, connect, cookie, entry, file, inside, need, socket, titles, value, window,
};
use crate::{Skip, Test};
use arkose_session::display::{Backend, Display, Request, direct, isolated};
use arkose_session::error::Kind;
use arkose_session::host::Host;
use arkose_session::runtime::Runtime;
use std::os::unix::fs::PermissionsExt;
use x11rb::connection::RequestConnection;
use x11rb::errors::ConnectError;

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("xephyr_lets_in_only_who_has_the_cookie", xephyr_lets_in_only_who_has_the_cookie),
    ("xephyr_shows_nothing_of_the_host_and_itself_on_it", xephyr_shows_nothing_of_the_host),
    ("xephyr_has_no_shared_memory_by_number", xephyr_has_no_shared_memory_by_number),
    ("xephyr_has_the_keyboard_of_the_host", xephyr_has_the_keyboard_of_the_host),
    ("xephyr_says_in_its_own_words_why_it_ends", xephyr_says_in_its_own_words_why_it_ends),
    (
        "direct_passes_this_display_and_its_cookie_alone",
        direct_passes_this_display_and_its_cookie_alone,
    ),
    ("a_server_that_refuses_is_named", a_server_that_refuses_is_named),
    ("no_display_and_no_program_are_sentences", no_display_and_no_program_are_sentences),
];

pub(crate) fn xephyr(host: &Host) -> Box<dyn Display> {
    let (inside, runtime) = (inside(), Runtime::new(host).unwrap());
    let (title, backend) = ("Test (confined)", Backend::Xephyr);
    isolated(&Request { host, inside: &inside, title, runtime: &runtime, backend, stop: None })
        .unwrap()
}

fn xephyr_lets_in_only_who_has_the_cookie() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = xephyr(&place.host());
    let grant = display.grant();
    let socket = grant.sockets[0].source.as_path();
    assert_eq!(
        file(grant, "XAUTHORITY"),
        entry(65535, "", &value(grant, "DISPLAY").unwrap()[1..], cookie(grant))
    );
    assert_eq!(value(grant, "XAUTHORITY"), Some("/run/user/1000/.Xauthority"));
    connect(socket, Some(cookie(grant))).unwrap();
    for wrong in [None, Some(&HOST_COOKIE[..]), Some(&[0; 16])] {
        let refused = connect(socket, wrong);
        assert!(matches!(
            refused,
            Err(ConnectError::SetupFailed(_) | ConnectError::SetupAuthenticate(_))
        ));
    }
    // Nor is there a second, abstract way in.
    let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
    let listening = |line: &&str| {
        line.ends_with(&format!("@{}", socket.display())) && line.contains(" 00010000 ")
    };
    assert_eq!(sockets.lines().find(listening), None);
    Ok(())
}

fn xephyr_shows_nothing_of_the_host() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let host = place.client();
    window(&host, "bank statement", 200, 100);
    let display = xephyr(&place.host());
    let client =
        connect(display.grant().sockets[0].source.as_path(), Some(cookie(display.grant())))
            .unwrap();
    window(&client, "own", 200, 100);
    let (outside, within) = (titles(&host), titles(&client));
    assert!(outside.contains(&"bank statement".to_owned()), "{outside:?}");
    assert!(outside.contains(&"Test (confined)".to_owned()), "{outside:?}");
    assert!(within.contains(&"own".to_owned()), "{within:?}");
    assert!(!within.contains(&"bank statement".to_owned()), "{within:?}");
    Ok(())
}

fn xephyr_has_no_shared_memory_by_number() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = xephyr(&place.host());
    let client =
        connect(display.grant().sockets[0].source.as_path(), Some(cookie(display.grant())))
            .unwrap();
    assert!(client.extension_information("MIT-SHM").unwrap().is_none());
    assert!(client.extension_information("RENDER").unwrap().is_some());
    Ok(())
}

fn xephyr_has_the_keyboard_of_the_host() -> Result<(), Skip> {
    need(&["Xephyr", "setxkbmap"])?;
    let place = Place::new()?;
    // Kept open: without a client Xvfb would be as at its start.
    let _host = place.client();
    let layout = |host: &Host, args: &[&str]| {
        let output = std::process::Command::new("setxkbmap")
            .args(args)
            .env_clear()
            .envs(host.vars())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    layout(&place.host(), &["fr", "-variant", "oss", "-option", "compose:menu"]);
    let display = xephyr(&place.host());
    let auth = place.scratch.0.join("inside");
    std::fs::write(&auth, file(display.grant(), "XAUTHORITY")).unwrap();
    let within = Host::with([
        ("DISPLAY", value(display.grant(), "DISPLAY").unwrap()),
        ("XAUTHORITY", auth.to_str().unwrap()),
        ("PATH", &std::env::var("PATH").unwrap()),
    ]);
    let found = layout(&within, &["-query"]);
    for line in ["layout: fr", "variant: oss", "options: compose:menu"] {
        let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(found.contains(line), "{found}");
    }
    Ok(())
}

fn xephyr_says_in_its_own_words_why_it_ends() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let inside = inside();
    // A display over the network is not asked beforehand; nothing listens on this port.
    let host =
        Host::with([("DISPLAY", "localhost:59000"), ("PATH", &std::env::var("PATH").unwrap())]);
    let (title, runtime, backend) = ("", &Runtime::new(&host).unwrap(), Backend::Xephyr);
    let request = Request { host: &host, inside: &inside, title, runtime, backend, stop: None };
    let error = isolated(&request).unwrap_err();
    assert_eq!(error.kind(), Kind::Ended);
    assert!(error.to_string().contains("Xephyr cannot open host display"), "{error}");
    Ok(())
}

fn direct_passes_this_display_and_its_cookie_alone() -> Result<(), Skip> {
    let place = Place::new()?;
    let display = direct(&place.host(), &inside()).unwrap();
    let grant = display.grant();
    assert_eq!(grant.sockets[0].source.as_path(), socket(place.number));
    let number = &value(grant, "DISPLAY").unwrap()[1..];
    assert_ne!(number, place.number.to_string());
    assert_eq!(grant.sockets[0].dest.as_path(), socket(number.parse().unwrap()));
    assert_eq!(file(grant, "XAUTHORITY"), entry(65535, "", number, &HOST_COOKIE));
    connect(grant.sockets[0].source.as_path(), Some(cookie(grant))).unwrap();
    Ok(())
}

fn a_server_that_refuses_is_named() -> Result<(), Skip> {
    need(&["Xephyr"])?;
    let place = Place::new()?;
    let display = format!(":{}", place.number);
    let host =
        Host::with([("DISPLAY", display.as_str()), ("PATH", &std::env::var("PATH").unwrap())]);
    let inside = inside();
    let (title, runtime, backend) = ("", &Runtime::new(&host).unwrap(), Backend::Auto);
    let request = Request { host: &host, inside: &inside, title, runtime, backend, stop: None };
    for error in [isolated(&request).unwrap_err(), direct(&host, &inside).unwrap_err()] {
        assert_eq!(error.kind(), Kind::XRefused);
        assert!(error.to_string().contains(&display), "{error}");
    }
    Ok(())
}

fn no_display_and_no_program_are_sentences() -> Result<(), Skip> {
    let inside = inside();
    let path = std::env::var("PATH").unwrap();
    let kind = |host: &Host| {
        let (title, runtime, backend) = ("", &Runtime::new(host).unwrap(), Backend::Auto);
        let request = Request { host, inside: &inside, title, runtime, backend, stop: None };
        isolated(&request).unwrap_err().kind()
    };
    assert_eq!(kind(&Host::with([("PATH", path.as_str())])), Kind::NoDisplay);
    let empty = crate::place::Scratch::new();
    // A file that cannot be run is no program.
    std::fs::write(empty.0.join("Xephyr"), "").unwrap();
    std::fs::set_permissions(empty.0.join("Xephyr"), PermissionsExt::from_mode(0o644)).unwrap();
    let bare = Host::with([("PATH", empty.0.to_str().unwrap()), ("DISPLAY", ":99")]);
    assert_eq!(kind(&bare), Kind::NoNestedServer);
    let (title, runtime, backend) = ("", &Runtime::new(&bare).unwrap(), Backend::Auto);
    let request = Request { host: &bare, inside: &inside, title, runtime, backend, stop: None };
    let remedy = isolated(&request).unwrap_err().remedy();
    assert_eq!(remedy.as_deref(), Some("sudo apt install xserver-xephyr"));
    Ok(())
}
