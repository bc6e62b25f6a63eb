//! Bytes that no honest client sends to Arkose's D-Bus proxy: the connection ends, with a reason in the
//! log, and the proxy and every other connection go on. What is held for a client is bounded.

#[path = "dbus_hostile/malformed.rs"]
mod malformed;

use arkose_tests::bus::{
    Arg, Bus, Connection, DRIVER, DRIVER_PATH, Draft, Field, Message, Proxy, Which, field, flag,
    kind,
};
use arkose_tests::machine::machine;
use arkose_tests::random::Random;
use arkose_tests::wait;
use malformed::malformed;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to end.
const SOON: Duration = Duration::from_secs(5);

/// A proxy, a service behind it, and a client that is to notice nothing.
struct Place {
    // Before the bus, so that it ends first.
    proxy: Proxy,
    service: Connection,
    witness: Connection,
    bus: Bus,
}

impl Place {
    fn new() -> Self {
        let bus = Bus::start(&[]);
        let service = bus.connect(&["ex.Talk"]);
        let proxy = Proxy::start(Which::Ours, &bus, &["--talk=ex.Talk", "--own=ex.Mine"]);
        let witness = bus.connect_to(proxy.socket());
        let mut place = Self { proxy, service, witness, bus };
        place.goes_on("at first");
        place
    }

    fn client(&self) -> Connection {
        self.bus.connect_to(self.proxy.socket())
    }

    /// A connection that is authenticated, and has said nothing yet.
    fn silent(&self) -> Connection {
        let mut connection = self.bus.dial(self.proxy.socket());
        connection.authenticate(machine().uid).expect("it is the right user");
        connection
    }

    /// Whether the proxy serves others.
    fn goes_on(&mut self, what: &str) {
        assert!(self.proxy.runs(), "{what}: the proxy is gone: {}", self.proxy.log());
        let serial = self.witness.send(&call().arg(Arg::text(what)));
        let serial = serial.unwrap_or_else(|error| panic!("{what}: the witness: {error}"));
        let heard = self.heard();
        assert_eq!(heard.text().as_deref(), Some(what));
        let reply = Draft::reply(heard.sender(), heard.serial);
        self.service.send(&reply).expect("the bus goes on");
        let reply = self.witness.reply_to(serial);
        reply.unwrap_or_else(|ended| panic!("{what}: the witness: {ended:?}"));
    }

    /// Waits until the proxy holds as many descriptors as it did.
    fn holds(&self, fds: usize, what: &str) {
        let same = wait::until(SOON, || self.proxy.fds() <= fds);
        assert!(same, "{what}: {} descriptors and not {fds}", self.proxy.fds());
    }

    /// How often the log says why a connection was closed.
    fn reasons(&self) -> usize {
        self.proxy
            .log()
            .lines()
            .filter(|line| line.contains("closed") && line.contains("reason"))
            .count()
    }

    /// The next call that comes to the service.
    fn heard(&mut self) -> Message {
        loop {
            let heard = self.service.hear().expect("a call");
            if heard.sender() != DRIVER {
                return heard;
            }
        }
    }

    /// Takes what came to the service, whatever it was.
    fn forget(&mut self) {
        self.service.all_until_now().expect("the bus goes on");
    }
}

fn call() -> Draft {
    Draft::call("ex.Talk", "/ex/obj", "ex.Iface.Do")
}

fn null() -> Arc<File> {
    Arc::new(File::open("/dev/null").expect("/dev/null"))
}

