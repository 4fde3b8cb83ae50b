"""Clears what closed pull requests and unused dev schemas have left in the warehouse. CI runs it every night, as the janitor.

    python scripts/dbt_envs/sweep.py

A schema goes for one of these reasons, which the log names, and for no other:

    pr_<number>   GitLab itself says that this merge request was closed 7 days ago or earlier, or that it has none
                  of this number; and nobody has used the schema for 7 days
    dev_<name>    nobody has used it for 30 days; the next build of somebody on the roster works as before

It goes only if it carries this project's mark, nobody has pinned it, GitLab says the same once more just before, and it
was not used since the list was made. The list of merge requests is whole, or nothing is cleared. If more than 25 would go, none
goes. Afterwards the schemas are listed again. Whatever is not as it should be ends the run with status 1.

    DBT_ENVS_ALLOW_DROPS   how many may go in this run, instead of 25
    DBT_ENVS_DRY_RUN       true: say what would go, and clear nothing
    DBT_ENVS_KEEP          pr_142 2027-01-31: pin a schema until that day first; pr_142 none: take the pin away

Ages are measured on the clocks of the warehouse and of GitLab, which have to agree on the day; this machine's clock and
time zone do not matter. What was found and done is in target/dbt_envs/sweep.json afterwards.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from dbt_command import LEFT, Problem, answer_of, exit_status, find_dbt, flag, inert, operation

DEV_SCHEMA = re.compile(r"^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$")
PR_SCHEMA = re.compile(r"^pr_[1-9][0-9]{0,9}$")
ALLOWED = 25
BATCH = 25  # schemas that are looked at once more and then cleared together
NOTICE = datetime.timedelta(days=3)  # how long before it goes a schema is announced
SKEW = datetime.timedelta(minutes=5)  # between the clocks of one code host's machines
APART = datetime.timedelta(days=2)  # warehouse and code host: with one of the two clocks, everything would be old
HOST = pathlib.Path(__file__).with_name("open_prs.py")

Time = datetime.datetime


class Options(NamedTuple):
    dev_days: int = 30
    pr_days: int = 7
    allowed: int = ALLOWED
    dry_run: bool = False


class Schema(NamedTuple):
    """An environment schema with this project's mark, as the warehouse lists it."""

    name: str
    last_used: Time | None
    keep_until: Time | None
    owner: str | None
    relations: int | None
    bytes: int | None


class Listing(NamedTuple):
    at: Time
    listed_at: str  # the same moment, letter for letter: the warehouse compares with it
    schemas: dict[str, Schema]
    others: list[dict[str, Any]]
    handover: str


class Pulls(NamedTuple):
    """What the code host says of pull requests: by number, the time of closing, or None for an open one."""

    at: Time
    closed: dict[int, Time | None]


class Decision(NamedTuple):
    """clear: it goes now. announce: it goes on the day `due`. keep: it stays."""

    action: str
    why: str
    due: Time | None = None


class Warehouse:
    """The run-operations, as dbt prints them."""

    def __init__(self) -> None:
        self.dbt = find_dbt()

    def listing(self) -> Any:
        return operation(self.dbt, "env_schemas")

    def clear(self, names: list[str], listed_at: str, dry_run: bool) -> Any:
        _, answer = answer_of(self.dbt, "drop_stale_schemas", {"candidates": names, "listed_at": listed_at, "dry_run": dry_run})
        return answer  # what failed stands in it

    def keep(self, name: str, until: str | None) -> Any:
        return operation(self.dbt, "keep_schema", {"schema": name, "until": until})


class Host:
    """The code host's own script; it prints nothing where it is not sure."""

    def all(self) -> Any:
        return self.ask([])

    def some(self, numbers: list[int]) -> Any:
        return self.ask([str(number) for number in numbers])

    def ask(self, arguments: list[str]) -> Any:
        done = subprocess.run([sys.executable, str(HOST), *arguments], stdout=subprocess.PIPE, text=True, encoding="utf-8")
        if done.returncode != 0:
            raise Problem("GitLab does not say which merge requests are open (why, stands above), so nothing more is cleared.")
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise Problem("what open_prs.py prints is no JSON, so nothing more is cleared.") from None


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args()
    LEFT.mkdir(parents=True, exist_ok=True)
    place = LEFT / "sweep.json"
    place.unlink(missing_ok=True)
    result = empty_result(Options())
    try:
        options = Options(allowed=allowed(), dry_run=flag("DBT_ENVS_DRY_RUN"))
        pin = pinned()
        warehouse = Warehouse()
        if pin is not None and not options.dry_run:
            say(f"pinned: {json.dumps(warehouse.keep(*pin))}")
        result = sweep(warehouse, Host(), options)
        if pin is not None and options.dry_run:
            result["notes"].append(f"The pin of {pin[0]} is as it was: a dry run changes nothing.")
            say(result["notes"][-1])
    except Problem as problem:
        result = {**result, "ok": False, "problems": [str(problem)]}
    result["problems"] = [inert(problem) for problem in result["problems"]]
    place.write_text(json.dumps(result, indent=1), encoding="utf-8")
    for problem in result["problems"]:
        print(f"sweep: {problem}", file=sys.stderr)
    return 0 if result["ok"] else 1


