//! What is tried: things drawn by a seed, and the chapters of what is always tried.

use crate::world::{Answer, SERVICES, Step};
use arkose_tests::bus::{Arg, DRIVER, DRIVER_PATH, Draft, field, flag, kind};
use arkose_tests::random::Random;
use std::fs::File;
use std::sync::Arc;

/// Every method of the bus itself that anybody has heard of, and some that nobody has.
const DRIVER_METHODS: [&str; 22] = [
    "RequestName",
    "ReleaseName",
    "ListQueuedOwners",
    "ListNames",
    "ListActivatableNames",
    "NameHasOwner",
    "GetNameOwner",
    "StartServiceByName",
    "GetConnectionUnixUser",
    "GetConnectionUnixProcessID",
    "GetConnectionCredentials",
    "GetAdtAuditSessionData",
    "GetConnectionSELinuxSecurityContext",
    "UpdateActivationEnvironment",
    "GetId",
    "ReloadConfig",
    "AddMatch",
    "RemoveMatch",
    "BecomeMonitor",
    "GetMachineId",
    "Ping",
    "Nonsense",
];

const NAMES: [&str; 25] = [
    "ex.See",
    "ex.Talk",
    "ex.Mixed.Talk",
    "ex.Mixed.Hidden",
    "ex.Absent",
    "ex.Start",
    "ex.StartHidden",
    "ex.Tree",
    "ex.Tree.leaf",
    "ex.Tree.absent",
    "ex.Treelike",
    "ex.Own",
    "ex.Own.one",
    "ex.Ownlike",
    "ex.Call",
    "ex.Any",
    "ex.Cast",
    "ex.Hidden",
    "ex.Nobody",
    "@client",
    "@bare",
    ":1.99999",
    DRIVER,
    "org.freedesktop.DBus.Other",
    "ex",
];

const PATHS: [&str; 8] = [
    "/ex/obj",
    "/ex/obj/below",
    "/ex/tree",
    "/ex/tree/leaf",
    "/ex/treelike",
    "/ex",
    "/",
    DRIVER_PATH,
];

const INTERFACES: [&str; 9] = [
    "ex.Iface",
    "ex.Iface2",
    "ex.Iface2.Sub",
    "ex.Iface2x",
    "org.freedesktop.DBus.Introspectable",
    "org.freedesktop.DBus.Peer",
    "org.freedesktop.DBus.Properties",
    "org.freedesktop.DBus.Monitoring",
    DRIVER,
];

const MEMBERS: [&str; 6] = ["Allowed", "Other", "Shown", "Ping", "Introspect", "GetAll"];

fn any_name(random: &mut Random) -> String {
    if random.once_in(3) {
        let (who, _) = random.pick(&SERVICES);
        format!("@{who}")
    } else {
        (*random.pick(&NAMES)).to_owned()
    }
}

