"""Warns where the nightly sweep has not succeeded for two days. The deploy asks, since a sweep that never starts tells nobody.

    python scripts/dbt_envs/sweep_is_alive.py

It stops no deploy: whatever it finds, and where GitHub does not let it see, it warns and ends well. A run counts whose
job swept and succeeded, on main; one by hand that was asked only what it would do does not.

Reads GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_TOKEN, as GitHub Actions sets them; the token needs `actions: read`.
"""

import argparse
import datetime
import itertools
import pathlib
import re
import sys
import urllib.parse
from collections.abc import Iterator
from typing import Any

import github_api

MAIN = "main"
FILE = "dbt_sweep.yml"
# GitHub knows a job by its name. The second one runs where the first one was to clear something.
SWEEP = "Sweep what is left of closed pull requests and unused dev schemas"
TELL = "Keep one issue open while the sweep fails"
LONGEST = datetime.timedelta(days=2)
LOOK_BACK = 14  # runs
UNSEEN = "Whether the nightly sweep works cannot be seen"
BY_HAND = 'Start it by hand: Actions, "dbt sweep", Run workflow.'
# docs.github.com/en/rest/actions/workflows#get-a-workflow
DISABLED = {
    "disabled_inactivity": "GitHub has disabled it: in a public repository, schedules stop after 60 days without activity",
    "disabled_manually": "somebody has disabled it",
    "disabled_fork": "GitHub has disabled it: this repository is a fork",
    "deleted": "its file is gone",
}


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args(arguments)
    try:
        look(github_api.connect(pathlib.Path(__file__).resolve().parent))
    except github_api.Problem as problem:
        warn(UNSEEN, str(problem))
    except Exception as error:  # a mistake of this script's own stops no deploy either
        warn(UNSEEN, f"{type(error).__name__}: {error}")
    return 0


def look(api: github_api.Api) -> None:
    try:
        workflow = api.get(f"/actions/workflows/{FILE}")
    except github_api.Refused as refused:
        if refused.status != 404:
            raise
        warn("The nightly sweep has never run", f"{api.repository} has no workflow {FILE} on its default branch, or this job may not see it.")
        return
    state = workflow.get("state")
    if state != "active":
        why = DISABLED.get(str(state), f"its state is {state!r}")
        warn("The nightly sweep does not run", f"{why}. Actions, dbt sweep, Enable workflow.")
        return
    repository = api.get("")
    runs = list(itertools.islice(newest(api, number_of(workflow), number_of(repository)), LOOK_BACK))
    ended = next((at for at in (swept(api, run) for run in runs) if at is not None), None)
    if ended is None:
        none = f"Of its last {len(runs)} runs on {MAIN}, none has." if runs else f"It has not run on {MAIN} yet."
        warn("No nightly sweep has succeeded", " ".join([none, *reasons(repository), BY_HAND]))
        return
    age = moment(api.asked_at()) - ended
    if age > LONGEST:
        last = f"The last one that did ended {age.days} days ago, on {ended:%Y-%m-%d %H:%M} UTC."
        warn("The nightly sweep has not succeeded for two days", " ".join([last, *reasons(repository), BY_HAND]))
    else:
        print(f"The last nightly sweep that succeeded ended on {ended:%Y-%m-%d %H:%M} UTC.")


def reasons(repository: dict[str, Any]) -> list[str]:
    """What keeps the schedule from sweeping, as far as the repository itself shows it."""
    default = repository.get("default_branch")
    elsewhere = [] if default == MAIN else [f"GitHub starts a schedule on the default branch alone, and that is {default}."]
    fork = ["This repository is a fork, in which it runs only with the variable DBT_ENVS_SWEEP_FORK=yes."] if repository.get("fork") is True else []
    return elsewhere + fork


def swept(api: github_api.Api, run: dict[str, Any]) -> datetime.datetime | None:
    """When that run's sweep ended, where it was to clear something and succeeded."""
    jobs = {job.get("name"): job for job in api.every(f"/actions/runs/{number_of(run)}/jobs?filter=latest", "jobs")}
    sweep, tell = jobs.get(SWEEP, {}), jobs.get(TELL, {})
    if sweep.get("conclusion") != "success" or tell.get("conclusion") in (None, "skipped"):
        return None
    return moment(sweep.get("completed_at"))


def newest(api: github_api.Api, workflow: int, repository: int) -> Iterator[dict[str, Any]]:
    """The runs of this repository's own main, the newest first: a fork's branch may have the same name."""
    for run in api.every(f"/actions/workflows/{workflow}/runs?branch={urllib.parse.quote(MAIN, safe='')}&status=completed", "workflow_runs"):
        head = run.get("head_repository")
        if run.get("head_branch") == MAIN and isinstance(head, dict) and head.get("id") == repository:
            yield run


def moment(text: object) -> datetime.datetime:
    try:
        return datetime.datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise github_api.Problem("an answer of GitHub's is of another shape: it has no time.") from None


def number_of(answer: dict[str, Any]) -> int:
    value = answer.get("id")
    if not isinstance(value, int) or isinstance(value, bool):
        raise github_api.Problem("an answer of GitHub's is of another shape: it has no id.")
    return value


def warn(title: str, text: str) -> None:
    """As GitHub Actions shows it on the run's page: docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands."""
    print(f"::warning title={escaped(title, ':,')}::{escaped(text)}")


def escaped(text: str, also: str = "") -> str:
    return re.sub(f"[%\r\n{also}]", lambda one: f"%{ord(one.group()):02X}", text)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