def allowed() -> int:
    value = os.environ.get("DBT_ENVS_ALLOW_DROPS", "")
    if not re.fullmatch("[0-9]{0,6}", value):
        raise Problem(f"DBT_ENVS_ALLOW_DROPS is {value!r}: give a number, such as 40.")
    return ALLOWED if value == "" else int(value)


def pinned() -> tuple[str, str | None] | None:
    value = os.environ.get("DBT_ENVS_KEEP", "").split()
    if not value:
        return None
    if len(value) != 2 or not is_whole_name(value[0]) or not re.fullmatch("none|null|[0-9]{4}-[0-9]{2}-[0-9]{2}", value[1]):
        raise Problem("DBT_ENVS_KEEP names a schema and a day, pr_142 2027-01-31, or pr_142 none.")
    return value[0], None if value[1] in ("none", "null") else value[1]


def empty_result(options: Options) -> dict[str, Any]:
    return {"at": None, "dry_run": options.dry_run, "ok": True, "problems": [], "notes": [], "allowed": options.allowed, "handover": "", "schemas": []}


def sweep(warehouse: Any, host: Any, options: Options) -> dict[str, Any]:
    """One night. Returns what sweep.json holds; raises Problem where nothing could be decided. The warehouse is listed before
    the code host is asked, so a schema that is on the list is no newer than what the host says."""
    listing = listing_in(warehouse.listing())
    pulls = pulls_in(host.all())
    if abs(pulls.at - listing.at) > APART:
        clocks = f"the warehouse's clock says {listing.at.isoformat()} and that of GitLab {pulls.at.isoformat()}"
        raise Problem(f"{clocks}: one of them is wrong, so nothing is cleared.")
    night = Night(warehouse, host, options, listing, pulls)
    night.decide()
    night.clear()
    return night.result()


