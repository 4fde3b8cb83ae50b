"""Prints the token in which GitLab says which project, branch and environment this job is of. For CI.

    python scripts/dbt_envs/identity_token.py <audience>

The warehouse trusts it in the place of a password. GitLab makes it when the job begins, for the audience that the job's
`id_tokens` names, and it is good until the job's timeout. What is printed here goes to the program that asked, never to a log.
docs.gitlab.com/ci/secrets/id_token_authentication
"""

import base64
import json
import os
import sys
import time

NAME = "DBT_ENVS_ID_TOKEN"


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: identity_token.py <audience>", file=sys.stderr)
        return 2
    token = os.environ.get(NAME, "")
    if token == "":
        print(f"identity_token: GitLab gives this job no token. Its id_tokens must have {NAME}.", file=sys.stderr)
        return 1
    try:
        says = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        audience, end = says["aud"], float(says["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        print(f"identity_token: what stands in {NAME} is no token of GitLab.", file=sys.stderr)
        return 1
    if audience != sys.argv[1]:
        print(f"identity_token: the token of this job is for {audience!r}, and {sys.argv[1]!r} is asked for.", file=sys.stderr)
        return 1
    if end <= time.time():
        print("identity_token: the token of this job is no longer good. It lasts as long as the job's timeout: raise that.", file=sys.stderr)
        return 1
    print(token)
    return 0


if __name__ == "__main__":
    sys.exit(main())
