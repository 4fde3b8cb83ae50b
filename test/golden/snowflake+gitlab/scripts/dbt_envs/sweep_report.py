"""Writes the report of the sweep: target/dbt_envs/report.md, one page in Markdown for whoever answers for production.

    python scripts/dbt_envs/sweep_report.py

Reads what the sweep left (target/dbt_envs/sweep.json) and asks the warehouse once (dbt run-operation report), as the
janitor. A page is always written: a sweep that failed is said first, and what is not known is "unknown" and never 0, "no"
or left out. It has names, sizes and times, and no value from the data. report.json beside it holds the same facts.
Ends with 1 where the warehouse could not be asked.
"""

import argparse
import datetime
import json
import re
import sys
from collections.abc import Callable

from dbt_command import LEFT, Problem, exit_status, find_dbt, operation
from inert_markdown import code, member, members, plural, prose, read, whole

MARKER = "<!-- dbt-envs report: acme -->"
# Rows of a table outside folds, and rows at all.
SCREEN = 10
MOST = 50
# Bytes. docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits: 1 MiB a step.
LIMIT = 900_000
UNKNOWN = "unknown"
DAY = datetime.timedelta(days=1)
# Whose proof has to be there: of these, one at least.
PROVED = {"dev": "a developer", "ci": "CI's service", "prod": "production's service", "janitor": "the janitor"}


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args()
    LEFT.mkdir(parents=True, exist_ok=True)
    swept = read(LEFT / "sweep.json")
    facts = None
    problem = None
    try:
        facts = operation(find_dbt(), "report")
    except (Problem, OSError) as error:
        problem = str(error)
    text = render(swept, facts, datetime.datetime.now(datetime.timezone.utc))
    (LEFT / "report.md").write_bytes(text.encode())
    (LEFT / "report.json").write_text(json.dumps({"sweep": swept, "facts": facts}), encoding="utf-8")
    print("sweep_report: the page is target/dbt_envs/report.md.", file=sys.stderr)
    if problem is not None:
        raise Problem(f"the page lacks what only the warehouse knows: {problem}")
    return 0


def render(swept: dict | None, facts: dict | None, now: datetime.datetime) -> str:
    text = ""
    for screen, most in ((SCREEN, MOST), (SCREEN, SCREEN), (3, 3)):
        text = "\n".join([MARKER, *Page(swept, facts, now, screen, most).lines()]) + "\n"
        if len(text.encode()) <= LIMIT:
            break
    return text


