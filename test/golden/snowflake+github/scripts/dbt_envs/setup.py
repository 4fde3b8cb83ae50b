"""Prepares this repository on GitHub for its dbt workflows: main's rule, environments, who may enter them, variables, secrets.

    python scripts/dbt_envs/setup.py            says what is missing, changes nothing
    python scripts/dbt_envs/setup.py --apply    does it, and asks for each value that is missing

It drives gh (https://cli.github.com), which must be logged in as an administrator of the repository. A value is taken
from the environment variable of the same name where there is one. What is set already stays as it is, unless it is
named: --replace DBT_ENV_SECRET_CI_PRIVATE_KEY. Secrets are typed unseen and handed to gh on its standard input. A rule that
protects main already is kept as it is, whoever made it: only what is lacking is added, in a ruleset of this project's own.
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
RULESET = "dbt-envs: acme"
# Each pull request gets one of these and skips the other, which GitHub counts as passed.
CHECKS = [
    "Build the pull request into a schema of its own",
    "Parse what is not built",
]
ASKED = {"pull_request": "changes by pull request alone", "deletion": "no deletion", "non_fast_forward": "no force push"}
# GitHub wants all five. No approval is asked for: raise the number on GitHub and it stays raised.
REVIEW = {
    "required_approving_review_count": 0,
    "dismiss_stale_reviews_on_push": False,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_review_thread_resolution": False,
}
# Without a rule of its own, ci admits every branch: whoever may push one may open a pull request too.
ENVIRONMENTS = {"ci": [], "prod": ["main"], "sweep": ["main"]}
SETTINGS = [
    {
        "name": "DBT_SNOWFLAKE_ACCOUNT",
        "secret": False,
        "environments": ["ci", "prod", "sweep"],
        "what": "The account, as <organization>-<account>",
        "example": "acme-main",
        "default": None,
    },
    {
        "name": "DBT_CI_LOGIN",
        "secret": False,
        "environments": ["ci"],
        "what": "The user of CI's account",
        "example": "acme_ci_service",
        "default": "acme_ci_service",
    },
    {
        "name": "DBT_ENV_SECRET_CI_PRIVATE_KEY",
        "secret": True,
        "environments": ["ci"],
        "what": "The private key of acme_ci_service, in PEM",
        "example": "",
        "default": None,
    },
    {
        "name": "DBT_PROD_LOGIN",
        "secret": False,
        "environments": ["prod"],
        "what": "The user of production's account",
        "example": "acme_prod_service",
        "default": "acme_prod_service",
    },
    {
        "name": "DBT_ENV_SECRET_PROD_PRIVATE_KEY",
        "secret": True,
        "environments": ["prod"],
        "what": "The private key of acme_prod_service, in PEM",
        "example": "",
        "default": None,
    },
    {
        "name": "DBT_JANITOR_LOGIN",
        "secret": False,
        "environments": ["sweep"],
        "what": "The user of the sweep's account",
        "example": "acme_janitor",
        "default": "acme_janitor",
    },
    {
        "name": "DBT_ENV_SECRET_JANITOR_PRIVATE_KEY",
        "secret": True,
        "environments": ["sweep"],
        "what": "The private key of acme_janitor, in PEM",
        "example": "",
        "default": None,
    },
]
# Secrets that stand where main alone may enter, and nowhere else.
GUARDED = ["DBT_ENV_SECRET_PROD_PRIVATE_KEY", "DBT_ENV_SECRET_JANITOR_PRIVATE_KEY"]
REPOSITORY = "repos/{owner}/{repo}"  # gh puts in the repository of this folder, or GH_REPO
GIVEN: dict = {}  # values by name
FREE = "A private repository on GitHub Free has no environments and no branch rules; GitHub Team (Pro for a person) and public repositories have both."
# https://docs.github.com/rest/actions/permissions: the strictest of three; GitHub refuses it for private repositories (422)
EVERYBODY_FROM_OUTSIDE = {"approval_policy": "all_external_contributors"}
UNAVAILABLE = ("HTTP 403", "HTTP 404", "HTTP 422")


class Problem(Exception):
    """What is wrong and what to do, in one line."""


class Refused(Problem):
    """GitHub knows the thing and does not allow it here (403): the plan, or a policy of the organisation."""


class NotFound(Problem):
    """It is not there, or this login may not see it (404)."""


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
    accepted = False
    try:
        missing = prepare_main(apply)
    except Refused as refused:
        missing = say_unprotected(refused)
        # A plan without rules for a private repository has no environments for it either.
        accepted = repository["private"] and missing == 0
    missing += prepare_forks(repository["private"], apply)
    missing += look_elsewhere(repository, accepted)
    say_what_stops_the_sweep(repository)
    for environment, branches in ENVIRONMENTS.items():
        missing += prepare_environment(environment, branches, apply)
    for setting in SETTINGS:
        for environment in setting["environments"]:
            missing += prepare_setting(setting, environment, apply, setting["name"] in replace)
    return missing


def prepare_main(apply: bool) -> int:
    """Raises Refused where the plan knows no rules; a policy that lets nobody make one is said here."""
    rules, checks = lacking()
    if not rules and not checks:
        return 0
    step(f"{MAIN}: {', '.join(named(rules, checks))} (ruleset {RULESET})", apply)
    if not apply:
        return 1
    try:
        write_ruleset(rules, checks)
        rules, checks = lacking()
    except Refused as refused:
        return say_unprotected(refused)
    if rules or checks:
        print(f"! GitHub took the ruleset, and {MAIN} still lacks: {', '.join(named(rules, checks))}. Look at Settings, Rules.")
        return 1
    return 0


def lacking() -> tuple:
    """The rules and the required checks that main lacks. Every active ruleset counts, the organisation's too, and so does the older branch protection."""
    branch = urllib.parse.quote(MAIN, safe="")
    rules = every(f"{REPOSITORY}/rules/branches/{branch}")
    have = {rule["type"] for rule in rules}
    checks = {check["context"] for rule in rules for check in checks_of(rule)}
    older = json.loads(gh("api", f"{REPOSITORY}/branches/{branch}/protection", absent="null"))
    if older:
        have |= {"pull_request"} if "required_pull_request_reviews" in older else set()
        have |= set() if older["allow_deletions"]["enabled"] else {"deletion"}
        have |= set() if older["allow_force_pushes"]["enabled"] else {"non_fast_forward"}
        checks |= set((older.get("required_status_checks") or {}).get("contexts", []))
    return [rule for rule in ASKED if rule not in have], [check for check in CHECKS if check not in checks]


