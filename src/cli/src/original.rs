//! The command line of the original Arkose, in both of its grammars.
//!
//! The early one has `-n` for the network and `-c` for a command, the late one gives every option a
//! value. They differ in nothing but `-n`: what follows it is its value when it is one, else `-n`
//! stands alone. It makes the same layer as the options of `run`; what it means for the home
//! directory, the size and the user is what it meant then.

use crate::request::{Launch, absolute};
use crate::say::{Failure, note};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::net::Target;
use arkose_profile::{Context, Layer, Profile, Value, nearest};
use arkose_session::Via;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

/// What a call asked for.
#[derive(Debug)]
pub struct Original {
    /// The settings.
    pub layer: Layer,
    /// The program and its arguments; empty for a shell.
    pub command: Vec<OsString>,
    /// What it asked for and cannot have.
    pub notes: Vec<Message>,
}

/// Options that take a value, or may.
const WITH_VALUE: &[(&str, &str)] = &[
    ("c", "command"),
    ("d", "dbus"),
    ("n", "network"),
    ("s", "size"),
    ("t", "type"),
    ("x", "xserver"),
    ("", "root"),
    ("", "root-type"),
    ("", "base-path"),
    ("", "bind"),
    ("", "cow"),
    ("", "restrict"),
    ("", "device"),
];

/// Options that stand alone.
const ALONE: &[(&str, &str)] = &[("h", "home"), ("p", "pulseaudio"), ("T", "tmp")];

const NETWORKS: [&[u8]; 3] = [b"none", b"direct", b"filtered"];

/// Reads a call.
///
/// # Errors
/// When an option is not known, or does not take its value.
pub fn parse(arguments: &[OsString]) -> Result<Original, Failure> {
    let layer = Layer::launch();
    let mut reader = Reader {
        original: Original { layer, command: Vec::new(), notes: Vec::new() },
        on_disk: false,
    };
    reader.set("files.home", "cow")?;
    let mut rest = arguments;
    while let Some((first, after)) = rest.split_first() {
        let bytes = first.as_bytes();
        rest = after;
        if bytes == b"--" {
            break;
        } else if let Some(long) = bytes.strip_prefix(b"--") {
            rest = reader.long(long, rest)?;
        } else if bytes.len() > 1 && bytes.starts_with(b"-") {
            rest = reader.cluster(bytes.get(1..).unwrap_or_default(), rest)?;
        } else {
            rest = std::slice::from_ref(first);
            rest = arguments.get(arguments.len() - after.len() - rest.len()..).unwrap_or(after);
            break;
        }
    }
    reader.finish(rest)
}

struct Reader {
    original: Original,
    on_disk: bool,
}