class Page:
    def __init__(self, swept: dict | None, facts: dict | None, now: datetime.datetime, screen: int, most: int) -> None:
        self.swept = swept
        self.facts = facts
        self.now = now
        self.screen = screen
        self.most = most
        # Without a time, the sweep has listed nothing: then nothing is known of any schema.
        self.listed = moment(member(swept, "at"))
        self.dry_run = member(swept, "dry_run") is True
        self.schemas = objects(member(swept, "schemas"))

    def lines(self) -> list[str]:
        failed = self.failures()
        return [
            f"### Environments of {code('acme')}, {self.now.day} {self.now:%B %Y}",
            *(["", "**THE SWEEP FAILED.** What it was to clear may still be there.", "", *self.listing(failed)] if failed else []),
            *(["", "**The warehouse could not be asked**, so most of this page is unknown. The log of this run says why."] if self.facts is None else []),
            "",
            "#### Did it happen again?",
            "",
            *self.happened(),
            *self.announced(),
            *self.writers(),
            *self.proofs(),
            *self.storage(),
            *self.compute(),
            *self.night(),
            *self.others(),
            *self.cleared(),
        ]

    def failures(self) -> list[str]:
        if self.swept is None:
            return ["It left no result: it did not run, or it ended before it could say anything."]
        old = [f"Its result is of {time_of(self.listed)}: it has not run since."] if self.listed and self.now - self.listed > DAY else []
        said = [prose(one) for one in members(member(self.swept, "problems"))]
        if member(self.swept, "ok") is not True and not said:
            said = ["It does not say why: see the log of this run."]
        return said + old

    def happened(self) -> list[str]:
        """One sentence, and what it rests on. "No" is never said of what was not looked at."""
        strangers, writers, last = (member(self.facts, key) for key in ("strangers", "can_write", "last_write_by_others"))
        wrote = last_write(last)
        recent = wrote is not None and self.now - wrote <= 30 * DAY
        holes = sum(is_hole(one) for one in members(writers))
        wrong = sum(max(whole(member(one, "wrong")) or 0, 0) for one in members(member(self.facts, "proofs")))
        if members(strangers) or recent:
            found = ["production has " + plural(len(members(strangers)), "relation") + " that its service does not own"] if members(strangers) else []
            found += [f"somebody else wrote to production at {time_of(wrote)}"] if recent else []
            answer = f"**It happened again**: {' and '.join(found)}."
        elif not isinstance(strangers, list):
            answer = "**Unknown**: this warehouse does not say who owns what in production, or was not asked."
        elif self.nothing_in_production():
            answer = "**Nothing to look at yet**: production is empty."
        elif not isinstance(writers, list):
            answer = "**Unknown**: every relation of production belongs to its service, but who else can write there was not looked at."
        elif holes or wrong:
            open_ways = [f"{plural(holes, 'hole')} in the boundary {'is' if holes == 1 else 'are'} open"] if holes else []
            open_ways += [f"{plural(wrong, 'act')} came out wrong when the boundary was last tried"] if wrong else []
            answer = f"**No sign of it, but it can**: every relation of production belongs to its service, and {' and '.join(open_ways)}."
        else:
            others = plural(len({str(member(one, "login")) for one in objects(writers)}), "login")
            besides = f"no hole is open, and besides its service {others} can write there" if writers else "and nobody else can write there"
            answer = f"**No sign of it**: every relation of production belongs to its service, {besides}."
        rows = [row(code(one.get("relation")), known(one.get("owner"))) for one in objects(strangers)]
        return [
            answer,
            "",
            f"Last write by anyone else: {self.last_write(last)}",
            *self.table(("| not its service's | owner |", "|---|---|"), rows),
        ]

    def nothing_in_production(self) -> bool:
        """Whether its schemas were measured, and hold nothing."""
        sizes = [member(one, "bytes") for one in objects(member(self.facts, "storage")) if one.get("environment") == "prod"]
        return sizes != [] and all(whole(one) == 0 for one in sizes)

    def last_write(self, last: object) -> str:
        at = last_write(last)
        if at is None:
            return "unknown. This warehouse keeps no record of writes that could be asked." if last is None and self.facts is not None else f"{UNKNOWN}."
        who = f" by {code(member(last, 'login'))}" if member(last, "login") else ""
        where = f" in {code(member(last, 'relation'))}" if member(last, "relation") else ""
        return f"{time_of(at)}{who}{where}, {age(at, self.now)}."

    def announced(self) -> list[str]:
        title = "#### What goes in the next three days"
        if self.listed is None:
            return ["", title, "", "Unknown: the sweep did not come to look."]
        coming = sorted(self.of("announce"), key=lambda one: (str(one.get("due")), str(one.get("schema"))))
        rows = [row(day(one.get("due")), code(one.get("schema")), known(one.get("owner")), size(one.get("bytes")), prose(one.get("why"))) for one in coming]
        if not rows:
            return ["", title, "", "Nothing."]
        return [
            "",
            title,
            "",
            "What stops it: a build by its developer, the pull request being opened again, or a pin (`dbt run-operation keep_schema`).",
            *self.table(("| goes on | schema | made by | size | why |", "|---|---|---|---:|---|"), rows),
        ]

    def writers(self) -> list[str]:
        writers = member(self.facts, "can_write")
        title = "#### Who can write production"
        if not isinstance(writers, list):
            return ["", title, "", "Unknown."]
        ways: dict[tuple, list[str]] = {}
        for one in sorted(objects(writers), key=lambda one: (not is_hole(one), str(one.get("verdict")), str(one.get("login")), str(one.get("how")))):
            # Each hole is closed by itself; of the others, a line a login will do.
            which = prose(one.get("how")) if is_hole(one) else ""
            ways.setdefault((verdict(one), code(one.get("login")), which), []).append(prose(one.get("how")))
        rows = [row(said, login, some(hows)) for (said, login, _), hows in ways.items()]
        return ["", title, *(self.table(("| verdict | login | how |", "|---|---|---|"), rows) or ["", "Its service, and nobody else."])]

    def proofs(self) -> list[str]:
        proofs = member(self.facts, "proofs")
        title = "#### When the boundary was last tried, under each login"
        if not isinstance(proofs, list):
            return ["", title, "", "Unknown."]
        rows = []
        kinds = set()
        for one in sorted(objects(proofs), key=lambda one: (whole(one.get("wrong")) == 0, str(one.get("at")))):
            kinds.add(str(one.get("identity")))
            at, acts, wrong = moment(one.get("at")), whole(one.get("acts")), whole(one.get("wrong"))
            outcome = UNKNOWN if wrong is None else "as it should be" if wrong == 0 else f"**{wrong:,} WRONG**"
            when = f"{time_of(at)}, {age(at, self.now)}" if at else UNKNOWN
            rows.append(row(code(one.get("login")), known(one.get("identity")), when, count(acts), outcome))
        missing = [label for kind, label in PROVED.items() if kind not in kinds]
        return [
            "",
            title,
            *self.table(("| login | is | tried | acts | outcome |", "|---|---|---|---:|---|"), rows),
            *(["", f"Never, as far as is known: {', '.join(missing)}. Each runs `dbt run-operation verify_boundary` under its own login."] if missing else []),
        ]

    def storage(self) -> list[str]:
        storage = member(self.facts, "storage")
        title = "#### Storage"
        if not isinstance(storage, list):
            return ["", title, "", "Unknown."]
        since = day(member(self.facts, "since"))
        then = f"on {since}" if since != UNKNOWN else "30 days ago"
        heading = f"now | {then} | difference |"
        environments = ("prod", "ci", "dev")
        entries = objects(storage)
        others = sorted({str(one.get("environment")) for one in entries} - set(environments))
        rows = []
        for name in (*environments, *others):
            its = [one for one in entries if str(one.get("environment")) == name]
            # Production is always somewhere: where nothing is listed, it was not measured.
            rows.append(row(code(name), *self.sizes(its, name != "prod")))
        developers: dict[str, list[dict]] = {}
        for one in entries:
            if one.get("environment") == "dev":
                developers.setdefault(str(one.get("who")) if one.get("who") else UNKNOWN, []).append(one)
        order = sorted(developers, key=lambda who: (-sum(whole(one.get("bytes")) or 0 for one in developers[who]), who))
        people = [row(known(None if who == UNKNOWN else who), *self.sizes(developers[who])) for who in order]
        largest = member(self.facts, "largest_dev")
        tables = [row(code(one.get("relation")), size(one.get("bytes"))) for one in objects(largest)]
        return [
            "",
            title,
            *self.table((f"| environment | {heading}", "|---|---:|---:|---:|"), rows),
            *self.fold(f"By developer: {len(people):,}", (f"| developer | {heading}", "|---|---:|---:|---:|"), people),
            *(["", "Largest tables in dev: unknown."] if not isinstance(largest, list) else []),
            *self.fold(f"Largest tables in dev: {len(tables):,}", ("| table | size |", "|---|---:|"), tables),
        ]

    def sizes(self, entries: list[dict], complete: bool = True) -> tuple[str, str, str]:
        """Now, then and the difference, of schemas that are all known in size."""
        now, then = (total([one.get(key) for one in entries]) for key in ("bytes", "bytes_then"))
        if not entries and not complete:
            now = then = None
        if day(member(self.facts, "since")) == UNKNOWN:
            then = None
        if now is None or then is None:
            return size(now), size(then), UNKNOWN
        share = f" ({100 * (now - then) / then:+,.0f} %)" if then else ""
        return size(now), size(then), f"{'+' if now >= then else '-'}{size(abs(now - then))}{share}"

    def compute(self) -> list[str]:
        """What was used, in the unit that is paid for. Nothing where the warehouse does not speak of it: it is not paid by use there."""
        if not isinstance(self.facts, dict) or "compute" not in self.facts:
            return []
        unit = member(self.facts["compute"], "unit")
        used = member(self.facts["compute"], "used")
        title = f"#### Compute, in {prose(unit)}" if isinstance(unit, str) and unit != "" else "#### Compute"
        if not isinstance(unit, str) or not isinstance(used, list):
            return ["", title, "", "Unknown."]
        entries = objects(used)
        shown = size_of if unit.startswith("bytes") else figure
        heading = "last 30 days | 30 days before | difference |"
        order = ("prod", "ci", "dev")
        names = sorted({str(one.get("environment")) for one in entries}, key=lambda name: (order.index(name) if name in order else len(order), name))
        rows = [row(code(name), *spent([one for one in entries if str(one.get("environment")) == name], shown)) for name in names]
        developers: dict[str, list[dict]] = {}
        for one in entries:
            if one.get("environment") == "dev":
                developers.setdefault(str(one.get("who")) if one.get("who") else UNKNOWN, []).append(one)
        cost = {who: together([one.get("amount") for one in its]) or 0 for who, its in developers.items()}
        people = [row(known(None if who == UNKNOWN else who), *spent(developers[who], shown)) for who in sorted(developers, key=lambda who: (-cost[who], who))]
        if not rows:
            return ["", title, "", "None in the last 60 days."]
        return [
            "",
            title,
            *self.table((f"| environment | {heading}", "|---|---:|---:|---:|"), rows),
            *self.fold(f"By developer: {len(people):,}", (f"| developer | {heading}", "|---|---:|---:|---:|"), people),
        ]

    def night(self) -> list[str]:
        title = f"#### What the sweep did{f' at {time_of(self.listed)}' if self.listed else ''}"
        if self.listed is None:
            return ["", title, "", "Unknown: it did not come to look."]
        due = [one for one in self.schemas if one.get("action") == "clear" or one.get("done") is not None]
        ours = [one for one in self.schemas if one.get("action") != "report"]
        would = "would be " if self.dry_run else ""
        words = {"dropped": f"{would}dropped", "emptied": f"{would}emptied", "kept": "kept", "failed": "failed"}
        counted = [(said, sum(one.get("done") == word for one in due)) for word, said in words.items()]
        counted.append(("not cleared", sum(one.get("done") is None for one in due)))
        said = ", ".join(f"{count:,} {word}" for word, count in counted if count)
        worst_first = sorted(due, key=lambda one: (one.get("done") not in ("failed", None), str(one.get("done")), str(one.get("schema"))))
        rows = [
            row(self.done(one), code(one.get("schema")), prose(one.get("why")), size(one.get("bytes")), names(one.get("took_along"))) for one in worst_first
        ]
        kept = [row(code(one.get("schema")), size(one.get("bytes")), prose(one.get("why"))) for one in self.of("keep")]
        return [
            "",
            title,
            "",
            *(["**A trial: nothing was cleared.**", ""] if self.dry_run else []),
            f"{plural(len(ours), 'schema')} of this project, {len(due):,} due{f': {said}' if said else ''}.",
            *(line for note in members(member(self.swept, "notes")) for line in ("", prose(note))),
            *self.table(("| done | schema | why | size | went along |", "|---|---|---|---:|---|"), rows),
            *self.fold(f"What stays, and why: {len(kept):,}", ("| schema | size | why |", "|---|---:|---|"), kept),
        ]

    def done(self, one: dict) -> str:
        done = member(one, "done")
        if done is None:
            return "not cleared"
        if done not in ("dropped", "emptied", "kept", "failed"):
            return code(done)
        if self.dry_run and done in ("dropped", "emptied"):
            return f"would be {done}"
        return "**FAILED**" if done == "failed" else str(done)

    def others(self) -> list[str]:
        title = "#### Schemas of others"
        if self.listed is None:
            return ["", title, "", "Unknown: the sweep did not come to look."]
        others = sorted(self.of("report"), key=lambda one: (-(whole(one.get("bytes")) or 0), str(one.get("schema"))))
        rows = [row(code(one.get("schema")), known(one.get("owner")), count(one.get("relations")), size(one.get("bytes"))) for one in others]
        if not rows:
            return ["", title, "", "None that is called like an environment."]
        handover = member(self.swept, "handover")
        how = f": {prose(handover)}" if isinstance(handover, str) and handover else ""
        return [
            "",
            title,
            "",
            f"They are called like an environment, and are not this project's. The sweep never touches them. To have one cleared{how}.",
            *self.table(("| schema | owner | relations | size |", "|---|---|---:|---:|"), rows),
        ]

    def cleared(self) -> list[str]:
        cleared = member(self.facts, "cleared")
        title = "#### Cleared in the last 30 days"
        if not isinstance(cleared, list):
            return ["", title, "", "Unknown."]
        if not cleared:
            return ["", title, "", "Nothing."]
        entries = sorted(objects(cleared), key=lambda one: str(one.get("at")), reverse=True)
        rows = [row(time_of(moment(one.get("at"))), code(one.get("schema")), how_cleared(one.get("how")), size(one.get("bytes"))) for one in entries]
        together = size(total([one.get("bytes") for one in entries]))
        head = ("| when | schema | how | size |", "|---|---|---|---:|")
        return ["", title, "", f"{plural(len(entries), 'schema')}, {together} together.", *self.fold("Which", head, rows)]

    def of(self, action: str) -> list[dict]:
        return [one for one in self.schemas if one.get("action") == action]

    def listing(self, lines: list[str]) -> list[str]:
        more = [f"- and {len(lines) - self.screen:,} more: the log of this run has them all"] if len(lines) > self.screen else []
        return [*(f"- {line}" for line in lines[: self.screen]), *more]

    def table(self, head: tuple[str, str], rows: list[str]) -> list[str]:
        """What fits on a screen, and the rest folded."""
        if not rows:
            return []
        rest = rows[self.screen : self.most]
        left_out = len(rows) - self.screen - len(rest)
        more = ["", f"and {left_out:,} more: `report.json` has them all."] if left_out > 0 else []
        return ["", *head, *rows[: self.screen], *self.fold(f"{len(rest):,} more", head, rest), *more]

    def fold(self, title: str, head: tuple[str, str], rows: list[str]) -> list[str]:
        if not rows:
            return []
        more = ["", f"and {len(rows) - self.most:,} more: `report.json` has them all."] if len(rows) > self.most else []
        # Markdown again after the blank line.
        return ["", f"<details><summary>{title}</summary>", "", *head, *rows[: self.most], *more, "", "</details>"]


