//! A bus with services, a proxy before it, and a client behind the proxy: what is done in it, and
//! everything that anybody sees of it.

use arkose_tests::bus::{
    Arg, Bus, Connection, Draft, Ended, Message, Proxy, Which, field, flag, kind,
};
use arkose_tests::wait::until;
use std::path::Path;
use std::time::Duration;

/// What is allowed, in the words of both proxies.
pub(crate) const RULES: [&str; 12] = [
    "--see=ex.See",
    "--talk=ex.Talk",
    "--talk=ex.Mixed.Talk",
    "--talk=ex.Absent",
    "--talk=ex.Start",
    "--talk=ex.Tree.*",
    "--own=ex.Own.*",
    "--call=ex.Call=ex.Iface.Allowed@/ex/obj",
    "--call=ex.Call=ex.Iface2.*@/ex/tree/*",
    "--call=ex.Any=*",
    "--broadcast=ex.Cast=ex.Iface.Shown@/ex/obj",
    "--broadcast=ex.Cast=ex.Iface2.*@/ex/tree/*",
];

/// Who is there, and the names that they own.
pub(crate) const SERVICES: [(&str, &[&str]); 10] = [
    ("see", &["ex.See"]),
    ("talk", &["ex.Talk"]),
    ("tree", &["ex.Tree", "ex.Tree.leaf"]),
    ("like", &["ex.Treelike"]),
    ("call", &["ex.Call"]),
    ("any", &["ex.Any"]),
    ("cast", &["ex.Cast"]),
    ("mixed", &["ex.Mixed.Talk", "ex.Mixed.Hidden"]),
    ("hidden", &["ex.Hidden"]),
    ("nameless", &[]),
];

/// What the bus could start; starting it fails.
const STARTABLE: [(&str, &str); 2] = [("ex.Start", "/bin/false"), ("ex.StartHidden", "/bin/false")];

