//! What `arkose explain` and the window say of what the administrator takes away.

use crate::caps::{Caps, Whom};
use crate::file::{PATH, Reader};
use crate::judge::{Action, Denied, judge};
use crate::keys::{DEVICES, Kind, NETWORK, OFF_LIMITS, ZONES, find};
use arkose_profile::explain::{Explanation, Line};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::options::Risk;
use arkose_profile::{AbsPath, Access, Context, Home, Origin, Policy, Profile, RunAs};

/// Explains a policy that came of this profile, with what the administrator takes away of it;
/// `translate` turns a message id into the language shown.
#[must_use]
pub fn explain(
    profile: &Profile,
    policy: &Policy,
    context: &Context,
    translate: &dyn Fn(&str) -> String,
) -> Explanation {
    let whole =
        |policy: &Policy| arkose_profile::explain::explain(profile, policy, context, translate);
    let say = |key, denied, message: &Message| Line {
        key,
        risk: Risk::Contained,
        can: false,
        text: message.translated(translate),
        origin: Origin::Administrator(PATH.into()),
        denied,
    };
    let rules = crate::read(Reader::User);
    let caps = rules.and_then(|rules| rules.map(|rules| rules.caps(&Whom::current())).transpose());
    let caps = match caps {
        Ok(Some(caps)) => caps,
        Ok(None) => {
            let denied = judge(None, policy, None);
            let said =
                denied.iter().map(|denied| say("network-rules.zone", true, denied.message()));
            return Explanation::of(said.chain(whole(policy).lines).collect());
        }
        Err(errors) => {
            let wrong = N_("Nothing is launched until an administrator mends {error}");
            let said = errors.0.iter().map(|error| {
                let error = error.translated(translate);
                say("", true, &Message::new(wrong).with("error", error))
            });
            return Explanation::of(said.chain(whole(policy).lines).collect());
        }
    };
    let mut limited = policy.clone();
    caps.limit(&mut limited);
    let denied = caps.denied(&limited, context);
    limited.devices.retain(|device| caps.may_ask_for(device));
    limited
        .paths
        .retain(|rule| rule.access == Access::Restrict || caps.judge_path(&rule.path).is_ok());
    let given = |key: &str| match key {
        "limits.cow-size" => limited.cow_size != policy.cow_size,
        "limits.memory" => limited.limits.memory != policy.limits.memory,
        "limits.processes" => limited.limits.processes != policy.limits.processes,
        _ => false,
    };
    let closed = caps.closed.iter().filter(|closed| closed.key == OFF_LIMITS);
    let hides = closed.clone().next().is_some();
    let mut lines: Vec<Line> =
        denied.iter().map(|(key, denied)| say(key, true, denied.message())).collect();
    for mut line in whole(&limited).lines {
        // What is not had for another reason than it was asked for is told above.
        if line.can && denied.iter().any(|(_, denied)| denied.is_all_of(line.key)) {
            continue;
        }
        if line.can && line.key == "files.restrict" && hides {
            // “No path is hidden” would not be true.
            continue;
        }
        if given(line.key) {
            line.origin = Origin::Administrator(PATH.into());
        }
        lines.push(line);
    }
    for closed in closed {
        let message = Message::new(N_("The app cannot reach {path}, whatever else it can."));
        lines.push(say("files.restrict", false, &message.with("path", &closed.shown)));
    }
    Explanation::of(lines)
}

impl Denied {
    /// Whether nothing of that option is left: it has one value, and is no list. Rules for a network
    /// that is not had come to nothing with it.
    fn is_all_of(&self, option: &str) -> bool {
        if self.key == NETWORK && option.starts_with("network-rules.") {
            return true;
        }
        if self.key == ZONES
            && ["network-rules.addresses", "network-rules.routers"].contains(&option)
        {
            return true;
        }
        let same = find(self.key).is_some_and(|key| key.option == option);
        let most = find(self.key).is_some_and(|key| matches!(key.kind, Kind::Size | Kind::Count));
        same && !most && self.key != DEVICES
    }
}

impl Caps {
    /// What is denied, by the option that asks for it; paths are judged by where they lead now.
    fn denied(&self, policy: &Policy, context: &Context) -> Vec<(&'static str, Denied)> {
        let action = (policy.runas == RunAs::Root).then_some(Action::Admin);
        let option = |denied: &Denied| find(denied.key).map(|key| key.option).unwrap_or_default();
        let judged = self.judge(policy, action).into_iter();
        let mut all: Vec<_> = judged.map(|denied| (option(&denied), denied)).collect();
        for (key, _) in all.iter_mut().filter(|(key, _)| key.is_empty()) {
            // Which action is asked for follows from it.
            *key = "runas";
        }
        let rules = policy.paths.iter().filter_map(|rule| {
            let key = match rule.access {
                Access::Bind => "files.bind",
                Access::BindReadOnly => "files.bind-read-only",
                Access::Cow => "files.cow",
                Access::Restrict => return None,
            };
            Some((key, &rule.path))
        });
        let home = matches!(policy.home, Home::Cow | Home::Direct).then_some(&context.home);
        for (key, path) in rules.chain(home.map(|home| ("files.home", home))) {
            all.extend(self.judge_path(path).err().map(|denied| (key, denied)));
        }
        all
    }

    fn judge_path(&self, path: &AbsPath) -> Result<(), Denied> {
        let real = path.as_path().canonicalize().ok().and_then(|real| AbsPath::new(real).ok());
        self.may_grant(real.as_ref().unwrap_or(path))
    }
}
