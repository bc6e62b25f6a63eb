//! `arkose ps`, `info`, `stop` and `enter`: the sandboxes that run.

use crate::network;
use crate::say::{Failure, answer, answer_json, gettext};
use arkose_profile::explain::human_size;
use arkose_profile::i18n::{Message, N_};
use arkose_profile::text::visible;
use arkose_session::host::Host;
use arkose_session::running::{self, NotOne, Process, Processes, Running, Usage};
use clap::ArgMatches;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::time::Duration;

/// How long an app may take to end that is asked to, in seconds.
const GRACE: u16 = 5;

/// Lists them.
///
/// # Errors
/// When the list cannot be written.
pub(crate) fn ps(matches: &ArgMatches) -> Result<u8, Failure> {
    let all = running::list(&Host::current());
    let processes = Processes::now();
    if matches.get_flag("json") {
        let list: Value = all.iter().map(|one| summary(one, &processes)).collect();
        return answer_json(&list).map(|()| 0);
    }
    if all.is_empty() {
        // A list of nothing is no line; that it is empty is told beside it.
        crate::say::note(&Message::new(N_("no sandbox runs")));
        return Ok(0);
    }
    let headings = [
        N_("ID"),
        N_("NAME"),
        N_("RUNNING FOR"),
        N_("WAY"),
        N_("PROCESSES"),
        N_("MEMORY"),
        N_("COMMAND"),
    ];
    let mut rows = vec![headings.map(gettext)];
    rows.extend(all.iter().map(|one| row(one, &processes)));
    answer(&table(&rows)).map(|()| 0)
}

fn row(one: &Running, processes: &Processes) -> [String; 7] {
    let inside = processes.of(&one.facts);
    let memory = inside.iter().map(|(_, process)| process.memory).sum();
    [
        one.facts.id.clone(),
        visible(one.facts.profile.as_ref().unwrap_or(&one.facts.name).as_bytes()),
        clock(one.elapsed()),
        one.facts.way.clone(),
        inside.len().to_string(),
        size(memory),
        words(&one.facts.command),
    ]
}

/// What a list for programs says of one.
fn summary(one: &Running, processes: &Processes) -> Value {
    let inside = processes.of(&one.facts);
    let facts = &one.facts;
    json!({
        "id": facts.id,
        "name": facts.name,
        "profile": facts.profile,
        "command": facts.command,
        "since": facts.since,
        "elapsed": one.elapsed().as_secs_f64(),
        "way": facts.way,
        "runas": facts.runas,
        "supervisor": facts.supervisor,
        "first": facts.first,
        "processes": inside.len(),
        "memory": inside.iter().map(|(_, process)| process.memory).sum::<u64>(),
        "cpu": inside.iter().map(|(_, process)| process.cpu).sum::<Duration>().as_secs_f64(),
    })
}

/// What the kernel counts of one that has limits: with its files in memory, and what has ended.
fn counted(usage: &Usage) -> Value {
    json!({
        "memory": usage.memory,
        "memory-peak": usage.memory_peak,
        "processes": usage.processes,
        "cpu": usage.processor.map(|time| time.as_secs_f64()),
    })
}

/// Shows one, or what happens to it.
///
/// # Errors
/// When there is none such, or it does not answer.
pub(crate) fn info(matches: &ArgMatches) -> Result<u8, Failure> {
    let one = meant(matches)?;
    if matches.get_flag("follow") {
        one.follow(&mut std::io::stdout().lock())?;
        return Ok(0);
    }
    let processes = Processes::now();
    let about = one.about().unwrap_or_default();
    if matches.get_flag("json") {
        let mut told = summary(&one, &processes);
        if let Some(told) = told.as_object_mut() {
            told.insert("tree".to_owned(), tree(&one, &processes));
            told.insert("policy".to_owned(), about.get("policy").cloned().unwrap_or_default());
            told.insert("usage".to_owned(), one.usage().as_ref().map_or(Value::Null, counted));
            told.insert("traffic".to_owned(), json!(one.traffic().ok()));
        }
        return answer_json(&told).map(|()| 0);
    }
    answer(&text(&one, &processes, &about)).map(|()| 0)
}

/// Every process, parents before their children.
fn tree(one: &Running, processes: &Processes) -> Value {
    let process = |(depth, process): &(usize, &Process)| {
        json!({
            "pid": process.pid,
            "parent": process.parent,
            "depth": depth,
            "name": visible(process.name.as_bytes()),
            "command": command_line(process),
            "state": process.state.to_string(),
            "memory": process.memory,
            "cpu": process.cpu.as_secs_f64(),
        })
    };
    processes.of(&one.facts).iter().map(process).collect()
}

fn text(one: &Running, processes: &Processes, about: &Value) -> String {
    let facts = &one.facts;
    let inside = processes.of(facts);
    // A control group counts better: what is shared once, and those that have ended.
    let usage = one.usage().unwrap_or_default();
    let memory = || inside.iter().map(|(_, process)| process.memory).sum();
    let memory = usage.memory.unwrap_or_else(memory);
    let cpu = || inside.iter().map(|(_, process)| process.cpu).sum();
    let cpu = usage.processor.unwrap_or_else(cpu);
    let mut lines = vec![
        [gettext(N_("id")), facts.id.clone()],
        [gettext(N_("name")), visible(facts.name.as_bytes())],
        [gettext(N_("command")), words(&facts.command)],
        [gettext(N_("running for")), clock(one.elapsed())],
        [gettext(N_("built by")), facts.way.clone()],
        [gettext(N_("app runs as")), facts.runas.clone()],
        [gettext(N_("memory")), size(memory)],
        [gettext(N_("processor time")), clock(cpu)],
        [gettext(N_("supervisor")), facts.supervisor.to_string()],
    ];
    if let Some(peak) = usage.memory_peak {
        lines.insert(7, [gettext(N_("most memory")), size(peak)]);
    }
    if let Some(profile) = &facts.profile {
        lines.insert(1, [gettext(N_("profile")), visible(profile.as_bytes())]);
    }
    let mut text = table(&lines);
    text.push_str(&format!("\n{}\n", gettext(N_("Processes"))));
    for (depth, process) in &inside {
        let indent = "  ".repeat(depth + 1);
        text.push_str(&format!("{indent}{} {}\n", process.pid, command_line(process)));
    }
    text.extend(one.traffic().ok().as_ref().map(network::traffic));
    match about.get("policy") {
        None => text.push_str(&format!(
            "\n{}\n",
            gettext(N_("Its supervisor does not answer, and what the app may reach is not known"))
        )),
        Some(policy) => text.push_str(&explanation(policy)),
    }
    text
}

