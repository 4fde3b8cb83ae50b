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
import pathlib
import re
import shutil
import sys

from dbt_command import LEFT, PROJECT, Problem, dbt_version, exit_status, find_dbt, list_nodes, operation, run_dbt
from foreign_schemas import foreign_schemas
from prod_state import State, read_json, read_state

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
    selection = state.selection()
    nodes = nodes_to_build(dbt, selection)
    if state.usable and untested_models(nodes):
        selection = state.selection(*untested_models(nodes))
        nodes = nodes_to_build(dbt, selection)
    start_clean(dbt, nodes)
    if nodes:
        (PROJECT / "target" / "run_results.json").unlink(missing_ok=True)
        report["built"] = run_dbt(dbt, "build", "--target", "ci", *selection) == 0
        for file in ("manifest.json", "run_results.json"):
            if (PROJECT / "target" / file).is_file():
                shutil.copyfile(PROJECT / "target" / file, LEFT / file)
        if not report["built"]:
            drop(dbt, built_in(LEFT))
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


def nodes_to_build(dbt: str, selection: list) -> list:
    return list_nodes(dbt, "ci", selection, "unique_id", "resource_type", "alias", "config.materialized")


def untested_models(nodes: list) -> list:
    """Models that are not built and have a unit test that was changed: dbt runs a unit test only when it builds its model."""
    built = {node["unique_id"] for node in nodes}
    tested = {".".join(["model", *node["unique_id"].split(".")[1:3]]) for node in nodes if node["resource_type"] == "unit_test"}
    return sorted(model.split(".")[2] for model in tested - built)


def start_clean(dbt: str, nodes: list) -> None:
    """Drops what this build would not replace: what a push before it has left, renamed or given up."""
    drop(dbt, {node["alias"] for node in nodes if node.get("config.materialized") in REPLACED})


def built_in(folder: pathlib.Path) -> set:
    """What a build that failed has made all the same. What it did not come to is of an earlier commit."""
    results, manifest = read_json(folder / "run_results.json"), read_json(folder / "manifest.json")
    made = [one["unique_id"] for one in results.get("results", []) if one["status"] in ("success", "pass", "fail", "warn")]
    return {manifest["nodes"][one]["alias"] for one in made if one in manifest.get("nodes", {})}


def drop(dbt: str, keep: set) -> None:
    dropped = operation(dbt, "clean_pr_schema", {"keep": sorted(keep)})["dropped"]
    if dropped:
        more = f" and {len(dropped) - 20} more" if len(dropped) > 20 else ""
        print(f"build_pr: dropped of an earlier build: {', '.join(dropped[:20])}{more}", file=sys.stderr, flush=True)


def leave(name: str, content: dict) -> None:
    (LEFT / name).write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(exit_status("build_pr", main))
