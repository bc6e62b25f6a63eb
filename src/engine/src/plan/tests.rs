//! What plans come to, on made-up hosts.

use super::{Plan, Step, Way, make};
use crate::error::Result;
use crate::host::{Entry, EntryKind, Host, Mount, below};
use arkose_profile::{
    AbsPath, Access, DBus, Device, Home, Limits, Network, PathRule, Policy, Root, RunAs, Wayland,
    XServer,
};
use arkose_protocol::{Bytes, HostNetwork, Request, VERSION};
use std::collections::BTreeMap;

fn path(text: &str) -> AbsPath {
    AbsPath::new(text).unwrap()
}

/// A host with a merged `/usr`, the mounts given, and the devices given.
struct Machine {
    mounts: Vec<Mount>,
    entries: BTreeMap<AbsPath, Vec<Entry>>,
    /// A symbolic link, and where it leads.
    link: Option<(AbsPath, AbsPath)>,
}

impl Machine {
    fn new(mounts: &[(&str, &str)]) -> Self {
        let directory = |name: &str| Entry { name: name.into(), kind: EntryKind::Directory };
        let link =
            |name: &str, to: &str| Entry { name: name.into(), kind: EntryKind::Symlink(to.into()) };
        let file = |name: &str| Entry { name: name.into(), kind: EntryKind::File };
        let entries = BTreeMap::from([
            (
                path("/"),
                vec![
                    link("bin", "usr/bin"),
                    directory("usr"),
                    directory("etc"),
                    directory("var"),
                    directory("home"),
                    directory("proc"),
                    directory("tmp"),
                    directory("mnt"),
                    file("swapfile"),
                ],
            ),
            (
                path("/var"),
                vec![directory("lib"), directory("log"), link("run", "/run"), file("note")],
            ),
            (
                path("/dev"),
                vec![
                    file("null"),
                    file("video0"),
                    file("video1"),
                    file("videotape"),
                    directory("snd"),
                    file("sda"),
                ],
            ),
        ]);
        let mounts = mounts
            .iter()
            .map(|(point, kind)| Mount {
                point: path(point),
                kind: (*kind).to_owned(),
                device: String::new(),
                root: "/".into(),
            })
            .collect();
        Self { mounts, entries, link: None }
    }
}

impl Host for Machine {
    fn entries(&self, directory: &AbsPath) -> Vec<Entry> {
        self.entries.get(directory).cloned().unwrap_or_default()
    }

    fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    fn exists(&self, path: &AbsPath) -> bool {
        self.entries.iter().any(|(dir, entries)| {
            entries.iter().any(|entry| below(dir, &entry.name).as_ref() == Some(path))
        })
    }

    fn canonical(&self, path: &AbsPath) -> Option<AbsPath> {
        let (from, to) = self.link.as_ref()?;
        let rest = path.as_path().strip_prefix(from).ok()?;
        Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest).unwrap() })
    }

    fn elsewhere(&self, place: &AbsPath) -> Vec<AbsPath> {
        (*place == path("/var/home")).then(|| path("/sysroot/var/home")).into_iter().collect()
    }
}

fn request() -> Request {
    Request {
        version: VERSION,
        policy: Policy {
            runas: RunAs::User,
            network: Network::None,
            network_rules: arkose_profile::net::Rules::default(),
            zone: None,
            xserver: XServer::None,
            wayland: Wayland::None,
            dbus: DBus::None,
            pulseaudio: false,
            devices: Vec::new(),
            root: Root::Cow,
            home: Home::Empty,
            paths: Vec::new(),
            environment: Vec::new(),
            walls: arkose_profile::Walls::Full,
            user_namespaces: false,
            buses: arkose_profile::bus::Buses::default(),
            denied_calls: Vec::new(),
            cow_size: 0,
            limits: Limits::NONE,
        },
        argv: vec![Bytes(b"true".to_vec())],
        env: Vec::new(),
        cwd: None,
        hostname: "inside".to_owned(),
        home: arkose_protocol::Home { path: path("/home/u"), private: None },
        mounts: Vec::new(),
        files: Vec::new(),
        hidden: Vec::new(),
        terminal: None,
        host: HostNetwork::default(),
        linger: false,
    }
}

fn rule(access: Access, text: &str) -> PathRule {
    PathRule { access, path: path(text) }
}

fn plan(request: &Request, way: Way) -> Result<Plan> {
    plan_on(request, way, &[("/", "ext4")])
}

fn plan_on(request: &Request, way: Way, mounts: &[(&str, &str)]) -> Result<Plan> {
    make(request, &Machine::new(mounts), way, 1000)
}

/// Where overlays are, in their order.
fn overlays(plan: &Plan) -> Vec<String> {
    let dest = |step: &Step| match step {
        Step::Overlay { dest, .. } => Some(dest.to_string()),
        _ => None,
    };
    plan.steps.iter().filter_map(dest).collect()
}

