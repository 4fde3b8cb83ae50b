"""What the sweep says of itself, and the issue that tells people of one that fails. A module, not a command.

tell_sweep.py knows where issues are, and which are this project's own. The account names schemas and quotes errors: text that
others have chosen, shown as it is, and nothing in it is a mention, a link or a command.
"""

import datetime
import json
from typing import Any

from dbt_command import LEFT

ACCOUNT = LEFT / "sweep.json"
NAME = "acme"
MARKER = "<!-- dbt-envs sweep: acme -->"  # the issue's first line
TITLE = "The nightly dbt sweep fails"
LARGEST = 16 * 1024 * 1024  # bytes
MOST = 30  # problems that are shown
LONGEST = 400  # characters of one


def problems_of(ended_well: bool, logged: str) -> list[str] | None:
    """What went wrong, one line each; None where the sweep did what it was to do. `ended_well` is what the CI provider says of it,
    `logged` what has its log: a run, a job."""
    found = account(logged)
    if ended_well and isinstance(found, dict) and found.get("ok") is True and found.get("dry_run") is False:
        return None
    if isinstance(found, str):
        return [found]
    return problems_in(found) or [f"It does not say what went wrong: look at the log of its {logged}."]


def account(logged: str) -> dict[str, Any] | str:
    """What the sweep says of itself, or why that is not known."""
    try:
        with ACCOUNT.open("rb") as opened:
            data = opened.read(LARGEST + 1)
        found = json.loads(data) if len(data) <= LARGEST else None
    except FileNotFoundError:
        return f"It left no account of what it did: it ended before it came to anything. The log of its {logged} says why."
    except (OSError, ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else f"The account of what it did cannot be read: look at the log of its {logged}."


def problems_in(found: dict[str, Any] | str) -> list[str]:
    problems = found.get("problems") if isinstance(found, dict) else None
    return [str(problem) for problem in problems] if isinstance(problems, list) else []


def issue_text(opened: str | None, newest: str, noun: str, problems: list[str], what_to_do: tuple[str, ...]) -> str:
    """In Markdown. `newest` links to the sweep that it is about; `noun` is what the code host calls pull requests. The first failure
    is when the issue was `opened`: it is open as long as no sweep has succeeded."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    since = today if opened is None else day(opened[:10]) or today
    if since < today:
        when = f"The nightly sweep of the dbt project **{NAME}** has failed since {since}, for {(today - since).days + 1} nights; last on {today}"
    else:
        when = f"The nightly sweep of the dbt project **{NAME}** failed on {today}"
    shown = [f"    {inert(problem)}" for problem in problems[:MOST]]
    more = [f"    and {len(problems) - MOST} more"] if len(problems) > MOST else []
    return "\n".join(
        [
            MARKER,
            f"{when}: {newest}.",
            "",
            f"What is left of closed {noun}, and dev schemas that nobody uses, stay until it succeeds. It says:",
            "",
            *shown,
            *more,
            "",
            "What to do:",
            "",
            *(f"- {one}" for one in what_to_do),
            "",
            "The next sweep that succeeds closes this issue. Closed by hand, it is opened anew by the next one that fails.",
            "",
        ]
    )


def inert(text: str) -> str:
    """One line of an indented block, in which a code host sees no mention, no link, no HTML, no reference to an issue and no command."""
    line = "".join(one if one.isprintable() else " " for one in text[: 4 * LONGEST])
    return line[:LONGEST].strip() or "-"


def day(text: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        return None
