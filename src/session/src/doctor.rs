//! What this machine can do, what is missing, and the command that mends it.

use crate::host::Host;
use arkose_admin::{PATH, Reader, Whom};
use arkose_engine::limits::root_could_limit;
use arkose_profile::Errors;
use arkose_profile::Limits;
use arkose_profile::i18n::{Message, N_};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// A word for scripts.
    pub key: &'static str,
    /// What it is good for, a message id.
    pub purpose: &'static str,
    /// Whether it is there.
    pub present: bool,
    /// The command that mends it.
    pub remedy: Option<&'static str>,
    /// What does it, where there are several ways.
    pub means: Option<Means>,
}

/// What enforces a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A scope of the user's systemd manager.
    Systemd,
    /// A control group that root makes.
    Root,
    /// The count of a user namespace.
    Namespace,
}

impl Means {
    /// For programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Means::Systemd => "systemd",
            Means::Root => "root",
            Means::Namespace => "user-namespace",
        }
    }

    /// For people, a message id.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Means::Systemd => N_("by a scope of systemd's"),
            Means::Root => N_("by a control group that root makes"),
            Means::Namespace => N_("by the count of a user namespace"),
        }
    }
}

/// Everything that was looked at.
#[derive(Debug)]
pub struct Report {
    findings: Vec<Finding>,
    /// Whether the administrator limits what may be asked, or what is wrong with the file.
    limits: Result<bool, Errors>,
}

/// Looks at this machine; changes nothing.
#[must_use]
pub fn examine() -> Report {
    let host = Host::current();
    let has = |program: &str| host.program(program).is_some();
    let exists = |path: &str| Path::new(path).exists();
    let mut findings = vec![user_namespaces()];
    let mut add = |key, purpose, present, remedy| {
        findings.push(Finding { key, purpose, present, remedy: Some(remedy), means: None });
    };
    add(
        "overlayfs",
        N_("Copies of files whose changes are dropped"),
        file_systems().iter().any(|name| name == "overlay"),
        "sudo modprobe overlay",
    );
    add(
        "pkexec",
        N_("Sandboxes that root has to build"),
        crate::helper::pkexec().is_some(),
        "sudo apt install pkexec polkitd",
    );
    add(
        "helper",
        N_("The program that pkexec starts"),
        crate::helper::is_installed(),
        "sudo ./dev install",
    );
    add(
        "policy",
        N_("What polkit is told about it"),
        exists("/usr/share/polkit-1/actions/io.github.arkose.policy"),
        "sudo ./dev install",
    );
    add(
        "isolated-x",
        N_("An X server of the sandbox's own"),
        ["Xephyr", "xpra", "Xwayland"].into_iter().any(has),
        "sudo apt install xserver-xephyr",
    );
    add(
        "dbus-proxy",
        N_("Message buses by rules"),
        crate::installed::inner(crate::bus::PROXY).is_some(),
        "sudo ./dev install",
    );
    add(
        "filtered-network",
        N_("Networks by rules"),
        crate::network::has_uplink(),
        "sudo apt install passt",
    );
    add(
        "landlock-scopes",
        N_("Keeping a sandbox with the host's network from the host's abstract sockets"),
        keeps_abstract_sockets(),
        "a kernel of 6.12 or newer",
    );
    findings.extend(resources(&host));
    let limits = arkose_admin::read(Reader::User).and_then(|rules| {
        rules.map(|rules| rules.caps(&Whom::current())).transpose().map(|caps| caps.is_some())
    });
    Report { findings, limits }
}

/// Which limits can be had on what an app uses up, and by what.
fn resources(host: &Host) -> [Finding; 3] {
    let systemd = crate::limits::has_systemd(host).then_some(Means::Systemd);
    let finding = |key, purpose, limits: Limits, counted: Option<Means>| {
        let root = || root_could_limit(limits).then_some(Means::Root);
        let means = systemd.or(counted).or_else(root);
        let remedy = Some("sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup");
        Finding { key, purpose, present: means.is_some(), remedy, means }
    };
    // The kernel does not count the processes of root.
    let counted = (host.uid() != 0).then_some(Means::Namespace);
    let none = Limits::NONE;
    [
        finding("limit-memory", N_("A limit on memory"), Limits { memory: 1, ..none }, None),
        finding(
            "limit-processes",
            N_("A limit on the number of processes"),
            Limits { processes: 1, ..none },
            counted,
        ),
        finding(
            "limit-cpu-weight",
            N_("Another share of the processor"),
            Limits { cpu_weight: 1, ..none },
            None,
        ),
    ]
}

/// Whether a sandbox with the host's network is kept from the host's abstract sockets.
#[must_use]
pub fn keeps_abstract_sockets() -> bool {
    arkose_engine::has_scopes()
}

fn user_namespaces() -> Finding {
    let reads = |path: &str, value: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
    };
    let remedy = if reads("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        Some("sudo sysctl kernel.unprivileged_userns_clone=1")
    } else if reads("/proc/sys/user/max_user_namespaces", "0") {
        Some("sudo sysctl user.max_user_namespaces=10000")
    } else if reads("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        Some("sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0")
    } else {
        None
    };
    Finding {
        key: "user-namespaces",
        purpose: N_("Sandboxes that need no root"),
        present: remedy.is_none() && Path::new("/proc/self/ns/user").exists(),
        remedy,
        means: None,
    }
}

fn file_systems() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

impl Report {
    /// Whether a sandbox can be built in any way.
    #[must_use]
    pub fn can_launch(&self) -> bool {
        let has =
            |key: &str| self.findings.iter().any(|finding| finding.key == key && finding.present);
        self.limits.is_ok()
            && (has("user-namespaces") || (has("pkexec") && has("helper") && has("policy")))
    }

    /// As JSON: an object a finding.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let findings: Vec<Value> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "key": finding.key,
                    "present": finding.present,
                    "means": finding.means.map(Means::word),
                    "remedy": finding.remedy.filter(|_| !finding.present),
                })
            })
            .collect();
        let errors = match &self.limits {
            Ok(_) => Vec::new(),
            Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
        };
        let file = (self.limits != Ok(false)).then_some(PATH);
        json!({
            "can-launch": self.can_launch(),
            "findings": findings,
            "administrator": { "file": file, "errors": errors },
        })
    }

    /// As lines for people.
    #[must_use]
    pub fn to_text(&self, translate: &dyn Fn(&str) -> String) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let mark = if finding.present { "✓" } else { "✗" };
            let _ = write!(text, "{mark} {} ({})", translate(finding.purpose), finding.key);
            let means = finding.means.map(|means| format!(", {}", translate(means.title())));
            let _ = writeln!(text, "{}", means.unwrap_or_default());
            if let Some(remedy) = finding.remedy.filter(|_| !finding.present) {
                let _ = writeln!(text, "    {remedy}");
            }
        }
        let (mark, said) = match &self.limits {
            Ok(false) => ("✓", N_("The administrator limits nothing (there is no {file})")),
            Ok(true) => ("✓", N_("What the administrator allows ({file})")),
            Err(_) => (
                "✗",
                N_("What the administrator allows cannot be understood, and nothing is launched"),
            ),
        };
        let said = Message::new(said).with("file", PATH).translated(translate);
        let _ = writeln!(text, "{mark} {said}");
        for error in self.limits.as_ref().err().into_iter().flat_map(|errors| &errors.0) {
            let _ = writeln!(text, "    {}", error.translated(translate));
        }
        text
    }
}
