"""Builds a pull request into its own schema, pr_<number>, under target ci. For CI; PR_NUMBER says which one.

    python scripts/dbt_envs/build_pr.py

With production's state (fetch_state.py) only what was changed, and what depends on it, is built; everything else is read
from production. Without one the whole project is built, and this says so. Relations of an earlier push that this build
does not make are dropped first, and incremental models and snapshots start anew. Afterwards two checks: every schema of
production is granted, and no SQL names another environment's schema. Ends with 1 where the build or a check failed.
What the review card needs is left in target/dbt_envs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys

from dbt_command import LEFT, PROJECT, Problem, dbt_version, exit_status, find_dbt, operation, run_dbt
from foreign_schemas import foreign_schemas
from prod_state import State, read_state

# dbt replaces these in one step. What it adds to instead, it would add to whatever the last push left.
REPLACED = ("table", "view", "materialized_view", "seed")


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args()
    number = os.environ.get("PR_NUMBER", "")
    if re.fullmatch("[1-9][0-9]{0,9}", number) is None:
        raise Problem("PR_NUMBER is not set to the number of a pull request, e.g. 142.")
    shutil.rmtree(LEFT, ignore_errors=True)
    LEFT.mkdir(parents=True)
    dbt = find_dbt()
    state = read_state(dbt_version(dbt))
    report = {
        "schema": f"pr_{number}",
        "commit": os.environ.get("PR_COMMIT", ""),
        "mode": "slim" if state.usable else "full",
        "why": "what was changed, and what depends on it" if state.usable else state.why,
        "production": {"commit": state.commit, "built_at": state.built_at} if state.usable else None,
        "built": False,
        "problems": [],
    }
    leave("build.json", report)
    print(f"build_pr: {announcement(state)}", file=sys.stderr, flush=True)
    nodes = nodes_to_build(dbt, state)
    start_clean(dbt, nodes)
    if nodes:
        report["built"] = run_dbt(dbt, "build", "--target", "ci", *state.selection()) == 0
        for file in ("manifest.json", "run_results.json"):
            if (PROJECT / "target" / file).is_file():
                shutil.copyfile(PROJECT / "target" / file, LEFT / file)
        report["problems"] += foreign_schemas(LEFT / "manifest.json", report["schema"])
    else:
        report["built"] = True
        print("build_pr: nothing that dbt builds was changed, so nothing is built.", file=sys.stderr, flush=True)
    leave("build.json", report)
    report["problems"] += [f"Schema {one['schema']}: {one['why']}" for one in operation(dbt, "check_prod_schemas")["problems"]]
    leave("build.json", report)
    for problem in report["problems"]:
        print(f"build_pr: {problem}", file=sys.stderr)
    return 0 if report["built"] and not report["problems"] else 1


def announcement(state: State) -> str:
    if state.usable:
        return f"what was changed is built, everything else is read from {state.why}."
    return f"FULL BUILD: {state.why}. EVERYTHING is built."


def nodes_to_build(dbt: str, state: State) -> list:
    """What dbt will build with these options, as dbt itself lists it."""
    keys = ("--output", "json", "--output-keys", "resource_type", "alias", "config.materialized")
    command = [dbt, "--quiet", "ls", "--target", "ci", *state.selection(), *keys]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr, flush=True)
        raise Problem("dbt cannot read the project; what it said is above.")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def start_clean(dbt: str, nodes: list) -> None:
    """Drops what this build would not replace: what a push before it has left, renamed or given up."""
    keep = sorted({node["alias"] for node in nodes if node.get("config.materialized") in REPLACED})
    dropped = operation(dbt, "clean_pr_schema", {"keep": keep})["dropped"]
    if dropped:
        more = f" and {len(dropped) - 20} more" if len(dropped) > 20 else ""
        print(f"build_pr: dropped of an earlier build: {', '.join(dropped[:20])}{more}", file=sys.stderr, flush=True)


def leave(name: str, content: dict) -> None:
    (LEFT / name).write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(exit_status("build_pr", main))
