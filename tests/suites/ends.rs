//! The end of a sandbox: whichever way it comes, within a second nothing is left on the host.

use arkose_tests::arkose::{Quiet, quiet};
use arkose_tests::host::descendants;
use arkose_tests::machine::machine;
use arkose_tests::{Arkose, Inventory, Running, Via, both_ways, wait};
use nix::sys::signal::{Signal, kill};
use std::fs;
use std::time::Duration;

/// A sandbox that runs, with several processes in it, until its input ends.
fn running(via: Via, quiet: &Quiet) -> Running {
    running_until(via, quiet, "read line")
}

fn running_until(via: Via, quiet: &Quiet, end: &str) -> Running {
    // It says so only when each of its processes is what it is going to be.
    let script = format!(
        "sleep 600 & sleep 601 & until [ $(cat /proc/[0-9]*/comm | grep -c sleep) = 2 ]; do :; done; echo ready; {end}"
    );
    let mut running = Arkose::run(via).shell(&script).start_alone(quiet);
    running.lines().expect_line("ready");
    running
}

/// The processor time that a process has used, in hundredths of a second (proc_pid_stat(5)).
fn ticks(pid: impl std::fmt::Display) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}

both_ways! {
    fn what_waits_for_an_app_costs_nothing_meanwhile(via) {
        let quiet = quiet();
        let script = "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; echo worked; exec sleep 600";
        let mut running = Arkose::run(via).shell(script).start_alone(&quiet);
        running.lines().expect_line("worked");
        let ours = descendants(running.pid()).into_iter().filter(|(_, name)| name.starts_with("arkose"));
        let used: u64 = ours.map(|(pid, _)| ticks(pid)).sum::<u64>() + ticks(running.pid());
        running.signal(Signal::SIGTERM);
        let _ = running.finish();
        assert!(used < 20, "{used} hundredths of a second");
    }

    fn a_hundred_launches_leave_the_host_as_it_was(via) {
        let quiet = quiet();
        // The first launch may make directories that stay, such as the user's own state.
        assert_eq!(Arkose::run(via).command(["true"]).output_alone(&quiet).code(), 0);
        let before = Inventory::take();
        for _ in 0..100 {
            let outcome = Arkose::run(via).shell("echo x >/tmp/x; mkdir -p ~/y").output_alone(&quiet);
            assert_eq!(outcome.code(), 0, "{outcome}");
        }
        before.restored();
    }

    fn a_killed_supervisor_takes_everything_with_it(via) {
        let quiet = quiet();
        let before = Inventory::take();
        // Its input ends as well, and must not be what ends it.
        let running = running_until(via, &quiet, "wait");
        running.signal(Signal::SIGKILL);
        running.finish_killed();
        before.restored();
    }

    fn every_process_of_a_sandbox_may_be_killed(via) {
        let quiet = quiet();
        let before = Inventory::take();
        let count = {
            let running = running(via, &quiet);
            let count = descendants(running.pid()).len();
            running.signal(Signal::SIGKILL);
            running.finish_killed();
            count
        };
        before.restored();
        assert!(count >= 4, "{count} processes: the sandbox was not seen");
        for victim in 0..count {
            let running = running(via, &quiet);
            let Some((pid, name)) = descendants(running.pid()).get(victim).cloned() else { continue };
            println!("killing {name}, {pid}");
            kill(pid, Signal::SIGKILL).unwrap();
            if name == "sleep" {
                // One of the app's processes is the app's business: the sandbox goes on, or ends with it.
                running.signal(Signal::SIGKILL);
                running.finish_killed();
            } else {
                let outcome = running.finish();
                assert_ne!(outcome.code(), 0, "after the death of {name}: {outcome}");
            }
            before.restored();
        }
    }

    fn processes_that_fled_into_the_background_end_with_the_command(via) {
        let quiet = quiet();
        let before = Inventory::take();
        let outcome = Arkose::run(via).shell("setsid sleep 600 >/dev/null 2>&1 & setsid -f sleep 601 >/dev/null 2>&1; exit 3").output_alone(&quiet);
        assert_eq!(outcome.code(), 3, "{outcome}");
        before.restored();
    }

    fn a_refused_launch_leaves_nothing(via) {
        let quiet = quiet();
        let before = Inventory::take();
        for options in [["--bind", "/no/such/path"], ["--xserver", "isolated"], ["--device", "/dev/no-such-node"]] {
            let outcome = options.iter().fold(Arkose::run(via), Arkose::arg).command(["true"]).output_alone(&quiet);
            assert_eq!(outcome.code(), 125, "{outcome}");
        }
        before.restored();
    }
}

/// The kernel ends a sandbox with its helper, but forgets that it should at one moment of the launch.
#[test]
fn a_helper_that_dies_at_any_moment_of_a_launch_takes_everything_with_it() {
    arkose_tests::machine::with_way(Via::Helper, "a_helper_that_dies_at_any_moment", |via| {
        let quiet = quiet();
        let before = Inventory::take();
        for step in 0..40 {
            let running = Arkose::run(via).shell("sleep 600").start_alone(&quiet);
            let helper = || {
                let below = descendants(running.pid()).into_iter();
                below
                    .filter(|(_, name)| name.starts_with("arkose-helper"))
                    .map(|(pid, _)| pid)
                    .next()
            };
            assert!(wait::until(wait::LAUNCH, || helper().is_some()));
            // Not for something to happen: the death comes ever later in the launch.
            std::thread::sleep(Duration::from_micros(step * 200));
            if let Some(helper) = helper() {
                kill(helper, Signal::SIGKILL).unwrap();
            }
            before.restored();
            assert_eq!(running.finish().code(), 125, "step {step}");
        }
    });
}

/// The user cannot end, trace or look into what runs as root for them.
#[test]
fn the_helper_is_out_of_the_users_reach() {
    arkose_tests::machine::with_way(Via::Helper, "the_helper_is_out_of_the_users_reach", |via| {
        let quiet = quiet();
        let running = running(via, &quiet);
        let mut looked_at = 0;
        for (pid, name) in descendants(running.pid()) {
            // Of any of its four ids.
            let privileged =
                fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| {
                    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:\t"));
                    ids.is_some_and(|ids| ids.split_whitespace().any(|id| id == "0"))
                });
            if !privileged {
                continue;
            }
            looked_at += 1;
            let script = format!(
                "kill -0 {pid} && echo signalled; cat /proc/{pid}/environ /proc/{pid}/mem /proc/{pid}/maps | head -c 1; ls /proc/{pid}/fd"
            );
            let output = machine().as_user("sh").args(["-c", &script]).output().unwrap();
            assert!(
                output.stdout.is_empty(),
                "{name}: {}",
                String::from_utf8_lossy(&output.stdout)
            );
        }
        assert!(looked_at > 0, "no process of root was found below the supervisor");
    });
}
