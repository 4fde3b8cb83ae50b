"""Asks GitHub whether main changes by pull request alone. The deploy asks before it builds.

    python scripts/dbt_envs/main_is_protected.py

Ends well where it does, or where GitHub does not let this token see it: then it warns. Ends with an error where anybody who
may push can deploy to production without a review, and that can be seen. An administrator who accepts that sets the
repository variable DBT_ENVS_UNPROTECTED_MAIN to `accepted`: each deploy then warns instead.

Reads GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_TOKEN, as GitHub Actions sets them. The token needs `contents: read` for
the branch; the rules of a branch ask for metadata alone, which every token may read.
"""

import argparse
import os
import pathlib
import re
import sys
import urllib.parse
from typing import Any

import github_api

MAIN = "main"
BRANCH = urllib.parse.quote(MAIN, safe="")
# With each of these, nobody pushes to the branch but whom the rule lets pass: docs.github.com/en/rest/repos/rules.
ENOUGH = ("pull_request", "merge_queue", "update")
WAY_OUT = (
    f"On GitHub, Settings, Rules, Rulesets: let {MAIN} change by pull request alone. "
    "An administrator who accepts the risk sets the repository variable DBT_ENVS_UNPROTECTED_MAIN to accepted."
)


def main(arguments: list[str]) -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False).parse_args(arguments)
    try:
        api = github_api.connect(pathlib.Path(__file__).resolve().parent)
        return judge(branch_of(api), rules_of(api))
    except github_api.Problem as problem:
        print(f"main_is_protected: {problem}", file=sys.stderr)
        return 1


def judge(branch: dict[str, Any] | str, rules: list[dict[str, Any]] | str) -> int:
    """Each is what GitHub says, or why it does not say."""
    if not isinstance(rules, str) and any(rule.get("type") in ENOUGH for rule in rules):
        print(f"{MAIN} changes by pull request alone: a ruleset says so.")
        return 0
    if not isinstance(branch, str) and is_classic(branch):
        print(f"{MAIN} has a branch protection rule. Whether it asks for a pull request is shown to administrators alone.")
        return 0
    if isinstance(branch, str) or isinstance(rules, str):
        unseen = " ".join(dict.fromkeys(one for one in (branch, rules) if isinstance(one, str)))
        warn(f"Whether {MAIN} is protected cannot be seen", f"{unseen} Make sure that {MAIN} changes by pull request alone.")
        return 0
    wrong = f"{MAIN} can be changed without a pull request: whoever may push to it deploys to production unseen."
    if os.environ.get("DBT_ENVS_UNPROTECTED_MAIN") == "accepted":
        warn(f"{MAIN} is not protected", f"{wrong} DBT_ENVS_UNPROTECTED_MAIN accepts that.")
        return 0
    raise github_api.Problem(f"{wrong} {WAY_OUT}")


def is_classic(branch: dict[str, Any]) -> bool:
    """`protected` alone does not tell: GitHub sets it for a ruleset too, whatever that ruleset asks for
    (github.com/hub4j/github-api/issues/2062, github.com/crs-k/stale-branches/issues/1061). The rule of a branch has
    `protection.enabled` beside it; where that is missing, `protected` is believed."""
    if not isinstance(branch.get("protected"), bool):
        raise github_api.Problem(f"GitHub did not say whether {MAIN} is protected: the answer is of another shape.")
    protection = branch.get("protection")
    return branch["protected"] and (not isinstance(protection, dict) or protection.get("enabled") is not False)


def branch_of(api: github_api.Api) -> dict[str, Any] | str:
    """docs.github.com/en/rest/branches/branches#get-a-branch"""
    try:
        return api.get(f"/branches/{BRANCH}")
    except github_api.Refused as refused:
        if refused.message == "Branch not found":
            raise github_api.Problem(f"{api.repository} has no branch {MAIN}. Is that the main branch's name?") from None
        return unseen(refused)


def rules_of(api: github_api.Api) -> list[dict[str, Any]] | str:
    """docs.github.com/en/rest/repos/rules#get-rules-for-a-branch: the active ones, of organization and repository."""
    try:
        return list(api.every(f"/rules/branches/{BRANCH}"))
    except github_api.Refused as refused:
        return unseen(refused)


def unseen(refused: github_api.Refused) -> str:
    """A private repository on GitHub Free has no rules (403, "Upgrade to GitHub Pro …"); an older server has no such address."""
    if refused.status not in (403, 404):
        raise refused
    return f"GitHub answers with status {refused.status}" + (f" ({refused.message})." if refused.message else ".")


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