class Night:
    def __init__(self, warehouse: Any, host: Any, options: Options, listing: Listing, pulls: Pulls) -> None:
        self.warehouse, self.host, self.options, self.listing, self.pulls = warehouse, host, options, listing, pulls
        self.decisions: dict[str, Decision] = {}
        self.done: dict[str, dict[str, Any]] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []

    def decide(self) -> None:
        for name, schema in self.listing.schemas.items():
            decision = decide(schema, self.listing.at, self.pulls, self.options)
            self.decisions[name] = decision
            say(f"{decision.action:9} {name}: {decision.why}")
        for other in self.listing.others:
            say(f"{'report':9} {other['schema']}: {why_other(other, self.listing.handover)}")

    def clear(self) -> None:
        due = [name for name, decision in self.decisions.items() if decision.action == "clear"]
        if len(due) > self.options.allowed:
            way_out = f"Read the list; if it is right, run the sweep by hand with allow_drops={len(due)}."
            too_many = f"{len(due)} schemas are due and {self.options.allowed} may go in one run, so none goes. {way_out}"
            if not self.options.dry_run:
                self.problems.append(too_many)
                return
            self.notes.append(too_many)
        try:
            for start in range(0, len(due), BATCH):
                self.clear_some(due[start : start + BATCH])
        except Problem as problem:
            self.problems.append(str(problem))
        if due and not self.options.dry_run:
            try:
                self.look_again(due)
            except Problem as problem:
                self.problems.append(f"Whether all of it is done is not known. {problem}")

    def clear_some(self, names: list[str]) -> None:
        names = self.still_due(names)
        if not names:
            return
        answer = self.warehouse.clear(names, self.listing.listed_at, self.options.dry_run)
        for name, done in outcomes(answer, names).items():
            self.done[name] = done
            said = f": {done['why']}" if done.get("why") else ""
            along = f", and with it {', '.join(done['took_along'])}" if done.get("took_along") else ""
            say(f"{'would be ' if self.options.dry_run and done['done'] in CLEARED else ''}{done['done']} {name}{said}{along}")
            if done["done"] == "failed":
                self.problems.append(f"{name} could not be cleared: {done.get('why')}")

    def still_due(self, names: list[str]) -> list[str]:
        """Asks the code host once more for each pull request, by its number. What it says now counts, and nothing that
        contradicts what it said a moment ago."""
        numbers = [number for number in map(number_of, names) if number is not None]
        if not numbers:
            return names
        now = pulls_in(self.host.some(numbers))
        still = []
        for name in names:
            number = number_of(name)
            if number is not None and number in self.pulls.closed and number not in now.closed:
                self.problems.append(f"{name} stays: GitLab listed {named(number)}, and then did not know it.")
                self.decisions[name] = Decision("keep", "GitLab contradicts itself")
                continue
            # What the whole list says of other numbers shows that the host knows this repository.
            seen = Pulls(now.at, {**{other: time for other, time in self.pulls.closed.items() if other not in numbers}, **now.closed})
            again = decide(self.listing.schemas[name], self.listing.at, seen, self.options)
            if again.action == "clear":
                still.append(name)
            else:
                self.decisions[name] = again
                say(f"{again.action:9} {name}: by now, {again.why}")
        return still

    def look_again(self, due: list[str]) -> None:
        """What was to go is gone, and what was to stay is there, unless somebody used or dropped it in the meantime."""
        after = listing_in(self.warehouse.listing())
        for name, done in self.done.items():
            there = after.schemas.get(name)
            back = there is not None and there.last_used is not None and there.last_used > self.listing.at
            if there is None or back or done["done"] not in CLEARED:
                continue
            if done["done"] == "dropped" or there.relations != 0:
                self.problems.append(f"{name} was to be {done['done']}, the warehouse reported no error, and it is still there.")
        cleared = [name for name, done in self.done.items() if done["done"] in CLEARED]
        gone = [name for name in self.listing.schemas if name not in after.schemas and name not in cleared]
        say(f"{len(self.listing.schemas)} schemas were listed, {len(due)} due, {len(cleared)} cleared; {len(after.schemas)} are there now.")
        if gone:
            say(f"Gone in the meantime, and not by this sweep: {', '.join(gone)}")

    def result(self) -> dict[str, Any]:
        schemas = []
        for name, schema in self.listing.schemas.items():
            decision, done = self.decisions[name], self.done.get(name, {})
            why = f"{decision.why}; kept: {done.get('why')}" if done.get("done") == "kept" else decision.why
            due = decision.due.date().isoformat() if decision.due else None
            schemas.append(
                {"schema": name, "action": decision.action, "why": why, "due": due, "done": done.get("done"), "took_along": done.get("took_along", [])}
                | {"owner": schema.owner, "relations": schema.relations, "bytes": schema.bytes}
            )
        for other in self.listing.others:
            fixed = {"action": "report", "why": why_other(other, self.listing.handover), "due": None, "done": None, "took_along": []}
            schemas.append({"schema": other["schema"], **fixed, **{key: other.get(key) for key in ("owner", "relations", "bytes")}})
        whole = {"at": self.listing.listed_at, "ok": not self.problems, "problems": self.problems, "notes": self.notes}
        return {**empty_result(self.options), **whole, "handover": self.listing.handover, "schemas": schemas}


CLEARED = ("dropped", "emptied")


def decide(schema: Schema, now: Time, pulls: Pulls, options: Options) -> Decision:
    """What becomes of a schema, and why, in one sentence. A pin holds back what would go, and its last days are announced."""
    found = without_pin(schema, now, pulls, options)
    pin = schema.keep_until
    if pin is not None and pin > now:
        pinned = f"it is pinned until {day(pin)}"
        due = None if found.due is None else max(found.due, pin)
        found = Decision("announce", f"{pinned}; {found.why}", due) if due is not None and due - NOTICE <= now else Decision("keep", pinned)
    if found.action == "announce" and found.due is not None:
        return found._replace(why=f"{found.why}; it goes on {day(found.due)}")
    return found


def without_pin(schema: Schema, now: Time, pulls: Pulls, options: Options) -> Decision:
    number = number_of(schema.name)
    if number is None:
        return by_age(schema.last_used, now, options.dev_days, "it was last used on {}")
    if number not in pulls.closed:
        if not pulls.closed:
            return Decision("keep", f"GitLab knows no merge request at all, so that it does not know {number} proves nothing")
        return by_age(schema.last_used, now, options.pr_days, f"GitLab has no merge request {number}, and it was last used on {{}}")
    closed = pulls.closed[number]
    if closed is None:
        return Decision("keep", f"{named(number)} is open")
    if closed > pulls.at + SKEW:
        raise Problem(f"GitLab says that {named(number)} was closed at {closed.isoformat()}, which is still to come, so nothing is cleared.")
    by_close = by_age(closed, pulls.at, options.pr_days, f"{named(number)} was closed on {{}}")
    if schema.last_used is None:
        return by_close
    # What somebody builds in is not what that merge request has left, whatever GitLab says: it may speak of another repository.
    by_use = by_age(schema.last_used, now, options.pr_days, f"{named(number)} is closed, and its schema was last used on {{}}")
    last = max(by_close, by_use, key=later)
    return by_close._replace(due=last.due) if by_use.action == by_close.action else last