impl Reader {
    /// `--name`, `--name VALUE` or `--name=VALUE`; gives what is left of the arguments.
    fn long<'a>(&mut self, text: &[u8], rest: &'a [OsString]) -> Result<&'a [OsString], Failure> {
        let mut parts = text.splitn(2, |byte| *byte == b'=');
        let name = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        let inline = parts.next().map(|value| OsString::from_vec(value.to_vec()));
        if ALONE.iter().any(|(_, long)| *long == name) && inline.is_none() {
            self.alone(&name)?;
            return Ok(rest);
        }
        let Some((_, known)) = WITH_VALUE.iter().find(|(_, long)| *long == name) else {
            let all = WITH_VALUE.iter().chain(ALONE).map(|(_, long)| *long);
            return Err(unknown(
                &format!("--{name}"),
                nearest(&name, all).map(|near| format!("--{near}")),
            ));
        };
        match inline {
            Some(value) => self.value(known, &value).map(|()| rest),
            None => self.with_next(known, rest),
        }
    }

    /// `-nh`, `-s 50`, `-s50`: letters that stand alone, then one that may have a value.
    fn cluster<'a>(
        &mut self,
        mut letters: &[u8],
        rest: &'a [OsString],
    ) -> Result<&'a [OsString], Failure> {
        while let Some((letter, after)) = letters.split_first() {
            let short = char::from(*letter).to_string();
            letters = after;
            if let Some((_, name)) = ALONE.iter().find(|(known, _)| *known == short) {
                self.alone(name)?;
                continue;
            }
            let Some((_, name)) = WITH_VALUE.iter().find(|(known, _)| *known == short) else {
                return Err(unknown(&format!("-{short}"), None));
            };
            let network_alone =
                *name == "network" && !after.is_empty() && !NETWORKS.contains(&after);
            if network_alone {
                self.set("network", "direct")?;
            } else if after.is_empty() {
                return self.with_next(name, rest);
            } else {
                return self.value(name, OsStr::from_bytes(after)).map(|()| rest);
            }
        }
        Ok(rest)
    }

    /// An option whose value is the next argument.
    fn with_next<'a>(
        &mut self,
        name: &str,
        rest: &'a [OsString],
    ) -> Result<&'a [OsString], Failure> {
        let next = rest.split_first();
        if name == "network" && !next.is_some_and(|(next, _)| NETWORKS.contains(&next.as_bytes())) {
            return self.set("network", "direct").map(|()| rest);
        }
        let Some((next, rest)) = next else {
            let message =
                Message::new(N_("“{option}” needs a value")).with("option", format!("--{name}"));
            return Err(Failure::new(&message).mended_by("arkose --help"));
        };
        self.value(name, next).map(|()| rest)
    }

    fn alone(&mut self, name: &str) -> Result<(), Failure> {
        match name {
            "home" => self.set("files.home", "direct"),
            "pulseaudio" => self.put(|layer| layer.set("pulseaudio", Value::Bool(true))),
            _ => self.put(|layer| layer.add("files.bind", vec!["/tmp".into()])),
        }
    }

    fn value(&mut self, name: &str, value: &OsStr) -> Result<(), Failure> {
        if name == "command" {
            self.original.command = vec!["/bin/sh".into(), "-c".into(), value.to_owned()];
            return Ok(());
        }
        let Some(text) = value.to_str() else {
            let message = Message::new(N_("“{option} {value}” is not text in UTF-8"));
            return Err(Failure::new(
                &message.with("option", format!("--{name}")).with("value", value.to_string_lossy()),
            ));
        };
        let refused = |pattern| Err(Failure::new(&Message::new(pattern).with("value", text)));
        match (name, text) {
            // It reached the internet, and nothing local.
            ("network", "filtered") => {
                self.set(name, text)?;
                let public = vec![Target::Public.to_string()];
                self.put(|layer| layer.add("network-rules.allow", public))
            }
            ("network" | "dbus" | "xserver", _) => self.set(name, text),
            // Megabytes, unless it says otherwise.
            ("size", _) if text.bytes().all(|byte| byte.is_ascii_digit()) => self.set(
                "limits.cow-size",
                &if text.bytes().all(|byte| byte == b'0') {
                    "0".to_owned()
                } else {
                    format!("{text}M")
                },
            ),
            ("size", _) => self.set("limits.cow-size", text),
            ("type", "ext4") => {
                self.on_disk = true;
                Ok(())
            }
            ("type" | "root-type", "tmpfs" | "cow") | ("root", "/") => Ok(()),
            ("root-type", "bind") => {
                self.note(N_(
                    "“--root-type bind” would let the app change the system; it can only read it",
                ));
                self.set("files.root", "read-only")
            }
            ("root", _) => {
                refused(N_("“--root {value}” is not possible: the root is that of this system"))
            }
            ("type", _) => {
                refused(N_("“--type” cannot be “{value}”; it takes one of: ext4, tmpfs"))
            }
            ("root-type", _) => {
                refused(N_("“--root-type” cannot be “{value}”; it takes one of: cow, bind"))
            }
            ("base-path", _) => {
                self.note(N_("“--base-path” has no effect: changes are held in memory"));
                Ok(())
            }
            ("device", _) => self.put(|layer| layer.add("devices", vec![text.to_owned()])),
            (list, _) => {
                let relative = !text.starts_with(['/', '~', '$']) && !text.is_empty();
                let path = if relative {
                    absolute(Path::new(text))?.as_path().to_string_lossy().into_owned()
                } else {
                    text.to_owned()
                };
                self.put(|layer| layer.add(&format!("files.{list}"), vec![path]))
            }
        }
    }

    fn finish(mut self, rest: &[OsString]) -> Result<Original, Failure> {
        if self.on_disk {
            self.note(N_("“--type ext4” held changes on disk; they are held in memory now"));
            if self.original.layer.get("limits.cow-size").is_none() {
                self.set("limits.cow-size", "2048M")?;
            }
        }
        match rest {
            [] => {}
            _ if !self.original.command.is_empty() => {
                return Err(Failure::new(&Message::new(N_(
                    "the command is given twice, with “--command” and behind the options",
                ))));
            }
            // One argument with spaces was a line for a shell.
            [line] if line.as_bytes().contains(&b' ') && !Path::new(line).exists() => {
                self.original.command = vec!["/bin/sh".into(), "-c".into(), line.clone()];
            }
            words => self.original.command = words.to_vec(),
        }
        Ok(self.original)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Failure> {
        self.put(|layer| layer.set(key, Value::Text(value.to_owned())))
    }

    fn put(
        &mut self,
        change: impl FnOnce(&mut Layer) -> Result<(), arkose_profile::Errors>,
    ) -> Result<(), Failure> {
        Ok(change(&mut self.original.layer)?)
    }

    fn note(&mut self, pattern: &'static str) {
        self.original.notes.push(Message::new(pattern));
    }
}

