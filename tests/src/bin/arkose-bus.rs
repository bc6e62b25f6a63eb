//! The part of the D-Bus tests and measurements that has to be the test user's, or fast.
//!
//! | words | what it does |
//! | --- | --- |
//! | `dial` | reads paths of sockets from its standard input, a socket itself, connects to each, and sends the connection back with a byte; the byte alone where nobody listens |
//! | `serve SOCKET NAME` | owns NAME, says `ready`, and answers every call |
//! | `calls SOCKET NAME CLIENTS MILLISECONDS` | clients that call NAME one call after the other; prints calls per second, and the 50th and 99th percentile of what a call takes, in microseconds |
//! | `body SOCKET NAME MEBIBYTES` | one call with a body of that size; prints the MiB per second until it is answered |

use arkose_tests::bus::{Arg, Connection, Draft, Ended, kind};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{self, BufRead as _, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// More than any measurement needs.
const MOST_CLIENTS: usize = 64;
const LONGEST: u64 = 60_000;
const LARGEST: usize = 100;

/// How long a call of a measurement may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let usage = || io::Error::other("it takes dial, serve, calls or body: see its source");
    let number = |word: &str| word.parse::<usize>().map_err(io::Error::other);
    let done = match words[..] {
        ["dial"] => dial(),
        ["serve", socket, name] => serve(socket.as_ref(), name),
        ["calls", socket, name, clients, time] => number(clients)
            .and_then(|clients| Ok((clients, number(time)?)))
            .and_then(|(clients, time)| calls(socket.as_ref(), name, clients, time as u64)),
        ["body", socket, name, size] => {
            number(size).and_then(|size| body(socket.as_ref(), name, size.min(LARGEST)))
        }
        _ => Err(usage()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("arkose-bus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dial() -> io::Result<()> {
    let stdin = io::stdin();
    for path in stdin.lock().lines() {
        let connection = UnixStream::connect(path?);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        let fd = connection.as_ref().map(|socket| [socket.as_fd()]);
        if let Ok(fd) = &fd {
            rights.push(SendAncillaryMessage::ScmRights(fd));
        }
        sendmsg(stdin.as_fd(), &[IoSlice::new(b".")], &mut rights, SendFlags::NOSIGNAL)?;
    }
    Ok(())
}

fn ended(ended: Ended) -> io::Error {
    io::Error::other(format!("no answer: {ended:?}"))
}

fn serve(socket: &Path, name: &str) -> io::Result<()> {
    let mut connection = Connection::open(socket)?;
    connection.own(name).map_err(ended)?;
    println!("ready");
    loop {
        match connection.hear() {
            Ok(call) if call.kind == kind::CALL => {
                connection.send(&Draft::reply(call.sender(), call.serial))?;
            }
            Ok(_) | Err(Ended::Silent) => {}
            Err(_) => return Ok(()),
        }
    }
}

fn call(name: &str) -> Draft {
    Draft::call(name, "/ex/obj", "ex.Iface.Do")
}

/// What single calls took, by one client.
fn one_client(socket: &Path, name: &str, time: Duration) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(socket)?;
    let mut bytes = call(name).arg(Arg::text("a few words, as calls have them")).bytes(1);
    let mut taken = Vec::new();
    let end = Instant::now() + time;
    for serial in 100_u32.. {
        bytes[8..12].copy_from_slice(&serial.to_le_bytes());
        let begin = Instant::now();
        if begin >= end {
            break;
        }
        connection.send_bytes(&bytes, &[])?;
        let reply = connection.reply_to(serial).map_err(ended)?;
        if reply.kind != kind::RETURN {
            return Err(io::Error::other(format!("refused: {}", reply.what())));
        }
        taken.push(begin.elapsed());
    }
    Ok(taken)
}

fn calls(socket: &Path, name: &str, clients: usize, time: u64) -> io::Result<()> {
    let time = Duration::from_millis(time.min(LONGEST));
    let begin = Instant::now();
    let mut taken = Vec::new();
    thread::scope(|scope| {
        let all: Vec<_> = (0..clients.clamp(1, MOST_CLIENTS))
            .map(|_| scope.spawn(|| one_client(socket, name, time)))
            .collect();
        all.into_iter().try_for_each(|one| {
            taken.extend(one.join().map_err(|_| io::Error::other("a client panicked"))??);
            Ok::<_, io::Error>(())
        })
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    taken.sort();
    let at = |percent: usize| taken[(taken.len() * percent / 100).min(taken.len() - 1)];
    let micros = |percent| at(percent).as_secs_f64() * 1e6;
    println!("{:.0} {:.1} {:.1}", taken.len() as f64 / seconds, micros(50), micros(99));
    Ok(())
}

fn body(socket: &Path, name: &str, mebibytes: usize) -> io::Result<()> {
    let mut connection = Connection::open(socket)?;
    connection.wait_at_most(PATIENCE);
    let bytes = call(name).arg(Arg::Bytes(vec![b'x'; mebibytes << 20])).bytes(100);
    let begin = Instant::now();
    connection.send_bytes(&bytes, &[])?;
    let reply = connection.reply_to(100).map_err(ended)?;
    if reply.kind != kind::RETURN {
        return Err(io::Error::other(format!("refused: {}", reply.what())));
    }
    println!("{:.0}", mebibytes as f64 / begin.elapsed().as_secs_f64());
    Ok(())
}
