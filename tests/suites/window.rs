//! The window, used as a person does: opened on a profile, a switch turned, the app launched,
//! seen and stopped; and the prompter, asked and answered. The steps are in `tests/window`.

use arkose_tests::arkose::busy;
use arkose_tests::machine::{machine, with_way};
use arkose_tests::{Scratch, Via, World, both_ways};
use std::path::PathBuf;

fn directory(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is set by ./dev test")).into()
}

/// Runs a script of `tests/window` on a display of its own.
fn play(script: &str, arguments: &[&str]) {
    play_in(None, script, arguments);
}

/// The same, perhaps in a small world.
fn play_in(world: Option<&World>, script: &str, arguments: &[&str]) {
    let _busy = busy();
    let pictures = Scratch::home();
    let mut command = machine().as_user(directory("ARKOSE_ENV_DIR").join("display.sh"));
    command.arg(directory("ARKOSE_WINDOW_DIR").join(script)).arg("--output").arg(pictures.path());
    command.args(arguments);
    command.env(
        "XDG_DATA_DIRS",
        format!("{}:/usr/local/share:/usr/share", directory("ARKOSE_DATA_DIR").display()),
    );
    if let Some(world) = world {
        command = world.entering(&command);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let messages = std::fs::read_to_string(pictures.join("messages.txt")).unwrap_or_default();
    assert!(output.status.success(), "{told}\n--- messages of the window\n{messages}");
    assert!(!messages.contains("CRITICAL"), "{messages}");
}

both_ways! {
    fn a_profile_is_changed_launched_and_stopped_from_the_window(via) {
        play("drive.py", &["--via", via.word(), "xeyes"]);
    }
}

both_ways! {
    fn what_was_refused_is_seen_and_allowed_from_now_on(via) {
        play("buses.py", &["--via", via.word(), "running"]);
    }
}

#[test]
fn where_no_rule_can_be_kept_it_is_said_why() {
    play("buses.py", &["unstored"]);
}

#[test]
fn a_confined_app_gets_what_is_answered_in_the_window() {
    play("buses.py", &["once", "always", "closed", "several"]);
}

#[test]
fn an_answer_is_what_its_button_says() {
    play("prompt.py", &["every_answer", "several", "nothing_to_keep", "hostile_text"]);
}

#[test]
fn an_answer_is_about_what_was_chosen() {
    play("prompt.py", &["every_scope", "scopes_of_several", "scope_by_keyboard"]);
}

#[test]
fn without_an_answer_a_question_means_no() {
    play("prompt.py", &["escape", "closed", "killed", "left", "withdrawn", "malformed", "endless"]);
}

#[test]
fn nothing_is_answered_that_nobody_meant_to() {
    play("prompt.py", &["early_keys", "early_clicks", "no_focus"]);
}

#[test]
fn a_flood_of_questions_is_one_window() {
    play("prompt.py", &["flood"]);
}

#[test]
fn what_an_app_sends_is_seen_and_what_it_may_reach_is_changed() {
    let name = "what_an_app_sends_is_seen_and_what_it_may_reach_is_changed";
    with_way(Via::User, name, |_| {
        play_in(Some(&World::start()), "network.py", &["traffic", "refused", "unstored", "rules"]);
    });
}
