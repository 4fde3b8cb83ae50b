"""Prints which pull requests GitHub has, open and closed, as one JSON object. The sweep drops schemas on this word.

    python scripts/dbt_envs/open_prs.py           every one, to the last page
    python scripts/dbt_envs/open_prs.py 142 12    these alone, each asked for by itself now

    {"asked_at": "2026-11-27T03:43:02Z",
     "pulls": {"142": {"state": "open"}, "12": {"state": "closed", "closed_at": "2026-11-20T05:17:00Z"}}}

asked_at is GitHub's own clock, of its first answer. A number that was asked for and is not in pulls is unknown to GitHub:
it said so itself, and the same login saw the repository and a list of its pull requests right before and right after.
Whatever else happens ends with an error and prints nothing here: a list that may lack a page looks like pull requests
that nobody has.

Reads GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_TOKEN, as GitHub Actions sets them; the token needs `pull-requests: read`.
"""

import argparse
import datetime
import json
import pathlib
import re
import sys
from typing import Any

import github_api


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("numbers", nargs="*", metavar="number", help="a pull request; without any, all of them")
    numbers = parser.parse_args(arguments).numbers
    try:
        for number in numbers:
            if not re.fullmatch("[1-9][0-9]{0,9}", number):
                raise github_api.Problem("give pull requests by their numbers: open_prs.py 142 12")
        api = github_api.connect(pathlib.Path(__file__).resolve().parent)
        pulls = asked_for(api, numbers) if numbers else every(api)
        answer = {"asked_at": api.asked_at(), "pulls": pulls}
    except github_api.Problem as problem:
        print(f"open_prs: {problem}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


def every(api: github_api.Api) -> dict[str, dict[str, str]]:
    """By the time they were opened: one that comes while the pages are read comes on the last of them."""
    pulls: dict[str, dict[str, str]] = {}
    for pull in api.every("/pulls?state=all&sort=created&direction=asc"):
        number = pull.get("number")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise github_api.Problem("a pull request in GitHub's list has no number.")
        if str(number) in pulls:
            raise github_api.Problem(f"pull request {number} came twice in GitHub's list: it is not complete. Try again.")
        pulls[str(number)] = state_of(pull, number)
    return pulls


def asked_for(api: github_api.Api, numbers: list[str]) -> dict[str, dict[str, str]]:
    sees_pull_requests(api)
    pulls: dict[str, dict[str, str]] = {}
    unknown = False
    for number in dict.fromkeys(numbers):
        try:
            pulls[number] = state_of(api.get(f"/pulls/{number}"), int(number))
        except github_api.Refused as refused:
            if refused.status != 404 or refused.message != "Not Found":  # GitHub's own words, and not those of a proxy
                raise
            unknown = True
    if unknown:
        sees_pull_requests(api)
    return pulls


def sees_pull_requests(api: github_api.Api) -> None:
    """Whether this login does: GitHub answers with 404 about everything that a login may not see."""
    if not isinstance(api.get("").get("id"), int):
        raise github_api.Problem(f"GitHub did not show the repository {api.repository}: the answer is of another shape.")
    found, _ = api.ask(api.url("/pulls?state=all&per_page=1"))
    if not isinstance(found, list):
        raise github_api.Problem(f"GitHub did not show the pull requests of {api.repository}: the answer is of another shape.")


def state_of(pull: dict[str, Any], number: int) -> dict[str, str]:
    """Open, or closed and since when: docs.github.com/en/rest/pulls/pulls#get-a-pull-request."""
    state, closed_at = pull.get("state"), pull.get("closed_at")
    if pull.get("number") != number:
        raise github_api.Problem(f"GitHub answered with another pull request than {number}.")
    if state == "open" and closed_at is None:
        return {"state": "open"}
    if state == "closed" and is_moment(closed_at):
        return {"state": "closed", "closed_at": closed_at}
    raise github_api.Problem(f"GitHub did not say whether pull request {number} is open or since when it is closed.")


def is_moment(text: object) -> bool:
    form = "%Y-%m-%dT%H:%M:%SZ"
    try:
        return datetime.datetime.strptime(str(text), form).strftime(form) == text
    except ValueError:
        return False


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
