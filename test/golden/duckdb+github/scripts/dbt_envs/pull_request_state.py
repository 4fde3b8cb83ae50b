"""Prints whether a pull request is open or closed, as GitHub itself says now.

    python scripts/dbt_envs/pull_request_state.py 142

Reads GITHUB_REPOSITORY, GITHUB_API_URL and GITHUB_TOKEN, as GitHub Actions sets them; the token needs
`pull-requests: read`. Ends with an error whenever GitHub does not say clearly which of the two it is: a schema is
dropped or built on this word.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request


def main() -> str:
    number = sys.argv[1] if len(sys.argv) == 2 else ""
    if not re.fullmatch("[1-9][0-9]{0,9}", number):
        return "Give one pull request by its number: pull_request_state.py 142"
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", repository):
        return "GITHUB_REPOSITORY is not set to owner/name."
    api = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if os.environ.get("GITHUB_TOKEN"):
        headers["Authorization"] = "Bearer " + os.environ["GITHUB_TOKEN"]
    url = f"{api}/repos/{repository}/pulls/{number}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as response:
            answer = json.load(response)
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        return f"GitHub did not say whether pull request {number} is open: {error}"
    state = answer.get("state") if isinstance(answer, dict) and answer.get("number") == int(number) else None
    if state not in ("open", "closed"):
        return f"GitHub did not say whether pull request {number} is open: the answer from {url} is of another shape."
    print(state)
    return ""


if __name__ == "__main__":
    sys.exit(main() or 0)