def objects(value: object) -> list[dict]:
    return [one for one in members(value) if isinstance(one, dict)]


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def is_hole(one: object) -> bool:
    return member(one, "verdict") == "HOLE"


def verdict(one: dict) -> str:
    return "**HOLE**" if is_hole(one) else prose(member(one, "verdict")) if member(one, "verdict") else UNKNOWN


def known(name: object) -> str:
    return code(name) if isinstance(name, str) and name.strip() != "" else UNKNOWN


def how_cleared(how: object) -> str:
    return str(how) if how in ("dropped", "emptied") else known(how)


def names(value: object) -> str:
    return some([code(one) for one in members(value)])


def some(found: list[str]) -> str:
    more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more


def count(value: object) -> str:
    number = whole(value)
    return UNKNOWN if number is None else f"{number:,}"


def total(values: list) -> int | None:
    """The sum; unknown where one of them is."""
    numbers = [whole(value) for value in values]
    return sum(number for number in numbers if number is not None) if None not in numbers else None


def size(value: object) -> str:
    number = whole(value)
    if number is None or number < 0:
        return UNKNOWN
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= least:
            return f"{number / least:,.1f} {unit}"
    return f"{number} B"


def amount(value: object) -> float | None:
    """What was used of something; it may be a fraction."""
    return value if type(value) in (int, float) and abs(value) < 10**18 else None


