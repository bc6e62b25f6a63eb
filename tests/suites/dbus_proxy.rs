//! The built D-Bus proxy in front of a real bus: what goes through, what does not, and what attacks on
//! such proxies come to.

#[path = "dbus_proxy/asking.rs"]
mod asking;
#[path = "dbus/bus.rs"]
mod bus;
#[path = "dbus_proxy/tricks.rs"]
mod tricks;
#[path = "dbus/wire.rs"]
mod wire;

use arkose_tests::wait;
use bus::Bus;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};
use wire::{Client, Draft};

const DENIED: &str = "org.freedesktop.DBus.Error.AccessDenied";
const UNKNOWN: &str = "org.freedesktop.DBus.Error.ServiceUnknown";

/// A peer that owns a name.
fn peer(bus: &Bus, name: &str) -> Client {
    let mut peer = Client::new(&bus.path());
    assert_eq!(peer.own(name).body, [1, 0, 0, 0]);
    peer
}

/// Calls from one to the other and back; the reply's text.
fn passes(app: &mut Client, peer: &mut Client, call: Draft) -> String {
    let member = call.fields.iter().find(|(code, ..)| *code == 3).unwrap().2.clone();
    let serial = app.say(call);
    let came = peer.wait(&member);
    peer.say(Draft::reply(2, &came.sender, came.serial).text("yes"));
    app.replied(serial).text()
}

#[test]
fn calls_go_through_by_a_rule_and_else_not() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let _other = peer(&bus, "org.x.Peerage");
    let _below = peer(&bus, "org.x.Peer.Below");
    let proxy = bus.proxy(&["--call=org.x.Peer=org.x.I.Good@/ok"]);
    let mut app = Client::new(&proxy.path);
    assert_eq!(
        passes(&mut app, &mut there, Draft::call("org.x.Peer", "/ok", "org.x.I", "Good")),
        "yes"
    );
    for (name, path, interface, member, error) in [
        ("org.x.Peer", "/ok", "org.x.I", "Bad", DENIED),
        ("org.x.Peer", "/no", "org.x.I", "Good", DENIED),
        ("org.x.Peer", "/ok", "org.x.J", "Good", DENIED),
        ("org.x.Peer", "/ok", "", "Good", DENIED),
        ("org.x.Peerage", "/ok", "org.x.I", "Good", UNKNOWN),
        ("org.x.Peer.Below", "/ok", "org.x.I", "Good", UNKNOWN),
        ("org.x.Pee", "/ok", "org.x.I", "Good", UNKNOWN),
    ] {
        let refused = app.ask(Draft::call(name, path, interface, member));
        assert_eq!(refused.error, error, "{name} {path} {interface} {member}");
    }
    there.settled();
    assert!(there.others.iter().all(|one| one.kind != 1), "{:?}", there.others);
}

#[test]
fn a_unique_name_is_judged_by_the_names_it_has_now() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let hidden = peer(&bus, "org.y.Hidden");
    let proxy = bus.proxy(&["--talk=org.x.*"]);
    let mut app = Client::new(&proxy.path);
    let name = there.name.clone();
    assert_eq!(passes(&mut app, &mut there, Draft::call(&name, "/", "org.x.I", "One")), "yes");
    assert_eq!(app.ask(Draft::call(&hidden.name, "/", "org.x.I", "M")).error, UNKNOWN);
    there.ask(Draft::bus("ReleaseName").text("org.x.Peer"));
    app.settled();
    assert_eq!(app.ask(Draft::call(&name, "/", "org.x.I", "Two")).error, DENIED);
}

