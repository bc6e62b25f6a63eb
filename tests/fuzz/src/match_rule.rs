//! A match rule of D-Bus.

use arkose_dbus_proxy::matchrule::MatchRule;

/// Tries one rule.
pub fn try_one(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(rule) = MatchRule::parse(text) else { return };
    let written = rule.to_string();
    // Within quotes it is a text as others are.
    let unescaped = written.replace(r"'\''", "");
    let keys: String = unescaped.split('\'').step_by(2).collect();
    assert!(!keys.contains("eavesdrop="), "{written}");
    let again = MatchRule::parse(&written).expect("what was written is a rule");
    assert_eq!(again, rule, "{written}");
    assert_eq!(again.to_string(), written);
}
