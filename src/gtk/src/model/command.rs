//! A program and its arguments as one line, quoted as in a shell.

use gtk::glib;

/// The arguments as one line; only what needs quotes gets them.
pub(crate) fn quote(arguments: &[String]) -> String {
    let quoted: Vec<_> = arguments.iter().map(|argument| quote_one(argument)).collect();
    quoted.join(" ")
}

fn quote_one(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "%+,-./:=@_".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    glib::shell_quote(argument).to_string_lossy().into_owned()
}

/// The arguments that a line means; `None` when its quotes do not match. An empty line is none.
pub(crate) fn parse(line: &str) -> Option<Vec<String>> {
    if line.trim().is_empty() {
        return Some(Vec::new());
    }
    let arguments = glib::shell_parse_argv(line).ok()?;
    arguments.into_iter().map(|argument| argument.into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_survives_being_written_and_read() {
        for command in [
            vec!["gedit", "%U"],
            vec!["sh", "-c", "echo 'a b' \"$HOME\""],
            vec!["x", "", "é è", "new\nline"],
        ] {
            let command: Vec<_> = command.into_iter().map(str::to_owned).collect();
            assert_eq!(parse(&quote(&command)), Some(command));
        }
        assert_eq!(quote(&["gedit".into(), "%U".into()]), "gedit %U");
    }

    #[test]
    fn an_open_quote_is_no_command() {
        assert_eq!(parse("sh -c 'oops"), None);
        assert_eq!(parse("  "), Some(Vec::new()));
    }
}