#[test]
fn hidden_names_do_not_exist() {
    let bus = Bus::start();
    let hidden = peer(&bus, "org.y.Hidden");
    let _seen = peer(&bus, "org.x.Seen");
    let proxy = bus.proxy(&["--see=org.x.Seen"]);
    let mut app = Client::new(&proxy.path);
    let names = app.ask(Draft::bus("ListNames")).texts();
    assert!(names.contains(&"org.x.Seen".to_owned()) && names.contains(&app.name), "{names:?}");
    assert!(!names.contains(&"org.y.Hidden".to_owned()) && !names.contains(&hidden.name));
    assert_eq!(app.ask(Draft::bus("NameHasOwner").text("org.y.Hidden")).body, [0; 4]);
    assert_eq!(app.ask(Draft::bus("NameHasOwner").text("org.x.Seen")).body, [1, 0, 0, 0]);
    for method in ["GetNameOwner", "GetConnectionUnixProcessID", "GetConnectionCredentials"] {
        for name in ["org.y.Hidden", &hidden.name] {
            let error = app.ask(Draft::bus(method).text(name)).error;
            assert_eq!(error, "org.freedesktop.DBus.Error.NameHasNoOwner", "{method} {name}");
        }
    }
    assert_eq!(
        app.ask(Draft::bus("StartServiceByName").text("org.y.Hidden").u32(0)).error,
        UNKNOWN
    );
    assert_eq!(app.ask(Draft::call("org.x.Seen", "/", "org.x.I", "M")).error, DENIED);
    // Nor is it told that they come and go.
    app.listen("type='signal',member='NameOwnerChanged'");
    let _new = peer(&bus, "org.y.New");
    let _other = peer(&bus, "org.x.Peer");
    app.settled();
    assert!(app.others.iter().all(|one| one.member != "NameOwnerChanged"), "{:?}", app.others);
}

#[test]
fn a_name_is_owned_by_a_rule_for_it_alone() {
    let bus = Bus::start();
    let proxy = bus.proxy(&["--own=org.foo.*", "--talk=org.bar"]);
    let mut app = Client::new(&proxy.path);
    assert_eq!(app.own("org.foo.A").body, [1, 0, 0, 0]);
    for name in ["org.foobar", "org.foobar.A", "org.fo", "org.bar", "org.bar.foo", "org.x.org.foo"]
    {
        assert_eq!(app.own(name).error, DENIED, "{name}");
        assert!(
            !Client::new(&bus.path())
                .ask(Draft::bus("ListNames"))
                .texts()
                .contains(&name.to_owned())
        );
    }
}

#[test]
fn nobody_listens_to_others() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let mut other = Client::new(&bus.path());
    let proxy = bus.proxy(&["--talk=*"]);
    let mut app = Client::new(&proxy.path);
    for rule in [
        "eavesdrop=true",
        "eavesdrop='true'",
        "type='method_call',eavesdrop ='true'",
        "eavesdrop\t=\t'true'",
        "type='method_call', eavesdrop='tr'ue",
        "\u{a0}eavesdrop='true'",
        "eavesdrop='false',eavesdrop='true'",
    ] {
        assert_eq!(app.listen(rule).error, DENIED, "{rule:?}");
    }
    for (interface, member) in [
        ("org.freedesktop.DBus.Monitoring", "BecomeMonitor"),
        ("", "BecomeMonitor"),
        ("org.freedesktop.DBus", "UpdateActivationEnvironment"),
        ("org.freedesktop.DBus", "ReloadConfig"),
        ("org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules"),
    ] {
        let call = Draft::call("org.freedesktop.DBus", "/org/freedesktop/DBus", interface, member);
        assert_eq!(app.ask(call).error, DENIED, "{member}");
    }
    assert_eq!(app.listen("type='method_call',arg0='eavesdrop=true'").error, "");
    other.say(Draft::call("org.x.Peer", "/", "org.x.I", "Secret"));
    there.wait("Secret");
    app.settled();
    assert!(app.others.iter().all(|one| one.member != "Secret"));
}

