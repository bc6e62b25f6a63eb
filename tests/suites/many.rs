//! Many sandboxes at once, and some of them killed: the others go on, and nothing is left.

use arkose_tests::arkose::quiet;
use arkose_tests::host::{descendants, runs};
use arkose_tests::random::Random;
use arkose_tests::wait::{self, LAUNCH, Lines};
use arkose_tests::{Arkose, Inventory, Running, Via, both_ways};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Write as _;

/// How many are killed.
const KILLED: usize = 10;

/// How many there are. polkit is asked for each that root builds, which takes its time: there are
/// fewer unless `ARKOSE_MANY` says how many.
fn how_many(via: Via) -> usize {
    let named = std::env::var("ARKOSE_MANY").ok();
    let usual = if via == Via::User { 200 } else { 40 };
    named.map_or(usual, |number| number.parse().expect("ARKOSE_MANY is a number"))
}

/// A sandbox with two processes of its own, and what it says.
struct One {
    running: Running,
    lines: Lines,
}

both_ways! {
    fn ten_of_many_are_killed_and_the_others_are_unharmed(via) {
        let quiet = quiet();
        // The first launch may make directories that stay.
        assert_eq!(Arkose::run(via).command(["true"]).output_alone(&quiet).code(), 0);
        let before = Inventory::take();
        let script = "sleep 600 & echo ready; read line; echo \"heard $line\"; exit 7";
        let mut all: Vec<One> = (0..how_many(via)).map(|_| {
            let mut running = Arkose::run(via).shell(script).start_alone(&quiet);
            let lines = running.lines();
            One { running, lines }
        }).collect();
        for one in &mut all {
            one.lines.expect_line("ready");
        }
        let mut random = Random::new(std::process::id().into());
        println!("seed {}", std::process::id());
        let mut victims = Vec::new();
        for _ in 0..KILLED {
            let one = all.remove(random.below(all.len()));
            let mut pids: Vec<(Pid, String)> = descendants(one.running.pid());
            pids.insert(0, (one.running.pid(), "arkose".to_owned()));
            // Whatever it is: the supervisor, pkexec or the helper, the first process, the app, what cleans up.
            let (pid, name) = &pids[random.below(pids.len())];
            println!("killing {name}, {pid}, of {}", one.running.pid());
            kill(*pid, Signal::SIGKILL).unwrap();
            victims.push((one, pids));
        }
        for (number, one) in all.iter_mut().enumerate() {
            let stdin = one.running.stdin.as_mut().unwrap();
            writeln!(stdin, "{number}").unwrap();
        }
        for (number, mut one) in all.into_iter().enumerate() {
            assert_eq!(one.lines.expect_line("heard"), format!("heard {number}"));
            assert_eq!(one.running.finish().code(), 7);
        }
        for (one, pids) in victims {
            // One whose background process was killed goes on until its input ends.
            let _ = one.running.finish();
            let left = || pids.iter().filter(|(pid, _)| runs(*pid)).collect::<Vec<_>>();
            assert!(wait::until(LAUNCH, || left().is_empty()), "{:?}", left());
        }
        before.restored();
    }
}
