//! `arkose explain`: what an app can and cannot reach.

use crate::request::Described;
use crate::run::missing_wall;
use crate::say::{Failure, answer, answer_json, gettext, note, translated};
use arkose_admin::explain as explanation;
use arkose_profile::explain::{Explanation, Line};
use arkose_profile::i18n::{Message, N_};
use arkose_profile::options::Risk;
use arkose_profile::text::visible;

/// Prints it.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn explain(described: &Described, json: bool) -> Result<u8, Failure> {
    let Described { profile, policy, context } = described;
    let told = explanation(profile, policy, context, &gettext);
    if json {
        let mut object = told.to_json();
        if let Some(object) = object.as_object_mut() {
            object.insert("profile".to_owned(), profile.id.clone().into());
            object.insert("name".to_owned(), profile.name().into());
            object.insert("command".to_owned(), profile.command().into());
            let missing = missing_wall(policy);
            let notes: Vec<_> = profile.notes.iter().chain(&missing).map(translated).collect();
            object.insert("notes".to_owned(), notes.into());
        }
        return answer_json(&object).map(|()| 0);
    }
    for message in profile.notes.iter().chain(&missing_wall(policy)) {
        note(message);
    }
    answer(&text(&profile.name(), &told)).map(|()| 0)
}

fn text(name: &str, told: &Explanation) -> String {
    let level = Message::new(told.level.title());
    let title = match name {
        "" => {
            translated(&Message::new(N_("This sandbox is {level}.")).with_message("level", level))
        }
        name => translated(
            &Message::new(N_("{name}: {level}")).with("name", name).with_message("level", level),
        ),
    };
    let mut text = format!("{title}\n");
    let headings = [
        (true, false, N_("What the administrator does not allow: the app is not launched")),
        (false, true, N_("What the app can do")),
        (false, false, N_("What the app cannot do")),
    ];
    for (denied, can, heading) in headings {
        let those = |line: &&Line| line.denied == denied && line.can == can;
        let lines: Vec<&Line> = told.lines.iter().filter(those).collect();
        if lines.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{}\n", gettext(heading)));
        for line in lines {
            let mark = match line.risk {
                Risk::Contained => ' ',
                Risk::Partial => '+',
                Risk::Open => '!',
            };
            let origin = visible(translated(&line.origin.title()).as_bytes());
            if denied {
                // The sentence names the file and the line.
                text.push_str(&format!("  {mark} {}\n", line.text));
                continue;
            }
            text.push_str(&format!("  {mark} {} ({}: {origin})\n", line.text, line.key));
        }
    }
    text
}