#[test]
fn what_is_no_message_ends_its_connection_and_nothing_else() {
    /// So many that the log, which is bounded by the second, has room for the reasons.
    const AT_ONCE: usize = 12;
    let mut wrong = Vec::new();
    for some in malformed().chunks(AT_ONCE) {
        let mut place = Place::new();
        let fds = place.proxy.fds();
        for ((what, draft), hello) in some.iter().flat_map(|one| [(one, false), (one, true)]) {
            let mut connection = if hello { place.client() } else { place.silent() };
            let before = place.reasons();
            let _ = connection.send(draft);
            // One that waits for the rest of a message hears that there is no more.
            let _ = connection.socket().shutdown(std::net::Shutdown::Write);
            if !connection.is_closed_within(SOON) {
                wrong.push(format!("{what}: not closed (after hello: {hello})"));
            } else if !wait::until(Duration::from_secs(1), || place.reasons() > before) {
                wrong.push(format!("{what}: no reason in the log (after hello: {hello})"));
            }
            drop(connection);
            // What came to the service in its place would be seen here.
            place.goes_on(what);
        }
        place.holds(fds, "all that was closed");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_message_that_is_cut_off_is_not_passed_on() {
    let mut place = Place::new();
    let fds = place.proxy.fds();
    let whole = call().arg(Arg::text("cut off")).bytes(7);
    for length in 0..whole.len() {
        let mut connection = place.client();
        connection.send_bytes(&whole[..length], &[]).expect("it is open");
        drop(connection);
    }
    place.goes_on("cut off everywhere");
    place.holds(fds, "messages that were cut off");
}

#[test]
fn garbage_in_authentication_ends_its_connection_and_nothing_else() {
    let mut place = Place::new();
    let fds = place.proxy.fds();
    let uid: String = machine().uid.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    let auth = format!("\0AUTH EXTERNAL {uid}\r\n");
    let mut garbage: Vec<(&str, Vec<u8>)> = vec![
        ("no NUL at first", b"AUTH EXTERNAL 30\r\n".to_vec()),
        ("a message at once", call().bytes(1)),
        ("begin at once", b"\0BEGIN\r\n".to_vec()),
        ("begin before the bus agreed", b"\0NEGOTIATE_UNIX_FD\r\nBEGIN\r\n".to_vec()),
        ("a line without end", [b"\0AUTH EXTERNAL ".to_vec(), vec![b'3'; 100 << 10]].concat()),
        ("bytes that are no ASCII", b"\0AUTH EXTERNAL \xff\xfe\r\n".to_vec()),
        ("control characters", b"\0AUTH \x01\x02\r\n".to_vec()),
        ("a NUL in a line", b"\0AUTH EXT\0ERNAL\r\n".to_vec()),
        ("begin, and no message", format!("{auth}BEGIN\r\nBEGIN\r\nBEGIN\r\nBEGIN\r\n").into()),
        ("lines of commands for ever", [b"\0".to_vec(), b"AUTH\r\n".repeat(20_000)].concat()),
    ];
    let mut random = Random::new(5);
    for _ in 0..40 {
        let mut bytes = auth.clone().into_bytes();
        bytes.extend(b"NEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len() - 3);
            bytes[at] = u8::try_from(random.below(256)).expect("a byte");
        }
        bytes.extend([0xff; 64]);
        garbage.push(("damaged bytes", bytes));
    }
    for (what, bytes) in garbage {
        let mut connection = place.bus.dial(place.proxy.socket());
        let _ = connection.send_bytes(&bytes, &[]);
        let _ = connection.socket().shutdown(std::net::Shutdown::Write);
        assert!(connection.is_closed_within(SOON), "{what}: {}", bytes.escape_ascii());
        place.goes_on(what);
    }
    place.holds(fds, "authentication");
}

#[test]
fn whoever_a_client_says_it_is_the_bus_knows_who_it_is() {
    let mut place = Place::new();
    let mode = std::fs::metadata(place.proxy.socket()).expect("it is there").mode();
    assert_eq!(mode & 0o777, 0o600, "others could connect");
    let mut connection = place.bus.dial(place.proxy.socket());
    // In a user namespace a client may well take itself for root.
    if connection.authenticate(nix::unistd::Uid::from_raw(0)).is_ok() {
        connection.hello().expect("a name");
        let name = Arg::text(connection.name.clone());
        let answer = connection.ask(&Draft::driver("GetConnectionUnixUser").arg(name));
        let uid = Arg::Number(machine().uid.as_raw());
        assert_eq!(answer.expect("an answer").args(), [uid]);
    }
    place.goes_on("a client that says it is root");
}

#[test]
fn bytes_that_come_one_by_one_are_as_good_as_others() {
    let mut place = Place::new();
    let mut connection = place.bus.dial(place.proxy.socket());
    let uid: String = machine().uid.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    for byte in format!("\0AUTH EXTERNAL {uid}\r\nNEGOTIATE_UNIX_FD\r\n").bytes() {
        connection.send_bytes(&[byte], &[]).expect("it is open");
        place.goes_on("a slow client");
    }
    assert!(connection.line().expect("an answer").starts_with("OK "));
    assert_eq!(connection.line().expect("an answer"), "AGREE_UNIX_FD");
    let hello = Draft::driver("Hello").bytes(1);
    for byte in [b"BEGIN\r\n".to_vec(), hello].concat() {
        connection.send_bytes(&[byte], &[]).expect("it is open");
        place.goes_on("a slow client");
    }
    let name = connection.reply_to(1).expect("a name").text().expect("a name");
    assert!(name.starts_with(':'), "{name}");
}

#[test]
fn what_is_said_all_at_once_is_as_good_as_one_after_the_other() {
    let place = Place::new();
    let mut connection = place.bus.dial(place.proxy.socket());
    let uid: String = machine().uid.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = format!("\0AUTH EXTERNAL {uid}\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n").into_bytes();
    all.extend(Draft::driver("Hello").bytes(1));
    all.extend(Draft::driver("GetId").bytes(2));
    connection.send_bytes(&all, &[]).expect("it is open");
    assert!(connection.line().expect("an answer").starts_with("OK "));
    assert_eq!(connection.line().expect("an answer"), "AGREE_UNIX_FD");
    let name = connection.reply_to(1).expect("a name").text().expect("a name");
    assert!(name.starts_with(':'), "{name}");
    connection.reply_to(2).expect("an id");
}

#[test]
fn descriptors_go_with_their_message_and_are_not_kept() {
    let mut place = Place::new();
    let mut client = place.client();
    let fds = place.proxy.fds();
    let zero = Arc::new(File::open("/dev/zero").expect("/dev/zero"));
    for _ in 0..100 {
        // What is refused takes its descriptor with it.
        let hidden = Draft::call("ex.Hidden", "/ex/obj", "ex.Iface.Do").fd(null()).fd(null());
        assert_eq!(client.ask(&hidden).expect("an answer").kind, kind::ERROR);
        client.send(&call().flags(flag::NO_REPLY)).expect("it is open");
        client.send(&call().flags(flag::NO_REPLY).fd(Arc::clone(&zero))).expect("it is open");
        let first = place.heard();
        assert_eq!((first.unix_fds, first.fds.len()), (0, 0));
        let second = place.heard();
        let [fd] = &second.fds[..] else { panic!("{second:?}") };
        let got = File::from(fd.try_clone().expect("a descriptor")).metadata().expect("fstat");
        assert_eq!(got.rdev(), zero.metadata().expect("fstat").rdev());
    }
    place.holds(fds, "descriptors that were passed or refused");
    // As many as a message can carry, by a client that says less.
    let many: Vec<_> = (0..200).map(|_| null()).collect();
    let many: Vec<_> = many.iter().map(|file| file.as_fd()).collect();
    let mut greedy = place.client();
    let bytes = call().flags(flag::NO_REPLY).fd(null()).bytes(50);
    let _ = greedy.send_bytes(&bytes, &many);
    assert!(greedy.is_closed_within(SOON), "descriptors that nobody announced");
    drop(greedy);
    // Those that never come.
    let mut waiting = place.client();
    let draft = call().flags(flag::NO_REPLY).field(field::UNIX_FDS, Arg::Number(3)).fd(null());
    let _ = waiting.send(&draft);
    assert!(waiting.is_closed_within(SOON), "descriptors that never came");
    drop(waiting);
    place.holds(fds, "descriptors of those that were closed");
    place.forget();
    place.goes_on("descriptors");
}

#[test]
fn descriptors_that_were_not_agreed_on_are_not_passed() {
    let mut place = Place::new();
    let fds = place.proxy.fds();
    let mut connection = place.bus.dial(place.proxy.socket());
    let uid: String = machine().uid.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
    connection.send_bytes(b"\0", &[]).expect("it is open");
    connection.say(&format!("AUTH EXTERNAL {uid}"), "OK ").expect("it is the right user");
    connection.send_bytes(b"BEGIN\r\n", &[]).expect("it is open");
    connection.hello().expect("a name");
    let _ = connection.send(&call().fd(null()));
    assert!(connection.is_closed_within(SOON), "descriptors without an agreement");
    drop(connection);
    place.forget();
    place.goes_on("descriptors without an agreement");
    place.holds(fds, "descriptors without an agreement");
}

#[test]
fn a_client_that_never_reads_costs_little_and_loses_nothing() {
    /// 48 MiB, less than the bus itself keeps for a client.
    const COUNT: u32 = 768;
    let mut place = Place::new();
    let mut lazy = place.client();
    lazy.watch("type='signal',interface='ex.Flood'").expect("it may");
    let before = place.proxy.resident();
    let piece = vec![b'x'; 64 << 10];
    for number in 0..COUNT {
        let draft = Draft::signal("/ex/obj", "ex.Flood.Wave").arg(Arg::Number(number));
        place.service.send(&draft.arg(Arg::Bytes(piece.clone()))).expect("the bus takes it");
    }
    place.goes_on("a client that never reads");
    let grown = place.proxy.resident().saturating_sub(before);
    assert!(grown < 8 << 10, "it grew by {grown} KiB");
    for number in 0..COUNT {
        let wave = loop {
            let message = lazy.hear().expect("what was sent comes");
            if message.what() == "Wave" {
                break message;
            }
        };
        assert_eq!(wave.args().first(), Some(&Arg::Number(number)));
    }
    place.goes_on("a client that reads late");
}

#[test]
fn a_large_message_is_passed_on_and_not_kept() {
    let mut place = Place::new();
    let mut client = place.client();
    let before = place.proxy.resident();
    let body: Vec<u8> = (0..64_u32 << 18).flat_map(u32::to_le_bytes).collect();
    let sent = call().flags(flag::NO_REPLY).arg(Arg::Bytes(body.clone())).bytes(90);
    let mut grown = 0;
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| client.send_bytes(&sent, &[]));
        let heard = place.heard();
        grown = place.proxy.resident().saturating_sub(before);
        assert!(heard.args() == [Arg::Bytes(body)], "another message came out");
        sending.join().expect("no panic").expect("it is taken");
    });
    assert!(grown < 8 << 10, "it grew by {grown} KiB");
    place.goes_on("a large message");
}

