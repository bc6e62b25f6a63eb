//! What the first process of a sandbox opens in its network namespace for those outside: they can use it
//! there without ever being in it.

use super::control::Control;
use super::nflog::Log;
use super::nft::BATCH;
use super::socket::Netlink;
use crate::error::{Context as _, Result};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::netlink::NETFILTER;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::process::Gid;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

/// The port at which a resolver listens.
const DNS: u16 = 53;

/// How many connections wait until they are accepted.
const WAITING: i32 = 64;

/// The sockets of a resolver at the loopback address of one family.
#[derive(Debug)]
pub struct Dns {
    /// For datagrams, bound.
    pub udp: OwnedFd,
    /// For streams, bound and listening.
    pub tcp: OwnedFd,
}

/// What was opened. All of it is closed when another program is started.
#[derive(Debug)]
pub struct Opened {
    /// Loads rules.
    pub control: Control<OwnedFd>,
    /// Hears what they hold back.
    pub log: Log<OwnedFd>,
    /// At 127.0.0.1.
    pub dns4: Dns,
    /// At ::1, unless this machine has no IPv6.
    pub dns6: Option<Dns>,
    /// The network namespace.
    pub network: OwnedFd,
    /// The user namespace.
    pub user: OwnedFd,
}

/// Opens all of it in the namespaces that this process is in, which needs the rights of their root. The
/// loopback interface must be up, and `/proc` be one in which this process is.
///
/// # Errors
/// What could not be opened.
pub fn open() -> Result<Opened> {
    let message = "the sandbox's resolver cannot be reached";
    let dns6 = match dns(Ipv6Addr::LOCALHOST.into()) {
        Ok(dns) => Some(dns),
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => None,
        Err(errno) => return Err(errno).context(message),
    };
    Ok(Opened {
        control: open_control()?,
        log: Log::open()?,
        dns4: dns(Ipv4Addr::LOCALHOST.into()).context(message)?,
        dns6,
        network: namespace("/proc/self/ns/net")?,
        user: namespace("/proc/self/ns/user")?,
    })
}

/// Opens the socket over which rules are loaded into the network namespace that this process is in.
///
/// # Errors
/// When the kernel has none.
pub fn open_control() -> Result<Control<OwnedFd>> {
    let control = Netlink::open(Some(NETFILTER), 0);
    let control = control.context("this kernel has no rules for the network (nfnetlink)")?;
    // As much as the machine allows, should it give less from the beginning.
    let _ = sockopt::set_socket_send_buffer_size(control.fd(), BATCH);
    Ok(Control::new(control.into_fd()))
}

fn dns(address: IpAddr) -> Result<Dns, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let address = SocketAddr::new(address, DNS);
    // Without SO_REUSEADDR and SO_REUSEPORT: nobody else can listen there.
    let socket = |kind| rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None);
    let udp = socket(SocketType::DGRAM)?;
    rustix::net::bind(&udp, &address)?;
    let tcp = socket(SocketType::STREAM)?;
    rustix::net::bind(&tcp, &address)?;
    rustix::net::listen(&tcp, WAITING)?;
    Ok(Dns { udp, tcp })
}

fn namespace(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
        .context("the sandbox's namespaces cannot be opened")
}

/// Lets those in a group send echo requests, as `ping` does, in this network namespace: without that,
/// only who may send any packet could. Where they go is up to the rules.
///
/// # Errors
/// When this process has no right to it.
pub fn allow_echo(group: Gid) -> Result<()> {
    set("ipv4/ping_group_range", &format!("{0} {0}", group.as_raw()))
        .context("echo requests cannot be allowed")
}

/// Has links that come take no address from what a router announces: they are given theirs. What carries the
/// packets of an app may know it by one alone.
///
/// # Errors
/// When this process has no right to it.
pub fn ignore_routers() -> Result<()> {
    match set("ipv6/conf/default/accept_ra", "0") {
        // A machine without IPv6.
        Err(Errno::NOENT) => Ok(()),
        done => done.context("announcements of routers cannot be ignored"),
    }
}

/// Sets a variable of this network namespace.
fn set(variable: &str, value: &str) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let path = format!("/proc/sys/net/{variable}");
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
    rustix::io::write(&file, value.as_bytes()).map(drop)
}