#[test]
fn the_host_s_content_of_private_places_is_never_shown() {
    for way in [Way::User, Way::Helper] {
        for mode in [Root::Cow, Root::ReadOnly] {
            let mut request = request();
            request.policy.root = mode;
            let plan = plan(&request, way).unwrap();
            for step in &plan.steps {
                if let Step::Bind { source, .. } | Step::Overlay { lower: source, .. } = step {
                    for hidden in ["/home", "/proc", "/tmp", "/mnt", "/dev", "/run", "/root"] {
                        assert!(!path(hidden).contains(source), "{source} is shown");
                    }
                }
            }
        }
    }
}

#[test]
fn links_of_the_root_stay_links() {
    let plan = plan(&request(), Way::User).unwrap();
    let link = Step::Symlink { dest: path("/bin"), target: b"usr/bin".to_vec() };
    assert!(plan.steps.contains(&link));
}

#[test]
fn root_lays_one_overlay_over_each_file_system() {
    let mounts = [
        ("/", "ext4"),
        ("/var", "xfs"),
        ("/var/lib/x", "btrfs"),
        ("/var/lib/fuse", "fuse.sshfs"),
        ("/usr/cg", "cgroup2"),
    ];
    let plan = plan_on(&request(), Way::Helper, &mounts).unwrap();
    assert_eq!(overlays(&plan), ["/usr", "/etc", "/var", "/var/lib/x"]);
}

#[test]
fn a_user_composes_what_has_mounts_below_it() {
    let plan = plan_on(&request(), Way::User, &[("/", "ext4"), ("/var/log", "ext4")]).unwrap();
    assert_eq!(overlays(&plan), ["/usr", "/etc", "/var/lib", "/var/log"]);
    assert!(plan.steps.contains(&Step::Directory {
        dest: path("/var"),
        mode: 0o755,
        owned: false
    }));
    assert!(
        plan.steps.contains(&Step::Symlink { dest: path("/var/run"), target: b"/run".to_vec() })
    );
}

#[test]
fn rules_come_parents_first_and_the_home_before_a_rule_for_it() {
    let mut request = request();
    request.policy.paths = vec![
        rule(Access::Restrict, "/home/u/d/secret"),
        rule(Access::Bind, "/home/u/d"),
        rule(Access::BindReadOnly, "/home/u"),
        rule(Access::Cow, "/home"),
    ];
    let plan = plan(&request, Way::User).unwrap();
    let at = |wanted: &dyn Fn(&Step) -> bool| plan.steps.iter().position(wanted).unwrap();
    let order = [
        at(&|step| matches!(step, Step::Overlay { dest, .. } if *dest == path("/home"))),
        at(&|step| matches!(step, Step::Scratch { dest, .. } if *dest == path("/home/u"))),
        at(
            &|step| matches!(step, Step::Bind { dest, read_only: true, .. } if *dest == path("/home/u")),
        ),
        at(&|step| matches!(step, Step::Bind { dest, .. } if *dest == path("/home/u/d"))),
        at(&|step| matches!(step, Step::Hide { dest, .. } if *dest == path("/home/u/d/secret"))),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(plan.writable, [path("/home/u/d")]);
}

#[test]
fn what_is_the_sandbox_s_own_cannot_be_replaced() {
    for own in ["/", "/dev", "/dev/shm", "/proc/1", "/sys/fs", "/run", "/run/user"] {
        for access in [Access::Bind, Access::BindReadOnly, Access::Cow, Access::Restrict] {
            let mut request = request();
            request.policy.paths = vec![rule(access, own)];
            let error = plan(&request, Way::Helper).unwrap_err().to_string();
            assert!(error.contains(own), "{error}");
        }
        let mut request = request();
        request.home.path = path(own);
        assert!(plan(&request, Way::Helper).is_err(), "{own} as a home");
    }
}

#[test]
fn a_class_of_devices_is_what_the_machine_has_of_it() {
    let mut request = request();
    request.policy.devices = vec![
        Device::Class("video".to_owned()),
        Device::Class("kvm".to_owned()),
        Device::Path(path("/dev/snd/controlC0")),
        Device::Class("sound".to_owned()),
    ];
    let plan = plan(&request, Way::User).unwrap();
    let granted: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Device { path, number: None } => Some(path.to_string()),
            _ => None,
        })
        .collect();
    // A name that merely begins alike is granted with its class: only names tell what a node is.
    assert_eq!(granted, ["/dev/snd", "/dev/video0", "/dev/video1", "/dev/videotape"]);
}

#[test]
fn only_devices_are_granted_as_devices() {
    for wrong in ["/dev", "/etc/shadow", "/devices"] {
        let mut request = request();
        request.policy.devices = vec![Device::Path(path(wrong))];
        assert!(plan(&request, Way::Helper).is_err(), "{wrong}");
    }
}

