//! The lines of `dbusproxy`: `direction;interface;path;member`, and the rules that say the same.
//!
//! `outgoing` is from the app and becomes a `call`, `incoming` is to it and becomes a `broadcast`,
//! both of the name `*`: the original did not look at names. Of its globs only those are understood
//! that can be said exactly; what would come out wider is left out.

use crate::bus::{Access, Filter, Method, NamePattern, PathPattern, Rule, TextPattern};

/// Why a line makes no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It has not four parts, or no direction.
    NoLine,
    /// It means something that no rule says.
    NoRule,
}

/// What each line comes to, in their order. A line may be part of another's rule: what is below a path
/// (`/a/*`) is a rule only together with the path itself (`/a`).
pub(super) fn rules(lines: &[&str]) -> Vec<Result<Rule, Trouble>> {
    let parts: Vec<_> = lines.iter().map(|line| split(line)).collect();
    let has = |wanted: &Line<'_>| parts.iter().flatten().any(|line| line == wanted);
    let judge = |line: &Line<'_>| match line.path.strip_suffix("/*") {
        Some("") => rule(line, PathPattern::Any),
        Some(top) if has(&Line { path: top, ..*line }) => {
            let below = rule(line, PathPattern::Exact(top.to_owned()))?;
            let filter = Filter { path: PathPattern::Below(top.to_owned()), ..below.filter };
            Ok(Rule { filter, ..below })
        }
        Some(_) => Err(Trouble::NoRule),
        None if line.path == "*" => rule(line, PathPattern::Any),
        None => {
            let below = format!("{}/*", line.path);
            let path = if line.path != "/" && has(&Line { path: &below, ..*line }) {
                PathPattern::Below(line.path.to_owned())
            } else {
                PathPattern::Exact(line.path.to_owned())
            };
            rule(line, path)
        }
    };
    parts.iter().map(|line| line.as_ref().map_err(|trouble| *trouble).and_then(judge)).collect()
}

/// The lines that say what a rule of a list says; `None` when there are none.
pub(super) fn lines(access: Access, text: &str) -> Option<Vec<String>> {
    let rule = Rule::parse(access, text).ok()?;
    let direction = match access {
        Access::Call => "outgoing",
        Access::Broadcast => "incoming",
        Access::See | Access::Talk | Access::Own | Access::Ask | Access::Deny => return None,
    };
    if rule.name != NamePattern::Any || rule.filter.arg0 != TextPattern::Any {
        return None;
    }
    let (interface, member) = match &rule.filter.method {
        Method::Any => ("*", "*"),
        Method::Interface(interface) => (interface.as_str(), "*"),
        Method::Member { interface, member } => (interface.as_str(), member.as_str()),
    };
    let line = |path: &str| format!("{direction};{interface};{path};{member}");
    Some(match &rule.filter.path {
        PathPattern::Any => vec![line("*")],
        PathPattern::Below(top) if top == "/" => vec![line("*")],
        PathPattern::Below(top) => vec![line(top), line(&format!("{top}/*"))],
        PathPattern::Exact(path) => vec![line(path)],
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Line<'a> {
    access: Access,
    interface: &'a str,
    path: &'a str,
    member: &'a str,
}

fn split(line: &str) -> Result<Line<'_>, Trouble> {
    let mut parts = line.split(';').map(str::trim);
    let mut next = || parts.next().ok_or(Trouble::NoLine);
    let (direction, interface, path, member) = (next()?, next()?, next()?, next()?);
    let access = match direction {
        "outgoing" => Access::Call,
        "incoming" => Access::Broadcast,
        _ => return Err(Trouble::NoLine),
    };
    let whole = parts.next().is_none();
    if whole { Ok(Line { access, interface, path, member }) } else { Err(Trouble::NoLine) }
}

/// The rule of a line whose path is understood already. That its parts are names is seen by reading
/// the rule as a profile would have it.
fn rule(line: &Line<'_>, path: PathPattern) -> Result<Rule, Trouble> {
    let method = match (line.interface, line.member) {
        ("*", "*") => Method::Any,
        // A method of whatever interface.
        ("*", _) => return Err(Trouble::NoRule),
        (interface, "*") => Method::Interface(interface.to_owned()),
        (interface, member) => {
            Method::Member { interface: interface.to_owned(), member: member.to_owned() }
        }
    };
    let filter = Filter { path, method, arg0: TextPattern::Any };
    let made = Rule { access: line.access, name: NamePattern::Any, filter };
    match Rule::parse(line.access, &made.to_string()) {
        Ok(read) if read == made => Ok(made),
        _ => Err(Trouble::NoRule),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(all: &[&str]) -> Vec<Result<String, Trouble>> {
        let told = |rule: Rule| format!("{} {rule}", rule.access);
        rules(all).into_iter().map(|rule| rule.map(told)).collect()
    }

    #[test]
    fn lines_are_rules_and_rules_are_lines() {
        for (line, rule) in [
            ("outgoing;*;*;*", "call *=*"),
            ("incoming;org.a.I;*;*", "broadcast *=org.a.I.*"),
            ("outgoing;org.a.I;/p;M", "call *=org.a.I.M@/p"),
            ("incoming;*;/;*", "broadcast *=*@/"),
        ] {
            assert_eq!(told(&[line]), [Ok(rule.to_owned())]);
            let (access, text) = rule.split_once(' ').unwrap();
            let written = lines(Access::parse(access).unwrap(), text);
            assert_eq!(written, Some(vec![line.to_owned()]));
        }
        let below = ["outgoing;org.a.I;/p;*", "outgoing;org.a.I;/p/*;*"];
        let rule = || Ok("call *=org.a.I.*@/p/*".to_owned());
        assert_eq!(told(&below), [rule(), rule()]);
        assert_eq!(
            lines(Access::Call, "*=org.a.I.*@/p/*"),
            Some(below.map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn nothing_comes_out_wider() {
        for line in [
            "outgoing;org.a.*;*;*",
            "outgoing;org.a.I;*;Get*",
            "outgoing;*;*;Get",
            "outgoing;org.a.I;/p/*;*",
            "outgoing;org.a.I;/p*;*",
            "outgoing;org.a.I;/[ab];*",
            "outgoing;org.a.?;*;*",
            "outgoing;;;",
            "outgoing;org.a.I;/p arg0=x;M",
            "outgoing;org.a.I;*;M arg0=x",
        ] {
            assert_eq!(told(&[line]), [Err(Trouble::NoRule)], "{line}");
        }
        for line in ["", "outgoing", "both;*;*;*", "outgoing;*;*;*;*", "outgoing;*;*"] {
            assert_eq!(told(&[line]), [Err(Trouble::NoLine)], "{line}");
        }
        for (access, text) in [
            (Access::Call, "org.a.B=*"),
            (Access::Call, "*=* arg0=x"),
            (Access::Talk, "*"),
            (Access::Ask, "*=*"),
        ] {
            assert_eq!(lines(access, text), None, "{text}");
        }
    }
}