#[test]
fn a_thousand_connections_come_and_go_some_hundreds_at_a_time() {
    /// As many at once as any app has many times over.
    const AT_ONCE: usize = 250;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .expect("one's own limit");
    let mut place = Place::new();
    let fds = place.proxy.fds();
    let before = place.proxy.resident();
    for _ in 0..4 {
        let mut all: Vec<_> = (0..AT_ONCE).map(|_| place.client()).collect();
        place.goes_on("many connections");
        for (number, client) in all.iter_mut().enumerate().step_by(50) {
            let names = client.ask(&Draft::driver("ListNames")).map(|names| names.texts());
            let names = names.unwrap_or_else(|ended| panic!("number {number}: {ended:?}"));
            assert!(names.contains(&"ex.Talk".to_owned()) && names.contains(&client.name));
            let others = names.contains(&place.witness.name);
            assert!(!others, "others behind the proxy are seen");
        }
        drop(all);
        place.holds(fds, "connections that are gone");
        place.goes_on("connections that are gone");
    }
    let grown = place.proxy.resident().saturating_sub(before);
    assert!(grown < 128 * AT_ONCE as u64, "it grew by {grown} KiB");
}

#[test]
fn damaged_messages_harm_nobody_else() {
    let mut place = Place::new();
    let fds = place.proxy.fds();
    let mut random = Random::new(7);
    let good = [
        call().arg(Arg::text("x")).bytes(5),
        call().big_endian().arg(Arg::Texts(vec!["a".into()])).bytes(5),
        Draft::driver("AddMatch").arg(Arg::text("type='signal',member='X'")).bytes(5),
        Draft::driver("RequestName").arg(Arg::text("ex.Mine")).arg(Arg::Number(4)).bytes(5),
        Draft::signal("/ex/obj", "ex.Iface.Sig").arg(Arg::NoOptions).bytes(5),
        Draft::call(DRIVER, DRIVER_PATH, "org.freedesktop.DBus.Peer.Ping").bytes(5),
    ];
    for round in 0..400 {
        let mut bytes = random.pick(&good).clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = u8::try_from(random.below(256)).expect("a byte");
        }
        let mut connection = place.client();
        let _ = connection.send_bytes(&bytes, &[]);
        let _ = connection.socket().shutdown(std::net::Shutdown::Write);
        let closed = connection.is_closed_within(SOON);
        assert!(closed, "round {round}: {}", bytes.escape_ascii());
        // What was damaged where it does not matter has come.
        place.service.all_until_now().expect("the service goes on");
        place.goes_on("damaged bytes");
    }
    place.holds(fds, "damaged bytes");
}

#[test]
fn it_ends_with_whoever_started_it() {
    let mut place = Place::new();
    assert!(place.proxy.ends(SOON), "it goes on");
    assert!(place.witness.is_closed_within(SOON), "a connection is open still");
}

#[test]
fn without_its_bus_it_closes_its_connections() {
    let mut place = Place::new();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(place.bus.pid()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("the bus runs");
    assert!(place.witness.is_closed_within(SOON), "it is open");
}
