//! The grammar: every subcommand and its options, drawn from the option table.
//!
//! Only the subcommand that is called is built, and without its help: a launch does not pay for
//! texts that nobody reads.

use crate::say::gettext;
use arkose_profile::bus::Access;
use arkose_profile::i18n::N_;
use arkose_profile::net::Verdict;
use arkose_profile::options::{Kind, OPTIONS, Opt};
use clap::builder::{OsStringValueParser, PossibleValuesParser, Str, ValueParser};
use clap::{Arg, ArgAction, Command};

/// What a subcommand is for.
struct Entry {
    name: &'static str,
    about: &'static str,
    build: fn(Builder) -> Command,
}

/// Every subcommand, in the order of the help.
static COMMANDS: &[Entry] = &[
    Entry { name: "run", about: N_("Run a command confined, and wait for it"), build: run },
    Entry { name: "launch", about: N_("Launch the app of a profile"), build: launch },
    Entry {
        name: "explain",
        about: N_("Say what an app can and cannot reach, and why"),
        build: explain,
    },
    Entry {
        name: "plan",
        about: N_("Show the steps that would build a sandbox; nothing is done"),
        build: plan,
    },
    Entry {
        name: "verify",
        about: N_("Try a sandbox from inside, and hold what is found against what explain says"),
        build: plan,
    },
    Entry { name: "profile", about: N_("List, show, check and change profiles"), build: profile },
    Entry { name: "ps", about: N_("List the sandboxes that run"), build: ps },
    Entry { name: "info", about: N_("Show what a running sandbox is and does"), build: info },
    Entry { name: "stop", about: N_("End running sandboxes"), build: stop },
    Entry {
        name: "log",
        about: N_("Show what an app was refused on the message buses, and what would allow it"),
        build: log,
    },
    Entry {
        name: "rules",
        about: N_("Show or change the network rules of a running app"),
        build: rules,
    },
    Entry { name: "enter", about: N_("Run a command in a running sandbox"), build: enter },
    Entry {
        name: "doctor",
        about: N_("Say what this machine can do, what is missing, and what mends it"),
        build: doctor,
    },
    Entry {
        name: "completions",
        about: N_("Print the completions for a shell"),
        build: completions,
    },
];

const SANDBOX: &str = N_("The sandbox: its id, the beginning of it, or “last” for the newest");

/// The names of the subcommands.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|entry| entry.name)
}

/// The grammar of one subcommand; `told` fills in help and the values that an option takes.
#[must_use]
pub fn command(name: &str, told: bool) -> Option<Command> {
    let entry = COMMANDS.iter().find(|entry| entry.name == name)?;
    Some((entry.build)(Builder { told, command: Command::new(entry.name) }.about(entry.about)))
}

/// The whole grammar, for the help and for completions.
#[must_use]
pub fn tree() -> Command {
    let all = COMMANDS.iter().filter_map(|entry| command(entry.name, true));
    Command::new("arkose")
        .about(gettext(N_("Run apps confined: nothing is reached that was not given")))
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(gettext(N_("Without a subcommand the command line is that of the original Arkose: arkose -n -h -c COMMAND")))
        .subcommands(all)
}

/// A subcommand that is being put together.
struct Builder {
    told: bool,
    command: Command,
}

impl Builder {
    fn about(mut self, text: &'static str) -> Self {
        if self.told {
            self.command = self.command.about(gettext(text));
        }
        self
    }

    fn arg(mut self, arg: Arg, help: &'static str) -> Self {
        let arg = if self.told { arg.help(gettext(help)) } else { arg };
        self.command = self.command.arg(arg);
        self
    }

    fn done(self) -> Command {
        self.command
    }

    fn subcommand(
        mut self,
        name: &'static str,
        about: &'static str,
        build: impl Fn(Builder) -> Builder,
    ) -> Self {
        let inner = build(Builder { told: self.told, command: Command::new(name) }.about(about));
        self.command = self.command.subcommand(inner.done());
        self
    }