fn unknown(option: &str, near: Option<String>) -> Failure {
    let message = match near {
        Some(near) => Message::new(N_("there is no option “{option}”; did you mean “{near}”?"))
            .with("near", near),
        None => Message::new(N_("there is no option “{option}”")),
    };
    Failure::new(&message.with("option", option)).mended_by("arkose --help")
}

/// Who calls, as far as it changes what the call means.
#[derive(Debug, Default)]
pub struct Caller {
    /// Whether it is root: the container was root's then.
    pub root: bool,
    /// The home directory of the person behind sudo.
    pub sudo_home: Option<String>,
}

impl Caller {
    /// The caller of this process.
    #[must_use]
    pub fn current() -> Self {
        let root = rustix::process::geteuid().is_root();
        let uid = std::env::var("SUDO_UID").ok().filter(|_| root);
        let passwd = uid.as_ref().and_then(|_| std::fs::read_to_string("/etc/passwd").ok());
        let sudo_home = uid.zip(passwd).and_then(|(uid, passwd)| home_of(&uid, &passwd));
        Self { root, sudo_home }
    }
}

/// The home directory in a line of passwd(5).
fn home_of(uid: &str, passwd: &str) -> Option<String> {
    let mut people = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let person = people.find(|fields| fields.get(2) == Some(&uid))?;
    person.get(5).filter(|home| home.starts_with('/')).map(|&home| home.to_owned())
}

impl Original {
    /// The launch that it means.
    ///
    /// # Errors
    /// When its settings cannot be had together, or there is no home directory.
    pub fn into_launch(self) -> Result<Launch, Failure> {
        self.launch_for(&Caller::current(), &Context::current()?)
    }