#[test]
fn a_reply_is_one_to_a_call_that_was_made() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let mut thief = Client::new(&bus.path());
    let proxy = bus.proxy(&["--talk=org.x.Peer"]);
    let mut app = Client::new(&proxy.path);
    let serial = app.say(Draft::call("org.x.Peer", "/", "org.x.I", "Open"));
    let came = there.wait("Open");
    let name = app.name.clone();
    for guess in 1..serial + 3 {
        thief.say(Draft::reply(2, &name, guess).text("stolen"));
    }
    thief.settled();
    there.say(Draft::reply(2, &came.sender, came.serial).text("true"));
    assert_eq!(app.replied(serial).text(), "true");
    app.settled();
    assert!(app.others.iter().all(|one| one.sender != thief.name), "{:?}", app.others);
    // The app answers nobody who did not call it; whoever did is answered once.
    app.say(Draft::reply(2, &there.name, 4242).text("unasked"));
    let asked = thief.say(Draft::call(&name, "/", "org.x.I", "Question"));
    let question = app.wait("Question");
    app.say(Draft::reply(2, &there.name, question.serial).text("not yours"));
    app.say(Draft::reply(2, &thief.name, question.serial).text("yours"));
    assert_eq!(thief.replied(asked).text(), "yours");
    app.settled();
    there.settled();
    assert!(there.others.iter().all(|one| one.sender != name), "{:?}", there.others);
}

#[test]
fn signals_arrive_from_whom_a_rule_names() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let mut other = peer(&bus, "org.y.Other");
    let proxy = bus.proxy(&["--broadcast=org.x.Peer=org.x.I.Good"]);
    let mut app = Client::new(&proxy.path);
    app.listen("type='signal'");
    for one in [&mut other, &mut there] {
        one.say(Draft::signal("org.x.I", "Bad"));
        one.say(Draft::signal("org.x.I", "Bad").to(&app.name));
        one.settled();
    }
    other.say(Draft::signal("org.x.I", "Good"));
    other.settled();
    there.say(Draft::signal("org.x.I", "Good"));
    assert_eq!(app.wait("Good").sender, there.name);
    app.settled();
    let from: Vec<_> = app.others.iter().filter(|one| one.sender.starts_with(':')).collect();
    assert!(from.is_empty(), "{from:?}");
}

#[test]
fn whoever_breaks_the_protocol_is_cut_off_alone() {
    let bus = Bus::start();
    let proxy = bus.proxy(&["--talk=*"]);
    let mut good = Client::new(&proxy.path);
    let call = || Draft { serial: 9, ..Draft::call("org.x.Y", "/", "org.x.I", "M") };
    let changed = |at: usize, value: u8| {
        let mut bytes = call().bytes();
        bytes[at] = value;
        bytes
    };
    let field = |code, types, text: &str| {
        let mut draft = call();
        draft.fields.push((code, types, text.to_owned()));
        draft.bytes()
    };
    let without = |code| {
        let mut draft = call();
        draft.fields.retain(|(other, ..)| *other != code);
        draft.bytes()
    };
    let path =
        |path: &str| Draft { serial: 9, ..Draft::call("org.x.Y", path, "org.x.I", "M") }.bytes();
    let mut padded = Draft { serial: 9, ..Draft::call("org.x.Yes", "/", "org.x.I", "M") }.bytes();
    let end = 16 + u32::from_le_bytes(padded[12..16].try_into().unwrap()) as usize;
    assert_ne!(end % 8, 0);
    padded[end] = 1;
    let cases = [
        ("byte order", changed(0, b'x')),
        ("other order", changed(0, b'B')),
        ("kind 0", changed(1, 0)),
        ("kind 5", changed(1, 5)),
        ("version", changed(3, 2)),
        ("serial 0", [&call().bytes()[..8], &[0; 4], &call().bytes()[12..]].concat()),
        ("huge body", [&call().bytes()[..4], &[0, 0, 0, 9], &call().bytes()[8..]].concat()),
        ("huge fields", [&call().bytes()[..12], &[0, 0, 0, 4], &call().bytes()[16..]].concat()),
        (
            "body without signature",
            [&call().bytes()[..4], &[4, 0, 0, 0], &call().bytes()[8..], &[0; 4]].concat(),
        ),
        ("field twice", field(1, b'o', "/")),
        ("unknown field", field(77, b's', "x")),
        ("field 0", field(0, b's', "x")),
        ("wrong type", field(4, b'o', "/x")),
        ("no path", without(1)),
        ("no member", without(3)),
        ("bad path", path("/a//b")),
        ("local path", path("/org/freedesktop/DBus/Local")),
        ("sender", field(7, b's', "org.freedesktop.DBus")),
        ("other sender", field(7, b's', ":1.0")),
        ("utf-8", field(4, b's', "org.x.\u{e9}")),
        ("padding", padded),
        ("signature", Draft { signature: "a{vs}".to_owned(), body: vec![0; 4], ..call() }.bytes()),
        ("fds that do not come", Draft { numbers: vec![(9, 1)], ..call() }.bytes()),
        ("too many fds", Draft { numbers: vec![(9, 254)], ..call() }.bytes()),
        ("call again", [call().bytes(), call().bytes()].concat()),
    ];
    for (what, bytes) in cases {
        let mut bad = Client::new(&proxy.path);
        // Answers nobody: the call stays open.
        let mut open = peer(&bus, "org.x.Y");
        bad.socket.write_all(&bytes).unwrap();
        assert!(bad.is_closed(), "{what}");
        assert_eq!(good.ask(Draft::bus("GetId")).kind, 2, "{what}");
        open.settled();
    }
    let mut hasty = Client::raw(&proxy.path, "AUTH EXTERNAL 30");
    hasty.say(Draft::bus("ListNames"));
    assert!(hasty.is_closed());
}