/// What the app can and cannot do, as its supervisor told it: the lines of `arkose explain`.
fn explanation(policy: &Value) -> String {
    let lines = policy.get("lines").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut text = String::new();
    for (can, heading) in [(true, N_("What the app can do")), (false, N_("What the app cannot do"))]
    {
        let told =
            lines.iter().filter(|line| line.get("can").and_then(Value::as_bool) == Some(can));
        let word = |line: &Value, key: &str| {
            visible(line.get(key).and_then(Value::as_str).unwrap_or_default().as_bytes())
        };
        let told: Vec<String> = told
            .map(|line| format!("  {} ({})\n", word(line, "text"), word(line, "key")))
            .collect();
        if !told.is_empty() {
            text.push_str(&format!("\n{}\n{}", gettext(heading), told.concat()));
        }
    }
    text
}

/// Ends those that are named, or all, and waits until they are gone.
///
/// # Errors
/// When one is not there or does not end; the others are ended nevertheless.
pub(crate) fn stop(matches: &ArgMatches) -> Result<u8, Failure> {
    let grace = matches.get_one::<u16>("grace").copied().unwrap_or(GRACE);
    let grace = Duration::from_secs(grace.into());
    let named: Vec<&OsString> = matches.get_many("sandbox").unwrap_or_default().collect();
    if named.is_empty() && !matches.get_flag("all") {
        let message = Message::new(N_("name the sandboxes that are to end, or “--all”"));
        return Err(Failure::new(&message).mended_by("arkose ps"));
    }
    let all = if named.is_empty() {
        running::list(&Host::current())
    } else {
        named.iter().map(|word| one(word)).collect::<Result<_, _>>()?
    };
    // All are asked before one is waited for.
    let asked: Vec<_> = all.iter().map(|one| one.stop(grace)).collect();
    let done: Vec<_> =
        asked.into_iter().map(|asked| asked.and_then(running::Stopping::wait)).collect();
    done.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(0)
}

/// Runs a command in one.
///
/// # Errors
/// When there is no such sandbox, or the command cannot be started.
pub(crate) fn enter(matches: &ArgMatches) -> Result<u8, Failure> {
    let command = matches.get_many::<OsString>("command").unwrap_or_default().cloned().collect();
    Ok(meant(matches)?.enter(command)?)
}

pub(crate) fn meant(matches: &ArgMatches) -> Result<Running, Failure> {
    let nothing = OsString::new();
    one(matches.get_one::<OsString>("sandbox").unwrap_or(&nothing))
}

/// The sandbox that a word means.
fn one(word: &OsString) -> Result<Running, Failure> {
    let word = word.to_string_lossy();
    running::find(&Host::current(), &word).map_err(|error| {
        let (message, candidates) = match error {
            NotOne::Unknown(all) if all.is_empty() => {
                (Message::new(N_("no sandbox runs")), Vec::new())
            }
            NotOne::Unknown(all) => (
                Message::new(N_("no running sandbox has an id that begins with “{word}”"))
                    .with("word", &word),
                all,
            ),
            NotOne::Ambiguous(all) => (
                Message::new(N_("several running sandboxes have an id that begins with “{word}”"))
                    .with("word", &word),
                all,
            ),
        };
        let line = |one: &Running| format!("{}  {}", one.facts.id, words(&one.facts.command));
        let failure = Failure::new(&message).mended_by("arkose ps");
        candidates.iter().fold(failure, |failure, one| failure.because(line(one)))
    })
}

/// Columns, each as wide as its widest cell; the last as it is.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |text: &str| text.chars().count();
    let mut widths = [0; N];
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, widest) in row.iter().zip(widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(widest - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The words of a command on one line, everything visible.
fn words(command: &[String]) -> String {
    let words: Vec<String> = command.iter().map(|word| visible(word.as_bytes())).collect();
    words.join(" ")
}

/// What a process says that it was started with; its name where that is nothing.
fn command_line(process: &Process) -> String {
    let line = process.command_line();
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    if line.is_empty() {
        return format!("[{}]", visible(process.name.as_bytes()));
    }
    let words: Vec<String> = line.split(|byte| *byte == 0).map(visible).collect();
    words.join(" ")
}

/// Hours, minutes and seconds.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Bytes, rounded to what people compare.
fn size(bytes: u64) -> String {
    let unit = if bytes >= 8 << 20 { 1 << 20 } else { 1 << 10 };
    human_size(bytes / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["id", "what"], ["abcdefgh", ""], ["é", "x"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "id        what\nabcdefgh\né         x\n");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(clock(Duration::from_secs(3661)), "1:01:01");
        assert_eq!(size(500 << 20 | 77), "500M");
        assert_eq!(size(3000 << 10), "3000K");
    }
}