    fn launch_for(mut self, caller: &Caller, context: &Context) -> Result<Launch, Failure> {
        if caller.root {
            self.layer.set("runas", Value::Text("root".into()))?;
        }
        let real_home = self.layer.get("files.home").is_some_and(|home| home.as_text() == "direct");
        if let Some(home) = caller
            .sudo_home
            .as_ref()
            .filter(|home| real_home && Path::new(home) != context.home.as_path())
        {
            // `sudo arkose -h` meant the home of the person, whatever sudo makes of HOME.
            self.layer.add("files.bind", vec![home.clone()])?;
        }
        for message in &self.notes {
            note(message);
        }
        let profile = Profile::new("", vec![self.layer]);
        let policy = profile.policy(context)?;
        let mut command = self.command;
        if command.is_empty() {
            command.push(std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into()));
        }
        Ok(Launch {
            profile,
            policy,
            command,
            chdir: None,
            hostname: None,
            via: Via::Auto,
            events: None,
            quiet: false,
            linger: false,
            files: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::{AbsPath, Home, Network, RunAs};

    fn read(line: &[&str]) -> Original {
        parse(&line.iter().map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    fn words(original: &Original) -> Vec<&str> {
        original.command.iter().map(|word| word.to_str().unwrap()).collect()
    }

    fn settings(line: &[&str]) -> String {
        let settings: Vec<_> = read(line)
            .layer
            .iter()
            .map(|(key, value)| format!("{key}={}", value.plain()))
            .collect();
        settings.join(" ")
    }

    #[test]
    fn the_authors_daily_line() {
        let original = read(&["-n", "-h", "-c", "cd /home/ann/x; /bin/bash"]);
        assert_eq!(words(&original), ["/bin/sh", "-c", "cd /home/ann/x; /bin/bash"]);
        let caller = Caller { root: true, sudo_home: Some("/home/ann".into()) };
        let context = Context { home: AbsPath::new("/root").unwrap(), user: "root".into() };
        let policy = original.launch_for(&caller, &context).unwrap().policy;
        assert_eq!(
            (policy.network, policy.home, policy.runas),
            (Network::Direct, Home::Direct, RunAs::Root)
        );
        let bound: Vec<_> = policy.paths.iter().map(|rule| rule.path.to_string()).collect();
        assert_eq!(bound, ["/home/ann"]);
    }

    #[test]
    fn both_grammars_say_the_same() {
        for (early, late) in [
            (&["-n", "-h", "xterm"][..], &["-h", "-n", "direct", "xterm"][..]),
            (&["-nh", "xterm"], &["-hndirect", "xterm"]),
            (&["--network", "--home", "xterm"], &["--network=direct", "--home", "xterm"]),
            (&["-s", "50", "-t", "tmpfs"], &["--size=50", "--type", "tmpfs"]),
            (&["-s50"], &["-s", "50M"]),
        ] {
            assert_eq!(settings(early), settings(late));
        }
        assert_eq!(settings(&["-n", "-h", "xterm"]), "files.home=direct network=direct");
        assert_eq!(settings(&[]), "files.home=cow");
        assert_eq!(settings(&["-n", "none", "xterm"]), "files.home=cow network=none");
        for line in [&["-n", "filtered", "x"], &["--network", "filtered", "x"]] {
            assert_eq!(
                settings(line),
                "files.home=cow network=filtered network-rules.allow=public"
            );
        }
    }

    #[test]
    fn the_late_grammar_has_every_option() {
        let line = [
            "-h",
            "-p",
            "-d",
            "session",
            "-n",
            "none",
            "-s",
            "100",
            "-t",
            "tmpfs",
            "-x",
            "isolated",
            "--root",
            "/",
            "--root-type",
            "cow",
            "--base-path",
            "/var/tmp",
            "--bind",
            "/srv",
            "--bind=/opt",
            "--cow",
            "/var",
            "--restrict",
            "~/.ssh",
            "--device",
            "/dev/ttyUSB0",
            "prog",
            "-n",
            "--",
            "a b",
        ];
        assert_eq!(
            settings(&line),
            "dbus=session devices=/dev/ttyUSB0 files.bind=/srv, /opt files.cow=/var files.home=direct files.restrict=~/.ssh limits.cow-size=100M network=none pulseaudio=true xserver=isolated"
        );
        let original = read(&line);
        assert_eq!(words(&original), ["prog", "-n", "--", "a b"]);
        assert_eq!(original.notes.len(), 1);
    }

    #[test]
    fn the_command_begins_where_the_options_end() {
        assert_eq!(words(&read(&["-n", "ls", "-l"])), ["ls", "-l"]);
        assert_eq!(words(&read(&["--", "-odd", "x"])), ["-odd", "x"]);
        assert_eq!(words(&read(&["-n", "--", "direct"])), ["direct"]);
        assert_eq!(words(&read(&["ls -l | wc"])), ["/bin/sh", "-c", "ls -l | wc"]);
        assert_eq!(words(&read(&["ls", "a b", ""])), ["ls", "a b", ""]);
        let bytes = OsString::from_vec(b"\xff\xfe".to_vec());
        assert_eq!(parse(&["x".into(), bytes.clone()]).unwrap().command[1], bytes);
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for (line, expected) in [
            (&["--netwerk", "x"][..], "there is no option “--netwerk”; did you mean “--network”?"),
            (&["-q"], "there is no option “-q”"),
            (&["--home=x"], "there is no option “--home”; did you mean “--home”?"),
            (&["-d"], "“--dbus” needs a value"),
            (&["-x", "izolated"], "“xserver” cannot be “izolated”"),
            (&["--root", "/srv"], "“--root /srv” is not possible"),
            (&["-t", "xfs"], "“--type” cannot be “xfs”"),
            (&["--root-type", "x"], "“--root-type” cannot be “x”"),
            (&["-s", "much"], "“much” is not a size"),
            (&["--bind", "~bob"], "“~bob” in “files.bind” is the home of someone else"),
            (&["-c", "x", "y"], "the command is given twice"),
        ] {
            let arguments: Vec<_> = line.iter().map(OsString::from).collect();
            let failure = parse(&arguments).expect_err(expected);
            assert!(failure.sentence.starts_with(expected), "{}", failure.sentence);
        }
    }

    #[test]
    fn people_are_found_in_passwd() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:A,,:/home/ann:/bin/sh\nodd:x:7::\n";
        assert_eq!(home_of("1000", passwd).as_deref(), Some("/home/ann"));
        assert_eq!(home_of("7", passwd), None);
        assert_eq!(home_of("12", passwd), None);
    }
}
