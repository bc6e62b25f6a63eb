#!/usr/bin/python3
"""The main job, done as a person does it: opens the window on a profile, turns a switch and sees
the summary follow, launches, waits for the app's own window, and ends it.

    drive.py --output DIRECTORY [--via user|helper] [PROFILE]
"""

import argparse
import sys

from desk import Desk, NotThere, fail, processes, say, wait_for, windows

SWITCH = "Sound"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--via", choices=["auto", "user", "helper"], default="helper")
    parser.add_argument("--no-launch", action="store_true", help="only look at the window")
    parser.add_argument("profile", nargs="?", default="xeyes")
    return parser.parse_args()


def turn_a_switch(window):
    """Turns a switch on and off again; the summary has to follow both times."""
    switch = find_switch(window)
    before = window.texts()
    window.press(switch)
    after = wait_for("a change of the summary", lambda: differing(before, window.texts()))
    say(f"“{SWITCH}” turned on: the window now says")
    for line in after:
        say(f"  {line}")
    window.picture("switch-turned")
    window.press(find_switch(window))
    wait_for("the summary as it was", lambda: not differing(before, window.texts()))
    say(f"“{SWITCH}” turned off again: the window says what it said before")


def find_switch(window):
    """GTK tells screen readers different roles for a switch in different versions."""

    def look():
        roles = ("switch", "toggle button", "check box")
        return next((found for role in roles for found in window.all(role, SWITCH)), None)

    return wait_for(f"the switch “{SWITCH}”", look)


def differing(before, after):
    return [line for line in after if line not in before]


def launch(window, profile, via):
    before = list(windows())
    # Others may run sandboxes, too.
    window.others = processes("arkose-helper")
    window.press(window.find("push button", "Launch"))
    say("pressed Launch")
    shown = wait_for("the app's own window", lambda: [name for name in windows() if name not in before])
    say(f"a new window is on the screen: {', '.join(shown)}")
    app = wait_for(f"the process {profile}", lambda: processes(profile))
    helpers = differing(window.others, processes("arkose-helper"))
    owner = "root, through pkexec" if any(uid == 0 for _, uid in helpers) else "you, in a user namespace"
    say(f"{profile} runs as uid {app[0][1]}; its sandbox was built by {owner}")
    if via == "helper" and not any(uid == 0 for _, uid in helpers):
        raise NotThere("the helper as root")
    window.picture("launched")


def stop(window, profile):
    window.press(window.find("push button", "Stop"))
    wait_for(f"the end of {profile}", lambda: not processes(profile))
    wait_for("the end of its sandbox", lambda: not differing(window.others, processes("arkose-helper")))
    say(f"pressed Stop: {profile} and its sandbox are gone")
    window.picture("stopped")


def main():
    options = arguments()
    window = Desk(options.output, ["arkose-gtk", options.profile], {"ARKOSE_VIA": options.via})
    try:
        window.find("push button", "Launch")
        say(f"the window is open on the profile {options.profile}; it says")
        for line in window.texts():
            say(f"  {line}")
        window.picture("profile")
        turn_a_switch(window)
        if options.no_launch:
            return 0
        launch(window, options.profile, options.via)
        stop(window, options.profile)
    except NotThere as trouble:
        window.picture("failed")
        for line in window.texts() if window.process.poll() is None else []:
            say(f"  {line}")
        return fail(str(trouble))
    finally:
        window.close()
    print(f"{options.profile} was launched confined from the window, and is gone.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
