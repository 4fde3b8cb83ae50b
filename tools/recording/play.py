"""Types at a real terminal of a fixed size and keeps everything that was written to it, escape sequences included.

Reads {"command", "cwd", "env", "rows", "columns", "steps": [{"sees", "types"}], "seconds"} as JSON on standard input and
prints {"status", "missing", "written"}: one piece of text before each typing, and one after the last. Standard library only.
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

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[78=>]|\r")


def main():
    plan = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", plan["rows"], plan["columns"], 0, 0))
        os.chdir(plan["cwd"])
        os.execve(plan["command"][0], plan["command"], plan["env"])
    until = time.monotonic() + plan["seconds"]
    written, missing = [], None
    for step in plan["steps"]:
        piece, found = read_until(terminal, step["sees"], until)
        written.append(piece)
        if not found:
            missing = step["sees"]
            os.kill(pid, 9)
            break
        os.write(terminal, step["types"].encode())
    else:
        written.append(read_until(terminal, None, until)[0])
    _, status = os.waitpid(pid, 0)
    print(json.dumps({"status": os.waitstatus_to_exitcode(status), "missing": missing, "written": written}))


def read_until(terminal, sees, until):
    """What is written until the text is there and the terminal is quiet: a prompt drops what is typed before it is drawn."""
    piece = b""
    while True:
        found = sees is not None and sees in ESCAPES.sub("", piece.decode("utf-8", "replace"))
        ready, _, _ = select.select([terminal], [], [], 0.3 if found else max(0, until - time.monotonic()))
        try:
            more = os.read(terminal, 65536) if ready else b""
        except OSError:
            more = b""
        if not more:
            return piece.decode("utf-8", "replace"), found
        piece += more


main()
