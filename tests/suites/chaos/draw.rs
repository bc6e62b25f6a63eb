//! One launch, drawn at random: who builds it, what it is granted, on what it runs, what it does.

use arkose_tests::random::Random;
use arkose_tests::{Arkose, Display, Scratch, Via};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What the launches of a run share.
pub(crate) struct Place<'a> {
    display: &'a Display,
    granted: PathBuf,
    copied: PathBuf,
    data: PathBuf,
    /// Where no program is but those that a launch needs, and no seamless display.
    tools: PathBuf,
    /// A profile with a private home, whose sandbox lives on when its first process has ended.
    profile: PathBuf,
}

const HOMES: [&str; 4] = ["empty", "empty", "cow", "direct"];
const BUSES: [&str; 3] = ["session", "system", "both"];

/// What apps do. Each says `started`, and what it leaves behind would be seen.
const APPS: [(&str, &str); 12] = [
    ("sleeps", "sleep 600 & echo started; sleep 601"),
    ("reads", "echo started; cat"),
    ("ends", "echo started; exit 3"),
    (
        "flees",
        "setsid -f sleep 600; (setsid sh -c 'sleep 601 & exec sleep 602' &); echo started; sleep 603",
    ),
    (
        "flees and ends",
        "setsid -f sleep 600 >/dev/null 2>&1; (setsid sleep 601 >/dev/null 2>&1 &); echo started",
    ),
    ("ignores", "trap '' TERM HUP INT QUIT; echo started; while :; do sleep 600; done"),
    ("writes", "echo started; while :; do head -c 100M /dev/zero >/tmp/full; done 2>/dev/null"),
    (
        "writes everywhere",
        "echo started; while :; do for d in /tmp /var/tmp /dev/shm /etc /opt; do echo x >$d/chaos; mkdir -p $d/chaos-d/e; done; done 2>/dev/null",
    ),
    ("floods", "echo started; exec yes"),
    ("forks", "echo started; while :; do (sleep 0.01 &); true & wait; done"),
    (
        "shares",
        "ipcmk -M 65536 -S 2 -Q >/dev/null; echo x >/dev/shm/chaos; echo started; sleep 600",
    ),
    (
        "listens",
        "exec python3 -c \"import socket, signal
s = [socket.socket(f) for f in (socket.AF_INET, socket.AF_UNIX, socket.AF_UNIX)]
s[0].bind(('127.0.0.1', 0)); s[1].bind('/tmp/chaos-socket'); s[2].bind(chr(0) + 'chaos-abstract')
[one.listen() for one in s]
print('started', flush=True)
signal.pause()\"",
    ),
];

impl<'a> Place<'a> {
    pub(crate) fn new(home: &Scratch, system: &Scratch, display: &'a Display) -> Self {
        let profile = "name = \"Chaos\"\ncommand = [\"sh\"]\n[files]\nhome = \"private\"\n";
        let granted = system.directory("granted");
        system.file("granted/letter", "granted");
        let copied = system.directory("copied/below");
        let data = home.directory("data");
        let tools = home.directory("tools");
        for tool in ["Xephyr", "pkexec", "setpriv", "setsid"] {
            symlink(Path::new("/usr/bin").join(tool), tools.join(tool)).expect("a link");
        }
        Self { display, granted, copied, data, tools, profile: home.file("chaos.toml", profile) }
    }

    fn private(&self, via: Via) -> Arkose {
        Arkose::launch(via, &self.profile).env("XDG_DATA_HOME", &self.data)
    }

    /// Launches that make what stays: a private home, and directories of Arkose's own to be hidden.
    pub(crate) fn first(&self, via: Via) -> [Arkose; 2] {
        let direct = Arkose::run(via).option("home", "direct").command(["true"]);
        [self.private(via), direct]
    }
}

