//! Commands that enter a running sandbox: they have the walls of its app, and whatever the app
//! prepared for them stays inside.

use arkose_protocol::{Bytes, Channel, Control, Entry, Event, Received};
use arkose_tests::machine::machine;
use arkose_tests::registry::Place;
use arkose_tests::wait::{self, LAUNCH};
use arkose_tests::{Arkose, Running, Scratch, Terminal, Via, both_ways, host};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

/// Who a process is, what it may do and where it is.
const WHO: &str = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|CoreDumping|Umask|SigBlk|SigIgn)' /proc/self/status; \
    for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n; done; \
    cat /proc/self/cgroup /proc/self/uid_map /proc/self/limits; hostname; id; echo root: $(stat -c %d:%i /); \
    env | grep -vE '^(TERM|COLORTERM|PWD|OLDPWD|SHLVL|_)=' | sort; ls -l /proc/self/fd | wc -l; unshare --user true 2>/dev/null && echo may make namespaces; true";

/// An app that does something and then waits to be ended.
fn app(call: Arkose, script: &str) -> (Running, Vec<String>) {
    let mut running = call.shell(&format!("{script}\necho ready; exec sleep 600")).start();
    let mut lines = running.lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().filter(|line| line != "ready") {
        said.push(line);
    }
    (running, said)
}

/// The call of a command that enters.
fn enter(place: &Place, id: &str, script: &str) -> Arkose {
    place.call(["enter", id]).shell(script)
}

fn entry(words: &[&str]) -> Entry {
    let argv = words.iter().map(|word| Bytes(word.as_bytes().to_vec())).collect();
    Entry { argv, env: Vec::new(), cwd: None, terminal: None }
}

/// How a command that entered by that door has ended; nothing when the door was shut.
fn end(door: &Channel) -> Option<Event> {
    loop {
        match door.receive::<Event>() {
            Ok(Received::Message(Event::Started, _)) => {}
            Ok(Received::Message(event, _)) => return Some(event),
            _ => return None,
        }
    }
}

/// Nothing of this kind may come of an attempt to have more rights than the app.
fn is_outside(text: &str) -> bool {
    text.contains("root:x:0:0") && text.contains("outside")
}

