//! What the supervisor is told and asked, and what its answers come to.

use super::*;

#[test]
fn a_call_waits_for_an_answer_and_nothing_else_does() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let rules = r#"{"access":"ask","rule":"org.x.Peer"}"#;
    let (mut proxy, mut supervisor) = bus.supervised(rules, "");
    let mut app = Client::new(&proxy.path);
    let call = |member| Draft::call("org.x.Peer", "/", "org.x.I", member);
    let first = app.say(call("One"));
    let question = supervisor.told("ask");
    assert_eq!(question["destination"], "org.x.Peer");
    let again = app.say(call("One"));
    app.settled();
    supervisor.say(&format!(r#"{{"answer":{},"allow":true,"for":"once"}}"#, question["ask"]));
    for serial in [first, again] {
        let came = there.wait("One");
        there.say(Draft::reply(2, &came.sender, came.serial).text("yes"));
        assert_eq!(app.replied(serial).text(), "yes");
    }
    // Once is once; no is no, and holds for a while.
    let third = app.say(call("One"));
    let question = supervisor.told("ask");
    supervisor.say(&format!(r#"{{"answer":{},"allow":false,"for":"once"}}"#, question["ask"]));
    assert_eq!(app.replied(third).error, DENIED);
    assert_eq!(app.ask(call("One")).error, DENIED);
    // Whoever goes takes the question along.
    app.say(call("Two"));
    let question = supervisor.told("ask");
    drop(app);
    assert_eq!(supervisor.told("withdrawn")["withdrawn"], question["ask"]);
    // And the proxy goes with its supervisor.
    let socket = proxy.path.clone();
    drop(supervisor);
    assert!(proxy.child.wait().unwrap().success());
    assert!(!socket.exists());
    there.settled();
    assert!(there.others.iter().all(|one| one.member != "Two"));
}

#[test]
fn a_yes_is_one_to_what_was_shown() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let (proxy, mut supervisor) = bus.supervised(r#"{"access":"ask","rule":"org.x.Peer"}"#, "");
    let mut app = Client::new(&proxy.path);
    let call = |text| Draft::call("org.x.Peer", "/", "org.x.I", "Open").text(text);
    app.say(call("good"));
    let question = supervisor.told("ask");
    assert_eq!(question["arg0"], "good");
    app.say(call("evil"));
    assert_eq!(supervisor.told("ask")["arg0"], "evil");
    supervisor.say(&format!(r#"{{"answer":{},"allow":true,"for":"once"}}"#, question["ask"]));
    assert_eq!(there.wait("Open").text(), "good");
    app.settled();
    there.settled();
    assert!(there.others.iter().all(|one| one.member != "Open"), "{:?}", there.others);
}

/// Of what a call carries, a person is shown the first text alone.
#[test]
fn a_yes_is_none_to_a_call_that_carries_something_else() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let (proxy, mut supervisor) = bus.supervised(r#"{"access":"ask","rule":"org.x.Peer"}"#, "");
    let mut app = Client::new(&proxy.path);
    let set = |interface: &str, property: &str| {
        Draft::call("org.x.Peer", "/", "org.freedesktop.DBus.Properties", "Set")
            .text(interface)
            .text(property)
    };
    app.say(set("org.x.I", "Good"));
    let question = supervisor.told("ask");
    app.say(set("org.x.I", "Evil"));
    let other = supervisor.told("ask");
    assert_ne!(question["ask"], other["ask"]);
    supervisor.say(&format!(r#"{{"answer":{},"allow":true,"for":"once"}}"#, question["ask"]));
    assert!(there.wait("Set").body.ends_with(b"Good\0"));
    // A yes for good is one to that interface, whatever of it, and to no other.
    supervisor.say(&format!(r#"{{"answer":{},"allow":true,"for":"launch"}}"#, other["ask"]));
    assert!(there.wait("Set").body.ends_with(b"Evil\0"));
    app.say(set("org.x.I", "More"));
    assert!(there.wait("Set").body.ends_with(b"More\0"));
    app.say(set("org.evil.I", "More"));
    assert_eq!(supervisor.told("ask")["arg0"], "org.evil.I");
}

#[test]
fn what_was_refused_is_told_with_the_rule_that_would_allow_it() {
    let bus = Bus::start();
    let _there = peer(&bus, "org.x.Peer");
    let (proxy, mut supervisor) = bus.supervised(r#"{"access":"see","rule":"org.x.Peer"}"#, "");
    let mut app = Client::new(&proxy.path);
    app.ask(Draft::call("org.x.Peer", "/a", "org.x.I", "M").text("first"));
    let event = supervisor.told("event");
    assert_eq!(event["event"], "denied");
    assert_eq!(event["would_allow"], "call = org.x.Peer=org.x.I.M@/a");
    assert_eq!(event["arg0"], "first");
    app.socket.write_all(b"nonsense").unwrap();
    assert!(app.is_closed());
    assert_eq!(supervisor.told("event")["event"], "closed");
    assert!(wait::until(Duration::from_secs(1), || proxy.path.exists()));
}

#[test]
fn a_supervisor_may_say_more_than_answers() {
    let bus = Bus::start();
    let mut there = peer(&bus, "org.x.Peer");
    let (proxy, mut supervisor) = bus.supervised(r#"{"access":"talk","rule":"org.x.Peer"}"#, "");
    let mut app = Client::new(&proxy.path);
    supervisor.say(r#"{"of":"another version"}"#);
    supervisor.say(r#"{"log":"all"}"#);
    app.settled();
    passes(&mut app, &mut there, Draft::call("org.x.Peer", "/", "org.x.I", "M"));
    assert_eq!(supervisor.told("event")["event"], "allowed");
}

/// A name may have another owner when the answer comes.
#[test]
fn a_yes_reaches_nobody_who_is_refused_by_then() {
    let bus = Bus::start();
    let mut first = peer(&bus, "org.x.Peer");
    let rule = |access, name| format!(r#"{{"access":"{access}","rule":"{name}"}}"#);
    let rules = [rule("ask", "org.x.Peer"), rule("deny", "org.y.Denied")].join(",");
    let (proxy, mut supervisor) = bus.supervised(&rules, "");
    let mut app = Client::new(&proxy.path);
    let held = app.say(Draft::call("org.x.Peer", "/", "org.x.I", "M"));
    let question = supervisor.told("ask");
    let released = first.ask(Draft::bus("ReleaseName").text("org.x.Peer"));
    assert_eq!(released.body, [1, 0, 0, 0]);
    let mut second = peer(&bus, "org.y.Denied");
    assert_eq!(second.own("org.x.Peer").body, [1, 0, 0, 0]);
    // The proxy has heard of it.
    app.settled();
    supervisor.say(&format!(r#"{{"answer":{},"allow":true,"for":"once"}}"#, question["ask"]));
    assert_eq!(app.replied(held).error, DENIED);
    second.settled();
    assert!(second.others.iter().all(|one| one.member != "M"), "{:?}", second.others);
}
