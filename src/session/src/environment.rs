//! The environment of the app, built from nothing: the few variables that every program expects,
//! what the granted services need, and what the policy names.

use crate::bus::leads_to;
use crate::host::Host;
use arkose_profile::{Home, Policy, RunAs, Wayland, XServer};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Where programs are, of root and of everybody else.
const ROOT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const USER_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

/// Who writes the settings of GTK apps, and tells of what others write.
const SETTINGS: &str = "ca.desrt.dconf";

/// Variables of the host that say how the user reads and writes, and nothing else.
const PASSED: [&str; 4] = ["LANG", "LANGUAGE", "TZ", "XDG_CURRENT_DESKTOP"];

/// `NAME=VALUE`, sorted by name.
pub(crate) fn build(
    host: &Host,
    policy: &Policy,
    home: &OsStr,
    uid: u32,
    terminal: bool,
    granted: &[(String, String)],
) -> Vec<Vec<u8>> {
    let mut vars: BTreeMap<OsString, OsString> = BTreeMap::new();
    for (name, value) in host.vars() {
        let locale = name.as_bytes().starts_with(b"LC_");
        if locale || PASSED.iter().any(|passed| OsStr::new(passed) == name) {
            vars.insert(name.into(), value.into());
        }
    }
    let mut set = |name: &str, value: &OsStr| {
        vars.insert(name.into(), value.into());
    };
    let as_root = policy.runas == RunAs::Root;
    set("PATH", search_path(host, policy));
    set("HOME", home);
    let user = host.var("USER").or_else(|| host.var("LOGNAME")).unwrap_or(OsStr::new("user"));
    let user = if as_root { OsStr::new("root") } else { user };
    set("USER", user);
    set("LOGNAME", user);
    set("SHELL", host.var("SHELL").unwrap_or(OsStr::new("/bin/sh")));
    set("XDG_RUNTIME_DIR", format!("/run/user/{uid}").as_ref());
    set("container", "arkose".as_ref());
    if terminal {
        for name in ["TERM", "COLORTERM"] {
            if let Some(value) = host.var(name) {
                set(name, value);
            }
        }
    }
    match (policy.wayland, policy.xserver) {
        (Wayland::Direct, _) => set("XDG_SESSION_TYPE", "wayland".as_ref()),
        (_, XServer::Isolated | XServer::Direct) => set("XDG_SESSION_TYPE", "x11".as_ref()),
        _ => {}
    }
    if !policy.dbus.session() {
        // A library that finds no address starts a bus of its own, which outlives the app.
        set("DBUS_SESSION_BUS_ADDRESS", "disabled:".as_ref());
    }
    if !policy.dbus.session() || !leads_to(&policy.buses, SETTINGS) {
        // Without that service the settings of GTK apps are kept in a file (flatpak does the same).
        set("GSETTINGS_BACKEND", "keyfile".as_ref());
    }
    if !policy.dbus.session() || policy.buses.accessibility.is_none() {
        // Toolkits look for the accessibility bus by way of the session's, and complain or wait.
        set("NO_AT_BRIDGE", "1".as_ref());
        set("GTK_A11Y", "none".as_ref());
    }
    for (name, value) in granted {
        set(name, value.as_ref());
    }
    for variable in &policy.environment {
        match (&variable.value, host.var(&variable.name)) {
            (Some(value), _) => set(&variable.name, value.as_ref()),
            (None, Some(value)) => set(&variable.name, value),
            (None, None) => {}
        }
    }
    vars.into_iter().map(|(name, value)| [name.into_vec(), value.into_vec()].join(&b'=')).collect()
}

/// The user's own search path where the user's own programs are, else the system's.
fn search_path<'a>(host: &'a Host, policy: &Policy) -> &'a OsStr {
    match (policy.runas, policy.home) {
        (RunAs::Root, _) => OsStr::new(ROOT_PATH),
        (RunAs::User, Home::Cow | Home::Direct) => {
            host.var("PATH").unwrap_or(OsStr::new(USER_PATH))
        }
        (RunAs::User, Home::Private | Home::Empty) => OsStr::new(USER_PATH),
    }
}