#[test]
fn an_app_is_whom_the_proxy_is_whatever_it_calls_itself() {
    let bus = Bus::start();
    let proxy = bus.proxy(&[]);
    for auth in ["AUTH EXTERNAL 34323432", "AUTH EXTERNAL 30"] {
        let mut app = Client::raw(&proxy.path, auth);
        assert!(app.ask(Draft::bus("Hello")).text().starts_with(':'), "{auth}");
    }
}

#[test]
fn big_endian_apps_are_judged_alike() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let proxy = bus.proxy(&["--call=org.x.Peer=org.x.I.M arg0=good"]);
    let mut app = Client::new(&proxy.path);
    let call = |text| {
        let draft = Draft { big: true, ..Draft::call("org.x.Peer", "/", "org.x.I", "M") };
        draft.text(text)
    };
    let serial = app.say(call("good"));
    // The bus turns it round for a peer of the other order, or not; the peer only reads its header.
    let came = read_any(&mut there);
    assert!(came > 0);
    assert_eq!(app.ask(call("bad")).error, DENIED);
    assert_ne!(serial, 0);
}

/// Waits for any bytes.
fn read_any(client: &mut Client) -> usize {
    client.socket.read(&mut [0; 4096]).unwrap()
}

#[test]
fn descriptors_come_with_their_message_or_the_connection_ends() {
    let bus = Bus::start();
    let there = peer(&bus, "org.x.Peer");
    let proxy = bus.proxy(&["--talk=org.x.Peer"]);
    let mut app = Client::new(&proxy.path);
    let (reader, writer) = std::io::pipe().unwrap();
    let call = || Draft {
        signature: "h".to_owned(),
        body: vec![0; 4],
        ..Draft::call("org.x.Peer", "/", "org.x.I", "Take")
    };
    app.say_with(call(), &[writer.as_raw_fd()], 1);
    let mut stray = Client::new(&proxy.path);
    stray.say_with(Draft::bus("GetId"), &[writer.as_raw_fd()], 0);
    assert!(stray.is_closed());
    drop(writer);
    // The peer's copy is the only one left, and arrives with the first byte.
    let mut space = nix::cmsg_space!([i32; 4]);
    let mut bytes = [0; 4096];
    let mut parts = [std::io::IoSliceMut::new(&mut bytes)];
    let received = nix::sys::socket::recvmsg::<()>(
        there.socket.as_raw_fd(),
        &mut parts,
        Some(&mut space),
        nix::sys::socket::MsgFlags::empty(),
    )
    .unwrap();
    let rights = received.cmsgs().unwrap().any(|message| {
        matches!(message, nix::sys::socket::ControlMessageOwned::ScmRights(fds) if fds.len() == 1)
    });
    assert!(rights);
    let own = std::fs::read_link(format!("/proc/self/fd/{}", reader.as_raw_fd())).unwrap();
    let is_free = || {
        let held = std::fs::read_dir(format!("/proc/{}/fd", proxy.child.id())).unwrap();
        held.flatten().all(|entry| std::fs::read_link(entry.path()).is_ok_and(|one| one != own))
    };
    assert!(wait::until(Duration::from_secs(1), is_free), "something of it stays in the proxy");
}

