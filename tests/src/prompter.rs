//! A program in the place of the window that asks: it answers as it is told to, or not at all, and writes down
//! what it was asked.

use crate::machine::machine;
use crate::scratch::Scratch;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const PROMPTER: &str = r#"#!/usr/bin/python3
import json, os, signal, socket, sys
answers, asked = os.environ['PROMPT'].split(' ')
answers = answers.split(',')
assert sys.argv[1:] == ['--prompt']
supervisor = socket.socket(fileno=0)
for line in supervisor.makefile('r'):
    with open(asked, 'a') as file:
        file.write(line)
    question = json.loads(line).get('question')
    if question is None:
        continue
    # It is started anew where there was none left.
    number = sum('"question"' in line for line in open(asked)) - 1
    how = answers[min(number, len(answers) - 1)]
    if how == 'crash':
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == 'nonsense':
        supervisor.sendall(b'yes\n')
    elif how == 'other':
        answer = {'answer': question, 'decision': 'certainly'}
        supervisor.sendall(json.dumps(answer).encode() + b'\n')
    elif how != 'mute':
        decision, *scope = how.split('@')
        answer = {'answer': question, 'decision': decision}
        if scope:
            answer['scope'] = scope[0]
        supervisor.sendall(json.dumps(answer).encode() + b'\n')
"#;

/// Makes one that answers with `how`, a decision or `crash`, `nonsense`, `other`, `mute`: what the variable
/// `PROMPT` of the launch is, and the script of root's that puts it in place. Behind a decision can stand `@` and what
/// it is about. Of several, with commas between them, each is one to the next question, and the last to all others.
///
/// # Panics
///
/// When a file cannot be made.
#[must_use]
pub fn put(scratch: &Scratch, how: &str) -> (String, String) {
    let prompter = scratch.file("prompter", PROMPTER);
    fs::set_permissions(&prompter, fs::Permissions::from_mode(0o755)).unwrap();
    let asked = scratch.file("asked", "");
    let window = machine().programs.join("arkose-gtk");
    let script = format!("mount --bind '{}' '{}'", prompter.display(), window.display());
    (format!("{how} {}", asked.display()), script)
}

/// What it was asked.
///
/// # Panics
///
/// When something else than lines of JSON was said to it.
#[must_use]
pub fn asked(scratch: &Scratch) -> Vec<Value> {
    let text = fs::read_to_string(scratch.join("asked")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