def checks_of(rule: dict) -> list:
    return rule["parameters"]["required_status_checks"] if rule["type"] == "required_status_checks" else []


def named(rules: list, checks: list) -> list:
    return [ASKED[rule] for rule in rules] + [f'the check "{check}"' for check in checks]


def write_ruleset(rules: list, checks: list) -> None:
    """Adds to this project's ruleset what main lacks. GitHub replaces a ruleset whole, so what it holds already is sent along."""
    found = [one for one in every(f"{REPOSITORY}/rulesets?includes_parents=false") if one["name"] == RULESET]
    path = f"{REPOSITORY}/rulesets/{found[0]['id']}" if found else f"{REPOSITORY}/rulesets"
    ours = json.loads(gh("api", path)) if found else {}
    kept_rules = ours.get("rules", [])
    refs = ours.get("conditions", {}).get("ref_name", {"include": [], "exclude": []})
    for rule in rules:
        if all(one["type"] != rule for one in kept_rules):
            kept_rules.append({"type": rule, **({"parameters": REVIEW} if rule == "pull_request" else {})})
    if checks and not any(one["type"] == "required_status_checks" for one in kept_rules):
        parameters: dict = {"strict_required_status_checks_policy": False, "required_status_checks": []}
        kept_rules.append({"type": "required_status_checks", "parameters": parameters})
    for one in kept_rules:
        if one["type"] == "required_status_checks":
            there = [check["context"] for check in checks_of(one)]
            one["parameters"]["required_status_checks"] += [{"context": check} for check in checks if check not in there]
    body = {
        "name": RULESET,
        "target": "branch",
        "enforcement": "active",
        "bypass_actors": ours.get("bypass_actors", []),
        "conditions": {"ref_name": {**refs, "include": list(dict.fromkeys([*refs["include"], f"refs/heads/{MAIN}"]))}},
        "rules": kept_rules,
    }
    gh("api", "--method", "PUT" if found else "POST", path, "--input", "-", text=json.dumps(body))


def say_unprotected(refused: Refused) -> int:
    """What is unprotected where GitHub refuses a rule, and what then."""
    print(f"! {MAIN} stays unprotected: {refused}")
    runs = "what production is built from" if "prod" in ENVIRONMENTS else "what runs with the secrets below"
    print(f"  Whoever can push to {MAIN} changes {runs}, unreviewed. {FREE}")
    if gh("api", f"{REPOSITORY}/actions/variables/DBT_ENVS_UNPROTECTED_MAIN", "--jq", ".value", absent="").strip() == "accepted":
        print("  The variable DBT_ENVS_UNPROTECTED_MAIN says that this is accepted.")
        return 0
    other = "Or deploy from a separate repository. Until then the deploy refuses. " if "prod" in ENVIRONMENTS else ""
    print(f"  {other}To accept it as it is: gh variable set DBT_ENVS_UNPROTECTED_MAIN --body accepted")
    return 1


