//! A terminal: the app has one of its own, with job control and the window's size, and cannot type
//! into the caller's.

use arkose_tests::arkose::busy;
use arkose_tests::wait::{self, LAUNCH, Lines};
use arkose_tests::{Arkose, Terminal, both_ways, host};
use nix::unistd::Pid;
use std::process::{Command, Stdio};

/// Says every size that it is told of, and ends at the last. No shell: bash forgets a signal that comes
/// while it deals with one of the same kind.
const RESIZED: &str = "
import os, signal, time
def resized(*_):
    size = os.get_terminal_size()
    os.write(1, f'{size.lines} {size.columns}\\n'.encode())
    if (size.lines, size.columns) == (44, 111):
        os._exit(5)
signal.signal(signal.SIGWINCH, resized)
print('ready', flush=True)
while True:
    time.sleep(1)
";

/// Puts a byte into the terminal's input, by the number as it is and with high bits set.
const PUSH: &str = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
byte = ctypes.create_string_buffer(b'x')
for number in (0x5412, 0x100005412, 0x5400541200005412 & ~0xffffffff | 0x5412, 0x541c):
    result = libc.syscall(ctypes.c_long(16 if os.uname().machine == 'x86_64' else 29), ctypes.c_long(0), ctypes.c_ulong(number), byte)
    print('pushed' if result == 0 else os.strerror(ctypes.get_errno()))
print('end')
";

both_ways! {
    fn the_app_has_a_terminal_with_the_windows_size(via) {
        let mut terminal = Terminal::start(Arkose::run(via).shell("tty; stty size; exit 4"));
        terminal.shows("/dev/pts/");
        terminal.shows("33 99");
        terminal.ends_with(4);
    }

    fn a_change_of_the_windows_size_reaches_the_app(via) {
        let mut terminal = Terminal::start(Arkose::run(via).command(["python3", "-c", RESIZED]));
        terminal.shows("ready");
        // stty sets one and then the other, and the app is told of both.
        terminal.resize(44, 111);
        terminal.shows("44 111");
        terminal.ends_with(5);
    }

    fn control_c_interrupts_the_app_and_not_arkose(via) {
        let mut terminal = Terminal::start(Arkose::run(via).command(["bash", "-c",
            "trap 'echo interrupted; exit 6' INT; echo ready; while :; do read -t 1 line; done"]));
        terminal.shows("ready");
        terminal.keys("\x03");
        terminal.shows("interrupted");
        terminal.ends_with(6);
    }

    fn a_shell_has_job_control(via) {
        let call = Arkose::run(via).option("env", "PS1=prompt> ").command(["bash", "--norc", "--noediting", "-i"]);
        let mut terminal = Terminal::start(call);
        terminal.shows("prompt> ");
        // The shell takes keys itself until its command runs.
        terminal.keys("sh -c 'echo st''arted; exec sleep 600'\n");
        terminal.shows("started");
        terminal.keys("\x1a");
        terminal.shows("Stopped");
        // Until it is known to be dead the job counts as stopped, and the shell stays for its sake.
        terminal.keys("kill -KILL %1; wait -f %1; echo done-$((40+2))\n");
        terminal.shows("done-42");
        terminal.keys("exit 9\n");
        terminal.ends_with(9);
    }

    fn nothing_can_be_typed_into_the_callers_terminal(via) {
        let mut terminal = Terminal::start(Arkose::run(via).command(["/usr/bin/python3", "-c", PUSH]));
        for _ in 0..4 {
            terminal.shows("not permitted");
        }
        terminal.shows("end");
        terminal.ends_with(0);
    }

    fn a_closed_terminal_ends_the_sandbox(via) {
        let _busy = busy();
        let call = Arkose::run(via).shell("echo ready; sleep 600").into_command();
        let words = std::iter::once(call.get_program()).chain(call.get_args());
        let words: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        // Another process holds the terminal, as a terminal window does, and is killed.
        let mut window = Command::new("script");
        window.args(["--quiet", "--flush", "--command", &format!("exec {}", words.join(" ")), "/dev/null"]);
        window.env_clear().envs(call.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        let mut window = window.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Lines::of(window.stdout.take().unwrap()).expect_line("ready");
        let inside = host::descendants(Pid::from_raw(i32::try_from(window.id()).unwrap()));
        assert!(inside.len() >= 3, "{inside:?}");
        window.kill().unwrap();
        window.wait().unwrap();
        let left = || inside.iter().filter(|(pid, _)| host::runs(*pid)).collect::<Vec<_>>();
        assert!(wait::until(LAUNCH, || left().is_empty()), "without its terminal this lives on: {:?}", left());
    }
}
