"""Prepares this project on GitLab for its dbt jobs: main's protection, who may run what, schedules, variables.

    python scripts/dbt_envs/setup.py            says what is missing, changes nothing
    python scripts/dbt_envs/setup.py --apply    does it, and asks for each value that is missing

The login must be a maintainer's, with the scope api: GITLAB_TOKEN, or glab's. Whoever runs it owns the schedules, and a
schedule ends with its owner: let a service account run it. A value is taken from the environment variable of the same name
where there is one. What is set already stays as it is, unless it is named: --replace DBT_ENVS_GITLAB_TOKEN. Values are typed
unseen and stand on no command line. It adds to what protects the project, and takes nothing away.
"""

import argparse
import getpass
import os
import pathlib
import re
import sys
import urllib.parse
from typing import Any

import gitlab_api

MAIN = "main"
SETTINGS: list[dict[str, Any]] = [
    {
        "name": "DBT_CI_IDENTITY_PROVIDER",
        "secret": False,
        "scopes": ["pr/*", "sweep"],
        "what": "What trusts the token of a job, in project acme-ci: grants/40_services.sh prints it",
        "example": "projects/123456789012/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs",
        "default": None,
    },
    {
        "name": "DBT_CI_LOGIN",
        "secret": False,
        "scopes": ["pr/*"],
        "what": "CI's service account",
        "example": "acme-ci@acme-ci.iam.gserviceaccount.com",
        "default": "acme-ci@acme-ci.iam.gserviceaccount.com",
    },
    {
        "name": "DBT_PROD_IDENTITY_PROVIDER",
        "secret": False,
        "scopes": ["prod"],
        "what": "What trusts the token of a job, in project acme-prod: grants/40_services.sh prints it",
        "example": "projects/123456789012/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs",
        "default": None,
    },
    {
        "name": "DBT_PROD_LOGIN",
        "secret": False,
        "scopes": ["prod"],
        "what": "Production's service account",
        "example": "acme-prod@acme-prod.iam.gserviceaccount.com",
        "default": "acme-prod@acme-prod.iam.gserviceaccount.com",
    },
    {
        "name": "DBT_JANITOR_LOGIN",
        "secret": False,
        "scopes": ["sweep"],
        "what": "The sweep's service account",
        "example": "acme-janitor@acme-ci.iam.gserviceaccount.com",
        "default": "acme-janitor@acme-ci.iam.gserviceaccount.com",
    },
    {
        "name": "DBT_ENVS_GITLAB_TOKEN",
        "secret": True,
        "scopes": ["sweep-issue"],
        "what": "an access token of the project with the scope api and the role Reporter, which keeps one issue open while the sweep fails",
        "example": "glpat-…",
        "default": None,
    },
]
# Of these scopes' variables, only pipelines of a protected branch see any.
PROTECTED = ["prod", "sweep", "sweep-issue"]
SCHEDULES = [
    {"description": "dbt deploy", "cron": "17 5 * * *", "run": "deploy"},
    {"description": "dbt sweep", "cron": "43 3 * * *", "run": "sweep"},
]
# What the token of a service's job says, and no other job's. Numbers, for a path may be somebody else's one day. `sub` is the same
# for all jobs of a branch, and in a merge request's token it names the source branch, which may be called main.
# docs.gitlab.com/ci/secrets/id_token_authentication
CLAIMS = {
    "CI_CLAIMS": "pipeline_source=merge_request_event project_id={project} namespace_id={namespace} job_project_id={project}",
    "PROD_CLAIMS": "pipeline_source=push,schedule,web project_id={project} namespace_id={namespace} ref_type=branch ref=main ref_protected=true environment=prod",
    "JANITOR_CLAIMS": "pipeline_source=schedule,web project_id={project} namespace_id={namespace} ref_type=branch ref=main ref_protected=true environment=sweep",
}
TRUST = "bash grants/40_services.sh"
# The first GitLab whose tokens say in which project a job runs, beside whose merge request it is.
SAYS_BOTH = (18, 4)
# What a project setting has to be, and why. docs.gitlab.com/api/projects/#update-a-project
PROJECT_SETTINGS: list[tuple[str, Any, str]] = [
    ("ci_allow_fork_pipelines_to_run_in_parent_project", False, "what a fork sends never runs here, where it could read variables"),
    ("protect_merge_request_pipelines", False, "no merge request's pipeline reads protected variables"),
    ("only_allow_merge_if_pipeline_succeeds", True, "nothing is merged whose build has failed"),
    ("auto_cancel_pending_pipelines", "enabled", "a push cancels a build that it makes pointless"),
]
# Whoever may give variables to a pipeline of main can set the host that gets production's password.
OVERRIDE = "ci_pipeline_variables_minimum_override_role"
STRICT_ROLES = ("maintainer", "owner", "no_one_allowed")
SOMEBODY_ELSES = '! The schedule "{}" is somebody else\'s. Take ownership, under Build, Pipeline schedules, and start this again.'
GIVEN: dict[str, str] = {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--apply", action="store_true", help="do it; without this, only say what is missing")
    parser.add_argument("--replace", action="append", default=[], metavar="NAME", help="ask for this value even if it is set")
    options = parser.parse_args()
    try:
        unknown = set(options.replace) - {setting["name"] for setting in SETTINGS}
        if unknown:
            raise gitlab_api.Problem(f"--replace {sorted(unknown)[0]}: the jobs read no such variable.")
        missing = prepare(gitlab_api.connect(pathlib.Path(__file__).resolve().parent), options.apply, options.replace)
    except gitlab_api.Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    if missing and not options.apply:
        print(f"{missing} to do. Nothing has been changed; --apply does it.")
    elif missing:
        print(f"{missing} still to do.", file=sys.stderr)
    else:
        print("Everything is in place.")
    return 1 if missing and options.apply else 0


def prepare(api: gitlab_api.Api, apply: bool, replace: list[str]) -> int:
    """Does or lists every step; returns how many are left to do. Main is protected before anything secret is stored."""
    project = api.get("")
    print(f"Project {project.get('path_with_namespace')}, {project.get('visibility')}")
    missing = prepare_main(api, apply) + prepare_project(api, project, apply)
    say_claims(api, project)
    if apply and missing:
        print("! Nothing secret is stored before that is done.")
        return missing
    for schedule in SCHEDULES:
        try:
            missing += prepare_schedule(api, schedule, apply)
        except gitlab_api.Refused as refused:
            if refused.status != 403:
                raise
            # Only its owner may change one: docs.gitlab.com/ci/pipelines/schedules
            missing += say(SOMEBODY_ELSES.format(schedule["description"]))
    found = {(one.get("key"), one.get("environment_scope")): one for one in variables(api)}
    for setting in SETTINGS:
        for scope in setting["scopes"]:
            missing += prepare_setting(api, setting, scope, found, apply, setting["name"] in replace)
    say_what_is_left(project)
    return missing


def prepare_main(api: gitlab_api.Api, apply: bool) -> int:
    """docs.gitlab.com/api/protected_branches: 0 is nobody, 30 developers, 40 maintainers."""
    path = f"/protected_branches/{urllib.parse.quote(MAIN, safe='')}"
    try:
        found = api.get(path)
    except gitlab_api.Refused as refused:
        if refused.status != 404:
            raise
        step(f"{MAIN}: changes by merge request alone, which maintainers merge", apply)
        if not apply:
            return 1
        api.send("POST", "/protected_branches", {"name": MAIN, "push_access_level": 0, "merge_access_level": 40, "allow_force_push": False})
        found = api.get(path)
    if not wrong_with(found):
        return 0
    step(f"{MAIN}: {' and '.join(wrong_with(found))}; nobody pushes", apply)
    if not apply:
        return 1
    # To change who may push takes Premium; GitLab Free passes over it. To unprotect the branch for it would open it meanwhile.
    gone = [{"id": one.get("id"), "_destroy": True} for one in found.get("push_access_levels", []) if one.get("access_level") != 0]
    try:
        api.send("PATCH", path, {"allowed_to_push": [*gone, {"access_level": 0}], "allow_force_push": False})
    except gitlab_api.Refused as refused:
        print(f"! {refused}")
    wrong = wrong_with(api.get(path))
    if wrong:
        print(f"! {MAIN} is protected, but {' and '.join(wrong)}. By hand: Settings, Repository, Protected branches, {MAIN}: Allowed to push and merge, No one.")
    return 1 if wrong else 0


def wrong_with(branch: dict[str, Any]) -> list[str]:
    levels = branch.get("push_access_levels")
    pushed = not isinstance(levels, list) or any(not isinstance(one, dict) or one.get("access_level") != 0 for one in levels)
    forced = branch.get("allow_force_push") is not False
    return [*(["whoever may push can change it without a merge request"] if pushed else []), *(["it may be force-pushed"] if forced else [])]


def prepare_project(api: gitlab_api.Api, project: dict[str, Any], apply: bool) -> int:
    wrong = [(name, wanted, why) for name, wanted, why in PROJECT_SETTINGS if name in project and project[name] != wanted]
    missing = 0
    if project.get(OVERRIDE) not in STRICT_ROLES and OVERRIDE in project:
        wrong.append((OVERRIDE, "maintainer", "only maintainers give variables to a pipeline"))
    for name, _, _ in PROJECT_SETTINGS:
        if name not in project:
            print(f"! This GitLab does not say what {name} is: look at Settings, CI/CD and Merge requests.")
    for name, wanted, why in wrong:
        step(f"{name} = {wanted}: {why}", apply)
        missing += 1
    if not apply or not wrong:
        return missing
    api.send("PUT", "", {name: wanted for name, wanted, _ in wrong})
    now = api.get("")
    return sum(say(f"! GitLab took {name}, and it is still {now.get(name)!r}.") for name, wanted, _ in wrong if now.get(name) != wanted)


def say_claims(api: gitlab_api.Api, project: dict[str, Any]) -> None:
    """What an administrator of the warehouse runs, so that it trusts the tokens of this project's jobs."""
    path, address = str(project.get("path_with_namespace")), str(project.get("web_url"))
    numbers = {"project": project.get("id"), "namespace": (project.get("namespace") or {}).get("id")}
    if not all(isinstance(number, int) for number in numbers.values()) or not address.endswith(f"/{path}"):
        raise gitlab_api.Problem("GitLab does not say the numbers and the address of this project, so the warehouse cannot be told whom to trust.")
    host = address.removesuffix(f"/{path}")
    issuer = os.environ.get("TOKEN_ISSUER") or host
    named = " ".join(f"{name}='{claims.format(**numbers)}'" for name, claims in CLAIMS.items())
    print(f"An administrator of the warehouse makes it trust the tokens of these jobs and no others:\n  TOKEN_ISSUER={issuer} {named} {TRUST}")
    print("  Where the project moves to another group, its tokens say another namespace_id and are refused: run this again, and that.")
    if issuer == "https://gitlab.com":
        return
    print(f"  The issuer is {issuer} unless an administrator of this GitLab has set ci_id_tokens_issuer_url: give that as TOKEN_ISSUER.")
    print(f"  The warehouse reads {issuer}/.well-known/openid-configuration. Where it cannot come there, hand it the keys, again whenever they change:")
    print(f"  curl --fail --output keys.json {host}/oauth/discovery/keys, and TOKEN_KEYS=keys.json in front of that line.")
    say_version(api)


def say_version(api: gitlab_api.Api) -> None:
    """docs.gitlab.com/api/version"""
    try:
        said = str(api.service.get("/version").get("version"))
    except gitlab_api.Refused:
        said = "of a version that this login may not see"
    found = re.match(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < SAYS_BOTH:
        print(f"! This GitLab is {said}. Before {'.'.join(map(str, SAYS_BOTH))} a token does not say job_project_id, so no merge request is built.")


def prepare_schedule(api: gitlab_api.Api, schedule: dict[str, str], apply: bool) -> int:
    """docs.gitlab.com/api/pipeline_schedules. One that GitLab or somebody has switched off is reported, and left to its owner."""
    found = [one for one in api.every("/pipeline_schedules") if one.get("description") == schedule["description"] and short(one.get("ref")) == MAIN]
    if not found:
        step(f'schedule "{schedule["description"]}", {schedule["cron"]} UTC, on {MAIN}', apply)
        if not apply:
            return 1
        made = api.send("POST", "/pipeline_schedules", {"description": schedule["description"], "ref": f"refs/heads/{MAIN}", "cron": schedule["cron"], "active": False})
        found = [made]
    missing = 0
    for one in found:
        detail = api.get(f"/pipeline_schedules/{one['id']}")
        if "variables" not in detail:  # shown to whoever may change it
            missing += say(SOMEBODY_ELSES.format(schedule["description"]))
            continue
        says = {variable.get("key"): variable.get("value") for variable in detail.get("variables") or []}
        if says.get("DBT_ENVS_RUN") != schedule["run"]:
            step(f'schedule "{schedule["description"]}": DBT_ENVS_RUN={schedule["run"]}', apply)
            if not apply:
                missing += 1
                continue
            api.send("POST", f"/pipeline_schedules/{one['id']}/variables", {"key": "DBT_ENVS_RUN", "value": schedule["run"]})
        if detail.get("active") is not True and (detail.get("owner") or {}).get("state") != "active":
            missing += say(f'! The schedule "{schedule["description"]}" is off, and its owner is not active: take ownership, under Build, Pipeline schedules.')
        elif detail.get("active") is not True:
            step(f'schedule "{schedule["description"]}": on', apply)
            missing += 0 if apply else 1
            if apply:
                api.send("PUT", f"/pipeline_schedules/{one['id']}", {"active": True})
    return missing


def short(ref: object) -> str:
    return str(ref).removeprefix("refs/heads/")


def variables(api: gitlab_api.Api) -> list[dict[str, Any]]:
    """Every one, to the last page. They have no id: their scope tells those of one name apart."""
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        items, headers = api.service.ask(f"{api.service.base}{api.path(f'/variables?per_page=100&page={page}')}")
        if not isinstance(items, list) or headers.get("x-next-page") not in ("", str(page + 1)):
            raise gitlab_api.Problem("GitLab's list of variables is of another shape.")
        found += items
        if headers.get("x-next-page") == "":
            return found
        page += 1


def prepare_setting(api: gitlab_api.Api, setting: dict[str, Any], scope: str, found: dict[Any, dict[str, Any]], apply: bool, replace: bool) -> int:
    place = f"variable {setting['name']} (environment {scope})"
    there = found.get((setting["name"], scope))
    protected = scope in PROTECTED
    if there is not None and protected and there.get("protected") is not True:
        step(f"{place}: for protected branches alone", apply)
        if not apply:
            return 1
        # The value of a hidden one is not shown, and is kept where none is sent.
        value = {} if there.get("hidden") else {"value": there.get("value")}
        api.send("PUT", variable_path(setting["name"], scope), {**value, "protected": True, "environment_scope": scope})
    if there is not None and not replace:
        return 0
    if setting["default"] is not None and setting["name"] not in os.environ and not replace:
        print(f"  {place} is not set: {setting['default']!r} is used")
        return 0
    step(f"{place}: {setting['what']}", apply)
    if not apply:
        return 1
    value = value_of(setting)
    if value == "":
        print(f"! {setting['name']} is left unset")
        return 1
    body = {"key": setting["name"], "value": value, "protected": protected, "raw": True, "environment_scope": scope}
    if there is not None:
        api.send("DELETE", variable_path(setting["name"], scope), {})
    try:
        api.send("POST", "/variables", {**body, "masked_and_hidden": True} if setting["secret"] else body)
    except gitlab_api.Refused as refused:
        if not setting["secret"] or refused.status != 400:
            raise
        # docs.gitlab.com/ci/variables/#mask-a-cicd-variable: one line, without blanks, at least 8 characters
        api.send("POST", "/variables", body)
        print(f"! GitLab cannot mask {setting['name']}: of several lines, short, or with blanks. It is stored, and a job that prints it shows it.")
    return 0


def variable_path(name: str, scope: str) -> str:
    """Of several variables of one name, that of this scope: docs.gitlab.com/api/project_level_variables/#the-filter-parameter"""
    return f"/variables/{name}?{urllib.parse.urlencode({'filter[environment_scope]': scope})}"


def value_of(setting: dict[str, Any]) -> str:
    """Asked once, though several environments need it."""
    if setting["name"] not in GIVEN:
        GIVEN[setting["name"]] = os.environ.get(setting["name"]) or ask(setting)
    return GIVEN[setting["name"]]


def ask(setting: dict[str, Any]) -> str:
    if not sys.stdin.isatty():
        return ""
    if setting["secret"]:
        return getpass.getpass(f"  {setting['name']}: ")
    return input(f"  {setting['name']} (such as {setting['example']}): ").strip()


def say_what_is_left(project: dict[str, Any]) -> None:
    """What only a person can decide."""
    print("  Whoever may merge decides what production is built from. To ask for approvals takes GitLab Premium: Settings, Merge requests.")
    if project.get("issues_access_level") == "disabled":
        print("! Issues are off, so nobody is told of a sweep that fails. Turn them on: Settings, General, Visibility.")
    if project.get("forked_from_project"):
        print("  This project is a fork: its merge requests are those that were opened against it, and the sweep asks for those alone.")


def step(what: str, apply: bool) -> None:
    print(("* " if apply else "  to do: ") + what, flush=True)


def say(what: str) -> int:
    print(what)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
