//! Questions about the network: what waits for an answer, what an answer is one to, and that none is a no.

use super::*;
use arkose_tests::terminal::Terminal;
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

/// What the questions were about, and what came of each that was tried.
fn asked_and_came(
    world: &World,
    options: &[(&str, &str)],
    words: &[&str],
    how: &str,
) -> (Vec<String>, Vec<String>) {
    let outcome = Outcome::of(&mut asking(world, probing(ruled(options), words), how));
    let came = came(&outcome);
    let place = |question: &Value| {
        let named = question["name"].as_str().or(question["address"].as_str()).unwrap().to_owned();
        named + ":" + question["port"].as_str().unwrap()
    };
    (questions(world).iter().map(place).collect(), came)
}

const NO: &str = "ECONNREFUSED";

#[test]
fn a_yes_to_a_domain_is_one_to_its_names_and_to_no_other_domain() {
    in_a_world("a_yes_to_a_domain_is_one_to_its_names_and_to_no_other_domain", |_| {
        let world = World::start();
        let words = [
            "name:www.good.example",
            "tcp:45.33.7.1:443",
            "name:api.good.example",
            "tcp:45.33.7.3:443",
            "tcp:45.33.7.3:80",
            "name:other.example",
            "tcp:45.33.7.2:443",
        ];
        let options = [("ask", "public")];
        for how in ["launch@domain,no", "once@domain,no"] {
            let (asked, came) = asked_and_came(&world, &options, &words, how);
            let expected = ["www.good.example:443", "api.good.example:80", "other.example:443"];
            assert_eq!(asked, expected, "{how}: {came:?}");
            assert_eq!((&*came[1], &*came[3]), ("45.33.7.1 443", "45.33.7.3 443"), "{how}");
            assert_eq!((&*came[4], &*came[6]), (NO, NO), "{how}");
        }
        // A no to it is one as well.
        let (asked, came) = asked_and_came(&world, &options, &words[..4], "never@domain");
        assert_eq!((asked.len(), &*came[1], &*came[3]), (1, NO, NO), "{asked:?}");
    });
}

#[test]
fn a_yes_to_an_address_is_none_to_another_of_its_name() {
    in_a_world("a_yes_to_an_address_is_none_to_another_of_its_name", |_| {
        let world = World::start();
        let words = ["name:two.example", "tcp:45.33.7.1:443", "tcp:45.33.7.3:443"];
        let (one, three) = ("45.33.7.1 443", "45.33.7.3 443");
        for (how, asked, expected) in [
            ("launch@address,no", 2, [one, NO]),
            ("once@address,no", 2, [one, NO]),
            ("launch@name,no", 1, [one, three]),
            ("once@name,no", 1, [one, three]),
            // Where nothing is said, it is about the name.
            ("launch,no", 1, [one, three]),
        ] {
            let (questions, came) = asked_and_came(&world, &[("ask", "public")], &words, how);
            assert_eq!(
                (questions.len(), &came[1..]),
                (asked, &expected.map(str::to_owned)[..]),
                "{how}"
            );
        }
    });
}

#[test]
fn a_yes_to_everything_is_one_to_a_port_of_what_is_asked_about() {
    in_a_world("a_yes_to_everything_is_one_to_a_port_of_what_is_asked_about", |_| {
        let world = World::start();
        let words =
            ["tcp:45.33.7.1:443", "tcp:45.33.7.2:443", "tcp:10.9.8.7:443", "tcp:45.33.7.2:80"];
        let (one, two, local) = ("45.33.7.1 443", "45.33.7.2 443", "10.9.8.7 443");
        let asks: [&[(&str, &str)]; 3] = [
            &[("network-default", "ask")],
            // What a rule refuses stays refused, and what another rule asks about is asked.
            &[("network-default", "ask"), ("deny", "lan")],
            &[("ask", "public"), ("ask", "10.0.0.0/8")],
        ];
        let expected =
            [(2, [one, two, local, NO]), (2, [one, two, NO, NO]), (3, [one, two, NO, NO])];
        for how in ["launch@everything,no", "once@everything,no"] {
            for (options, (asked, expected)) in asks.iter().zip(&expected) {
                let (questions, came) = asked_and_came(&world, options, &words, how);
                assert_eq!(came, *expected, "{how}: {options:?}");
                assert_eq!(questions.len(), *asked, "{how}: {options:?}");
            }
        }
    });
}

