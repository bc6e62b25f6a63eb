//! The names of system calls, and their numbers.
//!
//! A profile names calls; what crosses to the helper are numbers, so that the table of names stays out
//! of it.

use crate::policy::SystemCall;

/// A line a call: its name, its numbers on x86-64, i386 and aarch64.
const TABLE: &str = include_str!("calls.txt");

/// Every name.
pub fn names() -> impl Iterator<Item = &'static str> {
    lines().filter_map(|line| line.split(' ').next())
}

/// The call of that name; `None` when there is none on this machine.
#[must_use]
pub fn find(name: &str) -> Option<SystemCall> {
    let line = lines().find(|line| line.split(' ').next() == Some(name))?;
    let mut numbers = line.split(' ').skip(1).map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    let (x86_64, i386, aarch64) = (next(), next(), next());
    let call = if cfg!(target_arch = "x86_64") {
        SystemCall { here: x86_64, i386 }
    } else {
        SystemCall { here: aarch64, i386: None }
    };
    (call.here.is_some() || call.i386.is_some()).then_some(call)
}

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_numbers_are_theirs() {
        assert!(names().is_sorted() && names().count() > 400);
        #[cfg(target_arch = "x86_64")]
        {
            assert_eq!(find("openat"), Some(SystemCall { here: Some(257), i386: Some(295) }));
            assert_eq!(find("accept"), Some(SystemCall { here: Some(43), i386: None }));
            assert_eq!(find("socketcall"), Some(SystemCall { here: None, i386: Some(102) }));
        }
        assert_eq!(find("#"), None);
        assert_eq!(find("nothing"), None);
    }
}