/// A launch.
pub(crate) struct Draw {
    pub(crate) call: Arkose,
    pub(crate) via: Via,
    pub(crate) terminal: bool,
    /// Whether it has an X server of its own.
    pub(crate) screen: bool,
    /// Whether its network has rules.
    pub(crate) ruled: bool,
    said: Vec<String>,
}

impl std::fmt::Display for Draw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.said.join(", "))
    }
}

impl Draw {
    pub(crate) fn new(random: &mut Random, ways: &[Via], place: &Place<'_>) -> Self {
        let via = *random.pick(ways);
        let (does, script) = *random.pick(&APPS);
        let terminal = random.once_in(3);
        let lingers = random.once_in(6);
        let call = if lingers { place.private(via) } else { Arkose::run(via) };
        let call = place.display.give(call);
        let mut draw = Self {
            call,
            via,
            terminal,
            screen: false,
            ruled: false,
            said: vec![via.word().to_owned()],
        };
        draw.said.push(does.to_owned());
        if terminal {
            draw.said.push("on a terminal".to_owned());
        }
        if lingers {
            draw.said.push("lingers in a private home".to_owned());
        } else {
            let home: &&str = random.pick(&HOMES);
            draw.option("home", home);
        }
        draw.files(random, place);
        let as_root = random.once_in(4);
        if as_root {
            draw.option("runas", "root");
        }
        draw.services(random, as_root, place);
        draw.limits(random);
        let script = format!("PATH=/usr/bin:/bin; {script}");
        draw.change(|call| match lingers {
            true => call.option("set", format!("command=[\"/bin/sh\", \"-c\", {}]", toml(&script))),
            false => call.command(["/bin/sh", "-c", &script]),
        });
        draw
    }

    fn option(&mut self, name: &str, value: &str) {
        self.said.push(format!("{name}={value}"));
        self.change(|call| call.option(name, value));
    }

    fn files(&mut self, random: &mut Random, place: &Place<'_>) {
        let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
        if random.once_in(3) {
            self.option("root", "read-only");
        }
        for (name, path) in
            [("bind-read-only", "/usr/share"), ("cow", "/opt"), ("restrict", "/usr/games")]
        {
            if random.once_in(3) {
                self.option(name, path);
            }
        }
        if random.once_in(3) {
            self.option("bind-read-only", &text(&place.granted));
        }
        if random.once_in(3) {
            self.option("cow", &text(&place.copied));
        }
    }

    /// Where one cannot be had the launch is refused, which leaves nothing either.
    fn limits(&mut self, random: &mut Random) {
        self.option("cow-size", "64M");
        for (name, value) in [("memory", "200M"), ("processes", "100"), ("cpu-weight", "50")] {
            if random.once_in(6) {
                self.option(name, value);
            }
        }
    }

    fn services(&mut self, random: &mut Random, as_root: bool, place: &Place<'_>) {
        match random.below(6) {
            0..3 => self.option("network", "direct"),
            // By the helper it is refused, which leaves nothing either.
            3 => {
                self.ruled = self.via == Via::User;
                self.option("network", "filtered");
                self.option("ask", "public");
            }
            _ => {}
        }
        if random.once_in(3) && !as_root {
            let bus: &&str = random.pick(&BUSES);
            self.option("dbus", bus);
        }
        match random.below(20) {
            0..5 => self.screen(Some(&place.tools)),
            5 => self.screen(None),
            6 => self.option("xserver", "direct"),
            _ => {}
        }
    }

    /// A display of its own: the simplest of the programs that are in `tools`, or the best of all.
    fn screen(&mut self, tools: Option<&Path>) {
        self.screen = true;
        self.option("xserver", "isolated");
        self.said.push(if tools.is_some() { "simple" } else { "seamless" }.to_owned());
        if let Some(tools) = tools {
            self.change(|call| call.env("PATH", tools));
        }
    }

    fn change(&mut self, by: impl FnOnce(Arkose) -> Arkose) {
        let call = std::mem::replace(&mut self.call, Arkose::call([""; 0]));
        self.call = by(call);
    }
}

fn toml(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