both_ways! {
    fn what_enters_is_walled_in_as_the_app_is(via) {
        for options in [&["--runas", "user"][..], &["--runas", "root"], &["--network", "direct"], &["--user-namespaces"], &["--root", "read-only", "--home", "cow"]] {
            let place = Place::new();
            let call = options.iter().fold(place.run(via), Arkose::arg);
            let (running, said) = app(call, WHO);
            let id = place.id(&running);
            let entered = enter(&place, &id, WHO).prints();
            assert_eq!(entered.lines().collect::<Vec<_>>(), said, "{options:?}");
            assert!(said.iter().any(|line| line == "NoNewPrivs:\t1"), "{said:?}");
            assert!(said.iter().any(|line| line == "Seccomp:\t2"), "{said:?}");
        }
    }

    fn landlock_holds_what_enters(via) {
        // A node of number 0:0 needs no right of root's; that none can be made is Landlock's work, as
        // is that an abstract socket of the host is out of reach on its own network.
        let script = "import os, socket, stat, sys
def tried(attempt):
    try:
        attempt()
        return 'done'
    except OSError as error:
        return str(error.errno)
print(tried(lambda: os.mknod('/tmp/node' + str(os.getpid()), 0o666 | stat.S_IFCHR, 0)))
print(tried(lambda: socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[1])))";
        let name = format!("arkose-enter-{}-{}", via.word(), std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let _outside = UnixListener::bind_addr(&address).unwrap();
        let command = ["/usr/bin/python3", "-c", script, &name];
        let place = Place::new();
        let app_itself = place.run(via).option("network", "direct").command(command).prints();
        let (running, _) = app(place.run(via).option("network", "direct"), "");
        let entered = place.call(["enter", &place.id(&running)]).command(command).prints();
        assert_eq!(entered, app_itself);
        let outside = machine().as_user("/usr/bin/python3").args(&command[1..]).output().unwrap();
        let outside = String::from_utf8_lossy(&outside.stdout).into_owned();
        assert_ne!(entered, outside.trim_end(), "this kernel has no such wall, or it is down");
    }

    fn input_output_and_status_are_its_own(via) {
        let place = Place::new();
        let (running, _) = app(place.run(via), "echo kept >/tmp/of-the-app");
        let id = place.id(&running);
        assert_eq!(enter(&place, &id, "cat /tmp/of-the-app -; echo beside >&2; exit 7").input("given\n").output().text(), "kept\ngiven");
        let outcome = enter(&place, &id, "echo beside >&2; exit 7").output();
        assert_eq!((outcome.code(), outcome.said().as_str()), (7, "beside\n"));
        assert_eq!(enter(&place, &id, "kill -KILL $$").output().code(), 137);
        let outcome = place.call(["enter", &id, "no-such-program"]).output();
        assert_eq!(outcome.code(), 127, "{outcome}");
        assert_eq!(place.call(["enter", &id, "--", "/etc/passwd"]).output().code(), 126);
        // Without a command it is the user's shell.
        assert_eq!(place.call(["enter", &id]).input("echo $0 $((40+2)); exit 3\n").output().text(), "/bin/bash 42");
        let many: Vec<_> = (0..5).map(|n| enter(&place, &id, &format!("sleep 0.2; exit {n}")).start()).collect();
        let codes: Vec<_> = many.into_iter().map(|one| one.finish().code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
        // None of it was the end of the app.
        assert_eq!(place.list().len(), 1);
    }

    fn a_signal_reaches_what_entered_and_not_the_app(via) {
        let place = Place::new();
        let (running, _) = app(place.run(via), "");
        let id = place.id(&running);
        let mut entered = enter(&place, &id, "trap 'echo asked; exit 6' TERM; echo ready; while :; do sleep 0.01; done").start();
        let mut lines = entered.lines();
        lines.expect_line("ready");
        entered.signal(Signal::SIGTERM);
        lines.expect_line("asked");
        assert_eq!(entered.finish().code(), 6);
        assert_eq!(place.list().len(), 1);
    }

    fn who_entered_and_was_killed_leaves_nothing_running(via) {
        let place = Place::new();
        let (running, _) = app(place.run(via), "");
        let id = place.id(&running);
        let before = host::descendants(running.pid()).len();
        let mut entered = enter(&place, &id, "trap '' TERM HUP; echo ready; while :; do sleep 600; done").start();
        entered.lines().expect_line("ready");
        assert!(host::descendants(running.pid()).len() > before);
        entered.signal(Signal::SIGKILL);
        entered.finish_killed();
        let alive = || host::descendants(running.pid()).into_iter().filter(|(pid, _)| host::runs(*pid)).count();
        assert!(wait::until(LAUNCH, || alive() == before), "{:?}", host::descendants(running.pid()));
        assert_eq!(place.list().len(), 1);
    }

    fn what_entered_ends_with_the_app(via) {
        let place = Place::new();
        let mut running = place.run(via).shell("read line").start();
        let id = place.id(&running);
        let mut entered = enter(&place, &id, "trap '' TERM HUP; echo ready; while :; do sleep 600; done").start();
        entered.lines().expect_line("ready");
        drop(running.stdin.take());
        let _ = running.finish();
        let outcome = entered.finish();
        assert!(outcome.refusal().contains("has ended"), "{outcome}");
    }

    fn an_entered_shell_has_job_control_and_the_windows_size(via) {
        let place = Place::new();
        let (running, _) = app(place.run(via).option("env", "PS1=prompt> "), "");
        let id = place.id(&running);
        let mut terminal = Terminal::start(place.call(["enter", &id]).command(["bash", "--norc", "--noediting", "-i"]));
        terminal.shows("prompt> ");
        terminal.keys("tty; stty size; echo $TERM\n");
        terminal.shows("/dev/pts/");
        terminal.shows("33 99");
        terminal.shows("xterm");
        terminal.resize(44, 111);
        terminal.keys("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.01; done; echo re''sized\n");
        terminal.shows("resized");
        terminal.keys("sh -c 'echo st''arted; exec sleep 600'\n");
        terminal.shows("started");
        terminal.keys("\x1a");
        terminal.shows("Stopped");
        terminal.keys("kill -KILL %1; wait -f %1; echo done-$((40+2))\n");
        terminal.shows("done-42");
        terminal.keys("sh -c 'echo st''arted; exec sleep 600'\n");
        terminal.shows("started");
        terminal.keys("\x03");
        terminal.shows("prompt> ");
        terminal.keys("exit 9\n");
        terminal.ends_with(9);
        assert_eq!(place.list().len(), 1);
    }

    fn what_the_app_planted_does_not_lead_out(via) {
        let home = Scratch::home();
        let victim = home.file("victim", "outside");
        // Root inside may replace what it likes of its copy, the user what is the user's.
        let plant = format!("
mv /dev/pts /dev/old; mkdir -p /dev/pts; ln -sf {victim} /dev/pts/ptmx; ln -sf {victim} /dev/ptmx
mv /dev /old; mkdir -p /dev/pts; mkfifo /dev/pts/ptmx; mv /proc /old-proc; ln -sfn / /proc
for shell in /bin/sh /bin/bash /usr/bin/sh /usr/bin/bash; do cp /bin/true $shell.new; mv $shell.new $shell; done
echo /tmp/evil.so >/etc/ld.so.preload; printf 'echo PLANTED; cat /etc/passwd {victim}' >~/.profile; cp ~/.profile ~/.bashrc
cp /bin/true ~/id; chmod 700 ~/id", victim = victim.display());
        for runas in ["user", "root"] {
            let place = Place::new();
            let script = format!("exec 2>/dev/null; {plant}\necho ready; exec sleep 600");
            let mut running = place.run(via).option("runas", runas).shell(&script).start();
            running.lines().expect_line("ready");
            let id = place.id(&running);
            let pid = place.listed(&running)["first"].to_string();
            let inside = fs::read_link(format!("/proc/{pid}/ns/mnt")).unwrap();
            // Whatever it is that now runs: it has not left, and arkose says how it ended.
            for words in [&["id"][..], &["/bin/sh", "-c", "cat /etc/passwd"], &[]] {
                let mut call = place.call(["enter", &id]);
                if !words.is_empty() {
                    call = call.command(words);
                }
                let mut terminal = Terminal::start(call);
                terminal.keys("exit\n");
                let seen = terminal.ends();
                assert!(!is_outside(&seen), "{runas}: {seen}");
            }
            let outcome = place.call(["enter", &id]).command(["readlink", "/proc/self/ns/mnt"]).output();
            assert!(outcome.text().is_empty() || outcome.text() == inside.to_str().unwrap(), "{outcome}");
            assert_eq!(home.read("victim"), "outside");
        }
    }

    fn no_directory_and_no_file_of_roots_is_let_in(via) {
        let home = Scratch::home();
        for runas in ["user", "root"] {
            let file = home.file(runas, "words");
            let place = Place::new();
            let (running, _) = app(place.run(via).option("runas", runas), "");
            let id = place.id(&running);
            // By another's hand: arkose itself would put pipes there.
            let null = File::open("/dev/null").unwrap();
            let directory = File::open("/").unwrap();
            let door = place.door(&id);
            door.send_entry(&entry(&["true"]), [directory.as_fd(), null.as_fd(), null.as_fd()]).unwrap();
            assert!(matches!(end(&door), Some(Event::Failed(_))));
            let door = place.door(&id);
            let given = File::options().read(true).write(true).open(&file).unwrap();
            let pipe = std::io::pipe().unwrap();
            door.send_entry(&entry(&["chmod", "777", "/proc/self/fd/0"]), [given.as_fd(), pipe.1.as_fd(), pipe.1.as_fd()]).unwrap();
            let ended = end(&door);
            if via == Via::Helper && runas == "root" {
                assert!(matches!(ended, Some(Event::Failed(_))), "{ended:?}");
                assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o644);
            }
            // And by its own: what is written there arrives, and is nobody's but the user's.
            let call = place.call(["enter", &id]).shell("cat; chown 12345 /proc/self/fd/0 /proc/self/fd/1; chmod 777 /proc/self/fd/0; exit 0");
            let outcome = call.start_reading(File::open(&file).unwrap()).finish();
            assert_eq!(outcome.text(), "words", "{outcome}");
            assert_eq!(fs::metadata(&file).unwrap().uid(), machine().uid.as_raw());
        }
    }

    fn nonsense_at_the_door_raises_no_right(via) {
        let place = Place::new();
        let (running, _) = app(place.run(via), "");
        let id = place.id(&running);
        let null = File::open("/dev/null").unwrap();
        let stdio = || [null.as_fd(), null.as_fd(), null.as_fd()];
        // Nothing, not enough, no text, no command.
        drop(place.door(&id));
        let door = place.door(&id);
        door.send(&Control::Signal(9)).unwrap();
        assert!(matches!(end(&door), Some(Event::Failed(_))));
        for wrong in [entry(&[]), entry(&[""]), entry(&["a\0b"])] {
            let door = place.door(&id);
            door.send_entry(&wrong, stdio()).unwrap();
            assert!(matches!(end(&door), Some(Event::Failed(_))), "{wrong:?}");
        }
        // Who is in lets nobody else in: that would be a door without a count.
        let door = place.door(&id);
        door.send_entry(&entry(&["sleep", "600"]), stdio()).unwrap();
        assert!(matches!(door.receive::<Event>(), Ok(Received::Message(Event::Started, _))));
        let (ours, theirs) = Channel::pair().unwrap();
        door.send_with(&Control::Enter, theirs.as_fd()).unwrap();
        drop(theirs);
        let mut socket = [PollFd::new(ours.as_fd(), PollFlags::POLLIN)];
        assert_eq!(poll(&mut socket, PollTimeout::from(10_000_u16)), Ok(1), "somebody listens there");
        assert!(end(&ours).is_none());
        assert_eq!(place.list().len(), 1);
        let outcome = enter(&place, &id, "grep NoNewPrivs /proc/self/status").output();
        assert!(outcome.text().ends_with('1'), "{outcome}");
    }

    fn there_is_room_for_so_many_and_again_when_they_left(via) {
        let place = Place::new();
        let (running, _) = app(place.run(via), "");
        let id = place.id(&running);
        let doors: Vec<_> = (0..64).map(|_| place.door(&id)).collect();
        let outcome = enter(&place, &id, "echo in").output();
        assert!(outcome.refusal().contains("no further command"), "{outcome}");
        drop(doors);
        let mut outcome = enter(&place, &id, "echo in").output();
        wait::until(LAUNCH, || {
            outcome = enter(&place, &id, "echo in").output();
            outcome.code() == 0
        });
        assert_eq!(outcome.success(), "in");
    }

    fn the_environment_is_the_apps_and_the_directory_the_callers(via) {
        let home = Scratch::home();
        let directory = home.directory("place");
        let place = Place::new();
        let (running, _) = app(place.run(via).option("bind", &directory).option("env", "GIVEN=by the launch"), "");
        let _ = place.listed(&running);
        let call = place.call(["enter", "last"]).env("A_SECRET", "of the caller").env("LD_PRELOAD", "").directory(&directory);
        let seen = call.shell("pwd; echo $GIVEN; env").prints();
        assert!(seen.starts_with(&format!("{}\nby the launch\n", directory.display())), "{seen}");
        assert!(!seen.contains("A_SECRET") && !seen.contains("LD_PRELOAD"), "{seen}");
        // That is not there inside.
        let other = Scratch::home();
        let elsewhere = place.call(["enter", "last"]).directory(other.path()).shell("pwd").prints();
        assert_eq!(Path::new(&elsewhere), machine().home);
        drop(running);
    }
}
