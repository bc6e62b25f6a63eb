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
