"""Tells people whether the nightly sweep works: one issue stays open while it fails, and is closed when it has recovered.

    python scripts/dbt_envs/tell_sweep.py success RUN_URL
    python scripts/dbt_envs/tell_sweep.py failure RUN_URL      or cancelled, which is also what GitHub calls a job that ran out of time

The first argument is what the job `sweep` came to, the second the address of its run. A success counts only where the
sweep left an account of itself, target/dbt_envs/sweep.json, that says the same. The issue is updated in place: never a
new one each night. A second one, whoever opened it when, is closed as a duplicate. A run that is started again, however
old, changes nothing where a newer one has told already.

Reads GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_TOKEN, as GitHub Actions sets them. The token needs `issues: write` and
nothing else; this job holds no warehouse secret. The account names schemas and quotes errors: text that others have chosen,
shown as it is, and nothing in it is a mention, a link or a command.
"""

import argparse
import pathlib
import re
import sys
from typing import Any

import github_api
from sweep_account import MARKER, TITLE, account, issue_text, problems_in, problems_of

WORKFLOW = ".github/workflows/dbt_sweep.yml"
# The account behind a job's own token: docs.github.com/en/actions/concepts/security/github_token. Nobody can register a
# name with brackets, and another app's account is called after that app.
AUTHOR = "github-actions[bot]"
APP = "github-actions"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("result", choices=("success", "failure", "cancelled"), help="what the job came to")
    parser.add_argument("run", metavar="RUN_URL", help="the address of its run")
    options = parser.parse_args(arguments)
    try:
        print(f"tell_sweep: {tell(options.result, options.run)}")
    except github_api.Problem as problem:
        print(f"tell_sweep: {problem}", file=sys.stderr)
        return 1
    return 0


def tell(result: str, run: str) -> str:
    if not re.fullmatch(r"(?:https://[A-Za-z0-9._:-]+|http://127\.0\.0\.1(?::\d+)?)/[A-Za-z0-9._/-]+/actions/runs/[0-9]+", run):
        raise github_api.Problem("the second argument is the address of a run, such as https://github.com/acme/dbt/actions/runs/1.")
    cancelled = ["It was cancelled, or it ran out of time.", *problems_in(account("run"))]
    problems = cancelled if result == "cancelled" else problems_of(result == "success", "run")
    api = github_api.connect(pathlib.Path(__file__).resolve().parent)
    try:
        return succeeded(api, run) if problems is None else failed(api, run, problems)
    except github_api.Refused as refused:
        if refused.status != 410:
            raise
    # docs.github.com/en/rest/issues/issues: 410 where a repository has no issues.
    off = f"issues are turned off in {api.repository}, so nobody is told of a sweep that fails. Settings, General, Features: turn Issues on."
    if problems is not None:
        raise github_api.Problem(off)
    print(f"::warning title=Nobody would be told::{off}")
    return "the sweep succeeded."


def failed(api: github_api.Api, run: str, problems: list[str]) -> str:
    first, *others = ours(api) or [None]
    if first is None:
        made = api.send("POST", "/issues", {"title": TITLE, "body": body(None, run, problems)})
        # Another run may have done the same a moment ago: the older issue stays.
        first, *others = ours(api) or [made]
        said = f"opened {made.get('html_url', '')}"
    elif newest_run_in(first) > number_of(run):
        return f"a newer run has told already: {first['html_url']}"
    else:
        made = api.send("PATCH", f"/issues/{first['number']}", {"body": body(first["created_at"], run, problems)})
        said = f"updated {made.get('html_url', '')}"
    for other in others:
        close(api, other, f"Duplicate of #{first['number']}", "duplicate")
    return said


def succeeded(api: github_api.Api, run: str) -> str:
    closed = []
    for issue in ours(api):
        if newest_run_in(issue) > number_of(run):
            return f"a newer run has told already: {issue['html_url']}"
        close(api, issue, f"The sweep has recovered: [its run]({run}).", "completed")
        closed.append(issue["html_url"])
    return f"the sweep succeeded, and closed {' '.join(closed)}" if closed else "the sweep succeeded, and no issue is open."


def close(api: github_api.Api, issue: dict[str, Any], why: str, reason: str) -> None:
    api.send("POST", f"/issues/{issue['number']}/comments", {"body": why})
    api.send("PATCH", f"/issues/{issue['number']}", {"state": "closed", "state_reason": reason})


def ours(api: github_api.Api) -> list[dict[str, Any]]:
    """The open issues of ours, the oldest first. A person may copy the marker; that issue stays theirs."""
    found = [issue for issue in api.every("/issues?state=open&creator=github-actions%5Bbot%5D") if is_ours(issue)]
    return sorted(found, key=lambda issue: issue["number"])


def is_ours(issue: dict[str, Any]) -> bool:
    author, app, text = issue.get("user"), issue.get("performed_via_github_app"), issue.get("body")
    return (
        "pull_request" not in issue  # GitHub lists those here too
        and issue.get("state") == "open"
        and isinstance(author, dict)
        and author.get("login") == AUTHOR
        and author.get("type") == "Bot"
        and (not isinstance(app, dict) or app.get("slug") == APP)
        and isinstance(issue.get("number"), int)
        and isinstance(issue.get("html_url"), str)
        and isinstance(issue.get("created_at"), str)
        and isinstance(text, str)
        and text.split("\n", 1)[0].removesuffix("\r") == MARKER
    )


def number_of(run: str) -> int:
    return int(run.rpartition("/")[2])


def newest_run_in(issue: dict[str, Any]) -> int:
    """The run that the issue was last updated for. GitHub numbers runs upwards; one that is started again keeps its number."""
    found = re.search(r"\]\(https?://[A-Za-z0-9._:/-]+/actions/runs/([0-9]{1,19})\)", issue["body"])
    return int(found.group(1)) if found else 0


def body(opened: str | None, run: str, problems: list[str]) -> str:
    what_to_do = (
        "Open that run. Its page shows the report: each schema, what was to be done with it, what was done and why.",
        "Once the cause is gone, start the sweep by hand: Actions, **dbt sweep**, *Run workflow*. With a tick at `dry_run` it says what it would do.",
        f"The first lines of `{WORKFLOW}` say what it does, and what else can be asked of it.",
    )
    return issue_text(opened, f"[its newest run]({run})", "pull requests", problems, what_to_do)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
