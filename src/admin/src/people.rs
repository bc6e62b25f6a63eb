//! Users and groups of this machine, from the plain files of `/etc`: no name service is asked, for
//! what it answers may come from the network, and code of its own would run in the helper.

use arkose_profile::AbsPath;
use std::path::PathBuf;

/// `passwd(5)`: name, password, uid, gid, comment, home, shell.
const PASSWD: &str = "/etc/passwd";
/// `group(5)`: name, password, gid, members.
const GROUP: &str = "/etc/group";

/// The two files, each read when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct People {
    passwd: Option<String>,
    group: Option<String>,
}

impl People {
    /// The uid of that name.
    pub(crate) fn user(&mut self, name: &str) -> Option<u32> {
        number(self.passwd(), name)
    }

    /// The gid of that name.
    pub(crate) fn group(&mut self, name: &str) -> Option<u32> {
        number(self.groups(), name)
    }

    /// The names of all users.
    pub(crate) fn users(&mut self) -> Vec<&str> {
        names(self.passwd())
    }

    /// The names of all groups.
    pub(crate) fn group_names(&mut self) -> Vec<&str> {
        names(self.groups())
    }

    /// The home directory of the first user with that uid.
    pub(crate) fn home(&mut self, uid: u32) -> Option<AbsPath> {
        let uid = uid.to_string();
        let mut lines = self.passwd().lines().map(|line| line.split(':'));
        let home = lines.find_map(|mut fields| {
            (fields.nth(2) == Some(&uid)).then(|| fields.nth(2).unwrap_or_default())
        })?;
        AbsPath::new(PathBuf::from(home)).ok()
    }

    fn passwd(&mut self) -> &str {
        self.passwd.get_or_insert_with(|| read(PASSWD))
    }

    fn groups(&mut self) -> &str {
        self.group.get_or_insert_with(|| read(GROUP))
    }
}

/// A file that cannot be read has nobody in it: a name is then unknown, which is an error.
fn read(path: &str) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// In both files the name comes first and the number third. The lines of `nss_compat` that begin with
/// `+` or `-` have no number.
fn number(text: &str, name: &str) -> Option<u32> {
    let mut lines = text.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.nth(1)))??.parse().ok()
}

fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split(':').next()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        let passwd = "root:x:0:0::/root:/bin/sh\nann:x:1000:100:A,,:/home/ann/:/bin/sh\n\
                      broken\nother:x:1000:1:::\n+nis\nbig:x:99999999999:0::/:/\n";
        People { passwd: Some(passwd.into()), group: Some("users:x:100:ann,bob\n".into()) }
    }

    #[test]
    fn names_have_numbers_and_numbers_homes() {
        let mut people = people();
        assert_eq!(people.user("ann"), Some(1000));
        assert_eq!(people.group("users"), Some(100));
        for wrong in ["bob", "broken", "+nis", "big", "", "x"] {
            assert_eq!(people.user(wrong), None, "{wrong}");
        }
        assert_eq!(people.home(1000), Some(AbsPath::new("/home/ann").unwrap()));
        assert_eq!(people.home(7), None);
    }
}
