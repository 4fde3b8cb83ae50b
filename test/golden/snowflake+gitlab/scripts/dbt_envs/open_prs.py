"""Prints which merge requests GitLab has, open and closed, as one JSON object. The sweep drops schemas on this word.

    python scripts/dbt_envs/open_prs.py           every one, to the last page
    python scripts/dbt_envs/open_prs.py 142 12    these alone, each asked for by itself now

    {"asked_at": "2026-11-27T03:43:02Z",
     "pulls": {"142": {"state": "open"}, "12": {"state": "closed", "closed_at": "2026-11-20T05:17:00Z"}}}

asked_at is GitLab's own clock, of its first answer. A number that was asked for and is not in pulls is unknown to GitLab:
it said so itself, and the same login saw a list of the project's merge requests right before and right after. Whatever
else happens ends with an error and prints nothing here: a list that may lack a page looks like merge requests that nobody
has. gitlab_api.py says which login is used.
"""

import argparse
import datetime
import json
import pathlib
import re
import sys
from typing import Any

import gitlab_api

UTC = datetime.timezone.utc


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("numbers", nargs="*", metavar="number", help="a merge request; without any, all of them")
    numbers = parser.parse_args(arguments).numbers
    try:
        for number in numbers:
            if not re.fullmatch("[1-9][0-9]{0,9}", number):
                raise gitlab_api.Problem("give merge requests by their numbers: open_prs.py 142 12")
        api = gitlab_api.connect(pathlib.Path(__file__).resolve().parent)
        pulls = asked_for(api, numbers) if numbers else every(api)
        answer = {"asked_at": api.asked_at(), "pulls": pulls}
    except gitlab_api.Problem as problem:
        print(f"open_prs: {problem}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


def every(api: gitlab_api.Api) -> dict[str, dict[str, str]]:
    """By the time they were opened: one that comes while the pages are read comes on the last of them."""
    pulls: dict[str, dict[str, str]] = {}
    for merge in api.every("/merge_requests?state=all&scope=all&order_by=created_at&sort=asc"):
        number = merge.get("iid")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise gitlab_api.Problem("a merge request in GitLab's list has no number.")
        if str(number) in pulls:
            raise gitlab_api.Problem(f"merge request {number} came twice in GitLab's list: it is not complete. Try again.")
        pulls[str(number)] = state_of(merge, number)
    return pulls


def asked_for(api: gitlab_api.Api, numbers: list[str]) -> dict[str, dict[str, str]]:
    sees_merge_requests(api)
    pulls: dict[str, dict[str, str]] = {}
    unknown = False
    for number in dict.fromkeys(numbers):
        try:
            pulls[number] = state_of(api.get(f"/merge_requests/{number}"), int(number))
        except gitlab_api.Refused as refused:
            if refused.status != 404 or refused.message != "404 Not found":  # GitLab's own words, and not those of a proxy
                raise
            unknown = True
    if unknown:
        sees_merge_requests(api)
    return pulls


def sees_merge_requests(api: gitlab_api.Api) -> None:
    """Whether this login does: GitLab answers with 404 about everything that a login may not see."""
    url = f"{api.service.base}{api.path('/merge_requests?state=all&scope=all&per_page=1')}"
    found, _ = api.service.ask(url)
    if not isinstance(found, list):
        raise gitlab_api.Problem(f"GitLab did not show the merge requests of {api.project}: the answer is of another shape.")


def state_of(merge: dict[str, Any], number: int) -> dict[str, str]:
    """Open, or closed and since when: docs.gitlab.com/api/merge_requests. One that is being merged is locked, and still open."""
    state = merge.get("state")
    if merge.get("iid") != number:
        raise gitlab_api.Problem(f"GitLab answered with another merge request than {number}.")
    if state in ("opened", "locked"):
        return {"state": "open"}
    # Old and imported ones may lack the time; updated_at is never earlier, so the schema stays the longer.
    moments = [merge.get(key) for key in ("merged_at" if state == "merged" else "closed_at", "updated_at")]
    ended = next((moment for moment in moments if moment is not None), None)
    if state not in ("closed", "merged") or not is_moment(ended):
        raise gitlab_api.Problem(f"GitLab did not say whether merge request {number} is open or since when it is closed.")
    return {"state": "closed", "closed_at": in_utc(str(ended))}


def is_moment(text: object) -> bool:
    """As GitLab writes it: 2026-11-20T05:17:00.520Z, or with the offset of the server's time zone."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", str(text)):
        return False
    try:
        in_utc(str(text))
    except ValueError:
        return False
    return True


def in_utc(text: str) -> str:
    """To the second, rounded up: later is the safe side."""
    base, offset = text[:19], re.sub("Z$", "+00:00", re.sub(r"^.{19}(\.\d+)?", "", text))
    moment = datetime.datetime.strptime(base + offset, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    return (moment + datetime.timedelta(seconds=int("." in text))).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