#[test]
fn a_private_home_needs_its_directory() {
    let mut request = request();
    request.policy.home = Home::Private;
    assert!(plan(&request, Way::User).is_err());
    request.home.private = Some(arkose_protocol::PrivateHome {
        data: path("/home/u/.local/share/arkose"),
        path: path("/home/u/.local/share/arkose/homes/x"),
    });
    let plan = plan(&request, Way::User).unwrap();
    assert_eq!(plan.private_home, Some(path("/home/u")));
}

#[test]
fn a_home_behind_a_link_is_hidden_where_it_really_is() {
    let mut machine = Machine::new(&[("/", "ext4")]);
    machine.link = Some((path("/home"), path("/var/home")));
    let plan = make(&request(), &machine, Way::User, 1000).unwrap();
    for real in ["/var/home", "/var/home/u", "/sysroot/var/home"] {
        assert!(plan.steps.contains(&Step::Hide { dest: path(real), always: false }), "{real}");
    }
}

#[test]
fn services_cannot_replace_what_is_the_sandbox_s_own() {
    let mount = |source: &str, dest: &str| arkose_protocol::HostMount {
        source: path(source),
        dest: path(dest),
        read_only: false,
    };
    for wrong in
        [mount("/etc", "/dev"), mount("/etc", "/"), mount("/proc", "/mnt"), mount("/sys/x", "/mnt")]
    {
        let mut request = request();
        request.mounts = vec![wrong.clone()];
        assert!(plan(&request, Way::Helper).is_err(), "{wrong:?}");
    }
    let mut request = request();
    request.hidden = vec![path("/proc/sys")];
    assert!(plan(&request, Way::Helper).is_err());
}

#[test]
fn nothing_above_a_hidden_directory_can_be_moved_away() {
    let mut request = request();
    request.policy.home = Home::Direct;
    request.hidden = vec![path("/home/u/.config/arkose")];
    let plan = plan(&request, Way::User).unwrap();
    let at = |wanted: Step| plan.steps.iter().position(|step| *step == wanted).unwrap();
    let pinned = at(Step::Pin { dest: path("/home/u/.config") });
    assert!(pinned < at(Step::Hide { dest: path("/home/u/.config/arkose"), always: true }));
}

#[test]
fn the_system_s_own_places_are_made_before_a_user_has_a_say() {
    let mut request = request();
    request.policy.paths = vec![rule(Access::Bind, "/opt/mine")];
    let plan = plan(&request, Way::Helper).unwrap();
    let own = |step: &Step| {
        matches!(step, Step::Directory { .. } | Step::Symlink { .. } | Step::Device { .. })
    };
    let of_user = |step: &Step| matches!(step, Step::Bind { of_user: true, .. });
    let last = plan.steps.iter().rposition(own).unwrap();
    assert!(last < plan.steps.iter().position(of_user).unwrap());
}

#[test]
fn a_read_only_system_is_a_copy_for_root_inside() {
    let mut request = request();
    request.policy.runas = RunAs::Root;
    request.policy.root = Root::ReadOnly;
    let plan = plan(&request, Way::Helper).unwrap();
    let host = |step: &Step| matches!(step, Step::Bind { of_user: false, .. });
    assert!(!plan.steps.iter().any(host));
    let copy = |step: &&Step| matches!(step, Step::Overlay { read_only: true, .. });
    assert_eq!(plan.steps.iter().filter(copy).count(), 3);
}

#[test]
fn nothing_above_a_rule_can_be_moved_away_by_what_may_change_it() {
    let mut request = request();
    request.policy.paths = vec![
        rule(Access::Bind, "/w"),
        rule(Access::Restrict, "/w/a/b/keys"),
        rule(Access::BindReadOnly, "/w/a/b/other"),
    ];
    let plan = plan(&request, Way::User).unwrap();
    let pins: Vec<_> = plan.steps.iter().filter(|step| matches!(step, Step::Pin { .. })).collect();
    assert_eq!(pins, [&Step::Pin { dest: path("/w/a") }, &Step::Pin { dest: path("/w/a/b") }]);
}

#[test]
fn a_read_only_system_has_no_doors_where_services_may_have_them() {
    let mut request = request();
    request.policy.root = Root::ReadOnly;
    for way in [Way::User, Way::Helper] {
        let plan = plan(&request, way).unwrap();
        let shown = |name: &str| -> Vec<&Step> {
            let at = path(name);
            let about = |step: &&Step| match step {
                Step::Bind { dest, .. } | Step::Overlay { dest, .. } => *dest == at,
                _ => false,
            };
            plan.steps.iter().filter(about).collect()
        };
        assert!(matches!(shown("/usr")[..], [Step::Bind { read_only: true, .. }]), "{way:?}");
        assert!(matches!(shown("/var")[..], [Step::Overlay { read_only: true, .. }]), "{way:?}");
    }
}
