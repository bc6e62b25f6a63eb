//! Ways around the rules that attacks on such proxies have taken.

use super::*;

/// Serials go up from there where it does not matter which.
const EARLY: u32 = 100;

#[test]
fn what_nobody_waits_for_answers_nothing_else() {
    let bus = Bus::start();
    let _hidden = peer(&bus, "org.y.Hidden");
    let proxy = bus.proxy(&["--see=org.x.Seen"]);
    let mut app = Client::new(&proxy.path);
    // The bus answers the first although no reply is wanted, and in the name of the second.
    for member in ["ListNames", "ListActivatableNames"] {
        let unwanted = Draft { serial: EARLY, flags: 1, ..Draft::bus(member) };
        let wanted = Draft { serial: EARLY, ..Draft::bus("GetId") };
        app.socket.write_all(&[unwanted.bytes(), wanted.bytes()].concat()).unwrap();
        assert_eq!(app.replied(EARLY).text().len(), 32, "{member}");
    }
}

#[test]
fn what_an_app_asks_early_is_no_answer_to_the_proxy() {
    let bus = Bus::start();
    let mut seen = peer(&bus, "org.x.Seen");
    let proxy = bus.proxy(&["--talk=org.x.Absent", "--see=org.x.Seen"]);
    let mut app = Client::raw(&proxy.path, "AUTH EXTERNAL 30");
    let mut bytes = Draft { serial: 1, ..Draft::bus("Hello") }.bytes();
    for serial in u32::MAX - 10..=u32::MAX {
        let owner = Draft { serial, flags: 1, ..Draft::bus("GetNameOwner") }.text("org.x.Seen");
        bytes.extend(owner.bytes());
    }
    app.socket.write_all(&bytes).unwrap();
    assert!(app.replied(1).text().starts_with(':'));
    let call = Draft::call(&seen.name, "/", "org.x.I", "M");
    assert_eq!(app.ask(Draft { serial: EARLY, ..call }).error, DENIED);
    seen.settled();
    assert!(seen.others.iter().all(|one| one.member != "M"), "{:?}", seen.others);
}

#[test]
fn an_app_cannot_make_the_proxy_deaf() {
    let bus = Bus::start();
    let proxy = bus.proxy(&["--talk=*", "--deny=org.y.Denied"]);
    let mut app = Client::new(&proxy.path);
    let all = "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',\
        member='NameOwnerChanged'";
    let path = "path='/org/freedesktop/DBus'";
    for one in ["", ",arg0='org.y.Denied'"] {
        for rule in [format!("{all}{one}"), format!("{all},{path}{one}")] {
            app.ask(Draft::bus("RemoveMatch").text(&rule));
        }
    }
    let mut denied = peer(&bus, "org.y.Denied");
    app.settled();
    let name = denied.name.clone();
    assert_eq!(app.ask(Draft::call(&name, "/", "org.x.I", "M")).error, DENIED);
    denied.settled();
    assert!(denied.others.iter().all(|one| one.member != "M"), "{:?}", denied.others);
}

