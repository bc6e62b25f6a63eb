//! Sockets, by path, by abstract name, and of the network.

use super::Tried;
use crate::calls;
use crate::trial::Found;
use nix::errno::Errno;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::path::Path;
use std::time::Duration;

/// How long an answer may take that comes at once where it comes.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn path(path: &Path) -> Tried {
    connect(&UnixAddr::from_pathname(path)?).map(|_| Found::text(""))
}

pub(super) fn abstract_name(name: &str) -> Tried {
    connect(&UnixAddr::from_abstract_name(name)?).map(|_| Found::text(""))
}

fn connect(address: &UnixAddr) -> Result<UnixStream, Found> {
    let stream = UnixStream::connect_addr(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Connects to a socket that answers.
pub(super) fn dialogue(path: &Path) -> Result<UnixStream, Found> {
    connect(&UnixAddr::from_pathname(path)?)
}

pub(super) fn tcp(address: &SocketAddr) -> Tried {
    TcpStream::connect_timeout(address, PATIENCE)?;
    Ok(Found::text(""))
}

pub(super) fn udp(address: &SocketAddr, text: &str) -> Tried {
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    UdpSocket::bind(any)?.send_to(text.as_bytes(), address)?;
    Ok(Found::text(""))
}

pub(super) fn loopback(address: &SocketAddr) -> Tried {
    let listener = TcpListener::bind(address)?;
    let mut talker = TcpStream::connect_timeout(&listener.local_addr()?, PATIENCE)?;
    talker.write_all(b"x")?;
    let (mut heard, _) = listener.accept()?;
    heard.set_read_timeout(Some(PATIENCE))?;
    heard.read_exact(&mut [0])?;
    Ok(Found::text(""))
}

pub(super) fn family(family: i32, raw: bool) -> Tried {
    // What nix has no name for, such as AF_ALG on some machines, is asked for by its number.
    const STREAM: u64 = 1;
    const RAW: u64 = 3;
    let kind = if raw { RAW } else { STREAM };
    let family = u64::try_from(family).map_err(|_| Errno::EAFNOSUPPORT)?;
    let protocol = if raw { 1 } else { 0 };
    super::kernel::call(calls::SOCKET, &[family, kind, protocol])
}

pub(super) fn interfaces() -> Tried {
    let table = std::fs::read_to_string("/proc/net/dev")?;
    let names = table.lines().filter_map(|line| line.split_once(':'));
    Ok(Found::names(names.map(|(name, _)| name.trim().to_owned())))
}
