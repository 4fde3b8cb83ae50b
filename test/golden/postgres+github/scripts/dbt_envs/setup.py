"""Prepares this repository on GitHub for its dbt workflows: environments, who may enter them, variables and secrets.

    python scripts/dbt_envs/setup.py            says what is missing, changes nothing
    python scripts/dbt_envs/setup.py --apply    does it, and asks for each value that is missing

It drives gh (https://cli.github.com), which must be logged in as an administrator of the repository. A value is taken
from the environment variable of the same name where there is one. What is set already stays as it is, unless it is
named: --replace DBT_ENV_SECRET_CI_PASSWORD. Secrets are typed unseen and handed to gh on its standard input.
"""

import argparse
import getpass
import json
import os
import shutil
import subprocess
import sys
import urllib.parse

MAIN = "main"
# Without a rule of its own, ci admits every branch: whoever may push one may open a pull request too.
ENVIRONMENTS = {"ci": [], "prod": ["main"]}
SETTINGS = [
    {
        "name": "DBT_PG_HOST",
        "secret": False,
        "environments": [""],
        "what": "The host of the PostgreSQL server",
        "example": "warehouse.example.com",
        "default": "localhost",
    },
    {
        "name": "DBT_PG_PORT",
        "secret": False,
        "environments": [""],
        "what": "Its port",
        "example": "5432",
        "default": "5432",
    },
    {
        "name": "DBT_PG_DATABASE",
        "secret": False,
        "environments": [""],
        "what": "The database",
        "example": "acme",
        "default": "acme",
    },
    {
        "name": "DBT_PG_SSLMODE",
        "secret": False,
        "environments": [""],
        "what": "How the connection is encrypted: verify-full wherever the server has a certificate",
        "example": "verify-full",
        "default": "prefer",
    },
    {
        "name": "DBT_CI_LOGIN",
        "secret": False,
        "environments": ["ci"],
        "what": "The login of CI's account",
        "example": "acme_ci_service",
        "default": "acme_ci_service",
    },
    {
        "name": "DBT_ENV_SECRET_CI_PASSWORD",
        "secret": True,
        "environments": ["ci"],
        "what": "The password of acme_ci_service",
        "example": "",
        "default": None,
    },
    {
        "name": "DBT_PROD_LOGIN",
        "secret": False,
        "environments": ["prod"],
        "what": "The login of production's account",
        "example": "acme_prod_service",
        "default": "acme_prod_service",
    },
    {
        "name": "DBT_ENV_SECRET_PROD_PASSWORD",
        "secret": True,
        "environments": ["prod"],
        "what": "The password of acme_prod_service",
        "example": "",
        "default": None,
    },
]
REPOSITORY = "repos/{owner}/{repo}"  # gh puts in the repository of this folder, or GH_REPO
FREE = "A private repository on GitHub Free has no environments: docs/environments.md says what then."


