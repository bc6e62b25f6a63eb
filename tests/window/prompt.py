#!/usr/bin/python3
"""Answers the prompter's questions as a person does, or does not answer them.

    prompt.py --output DIRECTORY [NAME…]
"""

import argparse
import re
import signal
import sys
import time

from desk import NotThere, fail, say, text_of, wait_for, xdotool
from prompter import SCOPES, Prompter

# How long the prompter takes no answer after its window has changed, in seconds.
GUARD = 0.5


def expect(what, found, wanted):
    if found != wanted:
        raise NotThere(f"{what}: {found!r}, and not {wanted!r},")


def expect_all_refused(prompter, numbers):
    """However it ends, nothing was allowed: each got a no, or the socket was closed on it."""
    said = {}
    while (answer := prompter.answer()) is not None:
        said[answer[0]] = answer[1]
    expect("what was answered", set(said.values()) - {"no"}, set())
    expect("the numbers answered", set(said) - set(numbers), set())


def focus(prompter):
    """Gives the prompter's window the keys, which it does not take by itself."""
    found = wait_for("the prompter's window", lambda: text_of(["xdotool", "search", "--name", "Asks$"]).split())
    xdotool("windowactivate", "--sync", found[-1])
    prompter.button("Deny")
    time.sleep(2 * GUARD)


def every_answer(prompter):
    """Each button says what it is called."""
    names = {
        "Allow Once": "once",
        "Allow for This Launch": "launch",
        "Always Allow": "always",
        "Never Allow": "never",
        "Deny": "no",
    }
    for number, (name, word) in enumerate(names.items()):
        prompter.ask(number)
        prompter.press(prompter.button(name))
        expect(f"the answer of “{name}”", prompter.answer(), (number, word))
        wait_for("the end of the window", lambda: not prompter.shown())
    prompter.socket.close()
    expect("the status", prompter.ended(), 0)


def every_scope(prompter):
    """What is chosen is what the answer is about; it is shown with the rule that the answer would be."""
    answers = [(scope, "Allow for This Launch", "launch") for scope in SCOPES]
    # Where nothing was chosen it is the first, and a no for this time is about what was asked.
    answers += [(None, "Never Allow", "never"), (None, "Deny", "no")]
    for number, (scope, name, word) in enumerate(answers):
        prompter.ask(number, scopes=SCOPES)
        if scope is not None:
            prompter.press(prompter.find("radio button", re.escape(f"{scope['words']}, {scope['rule']}")))
        prompter.press(prompter.button(name))
        about = () if word == "no" else ((scope or SCOPES[0])["scope"],)
        expect(f"the answer of “{name}”", prompter.answer(), (number, word, *about))
        wait_for("the end of the window", lambda: not prompter.shown())


def scopes_of_several(prompter):
    """Each question has its own; one that is all there is cannot be chosen, and is said."""
    prompter.ask(1, scopes=SCOPES)
    prompter.ask(2, scopes=SCOPES[:1])
    prompter.press(prompter.find("radio button", "Everything, .*"))
    prompter.press(prompter.button("Allow Once"))
    expect("the answer", prompter.answer(), (1, "once", "everything"))
    wait_for("the other question", lambda: not prompter.all("radio button"))
    prompter.find("label", re.escape(SCOPES[0]["rule"]))
    prompter.press(prompter.button("Allow Once"))
    expect("the answer", prompter.answer(), (2, "once", "name"))


def scope_by_keyboard(prompter):
    """From “Deny” back over the other answers to what they are about, to the next of these, and on."""
    prompter.ask(1, scopes=SCOPES)
    focus(prompter)
    prompter.key(*["shift+Tab"] * 5, "Down", "Tab", "Tab", "space")
    expect("the answer", prompter.answer(), (1, "launch", "domain"))


def escape(prompter):
    prompter.ask(1)
    prompter.ask(2)
    focus(prompter)
    prompter.key("Escape")
    expect("the answers", {prompter.answer(), prompter.answer()}, {(1, "no"), (2, "no")})
    # It is there for the next question.
    prompter.ask(3)
    prompter.button("Deny")


def closed(prompter):
    prompter.ask(7)
    prompter.press(prompter.button("Close"))
    expect("the answer", prompter.answer(), (7, "no"))


def killed(prompter):
    prompter.ask(1)
    prompter.button("Deny")
    prompter.process.send_signal(signal.SIGKILL)
    expect_all_refused(prompter, [1])


def left(prompter):
    """The supervisor goes, and the prompter with it."""
    prompter.ask(1)
    prompter.button("Deny")
    prompter.socket.close()
    expect("the status", prompter.ended(), 0)


def malformed(prompter):
    prompter.ask(1)
    prompter.button("Deny")
    prompter.say(b'{"question":2,"app":"Other","words":"')
    expect_all_refused(prompter, [1])
    expect("the status", prompter.ended(), 125)


def endless(prompter):
    """A line without an end is no line."""
    prompter.ask(1)
    try:
        for _ in range(100):
            prompter.socket.sendall(b" " * 4096)
    except (BrokenPipeError, ConnectionResetError):
        pass
    expect_all_refused(prompter, [1])
    expect("the status", prompter.ended(), 125)