#[test]
fn only_what_an_answer_can_be_about_is_offered_and_nothing_else_is_taken() {
    in_a_world("only_what_an_answer_can_be_about_is_offered_and_nothing_else_is_taken", |_| {
        let world = World::start();
        let offered = |words: &[&str], options: &[(&str, &str)], how: &str| {
            let (_, came) = asked_and_came(&world, options, words, how);
            let scopes = questions(&world)[0]["scopes"].as_array().unwrap().clone();
            let rules = scopes.iter().map(|scope| scope["rule"].as_str().unwrap().to_owned());
            (rules.collect::<Vec<_>>(), came.last().unwrap().clone())
        };
        let ask = [("ask", "public")];
        let shop = ["name:shop.co.uk", "tcp:45.33.7.1:443"];
        let rules =
            ["shop.co.uk:443/tcp", "*.shop.co.uk:443/tcp", "45.33.7.1:443/tcp", "public:443/tcp"];
        assert_eq!(offered(&shop, &ask, "no").0, rules);
        // Nobody has a whole public suffix.
        let suffix = ["name:co.uk", "tcp:45.33.7.2:443"];
        let rules = ["co.uk:443/tcp", "45.33.7.2:443/tcp", "public:443/tcp"];
        assert_eq!(
            offered(&suffix, &ask, "launch@domain"),
            (rules.map(str::to_owned).into(), NO.to_owned())
        );
        // Nothing is offered that would not decide about what is asked.
        let rules = ["shop.co.uk:443/tcp", "45.33.7.1:443/tcp"];
        assert_eq!(
            offered(&shop, &[("ask", "shop.co.uk")], "once@everything"),
            (rules.map(str::to_owned).into(), NO.to_owned())
        );
        // This computer is no part of everything.
        let here = ["tcp:100.100.0.1:8080"];
        let options = [("ask", "host:8080/tcp"), ("network-default", "ask")];
        assert_eq!(
            offered(&here, &options, "launch"),
            (vec!["host:8080/tcp".to_owned()], "127.0.0.1 8080".to_owned())
        );
    });
}

#[test]
fn an_answer_is_one_to_all_questions_that_it_decides() {
    in_a_world("an_answer_is_one_to_all_questions_that_it_decides", |_| {
        let world = World::start();
        for how in ["mute,mute,launch@everything", "mute,mute,once@everything"] {
            let script = "for one in 1:80 1:443 2:443; do
                /usr/bin/python3 -c \"$0\" tcp:45.33.7.$one & sleep 0.8; done; wait";
            let call = ruled(&[("ask", "public")]).command(["sh", "-c", script, PROBE]);
            let outcome = Outcome::of(&mut asking(&world, call, how));
            let mut came = came(&outcome);
            came.sort();
            assert_eq!(came, ["45.33.7.1 443", "45.33.7.2 443", "nothing"], "{how}");
            let lines = prompter::asked(world.scratch());
            let withdrawn = lines.iter().filter_map(|line| line.get("withdrawn"));
            // The one to port 80 is still asked.
            assert_eq!(withdrawn.collect::<Vec<_>>(), [&lines[1]["question"]], "{how}: {lines:?}");
        }
    });
}

