//! The part of the network's measurements that has to be fast: it makes load, and serves it.
//!
//! | words | what it does |
//! | --- | --- |
//! | `serve PORT NAMESERVER ADDRESS…` | at each address a server that sends back the first byte of a connection, and at NAMESERVER one for names, which has an address for every name; says `ready`, and ends with its input |
//! | `reach ADDRESS PORT` | waits until a connection succeeds |
//! | `connect ADDRESS PORT COUNT THREADS` | makes so many connections, with a byte there and one back; prints how many a second |
//! | `ask NAMESERVER COUNT FIRST` | asks for so many names, each a new one, numbered from FIRST on; prints the 50th and 99th percentile of what that takes, in microseconds |

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// More than any measurement needs.
const MOST: usize = 100_000;
const MOST_THREADS: usize = 16;
/// How many connections to an address are served at once.
const SERVED: usize = 16;

/// How long one thing may take, and how long a network may take to be there.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every name leads to, as the end of a record.
const ANSWER: [u8; 16] = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 45, 33, 7, 9];
/// The type of a question for addresses of IPv4, and its class.
const FOR_ADDRESSES: [u8; 4] = [0, 1, 0, 1];
/// The length of a message's header.
const HEADER: usize = 12;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("arkose-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> io::Result<()> {
    match *words {
        ["serve", port, names, ref addresses @ ..] => serve(number(port)?, names, addresses),
        ["reach", address, port] => reach(place(address, number(port)?)?),
        ["connect", address, port, count, threads] => {
            let to = place(address, number(port)?)?;
            connect(to, number::<usize>(count)?.min(MOST), number(threads)?)
        }
        ["ask", server, count, first] => {
            ask(place(server, 53)?, number::<usize>(count)?.min(MOST), number(first)?)
        }
        _ => Err(io::Error::other("it takes serve, reach, connect or ask: see its source")),
    }
}

fn number<N: std::str::FromStr>(word: &str) -> io::Result<N> {
    word.parse().map_err(|_| io::Error::other(format!("{word} is no such number")))
}

fn place(address: &str, port: u16) -> io::Result<SocketAddr> {
    Ok(SocketAddr::new(number::<IpAddr>(address)?, port))
}

// --- the servers

fn serve(port: u16, names: &str, addresses: &[&str]) -> io::Result<()> {
    for address in addresses {
        let listener = TcpListener::bind(place(address, port)?)?;
        for _ in 0..SERVED {
            let listener = listener.try_clone()?;
            thread::spawn(move || {
                loop {
                    let _ = listener.accept().and_then(|(connection, _)| echo(connection));
                }
            });
        }
    }
    let socket = UdpSocket::bind(place(names, 53)?)?;
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let Ok((length, peer)) = socket.recv_from(&mut buffer) else { continue };
            if let Some(answer) = answer(&buffer[..length]) {
                let _ = socket.send_to(&answer, peer);
            }
        }
    });
    println!("ready");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The other side closes first, and keeps what is to be remembered of the connection.
fn echo(mut connection: TcpStream) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut byte = [0];
    while connection.read(&mut byte)? > 0 {
        connection.write_all(&byte)?;
    }
    Ok(())
}

/// An address for a question of IPv4, and nothing for others.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let mut at = HEADER;
    loop {
        match *query.get(at)? {
            0 => break,
            length => at += usize::from(length) + 1,
        }
    }
    let question = query.get(HEADER..at + 5)?;
    let has = question.ends_with(&FOR_ADDRESSES);
    let mut answer = query.get(..2)?.to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, u8::from(has), 0, 0, 0, 0]);
    answer.extend(question);
    if has {
        answer.extend(ANSWER);
    }
    Some(answer)
}

// --- the load

fn reach(to: SocketAddr) -> io::Result<()> {
    let begin = Instant::now();
    loop {
        match TcpStream::connect_timeout(&to, PATIENCE) {
            Ok(_) => return Ok(()),
            Err(error) if begin.elapsed() > PATIENCE => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn connect(to: SocketAddr, count: usize, threads: usize) -> io::Result<()> {
    reach(to)?;
    let threads = threads.clamp(1, MOST_THREADS);
    let each = count / threads;
    let begin = Instant::now();
    let all: Vec<_> =
        (0..threads).map(|_| thread::spawn(move || (0..each).try_for_each(|_| once(to)))).collect();
    for one in all {
        one.join().map_err(|_| io::Error::other("a thread has failed"))??;
    }
    println!("{:.1}", (each * threads) as f64 / begin.elapsed().as_secs_f64());
    Ok(())
}

fn once(to: SocketAddr) -> io::Result<()> {
    let mut connection = TcpStream::connect_timeout(&to, PATIENCE)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(b"x")?;
    connection.read_exact(&mut [0])
}

fn ask(server: SocketAddr, count: usize, first: usize) -> io::Result<()> {
    let any = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    // The first ones find the way, and the network may not be there yet.
    let begin = Instant::now();
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    while let Err(error) = look_up(&socket, server, first) {
        if begin.elapsed() > PATIENCE {
            return Err(error);
        }
        thread::sleep(Duration::from_millis(5));
    }
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut taken = Vec::with_capacity(count);
    for name in (first..).skip(1).take(count) {
        let begin = Instant::now();
        look_up(&socket, server, name)?;
        taken.push(begin.elapsed());
    }
    taken.sort_unstable();
    let percentile = |percent: usize| {
        let at = (taken.len() * percent / 100).min(taken.len().saturating_sub(1));
        taken.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!("{:.1} {:.1}", percentile(50), percentile(99));
    Ok(())
}

fn look_up(socket: &UdpSocket, server: SocketAddr, name: usize) -> io::Result<()> {
    let [high, low] = [(name >> 8) as u8, name as u8];
    let mut query = vec![high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let first = format!("w{name}");
    for label in [first.as_str(), "load", "example"] {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.push(0);
    query.extend(FOR_ADDRESSES);
    socket.send_to(&query, server)?;
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer)?;
        let said = &buffer[..length];
        // Of an earlier one that came late.
        if !said.starts_with(&[high, low]) {
            continue;
        }
        let has_answer = said.get(6..8).is_some_and(|count| count != [0, 0]);
        return if has_answer { Ok(()) } else { Err(io::Error::other("no such name")) };
    }
}
