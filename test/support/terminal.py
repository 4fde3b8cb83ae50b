"""Plays a person at a real terminal: waits for a text, types, and reports what was shown and how it ended.

Reads {"command", "cwd", "env", "steps": [{"sees", "types"}], "seconds", "rows", "columns", "signal"} as JSON on standard
input; a signal other than 0 is sent after the last step. Prints
{"status", "shown", "missing", "coloured", "moved", "restored"}. Standard library only.
"""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78=>]|\r")


def main():
    plan = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", plan["rows"], plan["columns"], 0, 0))
        os.chdir(plan["cwd"])
        os.execve(plan["command"][0], plan["command"], plan["env"])
    before = termios.tcgetattr(terminal)
    end = (lambda: os.kill(pid, plan["signal"])) if plan["signal"] else (lambda: None)
    shown, missing = play(terminal, plan["steps"], end, time.monotonic() + plan["seconds"])
    if missing is not None:
        os.kill(pid, 9)
    _, raw = os.waitpid(pid, 0)
    restored = termios.tcgetattr(terminal)[3] == before[3]
    print(json.dumps({"status": os.waitstatus_to_exitcode(raw), "shown": plain(shown), "missing": missing, "restored": restored, **drawn(shown)}))


def play(terminal, steps, end, until):
    shown = ""
    seen = 0
    for step in steps:
        while unwrapped(step["sees"]) not in unwrapped(plain(shown))[seen:]:
            text = read(terminal, until)
            if text is None:
                return shown, step["sees"]
            shown += text
        time.sleep(0.2)  # a prompt drops what was typed before it was drawn
        while (text := read(terminal, time.monotonic())) is not None:
            shown += text
        seen = len(unwrapped(plain(shown)))
        os.write(terminal, step["types"].encode())
    end()
    while (text := read(terminal, until)) is not None:
        shown += text
    return shown, "the end" if time.monotonic() >= until else None


def read(terminal, until):
    """The next text; None at the end of the program or of the time."""
    ready, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
    if not ready:
        return None
    try:
        return os.read(terminal, 65536).decode("utf-8", "replace") or None
    except OSError:
        return None


def drawn(text):
    """Whether anything was done to the terminal that is not text."""
    return {"coloured": bool(COLOUR.search(text)), "moved": bool(ESCAPES.search(COLOUR.sub("", text).replace("\r", "")))}


def unwrapped(text):
    """Without white space: a narrow terminal breaks a line anywhere."""
    return "".join(text.split())


def plain(text):
    return ESCAPES.sub("", text)


main()