class Problem(Exception):
    """What is wrong and what to do, in one line."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apply", action="store_true", help="do it; without this, only say what is missing")
    parser.add_argument("--replace", action="append", default=[], metavar="NAME", help="ask for this value even if it is set")
    options = parser.parse_args()
    try:
        unknown = set(options.replace) - {setting["name"] for setting in SETTINGS}
        if unknown:
            raise Problem(f"--replace {sorted(unknown)[0]}: the workflows read no such setting.")
        missing = prepare(options.apply, options.replace)
    except Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    if missing and not options.apply:
        print(f"{missing} to do. Nothing has been changed; --apply does it.")
    elif missing:
        print(f"{missing} still to do.", file=sys.stderr)
    else:
        print("Everything is in place.")
    return 1 if missing and options.apply else 0


def prepare(apply: bool, replace: list) -> int:
    """Does or lists every step; returns how many are left to do."""
    if shutil.which("gh") is None:
        raise Problem("gh is not installed. Get it from https://cli.github.com, run gh auth login, and start this again.")
    repository = json.loads(gh("api", REPOSITORY))
    print(f"Repository {repository['full_name']}, {'private' if repository['private'] else 'public'}")
    if not repository.get("permissions", {}).get("admin"):
        raise Problem(f"you are not an administrator of {repository['full_name']}. Ask one to run this.")
    missing = 0
    for environment, branches in ENVIRONMENTS.items():
        missing += prepare_environment(environment, branches, apply)
    for setting in SETTINGS:
        for environment in setting["environments"]:
            missing += prepare_setting(setting, environment, apply, setting["name"] in replace)
    if gh("api", f"{REPOSITORY}/branches/{urllib.parse.quote(MAIN, safe='')}", "--jq", ".protected", absent="false").strip() != "true":
        print(f"! {MAIN} is not protected: whoever can push to it deploys to production. Require a pull request (Settings, Rules).")
    return missing


def prepare_environment(name: str, branches: list, apply: bool) -> int:
    path = f"{REPOSITORY}/environments/{name}"
    policy = {"protected_branches": False, "custom_branch_policies": True} if branches else None
    found = json.loads(gh("api", path, absent="null"))
    missing = 0
    if found is None or (policy and found.get("deployment_branch_policy") != policy):
        missing += step(f"environment {name}" + (f", for {', '.join(branches)} alone" if branches else ""), apply)
        if apply:
            try:
                gh("api", "--method", "PUT", path, "--input", "-", text=json.dumps({**kept(found), "deployment_branch_policy": policy}))
            except Problem as problem:
                raise Problem(f"{problem}. Nothing secret was stored. {FREE}") from None
            found = json.loads(gh("api", path))
            if policy and found.get("deployment_branch_policy") != policy:
                raise Problem(f"GitHub did not limit environment {name} to {', '.join(branches)}. Nothing secret was stored. {FREE}")
    if not branches:
        return 0 if apply else missing
    policies = f"{path}/deployment-branch-policies"
    admitted = [] if missing and not apply else gh("api", "--paginate", policies, "--jq", ".branch_policies[].name").split("\n")
    for branch in branches:
        if branch not in admitted:
            missing += step(f"environment {name}: admit {branch}", apply)
            if apply:
                gh("api", "--method", "POST", policies, "--input", "-", text=json.dumps({"name": branch, "type": "branch"}))
    others = [branch for branch in admitted if branch and branch not in branches]
    if others:
        raise Problem(f"environment {name} also admits {', '.join(others)}. Remove that in Settings, Environments, and start this again.")
    return 0 if apply else missing


def kept(environment: dict | None) -> dict:
    """What an environment already asks for, in the shape in which GitHub takes it back: what is left out, GitHub forgets."""
    body: dict = {}
    for rule in (environment or {}).get("protection_rules", []):
        if rule["type"] == "wait_timer":
            body["wait_timer"] = rule["wait_timer"]
        elif rule["type"] == "required_reviewers":
            body["reviewers"] = [{"type": one["type"], "id": one["reviewer"]["id"]} for one in rule["reviewers"]]
            body["prevent_self_review"] = rule.get("prevent_self_review", False)
    return body


def prepare_setting(setting: dict, environment: str, apply: bool, replace: bool) -> int:
    kind = "secret" if setting["secret"] else "variable"
    where = ["--env", environment] if environment else []
    place = f"environment {environment}" if environment else "repository"
    path = f"{REPOSITORY}/environments/{environment}/{kind}s" if environment else f"{REPOSITORY}/actions/{kind}s"
    names = gh("api", "--paginate", path, "--jq", f".{kind}s[].name", absent="").split("\n")
    if setting["name"] in names and not replace:
        return 0
    if setting["default"] is not None and setting["name"] not in os.environ and not replace:
        print(f"  {kind} {setting['name']} ({place}) is not set: {setting['default']!r} is used")
        return 0
    step(f"{kind} {setting['name']} ({place}): {setting['what']}", apply)
    if not apply:
        return 1
    value = os.environ.get(setting["name"]) or ask(setting)
    if value == "":
        print(f"! {setting['name']} is left unset")
        return 1
    gh(kind, "set", setting["name"], *where, text=value)
    return 0


def ask(setting: dict) -> str:
    if not sys.stdin.isatty():
        return ""
    if setting["secret"]:
        return getpass.getpass(f"  {setting['name']}: ")
    return input(f"  {setting['name']} (such as {setting['example']}): ").strip()


def step(what: str, apply: bool) -> int:
    print(("* " if apply else "  to do: ") + what, flush=True)
    return 1


def gh(*arguments: str, text: str = "", absent: str | None = None) -> str:
    """What gh prints; `absent` where GitHub knows no such thing (404). Raises Problem with what gh said."""
    done = subprocess.run(["gh", *arguments], input=text, capture_output=True, text=True, encoding="utf-8")
    if done.returncode == 0:
        return done.stdout
    if absent is not None and "HTTP 404" in done.stderr:
        return absent
    said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").split("\n")[-1]
    raise Problem(f"gh {' '.join(arguments[:4])}: {said}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
