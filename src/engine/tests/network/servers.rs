//! Servers of the world: whatever comes to one of its addresses and ports is sent back.

use rustix::event::{PollFd, PollFlags};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

/// How much later.
const LATER: Duration = Duration::from_millis(300);

/// Serves these ports at these addresses, until the process ends.
pub(crate) fn serve(addresses: &[IpAddr], ports: &[u16]) {
    // It takes both families.
    let tcp = ports.iter().map(|port| TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)).unwrap());
    let pairs = addresses.iter().flat_map(|address| ports.iter().map(|port| (*address, *port)));
    // One that is bound to an address answers from it.
    let udp = pairs.map(|pair| UdpSocket::bind(pair).unwrap()).collect();
    serve_sockets(tcp.collect(), udp);
}

/// Serves sockets that are open.
pub(crate) fn serve_sockets(tcp: Vec<TcpListener>, udp: Vec<UdpSocket>) {
    for listener in tcp {
        thread::spawn(move || {
            listener.incoming().for_each(|stream| {
                thread::spawn(move || send_back(stream.unwrap()));
            });
        });
    }
    thread::spawn(move || send_datagrams_back(&udp));
}

/// A byte 0 comes back later.
fn send_back(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        if buffer[0] == 0 {
            // What is heard next waits for an answer that was held back.
            thread::sleep(LATER);
        }
        if stream.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
}

fn send_datagrams_back(sockets: &[UdpSocket]) {
    let mut buffer = vec![0; 65536];
    loop {
        let mut fds: Vec<_> = sockets.iter().map(|one| PollFd::new(one, PollFlags::IN)).collect();
        rustix::event::poll(&mut fds, None).unwrap();
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (socket, _) in sockets.iter().zip(ready).filter(|(_, ready)| *ready) {
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    }
}