    /// One flag for each option of the table, and `--set`.
    fn options(mut self) -> Self {
        for option in OPTIONS.iter().filter(|option| !option.flag.is_empty()) {
            let arg = self.flag(option);
            self = self.arg(arg, option.summary);
        }
        self.arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .value_parser(text()),
            N_("Give an option a value, as it would be written in a profile"),
        )
    }

    fn flag(&self, option: &'static Opt) -> Arg {
        let arg = Arg::new(option.flag).long(option.flag).value_parser(text());
        let (name, arg) = match option.kind {
            Kind::Switch(_) => {
                // `--pulseaudio` alone turns it on; `--pulseaudio=false` turns it off.
                let arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true");
                let arg = if self.told { arg.value_parser(["true", "false"]) } else { arg };
                ("true|false", arg)
            }
            Kind::Choice(choices) if self.told => {
                let values = choices.iter().map(|choice| choice.value);
                ("VALUE", arg.value_parser(PossibleValuesParser::new(values.map(Str::from))))
            }
            Kind::Text | Kind::Choice(_) => ("VALUE", arg),
            Kind::Size => ("SIZE", arg),
            Kind::Number { .. } => ("NUMBER", arg),
            Kind::Paths(_) => {
                ("PATH", arg.action(ArgAction::Append).value_hint(clap::ValueHint::AnyPath))
            }
            Kind::Devices => ("DEVICE", arg.action(ArgAction::Append)),
            Kind::Environment => ("NAME[=VALUE]", arg.action(ArgAction::Append)),
            Kind::Calls | Kind::BusPresets => ("NAME", arg.action(ArgAction::Append)),
            Kind::BusRules(_, Access::See | Access::Talk | Access::Own) => {
                ("NAME", arg.action(ArgAction::Append))
            }
            Kind::BusRules(_, Access::Call | Access::Broadcast) => {
                ("NAME=RULE", arg.action(ArgAction::Append))
            }
            Kind::BusRules(_, Access::Ask | Access::Deny) => {
                ("NAME[=RULE]", arg.action(ArgAction::Append))
            }
            Kind::NetworkRules(_) => ("TARGET[:PORT]", arg.action(ArgAction::Append)),
            Kind::Bridge => ("BRIDGE", arg),
            Kind::OwnAddresses => ("ADDRESS/LENGTH", arg.action(ArgAction::Append)),
            Kind::Routers => ("ADDRESS", arg.action(ArgAction::Append)),
            Kind::Command => ("WORD", arg.action(ArgAction::Append)),
        };
        arg.value_name(name)
    }

    /// `--profile`, for a call that names none otherwise.
    fn base(self) -> Self {
        self.arg(
            Arg::new("profile").long("profile").value_name("ID|FILE").value_parser(text()),
            N_("Start from this profile"),
        )
    }

    /// How a sandbox is started, whatever is in it.
    fn start(self) -> Self {
        self.arg(
            Arg::new("chdir")
                .long("chdir")
                .value_name("DIR")
                .value_parser(text())
                .value_hint(clap::ValueHint::DirPath),
            N_("Start the command in this directory"),
        )
        .arg(
            Arg::new("hostname").long("hostname").value_name("NAME").value_parser(text()),
            N_("The name that the computer has inside"),
        )
        .arg(
            Arg::new("via").long("via").value_name("WAY").value_parser(["auto", "helper", "user"]),
            N_("Who builds the sandbox: the helper as root, you yourself, or whichever will do"),
        )
    }

    fn watch(self) -> Self {
        self.arg(
            Arg::new("events")
                .long("events")
                .value_name("FD")
                .value_parser(clap::value_parser!(i32).range(0..)),
            N_("Write what happens to this file descriptor, as lines of JSON"),
        )
        .arg(
            Arg::new("quiet").long("quiet").short('q').action(ArgAction::SetTrue),
            N_("Say nothing but errors"),
        )
    }

    fn json(self) -> Self {
        self.arg(Arg::new("json").long("json").action(ArgAction::SetTrue), N_("Answer in JSON"))
    }

    fn positional(
        self,
        name: &'static str,
        value: &'static str,
        many: bool,
        help: &'static str,
    ) -> Self {
        let arg = Arg::new(name).value_name(value).value_parser(text());
        let arg = if many { arg.num_args(0..).action(ArgAction::Append) } else { arg };
        self.arg(arg, help)
    }

    fn id(self) -> Self {
        self.arg(
            Arg::new("id").value_name("ID").value_parser(text()).required(true),
            N_("The profile"),
        )
    }

    /// The sandbox that is meant.
    fn sandbox(self) -> Self {
        let arg = Arg::new("sandbox").value_name("ID").value_parser(text()).required(true);
        self.arg(arg, SANDBOX)
    }

    /// The command; everything from its first word on is its own.
    fn program(self, required: bool) -> Self {
        let arg = Arg::new("command").value_name("COMMAND").num_args(1..).value_parser(text());
        let arg = arg
            .trailing_var_arg(true)
            .required(required)
            .value_hint(clap::ValueHint::CommandWithArguments);
        self.arg(arg, N_("The program and its arguments"))
    }
}

/// Arguments are taken as they come: they need not be text.
fn text() -> ValueParser {
    ValueParser::from(OsStringValueParser::new())
}

fn run(builder: Builder) -> Command {
    builder.base().options().start().watch().program(true).done()
}

fn launch(builder: Builder) -> Command {
    builder
        .arg(
            Arg::new("id").value_name("PROFILE").value_parser(text()).required(true),
            N_("The profile, or the path of one"),
        )
        .options()
        .start()
        .watch()
        .arg(
            Arg::new("access")
                .long("files")
                .value_name("ACCESS")
                .value_parser(["read-write", "read-only"]),
            N_("What the app can do with the files that are named"),
        )
        .positional("file", "FILE", true, N_("Files and URIs to open; the app can reach them"))
        .done()
}

