"""Prints a token in which GitHub says which repository, environment and workflow this job is of. For CI.

    python scripts/dbt_envs/identity_token.py <audience>

The warehouse trusts it in the place of a password: it is good for one audience, and for minutes. Only a job with the
permission `id-token: write` gets one.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TRIES = 4


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: identity_token.py <audience>", file=sys.stderr)
        return 2
    # https://docs.github.com/actions/reference/security/oidc
    url, bearer = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"), os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if not url or not bearer:
        print("identity_token: GitHub gives this job no token. Its permissions must have id-token: write.", file=sys.stderr)
        return 1
    request = urllib.request.Request(f"{url}&audience={urllib.parse.quote(sys.argv[1], safe='')}", headers={"Authorization": f"bearer {bearer}"})
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                print(json.load(answer)["value"])
            return 0
        except (OSError, ValueError, KeyError) as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429
            if refused or attempt == TRIES - 1:
                print(f"identity_token: GitHub gives no token: {error}.", file=sys.stderr)
                return 1
            time.sleep(2**attempt)
    return 1


if __name__ == "__main__":
    sys.exit(main())
