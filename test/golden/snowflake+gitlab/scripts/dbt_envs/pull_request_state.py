"""Prints whether a merge request is open or closed, as GitLab itself says now.

    python scripts/dbt_envs/pull_request_state.py 142
    python scripts/dbt_envs/pull_request_state.py 142 COMMIT    prints moved where it is open, and COMMIT is not its head

Ends with an error whenever GitLab does not say clearly which of the two it is: a schema is dropped or built on this word.
A job that is started again, however old, still has the commit that it was made for. gitlab_api.py says which login is used.
"""

import pathlib
import re
import sys

import gitlab_api

# A merge request is locked while it is being merged: docs.gitlab.com/api/merge_requests. It may still come to nothing.
STATES = {"opened": "open", "locked": "open", "closed": "closed", "merged": "closed"}


def main(arguments: list[str]) -> int:
    number, commit = (*arguments, "", "")[:2] if len(arguments) < 3 else ("", "")
    try:
        if not re.fullmatch("[1-9][0-9]{0,9}", number):
            raise gitlab_api.Problem("give one merge request by its number: pull_request_state.py 142")
        print(state_of(number, commit))
    except gitlab_api.Problem as problem:
        print(f"pull_request_state: {problem}", file=sys.stderr)
        return 1
    return 0


def state_of(number: str, commit: str) -> str:
    unsaid = f"GitLab did not say whether merge request {number} is open:"
    try:
        answer = gitlab_api.connect(pathlib.Path(__file__).resolve().parent).get(f"/merge_requests/{number}")
    except gitlab_api.Problem as problem:
        raise gitlab_api.Problem(f"{unsaid} {problem}") from None
    state = STATES.get(str(answer.get("state")))
    if answer.get("iid") != int(number) or state is None:
        raise gitlab_api.Problem(f"{unsaid} the answer is of another shape.")
    return "moved" if state == "open" and commit not in ("", answer.get("sha")) else state


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