def together(values: list) -> float | None:
    """The sum; unknown where one of them is."""
    numbers = [amount(value) for value in values]
    return sum(number for number in numbers if number is not None) if None not in numbers else None


def figure(value: float) -> str:
    return f"{value:,.1f}"


def size_of(value: float) -> str:
    return size(round(value))


def spent(entries: list[dict], shown: Callable[[float], str]) -> tuple[str, str, str]:
    """Now, before and the difference."""
    now, before = (together([one.get(key) for one in entries]) for key in ("amount", "amount_before"))
    texts = [UNKNOWN if one is None else shown(one) for one in (now, before)]
    if now is None or before is None:
        return texts[0], texts[1], UNKNOWN
    share = f" ({round(100 * (now - before) / before):+,} %)" if round(before, 1) > 0 else ""
    # What rounds to nothing is +0, never -0.
    sign = "-" if round(now - before, 1) < 0 else "+"
    return texts[0], texts[1], f"{sign}{shown(abs(now - before))}{share}"


def last_write(last: object) -> datetime.datetime | None:
    return moment(last if isinstance(last, str) else member(last, "at"))


def moment(value: object) -> datetime.datetime | None:
    """A time with its zone, in UTC; nothing where it is none."""
    try:
        # Python 3.10 reads no Z.
        found = datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        return found.astimezone(datetime.timezone.utc) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def time_of(at: datetime.datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else UNKNOWN


def day(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value) else UNKNOWN


def age(at: datetime.datetime, now: datetime.datetime) -> str:
    hours = (now - at).total_seconds() / 3600
    if hours < 1:
        return "less than an hour ago" if hours > -1 else "which is still to come"
    return f"{plural(round(hours), 'hour')} ago" if hours < 48 else f"{plural(round(hours / 24), 'day')} ago"


if __name__ == "__main__":
    sys.exit(exit_status("sweep_report", main))
