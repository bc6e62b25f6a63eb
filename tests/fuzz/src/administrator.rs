//! The administrator's file: what is wrong has a place, and what is understood judges any policy.

use super::{context, profile::told};
use arkose_admin::{Rules, Whom};
use arkose_profile::{Policy, Profile};

/// Tries one file.
pub fn try_one(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let rules = match Rules::parse(text) {
        Ok(rules) => rules,
        Err(errors) => return told(text, &errors),
    };
    for uid in [0, 1001, u32::MAX - 1] {
        // Nobody's home is known by the last one, and a file that names it is refused for them.
        let Ok(caps) = rules.caps(&Whom { uid, gid: uid, groups: vec![100] }) else { continue };
        let mut policy = policy();
        for denied in caps.judge(&policy, None) {
            let sentence = denied.message().to_string();
            assert!(!sentence.contains(char::is_control), "{sentence:?}");
        }
        caps.limit(&mut policy);
        let once = policy.clone();
        caps.limit(&mut policy);
        assert_eq!(policy, once, "what was limited changes when it is limited again");
    }
}

/// A policy with what an administrator may not want.
fn policy() -> Policy {
    let text = "dbus = 'both'\nnetwork = 'filtered'\nxserver = 'direct'\ndevices = ['video', '/dev/null']\n\
                user-namespaces = true\n[files]\nhome = 'direct'\nbind = ['~/a', '/srv', '/etc/shadow']\n";
    let layer =
        arkose_profile::Layer::parse(text, arkose_profile::Origin::Launch).expect("it is valid");
    Profile::new("ann", vec![layer]).policy(&context()).expect("it is valid")
}
