//! How each thing is tried.

mod bus;
mod devices;
mod files;
mod kernel;
mod process;
mod screen;
mod sockets;

use crate::trial::{Found, Trial};

/// What a step gave, or why it could not be done.
type Tried = Result<Found, Found>;

/// Tries it.
pub(crate) fn answer(trial: &Trial) -> Found {
    try_it(trial).unwrap_or_else(|refused| refused)
}

fn try_it(trial: &Trial) -> Tried {
    match trial {
        Trial::Read { path } => files::read(path),
        Trial::List { path } => files::list(path),
        Trial::Write { path } => files::write(path),
        Trial::Create { path } => files::create(path),
        Trial::Identity { path } => files::identity(path),
        Trial::Mounted { path } => files::mounted(path),
        Trial::Space { path } => files::space(path),
        Trial::Fill { path, bytes } => files::fill(path, *bytes),
        Trial::Node { path } => devices::node(path),
        Trial::OpenNode { path } => devices::open(path),
        Trial::Nodes => devices::nodes(),
        Trial::MakeNode { path } => devices::make(path),
        Trial::ConnectPath { path } => sockets::path(path),
        Trial::ConnectAbstract { name } => sockets::abstract_name(name),
        Trial::ConnectTcp { address } => sockets::tcp(address),
        Trial::SendUdp { address, text } => sockets::udp(address, text),
        Trial::Loopback { address } => sockets::loopback(address),
        Trial::Family { family, raw } => sockets::family(*family, *raw),
        Trial::Interfaces => sockets::interfaces(),
        Trial::Bus { path } => bus::greet(path),
        Trial::BusNames { path } => bus::names(path),
        Trial::BusPeer { path, service } => bus::peer(path, service),
        Trial::Screen { display } => screen::windows(display.as_deref()),
        Trial::Variables => process::variables(),
        Trial::Variable { name } => process::variable(name),
        Trial::Ids => process::ids(),
        Trial::Become { uid } => process::become_user(*uid),
        Trial::Status { field } => process::status(field),
        Trial::Namespace { kind } => process::namespace(kind),
        Trial::Signal { pid } => process::signal(*pid),
        Trial::Processes => process::processes(),
        Trial::Descriptors => process::descriptors(),
        Trial::Limit { name } => process::limit(name),
        Trial::Crowd { enough } => process::crowd(*enough),
        Trial::Home => files::home(),
        Trial::Hostname => process::hostname(),
        Trial::Unshare { flags } => kernel::unshare(*flags),
        Trial::Call { number, arguments } => kernel::call(*number, arguments),
        Trial::Terminal { request } => kernel::terminal(*request),
    }
}