def by_age(since: Time | None, now: Time, days: int, why: str) -> Decision:
    """What is that old goes; `why` has a place for when that was."""
    if since is None:
        return Decision("keep", "nobody noted when it was last used, so it has no age")
    age = (now - since).days
    said = why.format(f"{day(since)}, {age} days ago" if age > 1 else f"{day(since)}, a day ago" if age == 1 else day(since))
    if since > now:
        return Decision("keep", said)
    due = since + datetime.timedelta(days=days)
    if due <= now:
        return Decision("clear", said, due)
    return Decision("announce" if due - NOTICE <= now else "keep", said, due)


def later(decision: Decision) -> tuple[int, float]:
    return ("clear", "announce", "keep").index(decision.action), decision.due.timestamp() if decision.due else float("inf")


def why_other(other: dict[str, Any], handover: str) -> str:
    return f"it belongs to {other.get('owner') or 'nobody known'} and not to this project; {handover}"


def number_of(name: str) -> int | None:
    return int(name[3:]) if PR_SCHEMA.fullmatch(name) else None


def named(number: int) -> str:
    return f"merge request {number}"


def is_whole_name(name: Any) -> bool:
    return isinstance(name, str) and (DEV_SCHEMA.fullmatch(name) is not None or PR_SCHEMA.fullmatch(name) is not None)


def day(time: Time) -> str:
    return time.date().isoformat()


def say(line: str) -> None:
    print(inert(line), flush=True)


# What comes from outside is looked at before anything is concluded from it.


def listing_in(answer: Any) -> Listing:
    def schema(one: Any) -> Schema:
        if not is_whole_name(one["schema"]):
            raise ValueError(f"{one['schema']!r} is no dev_<name> and no pr_<number>")
        return Schema(one["schema"], moment(one["last_used_at"]), moment(one["keep_until"]), one["created_by"], one["relations"], one["bytes"])

    def read() -> Listing:
        at = moment(answer["listed_at"])
        found = [schema(one) for one in answer["schemas"]]
        others = [dict(one) for one in answer["others"]]
        if at is None or len({one.name for one in found}) != len(found) or not all(isinstance(one["schema"], str) for one in others):
            raise ValueError("it is not complete, or a schema is in it twice")
        return Listing(at, answer["listed_at"], {one.name: one for one in found}, others, str(answer["handover"]))

    return understood(read, "the warehouse's list of schemas")


def pulls_in(answer: Any) -> Pulls:
    def read() -> Pulls:
        at = moment(answer["asked_at"])
        closed: dict[int, Time | None] = {}
        for number, pull in answer["pulls"].items():
            if not re.fullmatch("[1-9][0-9]{0,9}", number) or pull["state"] not in ("open", "closed"):
                raise ValueError(f"merge request {number!r} is neither open nor closed")
            closed[int(number)] = moment(pull["closed_at"]) if pull["state"] == "closed" else None
            if pull["state"] == "closed" and closed[int(number)] is None:
                raise ValueError(f"it does not say when {number} was closed")
        if at is None:
            raise ValueError("it does not say when it was asked")
        return Pulls(at, closed)

    return understood(read, "the code host's list")


def outcomes(answer: Any, names: list[str]) -> dict[str, dict[str, Any]]:
    def read() -> dict[str, dict[str, Any]]:
        cleared = [{**one, "done": one["how"]} for one in answer["cleared"]]
        every = cleared + [{**one, "done": kind} for kind in ("kept", "failed") for one in answer[kind]]
        if sorted(one["schema"] for one in every) != sorted(names) or any(one["how"] not in CLEARED for one in cleared):
            spoken_of = ", ".join(str(one["schema"]) for one in every) or "nothing"
            raise ValueError(f"it speaks of {spoken_of} where {', '.join(names)} were to be cleared")
        return {one["schema"]: one for one in every}

    return understood(read, "what the warehouse says of its drops")


def understood(read: Callable[[], Any], what: str) -> Any:
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        detail = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise Problem(f"{what} is of another shape ({detail}), so nothing more is cleared.") from None


def moment(text: str | None) -> Time | None:
    """A time with its zone, 2026-11-27T03:43:00.123456Z; a time without a zone is refused. datetime reads no Z before Python 3.11."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        raise ValueError(f"{text!r} is no time with a zone")
    clock, fraction, zone = found.groups()
    return datetime.datetime.fromisoformat(f"{clock}.{(fraction or '0'):0<6}{'+00:00' if zone == 'Z' else zone}")


if __name__ == "__main__":
    sys.exit(exit_status("sweep", main))
