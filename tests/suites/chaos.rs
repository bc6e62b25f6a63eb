//! Launches drawn at random, ended at a random moment by a death that nobody planned: within a second
//! the host is as it was, and sandboxes beside are unharmed.
//!
//! `./dev fuzz chaos ROUNDS SEED` runs more rounds than the tests do. The same seed draws the same
//! launches and the same deaths; the machine adds the moments.

#[path = "chaos/blow.rs"]
mod blow;
#[path = "chaos/draw.rs"]
mod draw;
#[path = "chaos/started.rs"]
mod started;

use arkose_tests::arkose::{Quiet, quiet};
use arkose_tests::host::reap;
use arkose_tests::machine::{self, machine, skip};
use arkose_tests::random::Random;
use arkose_tests::wait::{self, Lines};
use arkose_tests::{Arkose, Display, Inventory, Running, Scratch, Via};
use blow::Blow;
use draw::{Draw, Place};
use std::io::Write as _;
use std::time::Instant;

/// How many rounds a test run has, and from which seed.
const ROUNDS: (u32, u64) = (100, 1);

/// A sandbox that lives through it all, and says so when it is asked.
struct Survivor {
    running: Running,
    answers: Lines,
}

impl Survivor {
    fn start(call: Arkose, probe: &str, quiet: &Quiet) -> Self {
        let script = format!("while read line; do {probe} echo \"answer $line\"; done");
        let mut running = call.shell(&script).start_alone(quiet);
        let answers = running.lines();
        Self { running, answers }
    }

    fn answers(&mut self, question: u32) {
        let input = self.running.stdin.as_mut().expect("it has an input");
        writeln!(input, "{question}").expect("a survivor listens");
        self.answers.expect_line(&format!("answer {question}"));
    }
}

/// What a test run or `./dev fuzz chaos` asks for.
fn asked() -> (u32, u64) {
    let Ok(words) = std::env::var("ARKOSE_CHAOS") else { return ROUNDS };
    let numbers = words
        .split_once(' ')
        .and_then(|(rounds, seed)| Some((rounds.parse().ok()?, seed.parse().ok()?)));
    numbers.unwrap_or_else(|| panic!("“{words}” is not a number of rounds and a seed"))
}

/// The ways that work here; why the others do not is said.
fn ways() -> Vec<Via> {
    let works = |via: &Via| match machine::obstacle(*via) {
        None => true,
        Some(reason) => {
            skip(&format!("nothing_is_left_by_a_random_death::{}", via.word()), &reason);
            false
        }
    };
    [Via::User, Via::Helper].into_iter().filter(works).collect()
}

/// How many sandboxes are listed.
fn listed() -> usize {
    let places = std::fs::read_dir(machine().runtime.join("arkose"));
    places.map_or(0, |places| {
        places.flatten().filter(|place| place.path().join("control").exists()).count()
    })
}

#[test]
fn nothing_is_left_by_a_random_death() {
    let (rounds, seed) = asked();
    let ways = ways();
    if ways.is_empty() {
        return;
    }
    arkose_tests::host::adopt();
    let quiet = quiet();
    let display = Display::start_alone(&quiet);
    let (home, system) = (Scratch::home(), Scratch::system());
    let place = Place::new(&home, &system, &display);
    let mut survivors: Vec<_> =
        ways.iter().map(|via| Survivor::start(Arkose::run(*via), "", &quiet)).collect();
    let windowed = display.give(Arkose::run(ways[0])).option("xserver", "isolated");
    survivors.push(Survivor::start(windowed, "timeout 20 xset q >/dev/null &&", &quiet));
    // What stays from a first launch, such as a private home, is there before it is looked.
    for first in ways.iter().flat_map(|via| place.first(*via)) {
        assert_eq!(first.output_alone(&quiet).success(), "");
    }
    survivors.iter_mut().for_each(|survivor| survivor.answers(0));
    // Each takes its place a moment after its start.
    assert!(wait::until(wait::LAUNCH, || listed() == survivors.len()));
    let before = Inventory::take();
    let (begin, mut random) = (Instant::now(), Random::new(seed));
    let aloud = std::env::var_os("ARKOSE_CHAOS").is_some();
    for round in 1..=rounds {
        let mut own = Random::new(random.number());
        let draw = Draw::new(&mut own, &ways, &place);
        let blow = Blow::new(&mut own, &draw);
        let said = format!("round {round} of seed {seed}: {blow:?} of {draw}");
        let told = blow.strike(draw, &mut own).and_then(|told| match before.difference() {
            None => Ok(told),
            Some(difference) => Err(format!("{told}\n{difference}")),
        });
        match told {
            Ok(told) if aloud => println!("{said}\n    {told}"),
            Ok(_) => {}
            Err(error) => panic!("{said}\n{error}"),
        }
        reap();
        survivors.iter_mut().for_each(|survivor| survivor.answers(round));
    }
    println!("{rounds} rounds of seed {seed} in {:?}, as {}", begin.elapsed(), machine().user);
    for survivor in survivors {
        let outcome = survivor.running.finish();
        assert_eq!(outcome.code(), 0, "{outcome}");
    }
}