def say_what_stops_the_sweep(repository: dict) -> None:
    """What only a person can decide, and without which no sweep starts, or nobody hears of one that fails."""
    if repository["default_branch"] != MAIN:
        print(f"! GitHub starts the nightly sweep on the default branch alone, and that is {repository['default_branch']}: make it {MAIN}.")
    if repository["fork"] and gh("api", f"{REPOSITORY}/actions/variables/DBT_ENVS_SWEEP_FORK", "--jq", ".value", absent="").strip() != "yes":
        print("! This repository is a fork: the nightly sweep runs in it only after gh variable set DBT_ENVS_SWEEP_FORK --body yes")
    if not repository["has_issues"]:
        print("! Issues are off, so nobody is told of a sweep that fails. Turn them on: Settings, General, Features.")


def prepare_forks(private: bool, apply: bool) -> int:
    """Approval before a workflow runs for anybody from outside. Of forks of a private repository, only that they get no secrets."""
    path = f"{REPOSITORY}/actions/permissions/" + ("fork-pr-workflows-private-repos" if private else "fork-pr-contributor-approval")
    found = json.loads(gh("api", path, absent="{}", statuses=UNAVAILABLE))
    if private:
        if found.get("send_secrets_and_variables") or found.get("send_write_tokens_to_workflows"):
            print("! Forks get secrets or a token that writes, and whoever sends one can change the workflow. Turn it off: Settings, Actions, General.")
        return 0
    if found == EVERYBODY_FROM_OUTSIDE:
        return 0
    step("workflows of forks: approval for everybody from outside", apply)
    if not apply:
        return 1
    try:
        gh("api", "--method", "PUT", path, "--input", "-", text=json.dumps(EVERYBODY_FROM_OUTSIDE))
    except Problem as problem:
        print(f"! {problem}. Ask for the approval of all external contributors by hand: Settings, Actions, General.")
        return 1
    return 0


def look_elsewhere(repository: dict, accepted: bool) -> int:
    """A guarded secret that is stored once more, where more than main reads it: a branch brings workflows of its own. A job whose environment
    lacks a secret reads the repository's or the organisation's: https://docs.github.com/actions/reference/security/secrets
    Names alone can be seen, and nothing is removed."""
    whoever = "a workflow that any branch brings"
    stores = "Settings, Secrets and variables"
    places = [
        ("repository", "actions/secrets", whoever, f"{stores}, Actions"),
        # https://docs.github.com/code-security/reference/secret-security/secret-types
        ("Codespaces", "codespaces/secrets", "the codespace of everybody who may push", f"{stores}, Codespaces"),
        ("Dependabot", "dependabot/secrets", "a run that Dependabot starts", f"{stores}, Dependabot"),
    ]
    if repository["owner"]["type"] == "Organization":
        # Those that this repository may use: https://docs.github.com/rest/actions/secrets#list-repository-organization-secrets
        shared = f"the organisation's {stores}, Actions, or take this repository off its list"
        places.append(("organisation", "actions/organization-secrets", whoever, shared))
    for environment in seen("environments", "environments", ".environments[]"):
        if not is_for_main_alone(environment):
            name = environment["name"]
            path = f"environments/{urllib.parse.quote(name, safe='')}/secrets"
            places.append((f"environment {inert(name)}", path, "a workflow of every branch that may enter it", "Settings, Environments"))
    missing = 0
    for place, path, reader, where in places:
        # GitHub knows them without regard to case.
        found = {secret["name"].upper() for secret in seen(f"secrets ({place})", path, ".secrets[]")}
        for name in GUARDED:
            if name not in found:
                continue
            print(f"! secret {name} ({place}): {reader} reads it. Delete it, under {where}; and make the real value invalid, where it was that.")
            if accepted and place == "repository":
                print("  Without environments, it has no other place. The variable DBT_ENVS_UNPROTECTED_MAIN says that this is accepted.")
            else:
                missing += 1
    return missing


