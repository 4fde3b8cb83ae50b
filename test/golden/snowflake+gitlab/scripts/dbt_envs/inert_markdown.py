"""What the pages share that people read: review_card.py's on a pull request, sweep_report.py's on every sweep.

Their names are anybody's, and GitHub obeys much of what stands in a comment or a summary: links, mentions, HTML, table
rules. So every name is a code span, in which it obeys nothing, on one line and without a backtick or a pipe (which ends
a cell even there); those and what cannot be seen are written out. What the pages are made from may have any shape: half a
file, another version of dbt.
"""

import json
import os
import pathlib
import re

ENDS = "`|"
# Printable by category, and blank.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
WORD = re.compile(r"\(?[A-Za-z]+(?:['-][A-Za-z]+)*\)?[.,:;]?|[0-9]{1,6}")
# As dbt does in its log.
SECRETS = sorted((value for name, value in os.environ.items() if name.startswith("DBT_ENV_SECRET_") and value), key=len, reverse=True)


def without_secrets(text: str) -> str:
    for secret in SECRETS:
        text = text.replace(secret, "*****")
    return text


def code(name: object, limit: int = 80) -> str:
    if not isinstance(name, str) or name.strip() == "":
        return "(no name)"
    shown = ""
    for character in without_secrets(name)[: limit + 1]:
        shown += written_out(character) if character in ENDS or cannot_be_seen(character) else character
    # GitHub's runner obeys ##[command] anywhere in a line of the log (actions/runner, ActionCommand.cs).
    shown = shown.replace("##[", f"##{written_out('[')}")
    if len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    return f"`{shown}`"


def cannot_be_seen(text: str) -> bool:
    return not text.isprintable() or UNSEEN.search(text) is not None


def written_out(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"


def prose(text: object) -> str:
    """A sentence in which every word that is not plainly one becomes a code span."""
    if not isinstance(text, str):
        return "not said"
    words = without_secrets(text)[:300].split()
    return " ".join(word if WORD.fullmatch(word) else quoted(word) for word in words)


def quoted(word: str) -> str:
    """A code span, and after it the stop that ends the clause."""
    bare = word.rstrip(".,:;") or word
    return code(bare) + word[len(bare) :]


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def read(file: pathlib.Path) -> dict | None:
    try:
        return parse(file.read_bytes())
    except OSError:
        return None


def parse(text: bytes) -> dict | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def member(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def members(value: object) -> list:
    return value if isinstance(value, list) else []


def whole(value: object) -> int | None:
    return value if type(value) is int and abs(value) < 10**18 else None
