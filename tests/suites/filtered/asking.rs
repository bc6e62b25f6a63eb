//! Questions about the network: what waits for an answer, what an answer is one to, and that none is a no.

use super::*;
use arkose_tests::wait;
use arkose_tests::{Outcome, prompter};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Tries two ports of one host one after the other, each twice.
const TWICE: [&str; 4] =
    ["tcp:45.33.7.1:443", "tcp:45.33.7.1:443", "tcp:45.33.7.1:80", "tcp:45.33.7.1:80"];

/// The call with a prompter that answers so. The display is none, but says that there is one.
fn asking(world: &World, call: Arkose, how: &str) -> Command {
    let (variable, script) = prompter::put(world.scratch(), how);
    world.command(call.env("PROMPT", variable).env("DISPLAY", ":9999"), &script)
}

/// What came of each, in their order.
fn came(outcome: &Outcome) -> Vec<String> {
    let said = outcome.success();
    said.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
}

fn questions(world: &World) -> Vec<Value> {
    let asked = prompter::asked(world.scratch());
    asked.into_iter().filter(|line| line.get("question").is_some()).collect()
}

#[test]
fn a_connection_waits_for_an_answer_and_an_answer_holds_as_long_as_it_says() {
    in_a_world("a_connection_waits_for_an_answer_and_an_answer_holds_as_long_as_it_says", |_| {
        let world = World::start();
        let (https, http, no) = ("45.33.7.1 443", "45.33.7.1 80", "ECONNREFUSED");
        for (how, expected, asked) in [
            ("once", [https, https, http, http], 2),
            ("launch", [https, https, http, http], 2),
            ("no", [no; 4], 2),
        ] {
            let call = probing(ruled(&[("ask", "public")]), &TWICE);
            let outcome = Outcome::of(&mut asking(&world, call, how));
            assert_eq!(came(&outcome), expected, "{how}: {outcome}");
            let questions = questions(&world);
            assert_eq!(questions.len(), asked, "{how}: {questions:?}");
            for (key, value) in [("address", "45.33.7.1"), ("port", "443"), ("protocol", "tcp")] {
                assert_eq!(questions[0][key], value, "{questions:?}");
            }
            assert!(!questions[0]["words"].as_str().unwrap().is_empty());
        }
    });
}

#[test]
fn a_question_names_what_the_app_asked_for() {
    in_a_world("a_question_names_what_the_app_asked_for", |_| {
        let world = World::start();
        let words = ["name:good.example", "tcp:45.33.7.1:443", "tcp:45.33.7.2:443"];
        let options = [("ask", "good.example"), ("allow", "45.33.7.2")];
        let call = probing(ruled(&options), &words);
        let outcome = Outcome::of(&mut asking(&world, call, "launch"));
        assert_eq!(came(&outcome)[1..], ["45.33.7.1 443", "45.33.7.2 443"], "{outcome}");
        let questions = questions(&world);
        assert_eq!(questions.len(), 1, "{questions:?}");
        assert_eq!(questions[0]["name"], "good.example");
        assert!(questions[0]["words"].as_str().unwrap().contains("good.example (45.33.7.1)"));
    });
}

#[test]
fn a_question_that_nobody_answers_is_a_no() {
    in_a_world("a_question_that_nobody_answers_is_a_no", |_| {
        let world = World::start();
        let call = || probing(ruled(&[("ask", "public")]), &TWICE[..1]);
        for how in ["crash", "nonsense", "other"] {
            let outcome = Outcome::of(&mut asking(&world, call(), how));
            assert_eq!(came(&outcome), ["ECONNREFUSED"], "{how}: {outcome}");
        }
        // Neither a display nor a terminal.
        assert_eq!(came(&world.run(call())), ["ECONNREFUSED"]);
    });
}

fn profile(world: &World, text: &str) -> PathBuf {
    world.scratch().file("config/arkose/profiles/asks.toml", text)
}

#[test]
fn an_answer_that_is_to_last_is_written_into_the_profile() {
    in_a_world("an_answer_that_is_to_last_is_written_into_the_profile", |_| {
        let world = World::start();
        let text = "# mine\ncommand = [\"true\"]\nnetwork = \"filtered\"\n[network-rules]\nask = [\"public\"] # why\n";
        let launch = || {
            let call = Arkose::run(WAY.get()).option("profile", "asks");
            let call = call.env("XDG_CONFIG_HOME", world.scratch().join("config"));
            probing(call, &TWICE[..1])
        };
        for (how, reached, rule) in [
            ("always", "45.33.7.1 443", "allow = [\"45.33.7.1:443/tcp\"]"),
            ("never", "ECONNREFUSED", "deny = [\"45.33.7.1:443/tcp\"]"),
        ] {
            let profile = profile(&world, text);
            let outcome = Outcome::of(&mut asking(&world, launch(), how));
            assert_eq!(came(&outcome), [reached], "{how}: {outcome}");
            let written = fs::read_to_string(&profile).unwrap();
            assert!(written.starts_with(text) && written.contains(rule), "{how}: {written}");
            // Nobody is asked again.
            let outcome = Outcome::of(&mut asking(&world, launch(), "crash"));
            assert_eq!(came(&outcome), [reached], "{how}: {outcome}");
            assert!(questions(&world).is_empty());
        }
    });
}

#[test]
fn what_was_refused_is_told_with_the_rule_that_would_allow_it() {
    in_a_world("what_was_refused_is_told_with_the_rule_that_would_allow_it", |_| {
        let world = World::start();
        let words = ["tcp:45.33.7.1:443", "name:other.example"].map(|word| format!("{word} "));
        let call = ruled(&[("allow", "good.example")]).option("events", "9");
        // It lives until its input ends, and is told of until then.
        let script = format!("/usr/bin/python3 -c \"$0\" {}; cat", words.concat());
        let events = world.scratch().file("events", "");
        let open = format!("exec 9>>'{}'", events.display());
        let mut command = world.command(call.command(["sh", "-c", &script, PROBE]), &open);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        for (kind, rule) in [("connection", "45.33.7.1:443/tcp"), ("name", "other.example")] {
            let told = || {
                let text = fs::read_to_string(&events).unwrap();
                let all = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
                all.into_iter().find(|told| told["event"] == "denied" && told["kind"] == kind)
            };
            assert!(wait::until(wait::LAUNCH, || told().is_some()), "{kind}");
            assert_eq!(told().unwrap()["would_allow"], rule);
        }
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    });
}