def is_for_main_alone(environment: dict) -> bool:
    """Also of those that this script limits, and stops where it cannot. Names of environments are known without regard to case."""
    name = environment["name"]
    if ENVIRONMENTS.get(name.lower()):
        return True
    if not (environment.get("deployment_branch_policy") or {}).get("custom_branch_policies"):
        return False
    path = f"environments/{urllib.parse.quote(name, safe='')}/deployment-branch-policies"
    return all(one == MAIN for one in admitted_by(seen(f"branches (environment {inert(name)})", path, ".branch_policies[]")))


def seen(what: str, path: str, items: str) -> list:
    """The entries of a list of the repository. Where this login may not have it, that is said, and what to look for."""
    try:
        return every(f"{REPOSITORY}/{path}", items)
    except (Refused, NotFound) as problem:
        print(f"! Not looked at: {what}. {inert(problem)}. None of these may stand there: {', '.join(GUARDED)}.")
        return []


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
    admitted = [] if missing and not apply else admitted_by(every(policies, ".branch_policies[]"))
    for branch in branches:
        if branch not in admitted:
            missing += step(f"environment {name}: admit {branch}", apply)
            if apply:
                gh("api", "--method", "POST", policies, "--input", "-", text=json.dumps({"name": branch, "type": "branch"}))
    others = [inert(name) for name in admitted if name not in branches]
    if others:
        raise Problem(f"environment {name} also admits {', '.join(others)}. Remove that in Settings, Environments, and start this again.")
    return 0 if apply else missing


def admitted_by(policies: list) -> list:
    """The branches that may enter, by name; a tag is told apart, for whoever may push makes one of any name."""
    return [f"the tag {one['name']}" if one.get("type") == "tag" else one["name"] for one in policies]


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
    place = f"{kind} {setting['name']} (environment {environment})"
    names = gh("api", "--paginate", f"{REPOSITORY}/environments/{environment}/{kind}s", "--jq", f".{kind}s[].name", absent="").split("\n")
    if setting["name"] in names and not replace:
        return 0
    takes_default = setting["default"] is not None and setting["name"] not in os.environ and not replace
    if takes_default and not ENVIRONMENTS[environment]:
        print(f"  {place} is not set: {setting['default']!r} is used")
        return 0
    # Left open, a variable of the repository would count there, and whoever can push may set one.
    step(f"{place}: {setting['default']!r}, so that nothing else counts" if takes_default else f"{place}: {setting['what']}", apply)
    if not apply:
        return 1
    value = setting["default"] if takes_default else value_of(setting)
    if value == "":
        print(f"! {setting['name']} is left unset")
        return 1
    gh(kind, "set", setting["name"], "--env", environment, text=value)
    return 0


def value_of(setting: dict) -> str:
    """Asked once, though several environments need it."""
    if setting["name"] not in GIVEN:
        GIVEN[setting["name"]] = os.environ.get(setting["name"]) or ask(setting)
    return GIVEN[setting["name"]]


def ask(setting: dict) -> str:
    if not sys.stdin.isatty():
        return ""
    if setting["secret"]:
        value = getpass.getpass(f"  {setting['name']}: ")
        if not value.startswith("-----BEGIN"):
            return value
        # A prompt ends with its line, and the rest of what was pasted is lost.
        print(f'! {setting["name"]} has several lines: give it in the environment, {setting["name"]}="$(cat key.p8)" python scripts/dbt_envs/setup.py --apply')
        return ""
    return input(f"  {setting['name']} (such as {setting['example']}): ").strip()


def step(what: str, apply: bool) -> int:
    print(("* " if apply else "  to do: ") + what, flush=True)
    return 1


def inert(text: object) -> str:
    return "".join(one if one.isprintable() else " " for one in str(text))[:200]


def every(path: str, items: str = ".[]") -> list:
    """The entries of a list, to its last page."""
    joined = f"{path}{'&' if '?' in path else '?'}per_page=100"
    return [json.loads(line) for line in gh("api", "--paginate", joined, "--jq", f"{items} | tojson").splitlines() if line]


def gh(*arguments: str, text: str = "", absent: str | None = None, statuses: tuple = ("HTTP 404",)) -> str:
    """What gh prints; `absent` where GitHub answers with one of the statuses. Raises Problem with what gh said."""
    done = subprocess.run(["gh", *arguments], input=text, capture_output=True, text=True, encoding="utf-8")
    if done.returncode == 0:
        return done.stdout
    if absent is not None and any(status in done.stderr for status in statuses):
        return absent
    said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").split("\n")[-1]
    if "HTTP 403" in done.stderr:
        raise Refused(said)
    if "HTTP 404" in done.stderr:
        raise NotFound(said)
    raise Problem(f"gh {' '.join(arguments[:4])}: {said}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