fn word(random: &mut Random, among: &[&'static str]) -> &'static str {
    among[random.below(among.len())]
}

fn any_service(random: &mut Random) -> &'static str {
    random.pick(&SERVICES).0
}

/// One thing, drawn.
pub(crate) fn any(random: &mut Random) -> Step {
    match random.below(20) {
        0..=7 => Step::Out(any_message(random)),
        8..=10 => Step::Out(any_driver_call(random)),
        11..=13 => Step::In(any_service(random), any_message_in(random)),
        14 => Step::Answered(
            any_service(random),
            with_frills(Draft::call("@client", "/ex/obj", "ex.Iface.Asked"), random),
            match random.below(8) {
                0..=2 => Answer::Return,
                3 => Answer::Error,
                4 => Answer::Twice,
                5 | 6 => Answer::ToAnother(any_service(random)),
                _ => Answer::OtherSerial,
            },
        ),
        _ => Step::Rule(any_rule(random)),
    }
}

/// Byte order, flags, values and descriptors.
fn with_frills(mut draft: Draft, random: &mut Random) -> Draft {
    draft.big = random.once_in(3);
    for (flag, times) in [(flag::NO_REPLY, 4), (flag::NO_AUTO_START, 5), (flag::INTERACTIVE, 9)] {
        if random.once_in(times) {
            draft.flags |= flag;
        }
    }
    if draft.args.is_empty() {
        for _ in 0..random.below(4) {
            draft.args.push(any_value(random));
        }
    }
    if random.once_in(6) {
        for _ in 0..=random.below(3) {
            draft = draft.fd(Arc::new(File::open("/dev/null").expect("/dev/null")));
        }
    }
    draft
}

fn any_value(random: &mut Random) -> Arg {
    match random.below(7) {
        0 => Arg::Number(7),
        1 => Arg::Bool(true),
        2 => Arg::Texts(vec!["one".into(), "two".into()]),
        3 => Arg::Bytes(vec![1, 2, 3]),
        4 => Arg::Path("/ex/obj".into()),
        5 => Arg::Variant(Box::new(Arg::text("inner"))),
        _ => Arg::Text(any_name(random)),
    }
}

fn any_message(random: &mut Random) -> Draft {
    let mut draft = Draft::new(match random.below(20) {
        0..=12 => kind::CALL,
        13..=15 => kind::SIGNAL,
        16 | 17 => kind::RETURN,
        18 => kind::ERROR,
        _ => 5,
    });
    if !matches!(draft.kind, kind::RETURN | kind::ERROR) {
        draft = draft.path(word(random, &PATHS));
        draft = draft.name(field::MEMBER, word(random, &MEMBERS));
        if draft.kind == kind::SIGNAL || !random.once_in(6) {
            draft = draft.name(field::INTERFACE, word(random, &INTERFACES));
        }
    } else {
        let serial = u32::try_from(1 + random.below(2000)).expect("small");
        draft = draft.field(field::REPLY_SERIAL, Arg::Number(serial));
        if draft.kind == kind::ERROR {
            draft = draft.name(field::ERROR_NAME, "ex.Error.Made");
        }
    }
    if !random.once_in(8) {
        draft = draft.name(field::DESTINATION, &any_name(random));
    }
    with_frills(draft, random)
}

fn any_message_in(random: &mut Random) -> Draft {
    let mut draft = any_message(random);
    draft.fields.retain(|(code, _)| *code != field::DESTINATION);
    if draft.kind > kind::SIGNAL {
        // The bus closes a connection for less.
        draft.kind = kind::SIGNAL;
    }
    if draft.kind == kind::SIGNAL && !random.once_in(4) {
        if !draft.fields.iter().any(|(code, _)| *code == field::INTERFACE) {
            draft = draft.name(field::INTERFACE, "ex.Iface");
        }
        return draft;
    }
    if draft.kind == kind::SIGNAL && !draft.fields.iter().any(|(code, _)| *code == field::INTERFACE)
    {
        draft = draft.name(field::INTERFACE, "ex.Iface");
    }
    draft.name(field::DESTINATION, "@client")
}

fn any_driver_call(random: &mut Random) -> Draft {
    let method = random.pick(&DRIVER_METHODS);
    let mut draft = Draft::driver(method);
    match random.below(12) {
        0 => draft = draft.without(field::INTERFACE),
        1 => draft = draft.without(field::PATH).path("/"),
        2 => {
            let interface = word(random, &INTERFACES);
            draft = draft.without(field::INTERFACE).name(field::INTERFACE, interface);
        }
        3 => draft = draft.without(field::DESTINATION),
        _ => {}
    }
    if !random.once_in(8) {
        draft = draft.arg(Arg::Text(any_name(random)));
        match *method {
            "RequestName" | "StartServiceByName" => draft = draft.arg(Arg::Number(4)),
            _ => {}
        }
    }
    let fds = random.once_in(10);
    let mut draft = Draft { big: random.once_in(3), ..draft };
    if random.once_in(5) {
        draft.flags |= flag::NO_REPLY;
    }
    if fds { draft.fd(Arc::new(File::open("/dev/null").expect("/dev/null"))) } else { draft }
}

/// A match rule: most are well-formed, and some only nearly so.
fn any_rule(random: &mut Random) -> String {
    let mut rule = String::new();
    let parts = random.below(4);
    for at in 0..=parts {
        if at > 0 {
            rule.push_str(word(random, &[",", ",", ",", ",", ", ", " ,", ",,", ";"]));
        }
        let (key, values) = random.pick(&PARTS);
        let value = random.pick(values);
        match random.below(16) {
            0 => rule += &format!("{key} ='{value}'"),
            1 => rule += &format!("{key}= '{value}'"),
            2 => rule += &format!(" {key}='{value}'"),
            3 => rule += &format!("{key}={value}"),
            4 => rule += &format!("{key}='{value}"),
            5 => rule += &format!("{key}={}", value.replace('.', "'.'")),
            6 => rule += &format!("\t{key}='{value}'\n"),
            _ => rule += &format!("{key}='{value}'"),
        }
    }
    if random.once_in(12) {
        rule.push_str(word(random, &[",", " ", "'", "\\", "=", ",eavesdrop=true"]));
    }
    rule
}

const PARTS: [(&str, &[&str]); 17] = [
    ("type", &["signal", "signal", "method_call", "method_return", "error", "nonsense", ""]),
    ("type", &["signal"]),
    ("sender", &["ex.Talk", "ex.Hidden", "ex.Cast", "ex.Tree", "@talk", "@hidden", DRIVER, "ex"]),
    ("interface", &["ex.Iface", "ex.Iface2", DRIVER, "nodot"]),
    ("interface", &["ex.Iface", "ex.Iface2", DRIVER]),
    ("member", &["Shown", "Other", "Secret", "Sent", "NameOwnerChanged", "9"]),
    ("path", &["/ex/obj", "/ex/tree/leaf", "/", DRIVER_PATH, "ex", "/ex/"]),
    ("path_namespace", &["/ex", "/ex/tree", "/", "ex"]),
    ("destination", &["@bare", "@talk", "ex.Hidden"]),
    ("arg0", &["one", "ex.Talk.one", "", "ex.Tree.new", "ex.HiddenNew"]),
    ("arg1", &["two", "o'ne"]),
    ("arg63", &["x"]),
    ("arg64", &["x"]),
    ("arg0path", &["/ex/obj", "/ex/"]),
    ("arg0namespace", &["ex.Talk", "ex", "ex.Tree", ".x"]),
    ("eavesdrop", &["true", "false", "maybe"]),
    ("unknown", &["x"]),
];

/// What is always tried, and what the page says of it.
pub(crate) fn chapters() -> Vec<(&'static str, Vec<Step>)> {
    let call = |to: &str, what: &str| Step::Out(Draft::call(to, "/ex/obj", what));
    let driver = |method: &str, name: &str| Step::Out(Draft::driver(method).arg(Arg::text(name)));
    let rule = |text: &str| Step::Rule(text.to_owned());
    let every = |method: &str| NAMES.iter().map(|name| driver(method, name)).collect::<Vec<_>>();
    vec![
        (
            "a call to every kind of name",
            NAMES.iter().map(|name| call(name, "ex.Iface.Other")).collect(),
        ),
        (
            "a call to every service by its unique name",
            SERVICES.iter().map(|(who, _)| call(&format!("@{who}"), "ex.Iface.Other")).collect(),
        ),
        ("who owns a name", every("GetNameOwner")),
        ("whether a name is owned", every("NameHasOwner")),
        ("whose process has a name", every("GetConnectionUnixUser")),
        ("who waits for a name", every("ListQueuedOwners")),
        ("asking for a name", {
            NAMES
                .iter()
                .map(|name| Draft::driver("RequestName").arg(Arg::text(*name)).arg(Arg::Number(4)))
                .map(Step::Out)
                .collect()
        }),
        ("giving a name back", every("ReleaseName")),
        ("starting a service", {
            NAMES
                .iter()
                .map(|name| {
                    Draft::driver("StartServiceByName").arg(Arg::text(*name)).arg(Arg::Number(0))
                })
                .map(Step::Out)
                .collect()
        }),
        ("every method of the bus, with nothing in it", {
            DRIVER_METHODS.iter().map(|method| Step::Out(Draft::driver(method))).collect()
        }),
        (
            "the bus's other interfaces",
            [
                "Peer.Ping",
                "Peer.GetMachineId",
                "Introspectable.Introspect",
                "Introspectable.ListQueuedOwners",
            ]
            .map(|what| {
                let what = format!("org.freedesktop.DBus.{what}");
                Step::Out(Draft::call(DRIVER, DRIVER_PATH, &what).arg(Arg::text("@mixed")))
            })
            .to_vec(),
        ),
        ("saying hello twice", vec![Step::Out(Draft::driver("Hello"))]),
        (
            "the names that there are",
            vec![
                Step::Out(Draft::driver("ListNames")),
                Step::Out(Draft::driver("ListActivatableNames")),
            ],
        ),
        (
            "monitoring and listening in",
            vec![
                Step::Out(
                    Draft::call(
                        DRIVER,
                        DRIVER_PATH,
                        "org.freedesktop.DBus.Monitoring.BecomeMonitor",
                    )
                    .arg(Arg::Texts(Vec::new()))
                    .arg(Arg::Number(0)),
                ),
                rule("eavesdrop='true'"),
                rule("eavesdrop='true',type='method_call'"),
                rule("type='method_call'"),
            ],
        ),
        (
            "a signal of every service",
            SERVICES
                .iter()
                .map(|(who, _)| Step::In(who, Draft::signal("/ex/obj", "ex.Iface.Shown")))
                .collect(),
        ),
        (
            "a call of every service to the client",
            SERVICES
                .iter()
                .map(|(who, _)| {
                    let call = Draft::call("@client", "/ex/obj", "ex.Iface.Asked");
                    Step::Answered(who, call, Answer::Return)
                })
                .collect(),
        ),
        (
            "a reply to nobody's call",
            SERVICES
                .iter()
                .flat_map(|(who, _)| {
                    [
                        Step::Out(Draft::reply(&format!("@{who}"), 5)),
                        Step::In(who, Draft::reply("@client", 5)),
                    ]
                })
                .collect(),
        ),
    ]
}