fn explain(builder: Builder) -> Command {
    builder
        .positional("id", "PROFILE", false, N_("The profile, or the path of one"))
        .base()
        .options()
        .json()
        .done()
}

/// `plan` and `verify`.
fn plan(builder: Builder) -> Command {
    let builder = builder.positional("id", "PROFILE", false, N_("The profile, or the path of one"));
    builder.base().options().start().json().done()
}

fn ps(builder: Builder) -> Command {
    builder.json().done()
}

fn info(builder: Builder) -> Command {
    builder
        .sandbox()
        .json()
        .arg(
            Arg::new("follow").long("follow").short('f').action(ArgAction::SetTrue),
            N_("Print what happens to it as lines of JSON, until its end"),
        )
        .done()
}

fn stop(builder: Builder) -> Command {
    builder
        .positional("sandbox", "ID", true, SANDBOX)
        .arg(
            Arg::new("all").long("all").action(ArgAction::SetTrue).conflicts_with("sandbox"),
            N_("Every sandbox"),
        )
        .arg(
            Arg::new("grace")
                .long("grace")
                .value_name("SECONDS")
                .value_parser(clap::value_parser!(u16).range(0..=3600)),
            N_("How long an app may take to end before it is ended; 5 seconds unless said otherwise"),
        )
        .done()
}

fn log(builder: Builder) -> Command {
    let switch = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    builder
        .sandbox()
        .json()
        .arg(switch("follow").short('f'), N_("Go on with what happens, until its end"))
        .arg(switch("all"), N_("From now on keep what is allowed, too"))
        .done()
}

fn rules(builder: Builder) -> Command {
    let rule = |name: &'static str| {
        let arg = Arg::new(name).long(name).value_name("TARGET[:PORT]");
        arg.action(ArgAction::Append).value_parser(text())
    };
    let verdicts = Verdict::ALL.map(Verdict::as_str);
    builder
        .sandbox()
        .arg(rule("allow"), N_("From now on the app can reach this, until it ends"))
        .arg(rule("deny"), N_("From now on it cannot, and is cut off from it"))
        .arg(rule("ask"), N_("From now on you are asked before it reaches this"))
        .arg(rule("remove"), N_("Take this rule away, whatever it says"))
        .arg(
            Arg::new("default").long("default").value_name("VERDICT").value_parser(verdicts),
            N_("What becomes of that which no rule is about"),
        )
        .json()
        .done()
}

fn enter(builder: Builder) -> Command {
    builder.sandbox().program(false).done()
}

fn doctor(builder: Builder) -> Command {
    builder.json().done()
}

fn completions(builder: Builder) -> Command {
    builder
        .arg(
            Arg::new("shell").required(true).value_name("SHELL").value_parser([
                "bash",
                "elvish",
                "fish",
                "powershell",
                "zsh",
            ]),
            N_("The shell"),
        )
        .done()
}

fn profile(builder: Builder) -> Command {
    builder
        .subcommand("list", N_("List the profiles"), Builder::json)
        .subcommand(
            "show",
            N_("Print a profile as it is in effect, with where each value comes from"),
            |b| b.id().json(),
        )
        .subcommand("check", N_("Look for errors; prints FILE:LINE:COLUMN: what is wrong"), |b| {
            b.positional(
                "what",
                "FILE|ID",
                true,
                N_("Files or names of profiles; all profiles when none is named"),
            )
        })
        .subcommand("new", N_("Make a profile of your own"), |b| {
            b.id()
                .arg(
                    Arg::new("from").long("from").value_name("ID|FILE").value_parser(text()),
                    N_("Copy the settings of this profile"),
                )
                .options()
                .program(false)
        })
        .subcommand(
            "convert",
            N_("Convert a .conf of the original Arkose to TOML, or a profile to a .conf"),
            |b| {
                b.arg(
                    Arg::new("what").value_name("FILE|ID").value_parser(text()).required(true),
                    N_("The profile"),
                )
            },
        )
        .subcommand("diff", N_("Show what you changed in a profile"), |b| b.id().json())
        .subcommand("set", N_("Change a profile for yourself"), |b| {
            b.id()
                .arg(
                    Arg::new("unset")
                        .long("unset")
                        .value_name("KEY")
                        .action(ArgAction::Append)
                        .value_parser(text()),
                    N_("Leave an option to the shipped profile again"),
                )
                .positional(
                    "setting",
                    "KEY=VALUE",
                    true,
                    N_("Options and their new values; KEY+=VALUE adds to a list, KEY-=VALUE takes out of it"),
                )
        })
        .subcommand("reset", N_("Forget what you changed in a profile"), |b| {
            b.id().arg(
                Arg::new("delete").long("delete").action(ArgAction::SetTrue),
                N_("Delete a profile that is yours alone"),
            )
        })
        .done()
        .subcommand_required(true)
}
