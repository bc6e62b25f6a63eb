//! The network of a running sandbox: `arkose rules`, and what `arkose info` says of where its app sends
//! something.

use crate::running::{meant, table};
use crate::say::{Failure, answer, answer_json, gettext, translated};
use arkose_profile::explain::{network_default, network_rule};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::net::{Change, Rule, Rules, Verdict};
use arkose_profile::text::visible;
use arkose_session::running::{Destination, Sum, Traffic};
use clap::ArgMatches;
use serde_json::{Value, json};
use std::ffi::OsString;

/// Prints the rules that hold for a running app, or changes them.
///
/// # Errors
/// When there is no such sandbox, its network is not filtered, or the rules cannot be changed so.
pub(crate) fn rules(matches: &ArgMatches) -> Result<u8, Failure> {
    let change = change(matches)?;
    let one = meant(matches)?;
    let failed = |error: arkose_session::running::NoAnswer| {
        let failure = Failure::new(&error.message());
        match error {
            arkose_session::running::NoAnswer::Missing(_) => {
                failure.mended_by(format!("arkose rules {}", one.facts.id))
            }
            _ => failure,
        }
    };
    let changes = !change.is_empty();
    if changes {
        one.change_rules(&change).map_err(failed)?;
    }
    if matches.get_flag("json") {
        return answer_json(&listed(&one.rules().map_err(failed)?)).map(|()| 0);
    }
    if !changes {
        answer(&told(&one.rules().map_err(failed)?))?;
    }
    Ok(0)
}

/// What is to change, as the options say.
fn change(matches: &ArgMatches) -> Result<Change, Failure> {
    let texts = |name: &str| {
        let all = matches.get_many::<OsString>(name).unwrap_or_default();
        all.map(|text| text.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let read = |name: &str, verdict| {
        let rules = texts(name).into_iter().map(|text| Rule::parse(verdict, &text));
        rules.collect::<Result<Vec<_>, _>>().map_err(|why| Failure::new(&why))
    };
    let mut change = Change { remove: read("remove", Verdict::Deny)?, ..Change::default() };
    for verdict in Verdict::ALL {
        change.add.extend(read(verdict.as_str(), verdict)?);
    }
    let default = matches.get_one::<String>("default");
    change.default = default.and_then(|word| Verdict::parse(word));
    Ok(change)
}

/// As a profile has them.
fn listed(rules: &Rules) -> Value {
    let of = |verdict: Verdict| {
        let rules = rules.list.iter().filter(|rule| rule.verdict == verdict);
        rules.map(ToString::to_string).collect::<Vec<_>>()
    };
    json!({
        "default": rules.default,
        "allow": of(Verdict::Allow),
        "deny": of(Verdict::Deny),
        "ask": of(Verdict::Ask),
    })
}

/// A sentence for each, in the order in which they decide, and its text.
fn told(rules: &Rules) -> String {
    let line = |(_, rule): &(_, &Rule)| {
        format!("{} ({} {rule})\n", translated(&network_rule(rule)), rule.verdict)
    };
    let lines: String = rules.ordered().iter().map(line).collect();
    let default = network_default(rules.default);
    format!("{lines}{} (default {})\n", gettext(default), rules.default)
}

/// What went where, as lines.
pub(crate) fn traffic(traffic: &Traffic) -> String {
    let headings = [
        N_("DESTINATION"),
        N_("PORT"),
        N_("FAMILY"),
        N_("SENT"),
        N_("RECEIVED"),
        N_("CONNECTIONS"),
    ];
    let mut rows = vec![headings.map(gettext)];
    let all = [("IPv4", traffic.families.ipv4), ("IPv6", traffic.families.ipv6)];
    rows.extend(all.map(|(family, sum)| row(gettext(N_("(all)")), "–".to_owned(), family, sum)));
    for one in &traffic.destinations {
        let families = [("IPv4", one.families.ipv4), ("IPv6", one.families.ipv6)];
        let used = families.into_iter().filter(|(_, sum)| is_used(sum));
        rows.extend(used.map(|(family, sum)| row(name(one), port(one), family, sum)));
    }
    let mut text = format!("\n{}\n", gettext(N_("Network traffic")));
    text.extend(table(&rows).lines().map(|line| format!("  {line}\n")));
    if traffic.more > 0 {
        let more =
            Message::new(N_("other destinations: {count}")).with("count", traffic.more.to_string());
        text.push_str(&format!("  {}\n", translated(&more)));
    }
    text
}

fn row(name: String, port: String, family: &str, sum: Sum) -> [String; 6] {
    let connections = sum.connections.map_or("?".to_owned(), |count| count.to_string());
    [name, port, family.to_owned(), amount(sum.sent), amount(sum.received), connections]
}

fn is_used(sum: &Sum) -> bool {
    sum.both() > 0 || sum.connections.is_some_and(|count| count > 0)
}

/// The name that the app asked for, or the address.
fn name(one: &Destination) -> String {
    let address = || one.addresses.first().map(ToString::to_string).unwrap_or_default();
    one.name.as_ref().map_or_else(address, |name| visible(name.as_bytes()))
}

fn port(one: &Destination) -> String {
    let protocol = one.protocol;
    one.port.map_or_else(|| protocol.to_string(), |port| format!("{port}/{protocol}"))
}

/// Bytes, with three digits or so.
fn amount(bytes: u64) -> String {
    let units = ["", "K", "M", "G", "T"];
    let unit = (1..units.len()).rfind(|unit| bytes >> (10 * unit) > 0).unwrap_or(0);
    let (shift, name) = (10 * unit, units.get(unit).unwrap_or(&""));
    let whole = bytes >> shift;
    if unit == 0 || whole >= 100 {
        return format!("{whole}{name}");
    }
    let tenths = ((bytes & ((1 << shift) - 1)) * 10) >> shift;
    format!("{whole}.{tenths}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use arkose_profile::net::Protocol;
    use arkose_session::running::Families;

    #[test]
    fn amounts_are_for_people() {
        let all = [0, 1023, 1024, 1536, 200 << 10, (5 << 20) | (1 << 19), u64::MAX >> 4];
        assert_eq!(all.map(amount), ["0", "1023", "1.0K", "1.5K", "200K", "5.5M", "1048575T"]);
    }

    #[test]
    fn each_family_of_a_destination_is_a_line() {
        let sum = |sent, count| Sum { sent, received: 2 * sent, connections: Some(count) };
        let families = Families { ipv4: sum(2048, 1), ipv6: sum(0, 0) };
        let one = Destination {
            name: Some("a\u{1b}.example".to_owned()),
            addresses: vec!["192.0.2.1".parse().unwrap()],
            protocol: Protocol::Tcp,
            port: Some(443),
            families,
        };
        let both = Families { ipv6: sum(10, 0), ..families };
        let other = Destination { name: None, port: None, families: both, ..one.clone() };
        let all = Traffic { families: both, destinations: vec![one, other], more: 3 };
        let text = traffic(&all);
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[3], ["(all)", "–", "IPv4", "2.0K", "4.0K", "1"]);
        assert_eq!(lines[5], ["a\\x1b.example", "443/tcp", "IPv4", "2.0K", "4.0K", "1"]);
        assert_eq!(lines[7], ["192.0.2.1", "tcp", "IPv6", "10", "20", "0"]);
        assert_eq!(lines[8].join(" "), "other destinations: 3");
    }
}
