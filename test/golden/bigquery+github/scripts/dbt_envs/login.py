"""Logs this job in at Google with a token of the CI provider's own. For CI; no key of a service account is stored anywhere.

    python scripts/dbt_envs/login.py            writes the file that GOOGLE_APPLICATION_CREDENTIALS names
    python scripts/dbt_envs/login.py token      prints a fresh token, as Google's libraries ask for it

The file holds no secret: it says whom to ask, and Google's library runs this script whenever it needs a token, so that a long
build stays logged in. DBT_GCP_IDENTITY_PROVIDER says which provider trusts the token, DBT_GCP_SERVICE_ACCOUNT as whom to act.
https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
"""

import json
import os
import pathlib
import re
import subprocess
import sys

PROVIDER = re.compile(r"projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]+/providers/[a-z0-9-]+")
ACCOUNT = re.compile(r"[a-z0-9-]+@[a-z0-9-]+\.iam\.gserviceaccount\.com")
JWT = "urn:ietf:params:oauth:token-type:jwt"


def main() -> int:
    if sys.argv[1:] == ["token"]:
        return print_token()
    if sys.argv[1:]:
        print("usage: login.py [token]", file=sys.stderr)
        return 2
    provider = os.environ.get("DBT_GCP_IDENTITY_PROVIDER", "")
    account = os.environ.get("DBT_GCP_SERVICE_ACCOUNT", "")
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
    if not PROVIDER.fullmatch(provider):
        print(f"login: DBT_GCP_IDENTITY_PROVIDER is {provider!r}: grants/40_services.sh prints what it has to be.", file=sys.stderr)
        return 1
    if not ACCOUNT.fullmatch(account):
        print(f"login: DBT_GCP_SERVICE_ACCOUNT is {account!r}: give the e-mail address of a service account.", file=sys.stderr)
        return 1
    if path == "":
        print("login: GOOGLE_APPLICATION_CREDENTIALS is not set: it names the file to write.", file=sys.stderr)
        return 1
    script = pathlib.Path(__file__).resolve()
    # Google's library cuts this line at its blanks.
    if any(" " in one for one in (sys.executable, str(script))):
        print(f"login: there is a blank in {sys.executable} or {script}: Google's library cannot run it there.", file=sys.stderr)
        return 1
    file = pathlib.Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(credentials(provider, account, f"{sys.executable} {script} token"), indent=2) + "\n", encoding="utf-8")
    print(f"{path} says how to log in as {account}.")
    return 0


def credentials(provider: str, account: str, command: str) -> dict:
    return {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{provider}",
        "subject_token_type": JWT,
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}:generateAccessToken",
        "credential_source": {"executable": {"command": command, "timeout_millis": 60000}},
    }


def print_token() -> int:
    """What Google's library reads from a command: https://google.aip.dev/auth/4117"""
    # The audience that a provider takes unless it was told another.
    audience = f"https://iam.googleapis.com/{os.environ.get('DBT_GCP_IDENTITY_PROVIDER', '')}"
    script = pathlib.Path(__file__).resolve().with_name("identity_token.py")
    done = subprocess.run([sys.executable, str(script), audience], capture_output=True, text=True, encoding="utf-8")
    if done.returncode != 0:
        print(json.dumps({"version": 1, "success": False, "code": "NO_TOKEN", "message": done.stderr.strip()}))
        return 1
    print(json.dumps({"version": 1, "success": True, "token_type": JWT, "id_token": done.stdout.strip()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
