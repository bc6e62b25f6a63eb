//! What the program is to do: the supervisor's first line, and the descriptors that came with it.

use crate::nameservers::{Conf, Nameservers};
use crate::walls::{Generation, Table};
use arkose_profile::net::Rules;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// The host's nameservers and names, unless others are named.
const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";

/// What a descriptor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A socket at which apps ask by packets.
    Udp,
    /// A socket at which apps ask on connections.
    Tcp,
    /// A socket that tells of packets which were held back or refused.
    Nflog,
    /// A socket by which the tables of the kernel are changed.
    Nfnetlink,
    /// A socket to root's helper, who changes them.
    Steering,
}

/// How the supervisor says it.
#[derive(Deserialize)]
struct Line {
    /// What each descriptor is for, in their order.
    descriptors: Vec<Role>,
    rules: Rules,
    /// The addresses by which this computer is reached.
    #[serde(default)]
    host: Vec<IpAddr>,
    /// The number of the rules that are enforced already.
    generation: Generation,
    resolv_conf: Option<PathBuf>,
    hosts: Option<PathBuf>,
    /// Servers in the place of those in the file.
    nameservers: Option<Vec<SocketAddr>>,
    /// How long one of these has to answer, in milliseconds, and how often it is asked.
    timeout: Option<u64>,
    attempts: Option<u32>,
}

/// Sorted descriptors.
#[derive(Debug, Default)]
pub struct Descriptors {
    /// Where apps ask by packets.
    pub udp: Vec<OwnedFd>,
    /// Where apps ask on connections.
    pub tcp: Vec<OwnedFd>,
    /// What tells of packets.
    pub nflog: Option<OwnedFd>,
    /// What changes the tables.
    pub nfnetlink: Option<OwnedFd>,
    /// Who changes them.
    pub steering: Option<OwnedFd>,
}

/// All of it.
#[derive(Debug)]
pub struct Setup {
    /// What was given.
    pub descriptors: Descriptors,
    /// The rules, which are enforced already.
    pub table: Table,
    /// Whom to ask.
    pub nameservers: Nameservers,
    /// What the host knows by itself.
    pub hosts: PathBuf,
}

/// Why a setup cannot be used.
#[derive(Debug, Error)]
pub enum BadSetup {
    /// The line.
    #[error("the first line is not what a supervisor says: {0}")]
    Line(#[from] serde_json::Error),
    /// The descriptors.
    #[error("the first line names {0} descriptors, and {1} came with it")]
    Descriptors(usize, usize),
}

impl Setup {
    /// Reads the supervisor's line.
    ///
    /// # Errors
    /// When it is none, or the descriptors are not those that it names.
    pub fn from_line(line: &[u8], fds: Vec<OwnedFd>) -> Result<Self, BadSetup> {
        let line: Line = serde_json::from_slice(line)?;
        if line.descriptors.len() != fds.len() {
            return Err(BadSetup::Descriptors(line.descriptors.len(), fds.len()));
        }
        let mut descriptors = Descriptors::default();
        for (role, fd) in line.descriptors.into_iter().zip(fds) {
            match role {
                Role::Udp => descriptors.udp.push(fd),
                Role::Tcp => descriptors.tcp.push(fd),
                Role::Nflog => descriptors.nflog = Some(fd),
                Role::Nfnetlink => descriptors.nfnetlink = Some(fd),
                Role::Steering => descriptors.steering = Some(fd),
            }
        }
        let nameservers = match line.nameservers {
            Some(servers) => {
                let conf = Conf { servers, ..Conf::default() };
                let timeout = line.timeout.map_or(conf.timeout, Duration::from_millis);
                let attempts = line.attempts.unwrap_or(conf.attempts);
                Nameservers::fixed(Conf { timeout, attempts, ..conf })
            }
            None => {
                let path = line.resolv_conf.unwrap_or_else(|| PathBuf::from(RESOLV_CONF));
                Nameservers::in_file(path)
            }
        };
        Ok(Self {
            descriptors,
            table: Table { rules: line.rules, host: line.host, generation: line.generation },
            nameservers,
            hosts: line.hosts.unwrap_or_else(|| PathBuf::from(HOSTS)),
        })
    }
}
