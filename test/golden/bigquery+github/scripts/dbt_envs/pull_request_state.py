"""Prints whether a pull request is open or closed, as GitHub itself says now.

    python scripts/dbt_envs/pull_request_state.py 142
    python scripts/dbt_envs/pull_request_state.py 142 COMMIT    prints moved where it is open, and COMMIT is not its head

Reads GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_TOKEN, as GitHub Actions sets them; the token needs
`pull-requests: read`. Ends with an error whenever GitHub does not say clearly which of the two it is: a schema is
dropped or built on this word. A run that is started again, however old, still has the commit that it was made for.
"""

import pathlib
import re
import sys

import github_api


def main(arguments: list[str]) -> int:
    number, commit = (*arguments, "", "")[:2] if len(arguments) < 3 else ("", "")
    try:
        if not re.fullmatch("[1-9][0-9]{0,9}", number):
            raise github_api.Problem("give one pull request by its number: pull_request_state.py 142")
        print(state_of(number, commit))
    except github_api.Problem as problem:
        print(f"pull_request_state: {problem}", file=sys.stderr)
        return 1
    return 0


def state_of(number: str, commit: str) -> str:
    unsaid = f"GitHub did not say whether pull request {number} is open:"
    api = github_api.connect(pathlib.Path(__file__).resolve().parent)
    try:
        answer = api.get(f"/pulls/{number}")
    except github_api.Problem as problem:
        raise github_api.Problem(f"{unsaid} {problem}") from None
    if answer.get("number") != int(number) or answer.get("state") not in ("open", "closed"):
        raise github_api.Problem(f"{unsaid} the answer is of another shape.")
    head = answer.get("head")
    moved = answer["state"] == "open" and commit != "" and (not isinstance(head, dict) or head.get("sha") != commit)
    return "moved" if moved else answer["state"]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
