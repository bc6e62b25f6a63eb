//! A command line of a shell as a list of words, where it needs no shell, and back.

/// What a shell would act on when it is not quoted.
const META: &str = "|&;<>()$`*?[\n~#";

/// The words of a command line; `None` when only a shell can tell what they come to.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut within) = (Vec::new(), String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => {
                if within {
                    words.push(std::mem::take(&mut word));
                }
                within = false;
                continue;
            }
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => loop {
                match chars.next()? {
                    '"' => break,
                    '$' | '`' => return None,
                    '\\' => match chars.next()? {
                        c @ ('"' | '\\' | '$' | '`') => word.push(c),
                        c => word.extend(['\\', c]),
                    },
                    c => word.push(c),
                }
            },
            '\\' => word.push(chars.next().filter(|c| *c != '\n')?),
            // In the middle of a word `~` and `#` are letters.
            '~' | '#' if within => word.push(c),
            c if META.contains(c) => return None,
            c => word.push(c),
        }
        within = true;
    }
    if within {
        words.push(word);
    }
    // `NAME=value program` sets a variable: that is a shell's work.
    let plain = words.first().is_some_and(|first| !first.is_empty() && !first.contains('='));
    plain.then_some(words)
}

/// Words as a command line that [`split`] takes apart into the same words.
pub(super) fn join(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let safe = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
        if !word.is_empty() && word.chars().all(safe) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_a_shells() {
        let words = |line| split(line).map(|words| words.join("|"));
        assert_eq!(words("xeyes"), Some("xeyes".into()));
        assert_eq!(words(" a  'b c' \"d \\\"e\\n\" f\\ g ''"), Some("a|b c|d \"e\\n|f g|".into()));
        assert_eq!(words("a x~y#z"), Some("a|x~y#z".into()));
        for shell in
            ["a; b", "a $B", "a \"$B\"", "a ~", "a *", "a # b", "A=b c", "a 'b", "a > b", ""]
        {
            assert_eq!(words(shell), None, "{shell}");
        }
    }

    #[test]
    fn joining_and_splitting_is_nothing() {
        let all: Vec<String> = ["a", "", "b c", "it's", "\"q\"", "$X", "new\nline", "é", "~", "#"]
            .map(Into::into)
            .into();
        assert_eq!(split(&join(&all)), Some(all));
    }
}