def early_keys(prompter):
    """Whoever was typing when the window came answers nothing, however long they go on."""
    prompter.ask(1)
    found = wait_for("the window", lambda: text_of(["xdotool", "search", "--name", "Asks$"]).split())
    xdotool("windowactivate", "--sync", found[-1])
    # By one program, so that no pause comes from starting another.
    xdotool("key", "--delay", int(GUARD * 1000 / 4), *["Return", "Tab", "space"] * 8)
    if not prompter.is_silent(GUARD / 2):
        raise NotThere(f"silence: it said {prompter.answer()}; it")
    # And whoever reads first can answer by keyboard alone. The focus is on “Deny”.
    focus(prompter)
    prompter.key("Return")
    expect("the answer", prompter.answer(), (1, "no"))


def no_focus(prompter):
    """The window asks not to be given the keys of whoever has them. What is asked is all that can be
    seen everywhere: not every window manager obeys."""
    prompter.ask(1)
    prompter.button("Deny")
    found = text_of(["xdotool", "search", "--name", "Asks$"]).split()
    time_of_user = text_of(["xprop", "-id", found[-1], "_NET_WM_USER_TIME"])
    expect("the time of the user", time_of_user.split("=")[-1].strip(), "0")


def early_clicks(prompter):
    """No button can be pressed before a person can have seen it, nor just after the list has moved."""
    prompter.ask(1)
    prompter.ask(2, words="Take a screenshot.")
    wait_for("a button", lambda: prompter.all("push button", "Allow Once"))
    expect("what can be pressed", prompter.pressable("Allow Once"), None)
    prompter.button("Allow Once")
    prompter.withdraw(1)
    wait_for("the other question", lambda: not prompter.pressable("Allow Once"))
    prompter.press(prompter.button("Allow Once"))
    expect("the answer", prompter.answer(), (2, "once"))


def withdrawn(prompter):
    prompter.ask(1)
    prompter.button("Deny")
    prompter.withdraw(1)
    prompter.withdraw(99)
    wait_for("the end of the window", lambda: not prompter.shown())
    if not prompter.is_silent(GUARD):
        raise NotThere(f"silence: it said {prompter.answer()}; it")


def several(prompter):
    """One is answered, the others stay; the rest is refused at once."""
    for number in (1, 2, 3):
        prompter.ask(number, words=f"Thing {number}.")
    prompter.find("label", "wants 3 things")
    prompter.press(prompter.button("Never Allow"))
    expect("the answer", prompter.answer(), (1, "never"))
    prompter.find("label", "wants 2 things")
    prompter.press(prompter.button("Deny All"))
    expect("the answers", [prompter.answer(), prompter.answer()], [(2, "no"), (3, "no")])


def flood(prompter):
    """A thousand questions are one window that shows a few and refuses the others."""
    for number in range(1000):
        prompter.ask(number)
    refused = [prompter.answer() for _ in range(1000 - 32)]
    expect("the answers", set(decision for _, decision in refused), {"no"})
    expect("the first that was refused", min(refused)[0], 32)
    prompter.find("label", "wants 32 things")
    prompter.find("label", "The app asked for more than fits here.*")
    expect("the windows", len(prompter.all("dialog")), 1)
    prompter.press(prompter.button("Deny All"))
    expect("the number of the rest", len([prompter.answer() for _ in range(32)]), 32)


def hostile_text(prompter):
    """What an app sends is text: never markup, nothing hidden in it, and it has an end."""
    scopes = [{"scope": "name", "words": "<i>C</i>\u202e", "rule": "\x1b*"}]
    prompter.ask(
        1, app="<b>A</b>&amp;", words="<big>B</big>\x1b[0m\u202e", path="\n\0", arg0="x" * 5000, scopes=scopes
    )
    prompter.find("label", r"<i>C</i>\\u\{202e\}")
    prompter.find("label", r"\\x1b\*")
    prompter.find("label", r"<big>B</big>\\x1b\[0m\\u\{202e\}")
    prompter.press(next(iter(prompter.all(None, "What Exactly Was Asked For"))))
    prompter.find("label", r"\\n\\x00")
    prompter.find("label", "x{1000}…")
    # Where several things are asked, the app's name is the heading.
    prompter.ask(2, app="<b>A</b>&amp;")
    prompter.find("label", r"<b>A</b>&amp;")


def nothing_to_keep(prompter):
    """Where there is no profile, nothing can be answered for ever."""
    prompter.ask(1, profile=None)
    prompter.button("Allow for This Launch")
    expect("what can be pressed", prompter.all("push button", "Always Allow|Never Allow"), [])


SCENES = {
    scene.__name__: scene
    for scene in (
        every_answer, every_scope, scopes_of_several, scope_by_keyboard, escape, closed, killed, left, malformed, endless, early_keys, no_focus, early_clicks,
        withdrawn, several, flood, hostile_text, nothing_to_keep,
    )
}  # fmt: skip


def play(scene, output):
    prompter = Prompter(output)
    try:
        scene(prompter)
    except NotThere as trouble:
        if prompter.process.poll() is None:
            prompter.picture(f"failed-{scene.__name__}")
        return fail(f"{scene.__name__}: {trouble}")
    finally:
        prompter.close()
    say(scene.__name__)
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("scenes", nargs="*", metavar="NAME", choices=[[], *SCENES])
    options = parser.parse_args()
    failed = [play(SCENES[name], options.output) for name in options.scenes or SCENES]
    return max(failed)


if __name__ == "__main__":
    sys.exit(main())