#[test]
fn big_bodies_go_through_and_a_slow_app_slows_nobody() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let proxy = bus.proxy(&["--talk=org.x.Peer"]);
    let text = "x".repeat(24 << 20);
    let mut app = Client::new(&proxy.path);
    let sending = std::thread::spawn(move || {
        let serial = app.say(Draft::call("org.x.Peer", "/", "org.x.I", "Big").text(&text));
        (app, serial)
    });
    let came = there.wait("Big");
    assert_eq!(came.text().len(), 24 << 20);
    let (mut app, serial) = sending.join().unwrap();
    let reply = Draft::reply(2, &came.sender, came.serial).text(&came.text());
    let answering = std::thread::spawn(move || {
        there.say(reply);
        there
    });
    // It does not read; another app is served meanwhile.
    let mut other = Client::new(&proxy.path);
    let begin = Instant::now();
    for _ in 0..100 {
        assert_eq!(other.ask(Draft::bus("GetId")).kind, 2);
    }
    assert!(begin.elapsed() < Duration::from_secs(5));
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.child.id())).unwrap();
    let memory = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let kilobytes: u64 = memory.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 12 << 10, "{memory}");
    assert_eq!(app.replied(serial).text().len(), 24 << 20);
    answering.join().unwrap();
}

#[test]
fn a_portal_finds_the_identity_of_whoever_connects() {
    let bus = Bus::start();
    let more = r#","identity":"[Application]\nname=io.x.App\n""#;
    let (proxy, _supervisor) = bus.supervised("", more);
    let root = format!("/proc/{}/root", proxy.child.id());
    let text = std::fs::read_to_string(format!("{root}/.flatpak-info")).unwrap();
    assert_eq!(text, "[Application]\nname=io.x.App\n");
    let left: Vec<_> =
        std::fs::read_dir(&root).unwrap().flatten().map(|one| one.file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let mut app = Client::new(&proxy.path);
    let pid = app.ask(Draft::bus("GetConnectionUnixProcessID").text(&app.name.clone()));
    assert_eq!(pid.body, proxy.child.id().to_le_bytes());
}

#[test]
fn an_app_leaves_room_on_the_systems_bus() {
    let bus = Bus::start();
    let (proxy, mut supervisor) = bus.supervised_as("system", "", "");
    let mut apps: Vec<Client> = (0..128).map(|_| Client::new(&proxy.path)).collect();
    let mut more = std::os::unix::net::UnixStream::connect(&proxy.path).unwrap();
    assert_eq!(supervisor.told("event")["event"], "closed");
    assert_eq!(more.read(&mut [0]).unwrap(), 0);
    // Those that are there are served, and one that goes makes room.
    assert_eq!(apps[0].ask(Draft::bus("GetId")).kind, 2);
    drop(apps.split_off(100));
    apps[0].settled();
    Client::new(&proxy.path);
}
