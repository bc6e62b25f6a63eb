//! What is put on the host so that a trial means something: a door that is known to be open there.
//!
//! Everything is in a private place or without a name, and ends with this process, however it ends.

use crate::display::name::LocalDisplay;
use crate::display::screen::{connect, host_cookie};
use crate::error::Error;
use crate::host::Host;
use crate::runtime::{Runtime, new_id};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};
use std::path::PathBuf;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// What is there for the time of one `verify`.
#[derive(Debug)]
pub(crate) struct Witnesses {
    /// A name that nothing else has: part of every other one.
    pub(crate) name: String,
    /// Listeners on both loopback addresses, where the host has them.
    pub(crate) tcp: Vec<TcpListener>,
    /// Receivers on both.
    pub(crate) udp: Vec<UdpSocket>,
    /// A listening abstract socket of that name.
    pub(crate) abstract_socket: Option<UnixListener>,
    /// A file that only its owner may read, in the runtime directory.
    pub(crate) file: Option<PathBuf>,
    /// The host's X server, with a window of that name that is never shown.
    pub(crate) screen: Option<Window>,
    _runtime: Runtime,
}

/// A window that ends with its connection.
#[derive(Debug)]
pub(crate) struct Window {
    _connection: RustConnection,
}

impl Witnesses {
    /// Puts up what can be; what cannot be is not tried.
    pub(crate) fn new(host: &Host) -> Result<Self, Error> {
        let name = format!("arkose-verify-{}", new_id()?);
        let addresses = [
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
        let receiver = |address: &SocketAddr| {
            let socket = UdpSocket::bind(address).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some(socket)
        };
        let listen =
            |name: &str| UnixListener::bind_addr(&UnixAddr::from_abstract_name(name).ok()?).ok();
        let runtime = Runtime::new(host)?;
        Ok(Self {
            tcp: addresses.iter().filter_map(|address| TcpListener::bind(address).ok()).collect(),
            udp: addresses.iter().filter_map(receiver).collect(),
            abstract_socket: listen(&name),
            file: runtime.write("witness", 0o600, name.as_bytes()).ok(),
            screen: Window::new(host, &name),
            name,
            _runtime: runtime,
        })
    }

    /// The texts of all datagrams that have come.
    pub(crate) fn heard(&self) -> Vec<String> {
        let mut texts = Vec::new();
        let mut bytes = [0; 256];
        for socket in &self.udp {
            while let Ok((length, _)) = socket.recv_from(&mut bytes) {
                let text = bytes.get(..length).unwrap_or_default();
                texts.push(String::from_utf8_lossy(text).into_owned());
            }
        }
        texts
    }
}

impl Window {
    fn new(host: &Host, name: &str) -> Option<Self> {
        let display = LocalDisplay::of(host).ok()?;
        let cookie = host_cookie(host, display);
        let connection = connect(display.connect().ok()?, display.screen, cookie.as_ref()).ok()?;
        let root = connection.setup().roots.get(display.screen)?.root;
        let window = connection.generate_id().ok()?;
        let aux = CreateWindowAux::new();
        let class = WindowClass::INPUT_ONLY;
        connection.create_window(0, window, root, 0, 0, 1, 1, 0, class, 0, &aux).ok()?;
        let (property, kind) = (AtomEnum::WM_NAME, AtomEnum::STRING);
        connection
            .change_property8(PropMode::REPLACE, window, property, kind, name.as_bytes())
            .ok()?
            .check()
            .ok()?;
        Some(Self { _connection: connection })
    }
}