#[test]
fn another_name_of_the_same_peer_is_no_way_around_a_rule() {
    let bus = Bus::start();
    let _before = peer_with_two(&bus, "org.y.Denied", "org.z.Before");
    let rule = |access, name| format!(r#"{{"access":"{access}","rule":"{name}"}}"#);
    let rules = [rule("talk", "*"), rule("deny", "org.y.Denied"), rule("ask", "org.y.Asked")];
    let (proxy, mut supervisor) = bus.supervised(&rules.join(","), "");
    let mut app = Client::new(&proxy.path);
    let _after = peer_with_two(&bus, "org.y.Asked", "org.z.After");
    app.settled();
    let call = |name, member| Draft::call(name, "/", "org.x.I", member);
    assert_eq!(app.ask(call("org.z.Before", "M")).error, DENIED);
    app.say(call("org.z.After", "M"));
    assert_eq!(supervisor.told("ask")["destination"], "org.y.Asked");
}

fn peer_with_two(bus: &Bus, one: &str, other: &str) -> Client {
    let mut both = peer(bus, one);
    assert_eq!(both.own(other).body, [1, 0, 0, 0]);
    both
}

/// A connection that has not said anything yet but hello, and then at once all of this.
fn at_once(path: &std::path::Path, drafts: impl IntoIterator<Item = Draft>) -> Client {
    let mut app = Client::raw(path, "AUTH EXTERNAL 30");
    let mut bytes = Draft { serial: 1, ..Draft::bus("Hello") }.bytes();
    drafts.into_iter().for_each(|draft| bytes.extend(draft.bytes()));
    app.socket.write_all(&bytes).unwrap();
    assert!(app.replied(1).text().starts_with(':'));
    app
}

/// The library in the bus answers what is for nobody, whether a reply is wanted or not.
#[test]
fn no_answer_of_the_library_in_the_bus_is_one_to_the_proxy() {
    let bus = Bus::start();
    let mut denied = peer_with_two(&bus, "org.y.Denied", "org.z.Other");
    let proxy = bus.proxy(&["--talk=org.z.Other", "--deny=org.y.Denied"]);
    let nobody = |serial| {
        let mut draft = Draft::call("x", "/", "org.freedesktop.DBus.Peer", "GetMachineId");
        draft.fields.retain(|(code, ..)| *code != 6);
        Draft { serial, flags: 1, ..draft }
    };
    // One at a time: forged for both names, the owner would be one again.
    for serial in u32::MAX - 10..=u32::MAX {
        let mut app = at_once(&proxy.path, [nobody(serial)]);
        let call = Draft { serial: EARLY, ..Draft::call("org.z.Other", "/", "org.x.I", "M") };
        assert_eq!(app.ask(call).error, DENIED);
    }
    denied.settled();
    assert!(denied.others.iter().all(|one| one.member != "M"), "{:?}", denied.others);
}

#[test]
fn the_machine_has_no_identity_on_the_bus() {
    let bus = Bus::start();
    let proxy = bus.proxy(&["--see=org.x.Seen"]);
    let mut app = Client::new(&proxy.path);
    let peer = |member| Draft::call(wire::BUS, "/", "org.freedesktop.DBus.Peer", member);
    assert_eq!(app.ask(peer("GetMachineId")).error, DENIED);
    assert_eq!(app.ask(peer("Ping")).kind, 2);
    for (member, error) in [("Ping", ""), ("GetMachineId", DENIED)] {
        let mut draft = peer(member);
        draft.fields.retain(|(code, ..)| *code != 6);
        assert_eq!(app.ask(draft).error, error, "{member}");
    }
}

/// A message that is too short for what it says to carry would be waited for ever, and all after it kept.
#[test]
fn a_text_without_its_length_ends_the_connection() {
    let bus = Bus::start();
    let _there = peer(&bus, "org.x.Peer");
    let proxy = bus.proxy(&["--call=org.x.Peer=org.x.I.M arg0=good"]);
    for length in 1..4 {
        let mut app = Client::new(&proxy.path);
        let mut short = Draft::call("org.x.Peer", "/", "org.x.I", "M");
        (short.signature, short.body) = ("s".to_owned(), vec![0; length]);
        app.say(short);
        assert!(app.is_closed(), "{length}");
    }
}

/// libdbus ends a call of its own with whatever message has its serial.
#[test]
fn what_is_no_reply_cannot_say_that_it_is_one() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let proxy = bus.proxy(&["--talk=org.x.Peer"]);
    let call = Draft::call("org.x.Peer", "/", "org.x.I", "M");
    for mut draft in [Draft::signal("org.x.I", "S"), call] {
        draft.numbers.push((5, 7));
        let mut app = Client::new(&proxy.path);
        app.say(draft.clone());
        assert!(app.is_closed(), "{draft:?}");
    }
    there.settled();
    assert!(there.others.iter().all(|one| !["S", "M"].contains(&one.member.as_str())));
    // Nor does anything that pretends to be a reply reach the app.
    let mut app = Client::new(&proxy.path);
    let mut pretending = Draft::call(&app.name, "/", "org.x.I", "Pretending");
    pretending.numbers.push((5, 1));
    there.say(pretending);
    there.settled();
    app.settled();
    assert!(app.others.iter().all(|one| one.member != "Pretending"), "{:?}", app.others);
}

/// An error of the bus for a call that wanted no reply comes under the serial of another.
#[test]
fn names_are_looked_through_whatever_they_answer() {
    let bus = Bus::start();
    let _hidden = peer(&bus, "org.y.Hidden");
    let proxy = bus.proxy(&["--see=org.x.Seen"]);
    let mut app = Client::new(&proxy.path);
    for round in 0..20 {
        let serial = EARLY + round;
        let wrong = Draft { serial, flags: 1, ..Draft::bus("GetId") }.text("x");
        let names = Draft { serial, ..Draft::bus("ListNames") };
        let id = Draft { serial: 1000 + round, ..Draft::bus("GetId") };
        app.socket.write_all(&[wrong.bytes(), names.bytes(), id.bytes()].concat()).unwrap();
        let answer = app.replied(serial);
        assert!(answer.kind == 3 || !answer.texts().contains(&"org.y.Hidden".to_owned()));
        app.replied(1000 + round);
    }
}

#[test]
fn nothing_that_an_app_writes_becomes_a_rule_for_more_than_one_name() {
    let bus = Bus::start();
    let (proxy, mut supervisor) = bus.supervised(r#"{"access":"see","rule":"org.x.Seen"}"#, "");
    let mut app = Client::new(&proxy.path);
    for (member, argument) in [
        ("StartServiceByName", "*"),
        ("RequestName", "org.freedesktop.*"),
        ("NameHasOwner", "*"),
        ("NameHasOwner", &"\u{1}".repeat(60_000)),
    ] {
        app.ask(Draft::bus(member).text(argument).u32(0));
        let event = supervisor.told("event");
        assert_eq!(
            (&event["event"], event.get("would_allow")),
            (&"denied".into(), None),
            "{event}"
        );
        assert!(event.to_string().len() < 4096);
    }
}

#[test]
fn a_connection_has_no_endless_number_of_match_rules() {
    let bus = Bus::start();
    let proxy = bus.proxy(&["--see=org.x.Seen"]);
    let mut app = Client::new(&proxy.path);
    let rule = |number: u32| Draft::bus("AddMatch").text(&format!("type='signal',arg0='{number}'"));
    let mut bytes = Vec::new();
    for number in 0..4096 {
        bytes.extend(Draft { serial: EARLY + number, flags: 1, ..rule(number) }.bytes());
    }
    app.socket.write_all(&bytes).unwrap();
    let refused = app.ask(Draft { serial: 10_000, ..rule(5000) });
    assert_eq!(refused.error, "org.freedesktop.DBus.Error.LimitsExceeded");
    let remove = Draft::bus("RemoveMatch").text("type='signal',arg0='7'");
    assert_eq!(app.ask(Draft { serial: 10_001, ..remove }).error, "");
    assert_eq!(app.ask(Draft { serial: 10_002, ..rule(5000) }).error, "");
}