#[test]
fn a_question_names_the_process_as_it_calls_itself() {
    in_a_world("a_question_names_the_process_as_it_calls_itself", |_| {
        let world = World::start();
        // Who sends a packet that is held back is told so, and keeps its socket if it wants to try again.
        let send = "import socket, time\ns = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n\
            try: s.sendto(b'x', ('2a0c:5::1', 443))\nexcept OSError: time.sleep(1)\n";
        let rename = "open('/proc/self/comm', 'w').write('a\\x1b[0mb')\n";
        for (program, expected) in [
            (PROBE.to_owned(), "python3"),
            (send.to_owned(), "python3"),
            (format!("{rename}{PROBE}"), "a\u{1b}[0mb"),
        ] {
            let command = ["/usr/bin/python3", "-c", &program, "tcp:45.33.7.1:443"];
            let call = ruled(&[("ask", "public")]).command(command);
            let outcome = Outcome::of(&mut asking(&world, call, "no"));
            let questions = questions(&world);
            assert_eq!(questions[0]["process"], expected, "{questions:?} {outcome}");
        }
    });
}

#[test]
fn what_an_answer_is_about_is_chosen_on_the_terminal() {
    in_a_world("what_an_answer_is_about_is_chosen_on_the_terminal", |_| {
        let world = World::start();
        let words = [
            "name:www.good.example",
            "tcp:45.33.7.1:443",
            "name:api.good.example",
            "tcp:45.33.7.3:443",
        ];
        let (both, none) = (["45.33.7.1 443", "45.33.7.3 443"], [NO, NO]);
        for (keys, expected) in [("2b", both), ("4b", none), ("2e", none), ("2bb", none)] {
            let output = world.scratch().file("output", "");
            let call = probing(ruled(&[("ask", "public")]), &words).env("DISPLAY", "");
            let inner = world.command(call, "");
            let mut command = Command::new("sh");
            // Nothing of the terminal is the app's; it stays open for those who look at it.
            command
                .arg("-c")
                .arg(format!("exec \"$@\" </dev/null >'{}' 2>&1 3<>/dev/tty", output.display()))
                .arg("sh");
            command.arg(inner.get_program()).args(inner.get_args()).env_clear();
            command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let mut terminal = Terminal::start_command(&command);
            terminal.shows("“python3”");
            terminal.shows("(*.good.example:443/tcp)");
            terminal.shows("4 never");
            terminal.keys(&format!("{keys}\n"));
            if keys.starts_with("2e") || keys.starts_with("2bb") {
                terminal.shows("api.good.example");
                terminal.shows("4 never");
                terminal.keys("no\n");
            }
            terminal.ends_with(0);
            let said = fs::read_to_string(&output).unwrap();
            let came: Vec<&str> =
                said.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
            assert_eq!([came[1], came[3]], expected, "{keys}: {said}");
        }
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
        let launch = |words: &[&str]| {
            let call = Arkose::run(WAY.get()).option("profile", "asks");
            probing(call.env("XDG_CONFIG_HOME", world.scratch().join("config")), words)
        };
        let named = ["name:www.good.example", TWICE[0]];
        for (how, words, reached, rule) in [
            ("always", &TWICE[..1], "45.33.7.1 443", "allow = [\"45.33.7.1:443/tcp\"]"),
            ("never", &TWICE[..1], NO, "deny = [\"45.33.7.1:443/tcp\"]"),
            ("always@domain", &named, "45.33.7.1 443", "allow = [\"*.good.example:443/tcp\"]"),
            ("never@name", &named, NO, "deny = [\"www.good.example:443/tcp\"]"),
            ("always@everything", &TWICE[..1], "45.33.7.1 443", "allow = [\"public:443/tcp\"]"),
        ] {
            let profile = profile(&world, text);
            let outcome = Outcome::of(&mut asking(&world, launch(words), how));
            assert_eq!(came(&outcome).last().unwrap(), reached, "{how}: {outcome}");
            let written = fs::read_to_string(&profile).unwrap();
            assert!(written.starts_with(text) && written.contains(rule), "{how}: {written}");
            // Nobody is asked again.
            let outcome = Outcome::of(&mut asking(&world, launch(words), "crash"));
            assert_eq!(came(&outcome).last().unwrap(), reached, "{how}: {outcome}");
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
