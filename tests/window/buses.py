#!/usr/bin/python3
"""Looks at confined apps that run, allows what was refused, and answers what is asked: with real
supervisors, proxies and windows.

    buses.py --output DIRECTORY [--via user|helper] NAME…
"""

import argparse
import os
import sys

from desk import Desk, NotThere, fail, say, wait_for
from session import APP, DENIED, HIDDEN, NAME, Asking, Session

RULE = "org.example.Test=org.example.Test.Say@/test"


def expect(what, found, wanted):
    if found != wanted:
        raise NotThere(f"{what}: {found!r}, and not {wanted!r},")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def opened(session, output, name):
    """The window on the page of an app that runs."""
    window = Desk(output, ["arkose-gtk"], session.environment)
    try:
        window.press(window.find("list item", "Running Apps"))
        window.press(window.find("list item", name))
        window.find("push button", "Stop…")
    except NotThere:
        window.picture("failed")
        window.close()
        raise
    return window


def running(session, output):
    """What was refused is seen, is allowed from now on, and works at the next launch."""
    profile = session.profile()
    app = session.launch()
    app.call("Say", "one")
    expect("the answer", app.answer(), f"one: {HIDDEN}")
    window = opened(session, output, NAME)
    try:
        window.find("list item", "Refused org.example.Test org.example.Test.Say")
        window.press(window.find("push button", "Allow from Now On"))
        wait_for("the rule", lambda: RULE in text_of(profile))
        window.press(window.find("push button", "Undo.*"))
        wait_for("the profile without it", lambda: RULE not in text_of(profile))
        window.press(window.find("push button", "Allow from Now On"))
        wait_for("the rule", lambda: RULE in text_of(profile))
        # It is told as it happens, and what is allowed only to whom wants to see it.
        app.call("Sing", "two")
        expect("the answer", app.answer(), f"two: {HIDDEN}")
        window.find("list item", "Refused org.example.Test org.example.Test.Sing")
        window.picture("sandbox")
        window.press(window.find("push button", "Stop…"))
        window.press(window.find("push button", "_?Stop( _?Stop)?"))
        wait_for("the end of the app", lambda: app.process.poll() is not None)
        window.find("label", "It has ended")
        window.press(window.find("push button", "Back"))
        # The list of what runs is read anew once it is shown; its profile stays in the list beside.
        wait_for("the list without it", lambda: len(window.all("list item", f"{NAME}.*")) == 1)
    except NotThere:
        window.picture("failed")
        raise
    finally:
        window.close()
    app = session.launch()
    app.call("Say", "three")
    expect("the answer", app.answer(), "three: heard three")


def unstored(session, output):
    """Where no rule can be kept there is no button, and it is said why."""
    app = session.launch("run", "--dbus", "session", "--", "dash", "-c", APP)
    app.call("Say", "one")
    expect("the answer", app.answer(), f"one: {HIDDEN}")
    window = opened(session, output, "dash")
    try:
        window.find("list item", "Refused org.example.Test org.example.Test.Say")
        window.find("label", "The app was not launched from a stored profile.*")
        expect("buttons", window.all("push button", "Allow from Now On"), [])
    finally:
        window.close()


ASK = '[dbus-rules.session]\nask = ["org.example.Test"]\n'


def once(session, output):
    """What is allowed once is asked again."""
    session.profile(ASK)
    app = session.launch()
    for word in ("one", "two"):
        app.call("Say", word)
        window = Asking(output, app)
        window.press(window.button("Allow Once"))
        expect("the answer", app.answer(), f"{word}: heard {word}")
        window.gone()


def always(session, output):
    """What is always allowed is in the profile, and is not asked again."""
    profile = session.profile(ASK)
    app = session.launch()
    app.call("Say", "one")
    window = Asking(output, app)
    window.press(window.button("Always Allow"))
    expect("the answer", app.answer(), "one: heard one")
    expect("the rule", RULE in text_of(profile), True)
    for app in (app, session.launch()):
        app.call("Say", "two")
        expect("the answer", app.answer(), "two: heard two")


def closed(session, output):
    """A window that is closed says no."""
    session.profile(ASK)
    app = session.launch()
    app.call("Say", "one")
    window = Asking(output, app)
    window.press(window.button("Close"))
    expect("the answer", app.answer(), f"one: {DENIED}")


def several(session, output):
    """Several questions at once are a list, and each gets its own answer."""
    session.profile(ASK)
    app = session.launch()
    app.call("Say", "one")
    window = Asking(output, app)
    window.button("Allow Once")
    app.call("Sing", "two")
    window.find("push button", "Deny All")
    window.press(window.button("Allow Once"))
    expect("the answer", app.answer(), "one: heard one")
    window.press(window.button("Deny"))
    expect("the answer", app.answer(), f"two: {DENIED}")


SCENES = {scene.__name__: scene for scene in (running, unstored, once, always, closed, several)}


def play(scene, output):
    with Session() as session:
        try:
            scene(session, output)
        except NotThere as trouble:
            return fail(f"{scene.__name__}: {trouble}")
    say(scene.__name__)
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--via", choices=["user", "helper"], default="user")
    parser.add_argument("scenes", nargs="+", metavar="NAME", choices=[*SCENES])
    options = parser.parse_args()
    os.environ["ARKOSE_VIA"] = options.via
    return max(play(SCENES[name], options.output) for name in options.scenes)


if __name__ == "__main__":
    sys.exit(main())