/// One thing that is done. `@WHO` in a destination or a string of the body is the unique name of that
/// service, or of the client.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// The client sends a message.
    Out(Draft),
    /// A service sends a message.
    In(&'static str, Draft),
    /// A service calls the client, and the client answers in some way.
    Answered(&'static str, Draft, Answer),
    /// A client without a match rule adds this one, everybody sends a signal, and it removes it.
    Rule(String),
}

/// How a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Return,
    Error,
    Twice,
    ToAnother(&'static str),
    OtherSerial,
}

/// What was seen of one step, a line each, without what differs from run to run.
pub(crate) type Seen = Vec<String>;

pub(crate) struct World {
    bus: Bus,
    proxy: Proxy,
    services: Vec<(&'static str, Connection)>,
    client: Connection,
    /// Has no match rule.
    bare: Connection,
}

impl World {
    pub(crate) fn new(which: Which) -> Self {
        let bus = Bus::start(&STARTABLE);
        let mut services: Vec<_> =
            SERVICES.iter().map(|(who, names)| (*who, bus.connect(names))).collect();
        for (_, service) in &mut services {
            service.all_until_now().expect("it was just connected");
        }
        let proxy = Proxy::start(which, &bus, &RULES);
        let client = Self::client(&bus, &proxy);
        let bare = Self::bare(&bus, &proxy);
        Self { bus, proxy, services, client, bare }
    }

    fn bare(bus: &Bus, proxy: &Proxy) -> Connection {
        let mut bare = bus.connect_to(proxy.socket());
        bare.wait_at_most(PATIENCE);
        bare.all_until_now().expect("it was just connected");
        bare
    }

    fn client(bus: &Bus, proxy: &Proxy) -> Connection {
        let mut client = bus.connect_to(proxy.socket());
        client.wait_at_most(PATIENCE);
        client.watch("type='signal'").expect("every signal may be asked for");
        client.all_until_now().expect("it was just connected");
        client
    }

    /// Puts a new client in the place of the one that was.
    pub(crate) fn renew(&mut self) {
        assert!(self.proxy.runs(), "the proxy is gone: {}", self.proxy.log());
        let before = [self.client.name.clone(), self.bare.name.clone()];
        // The last ones go before the next come, which would hear of it.
        let nobody = || self.bus.dial(&self.bus.socket());
        (self.client, self.bare) = (nobody(), nobody());
        let (_, asks) = &mut self.services[0];
        for name in before {
            let asked = Draft::driver("NameHasOwner").arg(Arg::text(name));
            let gone = until(PATIENCE, || {
                asks.ask(&asked).expect("the services go on").args() == [Arg::Bool(false)]
            });
            assert!(gone, "the proxy keeps a connection of which the client is gone");
        }
        self.client = Self::client(&self.bus, &self.proxy);
        self.bare = Self::bare(&self.bus, &self.proxy);
        for (_, service) in &mut self.services {
            service.all_until_now().expect("the services go on");
        }
    }

    pub(crate) fn log(&self) -> String {
        self.proxy.log()
    }

    /// Does one thing, and answers everything that was seen of it.
    pub(crate) fn see(&mut self, step: &Step) -> Seen {
        let mut seen = Vec::new();
        match step {
            Step::Out(draft) => self.out(draft, &mut seen),
            Step::In(who, draft) => {
                let draft = self.named(draft);
                let serial = self.service(who).send(&draft).expect("the services go on");
                self.rest(&[(who, serial)], &mut seen);
            }
            Step::Answered(who, draft, answer) => self.answered(who, draft, *answer, &mut seen),
            Step::Rule(rule) => self.rule(rule, &mut seen),
        }
        seen
    }

    fn out(&mut self, draft: &Draft, seen: &mut Seen) {
        let draft = self.named(draft);
        let Ok(serial) = self.client.send(&draft) else { return seen.push(CLOSED.into()) };
        let answers = draft.kind == kind::CALL && draft.flags & flag::NO_REPLY == 0;
        self.rest(&[("client", serial)], seen);
        // What has to be started first is answered when that failed.
        let waits = !seen.iter().any(|line| line.starts_with("client hears") || is_end(line));
        let started = format!("{draft:?}").contains("ex.Start");
        if answers && waits && started {
            match self.client.reply_to(serial) {
                Ok(reply) => seen.push(self.line("client", &reply, &[("client", serial)])),
                Err(ended) => seen.push(format!("client hears nothing: {ended:?}")),
            }
        }
    }

    fn answered(&mut self, who: &'static str, call: &Draft, answer: Answer, seen: &mut Seen) {
        let call = self.named(call);
        let serial = self.service(who).send(&call).expect("the services go on");
        self.service(who).all_until_now().expect("the services go on");
        let heard = match self.client.all_until_now() {
            Ok(heard) => heard,
            Err(ended) => return seen.push(end(&ended)),
        };
        let is_it = |message: &&Message| message.kind == kind::CALL;
        let Some(heard) = heard.iter().find(is_it) else { return seen.push("not heard".into()) };
        let caller = heard.sender().to_owned();
        let reply = Draft::reply(&caller, heard.serial).arg(Arg::text("answer"));
        let drafts = match answer {
            Answer::Return => vec![reply],
            Answer::Error => vec![Draft::error(&caller, heard.serial, "ex.Error.Sorry")],
            Answer::Twice => vec![reply.clone(), reply],
            Answer::ToAnother(other) => {
                vec![self.named(&Draft::reply(&format!("@{other}"), heard.serial))]
            }
            Answer::OtherSerial => vec![Draft::reply(&caller, heard.serial + 1000)],
        };
        for draft in drafts {
            if self.client.send(&draft).is_err() {
                return seen.push(CLOSED.into());
            }
        }
        self.rest(&[(who, serial)], seen);
    }

    fn rule(&mut self, rule: &str, seen: &mut Seen) {
        let rule = self.name(rule);
        let said = |asked: Result<Message, Ended>| match asked {
            Ok(answer) if answer.kind == kind::RETURN => "agreed".to_owned(),
            Ok(answer) => answer.what().to_owned(),
            Err(ended) => format!("{ended:?}"),
        };
        let added = self.bare.ask(&Draft::driver("AddMatch").arg(Arg::text(&rule)));
        seen.push(format!("adding it: {}", said(added)));
        for (who, draft) in sent_at_rules() {
            let draft = self.named(&draft);
            self.service(who).send(&draft).expect("the services go on");
        }
        for (_, service) in &mut self.services {
            service.all_until_now().expect("the services go on");
        }
        let heard = self.bare.all_until_now();
        match heard {
            Err(ended) => return seen.push(end(&ended)),
            Ok(heard) => seen.extend(heard.iter().map(|one| self.line("bare", one, &[]))),
        }
        // Who sent first is nobody's matter.
        seen[1..].sort();
        let removed = self.bare.ask(&Draft::driver("RemoveMatch").arg(Arg::text(&rule)));
        seen.push(format!("removing it: {}", said(removed)));
        let _ = self.client.all_until_now();
    }

    /// Waits until everything that was sent has come to whom it came to; calls are answered.
    fn rest(&mut self, asked: &[(&str, u32)], seen: &mut Seen) {
        let mut heard = Vec::new();
        let mut alive = self.hear_client(&mut heard);
        let mut replied = false;
        for at in 0..self.services.len() {
            let (who, service) = &mut self.services[at];
            let messages = service.all_until_now().expect("the services go on");
            for message in &messages {
                if message.kind == kind::CALL && message.flags & flag::NO_REPLY == 0 {
                    let reply = Draft::reply(message.sender(), message.serial);
                    service.send(&reply.arg(Arg::text(*who))).expect("the services go on");
                    replied = true;
                }
            }
            if replied {
                service.all_until_now().expect("the services go on");
            }
            heard.extend(messages.into_iter().map(|message| (*who, message)));
        }
        alive = alive.and_then(|()| self.hear_client(&mut heard));
        seen.extend(heard.iter().map(|(who, message)| self.line(who, message, asked)));
        if let Err(ended) = alive {
            seen.push(end(&ended));
        }
    }

    fn hear_client(&mut self, heard: &mut Vec<(&str, Message)>) -> Result<(), Ended> {
        let messages = self.client.all_until_now()?;
        heard.extend(messages.into_iter().map(|message| ("client", message)));
        Ok(())
    }

    /// A line about a message that somebody heard.
    fn line(&self, who: &str, message: &Message, asked: &[(&str, u32)]) -> String {
        let kind = match message.kind {
            kind::CALL => "call",
            kind::RETURN => "return",
            kind::ERROR => "error",
            kind::SIGNAL => "signal",
            _ => "something",
        };
        let to = match message.reply_serial {
            Some(serial) if asked.contains(&(who, serial)) => " to what was asked",
            Some(_) => " to something else",
            None => "",
        };
        let name = |code| message.name(code);
        let sender = self.label(message.sender());
        // Only at a call does the flag mean anything, and a bus sets it at its own replies.
        let known = if message.kind == kind::CALL { u8::MAX } else { !flag::NO_REPLY };
        let flags = message.flags & known;
        let body = match self.body(message) {
            _ if message.kind == kind::ERROR => String::new(),
            body => format!(" {body}"),
        };
        format!(
            "{who} hears {kind}{to} {}.{} at {} from {sender}, flags {flags}, {} fds{body}",
            name(field::INTERFACE),
            message.what(),
            name(field::PATH),
            message.fds.len(),
        )
    }

    /// The body without what is new in every run.
    fn body(&self, message: &Message) -> String {
        if message.body.len() > 4096 {
            return format!("{} bytes", message.body.len());
        }
        let args = message.args().into_iter().map(|arg| match arg {
            Arg::Text(text) => self.label(&text),
            Arg::Texts(mut texts) => {
                texts.iter_mut().for_each(|text| *text = self.label(text));
                // The order is that of a table of the bus.
                texts.sort();
                format!("{texts:?}")
            }
            Arg::Number(number) if Path::new(&format!("/proc/{number}")).exists() => {
                "a pid".to_owned()
            }
            other => format!("{other:?}"),
        });
        args.collect::<Vec<_>>().join(" ")
    }

    /// A unique name as the word for whose it is, and any other text as it is.
    fn label(&self, text: &str) -> String {
        let known = |(_, peer): &&(&str, Connection)| peer.name == text;
        if let Some((who, _)) = self.services.iter().find(known) {
            return format!("@{who}");
        }
        match text {
            "" => "nobody".to_owned(),
            _ if text == self.client.name => "@client".to_owned(),
            _ if text == self.bare.name => "@bare".to_owned(),
            _ if text.starts_with(':') => "@stranger".to_owned(),
            // The bus's id.
            _ if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                "an id".to_owned()
            }
            _ => text.to_owned(),
        }
    }

    /// The unique name that `@WHO` stands for.
    fn name(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (who, peer) in &self.services {
            text = text.replace(&format!("@{who}"), &peer.name);
        }
        text.replace("@client", &self.client.name).replace("@bare", &self.bare.name)
    }

    fn named(&self, draft: &Draft) -> Draft {
        use arkose_tests::bus::Field;
        let mut draft = draft.clone();
        let fields = draft.fields.iter_mut().filter(|(code, _)| *code == field::DESTINATION);
        let fields = fields.map(|(_, value)| value).filter_map(|value| match value {
            Field::Value(arg) => Some(arg),
            Field::Raw(..) => None,
        });
        for arg in fields.chain(&mut draft.args) {
            if let Arg::Text(text) = arg {
                *text = self.name(text);
            }
        }
        draft
    }

    fn service(&mut self, who: &str) -> &mut Connection {
        let found = self.services.iter_mut().find(|(other, _)| *other == who);
        &mut found.unwrap_or_else(|| panic!("there is no {who}")).1
    }
}

/// How long the client waits before it is said to hear nothing more.
const PATIENCE: Duration = Duration::from_secs(2);

const CLOSED: &str = "client is closed";
const DEAF: &str = "client hears nothing more";

/// Whether this line says that the client's connection is of no more use.
pub(crate) fn is_end(line: &str) -> bool {
    line == CLOSED || line == DEAF
}

fn end(ended: &Ended) -> String {
    match ended {
        Ended::Closed => CLOSED.to_owned(),
        Ended::Silent => DEAF.to_owned(),
        Ended::Garbled(what) => format!("client hears no D-Bus: {what}"),
    }
}

/// What everybody sends when a match rule is tried.
fn sent_at_rules() -> Vec<(&'static str, Draft)> {
    let text = |text| Arg::text(text);
    let own = |name| Draft::driver("RequestName").arg(text(name)).arg(Arg::Number(4));
    let release = |name| Draft::driver("ReleaseName").arg(text(name));
    vec![
        ("talk", Draft::signal("/ex/obj", "ex.Iface.Shown").arg(text("one"))),
        ("talk", Draft::signal("/ex/tree/leaf", "ex.Iface2.Other").arg(text("/ex/obj"))),
        (
            "tree",
            Draft::signal("/ex/obj", "ex.Iface.Other").arg(text("ex.Talk.one")).arg(text("two")),
        ),
        ("cast", Draft::signal("/ex/obj", "ex.Iface.Shown").arg(text("one"))),
        ("cast", Draft::signal("/ex/obj", "ex.Iface.Other").arg(text("one"))),
        ("see", Draft::signal("/ex/obj", "ex.Iface.Shown").arg(text("one"))),
        ("hidden", Draft::signal("/ex/obj", "ex.Iface.Shown").arg(text("one"))),
        ("mixed", Draft::signal("/", "ex.Iface.Shown")),
        // Between others, and nobody else's.
        (
            "talk",
            Draft::call("@tree", "/ex/obj", "ex.Iface.Secret")
                .flags(flag::NO_REPLY)
                .arg(text("secret")),
        ),
        ("hidden", Draft::signal("/ex/obj", "ex.Iface.Secret").name(field::DESTINATION, "@talk")),
        ("talk", Draft::signal("/ex/obj", "ex.Iface.Sent").name(field::DESTINATION, "@bare")),
        ("tree", own("ex.Tree.new")),
        ("tree", release("ex.Tree.new")),
        ("hidden", own("ex.HiddenNew")),
        ("hidden", release("ex.HiddenNew")),
    ]
}
