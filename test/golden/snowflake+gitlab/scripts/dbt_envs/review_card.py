"""Writes the review card of a pull request: target/dbt_envs/card.md, in Markdown, and prints it.

    PR_NUMBER=142 python scripts/dbt_envs/review_card.py

Reads what the build left in target/dbt_envs/ (build.json, manifest.json, run_results.json) and asks the warehouse once
(dbt run-operation review_card). A card is always written; what is missing is said on it. It has names and counts: no
value from the data, no message of the warehouse, which may quote data, and no variable of the environment.
"""

import argparse
import dataclasses
import datetime
import os
import re
import subprocess
import sys

from dbt_command import LEFT, PROJECT, Problem, find_dbt
from inert_markdown import cannot_be_seen, code, member, members, parse, plural, prose, read, whole, without_secrets

MARKER = "<!-- dbt-envs: acme -->"
# Lines of lists and tables outside folds, all together.
SCREEN = 25
# Bytes. GitHub takes 65,536 characters.
LIMIT = 60_000
BUILT_KINDS = ("model", "seed", "snapshot")
TEST_KINDS = ("test", "unit_test")


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args()
    build, manifest, results = (read(LEFT / name) for name in ("build.json", "manifest.json", "run_results.json"))
    text = render(build, manifest, results, ask_warehouse())
    LEFT.mkdir(parents=True, exist_ok=True)
    (LEFT / "card.md").write_bytes(text.encode())
    sys.stdout.buffer.write(text.encode())
    return 0


def ask_warehouse() -> dict | None:
    """The facts that macro review_card prints on its last line. dbt's own words are not passed on: they may quote data."""
    try:
        command = [find_dbt(), "--quiet", "run-operation", "review_card", "--target", "ci"]
        finished = subprocess.run(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300)
        facts = parse(finished.stdout.strip().rpartition(b"\n")[2])
        if finished.returncode != 0 or facts is None:
            raise Problem(f"dbt run-operation review_card --target ci ended with {finished.returncode}. logs/dbt.log says why.")
        return facts
    except (Problem, OSError, subprocess.TimeoutExpired) as problem:
        why = "dbt run-operation review_card took over five minutes." if isinstance(problem, subprocess.TimeoutExpired) else problem
        print(f"review_card: the card has no facts from the warehouse: {why}", file=sys.stderr)
        return None


def render(build: dict | None, manifest: dict | None, results: dict | None, facts: dict | None) -> str:
    card = Card(build, manifest, results, facts)
    text = ""
    for screen, cap in ((SCREEN, 5000), (SCREEN, 1000), (SCREEN, 300), (SCREEN, 100), (SCREEN, 30), (SCREEN, 10), (SCREEN, 0), (10, 0), (3, 0)):
        text = "\n".join([MARKER, *card.lines(screen, cap)]) + "\n"
        if len(text.encode()) <= LIMIT:
            break
    return text


def of_shape(value: object, length: int) -> list[list]:
    """The lists of so many texts in a list."""
    return [one for one in members(value) if isinstance(one, list) and len(one) == length and all(isinstance(text, str) for text in one)]


@dataclasses.dataclass
class Result:
    """What dbt says of one node."""

    id: str
    status: str
    kind: str
    name: object
    compiled: bool
    failures: int | None
    owners: list[object]


