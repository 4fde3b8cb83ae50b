"""Puts the review card on the pull request: one comment, updated in place.

    python scripts/dbt_envs/post_card.py card.md                  the card that a build made
    python scripts/dbt_envs/post_card.py --no-card RUN_URL        the build ended before it made one
    python scripts/dbt_envs/post_card.py --dropped                the schema was dropped: the card says so

A pull request that has moved on from PR_COMMIT, or was closed or reopened since, keeps the card that it has: a job that is
started again, however old, overwrites no newer one.

Reads PR_NUMBER, PR_COMMIT where it is set, and GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_TOKEN as GitHub Actions sets them. The token needs
`pull-requests: write` and nothing else; this job holds no warehouse secret. A card is text that a pull request's code has
made: it is passed on as it is, never run, never looked into beyond its first line.
"""

import argparse
import datetime
import os
import pathlib
import re
import sys
from typing import Any

import github_api

MARKER = "<!-- dbt-envs: acme -->"
LONGEST = 65536  # characters; GitHub refuses a longer comment with status 422
# The account behind a job's own token: docs.github.com/en/actions/concepts/security/github_token. Nobody can register a
# name with brackets, and another app's account is called after that app.
AUTHOR = "github-actions[bot]"
APP = "github-actions"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("card", nargs="?", type=pathlib.Path, help="the file with the card")
    what.add_argument("--no-card", metavar="RUN_URL", help="say that the build made no card, with a link to its run")
    what.add_argument("--dropped", action="store_true", help="say that the schema was dropped; nothing where there is no card")
    options = parser.parse_args(arguments)
    try:
        print(f"post_card: {post(options)}")
    except github_api.Problem as problem:
        print(f"post_card: {problem}", file=sys.stderr)
        return 1
    return 0


def post(options: argparse.Namespace) -> str:
    number = os.environ.get("PR_NUMBER", "")
    if not re.fullmatch("[1-9][0-9]{0,9}", number):
        raise github_api.Problem("PR_NUMBER is not the number of a pull request.")
    if options.card is not None:
        body = card_in(options.card)
    elif options.no_card is not None:
        body = no_card(number, options.no_card)
    else:
        body = ""
    api = github_api.connect(pathlib.Path(__file__).resolve().parent)
    try:
        pull = api.get(f"/pulls/{number}")
    except github_api.Refused as refused:
        if refused.status == 404:
            raise github_api.Problem(f"{api.repository} has no pull request {number}, or this token may not see it.") from None
        raise
    if pull.get("number") != int(number):
        raise github_api.Problem(f"GitHub answered with another pull request than {number}.")
    outdated = moved_on(pull, "closed" if options.dropped else "open")
    if outdated:
        return f"pull request {number} {outdated}: its card stays as it is."
    ours = our_comment(api, number)
    if options.dropped:
        if ours is None:
            return f"there is no card on pull request {number}: nothing to update."
        body = dropped(number, ours["body"])
    if ours is None:
        made = api.send("POST", f"/issues/{number}/comments", {"body": body})
        return f"posted {made.get('html_url', '')}"
    if same(ours["body"], body):
        return f"the card says that already: {ours.get('html_url', '')}"
    made = api.send("PATCH", f"/issues/comments/{ours['id']}", {"body": body})
    return f"updated {made.get('html_url', '')}"


def moved_on(pull: dict[str, Any], state: str) -> str:
    """What has happened to the pull request since this run was made; nothing where it is as the card takes it to be."""
    if pull.get("state") not in ("open", "closed"):
        raise github_api.Problem("GitHub did not say whether the pull request is open.")
    if pull["state"] != state:
        return f"is {pull['state']} by now"
    commit, head = os.environ.get("PR_COMMIT", ""), pull.get("head")
    if state == "open" and commit and (not isinstance(head, dict) or head.get("sha") != commit):
        return f"has moved on from {commit[:7]}"
    return ""


def card_in(file: pathlib.Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(4 * LONGEST + 1)
        body = data.decode()
    except OSError as error:
        raise github_api.Problem(f"{file} cannot be read: {error.strerror}. Use --no-card where the build made none.") from None
    except UnicodeDecodeError:
        raise github_api.Problem(f"{file} is not UTF-8, or too long for a comment.") from None
    if first_line(body) != MARKER:
        raise github_api.Problem(f"{file} does not begin with the line {MARKER}: it is no card of this project's.")
    # GitHub does not say what it calls a character: counted in UTF-16, the larger of the two usual ways.
    if len(body.encode("utf-16-le")) // 2 > LONGEST:
        raise github_api.Problem(f"{file} has more than {LONGEST} characters, which GitHub refuses.")
    return body


def no_card(number: str, url: str) -> str:
    if not re.fullmatch(r"https://[A-Za-z0-9._:/-]+|http://127\.0\.0\.1[A-Za-z0-9._:/-]*", url):
        raise github_api.Problem("--no-card takes the address of a run, such as https://github.com/acme/dbt/actions/runs/1.")
    return (
        f"{MARKER}\n### No review card for `pr_{number}`\n\nThe build ended before it could make one: [its log]({url}) says why.\n"
        f"What `pr_{number}` holds now may be incomplete, or of an earlier commit.\n"
    )


def dropped(number: str, old: str) -> str:
    """Keeps the commit that the card was about, and its date where it says so already."""
    heading = f"### `pr_{number}` was dropped"
    if old.split("\n", 1)[-1].startswith(heading):
        return old
    commit = re.search(r"\b[0-9a-f]{40}\b", old) or re.search(r"(?<=`)[0-9a-f]{7,40}(?=`)", old)
    about = f" Its last card was about commit {commit.group()}." if commit else ""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return f"{MARKER}\n{heading} on {now}\n\nThe pull request is closed and its schema is gone.{about} Reopen it to build it again.\n"


def our_comment(api: github_api.Api, number: str) -> dict[str, Any] | None:
    """The first comment of ours, over every page. A person may copy the marker; that comment stays theirs."""
    for comment in api.every(f"/issues/{number}/comments"):
        if is_ours(comment):
            return comment
    return None


def is_ours(comment: dict[str, Any]) -> bool:
    author, app, body = comment.get("user"), comment.get("performed_via_github_app"), comment.get("body")
    return (
        isinstance(author, dict)
        and author.get("login") == AUTHOR
        and author.get("type") == "Bot"
        and (not isinstance(app, dict) or app.get("slug") == APP)
        and isinstance(comment.get("id"), int)
        and isinstance(body, str)
        and first_line(body) == MARKER
    )


def first_line(body: str) -> str:
    return body.split("\n", 1)[0].removesuffix("\r")


def same(old: str, new: str) -> bool:
    """GitHub may keep lines with other ends than they were sent with."""
    return old.replace("\r\n", "\n").rstrip() == new.replace("\r\n", "\n").rstrip()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
