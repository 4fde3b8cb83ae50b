"""Tells people whether the nightly sweep works: one issue stays open while it fails, and is closed when it has recovered.

    python scripts/dbt_envs/tell_sweep.py PIPELINE_URL

A success counts only where the sweep's job has left `success` in target/dbt_envs/result, and an account of itself in
target/dbt_envs/sweep.json that says the same. The issue is updated in place: never a new one each night. A pipeline that is
started again, however old, changes nothing where a newer one has told already. Whoever may edit issues can write anything into
this one: a newer pipeline counts where GitLab knows it, and title and text are written anew each night.

DBT_ENVS_GITLAB_TOKEN needs the scope api: a job's own token may write no issue (docs.gitlab.com/ci/jobs/ci_job_token). This job
holds no warehouse secret. The account names schemas and quotes errors: text that others have chosen, shown as it is, and
nothing in it is a mention, a link or a command.
"""

import argparse
import os
import re
import sys
from typing import Any

import gitlab_api
from dbt_command import PROJECT
from sweep_account import ACCOUNT, MARKER, TITLE, issue_text, problems_of

RESULT = ACCOUNT.with_name("result")
MAIN = "main"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("run", metavar="PIPELINE_URL", help="the address of its pipeline")
    options = parser.parse_args(arguments)
    try:
        print(f"tell_sweep: {tell(options.run)}")
    except gitlab_api.Problem as problem:
        print(f"tell_sweep: {problem}", file=sys.stderr)
        return 1
    return 0


def tell(run: str) -> str:
    if not re.fullmatch(r"(?:https://[A-Za-z0-9._:-]+|http://127\.0\.0\.1(?::\d+)?)/[A-Za-z0-9._/-]+/-/pipelines/[0-9]+", run):
        raise gitlab_api.Problem("the argument is the address of a pipeline, such as https://gitlab.com/acme/dbt/-/pipelines/1.")
    if not os.environ.get("DBT_ENVS_GITLAB_TOKEN"):
        raise gitlab_api.Problem("DBT_ENVS_GITLAB_TOKEN is not set, so nobody is told of a sweep that fails. scripts/dbt_envs/setup.py says where it goes.")
    ended_well = RESULT.is_file() and RESULT.read_text(encoding="utf-8").strip() == "success"
    problems = problems_of(ended_well, "job")
    api = gitlab_api.connect(PROJECT)
    return succeeded(api, run) if problems is None else failed(api, run, problems)


def failed(api: gitlab_api.Api, run: str, problems: list[str]) -> str:
    first, *others = ours(api) or [None]
    if first is None:
        made = api.send("POST", "/issues", {"title": TITLE, "description": body(None, run, problems)})
        # Another pipeline may have done the same a moment ago: the older issue stays.
        first, *others = ours(api) or [made]
        said = f"opened {made.get('web_url', '')}"
    elif told_by_a_newer(api, first, run):
        return f"a newer pipeline has told already: {first['web_url']}"
    else:
        api.send("PUT", f"/issues/{first['iid']}", {"title": TITLE, "description": body(first["created_at"], run, problems)})
        said = f"updated {first['web_url']}"
    for other in others:
        close(api, other, f"Duplicate of #{first['iid']}")
    return said


def succeeded(api: gitlab_api.Api, run: str) -> str:
    closed = []
    for issue in ours(api):
        if told_by_a_newer(api, issue, run):
            return f"a newer pipeline has told already: {issue['web_url']}"
        close(api, issue, f"The sweep has recovered: [its pipeline]({run}).")
        closed.append(issue["web_url"])
    return f"the sweep succeeded, and closed {' '.join(closed)}" if closed else "the sweep succeeded, and no issue is open."


def close(api: gitlab_api.Api, issue: dict[str, Any], why: str) -> None:
    api.send("POST", f"/issues/{issue['iid']}/notes", {"body": why})
    api.send("PUT", f"/issues/{issue['iid']}", {"state_event": "close"})


def ours(api: gitlab_api.Api) -> list[dict[str, Any]]:
    """The open issues that this login has written, the oldest first. A person may copy the marker; that issue stays theirs."""
    found = [issue for issue in api.every("/issues?state=opened&scope=created_by_me") if is_ours(issue)]
    return sorted(found, key=lambda issue: issue["iid"])


def is_ours(issue: dict[str, Any]) -> bool:
    text = issue.get("description")
    return (
        issue.get("state") == "opened"
        and isinstance(issue.get("iid"), int)
        and isinstance(issue.get("web_url"), str)
        and isinstance(issue.get("created_at"), str)
        and isinstance(text, str)
        and text.split("\n", 1)[0].removesuffix("\r") == MARKER
    )


def number_of(run: str) -> int:
    return int(run.rpartition("/")[2])


def told_by_a_newer(api: gitlab_api.Api, issue: dict[str, Any], run: str) -> bool:
    """Whether the issue speaks of a newer pipeline, and that one is there and was started on this branch as a sweep is."""
    newest = newest_run_in(issue)
    if newest <= number_of(run):
        return False
    try:
        found = api.get(f"/pipelines/{newest}")
    except gitlab_api.Refused as refused:
        if refused.status != 404:
            raise
        return False
    return found.get("id") == newest and found.get("ref") == MAIN and found.get("tag") is False and found.get("source") in ("schedule", "web")


def newest_run_in(issue: dict[str, Any]) -> int:
    """The pipeline that the issue was last updated for. GitLab numbers pipelines upwards."""
    found = re.search(r"\]\(https?://[A-Za-z0-9._:/-]+/-/pipelines/([0-9]{1,19})\)", issue["description"])
    return int(found.group(1)) if found else 0


def body(opened: str | None, run: str, problems: list[str]) -> str:
    what_to_do = (
        "Open that pipeline. The artifacts of its job have the report: each schema, what was to be done with it, what was done and why.",
        "Once the cause is gone, start the sweep by hand: Build, Pipeline schedules, **dbt sweep**, Play.",
        "The first lines of `.gitlab/ci/dbt_sweep.yml` say what it does, and what else can be asked of it.",
    )
    return issue_text(opened, f"[its newest pipeline]({run})", "merge requests", problems, what_to_do)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