class Card:
    def __init__(self, build: dict | None, manifest: dict | None, results: dict | None, facts: dict | None) -> None:
        self.build = build
        self.manifest = manifest
        self.results = results
        self.facts = facts
        ran = [self.result(one) for one in members(member(results, "results")) if isinstance(member(one, "unique_id"), str)]
        tests = [one for one in ran if one.kind in TEST_KINDS]
        self.failed_tests = [one for one in tests if one.status in ("fail", "error", "runtime error")]
        self.warned_tests = [one for one in tests if one.status == "warn"]
        self.failed = [one for one in ran if one.kind not in TEST_KINDS and one.status in ("error", "fail", "runtime error", "partial success")]
        self.skipped = [one for one in ran if one.status == "skipped"]
        self.problems = members(member(build, "problems"))

    def result(self, one: dict) -> Result:
        node_id = one["unique_id"]
        node = member(self.manifest, "nodes", node_id) or member(self.manifest, "unit_tests", node_id)
        kind = node_id.partition(".")[0]
        attached = member(node, "attached_node")
        owners = [attached] if attached else members(member(node, "depends_on", "nodes")) if kind in TEST_KINDS else []
        return Result(
            id=node_id,
            status=str(one.get("status")),
            kind=kind,
            name=member(node, "alias" if kind in BUILT_KINDS else "name") or node_id,
            compiled=one.get("compiled") is True,
            failures=whole(one.get("failures")),
            owners=[member(self.manifest, "nodes", owner, "name") or owner for owner in owners if isinstance(owner, str)],
        )

    def lines(self, screen: int, cap: int) -> list[str]:
        """The card with so many lines outside folds and so many in each fold."""
        problems = [f"- {prose(one)}" for one in self.problems]
        tests = [test_line(one) for one in self.failed_tests]
        aside = max(1, screen // 5)
        rows = self.rows()
        shown = screen - min(len(problems), aside) - min(len(tests), aside)
        return [
            f"### {self.schema()}: {self.outcome()}",
            "",
            self.origin(),
            *(paragraph for sentence in self.missing() for paragraph in ("", sentence)),
            *listed(plural(len(problems), "check") + " failed", problems, aside, cap),
            *(["", *TABLE, *rows[:shown]] if rows else []),
            *fold(plural(len(rows) - shown, "more relation") if shown else plural(len(rows), "relation"), rows[shown:], cap, TABLE),
            *fold("Every change of a column", self.all_column_changes(), cap),
            *listed(plural(len(tests), "test") + " failed", tests, aside, cap),
            *fold(
                f"{len(self.failed):,} failed{f' and {len(self.skipped):,} skipped' if self.skipped else ''}: why is in the job's log",
                [node_line(one) for one in (*self.failed, *self.skipped)],
                cap,
            ),
            *fold(plural(len(self.warned_tests), "test") + " warned", [test_line(one) for one in self.warned_tests], cap),
            *self.left_in_prod(cap),
            *self.query(),
        ]

    def schema(self) -> str:
        number = os.environ.get("PR_NUMBER", "")
        asked = f"pr_{number}" if re.fullmatch("[1-9][0-9]{0,9}", number) else "pr_?"
        return code(member(self.build, "schema") or member(self.facts, "schema") or asked)

    def outcome(self) -> str:
        checks = [plural(len(self.problems), "check") + " failed"] if self.problems else []
        tests = [plural(len(self.failed_tests), "test") + " failed"] if self.failed_tests else []
        if self.build is None:
            return ", ".join(["the build ended early", *tests])
        if member(self.build, "built") is True:
            return ", ".join(["built", *checks])
        return ", ".join([*(["build failed"] if self.failed or not tests else []), *tests, *checks])

    def origin(self) -> str:
        if self.build is None:
            return "The build ended before it said what it did: see the job's log."
        production = member(self.build, "production")
        return " · ".join(
            [
                f"commit {sha(member(self.build, 'commit'))}",
                f"{prose(member(self.build, 'mode'))}: {prose(member(self.build, 'why'))}",
                f"production: {sha(member(production, 'commit'))}, {age(member(production, 'built_at'))}" if production else "production: no state",
            ]
        )

    def missing(self) -> list[str]:
        sentences = []
        if member(self.build, "built") is True and self.results is None and self.manifest is None:
            return ["Nothing that dbt builds was changed, so nothing was built."]
        if self.facts is None:
            sentences.append("**Row counts and columns are missing**: the warehouse could not be asked. See the job's log.")
        if self.results is None:
            sentences.append("**The results are missing**: dbt ended before it wrote which models and tests failed. See the job's log.")
        if self.manifest is None:
            sentences.append("**dbt's manifest is missing**: tests are not matched with their models.")
        if self.facts is not None and not members(member(self.facts, "relations")):
            sentences.append("No relation of this project stands in the schema.")
        return sentences

    def rows(self) -> list[str]:
        """Of the table, what matters most first: failed, columns changed, largest difference, new, the rest."""
        relations = [one for one in members(member(self.facts, "relations")) if isinstance(one, dict)]
        failed = {one.id: one for one in self.failed if one.kind in BUILT_KINDS}
        # What stands in the schema under such a name is of an earlier push.
        skipped = {one.id for one in self.skipped}
        rows = []
        for one in relations:
            unique_id = str(one.get("id"))
            rows.append(relation_row(one, "failed" if failed.pop(unique_id, None) else "skipped" if unique_id in skipped else ""))
        rows += [((0, 0.0, 0, str(one.name)), f"| {code(one.name, 60)} | failed |  |  |  |") for one in failed.values()]
        return [row for _, row in sorted(rows)]

    def all_column_changes(self) -> list[str]:
        """Nothing where the table has them all."""
        not_built = {one.id for one in (*self.failed, *self.skipped)}
        relations = [one for one in members(member(self.facts, "relations")) if str(member(one, "id")) not in not_built]
        changed = [(one, column_changes(one, 80)) for one in relations]
        if all(len(changes) <= CHANGES_SHOWN for _, changes in changed):
            return []
        return [f"- {code(member(one, 'name'))}: {change}" for one, changes in changed for change in changes]

    def left_in_prod(self, cap: int) -> list[str]:
        left = [f"- {code(member(one, 'schema'))} {code(member(one, 'name'))}" for one in members(member(self.facts, "left_in_prod"))]
        return fold(f"{plural(len(left), 'relation')} in production that nothing here makes: removed, newer on the main branch, or not dbt's", left, cap)

    def query(self) -> list[str]:
        query = member(self.facts, "query")
        if not isinstance(query, str):
            return []
        query = without_secrets(query)
        if cannot_be_seen(query) or "##[" in query or len(query) > 500:
            return ["", "No query to paste: the name of the relation is too long, or has characters that cannot stand here."]
        return ["", "```sql", query, "```"]


TABLE = ("| relation | rows here | in prod | difference | columns |", "|---|---:|---:|---:|---|")
CHANGES_SHOWN = 3


def relation_row(one: dict, not_built: str) -> tuple[tuple[int, float, int, str], str]:
    """A row of the table, and where it comes in the order. Of what was not built, no figure: it would be an older commit's."""
    here, prod = one.get("here"), one.get("prod")
    if not_built:
        rank = 0 if not_built == "failed" else 1
        return (rank, 0.0, 0, str(one.get("name"))), f"| {code(one.get('name'), 60)} | {not_built} | {side(prod) if prod else 'not there'} |  |  |"
    changes = column_changes(one, 40)
    rows, prod_rows = whole(member(here, "rows")), whole(member(prod, "rows"))
    difference = rows - prod_rows if rows is not None and prod_rows is not None else None
    rank = 1 if changes else 2 if difference else 3 if not prod else 4
    share = abs(difference or 0) / max(prod_rows or 0, 1)
    if len(changes) > CHANGES_SHOWN:
        changes[CHANGES_SHOWN:] = [f"{len(changes) - CHANGES_SHOWN:,} more"]
    exact = member(here, "exact") is True and member(prod, "exact") is True
    cells = [
        code(one.get("name"), 60),
        side(here),
        side(prod) if prod else "not there",
        difference_cell(difference, prod_rows, exact) if prod else "new",
        "; ".join(changes),
    ]
    return (rank, -share, -abs(difference or 0), str(one.get("name"))), f"| {' | '.join(cells)} |"


def side(relation: object) -> str:
    rows, size, kind = whole(member(relation, "rows")), whole(member(relation, "bytes")), member(relation, "kind")
    if rows is not None:
        return f"{'' if member(relation, 'exact') is True else '~'}{rows:,}"
    if not size:
        return prose(kind)
    return f"large, {size / 1e9:,.1f} GB" if size >= 1e8 else f"large, {size / 1e6:,.1f} MB"


def difference_cell(difference: int | None, prod_rows: int | None, exact: bool) -> str:
    if difference is None:
        return ""
    share = f" ({100 * difference / prod_rows:+,.1f} %)" if difference and prod_rows else ""
    return f"{'' if exact else '~'}{difference:+,}{share}" if difference else "0" if exact else "~0"


def column_changes(one: object, limit: int) -> list[str]:
    columns = member(one, "columns")
    was, now = member(one, "prod", "kind"), member(one, "here", "kind")
    return [
        *([f"was a {prose(was)}, is a {prose(now)}"] if was and was != now else []),
        *(f"added {code(name, limit)} {code(kind, limit)}" for name, kind in of_shape(member(columns, "added"), 2)),
        *(f"removed {code(name, limit)}" for name, _ in of_shape(member(columns, "removed"), 2)),
        *(f"retyped {code(name, limit)} from {code(old, limit)} to {code(new, limit)}" for name, old, new in of_shape(member(columns, "retyped"), 3)),
    ]


def test_line(one: Result) -> str:
    owners = " and ".join(code(owner, 60) for owner in one.owners[:3]) + (" and others" if len(one.owners) > 3 else "")
    if one.status not in ("fail", "warn"):
        found = "could not run: see the job's log"
    elif one.kind == "unit_test":
        found = "another result than expected: see the job's log"
    else:
        found = plural(one.failures, "failing row") if one.failures is not None else "failing rows not counted"
    return f"- {code(one.name)}{f' of {owners}' if owners else ''}: {found}"


def node_line(one: Result) -> str:
    failed = "failed in the warehouse" if one.compiled else "failed before it reached the warehouse"
    what = "skipped, since something that it needs failed" if one.status == "skipped" else failed
    return f"- {code(one.name)} ({prose(one.kind.replace('_', ' '))}): {what}"


def listed(title: str, lines: list[str], shown: int, cap: int) -> list[str]:
    if not lines:
        return []
    return ["", f"**{title}**", "", *lines[:shown], *fold(f"{len(lines) - shown:,} more", lines[shown:], cap)]


def fold(title: str, lines: list[str], cap: int, head: tuple[str, ...] = ()) -> list[str]:
    if not lines:
        return []
    left_out = ["", f"{len(lines) - cap:,} left out: a comment has a limit."] if len(lines) > cap else []
    # Markdown again after the blank line.
    return ["", f"<details><summary>{title}</summary>", "", *(head if cap else []), *lines[:cap], *left_out, "", "</details>"]


def sha(commit: object) -> str:
    return code(commit[:7] if isinstance(commit, str) and re.fullmatch("[0-9a-f]{40,64}", commit) else commit or "unknown")


def age(built_at: object) -> str:
    try:
        # Python 3.10 reads no Z.
        built = datetime.datetime.fromisoformat(str(built_at).replace("Z", "+00:00"))
        hours = (datetime.datetime.now(datetime.timezone.utc) - built).total_seconds() / 3600
    except (ValueError, TypeError, OverflowError):
        return "built at an unknown time"
    if hours < 1:
        return "built less than an hour ago"
    return f"built {plural(round(hours), 'hour')} ago" if hours < 48 else f"built {plural(round(hours / 24), 'day')} ago"


if __name__ == "__main__":
    sys.exit(main())
